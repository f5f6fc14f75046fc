"""Feature-map grids: every channel of a layer as one 8-bit palette PNG at native resolution.

Made with array operations instead of a plot for each channel. Ranges come from :func:`tile_ranges`, so that whoever
draws several cases decides whether they share them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.colours import DEAD, NOT_A_NUMBER, colour_table
from reportgen.figures.encoding import palette_png
from reportgen.figures.tiling import arrange_tiles
from reportgen.report.layer import LayerReport
from reportgen.report.picture import Picture, Tiles
from reportgen.system.language import mark, say, say_count

DRAWN_SMALLER = mark("drawn at 1/{factor} of its resolution")
Scale = Literal["channel", "standardized", "shared"]
Maps = NDArray[np.floating]

LEVELS = 253
_MARK, BLANK, LOST = 253, 254, 255
_NO_NUMBER = np.finfo(np.float32).max  # pooling makes its negative of NaN
_WORDS = {
    "channel": mark("each channel by its own minimum and maximum"),
    "standardized": mark("each channel standardised, (x − mean) / std × 64 + 128, clipped to 0..255"),
    "shared": mark("all channels on one scale"),
}


@dataclass(frozen=True)
class TileRanges:
    """What becomes the darkest and the brightest colour: one value a channel each, of what is finite."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scale: Scale
    shared_by_cases: bool

    @property
    def words(self) -> str:
        """How to read the colours."""
        return say(_WORDS[self.scale]) + (say(", the same for all cases") if self.shared_by_cases else "")


def tile_ranges(cases: Sequence[Maps], scale: Scale, *, shared_by_cases: bool) -> list[TileRanges]:
    """Return the ranges for each case.

    Parameters
    ----------
    cases
        ``(H, W, C)`` raw activations of the same layer.
    scale
        ``channel``: minimum to maximum; ``standardized``: the values that (x - mean) / std * 64 + 128 sends to 0 and
        255; ``shared``: one range for all channels.
    shared_by_cases
        Whether ranges are taken over all cases together or each on its own.
    """
    groups = [list(cases)] * len(cases) if shared_by_cases else [[maps] for maps in cases]
    several = shared_by_cases and len(cases) > 1
    if several:
        return [_ranges(groups[0], scale, several=True)] * len(cases)
    return [_ranges(group, scale, several=False) for group in groups]


def feature_map_grid(
    name: str, title: str, maps: Maps, layer: LayerReport, ranges: TileRanges, *,
    colours: str, columns: int = 0, channels: int = 0, maximum_pixels: int = 0,
) -> Picture:  # fmt: skip
    """Draw all channels of a layer.

    Parameters
    ----------
    name
        Of the picture.
    title
        Of the case, for the alternative text.
    maps
        ``(H, W, C)`` raw activations.
    layer
        Measures of the same maps.
    ranges
        From :func:`tile_ranges`.
    colours
        A matplotlib colour map.
    columns
        Tiles a row; 0: as square as it gets.
    channels
        Only the first so many; 0: all.
    maximum_pixels
        Above it, maps are averaged over blocks; 0: never.

    Returns
    -------
    Picture
        Tiles row by row in channel order with transparent gaps; dead channels are blank and crossed out, values that
        are not numbers have a colour of their own.
    """
    count = min(channels or layer.channels, layer.channels)
    factor = reduction(maps.shape[0] * maps.shape[1] * count, maximum_pixels)
    with np.errstate(invalid="ignore", over="ignore"):
        shown = reduced(maps[..., :count], factor)
    tiles = quantise_tiles(shown, ranges, count)
    for channel in layer.not_finite_channels:
        if channel < count:
            tiles[channel][~are_numbers(shown[..., channel])] = LOST
    for channel in layer.dead_channels:
        if channel < count:
            tiles[channel] = BLANK
            cross_out(tiles[channel])
    across = min(columns or _squarish(count), count)
    gap = max(1, round(max(tiles.shape[1:]) / 40))
    grid = arrange_tiles(tiles, across, gap=gap, blank=BLANK)
    palette = np.vstack([colour_table(colours, LEVELS), np.array([DEAD, (0, 0, 0), NOT_A_NUMBER], np.uint8)])
    return Picture(
        name=name,
        media_type="image/png",
        width=grid.shape[1],
        height=grid.shape[0],
        alt=_alt(title, layer, count),
        caption=_caption(layer, count, across, factor, ranges),
        pixelated=True,
        tiles=Tiles(count=count, columns=across, height=tiles.shape[1], width=tiles.shape[2], gap=gap),
        data=palette_png(grid, palette, transparent=BLANK),
    )


def quantise_tiles(maps: Maps, ranges: TileRanges, count: int) -> NDArray[np.uint8]:
    """Return tiles ``(C, H, W)`` of colour numbers 0..252 for maps ``(H, W, C)``."""
    low = ranges.low[:count].astype(np.float32)
    span = np.where(ranges.high[:count] > ranges.low[:count], ranges.high[:count] - ranges.low[:count], 1)
    with np.errstate(invalid="ignore", over="ignore"):
        # divided first: the reciprocal of a tiny span is no number in single precision
        scaled = (maps - low) / span.astype(np.float32)
        scaled *= LEVELS - 1
    np.clip(scaled, 0, LEVELS - 1, out=scaled)
    if not np.isfinite(scaled.sum()):
        scaled = np.nan_to_num(scaled)
    return np.ascontiguousarray(np.rint(scaled).astype(np.uint8).transpose(2, 0, 1))


def are_numbers(values: Maps) -> NDArray[np.bool_]:
    """Return which values are: not NaN, not infinite, and not the lowest number there is, which stands for them."""
    return np.asarray(np.abs(values) < _NO_NUMBER)


def cross_out(tile: NDArray[np.uint8]) -> None:
    """Mark a tile ``(H, W)`` in place with both diagonals."""
    height, width = tile.shape
    steps = np.arange(2 * max(height, width))
    down = np.rint(steps * (height - 1) / max(1, len(steps) - 1)).astype(int)
    across = np.rint(steps * (width - 1) / max(1, len(steps) - 1)).astype(int)
    tile[down, across] = _MARK
    tile[down, width - 1 - across] = _MARK


def _ranges(group: Sequence[Maps], scale: Scale, *, several: bool) -> TileRanges:
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = _limits(group, scale)
    lost = ~((low > -_NO_NUMBER) & (high < _NO_NUMBER))
    for channel in np.flatnonzero(lost):
        low[channel], high[channel] = _known_limits([maps[..., channel] for maps in group], scale)
    if scale == "shared":
        known = np.isfinite(low)
        lowest, highest = (low[known].min(), high[known].max()) if known.any() else (0.0, 0.0)
        low, high = np.full_like(low, lowest), np.full_like(high, highest)
    return TileRanges(np.nan_to_num(low), np.nan_to_num(high), scale, several)


def _limits(group: Sequence[Maps], scale: Scale) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each channel which values become the darkest and the brightest colour."""
    if scale == "standardized":
        count = sum(maps.shape[0] * maps.shape[1] for maps in group)
        mean = sum(maps.sum(axis=(0, 1), dtype=np.float64) for maps in group) / count
        square = sum(np.square(maps - mean, dtype=np.float64).sum(axis=(0, 1)) for maps in group) / count
        deviation = np.sqrt(square)
        # 0 and 255 of the notebook's formula lie 2 deviations below and 127/64 above the mean
        return np.asarray(mean - 2 * deviation), np.asarray(mean + 127 / 64 * deviation)
    low = np.min([maps.min(axis=(0, 1)) for maps in group], axis=0).astype(np.float64)
    high = np.max([maps.max(axis=(0, 1)) for maps in group], axis=0).astype(np.float64)
    return low, high


def _known_limits(tiles: Sequence[Maps], scale: Scale) -> tuple[float, float]:
    """Return the same of one channel ``(H, W)`` over what is finite; NaN where nothing is."""
    known = np.concatenate([tile[are_numbers(tile)] for tile in tiles])
    if not known.size:
        return math.nan, math.nan
    low, high = _limits([known.reshape(-1, 1, 1)], scale)
    return float(low[0]), float(high[0])


def _squarish(count: int) -> int:
    """Return a power of two of columns that gives at most as many rows."""
    return int(2 ** math.ceil(math.log2(max(1, count)) / 2))


def reduction(pixels: int, maximum: int) -> int:
    """Return by what maps are reduced to have at most so many pixels; 0: no limit."""
    return math.ceil(math.sqrt(pixels / maximum)) if maximum and pixels > maximum else 1


def reduced(maps: Maps, factor: int) -> Maps:
    """Average over blocks of ``factor`` x ``factor``; a rest at the lower and right border is left out."""
    if factor == 1:
        return maps
    down, across = min(factor, maps.shape[0]), min(factor, maps.shape[1])
    height, width = maps.shape[0] // down, maps.shape[1] // across
    cut = maps[: height * down, : width * across]
    return np.asarray(cut.reshape(height, down, width, across, -1).mean(axis=(1, 3)))


def _alt(title: str, layer: LayerReport, count: int) -> str:
    edges = [value for value in layer.statistics.edge_correlation if value is not None]
    parts = [
        say_count(
            "{case}, {layer}: {count} feature map of {height} by {width}, {values}",
            "{case}, {layer}: {count} feature maps of {height} by {width}, {values}", count, case=title,
            layer=layer.name, height=layer.height, width=layer.width, values=f"{_values(layer, 3)}{_lost(layer)}",
        ),
        say("{count} dead", count=len(layer.dead_channels)) if layer.dead_channels else say("none dead"),
    ]  # fmt: skip
    if edges:
        following = sum(v >= 0.5 for v in edges)
        parts.append(
            say_count("{count} follows the edges of the input", "{count} follow the edges of the input", following)
        )
    return "; ".join(parts) + "."


def _values(layer: LayerReport, digits: int) -> str:
    if not math.isfinite(layer.minimum):
        return say("no channel of numbers")
    return say("values {low} to {high}", low=f"{layer.minimum:.{digits}g}", high=f"{layer.maximum:.{digits}g}")


def _lost(layer: LayerReport) -> str:
    count = len(layer.not_finite_channels)
    return "; " + say("{count} with values that are not numbers, drawn in purple", count=count) if count else ""


def _caption(layer: LayerReport, count: int, across: int, factor: int, ranges: TileRanges) -> str:
    told = {"last": count - 1, "across": across, "all": layer.channels}
    parts = [say("Channels 0 to {last}, {across} a row", **told) if count > 1 else say("Its only channel")]
    if count < layer.channels:
        parts[0] += say(", of {all}", **told)
    parts.append(_values(layer, 4))
    parts.append(f"{ranges.words}{_lost(layer)}")
    if layer.dead_channels:
        parts.append(say("{count} dead, crossed out", count=len(layer.dead_channels)))
    if factor > 1:
        parts.append(say(DRAWN_SMALLER, factor=factor))
    return "; ".join(parts) + "."
