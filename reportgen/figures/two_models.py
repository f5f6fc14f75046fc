"""Charts of two models on the same cases: scores against each other, and maps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.figures.canvas import encode_figure, escape_formulas, grid_of_axes, new_figure
from reportgen.figures.cohort import IMPORTANCE, a_pixel, bar_below, shorten, show_map, side_of
from reportgen.figures.colours import INK, SERIES
from reportgen.report.evidence import BITS
from reportgen.report.numbers import grouped
from reportgen.report.picture import Picture
from reportgen.system.language import say

Values = NDArray[np.float64]


@dataclass(frozen=True)
class MapPair:
    """The maps of both models of one case, ``(h, w)`` each, and the image."""

    name: str
    here: Values
    there: Values
    picture: NDArray[np.generic]
    correlation: float


def scores_chart(
    name: str, scores: Sequence[tuple[float, float]], flipped: Sequence[bool], what: str, names: tuple[str, str]
) -> Picture:
    """Show the scores of one model against those of the other; crosses: they say different things."""
    figure, axes = new_figure((0.65, 3.6, 0.2), (0.55, 3.6, 0.3))
    axes.plot([0, 1], [0, 1], ":", color=INK, linewidth=1)
    points, crossed = np.asarray(scores, float).reshape(-1, 2), np.asarray(flipped, bool)
    size = 4 if len(points) < 1000 else 2
    for chosen, mark, colour, label in (
        (~crossed, "o", SERIES[0], say("say the same")), (crossed, "X", SERIES[1], say("say different things"))
    ):  # fmt: skip
        own = points[chosen]
        axes.plot(
            own[:, 0], own[:, 1], mark, color=colour, markersize=size + 2 * (mark == "X"), markeredgewidth=0, alpha=0.7,
            linestyle="none", label=f"{label} ({grouped(len(own))})",
        )  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    for set_label, model in zip((axes.set_xlabel, axes.set_ylabel), names, strict=True):
        told = say("{model}: score of {what}", model=model, what=what)
        set_label(escape_formulas(told), color=INK, fontsize=9)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, ncol=2, loc="lower left", bbox_to_anchor=(-0.02, 1.0))
    above = int((points[:, 1] > points[:, 0]).sum())
    alt = say(
        "Scores of {what} by {second} against those by {first}: {second} is higher on {above} of {count} cases; of "
        "{different} they say different things.",
        what=what, first=names[0], second=names[1], above=grouped(above), count=grouped(len(points)),
        different=grouped(int(crossed.sum())),
    )  # fmt: skip
    caption = say("A mark is a case; on the dotted line both give the same score.")
    return encode_figure(name, figure, alt, caption)


def moved_chart(name: str, pairs: Sequence[MapPair], names: tuple[str, str], unit: str = BITS) -> Picture:
    """Show maps side by side, a row a case: the image, both maps and their difference, all on one scale."""
    differences = [one.there - one.here for one in pairs]
    every = [*(one.here for one in pairs), *(one.there for one in pairs), *differences]
    limit = max(float(np.nanmax(np.abs(one))) for one in every) or 1.0
    width, height = side_of(pairs[0].here)
    figure, panels = grid_of_axes(
        len(pairs), 4, side=(0.85 * width, 0.85 * height), gap=(0.12, 0.34), below=0.6, right=0.12
    )
    for row, (one, difference) in enumerate(zip(pairs, differences, strict=True)):
        shown = (
            (one.picture, "gray", (0.0, 255.0), shorten(one.name)),
            (one.here, IMPORTANCE, (-limit, limit), names[0]),
            (one.there, IMPORTANCE, (-limit, limit), names[1]),
            (difference, IMPORTANCE, (-limit, limit), f"{names[1]} − {names[0]}"),
        )
        for column, (values, colours, limits, title) in enumerate(shown):
            show_map(panels[4 * row + column], np.asarray(values), colours, limits, title)
    bar_below(figure, panels[4 * (len(pairs) - 1) + 1], a_pixel(unit))
    told = "; ".join(
        say("{case}, correlation {number}", case=one.name, number=f"{one.correlation:.2f}".replace("-", "−"))
        for one in pairs
    )
    caption = say("The cases whose maps are least alike, the least first. One scale for all maps.")
    alt = say("Evidence maps of both models side by side: {cases}.", cases=told)
    return encode_figure(name, figure, alt, caption)
