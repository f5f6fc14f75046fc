"""From what a scan found at each position to a map over pixels: arithmetic alone, which a saved report can do, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reportgen.report.evidence import OcclusionMap, OcclusionScan

    Values = NDArray[np.float64]
    Indices = NDArray[np.intp]


def combined_importance(found: OcclusionMap) -> Values:
    """Return the importance of each pixel: the mean over the scans of one class, weighted as the report says.

    Parameters
    ----------
    found
        The scans of one case for one class, and their weights.

    Returns
    -------
    ndarray
        ``(H, W)`` in ``found.unit``, positive where covering lowers the evidence; NaN where no patch that covers the
        pixel gave a number.
    """
    import numpy as np

    total = np.zeros(found.size)
    for scan, weight in zip(found.scans, found.weights, strict=True):
        if weight:
            total += weight * scan_importance(scan, found.base_evidence, found.size)
    return total


def scan_importance(scan: OcclusionScan, base: float, size: tuple[int, int]) -> Values:
    """Return the importance of each pixel ``(H, W)`` in one scan.

    Parameters
    ----------
    scan
        With its evidence at each position.
    base
        Evidence of the untouched image.
    size
        (height, width) of the image.
    """
    import numpy as np

    change = base - np.asarray(scan.evidence, np.float64)
    return spread_over_pixels(change, scan.row_starts, scan.column_starts, scan.patch, size)


def spread_over_pixels(
    values: Values, rows: Sequence[int], columns: Sequence[int], patch: tuple[int, int], size: tuple[int, int]
) -> Values:
    """Spread values from positions to pixels: the mean over the patches that cover a pixel.

    Parameters
    ----------
    values
        ``(rows, columns)``; what isn't finite is left out of the means.
    rows, columns
        First pixel row and column of each position, ascending.
    patch, size
        (height, width) of the patch and of the image.

    Returns
    -------
    ndarray
        ``(H, W)``; NaN where no patch that covers the pixel gave a number.
    """
    import numpy as np

    # positions form a product of rows and columns, and those that cover a pixel stand side by side
    down, across = _covering(rows, patch[0], size[0]), _covering(columns, patch[1], size[1])
    known = np.isfinite(values)
    if known.all():
        counts = np.outer(down[1] - down[0], across[1] - across[0])
        return np.asarray(_summed(_summed(values, *down).T, *across).T / counts)
    counts = _summed(_summed(known.astype(np.int64), *down).T, *across).T
    with np.errstate(invalid="ignore", divide="ignore"):
        total = _summed(_summed(np.where(known, values, 0), *down).T, *across).T
        return np.where(counts > 0, total / counts, np.nan)


def _covering(starts: Sequence[int], patch: int, side: int) -> tuple[Indices, Indices]:
    """Return for each pixel the first position that covers it, and the first after it that doesn't."""
    import numpy as np

    pixels = np.arange(side)
    return np.searchsorted(starts, pixels - patch, side="right"), np.searchsorted(starts, pixels, side="right")


def _summed(values: NDArray[Any], first: Indices, end: Indices) -> NDArray[Any]:
    """Return sums over ranges of rows; by differences of running sums, since many threads wait for small products."""
    import numpy as np

    running = np.zeros((len(values) + 1, *values.shape[1:]), values.dtype)
    np.cumsum(values, axis=0, out=running[1:])
    return np.asarray(running[end] - running[first])
