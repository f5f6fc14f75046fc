"""In which channels groups differ: effect sizes of all, tests that count how many were tried, and what separates best.

Cohen's d with the interval of Hedges and Olkin, Statistical Methods for Meta-Analysis (1985), chapter 5; Mann and
Whitney (1947); Benjamini and Hochberg (1995). Effects are of all cases; ranks of those in the samples.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import Group, Layout, Row
from reportgen.analysis.metrics.ranking import Ranking
from reportgen.analysis.metrics.resampling import Resampled, number_groups, resample
from reportgen.analysis.streaming import Moments
from reportgen.report.cohort import SIGNIFICANT
from reportgen.report.cohort_channels import ChannelEffect, Contrast
from reportgen.report.estimates import Estimate, Resampling
from reportgen.system.language import say

Floats = NDArray[np.float64]
SURE = 1.959963984540054  # 97.5th percentile of the normal distribution
ALIKE = 0.9
EXAMPLES = 8
_EXACT, _COUNTED = 8, 60


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a group, or several taken together."""

    name: str
    moments: Moments
    rows: tuple[Row, ...]
    count: int

    @functools.cached_property
    def values(self) -> Floats:
        """``(rows, channels)``."""
        return np.stack([row.channels for row in self.rows]).astype(np.float64)


@dataclass(frozen=True)
class Chosen:
    """A channel that separates well.

    Attributes
    ----------
    contrast, place
        Place of the comparison, and of the channel among all.
    same_in
        Layers that have it, too.
    auc
        Of its mean alone.
    steps
        (key, value) of cases at even steps through the ranks of its means, the lowest first.
    values
        (name, means over each case) of the side that is compared with, and of the other.
    """

    contrast: int
    place: int
    same_in: tuple[str, ...]
    auc: Estimate
    steps: tuple[tuple[str, float], ...]
    values: tuple[tuple[str, Floats], tuple[str, Floats]]


def sides_of(names: Sequence[str], groups: dict[str, Group]) -> list[tuple[Side, Side]]:
    """Return (here, there) of each comparison.

    Of two groups the second against the first; of more, each against all others; of one, none.
    """
    parts = {name: _side(name, [groups[name]]) for name in names}
    if len(names) < 2:
        return []
    if len(names) == 2:
        return [(parts[names[1]], parts[names[0]])]
    return [
        (parts[name], _side(say("the others"), [groups[other] for other in names if other != name])) for name in names
    ]


def _side(name: str, groups: Sequence[Group]) -> Side:
    moments = functools.reduce(Moments.merge, [group.channels for group in groups])
    whole, drawn = sum(group.count for group in groups), [list(group.sample) for group in groups]
    # groups of which only a part is in the sample must not weigh as much as they would whole
    share = min(len(rows) / group.count for rows, group in zip(drawn, groups, strict=True))
    kept = [
        rows[: max(1, round(share * group.count))] if len(groups) > 1 else rows
        for rows, group in zip(drawn, groups, strict=True)
    ]
    return Side(name, moments, tuple(row for rows in kept for row in rows), whole)


def compare_channels(pairs: Sequence[tuple[Side, Side]], layout: Layout) -> tuple[Contrast, ...]:
    """Compare all channels on both sides of each pair.

    Returns
    -------
    tuple of Contrast
        With q over all channels and pairs together; channels that are the same in all cases have p 1.
    """
    from scipy.stats import false_discovery_control

    tested = [rank_channels(here.values, there.values) for here, there in pairs]
    q = false_discovery_control(np.concatenate([p for p, _, _ in tested])) if tested and layout.channels else []
    start = 0
    found = []
    for (here, there), (p, auc, exact) in zip(pairs, tested, strict=True):
        own = np.asarray(q[start : start + len(p)])
        start += len(p)
        low, d, high = cohens_d(here.moments, there.moments)
        columns = zip(layout.names, here.moments.mean, there.moments.mean, low, d, high, p, own, auc, strict=True)
        found.append(
            Contrast(
                here=here.name, there=there.name, cases_here=here.count, cases_there=there.count,
                ranked_here=len(here.rows), ranked_there=len(there.rows), exact=exact,
                smallest_p=smallest_p(len(here.rows), len(there.rows)),
                channels=tuple(
                    ChannelEffect(
                        layer=layer, channel=channel, mean_here=float(a), mean_there=float(b),
                        effect=Estimate(value=float(at), low=float(lower), high=float(upper)), p=float(p_one),
                        q=float(q_one), auc=float(auc_one),
                    )
                    for (layer, channel), a, b, lower, at, upper, p_one, q_one, auc_one in columns
                ),
                clear=int((own < SIGNIFICANT).sum()),
            )
        )  # fmt: skip
    return tuple(found)


def cohens_d(here: Moments, there: Moments) -> tuple[Floats, Floats, Floats]:
    """Return (lower end, Cohen's d, upper end) of each place: the difference of means over the pooled deviation.

    The interval takes the values for normally distributed: d plus or minus 1.96 times
    ``sqrt((n1 + n2) / (n1 n2) + d² / (2 (n1 + n2)))``. NaN where all values are equal, or there are fewer than two on a
    side.
    """
    n1, n2 = here.count.astype(np.float64), there.count.astype(np.float64)
    enough = (n1 > 1) & (n2 > 1)
    pooled = ((n1 - 1) * here.variance + (n2 - 1) * there.variance) / np.maximum(n1 + n2 - 2, 1)
    size = np.maximum(np.abs(here.mean), np.abs(there.mean))
    known = enough & (pooled > (1e-7 * size) ** 2)
    d = np.where(known, (here.mean - there.mean) / np.sqrt(np.where(known, pooled, 1.0)), np.nan)
    half = SURE * np.sqrt((n1 + n2) / np.maximum(n1 * n2, 1) + d**2 / (2 * np.maximum(n1 + n2, 1)))
    return d - half, d, d + half


def rank_channels(here: Floats, there: Floats) -> tuple[Floats, Floats, bool]:
    """Return (p, AUC, whether p is exact) of the two-sided Mann-Whitney test of each column.

    Parameters
    ----------
    here, there
        ``(n1, channels)`` and ``(n2, channels)``. A channel with a value that is not finite is not tested: p 1, AUC
        NaN.
    """
    from scipy.stats import mannwhitneyu

    width, pairs = here.shape[1], len(here) * len(there)
    p, auc = np.ones(width), np.full(width, np.nan)
    exact = min(len(here), len(there)) <= _EXACT and len(here) + len(there) <= _COUNTED
    known = np.flatnonzero(np.isfinite(here).all(axis=0) & np.isfinite(there).all(axis=0))
    if not len(known) or not pairs:
        return p, auc, exact
    both = np.sort(np.concatenate([here[:, known], there[:, known]]), axis=0)
    tied = (both[1:] == both[:-1]).any(axis=0)
    for chosen, method in ((tied if exact else np.ones_like(tied), "asymptotic"), (~tied & exact, "exact")):
        places = known[chosen]
        if len(places):
            found = mannwhitneyu(here[:, places], there[:, places], axis=0, method=method)
            p[places], auc[places] = found.pvalue, found.statistic / pairs
    # where all values are equal there is nothing to be ranked
    p[np.isnan(p)] = 1.0
    return p, auc, exact


def smallest_p(here: int, there: int) -> float:
    """Return the smallest two-sided p that so many cases can reach: 2 of all orders."""
    return min(1.0, 2 / math.comb(here + there, here)) if here + there <= _COUNTED else 0.0


def choose_separating(
    contrasts: Sequence[Contrast], pairs: Sequence[tuple[Side, Side]], layout: Layout, most: int
) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return (comparison, place of the channel, layers that have it, too) of the channels with an AUC far from 0.5.

    A channel goes unmixed through normalization and activation: of layers of equal width whose channels of the same
    number go with it (correlation at least 0.9 over the cases, or at most -0.9), only the best is listed. Of several
    comparisons each has its share of the channels, at least one.
    """
    starts = np.concatenate([[0], np.cumsum([count for _, count in layout.layers])]).astype(int)
    order = sorted(
        (
            (-one.strength, number, place)
            for number, contrast in enumerate(contrasts)
            for place, one in enumerate(contrast.channels)
            if math.isfinite(one.auc) and one.strength > 0
        )
    )
    share = max(1, most // max(1, len(contrasts)))
    left = [share] * len(contrasts)
    taken: set[tuple[int, int]] = set()
    chosen: list[tuple[int, int, tuple[str, ...]]] = []
    for _, number, place in order:
        if not any(left):
            break
        if not left[number] or (number, place) in taken:
            continue
        left[number] -= 1
        values = np.concatenate([side.values for side in pairs[number]])
        layer = int(np.searchsorted(starts, place, side="right")) - 1
        width = layout.layers[layer][1]
        same = []
        for other, (name, count) in enumerate(layout.layers):
            at = int(starts[other]) + place - int(starts[layer])
            if other != layer and count == width and abs(correlate(values[:, place], values[:, at])) >= ALIKE:
                same.append(name)
                taken.add((number, at))
        chosen.append((number, place, tuple(same)))
    return chosen


def separate(
    contrasts: Sequence[Contrast], pairs: Sequence[tuple[Side, Side]], layout: Layout, most: int, resampling: Resampling
) -> list[Chosen]:
    """Return the channels that separate best, with cases that show it."""
    found = []
    for number, place, same in choose_separating(contrasts, pairs, layout, most):
        here, there = pairs[number]
        keys = [row.key for side in (here, there) for row in side.rows]
        both = np.concatenate([side.values[:, place] for side in (here, there)])
        sides = ((there.name, there.values[:, place]), (here.name, here.values[:, place]))
        steps = tuple(step_through(keys, both, EXAMPLES))
        found.append(Chosen(number, place, same, auc_estimate(here, there, place, resampling), steps, sides))
    return found


def step_through(keys: Sequence[str], values: Floats, count: int) -> list[tuple[str, float]]:
    """Return (key, value) of cases at even steps through the ranks of their values, the lowest first."""
    known = [place for place in np.argsort(values, kind="stable").tolist() if math.isfinite(values[place])]
    if len(known) > count:
        known = [known[at] for at in np.linspace(0, len(known) - 1, count).round().astype(int)]
    return [(keys[place], float(values[place])) for place in known]


def correlate(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation of two vectors; 0 where one is constant or not finite."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return 0.0
    a, b = first - first.mean(), second - second.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else 0.0


def auc_estimate(here: Side, there: Side, place: int, resampling: Resampling) -> Estimate:
    """Return the AUC of one channel with its interval, by a bootstrap of patients."""
    values = np.concatenate([here.values[:, place], there.values[:, place]])
    positive = np.arange(len(values)) < len(here.rows)
    groups = number_groups(tuple(row.patient for row in (*here.rows, *there.rows)))
    ranking = Ranking(values, positive)
    found: dict[str, Resampled] = resample(lambda weights: {"auc": ranking.steps(weights).auc()}, groups, resampling)
    return found["auc"].estimate
