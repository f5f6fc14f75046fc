"""Evidence maps over a cohort, as data: how alike they are, and how much of them lies in known regions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.estimates import Estimate
from reportgen.report.known_regions import EvidenceShare
from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How alike the evidence maps of two cases are, on average over pairs: their correlation.

    Attributes
    ----------
    first, second
        The groups: the same one twice for pairs inside it.
    pairs
        How many.
    correlation
        Mean over all pairs, with its interval.
    """

    first: str
    second: str
    pairs: int
    correlation: Estimate


@dataclass(frozen=True, kw_only=True)
class Likenesses:
    """How alike maps are, inside groups and across them.

    Attributes
    ----------
    pairs
        Every two groups.
    inside, across
        Mean correlation over all pairs of cases of one group, and of different ones.
    p
        How often groups put together at random differ as much; NaN where there is one group.
    smallest_p
        The smallest that can be reached.
    permutations
        How many were tried.
    drawn
        How many cases took part in that.
    """

    pairs: tuple[Likeness, ...]
    inside: Number
    across: Number
    p: Number = math.nan
    smallest_p: Number = math.nan
    permutations: int = 0
    drawn: int = 0


@dataclass(frozen=True, kw_only=True)
class RegionInGroup:
    """The known regions of one name in the cases of a group.

    Attributes
    ----------
    name
        As given.
    cases
        In how many there is one, and evidence.
    area
        Mean share of the image that the model gets.
    evidence
        Mean share of the evidence, with Student's interval.
    pointed
        In how many cases the map has a strongest place.
    hits
        In which share of them that lies in the region (the pointing game), with Wilson's interval; None without any.
    """

    name: str
    cases: int
    area: Number
    evidence: Estimate
    pointed: int = 0
    hits: Estimate | None = None

    @property
    def inside(self) -> EvidenceShare:
        """Both shares, the means over the cases."""
        return EvidenceShare(area=self.area, evidence=self.evidence.value)
