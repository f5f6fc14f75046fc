"""The strongest regions: parts of an image around the peaks of its map, each covered as a whole.

Definition: a region is what hangs together with a peak of the combined map and reaches three fifths of its height.
Peaks whose way to a higher one doesn't fall below that share of the higher one belong to it; those lower than a
quarter of the highest of all are left out, and regions with fewer pixels than half of the smallest patch. Peaks of
what covering lowers and of what it raises are looked for alike. Each region is then blurred as a whole in the image,
and ranked by what the evidence really did; so are all pairs of them. One that does next to nothing isn't told.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.contour import inner_place, trace_contour
from reportgen.analysis.covered import Covered, Passes, cover
from reportgen.analysis.runs import Runs, Subject
from reportgen.report.evidence import OcclusionMap
from reportgen.report.places import name_place
from reportgen.report.regions import MOST, Region, RegionPair, Regions
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport
from reportgen.system.language import say

HEIGHT = 0.6  # of its peak, that a region reaches down to
LEAST = 0.25  # of the highest peak, that another needs
LARGE = 0.25  # of what two regions change alone: what is worth a sentence when they are covered together
NOTHING = 0.02  # of what the strongest region does: one that does less when it is blurred is left out
_CELLS = 64  # along the longer side: the map is smooth, and more would only take longer
_NOTICEABLE_BITS = 0.1
Values = NDArray[np.float64]
Masks = NDArray[np.bool_]


def find_regions(
    subject: Subject, runs: Runs, passes: Passes, advance: Callable[[int], object]
) -> list[Regions | None]:
    """Find the strongest regions of each case, for the first class that its scan follows.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    passes
        Through the model, for these cases.
    advance
        Told the number of cases done.

    Returns
    -------
    list of Regions or None
        None for a case without a scan.
    """
    found: list[Regions | None] = []
    for run in runs:
        if run.scans:
            scan = run.scans[0]
            covered = cover(subject, passes, run, run.targets[0])
            found.append(_measure(covered, parts_of_map(scan.importance, scan.summary), scan.summary))
        else:
            found.append(None)
        advance(1)
    return found


def parts_of_map(importance: Values, found: OcclusionMap) -> Masks:
    """Return the pixels of each region of a case's map: none finer than half of the smallest patch."""
    patch = found.smallest.patch
    return parts_of(importance, found.rounding, patch[0] * patch[1] / 2)


def parts_of(importance: Values, rounding: float, least_pixels: float = 1) -> Masks:
    """Return the pixels of each region, ``(N, H, W)`` with N at most 8, the highest peak first.

    Parameters
    ----------
    importance
        Map ``(H, W)``; what isn't finite counts as 0.
    rounding
        Heights up to this are nothing.
    least_pixels
        Regions of fewer pixels are left out.
    """
    height, width = importance.shape
    step = max(1, math.ceil(max(height, width) / _CELLS))
    rows, columns = (np.minimum(np.arange(0, side, step) + step // 2, side - 1) for side in (height, width))
    cells = np.where(np.isfinite(importance), importance, 0)[np.ix_(rows, columns)]
    least = max(float(LEAST * np.abs(cells).max()), rounding)
    found = [part for sign in (1, -1) for part in _rises(sign * cells, least)]
    found.sort(key=lambda part: -part[0])
    masks = [mask.repeat(step, axis=0).repeat(step, axis=1)[:height, :width] for _, mask in found]
    large = [mask for mask in masks if np.count_nonzero(mask) >= least_pixels][:MOST]
    return np.array(large, bool).reshape(len(large), height, width)


def _rises(heights: Values, least: float) -> list[tuple[float, Masks]]:
    """Return the height of each peak above ``least``, and its cells that reach down to ``HEIGHT`` of it.

    Cells join from the highest downwards: one that touches none begins a rise, one that touches several goes to the
    highest of those that it stands high enough for, which takes in the lower ones.
    """
    values, across = heights.ravel(), heights.shape[1]
    cells = [int(cell) for cell in np.argsort(-values, kind="stable") if values[cell] > least]
    owner: dict[int, int] = {}  # the first cell of the rise that a cell joined
    taken: dict[int, int] = {}  # by which rise another was taken in

    def root(first: int) -> int:
        while first in taken:
            first = taken[first]
        return first

    for cell in cells:
        column = cell % across
        beside = (cell - across, cell + across, cell - 1 if column else -1, cell + 1 if column + 1 < across else -1)
        rises = sorted({root(owner[one]) for one in beside if one in owner}, key=lambda one: (-values[one], one))
        reached = [one for one in rises if values[cell] >= HEIGHT * values[one]]
        owner[cell] = (reached or rises or [cell])[0]
        taken.update(dict.fromkeys(reached[1:], owner[cell]))
    masks: dict[int, Masks] = {}
    for cell in cells:
        first = root(owner[cell])
        if values[cell] >= HEIGHT * values[first]:
            masks.setdefault(first, np.zeros(len(values), bool))[cell] = True
    return [(float(values[first]), mask.reshape(heights.shape)) for first, mask in masks.items()]


def _measure(covered: Covered, parts: Masks, found: OcclusionMap) -> Regions:
    """Blur each part, and each two, in one run."""
    twos = list(itertools.combinations(range(len(parts)), 2))
    none = Regions(target_class=found.target_class, unit=found.unit, regions=(), pairs=())
    if not len(parts):
        return none
    masks = [np.zeros(found.size, bool), *parts, *(parts[one] | parts[other] for one, other in twos)]
    scores, evidence = covered.blur(np.array(masks))
    changes = evidence[0] - evidence[1:]
    alone, together = changes[: len(parts)], dict(zip(twos, changes[len(parts) :], strict=True))
    seen = [number for number in range(len(parts)) if np.isfinite(alone[number])]
    strongest = max((abs(float(alone[one])) for one in seen), default=0.0)
    least = max(found.rounding, NOTHING * strongest)
    order = sorted((one for one in seen if abs(alone[one]) > least), key=lambda one: (-abs(alone[one]), one))
    regions = tuple(_region(one, parts[one], float(alone[one]), float(scores[1 + one])) for one in order)
    pairs = tuple(
        RegionPair(
            first=first,
            second=second,
            importance=float(both),
            beyond_sum=float(both - alone[order[first]] - alone[order[second]]),
        )
        for first, second in itertools.combinations(range(len(order)), 2)
        if np.isfinite(both := together[min(order[first], order[second]), max(order[first], order[second])])
    )
    return Regions(target_class=found.target_class, unit=found.unit, regions=regions, pairs=pairs)


def _region(peak: int, mask: Masks, importance: float, score: float) -> Region:
    rows, columns = np.nonzero(mask)
    return Region(
        peak=peak,
        where=name_place((float(rows.mean()), float(columns.mean())), (mask.shape[0], mask.shape[1])),
        top=int(rows.min()),
        left=int(columns.min()),
        height=int(np.ptp(rows)) + 1,
        width=int(np.ptp(columns)) + 1,
        share=float(mask.mean()),
        importance=importance,
        score=score,
        outline=trace_contour(mask),
        mark=inner_place(mask),
    )


def pair_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say for each case which two regions do together what they don't do alone, where it is much."""
    return tuple(remark for case in cases if case.regions for remark in _pair_remark(case.title, case.regions))


def _pair_remark(title: str, found: Regions) -> list[Remark]:
    """Tell the pair that is farthest from its sum."""
    pairs = [pair for pair in found.pairs if _is_large(found, pair)]
    if not pairs:
        return []
    pair = max(pairs, key=lambda one: abs(one.beyond_sum))
    alone = [found.regions[number].importance for number in (pair.first, pair.second)]
    unit = found.unit_text
    amount = f"{abs(pair.importance):.3g}{unit}"
    told = {
        "case": title, "first": pair.first + 1, "second": pair.second + 1, "apart": f"{abs(pair.beyond_sum):.3g}{unit}",
        "both": say("blurring both costs {amount}", amount=amount)
        if pair.importance > 0
        else say("blurring both adds {amount}", amount=amount),
    }  # fmt: skip
    if min(alone) > 0 and pair.beyond_sum > 0:
        text = say(
            "{case}: regions {first} and {second} stand in for each other: {both}, {apart} more than their sum.", **told
        )
    elif min(alone) > 0:
        text = say("{case}: regions {first} and {second} work together: {both}, {apart} less than their sum.", **told)
    else:
        text = say(
            "{case}: regions {first} and {second} depend on each other: {both}, {apart} away from the sum of what each "
            "does alone ({one} and {other}).",
            **told, one=f"{alone[0]:+.3g}", other=f"{alone[1]:+.3g}{unit}",
        )  # fmt: skip
    measured = {"importance": pair.importance, "beyond_sum": pair.beyond_sum}
    return [Remark(section="occlusion", kind="regions", text=text, numbers=measured)]


def _is_large(found: Regions, pair: RegionPair) -> bool:
    alone = sum(abs(found.regions[number].importance) for number in (pair.first, pair.second))
    noticeable = _NOTICEABLE_BITS if found.unit_text else 0.0
    return abs(pair.beyond_sum) > max(LARGE * alone, noticeable)
