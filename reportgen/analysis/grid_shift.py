"""How far a map depends on where its grid begins: the same map from grids that are shifted by half a stride.

Every second position of a scan is a grid of twice the stride; there are four of them, shifted against each other by
half of that stride down, across, or both. Their maps cost nothing: the scan has run all of these positions. The whole
map is close to the mean of the four, so what they range over is rather more than what a shift of the whole grid does.
That is measured where it is asked for: the image is then scanned once more, between the first positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.again import scan_again, settings_for_map
from reportgen.analysis.occlusion.combine import rank_correlation
from reportgen.analysis.occlusion.patches import plan_scans, shifted_by_half
from reportgen.analysis.runs import Runs, Subject
from reportgen.report.evidence import OcclusionMap, OcclusionScan
from reportgen.report.grid_shift import GridShift
from reportgen.report.importance import combined_importance
from reportgen.settings.occlusion import OcclusionSettings

Values = NDArray[np.float64]


def shift_of_halves(found: OcclusionMap) -> GridShift | None:
    """Compare the maps of every second position; None where these would leave out pixels, and of an even map.

    Parameters
    ----------
    found
        The scans of one case for one class.
    """
    if not found.tells or all(scan.rows <= 2 and scan.columns <= 2 for scan in found.scans):
        return None
    maps = []
    for down, across in product((0, 1), repeat=2):
        scans = [_every_second(scan, down, across) for scan in found.scans]
        if not all(_covers(scan) for scan in scans):
            return None
        maps.append(combined_importance(replace(found, scans=tuple(scans))))
    return range_over(maps)


def find_shifts(
    subject: Subject, runs: Runs, settings: OcclusionSettings, advance: Callable[[int], object]
) -> list[GridShift | None]:
    """Scan each case once more, on a grid shifted by half a stride; None without a scan, and for an even map.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    settings
        As the maps were made with.
    advance
        Told that it is done: 1.
    """
    found: list[GridShift | None] = [None] * len(runs)
    if all(run.scans for run in runs):
        how = settings_for_map(settings, runs)
        shifted = [shifted_by_half(one, subject.size) for one in plan_scans(subject.size, how.occlusion)]
        again = scan_again(subject.loaded.keras_model, subject, runs, how, shifted)
        pairs = zip(runs, again, strict=True)
        found = [
            range_over([run.scans[0].importance, other], scanned=True) if run.scans[0].summary.tells else None
            for run, other in pairs
        ]
    advance(1)
    return found


def range_over(maps: Sequence[Values], *, scanned: bool = False) -> GridShift | None:
    """Return what the pixels of maps ``(H, W)`` range over; None where no pixel is known in all."""
    known = np.isfinite(maps).all(axis=0)
    if not known.any():
        return None
    values = np.stack([one[known] for one in maps])
    ranges = np.ptp(values, axis=0)
    likeness = [found for one, other in combinations(values, 2) if (found := rank_correlation(one, other)) is not None]
    return GridShift(
        median=float(np.median(ranges)), largest=float(ranges.max()), correlation=min(likeness, default=None),
        grids=len(maps), scanned=scanned,
    )  # fmt: skip


def _every_second(scan: OcclusionScan, down: int, across: int) -> OcclusionScan:
    """Return a scan with every second row and column of positions, from the first or the second on, and both ends."""
    rows, columns = (
        sorted({0, count - 1, *range(first, count, 2)}) for first, count in ((down, scan.rows), (across, scan.columns))
    )
    scores, evidence = (
        tuple(tuple(table[row][column] for column in columns) for row in rows) for table in (scan.scores, scan.evidence)
    )
    return replace(
        scan, row_starts=tuple(scan.row_starts[row] for row in rows), scores=scores, evidence=evidence,
        column_starts=tuple(scan.column_starts[column] for column in columns), flipping=None,
    )  # fmt: skip


def _covers(scan: OcclusionScan) -> bool:
    axes = zip((scan.row_starts, scan.column_starts), scan.patch, strict=True)
    return all(after - before <= patch for starts, patch in axes for before, after in pairwise(starts))
