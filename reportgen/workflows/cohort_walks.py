"""Both walks over the cases of a cohort: chunk by chunk, here or by workers, and what they find merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from reportgen.analysis.cohort.cases import Grouping
from reportgen.analysis.cohort.gather import Gathered, Layout
from reportgen.analysis.cohort.likeness import Alikeness
from reportgen.analysis.cohort.look import Looked
from reportgen.analysis.cohort.places import find_directions
from reportgen.analysis.predictions import Head
from reportgen.batch.folding import Folding, folding
from reportgen.batch.numbers import Batch, iterate_numbers, list_items
from reportgen.settings.cohort import CohortJob
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.system.language import mark, say
from reportgen.system.progress import Stopwatch

ALL, RIGHT, WRONG = mark("all"), mark("told right"), mark("told wrong")


class TakesCases(Protocol):
    """What a walk fills."""

    def fresh(self) -> Any:
        """Return the same without any case."""

    def add(self, case: Any) -> None:
        """Take a case."""

    def merge(self, other: Any) -> Any:
        """Return both together."""


Taken = TypeVar("Taken", bound=TakesCases)


@contextmanager
def walking(job: CohortJob, batch: Batch, head: Head, watch: Stopwatch) -> Iterator[Walks]:
    """Give what walks over the cases, with its workers where some are asked for."""
    words = {"everything": say(ALL), "right": say(RIGHT), "wrong": say(WRONG)}
    # what the page calls a group in its own language may also be named as the program calls it
    only = tuple(
        say(name) if name in (ALL, RIGHT, WRONG) and job.by in ("correct", "none") else name for name in job.only
    )
    items = list_items(job.folder)
    with folding(job.cluster, len(items)) as folder:
        yield Walks(job, head, Grouping(job.by, batch.class_names, only, **words), items, folder, watch)


@dataclass(frozen=True)
class Walks:
    """Both walks over the cases: who is asked for them, and what is asked."""

    job: CohortJob
    head: Head
    grouping: Grouping
    items: Sequence[str]
    folder: Folding
    watch: Stopwatch

    def gather(self) -> tuple[Gathered, Layout]:
        """Walk for the first time; return what groups have, and the cases' shapes."""
        job = self.job
        with self.watch.step("cases", len(self.items)) as done:
            work = Walk(_absolute(job.folder), Gathered(self.grouping, job.sample))
            gathered: Gathered = self.folder.fold(work, self.items, done)
        if gathered.layout is None:
            raise ReportgenError(f"{job.folder} holds no case that is done", "run reportgen batch first")
        missing = [name for name in self.grouping.only if name not in gathered.groups]
        if missing:
            raise SettingsError(
                f"no case's {job.by} is '{missing[0]}'", "name groups as they are, or leave out --only to see them"
            )
        if not gathered.groups:
            raise SettingsError(
                f"none of the {gathered.cases:,} cases has a value of {job.by}",
                "group by something else with --by, or --by none",
            )
        return gathered, gathered.layout

    def look(self, gathered: Gathered, layout: Layout, wanted: Sequence[str]) -> Looked:
        """Walk once more; return which cases are to be shown, and where they lie."""
        names = list(gathered.groups)
        alike, directions = Alikeness.of(names, gathered.groups), find_directions(names, gathered.groups)
        looked = Looked(self.head, self.grouping, layout.frame, alike, directions, frozenset(wanted))
        with self.watch.step("cases among the others", len(self.items)) as done:
            found: Looked = self.folder.fold(Walk(_absolute(self.job.folder), looked), self.items, done)
        return found


@dataclass(frozen=True)
class Walk(Generic[Taken]):
    """What is made of a chunk of items: it may be sent to workers.

    Attributes
    ----------
    folder
        Of the batch.
    empty
        What takes the cases; each chunk begins with a fresh one.
    """

    folder: Path | RemotePath
    empty: Taken

    def __call__(self, items: Sequence[str]) -> Taken:
        """Read the cases of these items."""
        found: Taken = self.empty.fresh()
        for case in iterate_numbers(self.folder, items):
            found.add(case)
        return found


def _absolute(folder: Path | RemotePath) -> Path | RemotePath:
    """Return a folder as a worker that runs in another one finds it."""
    return folder if isinstance(folder, RemotePath) else folder.absolute()
