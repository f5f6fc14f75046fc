"""Two models on the same cases, as a walk: cases -> what both say -> counts and the cases that matter -> files.

A case is read, run through both models and dropped before the next; of a model that was run over a batch, what the
batch kept is taken.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.outputs.made import Made
from reportgen.report.estimates import Resampling
from reportgen.report.provenance import creation_time, versions
from reportgen.report.two_models import TWO_MODELS_DISCLAIMER, ModelSide, TwoModels
from reportgen.settings.compare import CompareJob
from reportgen.settings.report import Settings
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.language import say, speaking
from reportgen.system.libraries import library_version
from reportgen.system.progress import Stopwatch
from reportgen.system.silence import silence_tensorflow
from reportgen.workflows.making import model_files, spare_files

if TYPE_CHECKING:
    from reportgen.analysis.two_models.compare import Compared, LabelledMeasures
    from reportgen.workflows.compared_models import Side

_RESAMPLING = Resampling(samples=1000, seed=0)


def compare(job: CompareJob, settings: Settings, *, overwrite: bool, progress: bool, debug: bool) -> Made:
    """Compare two models on the same cases.

    Parameters
    ----------
    job
        The models, the cases, and where results go.
    settings
        How images are read and prepared, and the scan.
    overwrite
        Whether existing files may be replaced.
    progress
        Whether to show it.
    debug
        Whether libraries may say what they want to say.

    Raises
    ------
    ReportgenError
        When something that was given can't be used, or the models don't say the same classes; nothing is written then.
    """
    from reportgen.outputs.two_models.page import render_two_models_html
    from reportgen.outputs.two_models.tables import render_disagreements_csv, render_two_models_json
    from reportgen.system.atomic import check_target, write_all
    from reportgen.workflows.cohort import reports_beside
    from reportgen.workflows.compared_models import is_batch

    _check(job, settings, overwrite=overwrite)
    watch = Stopwatch(progress)
    with silence_tensorflow(debug=debug):
        from reportgen.workflows.pipeline import prepare_libraries

        if not (is_batch(job.first) and is_batch(job.second)):
            prepare_libraries()
    if not debug:
        warnings.simplefilter("ignore")
    with speaking(settings.language):
        found = measure_two_models(job, settings, watch)
    folders = [reports_beside(job.html, Path(one)) if is_batch(one) else "" for one in (job.first, job.second)]
    files = {job.html: render_two_models_html(found, (folders[0], folders[1])).encode()}
    if job.json is not None:
        files[job.json] = render_two_models_json(found)
    if job.csv is not None:
        files[job.csv] = render_disagreements_csv(found)
    for path in files:
        check_target(path, overwrite=overwrite)
    write_all(files)
    return Made(job.files, tuple(one.text for one in found.findings if one.first))


def _check(job: CompareJob, settings: Settings, *, overwrite: bool) -> None:
    """Refuse now what would fail after minutes of work."""
    from reportgen.analysis.metrics.curves import check_scikit_learn
    from reportgen.system.atomic import check_target
    from reportgen.workflows.compared_models import is_batch

    check_scikit_learn()
    batches = [is_batch(one) for one in (job.first, job.second)]
    if job.source is None and not all(batches):
        raise SettingsError("a model needs cases to be run on", "name them after the two models")
    if job.source is not None and all(batches):
        raise SettingsError("both models were run over their batches' cases", "leave the cases out")
    if len({os.path.abspath(path) for path in job.files}) < len(job.files):  # noqa: PTH100 - links are not followed
        raise OutputError("two outputs would be written to the same file", "name a file for each")
    given = [Path(one) for one, batch in zip((job.first, job.second), batches, strict=True) if not batch]
    spare_files(job.files, [*model_files(settings), *given, *([Path(job.source.cases)] if job.source else [])])
    for path in job.files:
        check_target(path, overwrite=overwrite)


def measure_two_models(job: CompareJob, settings: Settings, watch: Stopwatch) -> TwoModels:
    """Return all of a comparison.

    Raises
    ------
    ReportgenError
        As :func:`compare`.
    """
    from reportgen.analysis.cohort.summaries import mean_estimate
    from reportgen.analysis.two_models.answers import match_classes
    from reportgen.analysis.two_models.compare import (
        SAMPLE,
        Compared,
        measure_labelled,
        paired_counts,
        rank_correlation,
    )
    from reportgen.analysis.two_models.findings import find_all
    from reportgen.workflows.compared_models import open_sides, pair_cases
    from reportgen.workflows.compared_pictures import show_cases, two_models_pictures

    with watch.step("load models"):
        first, second, plan = open_sides(job, settings)
        matching = match_classes(first.head, second.head, (first.name, second.name))
    compared, lone, unreadable = Compared(matching), 0, list[str]()
    skipped = unreadable if job.skip_unreadable else None
    with watch.step("cases", plan.cases if plan else None) as done:
        for pair in pair_cases(first, second, plan, settings, unreadable=skipped):
            if pair is None:
                lone += 1
            else:
                compared.add(*pair)
            done(1)
    lone -= len(unreadable)
    if compared.unsaid and not compared.cases:
        raise SettingsError(
            f"of all {compared.unsaid} cases one of the models gives scores that are no numbers",
            "make a report of one: it tells where they arise",
        )
    if not compared.cases:
        raise SettingsError("the two models have no case in common", "give both the same images")
    with watch.step("measures"):
        paired = paired_counts(compared)
        measured = measure_labelled(compared, _RESAMPLING) if compared.right else None
        ranks = rank_correlation(compared)
    maps = mean_estimate(compared.correlations)
    sides = _sides(first, second, compared, measured)
    differences = measured.differences if measured else ()
    with watch.step("draw"):
        disagreeing, moved, thumbnails = show_cases(compared)
        pictures = two_models_pictures(compared)
    return TwoModels(
        title=job.title or say(" and ").join(dict.fromkeys((first.name, second.name))), language=settings.language,
        created=creation_time(), first=sides[0], second=sides[1], class_names=matching.head.class_names,
        cases=compared.cases, lone=lone, flips=compared.flips, said=_said(compared), paired=paired,
        differences=differences, labelled=measured.cases if measured else 0, rank_correlation=ranks,
        map_correlation=maps, mapped=int(compared.correlations.count), other_targets=compared.other_targets,
        disagreeing=disagreeing, moved=moved, sample=SAMPLE,
        pictures=(*pictures, *thumbnails),
        findings=find_all(
            compared, paired, differences, ranks, maps, (lone, len(unreadable)), same=first.sha256 == second.sha256
        ),
        disclaimer=say(TWO_MODELS_DISCLAIMER),
        versions=versions() | {name: library_version(name) or "unknown" for name in ("scikit-learn", "scipy")},
    )  # fmt: skip


def _sides(
    first: Side, second: Side, compared: Compared, measured: LabelledMeasures | None
) -> tuple[ModelSide, ModelSide]:
    """Return what is told of each model."""
    from reportgen.analysis.cohort.summaries import share_estimate

    judged, found = sum(compared.right.values()), []
    for place, (side, short) in enumerate(((first, "A"), (second, "B"))):
        right = sum(count for key, count in compared.right.items() if key[place])
        found.append(
            ModelSide(
                name=side.name, sha256=side.sha256, short=short, rates=measured.rates[place] if measured else (),
                accuracy=share_estimate(right, judged) if judged else None,
            )
        )  # fmt: skip
    return found[0], found[1]


def _said(compared: Compared) -> tuple[tuple[int, ...], ...]:
    """Return how often A says each class (rows) and B each (columns); empty for independent findings."""
    head = compared.matching.head
    if head.thresholds:
        return ()
    numbers = range(len(head.class_names))
    return tuple(tuple(compared.said[(a,), (b,)] for b in numbers) for a in numbers)
