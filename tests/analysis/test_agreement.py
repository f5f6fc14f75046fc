"""How far scans agree, on maps whose agreement is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.agreement import agreed_pixels, agreement_remarks, connected_parts, measure_agreement
from reportgen.report.grid_shift import GridShift
from reportgen.report.report import Prediction


def with_scans(case, grids, fills, patches):
    """Give a case one scan for each grid of evidence, 2 x 3 positions that tile 20 x 30 pixels."""
    found = case.occlusion
    scans = tuple(
        replace(
            found.scans[0], fill=fill, patch=patch, column_starts=(0, 10, 20) if patch == (10, 10) else (0, 9, 18),
            evidence=tuple(map(tuple, (found.base_evidence - np.asarray(grid, float)).tolist())),
        )
        for grid, fill, patch in zip(grids, fills, patches, strict=True)
    )  # fmt: skip
    weights = (1 / len(scans),) * len(scans)
    return replace(case, occlusion=replace(found, scans=scans, weights=weights))


def remark_of(case, *kinds):
    (found,) = [remark for remark in agreement_remarks([case]) if remark.kind in kinds]
    return found


RISING, FALLING, OTHER = [[1, 2, 3], [4, 5, 6]], [[6, 5, 4], [3, 2, 1]], [[3, 6, 1], [2, 4, 5]]
PATCH = (10, 10)
SITUATIONS = {
    "equal": (RISING, 1.0, "agree (rank correlation 1.00)", False),
    "opposed": (FALLING, -1.0, "rank the pixels the other way round (rank correlation -1.00)", True),
    "unrelated": (OTHER, None, "hardly agree", False),
}
ALL = [told for *_, told, _ in SITUATIONS.values()]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_fills(situation, make_case):
    grid, correlation, sentence, warns = SITUATIONS[situation]
    case = with_scans(make_case(), [RISING, grid], ["mean", "blur"], [PATCH, PATCH])
    found = measure_agreement(case.occlusion)
    assert found.fills[:2] == ("mean", "blur")
    assert found.sizes is None
    # each position is as many pixels as any other: ranks of positions, ties within
    assert found.fills[2] == pytest.approx(np.corrcoef(np.ravel(RISING), np.ravel(grid))[0, 1])
    if correlation is not None:
        assert found.fills[2] == pytest.approx(correlation)
    remark = remark_of(case, "agreement", "fills")
    assert sentence in remark.text
    assert (remark.kind, remark.warning) == ("fills" if warns else "agreement", warns)
    assert bool(remark.interpretation) == (situation != "equal")
    for other in set(ALL) - {sentence}:
        assert other not in remark.text


def test_the_share_that_all_count_among_their_strongest(make_case):
    case = with_scans(make_case(), [RISING, RISING], ["mean", "blur"], [PATCH, PATCH])
    # the last of six positions: a sixth of the pixels, the whole of a fifth that can be told apart
    right = np.zeros((20, 30), bool)
    right[10:, 20:] = True
    np.testing.assert_array_equal(agreed_pixels(case.occlusion, 1), right)
    assert remark_of(case, "agreed").text == (
        "NORMAL: 16.7 % of the image is among the strongest fifth of all 2 scans, of what speaks for PNEUMONIA: at the "
        "lower right of the picture."
    )
    # where it speaks against the class: nothing does
    assert not agreed_pixels(case.occlusion, -1).any()
    lowered = with_scans(make_case(), [-np.array(RISING), -np.array(RISING)], ["mean", "blur"], [PATCH, PATCH])
    np.testing.assert_array_equal(agreed_pixels(lowered.occlusion, -1), right)


def test_nothing_is_agreed_on(make_case):
    case = with_scans(make_case(), [RISING, FALLING], ["mean", "blur"], [PATCH, PATCH])
    assert not agreed_pixels(case.occlusion, 1).any()
    remark = remark_of(case, "agreed")
    assert remark.text.startswith("NORMAL: No place is among the strongest fifth of all 2 scans")
    assert "read no single place" in remark.interpretation


def test_two_places_are_both_named(make_case):
    grid = [[6, 1, 2], [2, 1, 6]]
    text = remark_of(with_scans(make_case(), [grid, grid], ["mean", "blur"], [PATCH] * 2), "agreed").text
    # a third of the image is as strong as the last of the fifth, so nothing is stronger
    assert "No place" in text
    grid = [[6, *[1] * 8], [*[1] * 8, 6]]
    case = with_scans(make_case(), [RISING, RISING], ["mean", "blur"], [PATCH] * 2)
    wide = replace(
        case.occlusion, size=(20, 90), scans=tuple(
            replace(scan, column_starts=tuple(range(0, 90, 10)), scores=tuple(map(tuple, grid)), evidence=tuple(
                tuple(case.occlusion.base_evidence - value for value in line) for line in grid
            )) for scan in case.occlusion.scans
        ),
    )  # fmt: skip
    text = remark_of(replace(case, occlusion=wide), "agreed").text
    assert "at the upper left (5.6 %) and lower right (5.6 %) of the picture" in text


def test_an_even_map_is_not_compared(make_case):
    flat = [[0, 0, 0], [0, 0, 0]]
    case = with_scans(make_case(), [flat, flat], ["mean", "blur"], [PATCH, PATCH])
    even = replace(case.occlusion, importance_minimum=0.0, importance_maximum=0.0)
    assert agreed_pixels(even, 1) is None
    assert agreement_remarks([replace(case, occlusion=even)]) == ()


def test_parts_hang_together_by_sides():
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 1]], bool)
    parts = sorted(sorted(map(tuple, part.tolist())) for part in connected_parts(mask))
    assert parts == [[(0, 0), (0, 1)], [(1, 2), (2, 2), (2, 3)], [(2, 0)]]


def test_the_shift_is_told_with_the_range_of_the_map(make_case):
    case = with_scans(make_case(), [RISING, RISING], ["mean", "blur"], [PATCH, PATCH])
    shift = GridShift(median=0.1, largest=0.4, correlation=0.9, grids=4)
    remark = remark_of(replace(case, grid_shift=shift), "shift")
    assert "twice the step, shifted by half of it" in remark.text
    assert "0.100 bits in the median, 0.400 bits at most" in remark.text
    assert not remark.interpretation
    rough = replace(shift, correlation=0.5, grids=2, scanned=True)
    remark = remark_of(replace(case, grid_shift=rough), "shift")
    assert "Scanned again on a grid shifted by half a step" in remark.text
    assert "(rank correlation 0.50)" in remark.text
    assert "broad shapes" in remark.interpretation


def test_sizes(make_case):
    case = with_scans(make_case(), [RISING, RISING, FALLING], ["mean"] * 3, [PATCH, (10, 12), (10, 11)])
    found = measure_agreement(case.occlusion)
    assert found.fills is None
    assert found.sizes[0] == (10, 11)
    assert found.sizes[1] < -0.9
    remark = remark_of(case, "agreement")
    assert "f the sizes, 10 x 11 pixels points elsewhere than the others" in remark.text
    assert not remark.warning


def test_one_scan_agrees_with_nothing(make_case):
    assert agreement_remarks([make_case(), make_case(grid=None)]) == ()


def test_what_counts_is_what_speaks_for_what_the_model_says_with_or_without_a_test(make_case):
    """Where the model says another class, that is the map's other end, also when the map was not put to the test."""
    case = with_scans(make_case(), [RISING, RISING], ["mean", "blur"], [PATCH, PATCH])
    assert case.map_test is None
    target = case.occlusion.target_class
    said = replace(case, predictions=(Prediction(class_name=target, score=0.9), Prediction(class_name="X", score=0.1)))
    assert f"of what speaks for {target}" in remark_of(said, "agreed").text
    other = replace(case, predictions=said.predictions[::-1])
    assert other.evidence_by_class[0].supports_target is False
    assert "of what speaks for X" in remark_of(other, "agreed").text
    many = replace(other, predictions=(*other.predictions, Prediction(class_name="Y", score=0.0)))
    assert f"of what speaks for not {target}" in remark_of(many, "agreed").text
