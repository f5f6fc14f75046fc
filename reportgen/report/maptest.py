"""A map's own test, as data: what happens to the evidence when pixels go, or come back, in the map's order.

Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018
(arXiv:1806.07421); what stands in for pixels that are gone: a blurred image, and noisy linear imputation (Rong et al.,
"A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML 2022, arXiv:2202.00449).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.evidence import BITS, name_followed
from reportgen.report.numbers import Number
from reportgen.system.language import say

BLUR, IMPUTED = "blur", "imputed"
BOTH, ONE, NONE, UNKNOWN = "both", "one", "none", "unknown"
FLAT = 1e-4  # of the evidence: what changes by less may be rounding
Curve = tuple[Number, ...]


@dataclass(frozen=True, kw_only=True)
class TestCurves:
    """The curves of one case with one stand-in for pixels that are gone.

    Attributes
    ----------
    baseline
        ``blur``, or ``imputed``: from the neighbours that are left, with a little noise.
    deletion
        Evidence when the first share of pixels in the map's order is gone, share by share: the lower, the better.
    insertion
        Evidence when only the first share is there: the higher, the better.
    random_deletion, random_insertion
        The same in random orders of blocks, order by order. An order read backwards is random as well, and what it
        inserts is what the other has not deleted, so both come from the same images.
    """

    __test__ = False  # no test of pytest's

    baseline: str
    deletion: Curve
    insertion: Curve
    random_deletion: tuple[Curve, ...]
    random_insertion: tuple[Curve, ...]

    @property
    def deletion_mean(self) -> float:
        """Mean under the curve of deletion."""
        return mean_under(self.deletion)

    @property
    def insertion_mean(self) -> float:
        """Mean under the curve of insertion."""
        return mean_under(self.insertion)

    @property
    def random_deletion_means(self) -> tuple[float, ...]:
        """Means under the curves of random orders."""
        return tuple(map(mean_under, self.random_deletion))

    @property
    def random_insertion_means(self) -> tuple[float, ...]:
        """Means under the curves of random orders."""
        return tuple(map(mean_under, self.random_insertion))

    @property
    def orders(self) -> int:
        """How many random orders there are."""
        return len(self.random_deletion)

    @property
    def beaten_by_deletion(self) -> int:
        """How many random orders the map's is better than when deleting."""
        return sum(other - self.deletion_mean > self.rounding for other in self.random_deletion_means)

    @property
    def beaten_by_insertion(self) -> int:
        """How many random orders the map's is better than when inserting."""
        return sum(self.insertion_mean - other > self.rounding for other in self.random_insertion_means)

    @property
    def deletion_margin(self) -> float:
        """By how much the map's mean is below that of random orders."""
        return _mean(self.random_deletion_means) - self.deletion_mean

    @property
    def insertion_margin(self) -> float:
        """By how much the map's mean is above that of random orders."""
        return self.insertion_mean - _mean(self.random_insertion_means)

    @functools.cached_property
    def rounding(self) -> float:
        """What may be rounding in the evidence."""
        return FLAT * max(1.0, *(abs(value) for value in self._values if math.isfinite(value)), 0.0)

    @property
    def outcome(self) -> str:
        """Whether the map is better than chance: ``both``, ``one`` or ``none`` of the two ways, or ``unknown``.

        Better than chance is what beats all random orders but at most one. Nothing is known where the evidence is no
        number somewhere, or is the same whatever is gone.
        """
        values = self._values
        if not self.orders or not all(map(math.isfinite, values)) or max(values) - min(values) <= self.rounding:
            return UNKNOWN
        passed = (self.beaten_by_deletion >= self.orders - 1) + (self.beaten_by_insertion >= self.orders - 1)
        return (NONE, ONE, BOTH)[passed]

    @property
    def _values(self) -> list[float]:
        rows = (self.deletion, self.insertion, *self.random_deletion, *self.random_insertion)
        return [value for row in rows for value in row]


@dataclass(frozen=True, kw_only=True)
class MapTest:
    """The test of one case's combined map.

    Attributes
    ----------
    followed
        What the evidence is for: the target class where the model says it, else what it says instead.
    supports_target
        Whether that is the target class; where it isn't, the map's order is read from its other end.
    unit
        ``bits``, or ``output`` of a model that gives numbers.
    shares
        Of the pixels, from 0 to 1.
    block
        (height, width) of the blocks of random orders, in pixels: as large as the smallest patch.
    curves
        One for each stand-in; the first decides the outcome.
    ordered
        Whether the map's pixels differ by more than rounding: else their order is chance, and so are the curves.
    """

    followed: str
    supports_target: bool
    unit: str
    shares: tuple[Number, ...]
    block: tuple[int, int]
    curves: tuple[TestCurves, ...]
    ordered: bool = True

    @property
    def outcome(self) -> str:
        """See :attr:`TestCurves.outcome`, with the first stand-in; ``unknown`` where there is no order to test."""
        return self.curves[0].outcome if self.ordered else UNKNOWN

    @property
    def unit_text(self) -> str:
        """What stands behind a number: ``bits`` after a space, or nothing."""
        return say(" bits") if self.unit == BITS else ""

    @property
    def followed_text(self) -> str:
        """What is tested, in words: the evidence for a class, or the number that a model gives."""
        return name_followed(self.followed, in_bits=self.unit == BITS)


def mean_under(curve: Sequence[float]) -> float:
    """Return the mean under a curve over even steps (trapezoids)."""
    if len(curve) < 2:
        return float(curve[0]) if curve else math.nan
    return (sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
