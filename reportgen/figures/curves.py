"""The chart of a map's own test: deletion and insertion, with the band of random orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reportgen.figures.canvas import encode_figure, escape_formulas, new_figure, style_axes
from reportgen.figures.colours import INK, SERIES
from reportgen.report.maptest import BLUR, Curve, MapTest, TestCurves
from reportgen.report.picture import Picture
from reportgen.report.report import readable
from reportgen.system.language import mark, say

_SIDE, _GAP, _ABOVE, _BELOW, _LEFT = (2.35, 1.75), 0.3, 0.3, 0.45, 0.6
_TITLES = {BLUR: mark("gone pixels blurred"), "imputed": mark("gone pixels guessed from neighbours")}


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
        axes.plot(test.shares, curves.deletion, "-", color=SERIES[1], linewidth=1.6, label=say("deletion"))
        axes.plot(test.shares, curves.insertion, "--", color=SERIES[0], linewidth=1.6, label=say("insertion"))
        style_axes(axes)
        axes.set_xlim(0, 1)
        axes.set_title(_title(curves), color=INK, fontsize=9)
        axes.set_xlabel(say("share of pixels, in the map's order"), color=INK, fontsize=9)
        if panels:
            axes.tick_params(labelleft=False)
        panels.append(axes)
    what = say("evidence for {name}", name=test.followed) if test.unit_text else test.followed
    short = what if len(what) <= 34 else f"{what[:33]}…"
    panels[0].set_ylabel(
        escape_formulas(say("{what} (bits)", what=short) if test.unit_text else short), color=INK, fontsize=9
    )
    panels[0].legend(fontsize=8, frameon=False, labelcolor=INK)
    told = "; ".join(_told(test, number) for number in range(count))
    alt = say(
        "{case}: {what} when pixels go (deletion) or come back (insertion) in the map's order. {told}.", case=title,
        what=what, told=told,
    )  # fmt: skip
    caption = say(
        "The map's own test. Solid: pixels go in its order, the lower the better; dashed: they come back, the higher "
        "the "
        "better. Gray: the range of {orders} random orders of blocks of {size} pixels.",
        orders=test.curves[0].orders, size=f"{test.block[0]} × {test.block[1]}",
    )  # fmt: skip
    return encode_figure(name, figure, alt, caption)


def _band(axes: Any, shares: Sequence[float], rows: Sequence[Curve]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        axes.fill_between(shares, low, high, color=INK, alpha=0.25, linewidth=0)


def _told(test: MapTest, number: int) -> str:
    curves, unit = test.curves[number], test.unit_text
    where = _title(curves)
    if not math.isfinite(curves.deletion_mean) or not math.isfinite(curves.insertion_mean):
        return say("With {where} the model gives no numbers in places", where=where)
    return say(
        "With {where}, deletion is {deletion} on average, lower than {below} of {orders} random orders, insertion "
        "{insertion}, higher than {above} of {orders}",
        where=where, deletion=f"{readable(curves.deletion_mean)}{unit}", below=curves.beaten_by_deletion,
        orders=curves.orders, insertion=f"{readable(curves.insertion_mean)}{unit}", above=curves.beaten_by_insertion,
    )  # fmt: skip


def _title(curves: TestCurves) -> str:
    if curves.baseline in _TITLES:
        return say(_TITLES[curves.baseline])
    return say("gone pixels {how}", how=curves.baseline)
