"""From labelled images to a trained model, and to a report of a few cases that shows what it became."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.settings.report import Settings
from reportgen.system.atomic import check_target
from reportgen.system.errors import ModelError, OutputError, SettingsError
from reportgen.system.files import is_same_file
from reportgen.system.language import say, speaking
from reportgen.system.progress import tell_above
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
    config
        The file that they are from; it is not written over.
    """

    path: Path
    show: Sequence[str] = ()
    settings: Settings = field(default_factory=Settings)
    config: Path | None = None


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
    from reportgen.training.plan import check_plan
    from reportgen.training.run import train
    from reportgen.workflows.pipeline import prepare_libraries

    check_plan(plan)
    if report is not None:
        _check_files(plan, report)
    with silence_tensorflow(debug=debug):
        prepare_libraries()
    if not debug:
        warnings.simplefilter("ignore")
    chosen: list[Case] = []

    def on_ready(data: Gathered, model: Any) -> None:
        if report is not None:
            with speaking(report.settings.language):
                chosen.extend(_choose_cases(data, report.show))
            _check_report(model, data, chosen, report.settings)

    finished = train(plan, tell_above, on_ready=on_ready, progress=progress)
    written = [plan.output, plan.notes]
    if report is not None:
        try:
            _write_report(plan, report, chosen, finished, progress=progress)
        except BaseException:
            tell(f"the model is trained and written: {plan.output}, {plan.notes}")
            raise
        written.append(report.path)
    return written


def _check_files(plan: TrainingPlan, wanted: ReportPlan) -> None:
    check_target(wanted.path, overwrite=plan.overwrite)
    for other in (plan.output, plan.notes, plan.checkpoint, plan.data, plan.test_data):
        if other is not None and is_same_file(wanted.path, other):
            raise OutputError(f"{wanted.path} is needed for something else", "name another file for the report")
    if wanted.config is not None:
        for target in (plan.output, plan.notes, plan.checkpoint, wanted.path):
            if is_same_file(target, wanted.config):
                raise OutputError(f"{target} is the settings file", "name another output")


def _check_report(model: Any, data: Gathered, cases: Sequence[Case], settings: Settings) -> None:
    """Refuse settings that don't fit the network, and layers that need code to be read again, while nothing is lost."""
    from reportgen.models.loader import load_model
    from reportgen.workflows.pipeline import check_report

    names = settings.model.class_names or data.train.class_names
    told = dataclasses.replace(settings.model, class_names=names, multi_label=data.train.of_findings or None)
    labels = [case.label for case in cases]
    with TemporaryDirectory(prefix="reportgen-") as folder:
        path = Path(folder) / "untrained.keras"
        model.save(path)
        try:
            loaded = load_model(path, told, settings.preprocessing, labels, limits=settings.limits)
        except ModelError as problem:
            raise ModelError(
                f"no report of this network can be made: {problem.what.replace(str(path), 'it')}",
                "train with --no-report, or set what is needed under [model] in the settings (-c)",
            ) from None
    check_report(loaded, cases, settings)


def _write_report(
    plan: TrainingPlan, wanted: ReportPlan, cases: Sequence[Case], finished: Finished, *, progress: bool
) -> None:
    from reportgen.workflows.pipeline import build_report

    settings = wanted.settings
    with speaking(settings.language):
        samples = _draw_samples(finished.data.train)
        title = settings.title or say("{model}: what it learned", model=plan.output.stem)
    report = build_report(plan.output, cases, dataclasses.replace(settings, title=title), progress=progress)
    with_samples = dataclasses.replace(report, pictures=(*report.pictures, samples))
    with_samples.save_all(html=wanted.path, overwrite=plan.overwrite)


def _choose_cases(data: Gathered, show: Sequence[str]) -> list[Case]:
    """Return an image of each class that is to be shown: of the test images, else of those held back.

    The first of its class; of a class that is named again the next.
    """
    from reportgen.images.cases import Case, check_count
    from reportgen.report.names import find_name

    names = data.train.class_names
    numbers = []
    for name in show or names[:MOST_SHOWN]:
        number = find_name(name, names)
        if number is None:
            raise SettingsError(f"there is no class '{name}' to show", f"use one of {', '.join(names[:10])}")
        numbers.append(number)
    check_count(len(numbers))
    parts = [part for part in (data.test, data.validation, data.train) if part is not None]
    cases = []
    for place, number in enumerate(numbers):
        found = [(part, int(index)) for part in parts for index in _members(part, number)[: len(numbers)]]
        again = numbers[:place].count(number)
        if again >= len(found):
            if show:
                raise SettingsError(f"there is no further image of class '{names[number]}' to show", "show it less")
            continue
        part, index = found[again]
        cases.append(Case(names[number], part.pictures.read(index), part.names[index]))
    return cases


def _members(data: Labelled, number: int) -> NDArray[np.int64]:
    """Return the indices of the images of a class."""
    is_one = data.labels[:, number] == 1 if data.of_findings else data.labels == number
    return np.flatnonzero(is_one)


def _draw_samples(data: Labelled) -> Picture:
    """Draw two images of each class, of many classes one, as they are read."""
    from reportgen.figures.charts import sample_sheet

    names = data.class_names
    chosen = []
    for number, name in enumerate(names[:MOST_SAMPLES]):
        some = _members(data, number)[: max(1, MOST_SAMPLES // len(names))]
        chosen += [(name, data.pictures.read(int(index)).pixels) for index in some]
    return sample_sheet(chosen)
