"""A Dask cluster: one started here, one that runs already, jobs of a queue, or pods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from reportgen.settings.batch import Cluster
from reportgen.system.errors import OutputError, SettingsError

DEATHS = 2  # of workers, that one item may cause
UNREACHABLE = "the scheduler can't be reached"
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


@contextmanager
def connected(cluster: Cluster, threads: int | None, count: int) -> Iterator[Any]:
    """Give a client of a cluster, which is started where none runs already, and ends with it then.

    Parameters
    ----------
    cluster
        Which one.
    threads
        Of the libraries in each worker that is started here; None: as many as they like.
    count
        How many pieces of work there are: of so many workers here none would be idle.

    Raises
    ------
    OutputError
        When it can't be started or reached.
    """
    import dask
    from distributed import Client

    with ExitStack() as stack:
        stack.enter_context(dask.config.set(CONFIG))
        try:
            place = cluster.scheduler or stack.enter_context(_started(cluster, threads, count))
            client = stack.enter_context(Client(place, set_as_default=False, timeout=CONFIG[_TIMEOUT]))
        except (OSError, TimeoutError) as problem:
            text = " ".join(str(problem).split())
            raise OutputError(f"{UNREACHABLE} ({text:.200})", "check its address and that it runs") from None
        yield client


def _started(cluster: Cluster, threads: int | None, count: int) -> Any:
    """Return a cluster that is to be started."""
    if cluster.jobqueue is not None:
        return job_cluster(cluster)
    if cluster.kubernetes:
        return pod_cluster(cluster)
    return local_cluster(max(1, min(cluster.workers or 1, count)), threads)


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


def has_dask() -> bool:
    """Return whether Dask is installed."""
    import importlib.util

    return importlib.util.find_spec("distributed") is not None and importlib.util.find_spec("dask") is not None
