"""What each group of a cohort has, in numbers with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import Group
from reportgen.analysis.cohort.regions import MOST_NAMES, RegionStatistics
from reportgen.analysis.metrics.resampling import wilson_interval
from reportgen.analysis.streaming import Moments
from reportgen.report.cohort import BEATS, CohortGroup
from reportgen.report.cohort_maps import RegionInGroup
from reportgen.report.estimates import Estimate
from reportgen.report.report import is_reference

Floats = NDArray[np.float64]


def order_groups(groups: Mapping[str, Group]) -> list[str]:
    """Return the names of groups: the reference (such as NORMAL) first, then by name."""
    return sorted(groups, key=lambda name: (not is_reference(name), name.casefold(), name))


def summarize_groups(
    names: Sequence[str], groups: Mapping[str, Group], class_names: tuple[str, ...]
) -> tuple[CohortGroup, ...]:
    """Return what each group has."""
    listed = name_regions(groups)
    return tuple(_summarize(name, groups[name], class_names, listed) for name in names)


def name_regions(groups: Mapping[str, Group]) -> tuple[str, ...]:
    """Return the names of the known regions that all groups together have, the first 16 in their order."""
    return tuple(sorted({name for group in groups.values() for name in group.regions.by_name})[:MOST_NAMES])


def are_regions_cut(groups: Mapping[str, Group]) -> bool:
    """Return whether there were more names of regions than are listed."""
    names = {name for group in groups.values() for name in group.regions.by_name}
    return len(names) > MOST_NAMES or any(group.regions.is_cut for group in groups.values())


def _summarize(name: str, group: Group, class_names: tuple[str, ...], regions: Sequence[str]) -> CohortGroup:
    return CohortGroup(
        name=name, cases=group.count, patients=len({row.patient for row in group.sample}),
        mapped=int(group.maps.count.max(initial=0)),
        accuracy=share_estimate(group.right, group.judged) if group.judged else None,
        evidence=mean_estimate(group.evidence), border=mean_estimate(group.border),
        flip_share=float(group.flips.mean) if group.flips.count else math.nan, flips=int(group.flips.count),
        beats={one: group.beats[one] for one in BEATS if group.beats[one]},
        targets={class_names[number]: count for number, count in sorted(group.targets.items())},
        regions=tuple(
            region_in_group(name, group.regions.by_name[name])
            for name in regions
            if name in group.regions.by_name and group.regions.by_name[name].evidence.count
        ),
    )  # fmt: skip


def region_in_group(name: str, found: RegionStatistics) -> RegionInGroup:
    """Return what the cases of a group, at least one, have of the regions of a name."""
    evidence = mean_estimate(found.evidence)
    if evidence is None:
        raise ValueError(f"no case with {name}")
    return RegionInGroup(
        name=name, cases=int(found.evidence.count), area=float(found.area.mean), evidence=evidence, pointed=found.tried,
        hits=share_estimate(found.hit, found.tried) if found.tried else None,
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
