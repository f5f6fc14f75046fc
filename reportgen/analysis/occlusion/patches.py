"""Where the patch stands, what it covers, and how what was found there is spread over pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.settings.report import OcclusionSettings
from reportgen.system.errors import SettingsError

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """Where the patch stands: its (height, width), the stride, and the first row and column of every position."""

    patch: tuple[int, int]
    stride: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.rows) * len(self.columns)

    def position(self, index: int) -> tuple[int, int]:
        """Return (top, left) of a position, counted row by row."""
        return self.rows[index // len(self.columns)], self.columns[index % len(self.columns)]


def plan_scan(size: tuple[int, int], settings: OcclusionSettings) -> Geometry:
    """Lay out the positions.

    Parameters
    ----------
    size
        (height, width) of the model's input.
    settings
        Patch and stride; defaults: a tenth of each side, a third of the patch.

    Raises
    ------
    SettingsError
        When the patch is larger than the image, or the stride larger than the patch (pixels would be left out).
    """
    patch = _pair(settings.patch) or (max(1, round(size[0] / 10)), max(1, round(size[1] / 10)))
    stride = _pair(settings.stride) or (max(1, round(patch[0] / 3)), max(1, round(patch[1] / 3)))
    if patch[0] > size[0] or patch[1] > size[1]:
        raise SettingsError(
            f"occlusion.patch {patch[0]} x {patch[1]} is larger than the model's input {size[0]} x {size[1]}",
            "choose a smaller patch",
        )
    if stride[0] > patch[0] or stride[1] > patch[1]:
        raise SettingsError(
            f"occlusion.stride {stride[0]} x {stride[1]} is larger than the patch {patch[0]} x {patch[1]}",
            "choose a stride up to the patch, so that every pixel is covered",
        )
    starts = (_starts(size[0], patch[0], stride[0]), _starts(size[1], patch[1], stride[1]))
    return Geometry(patch, stride, *starts)


def occlude(
    pixels: NDArray[np.generic], fill: NDArray[np.float32], corner: tuple[int, int] | None, patch: tuple[int, int]
) -> NDArray[np.float32]:
    """Return an image ``(H, W, C)`` with one patch covered (None: none), in raw-image units."""
    image = pixels.astype(np.float32)
    if corner is not None:
        window = np.s_[corner[0] : corner[0] + patch[0], corner[1] : corner[1] + patch[1]]
        image[window] = fill[window]
    return image


def pixel_importance(importance: Scores, geometry: Geometry, size: tuple[int, int]) -> Scores:
    """Spread importance from positions to pixels: the mean over the patches that cover a pixel.

    Parameters
    ----------
    importance
        ``(rows, columns)``; what isn't finite is left out of the means.
    geometry
        The positions.
    size
        (height, width) of the image.

    Returns
    -------
    ndarray
        ``(H, W)``; NaN where no patch that covers the pixel gave a number.
    """
    # positions form a product of rows and columns, so the sums over covering patches are two matrix products
    down = _coverage(geometry.rows, geometry.patch[0], size[0])
    across = _coverage(geometry.columns, geometry.patch[1], size[1])
    known = np.isfinite(importance)
    if known.all():
        return np.asarray(down.T @ importance @ across / np.outer(down.sum(axis=0), across.sum(axis=0)))
    counts = down.T @ known.astype(np.float64) @ across
    with np.errstate(invalid="ignore"):
        return np.asarray(down.T @ np.where(known, importance, 0) @ across / counts)


def _pair(value: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (value, value) if isinstance(value, int) else value


def _starts(side: int, patch: int, stride: int) -> tuple[int, ...]:
    last = side - patch
    starts = list(range(0, last + 1, stride))
    return tuple(starts if starts[-1] == last else [*starts, last])


def _coverage(starts: Sequence[int], patch: int, side: int) -> Scores:
    pixels = np.arange(side)
    first = np.asarray(starts)[:, None]
    return ((pixels >= first) & (pixels < first + patch)).astype(np.float64)
