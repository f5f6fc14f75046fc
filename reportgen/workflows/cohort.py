"""Many cases in groups, as a walk: kept numbers -> what groups have -> which cases to show -> figures -> files.

The cases are read twice, chunk by chunk, and none is kept: first what each group has, then where each case lies in it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from reportgen.outputs.made import Made
from reportgen.report.cohort import COHORT_DISCLAIMER, Cohort
from reportgen.report.cohort_cases import Notable
from reportgen.report.cohort_channels import SeparatingChannel
from reportgen.report.estimates import Resampling
from reportgen.report.numbers import grouped
from reportgen.report.provenance import creation_time, versions
from reportgen.settings.cohort import UMAP, CohortJob, check_cohort
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError
from reportgen.system.language import say, say_count, speaking
from reportgen.system.libraries import library_version
from reportgen.system.progress import Stopwatch
from reportgen.workflows.making import spare_files

if TYPE_CHECKING:
    from reportgen.analysis.predictions import Head
    from reportgen.batch.numbers import Batch


SEPARATING = 6
_RESAMPLING = Resampling(samples=1000, seed=0)


def cohort(job: CohortJob, *, overwrite: bool, progress: bool) -> Made:
    """Make the page of a cohort, and its numbers as JSON and CSV.

    Parameters
    ----------
    job
        What is read, how it's grouped, and where results go.
    overwrite
        Whether existing files may be replaced.
    progress
        Whether to show it.

    Raises
    ------
    ReportgenError
        When something that was given can't be used; nothing is written then.
    """
    from reportgen.outputs.cohort.page import render_cohort_html
    from reportgen.outputs.cohort.tables import render_channels_csv, render_cohort_json
    from reportgen.system.atomic import check_target, write_all

    _check(job, overwrite=overwrite)
    watch = Stopwatch(progress)
    with speaking(job.language):
        found = measure_cohort(job, watch)
    files = {job.html: render_cohort_html(found, reports_beside(job.html, job.folder)).encode()}
    if job.json is not None:
        files[job.json] = render_cohort_json(found)
    if job.csv is not None:
        files[job.csv] = render_channels_csv(found)
    for path in files:
        check_target(path, overwrite=overwrite)
    write_all(files)
    said = tuple(one.text for one in found.findings if one.first)
    return Made(job.files, said)


def _check(job: CohortJob, *, overwrite: bool) -> None:
    """Refuse now what would fail after minutes of work."""
    from reportgen.analysis.cohort.places import check_umap
    from reportgen.analysis.metrics.curves import check_scikit_learn
    from reportgen.batch.numbers import read_batch
    from reportgen.batch.storage import INNER
    from reportgen.system.atomic import check_target

    check_cohort(job)
    check_scikit_learn()
    if job.method == UMAP:
        check_umap()
    if len({os.path.abspath(path) for path in job.files}) < len(job.files):  # noqa: PTH100 - links are not followed
        raise OutputError("two outputs would be written to the same file", "name a file for each")
    if isinstance(job.folder, Path):
        read_batch(job.folder)
        spare_files(
            job.files, [job.folder / name for name in (f"{INNER}/batch.json", "results.csv", "results.parquet")]
        )
    for path in job.files:
        check_target(path, overwrite=overwrite)


def reports_beside(page: Path, folder: Path | RemotePath) -> str:
    """Return the folder of reports as seen from a page; empty where it lies elsewhere: that would tell of folders."""
    if isinstance(folder, RemotePath):
        return ""
    try:
        below = (folder / "reports").resolve().relative_to(page.resolve().parent)
    except ValueError:
        return ""
    return f"{quote(below.as_posix())}/"


def measure_cohort(job: CohortJob, watch: Stopwatch) -> Cohort:
    """Return all of a cohort.

    Raises
    ------
    ReportgenError
        When the folder holds no cases, or they can't be grouped so.
    """
    from reportgen.analysis.cohort.channels import compare_channels, separate, sides_of
    from reportgen.analysis.cohort.findings import find_all
    from reportgen.analysis.cohort.likeness import measure_likeness
    from reportgen.analysis.cohort.scores import measure_scores, with_known_labels
    from reportgen.analysis.cohort.summaries import are_regions_cut, name_regions, order_groups, summarize_groups
    from reportgen.analysis.known_regions import border_of
    from reportgen.batch.numbers import read_batch
    from reportgen.workflows.cohort_pictures import Examples, cohort_pictures, make_case_map
    from reportgen.workflows.cohort_walks import walking

    batch = read_batch(job.folder)
    head = head_of_batch(batch)
    with walking(job, batch, head, watch) as walks:
        gathered, layout = walks.gather()
        names, groups, count = order_groups(gathered.groups), gathered.groups, gathered.cases
        with watch.step("channels"):
            pairs = sides_of(names, groups)
            contrasts = compare_channels(pairs, layout) if layout.channels else ()
            chosen = separate(contrasts, pairs, layout, SEPARATING, _RESAMPLING)
        looked = walks.look(gathered, layout, [key for one in chosen for key, _ in one.steps])
    with watch.step("maps"):
        alike = measure_likeness(looked.alike, names, groups)
    with watch.step("scores"):
        labelled = with_known_labels(tuple(gathered.scored), head)
        scores = measure_scores(labelled, _RESAMPLING) if labelled else ()
    with watch.step("draw"):
        examples = Examples()
        separating = tuple(
            SeparatingChannel(
                contrast=one.contrast, effect=contrasts[one.contrast].channels[one.place], auc=one.auc,
                same_in=one.same_in,
                examples=tuple(examples.show(looked.found[key], value) for key, value in one.steps),
            )
            for one in chosen
        )  # fmt: skip
        notable = tuple(
            Notable(kind=kind, group=group, cases=tuple(examples.show(seen, abs(value)) for value, seen in best))
            for kind, group, best in looked.standing_out(names)
        )
        case_map = make_case_map(job.method, looked, names, groups, examples)
        values = [one.values for one in chosen]
        pictures = cohort_pictures(head, names, groups, contrasts, separating, values, scores)
    summaries = summarize_groups(names, groups, batch.class_names)
    border = float(border_of(batch.input_size).mean())
    return Cohort(
        title=job.title or _title(names, job.by, count),
        created=creation_time(), model=batch.model_name, model_sha256=batch.model_sha256,
        class_names=batch.class_names, by=job.by, cases=count, ungrouped=gathered.ungrouped, language=job.language,
        sample=groups[names[0]].sample.size, groups=summaries, border_area=border, contrasts=contrasts,
        regions=name_regions(groups), regions_cut=are_regions_cut(groups),
        separating=separating, likenesses=alike, scores=scores, scored=len(labelled.rows) if labelled else 0,
        scored_sample=not gathered.scored.is_whole, case_map=case_map, notable=notable,
        findings=find_all(
            summaries, job.by, bool(job.only), contrasts, separating, alike, border, notable, gathered.ungrouped,
            gathered.repeated, are_regions_cut(groups),
        ),
        pictures=(*pictures, *examples.pictures),
        disclaimer=say(COHORT_DISCLAIMER),
        versions=versions() | {name: library_version(name) or "unknown" for name in ("scikit-learn", "scipy")},
    )  # fmt: skip


def _title(names: Sequence[str], by: str, count: int) -> str:
    cases = say_count("{count} case", "{count} cases", count, count=grouped(count))
    if len(names) == 2:
        return say("{one} and {other}, {cases}", one=names[0], other=names[1], cases=cases)
    return say("{cases}, by {by}", cases=cases, by=by) if len(names) > 1 else cases


def head_of_batch(batch: Batch) -> Head:
    """Return how scores are read of the model of a batch."""
    from reportgen.analysis.predictions import Head

    single = batch.threshold is not None
    threshold = 0.5 if batch.threshold is None else batch.threshold
    return Head(batch.head, batch.class_names, threshold, 1 if single else len(batch.class_names), batch.thresholds)
