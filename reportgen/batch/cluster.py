"""Reports made by the workers of a Dask cluster (``connection.py``).

Dask hands out the work, watches the workers, starts those anew that died, and sets a task aside that killed two of
them. Here stands only what a worker is told once (a plugin: folder, settings and model), what it does with an item, and
how many items are on their way: one for each worker, so that a worker that dies takes no other's item with it.
"""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from reportgen.batch.connection import DEATHS, UNREACHABLE, connected, has_dask
from reportgen.batch.engine import Engine
from reportgen.batch.items import WorkItem
from reportgen.batch.record import Basis
from reportgen.batch.storage import AnyStorage, storage_at
from reportgen.batch.work import Outcome, note_failure
from reportgen.models.formats.memory import machine_memory
from reportgen.settings.batch import Cluster
from reportgen.settings.report import Settings
from reportgen.system.addresses import is_remote, place_of
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.libraries import install_extra
from reportgen.system.silence import silence_tensorflow
from reportgen.system.terminal import tell

if TYPE_CHECKING:
    from reportgen.batch.work import Worker

REPORTS_A_WORKER = 8  # from so many on a further process pays: it takes seconds to start
MEMORY_A_WORKER = 1_500_000_000
SECONDS_BETWEEN_COUNTS = 2.0  # of workers, which come and go


@dataclass
class WorkerSetup:
    """What each worker is told, once; it loads the model with its first item and keeps it.

    Attributes
    ----------
    root
        The folder of the batch, as the worker sees it.
    settings
        How reports are made; paths in them are absolute.
    labels
        Of all cases: a model that names no classes gets their names.
    basis
        What the records say that they were made with.
    threads
        Of TensorFlow; None: as many as it likes.
    name
        Of the plugin: several batches may share a cluster.
    """

    root: str
    settings: Settings
    labels: tuple[str, ...]
    basis: Basis
    threads: int | None
    name: str = field(default_factory=lambda: f"reportgen-{uuid.uuid4().hex[:12]}")
    _made: Any = field(default=None, repr=False)

    def setup(self, worker: Any) -> None:
        """Prepare a worker; called by Dask when it starts."""
        del worker
        self._made = _Made()

    def teardown(self, worker: Any) -> None:
        """Close the folder; called by Dask when a worker ends."""
        del worker
        if self._made is not None:
            self._made.stack.close()

    def worker(self) -> Worker:
        """Return who works, made when it's first asked for."""
        with self._made.lock:
            if self._made.worker is None:
                self._made.worker = self._make()
        found: Worker = self._made.worker
        return found

    def _make(self) -> Worker:
        from reportgen.batch.work import Worker
        from reportgen.models.loader import load_model
        from reportgen.workflows.pipeline import model_source

        with silence_tensorflow(debug=False):
            limit_tensorflow(self.threads)
            source, name = model_source(self.settings)
            loaded = load_model(
                source, self.settings.model, self.settings.preprocessing, self.labels, name, self.settings.limits
            )
        if loaded.sha256 != self.basis.model:
            raise OutputError(f"{loaded.name} is another model on this worker", "give all workers the same file")
        storage = self._made.stack.enter_context(storage_at(place_of(self.root)).opened())
        return Worker(storage, loaded, self.settings, self.basis)


@dataclass
class _Made:
    """What a worker made of what it was told; never sent anywhere."""

    worker: Any = None
    lock: Any = field(default_factory=threading.Lock)
    stack: ExitStack = field(default_factory=ExitStack)


def limit_tensorflow(threads: int | None) -> None:
    """Load TensorFlow with so many threads, and let it take memory of a GPU as it needs it."""
    from reportgen.workflows.pipeline import prepare_libraries

    if threads is not None:
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)
        os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    prepare_libraries()


def work_on(item: WorkItem, plugin: str) -> Outcome:
    """Work on an item as the plugin of that name says; runs on a worker."""
    from distributed import get_worker

    setup: WorkerSetup = get_worker().plugins[plugin]
    return setup.worker().work(item)


class OnCluster:
    """Works on the workers of a cluster."""

    def __init__(self, client: Any, storage: AnyStorage, basis: Basis, plugin: str) -> None:
        self._client, self._storage, self._basis, self._plugin = client, storage, basis, plugin

    def run(self, items: Iterable[WorkItem]) -> Iterator[Outcome]:
        """Give what became of each item; as many are on their way as there are workers."""
        from distributed import CancelledError, as_completed
        from distributed.comm.core import CommClosedError

        finished = as_completed(loop=self._client.loop)
        try:
            yield from self._outcomes(iter(items), finished)
        except (CancelledError, CommClosedError, OSError):
            raise OutputError(UNREACHABLE, "start it and run this again: what is done is kept") from None
        finally:
            finished.clear()

    def _outcomes(self, source: Iterator[WorkItem], finished: Any) -> Iterator[Outcome]:
        from distributed import KilledWorker

        token, under_way = uuid.uuid4().hex[:8], dict[str, WorkItem]()
        asked, workers = -math.inf, 1
        while True:
            if time.monotonic() - asked > SECONDS_BETWEEN_COUNTS:
                asked, workers = time.monotonic(), max(1, len(self._client.nthreads()))
            room = workers - len(under_way)
            for item in islice(source, max(0, room)):
                key = f"report-{token}-{item.id}"
                under_way[key] = item
                finished.add(self._client.submit(work_on, absolute(item), self._plugin, key=key, pure=False))
            if not under_way:
                return
            future = next(finished)
            item = under_way.pop(future.key)
            try:
                outcome: Outcome = future.result()
            except KilledWorker:
                reason = f"{DEATHS} workers died of it"
                outcome = note_failure(self._storage, self._basis, item, "explain", reason, attempts=DEATHS)
            finally:
                future.release()
            yield outcome


@contextmanager
def on_cluster(
    cluster: Cluster, setup: WorkerSetup, storage: AnyStorage, count: int, *, verbose: bool = False
) -> Iterator[Engine]:
    """Start a cluster or connect to one, and tell its workers what they need.

    Parameters
    ----------
    cluster
        Which one.
    setup
        What its workers are told.
    storage
        The folder of the batch.
    count
        How many items there are.
    verbose
        Whether to tell where the dashboard is.

    Raises
    ------
    ReportgenError
        When it can't be started or reached.
    """
    with storage.opened(), connected(cluster, setup.threads, count) as client:
        if verbose and client.dashboard_link:
            tell(f"reportgen: dashboard: {client.dashboard_link}")
        client.register_plugin(_as_plugin(setup))
        client.wait_for_workers(1)
        try:
            yield OnCluster(client, storage, setup.basis, setup.name)
        finally:
            # a cluster that stays needn't keep the model
            if cluster.scheduler and client.status == "running":
                with suppress(Exception):
                    client.unregister_worker_plugin(setup.name)


def _as_plugin(setup: WorkerSetup) -> Any:
    """Return what is told as a plugin of Dask: a subclass, since Dask isn't always there."""
    from distributed import WorkerPlugin

    kind = type("ReportgenPlugin", (WorkerSetup, WorkerPlugin), {})
    return kind(setup.root, setup.settings, setup.labels, setup.basis, setup.threads, setup.name)


def absolute(item: WorkItem) -> WorkItem:
    """Return an item whose files are named such that a worker in another folder finds them."""

    def whole(path: str) -> str:
        return path if is_remote(path) else os.path.abspath(path)  # noqa: PTH100 - links are not followed

    return replace(item, cases=tuple(case.with_files(whole) for case in item.cases))


def with_absolute_paths(settings: Settings) -> Settings:
    """Return settings whose files are named such that a worker in another folder finds them."""

    def whole(path: Any) -> Any:
        return os.path.abspath(path) if isinstance(path, str) else path  # noqa: PTH100

    model, theme, commentary = settings.model, settings.theme, settings.commentary
    path = model.path
    if path is not None and not path.startswith("keras:"):
        path = whole(path)
    return replace(
        settings,
        model=replace(model, path=path, class_names=whole(model.class_names), evaluation=whole(model.evaluation)),
        theme=replace(theme, folder=whole(theme.folder), logo=whole(theme.logo)),
        commentary=replace(commentary, folder=whole(commentary.folder)),
    )


def choose_workers(cluster: Cluster, planned: int) -> Cluster:
    """Return who works: as was asked for, else as many processes as pay and fit; 0 where this one does it alone.

    It follows from the whole plan, not from what is left of it: with another number of threads the last digits of
    numbers are others, and a run that goes on should give the same.

    Raises
    ------
    SettingsError
        When Dask is asked for and missing.
    """
    if cluster.is_remote or cluster.workers:
        if not has_dask():
            raise SettingsError("workers need Dask, which isn't installed", f"{install_extra('cluster')}")
        if cluster.is_remote:
            return cluster
    cores = os.cpu_count() or 1
    workers = cluster.workers
    if workers is None:
        fitting = machine_memory() // MEMORY_A_WORKER
        workers = max(0, min(cores, planned // REPORTS_A_WORKER, fitting))
        if workers > 1 and not has_dask():
            tell(f"reportgen: without Dask one process does it all; {workers} could: {install_extra('cluster')}")
        workers = workers if workers > 1 and has_dask() else 0
    threads = cluster.threads if cluster.threads or not workers else max(1, cores // workers)
    return replace(cluster, workers=workers, threads=threads)
