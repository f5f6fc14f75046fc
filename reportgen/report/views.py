"""Other views of a case beside the occlusion scan, as data: what was done, and how each stands its test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.maptest import UNKNOWN, MapTest
from reportgen.report.numbers import Number
from reportgen.system.language import mark, say

GRAD_CAM, INTEGRATED_GRADIENTS, SMOOTHGRAD, RISE = "grad-cam", "integrated-gradients", "smoothgrad", "rise"
TITLES = {
    GRAD_CAM: "Grad-CAM",
    INTEGRATED_GRADIENTS: mark("Integrated gradients"),
    SMOOTHGRAD: "SmoothGrad",
    RISE: "RISE",
}


@dataclass(frozen=True, kw_only=True)
class View:
    """One view of one case, for the first class that its scan follows.

    Attributes
    ----------
    name
        ``grad-cam``, ``integrated-gradients``, ``smoothgrad`` or ``rise``.
    how
        What was done, with its numbers, in words.
    passes
        How many images were run through the model to make it.
    minimum, maximum
        Range of the map, on a scale of its own; NaN where there is none.
    deletion, insertion
        Mean evidence, in the unit of the case's ``map_test``, when pixels go, or come back, in the view's order, with
        the same blur; NaN where that was not tried.
    beaten_by_deletion, beaten_by_insertion
        How many random orders of the case's ``map_test`` it is better than.
    orders
        How many there are; 0 where nothing was tried.
    missing
        Why there is no map; empty where there is one.
    """

    name: str
    how: str = ""
    passes: int = 0
    minimum: Number = math.nan
    maximum: Number = math.nan
    deletion: Number = math.nan
    insertion: Number = math.nan
    beaten_by_deletion: int = 0
    beaten_by_insertion: int = 0
    orders: int = 0
    missing: str = ""

    @property
    def title(self) -> str:
        """What the view is called."""
        return say(TITLES[self.name]) if self.name in TITLES else self.name

    @property
    def picture_kind(self) -> str:
        """The kind of its picture, as part of a file's name."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one map of a case stands its test, beside the others.

    Attributes
    ----------
    title
        What the map is called.
    deletion, insertion
        Mean evidence under both curves.
    beaten_by_deletion, beaten_by_insertion, orders
        How many random orders it is better than, of how many.
    passes
        How many images were run for it, or how many positions of a scan.
    is_scan
        Whether it is the occlusion scan's own map.
    """

    title: str
    deletion: float
    insertion: float
    beaten_by_deletion: int
    beaten_by_insertion: int
    orders: int
    passes: int
    is_scan: bool = False

    @property
    def gap(self) -> float:
        """By how much insertion lies above deletion: one number for both."""
        return self.insertion - self.deletion

    @property
    def better_than_chance(self) -> int:
        """In how many of the two ways it beats all random orders but at most one."""
        return (self.beaten_by_deletion >= self.orders - 1) + (self.beaten_by_insertion >= self.orders - 1)


def compare_maps(test: MapTest | None, positions: int, views: Sequence[View]) -> tuple[Standing, ...]:
    """Return how the maps of one case stand their test: the occlusion scan's first, then the views as asked for.

    Parameters
    ----------
    test
        Of the occlusion scan's map; None where it was not tested, nor is any view then.
    positions
        How many the scan has.
    views
        Of the same case; those without a map are left out.
    """
    if test is None or not views:
        return ()
    blur = test.curves[0]
    if blur.outcome == UNKNOWN:
        return ()  # where blurring changes nothing, no map is better or worse than another
    own = Standing(
        title=say("Occlusion"), deletion=blur.deletion_mean, insertion=blur.insertion_mean,
        beaten_by_deletion=blur.beaten_by_deletion, beaten_by_insertion=blur.beaten_by_insertion, orders=blur.orders,
        passes=positions, is_scan=True,
    )  # fmt: skip
    own_if_any = (own,) if test.ordered else ()  # an order made by rounding stands for nothing
    others = [
        Standing(
            title=view.title, deletion=view.deletion, insertion=view.insertion,
            beaten_by_deletion=view.beaten_by_deletion, beaten_by_insertion=view.beaten_by_insertion,
            orders=view.orders, passes=view.passes,
        )
        for view in views
        if not view.missing and view.orders
    ]  # fmt: skip
    return (*own_if_any, *others)
