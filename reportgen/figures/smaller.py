"""A grid of feature maps, drawn smaller: when the maps themselves are long gone, from its picture."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.figures.encoding import palette_png
from reportgen.figures.grids import BLANK, DRAWN_SMALLER, LEVELS, LOST, cross_out
from reportgen.figures.tiling import arrange_tiles
from reportgen.report.layer import LayerReport
from reportgen.report.picture import Picture, Tiles
from reportgen.system.language import say


def smaller_grid(picture: Picture, layer: LayerReport, maximum_pixels: int) -> Picture:
    """Return a grid whose maps have at most so many pixels in all; itself where it has no more.

    Colours stand for equal steps of the values, so their numbers are averaged over blocks as the values would be; a
    block in which something is not a number stays one.

    Parameters
    ----------
    picture
        From :func:`reportgen.figures.grids.feature_map_grid`.
    layer
        Measures of the maps that it shows.
    maximum_pixels
        Of all tiles together.
    """
    tiles = picture.tiles
    if tiles is None or tiles.count * tiles.height * tiles.width <= maximum_pixels:
        return picture
    factor = math.ceil(math.sqrt(tiles.count * tiles.height * tiles.width / maximum_pixels))
    with Image.open(io.BytesIO(picture.data)) as image:
        sheet, palette = np.asarray(image), np.reshape(image.getpalette() or [], (-1, 3)).astype(np.uint8)
    shown = np.stack([_averaged(_tile(sheet, tiles, number), factor) for number in range(tiles.count)])
    for channel in layer.dead_channels:
        if channel < tiles.count:
            shown[channel] = BLANK
            cross_out(shown[channel])
    height, width = shown.shape[1:]
    gap = max(1, round(max(height, width) / 40))
    grid = arrange_tiles(shown, tiles.columns, gap=gap, blank=BLANK)
    drawn = re.escape("; " + say(DRAWN_SMALLER, factor="0")).replace("0", r"\d+")
    caption = re.sub(drawn, "", picture.caption).removesuffix(".")
    return replace(
        picture,
        width=grid.shape[1],
        height=grid.shape[0],
        caption=f"{caption}; {say(DRAWN_SMALLER, factor=round(layer.height / height))}.",
        tiles=replace(tiles, height=height, width=width, gap=gap),
        data=palette_png(grid, palette, transparent=BLANK),
    )


def _tile(sheet: NDArray[np.uint8], tiles: Tiles, number: int) -> NDArray[np.uint8]:
    row, column = divmod(number, tiles.columns)
    top, left = row * (tiles.height + tiles.gap), column * (tiles.width + tiles.gap)
    return sheet[top : top + tiles.height, left : left + tiles.width]


def _averaged(tile: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average a tile ``(H, W)`` of colour numbers over blocks; a rest at the lower and right border is left out."""
    down, across = min(factor, tile.shape[0]), min(factor, tile.shape[1])
    height, width = tile.shape[0] // down, tile.shape[1] // across
    blocks = tile[: height * down, : width * across].reshape(height, down, width, across)
    values = np.minimum(blocks, LEVELS - 1).mean(axis=(1, 3))
    return np.where((blocks == LOST).any(axis=(1, 3)), LOST, np.rint(values)).astype(np.uint8)
