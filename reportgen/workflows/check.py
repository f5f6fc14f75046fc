"""Whether a model is as expected: settings or a saved report -> report -> expectations -> verdicts and JUnit XML."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

from reportgen.outputs.made import Made
from reportgen.report.check import Checked, count_failed
from reportgen.report.evaluation import ClassifierEvaluation
from reportgen.report.provenance import creation_time
from reportgen.report.report import Report
from reportgen.settings.evaluation import EvaluationJob
from reportgen.settings.expectations import DataExpectation, Expectations, read_expectations
from reportgen.settings.job import Job
from reportgen.settings.report import Settings
from reportgen.system.errors import ImageError, SettingsError
from reportgen.system.progress import Stopwatch

SAVED = (".html", ".htm", ".json")


@dataclass(frozen=True, kw_only=True)
class CheckJob:
    """One run of ``reportgen check``.

    Attributes
    ----------
    source
        The settings file, or a saved report.
    expected
        The file of expectations.
    cases
        What is to be run, of a settings file; of a saved report nothing.
    junit
        The XML to write; None: not written.
    figures
        Where the pictures of a saved report.json are; None: beside it.
    """

    source: Path
    expected: Path
    cases: Job
    junit: Path | None = None
    figures: Path | None = None

    @property
    def is_saved(self) -> bool:
        """Whether the source is a saved report."""
        return self.source.suffix.lower() in SAVED


@dataclass(frozen=True)
class CheckResult:
    """What was found, and what is to be told of it."""

    checked: tuple[Checked, ...]
    made: Made

    @property
    def failed(self) -> int:
        """How many expectations don't hold."""
        return count_failed(self.checked)


def check(job: CheckJob, settings: Settings, *, overwrite: bool, progress: bool, debug: bool) -> CheckResult:
    """Measure what is expected and say of each expectation whether it holds.

    Parameters
    ----------
    job
        What is checked, against what.
    settings
        How the report is made, and how the images of a data set are read.
    overwrite
        Whether the XML may be replaced.
    progress
        Whether to show it.
    debug
        Whether libraries may say what they want to say.

    Raises
    ------
    ReportgenError
        When something that was given can't be used; nothing is written then.
    """
    from reportgen.analysis.expectations import check_evaluation, check_report
    from reportgen.outputs.junit import render_junit
    from reportgen.outputs.text import render_checked
    from reportgen.system.atomic import check_target, write_all
    from reportgen.workflows.making import spare_files

    expectations = read_expectations(job.expected)
    _check_measurable(job, expectations, settings)
    if job.junit is not None:
        spare_files([job.junit], [job.source, job.expected, *(Path(one.path) for one in expectations.data)])
        check_target(job.junit, overwrite=overwrite)
    watch, started = Stopwatch(progress), time.perf_counter()
    checked: list[Checked] = []
    if expectations.cases or expectations.layers:
        report = _report(job, settings, progress=progress, debug=debug)
        checked += check_report(report, expectations)
    for one in expectations.data:
        found = _evaluation(job, one, settings, watch, debug=debug)
        checked += check_evaluation(found, one, Path(one.path).name or "data")
    whole = tuple(checked)
    if job.junit is not None:
        write_all({job.junit: render_junit(whole, created=creation_time(), seconds=time.perf_counter() - started)})
    written = () if job.junit is None else (job.junit,)
    return CheckResult(whole, Made(written, tuple(render_checked(whole))))


def _check_measurable(job: CheckJob, expectations: Expectations, settings: Settings) -> None:
    """Refuse to expect what the settings switch off, before minutes of work."""
    if job.is_saved:
        return
    scan = settings.occlusion
    if expectations.of_maps and not (scan.enabled and settings.page.shows("occlusion")):
        raise SettingsError(
            f"{job.expected} expects something of the map, but there is no scan", "leave it switched on"
        )
    if expectations.of_tests and not scan.test:
        raise SettingsError(f"{job.expected} expects that the map beats chance, but it isn't tested", "set test = true")
    if expectations.layers and not settings.page.shows("layers", "differs"):
        raise SettingsError(f"{job.expected} expects something of layers, but none is shown", "show section layers")


def _report(job: CheckJob, settings: Settings, *, progress: bool, debug: bool) -> Report:
    if job.is_saved:
        from reportgen.outputs.report_files import read_report

        return read_report(job.source, job.figures)
    from reportgen.workflows.making import report_of

    # nothing is expected of single channels
    settings = dataclasses.replace(settings, layers=dataclasses.replace(settings.layers, deciding=False))
    return report_of(job.cases, settings, progress=progress, debug=debug)


def _evaluation(
    job: CheckJob, expected: DataExpectation, settings: Settings, watch: Stopwatch, *, debug: bool
) -> ClassifierEvaluation:
    from reportgen.outputs.saved.evaluation_json import is_evaluation, read_evaluation
    from reportgen.workflows.evaluate import measure

    path = Path(expected.path)
    if is_evaluation(path):
        return read_evaluation(path)
    if job.is_saved:
        raise SettingsError(
            f"{path} needs the model, which a saved report doesn't hold", "give a settings file, or an evaluation.json"
        )
    asked = EvaluationJob(data=path, html=Path("evaluation.html"), split=expected.split, mistakes=0)
    try:
        return measure(asked, settings, watch, debug=debug)
    except ImageError as problem:
        # evaluate can leave images out; a check that did would hold for fewer than it says
        raise ImageError(problem.what, f"mend it, or take it out of {path.name}") from None
