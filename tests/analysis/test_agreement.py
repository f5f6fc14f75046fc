"""How far scans agree, on maps whose agreement is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.agreement import agreement_remarks, measure_agreement


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
    (remark,) = agreement_remarks([case])
    assert sentence in remark.text
    assert (remark.kind, remark.warning) == ("fills" if warns else "agreement", warns)
    assert bool(remark.interpretation) == (situation != "equal")
    for other in set(ALL) - {sentence}:
        assert other not in remark.text


def test_the_share_that_all_count_among_their_strongest(make_case):
    case = with_scans(make_case(), [RISING, RISING], ["mean", "blur"], [PATCH, PATCH])
    # the last of six positions: a sixth of the pixels, the whole of a fifth that can be told apart
    assert measure_agreement(case.occlusion).shared == pytest.approx(1 / 6)
    apart = with_scans(make_case(), [RISING, FALLING], ["mean", "blur"], [PATCH, PATCH])
    assert measure_agreement(apart.occlusion).shared == 0
    against = measure_agreement(case.occlusion, -1)
    assert against.shared == pytest.approx(1 / 6)


def test_sizes(make_case):
    case = with_scans(make_case(), [RISING, RISING, FALLING], ["mean"] * 3, [PATCH, (10, 12), (10, 11)])
    found = measure_agreement(case.occlusion)
    assert found.fills is None
    assert found.sizes[0] == (10, 11)
    assert found.sizes[1] < -0.9
    (remark,) = agreement_remarks([case])
    assert "of the sizes, 10 x 11 pixels points elsewhere than the others" in remark.text
    assert not remark.warning


def test_one_scan_agrees_with_nothing(make_case):
    assert agreement_remarks([make_case(), make_case(grid=None)]) == ()
