"""Numbers with an interval: how sure a measure is, what two have more or less, and how that is told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.numbers import Number
from reportgen.system.language import say


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A measure with its 95 % interval.

    Attributes
    ----------
    value
        Of the images as they are; NaN where it isn't defined.
    low, high
        Ends of the interval; NaN where there is none.
    """

    value: Number
    low: Number
    high: Number


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How intervals were made.

    Attributes
    ----------
    samples
        How many times as many patients as there are were drawn with replacement.
    seed
        Of the draws.
    """

    samples: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One measure of two models on the same images.

    Attributes
    ----------
    name
        Of the measure.
    here, there
        Its values, of the first and of the other.
    difference
        Here minus there; the interval from the same patients drawn for both.
    """

    name: str
    here: Number
    there: Number
    difference: Estimate


def describe_estimate(estimate: Estimate | None) -> str:
    """Return a measure with its interval, three decimals each; a dash where it isn't defined."""
    if estimate is None or not math.isfinite(estimate.value):
        return "–"
    if not math.isfinite(estimate.low):
        return f"{estimate.value:.3f}"
    return with_interval(estimate, 3)


def with_interval(estimate: Estimate, decimals: int) -> str:
    """Return a number with its interval, which is known: with a dash, or in words where that would stand by a minus."""
    value, low, high = (
        f"{one:z.{decimals}f}".replace("-", "−") for one in (estimate.value, estimate.low, estimate.high)
    )
    if not low.startswith("−"):
        return f"{value} [{low}–{high}]"
    return say("{value} [{low} to {high}]", value=value, low=low, high=high)
