"""Channels over a cohort, as data: in which ones its groups differ, and which ones tell them apart."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.cohort_cases import Example
from reportgen.report.estimates import Estimate
from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class ChannelEffect:
    """How far the mean of a channel differs between two groups.

    Attributes
    ----------
    layer, channel
        Which.
    mean_here, mean_there
        Mean over the cases of each group.
    effect
        Cohen's d with its interval: above 0, the group is higher than the others.
    p, q
        Of the Mann-Whitney test, and after Benjamini and Hochberg over all channels and comparisons.
    auc
        Of the channel's mean alone: how often a case of the group is above one of the others, ties counting half.
    """

    layer: str
    channel: int
    mean_here: Number
    mean_there: Number
    effect: Estimate
    p: Number
    q: Number
    auc: Number

    @property
    def strength(self) -> float:
        """How far the AUC is from 0.5."""
        return abs(self.auc - 0.5)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A group against another, or against all others.

    Attributes
    ----------
    here, there
        Names of the groups.
    cases_here, cases_there
        How many.
    ranked_here, ranked_there
        How many of them are in the ranks: all, or a sample.
    exact
        Whether p comes from all orders, and not from the normal distribution.
    smallest_p
        The smallest that so many cases can reach.
    channels
        All of them.
    clear
        How many have q below 0.05.
    """

    here: str
    there: str
    cases_here: int
    cases_there: int
    ranked_here: int
    ranked_there: int
    exact: bool
    smallest_p: Number
    channels: tuple[ChannelEffect, ...]
    clear: int


@dataclass(frozen=True, kw_only=True)
class SeparatingChannel:
    """A channel that separates well, with cases from its lowest to its highest mean.

    Attributes
    ----------
    contrast
        Place of the comparison.
    effect
        Its numbers.
    auc
        With its interval, by a bootstrap of patients.
    same_in
        Layers whose channel of the same number goes with it: it is listed once.
    examples
        At even steps through the ranks, the lowest first.
    """

    contrast: int
    effect: ChannelEffect
    auc: Estimate
    same_in: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def is_lower(self) -> bool:
        """Whether the group is lower than the others."""
        return self.auc.value < 0.5

    @property
    def separation(self) -> Estimate:
        """The AUC for the side that is higher: at least 0.5."""
        if not self.is_lower:
            return self.auc
        return Estimate(value=1 - self.auc.value, low=1 - self.auc.high, high=1 - self.auc.low)

    @property
    def difference(self) -> Estimate:
        """Cohen's d of the side that is higher."""
        d = self.effect.effect
        return Estimate(value=-d.value, low=-d.high, high=-d.low) if self.is_lower else d
