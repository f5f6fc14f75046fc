"""Measures of a case's map: against hand-computed values on a model whose answer is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from reportgen import build_report, image_from_array
from reportgen.analysis import measures
from reportgen.analysis.measures import localisation, tiled_total
from reportgen.analysis.robustness import NOISE, noisy, sensitivity
from reportgen.images.cases import Case
from reportgen.report.measures import CLASSES, Measure, missing, side_by_side, why_missing

TABLES = {
    "preprocessing": {"mode": "none"}, "model": {"head": "regression"}, "layers": {"deciding": False},
    "occlusion": {"patch": [[4, 6], [8, 12]], "fill": ["mean", "blur"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def summing_model():
    """(16, 24, 1) -> the sum of all pixels: what patches cost adds up."""
    import keras
    from keras import layers

    model = keras.Sequential([layers.Input((16, 24, 1)), layers.Flatten(), layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((16 * 24, 1), np.float32)])
    return model


@pytest.fixture(scope="module")
def saturated_model():
    """(16, 24, 1) -> the largest pixel of all: covering one of two bright places costs nothing."""
    import keras
    from keras import layers

    entry = layers.Input((16, 24, 1))
    return keras.Model(entry, layers.GlobalMaxPooling2D()(entry))


def case_of(pixels):
    return Case("A", image_from_array(pixels.astype(np.uint8)), "a.png")


def values(report, number=0):
    return {one.name: one.value for one in report.cases[number].measures}


def test_what_adds_up_has_no_gap(summing_model):
    pixels = np.zeros((16, 24))
    pixels[4:8, 6:12] = 100
    tiles = {"patch": [4, 6], "stride": [4, 6], "fill": "blur"}
    report = build_report(summing_model, [case_of(pixels)], {**TABLES, "occlusion": tiles})
    (gap,) = [one for one in report.cases[0].measures if one.name == "completeness gap"]
    assert gap.value == pytest.approx(0, abs=0.01)
    assert "4 x 6 pixels" in gap.meaning


def test_a_tiling_costs_the_sum_of_its_patches(make_case):
    found = make_case("A").occlusion
    scan = replace(
        found.scans[0], patch=(10, 10), row_starts=(0, 10), column_starts=(0, 10, 20),
        evidence=((0.0, 1.0, 2.0), (3.0, 4.0, 5.0)),
    )  # fmt: skip
    assert tiled_total(scan, replace(found, base_evidence=6.0)) == pytest.approx(6 + 5 + 4 + 3 + 2 + 1)


@pytest.mark.parametrize("model", ["small_model", "nested_model"])
def test_covering_everything_costs_the_same_however_it_is_found(model, cases, request, monkeypatch):
    tables = {"preprocessing": {"mode": "scale", "factor": 1 / 255}, "layers": {"deciding": False}}
    model = request.getfixturevalue(model)
    first = [values(build_report(model, cases, tables), number) for number in (0, 1)]
    monkeypatch.setattr(measures, "_blurring_costs", lambda run, scan: None)
    other = [values(build_report(model, cases, tables), number) for number in (0, 1)]
    for one, again in zip(first, other, strict=True):
        assert one["completeness gap"] == pytest.approx(again["completeness gap"], abs=1e-4)


def test_what_is_there_twice_has_a_gap(saturated_model):
    pixels = np.zeros((16, 24))
    pixels[4, 6] = pixels[12, 18] = 200
    report = build_report(saturated_model, [case_of(pixels)], TABLES)
    gap = next(one for one in report.cases[0].measures if one.name == "completeness gap")
    assert gap.value < -100
    assert gap.note.startswith("0.000 one by one")


def test_of_an_image_that_is_the_same_everywhere_nothing_is_told(summing_model):
    flags = {**TABLES["occlusion"], "robustness": True, "sanity": True}
    report = build_report(summing_model, [case_of(np.full((16, 24), 90))], {**TABLES, "occlusion": flags})
    assert report.cases[0].measures == ()
    (told,) = [remark for remark in report.remarks if remark.kind == "sanity"]
    assert "tells nothing" in told.text
    assert not told.warning


def test_without_flags_nothing_is_scanned_again(summing_model):
    pixels = np.arange(16 * 24).reshape(16, 24) / 3
    report = build_report(summing_model, [case_of(pixels)], TABLES)
    assert missing([case.measures for case in report.cases]) == ("localisation", "randomisation")
    flags = {**TABLES["occlusion"], "robustness": True, "sanity": True}
    report = build_report(summing_model, [case_of(pixels)], {**TABLES, "occlusion": flags})
    assert missing([case.measures for case in report.cases]) == ("localisation",)
    assert values(report)["rank correlation"] == report.cases[0].sanity.correlation[-1]
    assert 0 < values(report)["average sensitivity"] < 1
    off = {**TABLES["occlusion"], "test": False}
    assert build_report(summing_model, [case_of(pixels)], {**TABLES, "occlusion": off}).cases[0].measures == ()


def test_sensitivity_is_the_mean_change_over_the_size():
    one = np.array([[3.0, 4.0], [0.0, np.nan]])
    others = [one + np.array([[0, 0], [5, 0]]), one.copy()]
    assert sensitivity(one, others) == pytest.approx((5 + 0) / 2 / 5)
    assert np.isnan(sensitivity(np.zeros((2, 2)), [np.ones((2, 2))]))


def test_noise_is_small_and_the_same_each_time():
    image = np.full((40, 60, 1), 128, np.uint8)
    noise = noisy(image, 0) - 128
    assert noise.std() == pytest.approx(NOISE, rel=0.05)
    np.testing.assert_array_equal(noisy(image, 0), noisy(image, 0))
    assert not np.array_equal(noisy(image, 0), noisy(image, 1))
    assert noisy(np.full((40, 60, 1), 255, np.uint8), 0).max() == 255


@dataclass(frozen=True)
class Region:
    name: str
    auc: float


def test_known_regions_have_their_place():
    found = localisation([Region("lungs", 0.75), Region("heart", float("nan"))])
    assert [(one.kind, one.name, one.value) for one in found] == [("localisation", "AUC of lungs", 0.75)]


def test_cases_stand_beside_each_other_class_by_class():
    def of(kind, name, value):
        return Measure(kind=kind, name=name, value=value, good="", meaning="")

    one = (of("axioms", "gap", 1), of("complexity", "entropy", 2))
    other = (of("faithfulness", "margin", 3), of("axioms", "gap", 4))
    found = [(first.name, [each and each.value for each in row]) for first, row in side_by_side([one, other])]
    assert found == [("margin", [None, 3]), ("entropy", [2, None]), ("gap", [1, 4])]
    assert missing([one, other]) == ("robustness", "localisation", "randomisation")
    assert side_by_side([(), ()]) == ()
    assert why_missing("robustness", ["test"]) == "--robustness"
    assert why_missing("randomisation", []) == "--sanity"
    assert why_missing("randomisation", ["sanity"]) == "nothing in the map differs by more than rounding"
    assert why_missing("faithfulness", []) == "the map was not tested"
    assert why_missing("localisation", []) == "no region is known"
    assert set(CLASSES) == {"faithfulness", "robustness", "localisation", "complexity", "randomisation", "axioms"}
