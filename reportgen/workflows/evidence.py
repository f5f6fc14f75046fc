"""The evidence of a report, step by step: the scans, whether their map is to be believed, and what decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reportgen.analysis.decision import decision_remarks, find_decisions
from reportgen.analysis.known_regions import measure_regions, region_remarks
from reportgen.analysis.map_test import STEPS, map_remarks, put_to_test
from reportgen.analysis.predictions import Head
from reportgen.analysis.remarks import occlusion_remarks
from reportgen.analysis.runs import CaseRun, Runs, Subject, scan_cases
from reportgen.report.report import CaseReport, Remark
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
    memory = settings.occlusion.memory
    with watch.step("occlusion scan", (positions + 1) * len(runs)) as advance:
        done = scan_cases(subject, runs, settings, advance)
    if settings.occlusion.test:
        with watch.step("test of the maps", STEPS * len(done)) as advance:
            tests = put_to_test(subject, done, memory, advance)
            done = [replace(run, map_test=test) for run, test in zip(done, tests, strict=True)]
        with watch.step("what decides", len(done)) as advance:
            decisions = find_decisions(subject, done, memory, advance)
            done = [replace(run, decision=found) for run, found in zip(done, decisions, strict=True)]
    with watch.step("known regions", len(done)) as advance:
        regions = measure_regions(subject, done, settings.preprocessing.aspect, memory, advance)
        return [replace(run, known_regions=found) for run, found in zip(done, regions, strict=True)]


def evidence_remarks(shown: Sequence[CaseReport], head: Head) -> tuple[Remark, ...]:
    """Say what the evidence is, in the order in which it is to be read."""
    return (
        *map_remarks(shown),
        *region_remarks(shown),
        *decision_remarks(shown),
        *occlusion_remarks(shown, regression=head.is_regression),
    )
