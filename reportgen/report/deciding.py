"""Which channels of a layer decide, as data: those whose removal moves the evidence most, beside the most active."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.evidence import BITS
from reportgen.report.numbers import Number

GRADIENT, SPREAD = "gradient", "spread"
MEAN, ZERO = "mean", "zero"
_ROUNDING = 1e-5  # of the evidence: what moves it by less may be rounding


@dataclass(frozen=True, kw_only=True)
class RemovedChannel:
    """One channel that was removed: set to its mean over the image, or to 0.

    Attributes
    ----------
    channel
        Its number, from 0.
    effect
        By how much the evidence for the target class falls without it: below 0, it rises.
    activity
        Mean absolute activation on this image.
    """

    channel: int
    effect: Number
    activity: Number


@dataclass(frozen=True, kw_only=True)
class DecidingChannels:
    """The channels of one layer that matter on one case.

    Attributes
    ----------
    target_class
        The class whose evidence is followed.
    unit
        ``bits``, or ``output`` of a model that gives numbers.
    base_evidence
        Of the untouched image.
    strongest
        The channels whose removal moves the evidence most, the first the most.
    active
        As many with the largest mean absolute activation, the first the most active.
    removed
        How many channels were removed, one at a time.
    set_to
        ``mean``, over the image; or ``zero``, where their means change nothing.
    screened
        How those were chosen where not all were removed: ``gradient``, by the first order of what removal does, or
        ``spread``, by their mean absolute deviation where there is no gradient; else empty.
    """

    target_class: str
    unit: str
    base_evidence: Number
    strongest: tuple[RemovedChannel, ...]
    active: tuple[RemovedChannel, ...]
    removed: int
    set_to: str = MEAN
    screened: str = ""

    @property
    def in_bits(self) -> bool:
        """Whether the evidence is log-odds, and no plain output."""
        return self.unit == BITS

    @property
    def shared(self) -> int:
        """How many channels are in both lists."""
        return len({one.channel for one in self.strongest} & {one.channel for one in self.active})

    @property
    def decides(self) -> bool:
        """Whether removing any channel moves the evidence by more than rounding."""
        limit = _ROUNDING * max(1.0, abs(self.base_evidence))
        return any(abs(one.effect) > limit for one in self.strongest)

    @property
    def pairs(self) -> tuple[tuple[RemovedChannel, RemovedChannel], ...]:
        """The lists side by side: (strongest, most active), rank by rank."""
        return tuple(zip(self.strongest, self.active, strict=True))
