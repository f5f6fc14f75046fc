"""Many small pictures on one sheet, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def arrange_tiles(tiles: Pixels | Sequence[Pixels], columns: int, *, gap: int, blank: int | tuple[int, ...]) -> Pixels:
    """Arrange tiles of one size row by row.

    Parameters
    ----------
    tiles
        ``(N, H, W)`` or ``(N, H, W, C)``.
    columns
        Tiles a row.
    gap
        Pixels between tiles.
    blank
        What stands in the gaps and where the last row has no tile.

    Returns
    -------
    ndarray
        The sheet, ``(rows * (H + gap) - gap, columns * (W + gap) - gap)``, with the channels of the tiles.
    """
    height, width, *channels = tiles[0].shape
    rows = math.ceil(len(tiles) / columns)
    sheet = np.empty((rows * (height + gap) - gap, columns * (width + gap) - gap, *channels), np.uint8)
    sheet[...] = blank
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet
