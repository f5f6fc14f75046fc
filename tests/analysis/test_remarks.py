"""Remarks: what they say, and that they say nothing without a number beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.remarks import interpret_once, occlusion_remarks, prediction_remarks
from reportgen.analysis.remarks.words import tell_together
from reportgen.report.remark import Remark

DECIMAL = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")


def all_remarks(cases):
    return (*prediction_remarks(cases), *occlusion_remarks(cases))


@pytest.fixture(scope="module")
def pair(make_case):
    return make_case("NORMAL"), make_case("PNEUMONIA", score=0.9)


# ---- numbers


def test_no_remark_without_numbers(pair):
    for one in all_remarks(pair):
        assert one.numbers, one.text
        assert all(np.isfinite(value) for value in one.numbers.values())


def test_the_measures_in_a_text_are_its_numbers(pair):
    for one in all_remarks(pair):
        for text in DECIMAL.findall(one.text):
            places = len(text.partition(".")[2].partition("e")[0])
            close = [abs(abs(value) - abs(float(text))) <= 0.51 * 10**-places for value in one.numbers.values()]
            assert any(close) or text in ("0.250",), f"{text} is not among {one.numbers}: {one.text}"


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
    assert found.interpretation == "Where covering changes most need not be where a finding is."
    assert (found.section, found.layer) == ("occlusion", None)


def test_a_patch_that_raises_the_score(make_case):
    (found,) = occlusion_remarks([make_case(score=0.25, grid=((0.25, 0.25, 0.875), (0.25, 0.25, 0.25)))])
    assert "raises the evidence most at the upper right of the picture (row 0, column 18)" in found.text
    # from odds of 1/3 to odds of 7: 21 times
    assert "by 4.392 bits: the score goes from 0.250 to 0.875" in found.text
    assert found.numbers["strongest_importance"] == pytest.approx(-np.log2(21))


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
    assert found.interpretation == "Where covering changes most need not be where a finding is."


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


def test_positions_without_a_number_are_warned_of_and_left_out(make_case):
    nan = float("nan")
    lost, said = occlusion_remarks([make_case(grid=((0.75, nan, 0.75), (nan, 0.25, 0.5)))])
    assert (lost.kind, lost.warning) == ("not_finite", True)
    assert lost.text == "NORMAL: at 2 of 6 positions of the patch the score is not a number; they are left out."
    assert "Over 6 positions the score lies between 0.250 and 0.750." in said.text
    (alone,) = occlusion_remarks([make_case(grid=((nan,) * 3,) * 2)])
    assert "at all 6 positions" in alone.text


def test_scores_alike_to_three_places_are_not_given_as_a_change(make_case):
    # from odds of 2^20 to 2^16: the scores are 1.000 both
    scores = (1 / (1 + 2**-20), 1 / (1 + 2**-16))
    grid = ((scores[0],) * 3, (scores[0], scores[1], scores[0]))
    (found,) = occlusion_remarks([make_case("A", score=scores[0], grid=grid)])
    assert found.text.endswith("by 4.000 bits; to three places the score stays 1.000.")


# ---- several at once


def test_what_holds_of_several_cases_is_said_once():
    told = [("A", ["One.", "Two."]), ("B", ["Three.", "Two."]), ("C", ["One.", "Two."]), ("D", [])]
    assert tell_together(told) == [("B", ["Three."]), ("A and C", ["One."]), ("A, B and C", ["Two."])]


def test_a_reading_stands_with_the_last_that_it_belongs_to_and_with_every_warning():
    def remark(interpretation, **more):
        return Remark(section="s", kind="k", text="t", interpretation=interpretation, **more)

    told = [remark("a"), remark("b"), remark("a"), remark("a", target=1), remark("a", warning=True), remark("")]
    assert [one.interpretation for one in interpret_once(told)] == ["", "b", "a", "a", "a", ""]
