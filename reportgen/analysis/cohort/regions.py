"""How much of the evidence lies in regions that are known by name, over many cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from reportgen.analysis.streaming import Moments

MOST_NAMES = 16


class RegionNumbers(Protocol):
    """One known region of a case, as :class:`reportgen.batch.numbers.RegionNumbers` keeps it."""

    @property
    def name(self) -> str:
        """As given."""

    @property
    def area(self) -> float:
        """Share of the pixels that the model gets."""

    @property
    def evidence(self) -> float:
        """Share of the evidence."""

    @property
    def peak_inside(self) -> bool | None:
        """Whether the strongest place is in it; None where there is none."""


@dataclass
class RegionStatistics:
    """A region of one name in the cases of a group.

    Attributes
    ----------
    area, evidence
        Moments of its share of the image, and of the evidence.
    tried, hit
        In how many cases the map has a strongest place, and in how many that is in the region.
    """

    area: Moments = field(default_factory=lambda: Moments(()))
    evidence: Moments = field(default_factory=lambda: Moments(()))
    tried: int = 0
    hit: int = 0

    def add(self, region: RegionNumbers) -> None:
        """Take the region of a case more; one of which nothing is in what the model gets tells nothing."""
        if not region.area > 0:
            return
        if np.isfinite(region.evidence):
            self.area.add(np.asarray(region.area))
            self.evidence.add(np.asarray(region.evidence))
        self.tried += region.peak_inside is not None
        self.hit += bool(region.peak_inside)

    def merge(self, other: RegionStatistics) -> RegionStatistics:
        """Return what both have together."""
        return RegionStatistics(
            self.area.merge(other.area), self.evidence.merge(other.evidence), self.tried + other.tried,
            self.hit + other.hit,
        )  # fmt: skip


@dataclass
class NamedRegions:
    """The regions of a group by name: at most 16, the first in the order of the names.

    A name that was pushed out by sixteen before it can't come back, so that those that are left have all their cases.

    Attributes
    ----------
    by_name
        What there is of each.
    is_cut
        Whether there were more names.
    """

    by_name: dict[str, RegionStatistics] = field(default_factory=dict)
    is_cut: bool = False

    def add(self, regions: Iterable[RegionNumbers]) -> None:
        """Take the regions of a case more."""
        for region in regions:
            self.by_name.setdefault(region.name, RegionStatistics()).add(region)
        self._cut()

    def merge(self, other: NamedRegions) -> NamedRegions:
        """Return what both have together."""
        both = NamedRegions(is_cut=self.is_cut or other.is_cut)
        for name in {*self.by_name, *other.by_name}:
            parts = [one.by_name[name] for one in (self, other) if name in one.by_name]
            both.by_name[name] = parts[0] if len(parts) == 1 else parts[0].merge(parts[1])
        both._cut()
        return both

    def _cut(self) -> None:
        if len(self.by_name) > MOST_NAMES:
            self.by_name = {name: self.by_name[name] for name in sorted(self.by_name)[:MOST_NAMES]}
            self.is_cut = True
