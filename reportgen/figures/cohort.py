"""Charts of a cohort: effects by layer, means of channels by group, evidence maps of groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.canvas import encode_figure, escape_formulas, grid_of_axes, new_figure, style_axes
from reportgen.figures.colours import INK, SERIES
from reportgen.figures.encoding import jpeg
from reportgen.report.cohort import SIGNIFICANT
from reportgen.report.cohort_channels import Contrast, SeparatingChannel
from reportgen.report.evidence import BITS
from reportgen.report.numbers import grouped
from reportgen.report.picture import Picture
from reportgen.system.language import say

Values = NDArray[np.float64]
MARKS = "os^DvP"
IMPORTANCE, SPREAD = "RdBu_r", "viridis"
_BINS = 24
_LONGEST = 26


@dataclass(frozen=True)
class GroupMap:
    """What the maps of a group have in common: mean, deviation, and the mean image, ``(h, w)`` each."""

    name: str
    cases: int
    mean: Values
    deviation: Values
    picture: Values


def effects_chart(name: str, contrast: Contrast) -> Picture:
    """Show Cohen's d of every channel, layer by layer; those that stay after correction are filled."""
    layers = list(dict.fromkeys(one.layer for one in contrast.channels))
    places = {layer: number for number, layer in enumerate(layers)}
    known = [one for one in contrast.channels if math.isfinite(one.effect.value)]
    figure, axes = new_figure((1.75, 4.6, 0.15), (0.5, max(1.2, 0.24 * len(layers)), 0.1))
    for clear, colour in ((False, INK), (True, SERIES[0])):
        chosen = [one for one in known if (one.q < SIGNIFICANT) == clear]
        heights = [places[one.layer] + _spread(one.channel) for one in chosen]
        axes.plot(
            [one.effect.value for one in chosen], heights, "o" if clear else "x", color=colour, markersize=3,
            markeredgewidth=0.6, alpha=0.75, linestyle="none",
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(layers)), [escape_formulas(shorten(layer)) for layer in layers], fontsize=7)
    axes.set_ylim(len(layers) - 0.5, -0.5)
    sides = say("Cohen's d: {here} − {there}", here=shorten(contrast.here), there=shorten(contrast.there))
    axes.set_xlabel(escape_formulas(sides), fontsize=9)
    counts = {layer: sum(one.q < SIGNIFICANT for one in known if one.layer == layer) for layer in layers}
    widths = {layer: sum(one.layer == layer for one in contrast.channels) for layer in layers}
    best = max(layers, key=lambda layer: counts[layer] / max(1, widths[layer]))
    alt = say(
        "Effect size of each channel by layer, {here} against {there}: {clear} of {count} stay after correction; the "
        "largest share in {layer}, {some} of {channels}.",
        here=contrast.here, there=contrast.there, clear=grouped(contrast.clear), count=grouped(len(contrast.channels)),
        layer=best, some=counts[best], channels=widths[best],
    )  # fmt: skip
    caption = say("A mark is a channel; dots: q below 0.05, crosses: not. Layers from input to output.")
    return encode_figure(name, figure, alt, caption)


def channels_chart(
    name: str, separating: Sequence[SeparatingChannel], values: Sequence[Sequence[tuple[str, Values]]]
) -> Picture:
    """Show how the means of single channels are spread in both groups.

    Parameters
    ----------
    name
        Of the picture.
    separating
        The channels.
    values
        For each its (group, mean of each case) on both sides of the comparison.
    """
    alone = len({tuple(label for label, _ in sides) for sides in values}) == 1
    columns = min(3, len(separating))
    rows = -(-len(separating) // columns)
    figure, panels = grid_of_axes(rows, columns, side=(1.95, 1.15), gap=(0.35, 0.62), below=0.35, right=0.1)
    for axes, one, sides in zip(panels, separating, values, strict=False):
        style_axes(axes)
        finite = np.concatenate([side[np.isfinite(side)] for _, side in sides])
        edges = np.linspace(*_range(finite), _BINS + 1)
        for number, (_, side) in enumerate(sides):
            axes.hist(
                side, bins=edges, weights=np.full(len(side), 100 / max(1, len(side))), histtype="stepfilled",
                facecolor=f"{SERIES[number]}55", edgecolor=SERIES[number], hatch="////" if number else "",
                linewidth=1.0,
            )  # fmt: skip
        group = "" if alone else f"{shorten(sides[1][0])}, "
        channel = say("{layer}, channel {channel}", layer=shorten(one.effect.layer), channel=one.effect.channel)
        axes.set_title(
            escape_formulas(f"{channel}\n{group}AUC {one.separation.value:.3f}"), color=INK, fontsize=8,
        )  # fmt: skip
        axes.tick_params(labelsize=7)
        axes.locator_params(axis="x", nbins=4)
        axes.locator_params(axis="y", nbins=3)
    for axes in panels[len(separating) :]:
        axes.axis("off")
    told = "; ".join(f"{one.effect.layer} {one.effect.channel} AUC {one.separation.value:.3f}" for one in separating)
    first, second = (label for label, _ in values[0])
    if alone:
        sides_told = say("Blue: {first}; orange, hatched: {second}.", first=first, second=second)
    else:
        sides_told = say("Orange, hatched: the group named above it; blue: the others.")
    axes_told = say("Across: the channel's mean on a case; up: % of the cases of that side.")
    alt = say("Means of the channels that separate best: {channels}.", channels=told)
    return encode_figure(name, figure, alt, f"{sides_told} {axes_told}")


def maps_chart(name: str, maps: Sequence[GroupMap], unit: str = BITS) -> Picture:
    """Show for each group the mean image, the mean evidence map and its deviation, on one scale for all."""
    limit = max(float(np.nanmax(np.abs(one.mean))) for one in maps) or 1.0
    spread = max((float(np.nanmax(one.deviation)) for one in maps if np.isfinite(one.deviation).any()), default=0.0)
    side = side_of(maps[0].mean)
    figure, panels = grid_of_axes(len(maps), 3, side=side, gap=(0.15, 0.34), below=0.6, right=0.15)
    for row, one in enumerate(maps):
        shown = (
            (one.picture, "gray", (0.0, 255.0), say("{group}: mean image", group=shorten(one.name))),
            (one.mean, IMPORTANCE, (-limit, limit), say("mean evidence")),
            (one.deviation, SPREAD, (0.0, spread or 1.0), say("deviation over cases")),
        )
        for column, (values, colours, limits, title) in enumerate(shown):
            show_map(panels[3 * row + column], values, colours, limits, title)
    for column in (1, 2):
        bar_below(figure, panels[3 * (len(maps) - 1) + column], a_pixel(unit))
    told = "; ".join(
        say(
            "{group} ({count}): strongest at {place}, {value}", group=one.name, count=one.cases, place=_place(one.mean),
            value=f"{_bits(np.nanmax(one.mean))} {unit_told(unit)}",
        )
        for one in maps
    )  # fmt: skip
    caption = say("Aligned by the frame of the image, not by what is in it. One scale for all groups.")
    return encode_figure(name, figure, say("Mean evidence map by group. {groups}.", groups=told), caption)


def difference_chart(name: str, here: GroupMap, there: GroupMap, unit: str = BITS) -> Picture:
    """Show where the mean map of one group is above that of another; what may be chance is pale.

    Pale is where the difference is below twice its standard error, place by place.
    """
    difference = here.mean - there.mean
    error = np.sqrt(here.deviation**2 / max(1, here.cases) + there.deviation**2 / max(1, there.cases))
    sure = np.abs(difference) >= 2 * error
    limit = float(np.nanmax(np.abs(difference))) or 1.0
    side = side_of(difference)
    figure, axes = new_figure((0.15, side[0] * 1.3, 0.15), (0.6, side[1] * 1.3, 0.3))
    show_map(axes, difference, IMPORTANCE, (-limit, limit), f"{shorten(here.name)} − {shorten(there.name)}")
    pale = np.zeros((*difference.shape, 4))
    pale[..., :3], pale[..., 3] = 0.5, np.where(sure, 0.0, 0.55)
    axes.imshow(pale, interpolation="nearest", aspect="auto")
    bar_below(figure, axes, a_pixel(unit))
    share, largest = float(sure.mean()), difference.flat[int(np.nanargmax(np.abs(difference)))]
    alt = say(
        "Mean evidence of {here} minus that of {there}: largest at {place}, {value}; {share} of the places differ by "
        "at least twice the standard error.",
        here=here.name, there=there.name, place=_place(np.abs(difference)),
        value=f"{_bits(largest)} {unit_told(unit)}", share=f"{100 * share:.0f} %",
    )  # fmt: skip
    caption = say(
        "Gray: less than twice the standard error ({share} of the places; of places without any difference about 5 % "
        "aren't gray).",
        share=f"{100 * (1 - share):.0f} %",
    )  # fmt: skip
    return encode_figure(name, figure, alt, caption)


def small_picture(name: str, alt: str, pixels: NDArray[np.uint8], quality: int = 60) -> Picture:
    """Return a thumbnail ``(h, w)`` or ``(h, w, 3)`` as it is."""
    return Picture(
        name=name, media_type="image/jpeg", width=pixels.shape[1], height=pixels.shape[0], alt=alt,
        data=jpeg(pixels, quality=quality),
    )  # fmt: skip


def show_map(axes: Any, values: Values, colours: str, limits: tuple[float, float], title: str) -> None:
    """Show a map ``(h, w)``, or an image, in colours between limits, with a title and without ticks."""
    style_axes(axes)
    axes.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(escape_formulas(title), color=INK, fontsize=8, pad=3)


def bar_below(figure: Any, axes: Any, label: str) -> None:
    """Put the colour bar of a map below it."""
    box = axes.get_position()
    height = figure.get_size_inches()[1]
    beside = figure.add_axes((box.x0, box.y0 - 0.2 / height, box.width, 0.1 / height))
    bar = figure.colorbar(axes.images[0], cax=beside, orientation="horizontal")
    bar.formatter.set_powerlimits((-3, 4))
    bar.ax.tick_params(colors=INK, labelsize=6)
    bar.ax.locator_params(nbins=3)
    bar.ax.xaxis.get_offset_text().set(color=INK, fontsize=6)
    bar.set_label(label, color=INK, fontsize=7, labelpad=1)
    bar.outline.set_visible(False)


def side_of(values: Values) -> tuple[float, float]:
    """Return width and height in inches of a map's panel, in its aspect."""
    height, width = values.shape
    return 1.75, float(np.clip(1.75 * height / width, 0.6, 3.5))


def _place(values: Values) -> str:
    """Say where the highest place of a map is, as shares of its height and width."""
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    down, across = (row + 0.5) / values.shape[0], (column + 0.5) / values.shape[1]
    return say("{down} down and {across} across", down=f"{100 * down:.0f} %", across=f"{100 * across:.0f} %")


def unit_told(unit: str) -> str:
    """Return the unit of a map: bits, or that of the output."""
    return say("bits") if unit == BITS else say("of the output")


def a_pixel(unit: str) -> str:
    """Return the unit of a map as its scale names it."""
    return say("bits a pixel") if unit == BITS else say("of the output, a pixel")


def _bits(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _range(values: Values) -> tuple[float, float]:
    low, high = float(values.min(initial=math.inf)), float(values.max(initial=-math.inf))
    return (low, high) if high > low else (low - 0.5, low + 0.5) if math.isfinite(low) else (0.0, 1.0)


def _spread(number: int) -> float:
    """Return a small shift, the same every time, so that marks of a layer don't hide each other."""
    return (number * 0.6180339887498949) % 1 * 0.6 - 0.3


def shorten(text: str) -> str:
    """Return a name that fits beside an axis."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
