"""One channel of one case as a small picture that lies over the input, on the scale that all cases share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.colours import DEAD, NOT_A_NUMBER, colour_table
from reportgen.figures.encoding import jpeg, palette_png
from reportgen.figures.grids import (
    BLANK,
    LEVELS,
    LOST,
    TileRanges,
    are_numbers,
    quantise_tiles,
    reduced,
    reduction,
    tile_ranges,
)
from reportgen.report.picture import Picture
from reportgen.report.report import readable
from reportgen.system.language import say

MOST_PIXELS = 25_000  # of a channel
MOST_SIDE = 224  # of an input


def channel_pictures(
    names: Sequence[str], titles: Sequence[str], layer: str, channel: int, maps: NDArray[np.floating], colours: str
) -> list[Picture]:
    """Draw a channel for each case, all on one scale: from the smallest to the largest of all their values.

    Parameters
    ----------
    names, titles
        Of the pictures, and of the cases.
    layer, channel
        Which channel it is.
    maps
        ``(N, H, W)``: its raw activations.
    colours
        A matplotlib colour map.
    """
    ranges = tile_ranges([one[..., None] for one in maps], "channel", shared_by_cases=True)
    return [
        _picture(
            name,
            say("{case}: channel {channel} of {layer}", case=title, channel=channel, layer=layer),
            values[..., None],
            ranges[number],
            colours,
        )
        for number, (name, title, values) in enumerate(zip(names, titles, maps, strict=True))
    ]


def backdrop(name: str, title: str, pixels: NDArray[np.generic]) -> Picture:
    """Draw an input image ``(H, W, C)``, 0 to 255, small: to lie behind its channels."""
    step = -(-max(pixels.shape[:2]) // MOST_SIDE)
    shown = np.clip(np.rint(np.asarray(pixels[::step, ::step], np.float64)), 0, 255).astype(np.uint8)
    return Picture(
        name=name, media_type="image/jpeg", width=shown.shape[1], height=shown.shape[0],
        alt=say("{case}, as the model gets it.", case=title),
        data=jpeg(shown[..., 0] if shown.shape[-1] == 1 else shown, quality=75),
    )  # fmt: skip


def _picture(name: str, what: str, values: NDArray[np.floating], ranges: TileRanges, colours: str) -> Picture:
    shown = reduced(values, reduction(values.shape[0] * values.shape[1], MOST_PIXELS))
    (tile,) = quantise_tiles(shown, ranges, 1)
    known = are_numbers(shown[..., 0])
    tile[~known] = LOST
    low, high = (float(end(values)) for end in (np.min, np.max))
    told = say("with values that are not numbers")
    if known.all():
        told = say("{low} to {high}", low=readable(low), high=readable(high))
    if known.all() and low == high:
        tile[:] = BLANK  # nothing lies over the input
        told = say("{value} everywhere", value=readable(low))
    palette = np.vstack([colour_table(colours, LEVELS), np.array([DEAD, (0, 0, 0), NOT_A_NUMBER], np.uint8)])
    # over the input: the weaker a response, the more of the input is seen
    alphas = np.full(LEVELS + 3, 255, np.uint8)
    alphas[:LEVELS] = np.rint(255 * np.sqrt(np.arange(LEVELS) / (LEVELS - 1)))
    alphas[BLANK] = 0
    # a tile of few places has few colours: a palette of only these is much smaller
    used, indexes = np.unique(tile, return_inverse=True)
    return Picture(
        name=name, media_type="image/png", width=tile.shape[1], height=tile.shape[0], alt=f"{what}, {told}.",
        pixelated=True,
        data=palette_png(
            np.ascontiguousarray(indexes.reshape(tile.shape), np.uint8), palette[used], alphas=alphas[used]
        ),
    )  # fmt: skip
