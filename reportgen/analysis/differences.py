"""Which channels respond differently to two groups of cases, and by how much.

The effect is Cliff's delta between the values at the places of a channel's maps: Cliff, "Dominance Statistics: Ordinal
Analyses to Answer Ordinal Questions", Psychological Bulletin 114 (1993). Why not a difference of means over the spatial
standard deviation: that deviation is small where few places respond, and pooling shrinks it, so that the same channel
differs by 1.0 before and 1.7 after it; a ranking over all layers by it is one of coarse maps. Delta asks only which
of two values is the larger. So it means the same in every layer, whatever the unit, does not change with what a
normalization or a rectifier does to all values alike, and isn't carried by one extreme place; zeros on both sides are
no difference. It tells how much of the map responds more, not how strongly: means and maxima stand beside it. It is a
measure of size and no test: places of one map are not independent.

Between groups, the delta of the places of all maps is the mean of the deltas of all pairs of cases, as all maps of a
layer have the same number of places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head, best_predictions
from reportgen.analysis.runs import CaseRun, Runs, are_finite, distinct_runs
from reportgen.report.channels import BY_ANSWER, BY_CASE, BY_LABEL, CaseGroup, Differences, LayerEffects
from reportgen.report.layer import LayerReport
from reportgen.report.names import plain_name
from reportgen.report.report import is_reference

MOST_PLACES = 25_000  # of a group's maps: of larger ones every second, third, ... row and column
_STEPS = 1 << 20  # values nearer to each other than this part of the layer's largest are alike
Groups = tuple[str, CaseGroup, CaseGroup]


def find_groups(runs: Runs, head: Head) -> Groups | None:
    """Return what makes two groups of the cases, and the groups: what looks normal first; None where nothing does.

    Parameters
    ----------
    runs
        The cases; of those with the same image, the first counts.
    head
        How the model's output is read.

    Notes
    -----
    Two images are a group each. Of more, the labels make the groups, where all have one of two; else what the model
    says, where that is one of two classes.
    """
    apart = distinct_runs(runs)
    if len(apart) < 2:
        return None
    if len(apart) == 2:
        first, second = sorted(apart, key=lambda run: not is_reference(run.case.label))
        return BY_CASE, _alone(first), _alone(second)
    labels = [run.case.label for run in apart]
    if all(label is not None for label in labels) and (groups := _two_groups(apart, [str(one) for one in labels])):
        return BY_LABEL, *groups
    if head.is_regression or head.thresholds or not are_finite(apart):
        return None
    answers = [best_predictions(head, run.scores)[0].class_name for run in apart]
    groups = _two_groups(apart, answers)
    return (BY_ANSWER, *groups) if groups else None


def channel_effects(
    maps: NDArray[np.floating], first: Sequence[int], second: Sequence[int]
) -> tuple[float | None, ...]:
    """Return for each channel how much more the second cases respond than the first.

    Parameters
    ----------
    maps
        ``(N, H, W, C)``: raw activations of a layer, all cases.
    first, second
        Numbers of cases.

    Returns
    -------
    tuple of float or None
        Cliff's delta, -1 to 1; None for a channel with a value that is not a number.
    """
    step = 1
    while max(len(first), len(second)) * -(-maps.shape[1] // step) * -(-maps.shape[2] // step) > MOST_PLACES:
        step += 1
    groups = [_places(maps[list(cases), ::step, ::step]) for cases in (first, second)]
    with np.errstate(invalid="ignore", over="ignore"):
        # of NaN, pooling makes the lowest number there is
        known = (np.abs(maps[[*first, *second]]) < np.finfo(np.float32).max).all(axis=(0, 1, 2))
        largest = max((float(np.abs(group[known]).max()) for group in groups if known.any()), default=0.0)
        # rounding of the arithmetic is no difference
        unit = largest / _STEPS or 1.0
        groups = [np.sort(np.rint(group / np.float32(unit)), axis=1) for group in groups]
    return tuple(
        _delta(one, other) if usable else None for one, other, usable in zip(*groups, known.tolist(), strict=True)
    )


def _alone(run: CaseRun) -> CaseGroup:
    return CaseGroup(name=run.title, cases=(run.number,))


def gather_differences(
    groups: Groups, layers: Sequence[LayerReport], effects: Sequence[tuple[float | None, ...]], at: Mapping[str, str]
) -> Differences:
    """Put together what was found of all layers.

    Parameters
    ----------
    groups
        From :func:`find_groups`.
    layers
        The shown layers, as measured on any case.
    effects
        Of each layer's channels.
    at
        Of a layer whose channels go unmixed into a later one, the last such.
    """
    by, first, second = groups
    count = sum(layer.channels for layer in layers if layer.name not in at)
    told = []
    for layer, one in zip(layers, effects, strict=True):
        places = layer.height * layer.width
        chance = chance_limit((places * len(first.cases), places * len(second.cases)), count)
        told.append(LayerEffects(name=layer.name, effects=one, at=at.get(layer.name, ""), chance=chance))
    return Differences(by=by, first=first, second=second, layers=tuple(told))


def chance_limit(places: tuple[int, int], channels: int) -> float:
    """Return the effect that the largest of many channels reaches by chance in one case of 20, at most 1.

    If no group responded more and all places were independent, the effect's standard deviation would be the root of
    (n + m + 1) / (3 n m) for n and m places (Mann and Whitney 1947). Places of a map go together, so that chance gives
    rather more.

    Parameters
    ----------
    places
        How many places the maps of each group have, all in all.
    channels
        How many are looked at.
    """
    first, second = places
    deviation = math.sqrt((first + second + 1) / (3 * first * second))
    return round(min(1.0, NormalDist().inv_cdf(1 - 0.05 / (2 * max(1, channels))) * deviation), 4)


def _two_groups(runs: Sequence[CaseRun], names: Sequence[str]) -> tuple[CaseGroup, CaseGroup] | None:
    members: dict[str, list[int]] = {}
    called: dict[str, str] = {}
    for run, name in zip(runs, names, strict=True):
        members.setdefault(plain_name(name), []).append(run.number)
        called.setdefault(plain_name(name), name)
    if len(members) != 2:
        return None
    first, second = sorted(members, key=lambda key: not is_reference(called[key]))
    return (
        CaseGroup(name=called[first], cases=tuple(members[first])),
        CaseGroup(name=called[second], cases=tuple(members[second])),
    )


def _places(maps: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the values of maps ``(N, H, W, C)`` channel by channel: ``(C, N * H * W)``."""
    return np.ascontiguousarray(maps.reshape(-1, maps.shape[-1]).T, np.float32)


def _delta(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Cliff's delta of sorted values."""
    below = int(np.searchsorted(first, second, "left").sum())
    up_to = int(np.searchsorted(first, second, "right").sum())
    return round((below + up_to) / (len(first) * len(second)) - 1, 4)
