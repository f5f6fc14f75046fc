"""From labelled images to a trained model, and to a report of a few cases that shows what it became."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.settings.report import Settings
from reportgen.system.atomic import check_target
from reportgen.system.errors import SettingsError
from reportgen.system.silence import silence_tensorflow
from reportgen.system.terminal import tell

if TYPE_CHECKING:
    from reportgen.datasets.labelled import Labelled
    from reportgen.images.cases import Case
    from reportgen.report.picture import Picture
    from reportgen.training.plan import Gathered, TrainingPlan
    from reportgen.training.run import Finished

MOST_SHOWN, MOST_SAMPLES = 3, 16


@dataclass(frozen=True)
class ReportPlan:
    """The report at the end of a training.

    Attributes
    ----------
    path
        HTML file to write.
    show
        Classes, of each of which one image is a case, test images first; empty: the first three.
    settings
        As of any report; the model is the one that was trained.
    """

    path: Path
    show: Sequence[str] = ()
    settings: Settings = field(default_factory=Settings)


def train_model(plan: TrainingPlan, report: ReportPlan | None, *, progress: bool, debug: bool) -> list[Path]:
    """Train, write the model and its TOML, and a report of a few cases; steps are told on standard error.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ReportgenError
        When something that was given can't be used; no model is written then.
    """
    from reportgen.training.run import train
    from reportgen.workflows.pipeline import prepare_libraries

    if report is not None:
        check_target(report.path, overwrite=plan.overwrite)
    with silence_tensorflow(debug=debug):
        prepare_libraries()
    if not debug:
        warnings.simplefilter("ignore")
    finished = train(plan, tell, progress=progress)
    written = [plan.output, plan.notes]
    if report is not None:
        _write_report(plan, report, finished, progress=progress)
        written.append(report.path)
    return written


def _write_report(plan: TrainingPlan, wanted: ReportPlan, finished: Finished, *, progress: bool) -> None:
    from reportgen.workflows.pipeline import build_report

    settings = wanted.settings
    if not settings.title:
        settings = dataclasses.replace(settings, title=f"{plan.output.stem}: what it learned")
    cases = _choose_cases(finished.data, wanted.show)
    report = build_report(plan.output, cases, settings, progress=progress)
    with_samples = dataclasses.replace(report, pictures=(*report.pictures, _draw_samples(finished.data.train)))
    with_samples.save_all(html=wanted.path, overwrite=plan.overwrite)


def _choose_cases(data: Gathered, show: Sequence[str]) -> list[Case]:
    """Return the first image of each class that is to be shown: of the test images, else of those held back."""
    from reportgen.images.cases import Case
    from reportgen.report.names import find_name

    names = data.train.class_names
    numbers = []
    for name in show or names[:MOST_SHOWN]:
        number = find_name(name, names)
        if number is None:
            raise SettingsError(f"there is no class '{name}' to show", f"use one of {', '.join(names[:10])}")
        numbers.append(number)
    cases = []
    for number in numbers:
        for part in (data.test, data.validation, data.train):
            index = _first_of(part, number) if part is not None else None
            if part is not None and index is not None:
                cases.append(Case(names[number], part.pictures.read(index), part.names[index]))
                break
    return cases


def _first_of(data: Labelled, number: int) -> int | None:
    is_one = data.labels[:, number] == 1 if data.of_findings else data.labels == number
    return int(is_one.argmax()) if is_one.any() else None


def _draw_samples(data: Labelled) -> Picture:
    """Draw two images of each class, of many classes one, as they are read."""
    from reportgen.figures.charts import sample_sheet

    names = data.class_names
    chosen = []
    for number, name in enumerate(names[:MOST_SAMPLES]):
        is_one = data.labels[:, number] == 1 if data.of_findings else data.labels == number
        some = is_one.nonzero()[0][: max(1, MOST_SAMPLES // len(names))]
        chosen += [(name, data.pictures.read(int(index)).pixels) for index in some]
    return sample_sheet(chosen)
