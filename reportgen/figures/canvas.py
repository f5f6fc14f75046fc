"""Figures with axes: without background, in an ink that is seen on light and on dark, encoded without metadata."""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.figures.colours import INK
from reportgen.figures.encoding import chart_png
from reportgen.figures.fonts import choose_fonts
from reportgen.report.picture import Picture

_DOTS_PER_INCH = 160


def new_figure(across: tuple[float, float, float], down: tuple[float, float, float]) -> tuple[Any, Any]:
    """Return a matplotlib figure and its axes, without background, in ink for light and dark.

    Margins are given, since letting matplotlib find them takes as long as drawing.

    Parameters
    ----------
    across
        Inches of the left margin, the axes, and the right margin.
    down
        Inches of the lower margin, the axes, and the upper margin.
    """
    from matplotlib.figure import Figure

    width, height = sum(across), sum(down)
    figure = Figure(figsize=(width, height), facecolor="none")
    axes = figure.add_axes((across[0] / width, down[0] / height, across[1] / width, down[1] / height))
    style_axes(axes)
    return figure, axes


def grid_of_axes(
    rows: int, columns: int, *, side: tuple[float, float], gap: tuple[float, float], below: float, right: float = 0.0
) -> tuple[Any, list[Any]]:
    """Return a figure with axes row by row; sizes in inches, each axes with a gap to its left and above it."""
    width, height = columns * (side[0] + gap[0]) + right, rows * (side[1] + gap[1]) + below
    figure, first = new_figure((0, width, 0), (0, height, 0))
    figure.delaxes(first)
    panels = []
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        left = gap[0] + column * (side[0] + gap[0])
        bottom = below + (rows - 1 - row) * (side[1] + gap[1])
        panels.append(figure.add_axes((left / width, bottom / height, side[0] / width, side[1] / height)))
    return figure, panels


def style_axes(axes: Any) -> None:
    """Draw axes in the report's ink, without background."""
    axes.set_facecolor("none")
    axes.tick_params(colors=INK, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_linewidth(0.6)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(INK)
        label.set_fontsize(9)


def escape_formulas(text: str) -> str:
    """Return text that matplotlib shows as it is: a pair of dollar signs would begin a formula."""
    return text.replace("$", r"\$")


def encode_figure(name: str, figure: Any, alt: str, caption: str) -> Picture:
    """Encode a matplotlib figure as PNG, without the metadata that would tell when or by what it was made."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    choose_fonts(figure)
    figure.set_dpi(_DOTS_PER_INCH)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    return Picture(
        name=name, media_type="image/png", width=pixels.shape[1], height=pixels.shape[0], alt=alt, caption=caption,
        density=_DOTS_PER_INCH / 96, data=chart_png(pixels),
    )  # fmt: skip
