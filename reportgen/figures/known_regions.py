"""Outlines of known regions over the image and the map of importance: told apart by strokes and letters, not colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.canvas import encode_figure, escape_formulas, new_figure
from reportgen.figures.colours import INK
from reportgen.figures.heatmaps import lay_over
from reportgen.report.evidence import BITS, name_support
from reportgen.report.known_regions import KnownRegions
from reportgen.report.picture import Picture
from reportgen.system.language import say

_STROKES: tuple[Any, ...] = ("solid", (0, (4, 2)), (0, (1, 1.4)), (0, (6, 1.5, 1, 1.5)))
_WIDTHS = (1.1, 2.0)  # the second four have the wider line
_SHORTEST = 24  # signs of a name in the key


def region_outlines(
    name: str, title: str, pixels: NDArray[np.generic], importance: NDArray[np.float64],
    masks: Mapping[str, NDArray[np.bool_]], found: KnownRegions, limit: float, colours: str,
) -> Picture:  # fmt: skip
    """Draw the outlines of masks ``(H, W)`` over an image ``(H, W, C)``, 0 to 255, and its importance ``(H, W)``.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    pixels, importance, masks
        All at the model's size.
    found
        What was measured of them, for the words.
    limit, colours
        Of the map's colours, as in the picture of importance.
    """
    height, width = importance.shape
    across = 3.3
    down = float(np.clip(across * height / width, 1.0, 6.6))
    lines = -(-len(masks) // 2)
    figure, axes = new_figure((0.1, across, 0.1), (0.2 + 0.2 * lines, down, 0.08))
    axes.imshow(lay_over(pixels, importance, limit, colours), interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for number, mask in enumerate(masks.values()):
        if mask.any():
            _outline(axes, mask, _STROKES[number % len(_STROKES)], _WIDTHS[number // len(_STROKES) % 2])
    _key(axes, list(masks))
    what = say("what {supports}", supports=name_support(found.followed, in_bits=found.unit == BITS))
    shares = [
        say(
            "{name} {share} of {what}, {area} of the image",
            name=one.name,
            what=what,
            share=f"{100 * one.inside.evidence:.0f} %",
            area=f"{100 * one.inside.area:.0f} %",
        )
        for one in found.regions
        if np.isfinite(one.inside.times)
    ]
    alt = say(
        "{case}: outlines of {names} over the map of importance. {shares}", case=title, names=", ".join(masks),
        shares="; ".join(shares),
    )  # fmt: skip
    return encode_figure(name, figure, f"{alt.rstrip('. ')}.", say("Known regions over the map of importance."))


def _outline(axes: Any, mask: NDArray[np.bool_], stroke: Any, width: float) -> None:
    """Draw a black line, seen on white, within a white one, seen on black."""
    # a frame of nothing closes outlines at the border of the image
    framed = np.pad(mask, 1).astype(np.float64)
    places = [np.arange(side) - 1 for side in framed.shape]
    for colour, wide, style in (("white", width + 1.6, "solid"), ("black", width, stroke)):
        axes.contour(places[1], places[0], framed, levels=[0.5], colors=colour, linewidths=wide, linestyles=[style])
    axes.set_xlim(-0.5, mask.shape[1] - 0.5)
    axes.set_ylim(mask.shape[0] - 0.5, -0.5)


def _key(axes: Any, names: list[str]) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=INK, linestyle=_STROKES[at % len(_STROKES)], linewidth=_WIDTHS[at // len(_STROKES) % 2])
        for at in range(len(names))
    ]
    texts = [name if len(name) <= _SHORTEST else f"{name[: _SHORTEST - 1]}…" for name in names]
    axes.legend(
        lines, list(map(escape_formulas, texts)), loc="upper left", bbox_to_anchor=(0, -0.01), ncols=2, fontsize=8,
        frameon=False, labelcolor=INK, handlelength=3.2, borderaxespad=0.2, columnspacing=1.2,
    )  # fmt: skip
