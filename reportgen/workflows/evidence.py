"""The evidence of a report, step by step: the scans, whether their map is to be believed, and what decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reportgen.analysis.agreement import agreement_remarks
from reportgen.analysis.covered import make_passes
from reportgen.analysis.deciding import find_deciding
from reportgen.analysis.decision import decision_remarks, find_decisions
from reportgen.analysis.grid_shift import find_shifts, shift_of_halves
from reportgen.analysis.known_regions import measure_regions, region_remarks
from reportgen.analysis.map_test import STEPS, map_remarks, put_to_test
from reportgen.analysis.measures import measure_maps
from reportgen.analysis.other_views import make_views, view_remarks
from reportgen.analysis.predictions import Head
from reportgen.analysis.regions import find_regions, pair_remarks
from reportgen.analysis.remarks import interpret_once, occlusion_remarks
from reportgen.analysis.robustness import COPIES, find_sensitivity
from reportgen.analysis.runs import CaseRun, Runs, Subject, scan_cases
from reportgen.analysis.sanity import STEPS as SANITY_STEPS
from reportgen.analysis.sanity import check_sanity, sanity_remarks
from reportgen.report.layer import LayerReport
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport
from reportgen.settings.report import Settings
from reportgen.system.progress import Stopwatch


def gather_evidence(
    subject: Subject, runs: Runs, settings: Settings, watch: Stopwatch, positions: int
) -> list[CaseRun]:
    """Scan the cases and find out what the scans tell; each step adds to the cases.

    Parameters
    ----------
    subject, runs
        The model, and the cases whose scores are numbers.
    settings
        Of the report.
    watch
        Measures the steps and shows their progress.
    positions
        How many places of an image are to be covered.
    """
    with watch.step("occlusion scan", (positions + 1) * len(runs)) as advance:
        done = scan_cases(subject, runs, settings, advance)
        passes = make_passes(subject, done, settings.occlusion.memory)
    if settings.occlusion.test:
        with watch.step("test of the maps", STEPS * len(done)) as advance:
            tests = put_to_test(subject, done, passes, advance)
            done = [replace(run, map_tests=of_case) for run, of_case in zip(done, tests, strict=True)]
        with watch.step("what decides", len(done)) as advance:
            decisions = find_decisions(subject, done, passes, advance)
            done = [replace(run, decisions=found) for run, found in zip(done, decisions, strict=True)]
        with watch.step("strongest regions", len(done)) as advance:
            parts = find_regions(subject, done, passes, advance)
            done = [replace(run, regions=found) for run, found in zip(done, parts, strict=True)]
    with watch.step("known regions", len(done)) as advance:
        regions = measure_regions(subject, done, settings.preprocessing.aspect, passes, advance)
        done = [replace(run, known_regions=found) for run, found in zip(done, regions, strict=True)]
    if settings.occlusion.sanity:
        with watch.step("sanity check", SANITY_STEPS) as advance:
            checked = check_sanity(subject, done, settings.occlusion, advance)
            done = [replace(run, sanity=found) for run, found in zip(done, checked, strict=True)]
    done = [replace(run, grid_shift=shift_of_halves(run.scans[0].summary)) if run.scans else run for run in done]
    if settings.occlusion.robustness:
        with watch.step("a shifted grid") as advance:
            shifts = find_shifts(subject, done, settings.occlusion, advance)
            done = [replace(run, grid_shift=found) for run, found in zip(done, shifts, strict=True)]
    if settings.occlusion.test:
        sensitivities: list[float | None] = [None] * len(done)
        if settings.occlusion.robustness:
            with watch.step("maps under noise", COPIES) as advance:
                sensitivities = find_sensitivity(subject, done, settings.occlusion, advance)
        with watch.step("measures of the maps"):
            measured = measure_maps(subject, done, passes, sensitivities)
            done = [replace(run, measures=found) for run, found in zip(done, measured, strict=True)]
    for name in dict.fromkeys(settings.occlusion.views):
        with watch.step(name, len(done)) as advance:
            views = make_views(subject, done, settings.occlusion, passes, name, advance)
            pairs = zip(done, views, strict=True)
            done = [replace(run, views=(*run.views, *([view] if view else []))) for run, view in pairs]
    return done


def add_deciding(
    subject: Subject, runs: Runs, layers: Sequence[Sequence[LayerReport]], settings: Settings, watch: Stopwatch
) -> list[list[LayerReport]]:
    """Add to the measures of layers, case by case, which channels decide."""
    with watch.step("channels that decide", len(subject.layers)) as advance:
        found = find_deciding(subject, runs, settings.occlusion.memory, advance)
    return [
        [
            replace(layer, deciding=one.channels[number], deciding_at=one.at)
            for layer, one in zip(of_case, found, strict=True)
        ]
        for number, of_case in enumerate(layers)
    ]


def evidence_remarks(shown: Sequence[CaseReport], head: Head) -> tuple[Remark, ...]:
    """Say what the evidence is, in the order in which it is to be read."""
    return interpret_once(
        (
            *map_remarks(shown),
            *agreement_remarks(shown),
            *region_remarks(shown),
            *decision_remarks(shown, head),
            *sanity_remarks(shown),
            *pair_remarks(shown),
            *view_remarks(shown),
            *occlusion_remarks(shown, regression=head.is_regression),
        )
    )
