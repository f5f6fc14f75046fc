"""The workers of a Dask cluster: one started here, one that runs already, jobs of a queue, or pods.

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

from reportgen.batch.cases import WorkItem
from reportgen.batch.engine import Engine
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

DEATHS = 2  # of workers, that one item may cause
REPORTS_A_WORKER = 8  # from so many on a further process pays: it takes seconds to start
MEMORY_A_WORKER = 1_500_000_000
SECONDS_BETWEEN_COUNTS = 2.0  # of workers, which come and go
_UNREACHABLE = "the scheduler can't be reached"
_TIMEOUT = "distributed.comm.timeouts.connect"
CONFIG = {
    # a task is set aside when more workers than this died of it
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    "distributed.scheduler.worker-saturation": 1.0,
    _TIMEOUT: "30s",
    "distributed.worker.profile.enabled": False,
    # Dask's own 64 KiB makes the C library give back memory that the next batch asks for again: a fifth of the time
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}


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
            raise OutputError(_UNREACHABLE, "start it and run this again: what is done is kept") from None
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
    import dask
    from distributed import Client

    with ExitStack() as stack:
        stack.enter_context(dask.config.set(CONFIG))
        stack.enter_context(storage.opened())
        try:
            place = cluster.scheduler or stack.enter_context(_started(cluster, setup, count))
            client = stack.enter_context(Client(place, set_as_default=False, timeout=CONFIG[_TIMEOUT]))
        except (OSError, TimeoutError) as problem:
            text = " ".join(str(problem).split())
            raise OutputError(f"{_UNREACHABLE} ({text:.200})", "check its address and that it runs") from None
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


def _started(cluster: Cluster, setup: WorkerSetup, count: int) -> Any:
    """Return a cluster that is to be started."""
    if cluster.jobqueue is not None:
        return job_cluster(cluster)
    if cluster.kubernetes:
        return pod_cluster(cluster)
    return local_cluster(max(1, min(cluster.workers or 1, count)), setup.threads)


def local_cluster(workers: int, threads: int | None) -> Any:
    """Return a scheduler in this process with worker processes on this machine; nobody else can reach it."""
    import logging

    from distributed import LocalCluster

    environment = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", protocol="tls://", security=True,
        dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL, env=environment,
    )  # fmt: skip


def job_cluster(cluster: Cluster, *, start: bool = True) -> Any:
    """Return a scheduler in this process whose workers are jobs of a queue, as Dask's own configuration has them.

    Parameters
    ----------
    cluster
        Which queue, and how many jobs.
    start
        Whether jobs are submitted.

    Raises
    ------
    SettingsError
        When dask-jobqueue is missing, or that configuration lacks something.
    """
    try:
        import dask_jobqueue
    except ImportError:
        raise SettingsError("--jobqueue needs dask-jobqueue", "pip install 'dask-jobqueue>=0.9'") from None
    kind = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster"}[cluster.jobqueue or ""]
    try:
        # one report at a time in each, whatever the queue gives it
        made = getattr(dask_jobqueue, kind)(processes=1)
    except (ValueError, TypeError) as problem:
        text = " ".join(str(problem).split())
        raise SettingsError(
            f"Dask's configuration of {cluster.jobqueue} lacks something ({text:.200})",
            f"write cores and memory into jobqueue.{cluster.jobqueue}, see docs/scale.md",
        ) from None
    if start:
        made.scale(jobs=cluster.workers or 1)
    return made


def pod_cluster(cluster: Cluster) -> Any:
    """Return a scheduler and workers in pods, made by Dask's operator.

    Raises
    ------
    SettingsError
        When dask-kubernetes is missing, or no image is named.
    """
    try:
        from dask_kubernetes.operator import KubeCluster
    except ImportError:
        raise SettingsError("--kubernetes needs dask-kubernetes", "pip install 'dask-kubernetes>=2025.1'") from None
    return KubeCluster(custom_cluster_spec=pod_specification(cluster))


def pod_specification(cluster: Cluster) -> dict[str, Any]:
    """Return what Dask's operator is asked for: a worker of one thread in each pod.

    Raises
    ------
    SettingsError
        When no image is named.
    """
    from dask_kubernetes.operator import make_cluster_spec

    if not cluster.image:
        raise SettingsError("--kubernetes needs --image", "name an image that has reportgen and its extra 'cluster'")
    made: dict[str, Any] = make_cluster_spec(
        name="reportgen", image=cluster.image, n_workers=cluster.workers or 1, worker_command="dask worker --nthreads 1"
    )
    return made


def absolute(item: WorkItem) -> WorkItem:
    """Return an item whose files are named such that a worker in another folder finds them."""

    def whole(path: str) -> str:
        return path if is_remote(path) else os.path.abspath(path)  # noqa: PTH100 - links are not followed

    return replace(
        item,
        cases=tuple(replace(case, image=whole(case.image), mask=case.mask and whole(case.mask)) for case in item.cases),
    )


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


def has_dask() -> bool:
    """Return whether Dask is installed."""
    import importlib.util

    return importlib.util.find_spec("distributed") is not None and importlib.util.find_spec("dask") is not None
