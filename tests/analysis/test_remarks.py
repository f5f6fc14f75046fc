"""Remarks: what they say, and that they say nothing without a number beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.channels import reference_of
from reportgen.analysis.remarks import depth_remarks, layer_remarks, occlusion_remarks, prediction_remarks

DECIMAL = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")
NAMES = ["one", "two"]


@pytest.fixture(scope="module")
def reference(picture):
    return reference_of(picture)


@pytest.fixture(scope="module")
def noise(reference):
    return np.random.default_rng(11).normal(0, 30, (*reference.brightness.shape, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def pair(make_case, measured, reference, noise):
    """Two cases with two layers: maps of known kind first, noise after; a channel that is dead in one case."""
    known = np.stack(
        [reference.edges, -reference.brightness, reference.brightness, np.zeros_like(reference.edges), noise[..., 0]],
        axis=-1,
    )
    other = np.stack(
        [noise[..., 1], -reference.brightness, reference.edges + 100, noise[..., 2] + 9, noise[..., 3]], axis=-1
    )
    return (
        make_case("NORMAL", layers=(measured(known, "one"), measured(noise[..., :6], "two"))),
        make_case("PNEUMONIA", layers=(measured(other, "one"), measured(noise[..., 6:], "two")), score=0.9),
    )


def all_remarks(cases):
    return (
        *prediction_remarks(cases), *occlusion_remarks(cases), *depth_remarks(cases), *layer_remarks(cases, NAMES),
    )  # fmt: skip


def remark(remarks, kind, layer=None):
    (found,) = [one for one in remarks if (one.kind, one.layer) == (kind, layer)]
    return found


# ---- numbers


def test_no_remark_without_numbers(pair):
    remarks = all_remarks(pair)
    assert len(remarks) > 10
    for one in remarks:
        assert one.numbers, one.text
        assert all(np.isfinite(value) for value in one.numbers.values())


def test_the_measures_in_a_text_are_its_numbers(pair):
    """Every number with a decimal point, but the 0.5 that is the limit for "follows", stands among the numbers."""
    for one in all_remarks(pair):
        said = one.text.replace("at least 0.5)", "").replace("at most -0.5)", "")
        for text in DECIMAL.findall(said):
            places = len(text.partition(".")[2].partition("e")[0])
            close = [abs(abs(value) - abs(float(text))) <= 0.51 * 10**-places for value in one.numbers.values()]
            assert any(close), f"{text} is not among {one.numbers}: {one.text}"


def test_the_counts_in_a_text_are_its_numbers(pair):
    for one in layer_remarks(pair, NAMES):
        if one.kind in ("edges", "negatives", "dead"):
            counted = [int(count) for count in re.findall(r"(\d+) of \d+", one.text)]
            key = "dead" if one.kind == "dead" else "count"
            assert counted == [one.numbers[f"{title} {key}"] for title in ("NORMAL", "PNEUMONIA")]


# ---- predictions


def test_predictions_by_hand(make_case):
    cases = [make_case("A", score=0.75, correct=True), make_case(None, score=0.5, correct=None)]
    (found,) = prediction_remarks(cases)
    assert found.text == (
        "Predicted: A: PNEUMONIA (0.750) and file.png: PNEUMONIA (0.500). 1 of 1 labelled case predicted as labelled."
    )
    assert found.numbers == {"A": 0.75, "file.png": 0.5}
    assert found.section == "predictions"


def test_wrong_predictions_are_counted(make_case):
    cases = [make_case("A", correct=True), make_case("B", correct=False), make_case("C", correct=False)]
    assert prediction_remarks(cases)[0].text.endswith("1 of 3 labelled cases predicted as labelled.")


def test_nothing_is_counted_without_labels(make_case):
    assert "labelled" not in prediction_remarks([make_case(None, correct=None)])[0].text


# ---- occlusion


def test_occlusion_by_hand(make_case):
    (found,) = occlusion_remarks([make_case("NORMAL", score=0.75)])
    # the strongest position is row 1, column 1: pixels 10 down, 9 across; its middle (15, 15) of 20 x 30
    # odds of 3 and of 1/3: log2 3 = 1.585 bits above and below none
    assert found.text == (
        "NORMAL: the score for PNEUMONIA is 0.750, its evidence 1.585 bits. Covering 10 x 12 pixels lowers the "
        "evidence most at the lower centre of the picture (row 10, column 9), by 3.170 bits: the score goes from 0.750 "
        "to 0.250. Over 6 positions the score lies between 0.250 and 0.750."
    )
    assert dict(found.numbers) == {
        "base_score": 0.75, "base_evidence": pytest.approx(np.log2(3)),
        "strongest_importance": pytest.approx(2 * np.log2(3)),
        "share_of_score": pytest.approx(2 * np.log2(3) / 0.75), "lowest_score": 0.25, "highest_score": 0.75,
    }  # fmt: skip
    assert "leans on" in found.interpretation
    assert (found.section, found.layer) == ("occlusion", None)


def test_a_patch_that_raises_the_score(make_case):
    (found,) = occlusion_remarks([make_case(score=0.25, grid=((0.25, 0.25, 0.875), (0.25, 0.25, 0.25)))])
    assert "raises the evidence most at the upper right of the picture (row 0, column 18)" in found.text
    # from odds of 1/3 to odds of 7: 21 times
    assert "by 4.392 bits: the score goes from 0.250 to 0.875" in found.text
    assert found.numbers["strongest_importance"] == pytest.approx(-np.log2(21))
    assert "is held down by" in found.interpretation


@pytest.mark.parametrize(
    ("row", "column", "place"),
    [(0, 0, "upper left"), (0, 1, "upper centre"), (1, 0, "lower left"), (1, 2, "lower right")],
)
def test_where_it_is_said_to_be(make_case, row, column, place):
    grid = np.full((2, 3), 0.75)
    grid[row, column] = 0.5
    (found,) = occlusion_remarks([make_case(grid=tuple(map(tuple, grid.tolist())))])
    assert f"at the {place} of the picture (row {10 * row}, column {9 * column})" in found.text


def test_scores_that_hardly_change_are_said_to_rest_on_no_patch(make_case):
    grid = ((0.75, 0.75, 0.749), (0.75, 0.751, 0.75))
    (found,) = occlusion_remarks([make_case(grid=grid)])
    assert found.interpretation.startswith("No single patch of this size matters much")


def test_a_score_that_hardly_moves_may_rest_on_a_patch_all_the_same(make_case):
    # from 0.9999 to 0.999: the score falls by 0.0009, the odds ten times
    (found,) = occlusion_remarks([make_case(score=0.9999, grid=((0.9999, 0.9999, 0.9999), (0.999, 0.9999, 0.9999)))])
    assert "by 3.323 bits" in found.text
    assert "leans on" in found.interpretation


def test_a_number_that_is_no_score_has_no_bits(make_case):
    case = make_case(score=0.75)
    plain = replace(case.occlusion, unit="output", strongest=replace(case.occlusion.strongest, importance=0.5))
    (found,) = occlusion_remarks([replace(case, occlusion=plain)], regression=True)
    assert "bits" not in found.text
    assert "lowers it most at the lower centre of the picture (row 10, column 9), from 0.750 to 0.250" in found.text


def test_what_limits_the_evidence_is_said(make_case):
    case = make_case(score=0.75)
    noted = replace(case, occlusion=replace(case.occlusion, notes=("Scores alone.",)))
    _, said = occlusion_remarks([noted])
    assert (said.kind, said.text, said.warning) == ("evidence", "NORMAL: Scores alone.", True)


def test_no_scan_no_remark(make_case):
    assert occlusion_remarks([make_case(grid=None), make_case(grid=None)]) == ()
    assert len(occlusion_remarks([make_case(grid=None), make_case()])) == 1


# ---- layers


def test_edges_and_negatives_are_counted(pair):
    remarks = layer_remarks(pair, NAMES)
    for kind, measure, extreme in (("edges", "edge_correlation", max), ("negatives", "input_correlation", min)):
        found = remark(remarks, kind, "one")
        for case in pair:
            values = [v for v in getattr(case.layers[0].statistics, measure) if v is not None]
            hits = sum(v >= 0.5 for v in values) if kind == "edges" else sum(v <= -0.5 for v in values)
            assert hits >= 1
            assert found.numbers[f"{case.title} count"] == hits
            assert found.numbers[f"{case.title} median"] == pytest.approx(np.median(values))
            assert found.numbers[f"{case.title} extreme"] == extreme(values)
        assert found.interpretation
    assert "channel 0: +1.00" in remark(remarks, "edges", "one").text
    assert "channel 1: -1.00" in remark(remarks, "negatives", "one").text


def test_noise_is_not_read_as_edges(pair):
    found = remark(layer_remarks(pair, NAMES), "edges", "two")
    assert (found.numbers["NORMAL count"], found.numbers["PNEUMONIA count"]) == (0, 0)
    assert found.interpretation == ""


def test_dead_channels_are_listed(pair):
    found = remark(layer_remarks(pair, NAMES), "dead", "one")
    assert found.text == "Dead channels (all values equal): NORMAL 1 of 5 (3) and PNEUMONIA 0 of 5."
    assert found.numbers == {"NORMAL dead": 1, "PNEUMONIA dead": 0}


def test_many_dead_channels_are_listed_in_part(make_case, measured):
    case = make_case(layers=(measured(np.zeros((6, 9, 14), np.float32), "one"),))
    found = remark(layer_remarks([case], ["one"]), "dead", "one")
    assert "14 of 14 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...)" in found.text


def test_channels_that_are_not_numbers_are_listed_and_compared_with_nothing(make_case, measured, noise):
    lost = noise[..., :3].copy()
    lost[..., 1] = np.nan
    cases = [make_case("NORMAL", layers=(measured(lost, "one"),)), make_case(layers=(measured(noise[..., :3], "one"),))]
    said = layer_remarks(cases, ["one"])
    found = remark(said, "not_finite", "one")
    assert "NORMAL 1 of 3 (1) and NORMAL 0 of 3." in found.text
    assert said[0] is found
    assert "over the 2 channels that are numbers in both" in remark(said, "difference", "one").text
    assert not [one for one in said if re.search(r"\b(nan|inf)\b", one.text) or one.kind == "dead"]


def test_a_layer_without_numbers_is_compared_with_none(make_case, measured, noise):
    lost = np.full_like(noise[..., :3], np.inf)
    cases = [make_case("NORMAL", layers=(measured(lost, "one"),)), make_case(layers=(measured(noise[..., :3], "one"),))]
    kinds = [one.kind for one in layer_remarks(cases, ["one"])]
    assert kinds[0] == "not_finite"
    assert "difference" not in kinds


def test_positions_without_a_number_are_warned_of_and_left_out(make_case):
    nan = float("nan")
    lost, said = occlusion_remarks([make_case(grid=((0.75, nan, 0.75), (nan, 0.25, 0.5)))])
    assert (lost.kind, lost.warning) == ("not_finite", True)
    assert lost.text == "NORMAL: at 2 of 6 positions of the patch the score is not a number; they are left out."
    assert "Over 6 positions the score lies between 0.250 and 0.750." in said.text
    (alone,) = occlusion_remarks([make_case(grid=((nan,) * 3,) * 2)])
    assert "at all 6 positions" in alone.text


def test_nothing_is_said_of_dead_channels_where_none_is(pair):
    assert not [one for one in layer_remarks(pair, NAMES) if one.kind == "dead" and one.layer == "two"]


def test_a_layer_of_dead_channels_is_only_called_dead(make_case, measured):
    case = make_case(layers=(measured(np.zeros((6, 9, 2), np.float32), "one"),))
    assert [one.kind for one in layer_remarks([case], ["one"])] == ["dead"]


def test_contrast_and_sharpness_by_hand(make_case, measured, reference):
    """Scaling and turning brightness over changes neither; noise is sharper than any image."""
    kept = measured(np.stack([reference.brightness, -3 * reference.brightness], axis=-1), "one")
    remarks = layer_remarks([make_case(layers=(kept,))], ["one"])
    assert remark(remarks, "contrast", "one").numbers["NORMAL median"] == pytest.approx(1, rel=1e-5)
    assert "NORMAL 1.00" in remark(remarks, "contrast", "one").text
    assert "contrast is kept" in remark(remarks, "contrast", "one").interpretation
    assert "about as sharp" in remark(remarks, "sharpness", "one").interpretation


def test_fuzzier_and_sharper_maps(make_case, measured, reference, noise):
    y, x = np.mgrid[0:24, 0:36]
    smooth = measured((x + y).astype(np.float32)[..., None], "one")
    grainy = measured(noise[..., :1], "one")
    for layer, word in ((smooth, "fuzzier"), (grainy, "sharper")):
        assert word in remark(layer_remarks([make_case(layers=(layer,))], ["one"]), "sharpness", "one").interpretation
    both = [make_case("A", layers=(smooth,)), make_case("B", layers=(grainy,))]
    assert remark(layer_remarks(both, ["one"]), "sharpness", "one").interpretation == ""


def test_every_further_case_is_compared_with_the_first(make_case, pair):
    three = [*pair, make_case("THIRD", layers=pair[0].layers)]
    texts = [one.text for one in layer_remarks(three, NAMES) if one.kind == "difference" and one.layer == "one"]
    assert [text.split(":")[0] for text in texts] == ["PNEUMONIA against NORMAL", "THIRD against NORMAL"]


def test_one_case_is_compared_with_none(pair):
    assert not [one for one in layer_remarks(pair[:1], NAMES) if one.kind == "difference"]


def test_difference_compares_the_means(pair):
    found = remark(layer_remarks(pair, NAMES), "difference", "one")
    means = [np.mean(case.layers[0].statistics.mean) for case in pair]
    assert found.numbers["first_mean"] == pytest.approx(means[0])
    assert found.numbers["second_mean"] == pytest.approx(means[1])


# ---- depth


def test_depth_compares_the_first_layer_with_the_last(pair):
    remarks = depth_remarks(pair)
    assert [one.kind for one in remarks] == ["edges_by_depth", "likeness_by_depth"]
    for one, measure in zip(remarks, ("edge_correlation", "input_correlation"), strict=True):
        for case in pair:
            for name, layer in (("first", case.layers[0]), ("last", case.layers[-1])):
                values = [abs(v) for v in getattr(layer.statistics, measure) if v is not None]
                assert one.numbers[f"{case.title} {name}"] == pytest.approx(np.median(values))
    assert "more abstract" in remarks[1].interpretation


def test_no_fall_is_claimed_where_there_is_none(make_case, measured, reference, noise):
    plain = measured(reference.brightness[..., None], "two")
    case = make_case(layers=(measured(noise, "one"), plain))
    for one in depth_remarks([case]):
        assert one.interpretation == ""


def test_layers_without_a_measure_are_passed_over(make_case, measured, noise):
    dead = measured(np.zeros((6, 9, 2), np.float32), "dead")
    case = make_case(layers=(dead, measured(noise, "one"), measured(noise[:9], "two"), dead))
    text = depth_remarks([case])[0].text
    assert "in one," in text
    assert "in two." in text


def test_one_measured_layer_has_no_depth(make_case, measured, noise):
    assert depth_remarks([make_case(layers=(measured(noise, "one"),))]) == ()
    assert depth_remarks([make_case(layers=())]) == ()
