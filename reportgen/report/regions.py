"""The strongest regions of a case, as data: what each costs when all of it is covered, alone and two at a time."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.evidence import BITS
from reportgen.report.numbers import Number
from reportgen.system.language import say

MOST = 8  # regions of a case


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of the image around a peak of the map.

    Attributes
    ----------
    peak
        Which peak of the map it belongs to, counted from 0, the highest first.
    where
        In words; sides are those of the picture.
    top, left, height, width
        The box around it, in pixels of the model's input.
    share
        Of the image, above 0, at most 1: of its pixels, not of its box.
    importance
        How far blurring all of it lowers the evidence for the target class, in the unit of the map; negative where it
        raises it.
    score
        Of the target class with the region blurred.
    outline
        The corners of each line around it, x and y in turn, in pixels of the model's input: sides are level or
        upright, and what an odd number of lines goes around is inside. Empty in reports that don't tell.
    mark
        x and y of a place inside, near its middle: where its number stands.
    """

    peak: int
    where: str
    top: int
    left: int
    height: int
    width: int
    share: Number
    importance: Number
    score: Number
    outline: tuple[tuple[int, ...], ...] = ()
    mark: tuple[float, ...] = ()

    @property
    def path(self) -> str:
        """The outline as a path of SVG."""
        lines = []
        for line in self.outline:
            corners = [f"{x} {y}" for x, y in zip(line[::2], line[1::2], strict=True)]
            lines.append(f"M{'L'.join(corners)}Z")
        return "".join(lines)


@dataclass(frozen=True, kw_only=True)
class RegionPair:
    """Two regions that are blurred together.

    Attributes
    ----------
    first, second
        Their places among the regions, counted from 0; the first is the stronger.
    importance
        How far blurring both lowers the evidence.
    beyond_sum
        That minus the sum of what each lowers it alone.
    """

    first: int
    second: int
    importance: Number
    beyond_sum: Number


@dataclass(frozen=True, kw_only=True)
class Regions:
    """The strongest regions of one case.

    Attributes
    ----------
    target_class, unit
        The class whose evidence is followed, and ``bits`` or ``output``.
    regions
        By magnitude of importance, the strongest first; at most 8, none where the map says nothing.
    pairs
        Every two of them.
    """

    target_class: str
    unit: str
    regions: tuple[Region, ...]
    pairs: tuple[RegionPair, ...]

    @property
    def unit_text(self) -> str:
        """What stands behind a number: ``bits`` after a space, or nothing."""
        return say(" bits") if self.unit == BITS else ""
