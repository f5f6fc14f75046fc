"""Maps against known regions: shares by hand, ranks against scikit-learn and a plain loop, and the sentences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from reportgen import Case, build_report, image_from_array, read_report
from reportgen.analysis.known_regions import border_of, points_into, rank_against, region_remarks, share_inside
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.integrity import flaw
from reportgen.report.evidence import BITS
from reportgen.report.known_regions import EvidenceShare, KnownRegion, KnownRegions
from reportgen.report.maptest import BLUR, MapTest, TestCurves
from reportgen.settings.file import settings_from

IMPORTANCE = np.array([[4.0, -3.0, 1.0], [0.0, 2.0, np.nan]])
MASK = np.array([[True, True, False], [True, False, False]])


def test_shares_by_hand():
    found = share_inside(IMPORTANCE, MASK)
    assert (found.area, found.evidence) == (0.5, pytest.approx(4 / 7))
    assert found.times == pytest.approx(8 / 7)
    assert math.isnan(share_inside(-np.ones((2, 3)), MASK).evidence)
    assert math.isnan(share_inside(np.ones((2, 3)), np.zeros((2, 3), bool)).times)


def test_the_border_is_a_tenth_of_each_side():
    mask = border_of((20, 30))
    assert mask.sum() == 20 * 30 - 16 * 24
    assert not mask[2:18, 3:27].any()
    assert border_of((4, 7)).sum() == 4 * 7 - 2 * 5


@pytest.mark.parametrize(("column", "tolerance", "hit"), [(3, 0, True), (6, 2.9, False), (6, 3.0, True)])
def test_pointing_game(column, tolerance, hit):
    importance, mask = np.zeros((5, 9)), np.zeros((5, 9), bool)
    importance[2, column], mask[1:4, 1:4] = 1, True
    assert points_into(importance, mask, tolerance) is hit
    assert points_into(-importance, mask, tolerance) is None
    assert points_into(importance, np.zeros((5, 9), bool), tolerance) is None


@pytest.mark.parametrize("seed", range(4))
def test_ranks_are_those_of_scikit_learn_and_of_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    importance = random.integers(-3, 4, (7, 11)).astype(float)  # many ties
    mask = random.random((7, 11)) < 0.3
    auc, precision = rank_against(importance, mask)
    pairs = [(a > b) + 0.5 * (a == b) for a in importance[mask] for b in importance[~mask]]
    assert auc == pytest.approx(np.mean(pairs))
    assert auc == pytest.approx(metrics.roc_auc_score(mask.ravel(), importance.ravel()))
    assert precision == pytest.approx(metrics.average_precision_score(mask.ravel(), importance.ravel()))


def test_pixels_without_a_number_are_left_out():
    assert rank_against(IMPORTANCE, MASK)[0] == pytest.approx((2 + 0 + 0) / 6)
    assert all(map(math.isnan, rank_against(IMPORTANCE, np.zeros((2, 3), bool))))


def measured(area, evidence, name="lungs", border=0.3, unit="bits"):
    region = KnownRegion(
        name=name, inside=EvidenceShare(area=area, evidence=evidence), peak_inside=True, auc=0.7, average_precision=0.5,
        evidence_alone=1.0, evidence_without=2.0,
    )  # fmt: skip
    return KnownRegions(
        followed="CAT", unit=unit, evidence=3.0, evidence_blurred=0.5, border=EvidenceShare(area=0.36, evidence=border),
        tolerance=5.0, regions=(region,),
    )  # fmt: skip


SITUATIONS = {
    "chance": (measured(0.38, 0.41), "41 % lies inside lungs (38 % of the image: no more than chance)"),
    "more": (
        measured(0.2, 0.6),
        "Of the evidence for CAT, 60 % lies inside lungs (20 % of the image: 3.0 times",
    ),
    "nearly all": (measured(0.13, 0.996), "over 99 % lies inside lungs (13 % of the image: 7.7 times its area)"),
    "less": (measured(0.4, 0.1), "less than chance would put there"),
    "a number": (measured(0.2, 0.6, unit="output"), "Of what raises CAT, 60 % lies"),
    "no evidence": (measured(0.2, math.nan), "Nothing in the map speaks for CAT"),
    "cropped away": (measured(0.0, 0.0), "Nothing of lungs is in what the model gets"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_its_sentence(situation, make_case):
    found, sentence = SITUATIONS[situation]
    (remark,) = region_remarks([replace(make_case("CAT"), known_regions=found)])
    assert sentence in remark.text
    others = {other for name, (_, other) in SITUATIONS.items() if name not in (situation, "a number")}
    assert not any(other in remark.text for other in others)
    assert not remark.warning


@pytest.mark.parametrize(("evidence", "warned"), [(0.71, False), (0.73, True), (math.nan, False)])
def test_evidence_at_the_border_is_warned_of(evidence, warned, make_case):
    found = replace(measured(0.2, 0.6, border=evidence), regions=())
    remarks = region_remarks([replace(make_case("CAT"), known_regions=found)])
    assert [remark.warning for remark in remarks] == ([True] if warned else [])
    if warned:
        assert "The model looks at the border. 73 % of the evidence for CAT" in remarks[0].text
        assert "36 % of the image: 2.0 times its area" in remarks[0].text


@pytest.mark.parametrize(("below", "above", "warned"), [(8, 8, True), (8, 0, True), (0, 0, False)])
def test_of_a_map_that_is_not_to_be_read_no_border_is_told(below, above, warned, make_case):
    lower, higher, middle = (0.0, -1.0, -2.0), (0.0, 2.0, 3.0), (0.0, 1.0, 1.0)
    curves = TestCurves(
        baseline=BLUR, deletion=lower if below else higher, insertion=higher if above else lower,
        random_deletion=(middle,) * 8, random_insertion=(middle,) * 8,
    )  # fmt: skip
    shares = (0.0, 0.5, 1.0)
    test = MapTest(followed="CAT", supports_target=True, unit=BITS, shares=shares, block=(2, 2), curves=(curves,))
    case = replace(make_case("CAT"), known_regions=replace(measured(0.2, 0.6, border=0.9), regions=()), map_test=test)
    assert bool(region_remarks([case])) == warned


def reader_of(top, left, height, width):
    """Return a model of 40 x 60 images that scores how bright one part is: 1 / (1 + exp(4 - mean / 20))."""
    import keras

    inputs = keras.Input((40, 60, 1))
    part = keras.layers.Cropping2D(((top, 40 - top - height), (left, 60 - left - width)))(inputs)
    dense = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(part)))
    dense.set_weights([np.array([[0.05]], np.float32), np.array([-4.0], np.float32)])
    return model


TABLES = {"preprocessing": {"mode": "none"}, "model": {"class_names": ["NO", "YES"]}, "occlusion": {"test": False}}


@pytest.fixture(scope="module")
def scene():
    random = np.random.default_rng(3)
    waves = 90 + 30 * np.sin(np.arange(40)[:, None] / 5) + 20 * np.cos(np.arange(60)[None] / 7)
    pixels = np.clip(waves + random.normal(0, 5, (40, 60)), 0, 255).astype(np.uint8)
    pixels[:4, 1:6] = 250
    pixels[14:26, 20:40] = 200
    return pixels


HOSTILE = "<script>$x$"


@pytest.fixture(scope="module")
def corner(scene):
    masks = {HOSTILE: border_of((40, 60)), "middle": scene == 200}
    case = Case("YES", image_from_array(scene), "a", masks)
    return build_report(reader_of(0, 1, 4, 5), [case], settings_from(TABLES))


def test_a_model_that_looks_at_a_marker_in_the_corner_is_called_out(corner):
    (case,) = corner.cases
    assert case.known_regions.border.times > 2
    assert [remark.kind for remark in corner.remarks if "looks at the border" in remark.text] == ["border"]
    marked, middle = case.known_regions.regions
    assert marked.inside == case.known_regions.border
    assert (marked.peak_inside, middle.peak_inside) == (True, False)
    # the marker decides alone: with all but the middle blurred little is left, without the middle all
    assert marked.evidence_alone == pytest.approx(case.known_regions.evidence, abs=0.05)
    assert middle.evidence_without == pytest.approx(case.known_regions.evidence, abs=0.05)
    assert middle.evidence_alone == pytest.approx(case.known_regions.evidence_blurred, abs=0.05)


def test_a_model_that_looks_at_the_middle_is_not(scene):
    report = build_report(reader_of(14, 20, 12, 20), [Case("YES", image_from_array(scene), "a")], settings_from(TABLES))
    (found,) = [case.known_regions for case in report.cases]
    assert found.border.times < 1
    assert found.regions == ()
    assert math.isnan(found.evidence_blurred)
    assert not any(remark.kind in ("border", "known_regions") for remark in report.remarks)
    assert "Known regions" not in render_html(report)


def test_the_page_shows_them_and_escapes_their_names(corner):
    page = render_html(corner)
    assert '<h3 id="known-regions">Known regions</h3>' in page
    assert "&lt;script&gt;$x$" in page
    assert HOSTILE not in page
    assert corner.picture("case1-occlusion-known").alt.startswith(f"YES: outlines of {HOSTILE}, middle over the map")


def test_a_saved_report_keeps_them(corner, tmp_path):
    corner.save_html(tmp_path / "r.html")
    again = read_report(tmp_path / "r.html")
    assert again.cases[0].known_regions == corner.cases[0].known_regions
    assert render_html(again) == render_html(corner)


@pytest.mark.parametrize(
    "change",
    [
        {"border": EvidenceShare(area=1.5, evidence=0.1)}, {"border": EvidenceShare(area=math.nan, evidence=0.1)},
        {"border": EvidenceShare(area=0.3, evidence=-1.0)}, {"tolerance": math.inf}, {"double": 2}, {"auc": 2.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_saved_report_with_impossible_regions_is_refused(corner, change):
    (case,) = corner.cases
    found = case.known_regions
    assert flaw(corner) is None
    if "double" in change:
        found = replace(found, regions=found.regions * change["double"])
    elif "auc" in change:
        found = replace(found, regions=(replace(found.regions[0], auc=change["auc"]),))
    else:
        found = replace(found, **change)
    assert flaw(replace(corner, cases=(replace(case, known_regions=found),))) is not None
