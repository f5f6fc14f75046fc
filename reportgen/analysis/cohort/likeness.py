"""How alike evidence maps are, inside groups and across them: the mean correlation over all pairs of cases.

With every map at mean 0 and length 1, all pairs of a group are in the length of their sum: no pair is computed. The
intervals are those of U-statistics (Hoeffding 1948), from how alike each single case is to the others; whether groups
differ is tried by putting the cases together at random, as ANOSIM does (Clarke 1993).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import Group
from reportgen.analysis.streaming import Moments
from reportgen.report.cohort_maps import Likeness, Likenesses
from reportgen.report.estimates import Estimate

Floats = NDArray[np.float64]
PERMUTATIONS = 2000
_SURE = 1.959963984540054
_LEAST = 3  # cases of a group from which on its interval is given


class Alikeness:
    """How alike each case's map is to those of each group: the second walk fills it.

    Parameters
    ----------
    sums
        Of each group the sum of its maps ``(h, w)``, each at mean 0 and length 1.
    counts
        How many of them it is of.
    """

    def __init__(self, sums: Mapping[str, Floats], counts: Mapping[str, int]) -> None:
        self._sums, self._counts = dict(sums), dict(counts)
        self._single = {pair: Moments(()) for pair in itertools.product(self._sums, repeat=2)}

    @classmethod
    def of(cls, names: Sequence[str], groups: Mapping[str, Group]) -> Alikeness:
        """Return it for groups that the first walk filled."""
        moments = {name: groups[name].directions for name in names}
        counts = {name: int(one.count.max(initial=0)) for name, one in moments.items()}
        return cls({name: one.total for name, one in moments.items()}, counts)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the groups."""
        return tuple(self._sums)

    def fresh(self) -> Alikeness:
        """Return the same without any case."""
        return Alikeness(self._sums, self._counts)

    def merge(self, other: Alikeness) -> Alikeness:
        """Return what both parts of a walk have together."""
        both = self.fresh()
        both._single = {pair: moments.merge(other._single[pair]) for pair, moments in self._single.items()}
        return both

    def add(self, group: str, direction: Floats) -> float:
        """Take the map of a case; return its mean correlation with the others of its group, NaN without any."""
        own = math.nan
        for other, total in self._sums.items():
            product = float((direction * total).sum())
            if other == group:
                others = self._counts[other] - 1
                value = own = (product - 1) / others if others else math.nan
            else:
                value = product / self._counts[other] if self._counts[other] else math.nan
            self._single[group, other].add(np.asarray(value))
        return own

    def pairs(self) -> tuple[Likeness, ...]:
        """Return the mean correlation of every two groups, those inside one first."""
        names = list(self._sums)
        inside = [self._inside(name) for name in names]
        return (*inside, *(self._across(a, b) for a, b in itertools.combinations(names, 2)))

    def _inside(self, name: str) -> Likeness:
        count, moments = self._counts[name], self._single[name, name]
        mean = float((self._sums[name] ** 2).sum() - count) / (count * (count - 1)) if count > 1 else math.nan
        half = _half(4 * float(moments.variance) / count) if count >= _LEAST else math.nan
        return Likeness(first=name, second=name, pairs=count * (count - 1) // 2, correlation=_estimate(mean, half))

    def _across(self, a: str, b: str) -> Likeness:
        counts = self._counts[a], self._counts[b]
        pairs = counts[0] * counts[1]
        mean = float((self._sums[a] * self._sums[b]).sum()) / pairs if pairs else math.nan
        half = math.nan
        if min(counts) >= _LEAST:
            spread = (float(self._single[pair].variance) for pair in ((a, b), (b, a)))
            half = _half(sum(value / count for value, count in zip(spread, counts, strict=True)))
        return Likeness(first=a, second=b, pairs=pairs, correlation=_estimate(mean, half))


def measure_likeness(alike: Alikeness, names: Sequence[str], groups: dict[str, Group]) -> Likenesses | None:
    """Return how alike maps are; None where no two cases have one.

    Parameters
    ----------
    alike
        Filled with all cases.
    names, groups
        The groups.
    """
    pairs = alike.pairs()
    if not any(one.pairs for one in pairs):
        return None
    drawn = [np.stack(list(groups[name].directed)) for name in names if len(groups[name].directed) > 1]
    p, least, tried = math.nan, math.nan, 0
    if len(drawn) > 1:
        p, least, tried = permute(drawn)
    return Likenesses(
        pairs=pairs,
        inside=_pooled([one for one in pairs if one.first == one.second]),
        across=_pooled([one for one in pairs if one.first != one.second]),
        p=p, smallest_p=least, permutations=tried, drawn=sum(map(len, drawn)) if tried else 0,
    )  # fmt: skip


def permute(parts: Sequence[NDArray[np.float32]], permutations: int = PERMUTATIONS) -> tuple[float, float, int]:
    """Return (p, smallest p, permutations) of pairs inside groups being no more alike than those across.

    Parameters
    ----------
    parts
        For each group its maps ``(n, h, w)``, each at mean 0 and length 1.
    permutations
        How many to draw; all of them are tried where there are no more.
    """
    flat = np.concatenate([part.reshape(len(part), -1) for part in parts]).astype(np.float64)
    alike = flat @ flat.T
    np.fill_diagonal(alike, 0)
    sizes = [len(part) for part in parts]
    labels = np.repeat(np.arange(len(parts)), sizes)
    every = _orders(sizes)
    # groups of equal size may change names, which changes nothing
    least = math.prod(math.factorial(sizes.count(size)) for size in set(sizes)) / every
    found = _gap(alike, labels)
    if len(parts) == 2 and every <= permutations:
        chosen = itertools.combinations(range(len(labels)), sizes[0])
        gaps = [_gap(alike, np.isin(np.arange(len(labels)), first, invert=True).astype(int)) for first in chosen]
        return float(np.mean(np.array(gaps) >= found - 1e-12)), least, every
    generator = np.random.default_rng(0)
    higher = sum(_gap(alike, generator.permutation(labels)) >= found - 1e-12 for _ in range(permutations))
    return (higher + 1) / (permutations + 1), max(least, 1 / (permutations + 1)), permutations


def _orders(sizes: Sequence[int]) -> int:
    return math.factorial(sum(sizes)) // math.prod(math.factorial(size) for size in sizes)


def _gap(alike: Floats, labels: NDArray[np.int64]) -> float:
    """Return by how much the mean over pairs inside groups is above that of pairs across."""
    member = labels[:, None] == np.unique(labels)
    counts = member.sum(axis=0)
    inside_sum = float(np.einsum("ik,ij,jk->", member.astype(float), alike, member.astype(float), optimize=True))
    inside = int((counts * (counts - 1)).sum())
    across = len(labels) * (len(labels) - 1) - inside
    return inside_sum / inside - (float(alike.sum()) - inside_sum) / across


def _pooled(pairs: Sequence[Likeness]) -> float:
    known = [one for one in pairs if one.pairs]
    total = sum(one.pairs for one in known)
    return sum(one.correlation.value * one.pairs for one in known) / total if total else math.nan


def _half(variance: float) -> float:
    return _SURE * math.sqrt(max(0.0, variance)) if math.isfinite(variance) else math.nan


def _estimate(mean: float, half: float) -> Estimate:
    return Estimate(value=mean, low=max(-1.0, mean - half), high=min(1.0, mean + half)) if math.isfinite(
        half
    ) else Estimate(value=mean, low=math.nan, high=math.nan)  # fmt: skip
