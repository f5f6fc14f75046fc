"""From what a scan found at each position to a map over pixels: arithmetic alone, which a saved report can do, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reportgen.report.evidence import OcclusionMap, OcclusionScan

    Values = NDArray[np.float64]


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
        First pixel row and column of each position.
    patch, size
        (height, width) of the patch and of the image.

    Returns
    -------
    ndarray
        ``(H, W)``; NaN where no patch that covers the pixel gave a number.
    """
    import numpy as np

    # positions form a product of rows and columns, so the sums over covering patches are two matrix products
    down = _coverage(rows, patch[0], size[0])
    across = _coverage(columns, patch[1], size[1])
    known = np.isfinite(values)
    if known.all():
        return np.asarray(down.T @ values @ across / np.outer(down.sum(axis=0), across.sum(axis=0)))
    counts = down.T @ known.astype(np.float64) @ across
    with np.errstate(invalid="ignore"):
        return np.asarray(down.T @ np.where(known, values, 0) @ across / counts)


def _coverage(starts: Sequence[int], patch: int, side: int) -> Values:
    import numpy as np

    pixels = np.arange(side)
    first = np.asarray(starts)[:, None]
    return ((pixels >= first) & (pixels < first + patch)).astype(np.float64)
