"""How good a classifier is, as a walk: data -> model -> scores -> measures -> figures -> files."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.outputs.made import Made
from reportgen.report.estimates import Resampling
from reportgen.report.evaluation import (
    EVALUATION_DISCLAIMER,
    ClassifierEvaluation,
    EvaluatedData,
    EvaluatedImage,
    EvaluationComparison,
    Mistake,
    name_classes,
)
from reportgen.report.findings import LABEL_SEPARATOR
from reportgen.report.numbers import grouped
from reportgen.report.provenance import creation_time, versions
from reportgen.report.report import NOTHING_FOUND
from reportgen.settings.evaluation import EvaluationJob, check_evaluation
from reportgen.settings.report import Settings, public_settings
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.language import ENGLISH, say, say_count, speaking
from reportgen.system.libraries import library_version
from reportgen.system.progress import Stopwatch
from reportgen.system.silence import silence_tensorflow
from reportgen.workflows.making import check_folder, model_files, spare_files

if TYPE_CHECKING:
    from reportgen.analysis.metrics.scored import Scored
    from reportgen.analysis.runs import Subject
    from reportgen.analysis.scoring import ScoredImages
    from reportgen.datasets.labelled import Labelled, Parts

_USED = ("model", "images", "limits", "preprocessing")
_REPORT = "mistake-{:02d}.html"
_SHOWN_PROBLEMS = 5


def evaluate(job: EvaluationJob, settings: Settings, *, overwrite: bool, progress: bool, debug: bool) -> Made:
    """Evaluate a classifier on labelled images, or make the page of a saved evaluation again.

    Parameters
    ----------
    job
        What is evaluated, and where results go.
    settings
        The model, and how images are read and prepared.
    overwrite
        Whether existing files may be replaced.
    progress
        Whether to show it.
    debug
        Whether libraries may say what they want to say.

    Raises
    ------
    ReportgenError
        When something that was given can't be used; nothing is written then.
    """
    from reportgen.analysis.metrics.pairing import compare
    from reportgen.outputs.saved.evaluation_json import is_evaluation, read_evaluation

    _check(job, settings, overwrite=overwrite)
    watch = Stopwatch(progress)
    other = read_evaluation(job.against) if job.against else None
    if is_evaluation(job.data):
        if job.reports is not None:
            raise SettingsError("--reports needs the images and the model", "name the data, not its evaluation")
        found, reports = read_evaluation(job.data), dict[Path, bytes]()
        if settings.language not in (ENGLISH, found.language):
            raise SettingsError(
                f"--language {settings.language} needs the images and the model: {job.data} is in another",
                "name the data, not its evaluation",
            )
        found = dataclasses.replace(found, title=job.title or found.title)
    else:
        found, reports = _quietly(job, settings, watch, debug=debug)
    with speaking(found.language):
        comparison = compare(found, other) if other else None
        return _write(job, found, comparison, reports, watch, overwrite=overwrite)


def measure(job: EvaluationJob, settings: Settings, watch: Stopwatch, *, debug: bool) -> ClassifierEvaluation:
    """Return the evaluation of a classifier on labelled images; nothing is written.

    Raises
    ------
    ReportgenError
        When something that was given can't be used.
    """
    from reportgen.analysis.metrics.curves import check_scikit_learn

    check_evaluation(job)
    check_scikit_learn()
    return _quietly(job, settings, watch, debug=debug)[0]


def _quietly(
    job: EvaluationJob, settings: Settings, watch: Stopwatch, *, debug: bool
) -> tuple[ClassifierEvaluation, dict[Path, bytes]]:
    with silence_tensorflow(debug=debug):
        from reportgen.workflows.pipeline import prepare_libraries

        prepare_libraries()
    if not debug:
        warnings.simplefilter("ignore")
    with speaking(settings.language):
        return _evaluate(job, settings, watch)


def _check(job: EvaluationJob, settings: Settings, *, overwrite: bool) -> None:
    """Refuse now what would fail after minutes of work."""
    from reportgen.analysis.metrics.curves import check_scikit_learn
    from reportgen.outputs.documents.pdf import check_available
    from reportgen.system.atomic import check_target

    check_evaluation(job)
    check_scikit_learn()
    if len({os.path.abspath(path) for path in job.files}) < len(job.files):  # noqa: PTH100 - links are not followed
        raise OutputError("two outputs would be written to the same file", "name a file for each")
    spare_files(job.files, [*model_files(settings), job.data, *([job.against] if job.against else [])])
    for path in job.files:
        check_target(path, overwrite=overwrite)
    if job.reports is not None:
        check_folder(job.reports, overwrite=overwrite)
    if job.pdf is not None:
        check_available()


def _evaluate(
    job: EvaluationJob, settings: Settings, watch: Stopwatch
) -> tuple[ClassifierEvaluation, dict[Path, bytes]]:
    """Return an evaluation, and reports of mistakes where they are asked for."""
    from reportgen.analysis.metrics.evaluation import measure_all
    from reportgen.analysis.metrics.resampling import number_groups
    from reportgen.analysis.metrics.scored import Scored, most_confident_mistakes
    from reportgen.analysis.runs import make_subject
    from reportgen.analysis.scoring import match_labels, score_images
    from reportgen.datasets.reader import read_data
    from reportgen.models.loader import load_model
    from reportgen.workflows.assemble import model_report
    from reportgen.workflows.pipeline import model_source

    with watch.step("read data"):
        parts = read_data(job.data, job.reading, settings.images, settings.limits)
        part, data = choose_part(parts, job.split, job.data)
    with watch.step("load model"):
        source, name = model_source(settings)
        loaded = load_model(
            source, settings.model, settings.preprocessing, data.class_names, name, settings.limits
        )  # fmt: skip
        subject = make_subject(loaded, settings)
        shown, label_notes = match_labels(data, subject)
    with watch.step("images", len(data)) as done:
        read = score_images(subject, data, settings.preprocessing, skip_unreadable=job.skip_unreadable, done=done)
    left_out = _left_out(data, read)
    data = data.take(read.places)
    scored = Scored(read.scores, shown[read.places], number_groups(data.groups), subject.head)
    resampling = Resampling(samples=job.samples, seed=job.seed)
    with watch.step("intervals", len(scored.measured)) as done:
        measured = measure_all(scored, data.columns, resampling, done)
    images = _images(data, scored, read, keep_names=settings.images.keep_names)
    surest = most_confident_mistakes(scored, job.mistakes)
    mistakes, reports = _mistakes(job, settings, subject, data, images, surest, watch)
    model = model_report(subject)
    return (
        ClassifierEvaluation(
            title=job.title or _title(model.name, part, len(data)),
            created=creation_time(),
            task=scored.task,
            model=model,
            cautions=loaded.cautions,
            data=EvaluatedData(
                kind=parts.kind,
                part=part,
                images=len(data),
                groups=int(scored.groups.max()) + 1,
                classes=_counts(data),
                grouping=_grouping(parts, data),
                notes=(*parts.notes, *label_notes, *left_out),
            ),
            resampling=resampling,
            images=images,
            mistakes=mistakes,
            settings=_settings(job, settings),
            command=_command(job, settings),
            disclaimer=say(EVALUATION_DISCLAIMER),
            language=settings.language,
            versions=versions() | {"scikit-learn": library_version("scikit-learn") or "unknown"},
            **vars(measured),
        ),
        reports,
    )


def choose_part(parts: Parts, wanted: str | None, path: Path) -> tuple[str, Labelled]:
    """Return which images of a data set are meant, and what that part is called.

    Raises
    ------
    SettingsError
        When there is no such part; the message names those that there are.
    """
    from reportgen.datasets.joined import join

    there = parts.by_name
    if wanted == "all" or (wanted is None and "test" not in there and parts.undivided is not None):
        return "all", join(list(there.values()))
    name = wanted or "test"
    if name in there:
        return name, there[name]
    has = "is not divided" if list(there) == ["undivided"] else f"has {' and '.join(there)}"
    raise SettingsError(f"{path} has no {name} images: it {has}", "choose another part with --split, or --split all")


def _images(
    data: Labelled, scored: Scored, read: ScoredImages, *, keep_names: bool
) -> tuple[EvaluatedImage, ...]:  # fmt: skip
    rows = zip(data.names, read.sha256, read.nameless, strict=True)
    return tuple(
        EvaluatedImage(
            name=f"DICOM {digest[:12]}" if nameless and not keep_names else name,
            sha256=digest,
            group=int(scored.groups[place]),
            labels=tuple(np.flatnonzero(scored.shown[place]).tolist()),
            scores=tuple(scored.scores[place].tolist()),
            said=tuple(np.flatnonzero(scored.said[place]).tolist()),
            correct=bool(scored.correct[place]),
        )
        for place, (name, digest, nameless) in enumerate(rows)
    )


def _mistakes(
    job: EvaluationJob, settings: Settings, subject: Subject, data: Labelled, images: Sequence[EvaluatedImage],
    surest: Sequence[tuple[int, float]], watch: Stopwatch,
) -> tuple[tuple[Mistake, ...], dict[Path, bytes]]:  # fmt: skip
    """Return the surest mistakes with a thumbnail each, and their reports where they are asked for."""
    from reportgen.figures.heatmaps import thumbnail
    from reportgen.images.cases import Case
    from reportgen.images.fitting import prepare
    from reportgen.outputs.page.rendering import render_html
    from reportgen.workflows.pipeline import build_report

    found, reports = [], dict[Path, bytes]()
    names = subject.head.class_names
    with watch.step("mistakes" if job.reports is None else "reports of mistakes", len(surest)) as done:
        for number, (place, confidence) in enumerate(surest, 1):
            image, evaluated = data.pictures.read(place), images[place]
            pixels = prepare(image, subject.loaded.input_shape, settings.preprocessing)
            labelled, said = (name_classes(numbers, names) for numbers in (evaluated.labels, evaluated.said))
            alt = say("{name}: labelled {label}, said to be {said}.", name=evaluated.name, label=labelled, said=said)
            file = ""
            if job.reports is not None:
                label = LABEL_SEPARATOR.join(names[number] for number in evaluated.labels) or NOTHING_FOUND
                report = build_report(subject.loaded, [Case(label, image, evaluated.name)], settings)
                path = job.reports / _REPORT.format(number)
                reports[path], file = render_html(report).encode(), _beside(path, job.html)
            picture = thumbnail(f"mistake-{number:02d}", alt, pixels)
            found.append(Mistake(image=place, confidence=confidence, thumbnail=picture, report=file))
            done(1)
    return tuple(found), reports


def _beside(path: Path, page: Path) -> str:
    """Return where a report lies as seen from the page; nothing where it lies elsewhere: that would tell of folders."""
    try:
        return path.resolve().relative_to(page.resolve().parent).as_posix()
    except ValueError:
        return ""


def _write(
    job: EvaluationJob, found: ClassifierEvaluation, comparison: EvaluationComparison | None,
    reports: dict[Path, bytes], watch: Stopwatch, *, overwrite: bool,
) -> Made:  # fmt: skip
    from contextlib import nullcontext

    from reportgen.figures.evaluation import evaluation_pictures
    from reportgen.outputs.documents.evaluation_pdf import render_evaluation_pdf
    from reportgen.outputs.documents.pdf import STEPS
    from reportgen.outputs.evaluation_csv import render_evaluation_csv
    from reportgen.outputs.page.evaluation_page import render_evaluation_html
    from reportgen.outputs.saved.evaluation_json import render_evaluation_json
    from reportgen.outputs.text import render_evaluation
    from reportgen.system.atomic import check_target, make_folder, write_all

    with watch.step("draw"):
        pictures = evaluation_pictures(found, comparison)
        files = {job.html: render_evaluation_html(found, pictures, comparison).encode(), **reports}
    if job.json is not None:
        files[job.json] = render_evaluation_json(found)
    if job.csv is not None:
        files[job.csv] = render_evaluation_csv(found)
    cautions: list[str] = []
    if job.pdf is not None:
        with watch.step("PDF", STEPS) as done:
            files[job.pdf] = render_evaluation_pdf(found, pictures, comparison, done=done, warn=cautions.append)
    for path in files:
        if path not in reports or job.reports is None or job.reports.is_dir():
            check_target(path, overwrite=overwrite)
    stale = [path for path in sorted(job.reports.glob("mistake-??.html")) if path not in files] if job.reports else []
    with make_folder(job.reports) if job.reports is not None else nullcontext():
        write_all(files, remove=stale)
    written = (*job.files, *([job.reports] if job.reports is not None else []))
    return Made(written, tuple(render_evaluation(found, comparison)), tuple(cautions))


def _counts(data: Labelled) -> dict[str, int]:
    counts = data.labels.sum(axis=0) if data.of_findings else np.bincount(
        data.labels.astype(np.int64), minlength=len(data.class_names)
    )  # fmt: skip
    return dict(zip(data.class_names, counts.tolist(), strict=True))


def _title(model: str, part: str, count: int) -> str:
    shown = grouped(count)
    images = {
        "train": say_count("{count} train image", "{count} train images", count, count=shown),
        "validation": say_count("{count} validation image", "{count} validation images", count, count=shown),
        "test": say_count("{count} test image", "{count} test images", count, count=shown),
    }.get(part) or say_count("{count} image", "{count} images", count, count=shown)
    return say("{model} on {images}", model=model, images=images)


def _grouping(parts: Parts, data: Labelled) -> str:
    if not parts.patients:
        return say("The images belong to nobody: each counts by itself.")
    if len(set(data.groups)) == len(data):
        return say("No two images are known to be of the same patient: each counts by itself.")
    return say("Patients are told apart by the names of the files, or as the table says.")


def _left_out(data: Labelled, read: ScoredImages) -> tuple[str, ...]:
    names = [name for place, name in enumerate(data.names) if place not in set(read.places.tolist())]
    if not names:
        return ()
    told, more = ", ".join(names[:_SHOWN_PROBLEMS]), len(names) - _SHOWN_PROBLEMS
    if more > 0:
        told += f" {say('and {count} more', count=grouped(more))}"
    return (
        say_count(
            "Left out, since unreadable: {count} image ({names}).",
            "Left out, since unreadable: {count} images ({names}).",
            len(names), count=grouped(len(names)), names=told,
        ),
    )  # fmt: skip


def _settings(job: EvaluationJob, settings: Settings) -> dict[str, Any]:
    tables = {name: table for name, table in public_settings(settings).items() if name in _USED}
    reading = dataclasses.asdict(job.reading)
    how = {"split": job.split, "samples": job.samples, "seed": job.seed, "skip_unreadable": job.skip_unreadable}
    return {"evaluation": how, "data": reading, **tables}


def _command(job: EvaluationJob, settings: Settings) -> str:
    """Return the command line with names in place of paths; the settings have the rest."""
    model = public_settings(settings)["model"]["path"]
    words = ["reportgen evaluate", job.data.name or "DATA", *(["-m", model] if model else [])]
    words += ["--split", job.split] if job.split else []
    words += ["--language", settings.language] if settings.language != ENGLISH else []
    return " ".join([*words, f"--samples {job.samples} --seed {job.seed}"])
