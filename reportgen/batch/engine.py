"""Who works on the items: this process, one after another, or the workers of a Dask cluster (``cluster.py``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from reportgen.batch.items import WorkItem
from reportgen.batch.work import Outcome, Worker


class Engine(Protocol):
    """Works on items."""

    def run(self, items: Iterable[WorkItem]) -> Iterator[Outcome]:
        """Give what became of each, as soon as it's known, in any order; when that is closed, the work ends."""
        ...


class InProcess:
    """Works in this process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def run(self, items: Iterable[WorkItem]) -> Iterator[Outcome]:
        """Work on one after another."""
        for item in items:
            yield self._worker.work(item)


@contextmanager
def in_process(worker: Worker) -> Iterator[Engine]:
    """Open the folder and work in it."""
    with worker.storage.opened():
        yield InProcess(worker)
