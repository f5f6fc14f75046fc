"""The two sides of a comparison: a model that is run now, or what a batch kept of one that was run before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from reportgen.analysis.predictions import Head
from reportgen.analysis.runs import Subject, is_finite, make_subject, run_cases, scan_cases
from reportgen.analysis.two_models.answers import Answer, answer_from_numbers, answer_from_run
from reportgen.batch.cases import plan_items
from reportgen.batch.items import CaseRow, Plan
from reportgen.batch.numbers import CaseNumbers, iterate_numbers, read_batch, read_numbers, shrink
from reportgen.batch.record import ABOUT, numbers_name
from reportgen.batch.storage import storage_at
from reportgen.images.cases import Case, headings, read_cases
from reportgen.models.loader import BUILTIN_MODEL, BUILTIN_NAME, load_model
from reportgen.settings.compare import BUILTIN, CompareJob
from reportgen.settings.report import Settings
from reportgen.system.errors import ImageError
from reportgen.workflows.cohort import head_of_batch


def is_batch(text: str) -> bool:
    """Return whether a folder is that of a batch."""
    try:
        return (Path(text) / ABOUT).is_file()
    except (OSError, ValueError):
        return False


@dataclass
class BatchSide:
    """A model that was run over a batch.

    Attributes
    ----------
    folder
        Of the batch.
    """

    folder: Path
    _places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch = read_batch(self.folder)
        self.name, self.sha256 = self.batch.model_name, self.batch.model_sha256
        self.head: Head = head_of_batch(self.batch)

    def all_cases(self) -> Iterator[CaseNumbers]:
        """Give what was kept of each case, one after another."""
        return iterate_numbers(self.folder)

    def answer(self, sha256: str) -> Answer | None:
        """Return what was said of an image; None where the batch hasn't got it. Only where it lies is kept."""
        if not self._places:
            self._places = {case.sha256: (case.item, case.case) for case in self.all_cases()}
        if sha256 not in self._places:
            return None
        item, place = self._places[sha256]
        return answer_from_numbers(read_numbers(storage_at(self.folder), numbers_name(item), item)[place])

    @property
    def images(self) -> set[str]:
        """Digests of all images."""
        return {case.sha256 for case in self.all_cases()}


@dataclass
class LiveSide:
    """A model that is run now.

    Attributes
    ----------
    subject, settings
        The model, traced, and how it is run.
    """

    subject: Subject
    settings: Settings

    def __post_init__(self) -> None:
        self.name, self.sha256 = self.subject.loaded.name, self.subject.loaded.sha256
        self.head = self.subject.head

    def run(self, case: Case, patient: str) -> Answer:
        """Return what the model says of a case."""
        runs = run_cases(self.subject, [case], headings([case]), self.settings)
        if self.settings.occlusion.enabled and is_finite(runs[0]):
            runs = scan_cases(self.subject, runs, self.settings, lambda _: None)
        return answer_from_run(runs[0], patient, shrink)


Side = BatchSide | LiveSide


def open_sides(job: CompareJob, settings: Settings) -> tuple[Side, Side, Plan | None]:
    """Return both models, and the cases where any is run now.

    Raises
    ------
    ReportgenError
        When one can't be loaded, or the cases can't be found.
    """
    plan = None if job.source is None else plan_items(job.source, keep_names=settings.images.keep_names)
    labels = plan.labels if plan else ()
    first, second = (_open(one, labels, settings) for one in (job.first, job.second))
    return first, second, plan


def _open(text: str, labels: tuple[str, ...], settings: Settings) -> Side:
    if is_batch(text):
        return BatchSide(Path(text))
    source, name = (BUILTIN_MODEL, BUILTIN_NAME) if text == BUILTIN else (text, None)
    loaded = load_model(source, settings.model, settings.preprocessing, labels, name, settings.limits)
    return LiveSide(make_subject(loaded, settings), settings)


def pair_cases(
    first: Side, second: Side, plan: Plan | None, settings: Settings, *, unreadable: list[str] | None
) -> Iterator[tuple[Answer, Answer] | None]:
    """Give what both models say of each case; None of one that only one of them has, or that can't be read.

    Parameters
    ----------
    first, second
        The models, or what they said.
    plan
        The cases; None where both are batches.
    settings
        How images are read.
    unreadable
        Takes what is wrong with images that can't be read, which are left out then; None: the first ends it.

    Raises
    ------
    ImageError
        When an image can't be read, and such are not left out.
    """
    if plan is None and isinstance(first, BatchSide) and isinstance(second, BatchSide):
        yield from _of_batches(first, second)
        return
    for row in (case for item in plan.items for case in item.cases) if plan else ():
        try:
            (case,) = read_cases([row.settings], settings.images, settings.limits)
        except ImageError as problem:
            if unreadable is None:
                raise
            unreadable.append(problem.what)
            yield None
            continue
        answers = [_answer(side, case, row) for side in (first, second)]
        yield None if answers[0] is None or answers[1] is None else (answers[0], answers[1])


def _of_batches(first: BatchSide, second: BatchSide) -> Iterator[tuple[Answer, Answer] | None]:
    seen = 0
    for case in first.all_cases():
        other = second.answer(case.sha256)
        seen += other is not None
        yield None if other is None else (answer_from_numbers(case), other)
    yield from [None] * max(0, len(second.images) - seen)


def _answer(side: Side, case: Case, row: CaseRow) -> Answer | None:
    if isinstance(side, BatchSide):
        found = side.answer(case.image.sha256)
        return found and replace(found, label=case.label or found.label)
    patient = next((value for name, value in row.columns if name.casefold() == "patient" and value), row.place)
    return side.run(case, patient)
