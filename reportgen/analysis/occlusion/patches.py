"""Where the patches stand, and what they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.settings.occlusion import OcclusionSettings, list_of_sizes
from reportgen.system.errors import SettingsError

Scores = NDArray[np.float64]
SHARES = (0.1, 0.2, 0.3, 0.4)  # of each side: the usual patches


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


def plan_scans(size: tuple[int, int], settings: OcclusionSettings) -> tuple[Geometry, ...]:
    """Lay out the positions of every patch.

    Parameters
    ----------
    size
        (height, width) of the model's input.
    settings
        Patches and strides; defaults: a tenth, a fifth, three tenths and two fifths of each side, a third of the patch.

    Raises
    ------
    SettingsError
        When a patch is larger than the image, a stride larger than its patch (pixels would be left out), or the number
        of strides is another than that of patches.
    """
    patches = _patches(size, settings)
    pairs = zip(patches, _strides(patches, settings), strict=True)
    return tuple(_planned(size, patch, stride) for patch, stride in pairs)


def plan_scan(size: tuple[int, int], settings: OcclusionSettings) -> Geometry:
    """Lay out the positions of the first patch, as :func:`plan_scans` does."""
    return plan_scans(size, settings)[0]


def shifted_by_half(geometry: Geometry, size: tuple[int, int]) -> Geometry:
    """Return the positions of a grid shifted by half a stride down and across, with one flush with either border.

    Parameters
    ----------
    geometry
        As planned.
    size
        (height, width) of the image.
    """
    starts = [
        tuple(sorted({0, side - patch, *range(stride // 2, side - patch + 1, stride)}))
        for side, patch, stride in zip(size, geometry.patch, geometry.stride, strict=True)
    ]
    return Geometry(geometry.patch, geometry.stride, *starts)


def count_positions(size: tuple[int, int], settings: OcclusionSettings) -> int:
    """Return how many positions an image has in all scans."""
    return len(settings.fills) * sum(one.count for one in plan_scans(size, settings))


def _planned(size: tuple[int, int], patch: tuple[int, int], stride: tuple[int, int]) -> Geometry:
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


def _patches(size: tuple[int, int], settings: OcclusionSettings) -> list[tuple[int, int]]:
    chosen = list_of_sizes(settings.patch)
    if chosen is None:
        chosen = [(max(1, round(share * size[0])), max(1, round(share * size[1]))) for share in SHARES]
    return list(dict.fromkeys(chosen))


def _strides(patches: Sequence[tuple[int, int]], settings: OcclusionSettings) -> list[tuple[int, int]]:
    chosen = list_of_sizes(settings.stride)
    if chosen is None:
        return [(max(1, round(patch[0] / 3)), max(1, round(patch[1] / 3))) for patch in patches]
    if len(chosen) == 1:
        return chosen * len(patches)
    if len(chosen) != len(patches):
        raise SettingsError(
            f"occlusion.stride has {len(chosen)} values for {len(patches)} patches",
            "give one stride for all patches, or one for each",
        )
    return chosen


def _starts(side: int, patch: int, stride: int) -> tuple[int, ...]:
    last = side - patch
    starts = list(range(0, last + 1, stride))
    return tuple(starts if starts[-1] == last else [*starts, last])
