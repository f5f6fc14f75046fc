"""One or two measures of each class for a case's map, from what was found before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.covered import Passes
from reportgen.analysis.metrics.complexity import entropy, sparseness
from reportgen.analysis.robustness import COPIES, NOISE
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.report.evidence import OcclusionMap, OcclusionScan
from reportgen.report.grid_shift import GridShift
from reportgen.report.importance import scan_importance
from reportgen.report.maptest import UNKNOWN, MapTest
from reportgen.report.measures import (
    AXIOMS,
    COMPLEXITY,
    FAITHFULNESS,
    LOCALISATION,
    RANDOMISATION,
    ROBUSTNESS,
    Measure,
)
from reportgen.report.report import readable
from reportgen.report.sanity import SanityTest
from reportgen.system.language import say

Values = NDArray[np.float64]


class Localised(Protocol):
    """A known region, and how a map lies to it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def auc(self) -> float:
        """Area under the ROC curve of the map against it, over the pixels."""


def measure_maps(
    subject: Subject, runs: Runs, passes: Passes, sensitivities: Sequence[float | None]
) -> list[tuple[Measure, ...]]:
    """Measure the combined map of each case.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases, with what else was found of them.
    passes
        Through the model, for these cases.
    sensitivities
        Of each case's map to noise; None where that was not tried.

    Returns
    -------
    list of tuple of Measure
        Those that could be taken; none for a case without a scan.
    """
    scanned = [run for run in runs if run.scans]
    gaps: dict[int, Measure] = {}
    if scanned:
        gaps = _completeness(subject, scanned, passes)
    return [
        (
            *(_of_order(run, sensitivity) if run.scans[0].summary.has_order else ()),
            *([gaps[run.number]] if run.number in gaps else []),
        )
        if run.scans
        else ()
        for run, sensitivity in zip(runs, sensitivities, strict=True)
    ]


def _of_order(run: CaseRun, sensitivity: float | None) -> tuple[Measure, ...]:
    """Take what tells of one pixel beside another: of a map that is even but for rounding it would be noise."""
    return (
        *_faithfulness(run.map_test),
        *_robustness(sensitivity),
        *_steadiness(run.grid_shift, run.scans[0].summary),
        *localisation(run.known_regions.regions if run.known_regions else ()),
        *_complexity(run.scans[0].importance),
        *_randomisation(run.sanity),
    )


def localisation(regions: Sequence[Localised]) -> tuple[Measure, ...]:
    """Return how well a map finds known regions."""
    return tuple(
        Measure(
            kind=LOCALISATION, name=say("AUC of {name}", name=one.name), value=one.auc,
            good=say("near 1; 0.5 is chance"),
            meaning=say("how well the map's values tell pixels of the region from others"),
        )
        for one in regions
        if math.isfinite(one.auc)
    )  # fmt: skip


def tiled_total(scan: OcclusionScan, found: OcclusionMap) -> float:
    """Return what the patches of a scan cost in all when they tile the image once.

    The importance of a pixel is that of the patches that cover it, so its sum over the pixels, divided by the pixels of
    a patch, is the importance of a tiling, averaged over the tilings.
    """
    importance = scan_importance(scan, found.base_evidence, found.size)
    return float(importance.sum() / (scan.patch[0] * scan.patch[1]))


def _faithfulness(test: MapTest | None) -> tuple[Measure, ...]:
    if test is None or test.outcome == UNKNOWN:
        return ()
    blur, unit = test.curves[0], test.unit_text.strip()
    means = {
        say("deletion margin"): (
            blur.deletion_margin,
            say("by how much less is left than in random orders when pixels go"),
        ),
        say("insertion margin"): (
            blur.insertion_margin,
            say("by how much more is there than in random orders when they return"),
        ),
    }
    return tuple(
        Measure(kind=FAITHFULNESS, name=name, value=value, unit=unit, good=say("high; 0 is chance"), meaning=meaning)
        for name, (value, meaning) in means.items()
    )


def _robustness(sensitivity: float | None) -> tuple[Measure, ...]:
    if sensitivity is None or not math.isfinite(sensitivity):
        return ()
    return (
        Measure(
            kind=ROBUSTNESS, name=say("average sensitivity"), value=sensitivity, good=say("near 0"),
            meaning=say(
                "relative change of the map under noise that is hardly seen ({copies} copies, standard deviation "
                "{noise} of 255)",
                copies=COPIES, noise=NOISE,
            ),
        ),
    )  # fmt: skip


def _steadiness(shift: GridShift | None, found: OcclusionMap) -> tuple[Measure, ...]:
    if shift is None:
        return ()
    meaning = (
        say(
            "largest difference of a pixel's importance between grids: the scan's, and one run once more that is "
            "shifted by half a step"
        )
        if shift.scanned
        else say(
            "largest difference of a pixel's importance between grids: of every second position, shifted against each "
            "other by half of their step"
        )
    )
    return (
        Measure(
            kind=ROBUSTNESS, name=say("range over shifted grids"), value=shift.largest,
            unit=say("bits") if found.in_bits else "", good=say("near 0"), meaning=meaning,
            note=say("median {value}", value=readable(shift.median)),
        ),
    )  # fmt: skip


def _complexity(importance: Values) -> tuple[Measure, ...]:
    most = readable(math.log(importance.size))
    found = (
        Measure(
            kind=COMPLEXITY, name=say("sparseness"), value=sparseness(importance),
            good=say("near 1, if few places matter"), meaning=say("Gini index of the map: 0 if all pixels matter "
                     "alike"),
        ),
        Measure(
            kind=COMPLEXITY, name=say("entropy"), value=entropy(importance), unit=say("nats"),
            good=say("low, if few places matter"),
            meaning=say("how evenly the map is spread: {most} nats if all pixels matter alike", most=most),
        ),
    )  # fmt: skip
    return tuple(one for one in found if math.isfinite(one.value))


def _randomisation(test: SanityTest | None) -> tuple[Measure, ...]:
    if test is None or not test.is_known:
        return ()
    return (
        Measure(
            kind=RANDOMISATION, name=say("rank correlation"), value=test.final[0], good=say("near 0"),
            meaning=say("likeness of the map to that of the model with random weights"),
        ),
    )  # fmt: skip


def _completeness(subject: Subject, runs: Sequence[CaseRun], passes: Passes) -> dict[int, Measure]:
    """Compare what the patches cost one by one with what covering all of the image at once costs."""
    scans = [_smallest(run.scans[0].summary) for run in runs]
    costs = [_blurring_costs(run, scan) for run, scan in zip(runs, scans, strict=True)]
    if any(cost is None for cost in costs):
        costs = list(_covering_costs(subject, runs, scans, passes))
    found = {}
    for run, scan, cost in zip(runs, scans, costs, strict=True):
        summary = run.scans[0].summary
        parts, whole = tiled_total(scan, summary), math.nan if cost is None else cost
        unit = say("bits") if summary.in_bits else ""
        if not math.isfinite(parts - whole) or max(_largest_change(scan, summary), abs(whole)) <= summary.rounding:
            continue
        found[run.number] = Measure(
            kind=AXIOMS, name=say("completeness gap"), value=parts - whole, unit=unit, good=say("near 0"),
            meaning=say(
                "what patches of {size} pixels cost one by one, all in all, less what covering everything at once "
                "costs",
                size=f"{scan.patch[0]} x {scan.patch[1]}",
            ),
            note=say("{parts} one by one, {whole} at once", parts=readable(parts), whole=readable(whole)),
        )  # fmt: skip
    return found


def _blurring_costs(run: CaseRun, scan: OcclusionScan) -> float | None:
    """Return what covering everything costs where the map's test has found it: blurred, when all pixels are gone."""
    if run.map_test is None or scan.fill != "blur":
        return None
    deletion = run.map_test.curves[0].deletion
    return (deletion[0] - deletion[-1]) * (1 if run.map_test.supports_target else -1)


def _covering_costs(
    subject: Subject, runs: Sequence[CaseRun], scans: Sequence[OcclusionScan], passes: Passes
) -> Iterator[float]:
    """Run the model on the fills alone, and return what covering everything with them costs each case."""
    fills = [run.scans[0].summary.fills.index(scan.fill) for run, scan in zip(runs, scans, strict=True)]
    inputs = [subject.loaded.preprocessing(run.scans[0].fills[fill]) for run, fill in zip(runs, fills, strict=True)]
    for run, covered in zip(runs, passes.readout.evidence(passes.run(inputs)), strict=True):
        yield run.scans[0].summary.base_evidence - float(covered[run.targets[0]])


def _largest_change(scan: OcclusionScan, found: OcclusionMap) -> float:
    return max(abs(found.base_evidence - value) for value in scan.evidence_range)


def _smallest(found: OcclusionMap) -> OcclusionScan:
    """Return the scan with the smallest patch, the blurred one where there is one: its fill is that of the test."""
    patch = found.smallest.patch
    return next((one for one in found.scans if one.patch == patch and one.fill == "blur"), found.smallest)
