"""What each group of a cohort has, in numbers with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import Group
from reportgen.analysis.metrics.resampling import wilson_interval
from reportgen.analysis.streaming import Moments
from reportgen.report.cohort import BEATS, CohortGroup
from reportgen.report.evaluation import Estimate
from reportgen.report.report import is_reference

Floats = NDArray[np.float64]


def order_groups(groups: Mapping[str, Group]) -> list[str]:
    """Return the names of groups: the reference (such as NORMAL) first, then by name."""
    return sorted(groups, key=lambda name: (not is_reference(name), name.casefold(), name))


def summarize_groups(
    names: Sequence[str], groups: Mapping[str, Group], class_names: tuple[str, ...]
) -> tuple[CohortGroup, ...]:
    """Return what each group has."""
    return tuple(_summarize(name, groups[name], class_names) for name in names)


def _summarize(name: str, group: Group, class_names: tuple[str, ...]) -> CohortGroup:
    return CohortGroup(
        name=name, cases=group.count, patients=len({row.patient for row in group.sample}),
        mapped=int(group.maps.count.max(initial=0)),
        accuracy=share_estimate(group.right, group.judged) if group.judged else None,
        evidence=mean_estimate(group.evidence), border=mean_estimate(group.border),
        flip_share=float(group.flips.mean) if group.flips.count else math.nan, flips=int(group.flips.count),
        beats={one: group.beats[one] for one in BEATS if group.beats[one]},
        targets={class_names[number]: count for number, count in sorted(group.targets.items())},
    )  # fmt: skip


def mean_estimate(moments: Moments) -> Estimate | None:
    """Return the mean of numbers with its interval by Student's t; None without any number."""
    count = int(moments.count)
    if not count:
        return None
    half = math.nan
    if count > 1:
        from scipy.stats import t

        half = float(t.ppf(0.975, count - 1)) * math.sqrt(float(moments.variance) / count)
    mean = float(moments.mean)
    return Estimate(value=mean, low=mean - half, high=mean + half)


def share_estimate(part: int, whole: int) -> Estimate:
    """Return a share with Wilson's interval."""
    low, high = wilson_interval(part / whole, whole)
    return Estimate(value=part / whole, low=low, high=high)


def mean_maps(names: Sequence[str], groups: Mapping[str, Group]) -> list[tuple[str, Floats, Floats, Floats]]:
    """Return (name, mean, deviation, mean picture) ``(h, w)`` each of the groups that have maps."""
    return [
        (name, groups[name].maps.mean, np.sqrt(groups[name].maps.variance), groups[name].pictures.mean)
        for name in names
        if groups[name].maps.count.any()
    ]
