"""The chart of a map's own test: deletion and insertion, with the band of random orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reportgen.figures.canvas import encode_figure, escape_formulas, new_figure, style_axes
from reportgen.figures.colours import INK, SERIES
from reportgen.report.maptest import BLUR, Curve, MapTest
from reportgen.report.picture import Picture
from reportgen.report.report import readable

_SIDE, _GAP, _ABOVE, _BELOW, _LEFT = (2.35, 1.75), 0.3, 0.3, 0.45, 0.6
_TITLES = {BLUR: "blurred", "imputed": "guessed from neighbours"}


def map_test_chart(name: str, title: str, test: MapTest) -> Picture:
    """Draw the curves of one case: a panel for each stand-in for pixels that are gone.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    test
        What came out.
    """
    count = len(test.curves)
    width, height = _LEFT + count * (_SIDE[0] + _GAP), _BELOW + _SIDE[1] + _ABOVE
    figure, first = new_figure((0, width, 0), (0, height, 0))
    figure.delaxes(first)
    panels: list[Any] = []
    for number, curves in enumerate(test.curves):
        left = (_LEFT + number * (_SIDE[0] + _GAP)) / width
        place = (left, _BELOW / height, _SIDE[0] / width, _SIDE[1] / height)
        axes = figure.add_axes(place, sharey=panels[0] if panels else None)
        for random in (curves.random_deletion, curves.random_insertion):
            _band(axes, test.shares, random)
        axes.plot(test.shares, curves.deletion, "-", color=SERIES[1], linewidth=1.6, label="deletion")
        axes.plot(test.shares, curves.insertion, "--", color=SERIES[0], linewidth=1.6, label="insertion")
        style_axes(axes)
        axes.set_xlim(0, 1)
        axes.set_title(f"gone pixels {_TITLES.get(curves.baseline, curves.baseline)}", color=INK, fontsize=9)
        axes.set_xlabel("share of pixels, in the map's order", color=INK, fontsize=9)
        if panels:
            axes.tick_params(labelleft=False)
        panels.append(axes)
    what = f"evidence for {test.followed}" if test.unit_text else test.followed
    short = what if len(what) <= 34 else f"{what[:33]}…"
    panels[0].set_ylabel(escape_formulas(f"{short}{' (bits)' if test.unit_text else ''}"), color=INK, fontsize=9)
    panels[0].legend(fontsize=8, frameon=False, labelcolor=INK)
    told = "; ".join(_told(test, number) for number in range(count))
    alt = f"{title}: {what} when pixels go (deletion) or come back (insertion) in the map's order. {told}."
    caption = (
        f"The map's own test. Solid: pixels go in its order, the lower the better; dashed: they come back, the higher "
        f"the better. Gray: the range of {test.curves[0].orders} random orders of blocks of {test.block[0]} × "
        f"{test.block[1]} pixels."
    )
    return encode_figure(name, figure, alt, caption)


def _band(axes: Any, shares: Sequence[float], rows: Sequence[Curve]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        axes.fill_between(shares, low, high, color=INK, alpha=0.25, linewidth=0)


def _told(test: MapTest, number: int) -> str:
    curves, unit = test.curves[number], test.unit_text
    where = f"With gone pixels {_TITLES.get(curves.baseline, curves.baseline)}"
    if not math.isfinite(curves.deletion_mean) or not math.isfinite(curves.insertion_mean):
        return f"{where} the model gives no numbers in places"
    return (
        f"{where}, deletion is {readable(curves.deletion_mean)}{unit} on average, lower than "
        f"{curves.beaten_by_deletion} of {curves.orders} random orders, "
        f"insertion {readable(curves.insertion_mean)}{unit}, higher than "
        f"{curves.beaten_by_insertion} of {curves.orders}"
    )
