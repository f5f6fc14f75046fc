"""Maps on shifted grids, against maps that are made pixel by pixel, and the scan that is run once more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen import build_report
from reportgen.analysis.grid_shift import range_over, shift_of_halves
from reportgen.analysis.occlusion.patches import Geometry, occlude, shifted_by_half
from reportgen.report.evidence import OcclusionMap, OcclusionScan, StrongestPatch


def make_map(rows, columns, patch, changes, size=(20, 30)):
    scan = OcclusionScan(
        patch=patch, stride=(3, 4), fill="mean", fill_colour=(0.0,), row_starts=rows, column_starts=columns,
        scores=tuple(map(tuple, changes.tolist())), evidence=tuple(map(tuple, (-changes).tolist())),
    )  # fmt: skip
    best = StrongestPatch(row=0, column=0, top=0, left=0, importance=1.0, score=0.5)
    return OcclusionMap(
        target_class="A", unit="bits", size=size, base_score=0.5, base_evidence=0.0, importance_minimum=0.0,
        importance_maximum=1.0, strongest=best, scans=(scan,), weights=(1.0,), engine="full",
    )  # fmt: skip


def slow_map(rows, columns, patch, change_at, size):
    """The mean over the patches that cover a pixel, patch by patch."""
    total, count = np.zeros(size), np.zeros(size)
    for row in rows:
        for column in columns:
            window = np.s_[row : row + patch[0], column : column + patch[1]]
            total[window] += change_at[row, column]
            count[window] += 1
    return total / count


def test_every_second_position_against_a_slow_reference(random):
    rows, columns, patch, size = (0, 3, 6, 9, 12), (0, 4, 8, 12, 16, 20), (8, 10), (20, 30)
    changes = random.normal(0, 1, (5, 6))
    at = {(row, column): changes[y, x] for y, row in enumerate(rows) for x, column in enumerate(columns)}
    downs, acrosses = ((0, 6, 12), (0, 3, 9, 12)), ((0, 8, 16, 20), (0, 4, 12, 20))
    maps = np.array([slow_map(down, across, patch, at, size) for down in downs for across in acrosses])
    found = shift_of_halves(make_map(rows, columns, patch, changes))
    ranges = np.ptp(maps, axis=0)
    assert found.largest == pytest.approx(ranges.max())
    assert found.median == pytest.approx(np.median(ranges))
    assert (found.grids, found.scanned) == (4, False)
    ranks = [one.ravel().argsort().argsort() for one in maps]
    slow = min(np.corrcoef(one, other)[0, 1] for k, one in enumerate(ranks) for other in ranks[k + 1 :])
    assert found.correlation == pytest.approx(slow, abs=0.01)  # ties are ranked alike there, not here


def test_an_even_scan_ranges_over_nothing():
    found = shift_of_halves(make_map((0, 3, 6, 9, 12), (0, 4, 8, 12, 16, 20), (8, 10), np.full((5, 6), 2.0)))
    assert (found.median, found.largest, found.correlation) == (0, 0, None)


def test_patches_side_by_side_tell_nothing():
    assert shift_of_halves(make_map((0, 4, 8, 12, 16), (0, 10, 20), (4, 10), np.ones((5, 3)))) is None
    assert shift_of_halves(make_map((0, 10), (0, 15), (10, 15), np.ones((2, 2)))) is None


def test_what_is_unknown_is_left_out():
    one, other = np.array([[0.0, 1, np.nan]]), np.array([[0.5, 3, 9]])
    found = range_over([one, other], scanned=True)
    assert (found.median, found.largest) == (1.25, 2)
    assert range_over([np.full((1, 2), np.nan), np.ones((1, 2))]) is None


@pytest.mark.parametrize(
    ("size", "patch", "stride", "rows", "columns"),
    [
        ((20, 30), (8, 10), (3, 4), (0, 1, 4, 7, 10, 12), (0, 2, 6, 10, 14, 18, 20)),
        ((5, 4), (5, 2), (2, 1), (0,), (0, 1, 2)),
    ],
)
def test_a_shifted_grid_covers_all(size, patch, stride, rows, columns):
    found = shifted_by_half(Geometry(patch, stride, (0,), (0,)), size)
    assert (found.rows, found.columns) == (rows, columns)


def test_the_image_is_scanned_once_more(nested_model, cases):
    tables = {
        "preprocessing": {"mode": "none"},
        "occlusion": {"patch": [[8, 12]], "stride": [[4, 6]], "fill": "mean", "robustness": True, "target": 1},
        "layers": {"deciding": False}, "model": {"class_names": ["a", "b", "c"]},
    }  # fmt: skip
    report = build_report(nested_model, [replace(cases[0], label=None)], tables)
    (case,) = report.cases
    assert case.grid_shift.scanned
    pixels = cases[0].image.pixels.astype(np.float32)
    fill = np.broadcast_to(pixels.mean(axis=(0, 1)), pixels.shape)
    base = evidence(nested_model, pixels[None])[0]
    rows, columns, at = (0, 2, 6, 10, 14, 16), (0, 3, 9, 15, 21, 24), {}
    corners = [(row, column) for row in rows for column in columns]
    found = evidence(nested_model, np.stack([occlude(pixels, fill, corner, (8, 12)) for corner in corners]))
    at = dict(zip(corners, base - found, strict=True))
    ranges = np.abs(slow_map(rows, columns, (8, 12), at, (24, 36)) - case.importance_map())
    assert case.grid_shift.largest == pytest.approx(ranges.max(), abs=1e-4)
    assert case.grid_shift.median == pytest.approx(np.median(ranges), abs=1e-4)
    (measure,) = [one for one in case.measures if one.name == "range over shifted grids"]
    assert measure.value == case.grid_shift.largest
    assert "run once more" in measure.meaning


def evidence(model, images):
    """Log-odds of the second of three classes, base 2."""
    scores = np.asarray(model(images), np.float64)[:, 1]
    return np.log2(scores / (1 - scores))
