"""What a batch runs over, where its results go, and how it goes on after failures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reportgen.system.addresses import RemotePath, place_of
from reportgen.system.errors import SettingsError

KINDS = ("auto", "manifest", "classes", "studies", "files")
JOB_QUEUES = ("slurm", "pbs", "sge")
_FAILURES = re.compile(r"(\d+)|(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, kw_only=True)
class CaseSource:
    """What a batch runs over.

    Attributes
    ----------
    cases
        A table (CSV, TSV or Parquet), a folder, or a pattern of files (``scans/*.png``); here, or s3://, gs://, abfs://.
    kind
        What a folder is: ``classes`` (folders named after labels), ``studies`` (of DICOM files), ``files`` (no labels);
        ``auto`` tells by what it holds.
    split
        Of folders that are divided: ``train``, ``validation``, ``test`` or ``all``; None: the test images where there
        are any, else all.
    pair_by
        The column whose equal values make cases one report; None: ``pair``, where the table has it; empty: none.
    image_column, label_column
        Of a table, where they have unusual names.
    limit
        Only the first so many reports; None: all.
    """

    cases: str
    kind: str = "auto"
    split: str | None = None
    pair_by: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Who does the work.

    Attributes
    ----------
    workers
        How many processes; 0: none besides the command itself. None: one a core where that pays.
    threads
        Of TensorFlow in each; None: the cores are shared out.
    scheduler
        Address of a running Dask scheduler, ``tcp://`` or ``tls://``; None: none.
    jobqueue
        ``slurm``, ``pbs`` or ``sge``: workers are jobs there, as Dask's own configuration describes them.
    kubernetes
        Whether workers are pods.
    image
        Their container image.
    """

    workers: int | None = None
    threads: int | None = None
    scheduler: str | None = None
    jobqueue: str | None = None
    kubernetes: bool = False
    image: str | None = None

    @property
    def is_remote(self) -> bool:
        """Whether workers run elsewhere: they must see the same files."""
        return bool(self.scheduler or self.jobqueue or self.kubernetes)


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """One run of ``reportgen batch``.

    Attributes
    ----------
    source
        The cases; None: those of the batch that is in the folder already.
    output
        Its folder, or a place in an object store.
    cluster
        Who does the work.
    retry_failed
        Whether only what failed is run again.
    max_failures
        How many cases may fail before the run ends, such as ``50`` or ``2%``; None: any number.
    dry_run
        Only run three cases, keep nothing of them, and say what all will take.
    again
        Whether what is done is done again.
    site
        Whether the static site is made, or brought up to date.
    title
        Of the site.
    """

    source: CaseSource | None
    output: Path | RemotePath
    cluster: Cluster = Cluster()
    retry_failed: bool = False
    max_failures: str | None = None
    dry_run: bool = False
    again: bool = False
    site: bool = True
    title: str | None = None


def check_batch(job: BatchJob) -> None:
    """Refuse what makes no sense.

    Raises
    ------
    SettingsError
        Naming the flag.
    RemoteError
        When an address has a password in it.
    """
    source = job.source
    if source is not None:
        place_of(source.cases)
    if source is not None and source.kind not in KINDS:
        raise SettingsError(f"--kind is '{source.kind}'", f"give {', '.join(KINDS)}")
    if source is not None and source.split not in (None, "train", "validation", "test", "all"):
        raise SettingsError(f"--split is '{source.split}'", "give train, validation, test or all")
    if source is not None and source.limit is not None and source.limit < 1:
        raise SettingsError(f"--limit is {source.limit}", "give a number from 1")
    if source is None and job.dry_run:
        raise SettingsError("--dry-run needs the cases", "name them")
    check_cluster(job.cluster)
    most_failures(job.max_failures, 1)


def check_cluster(cluster: Cluster) -> None:
    """Refuse workers that make no sense.

    Raises
    ------
    SettingsError
        Naming the flag.
    """
    if cluster.workers is not None and not 0 <= cluster.workers <= 10_000:
        raise SettingsError(f"--workers is {cluster.workers}", "give 0 to 10,000")
    if cluster.threads is not None and not 1 <= cluster.threads <= 1024:
        raise SettingsError(f"--threads is {cluster.threads}", "give 1 to 1024")
    if cluster.jobqueue is not None and cluster.jobqueue not in JOB_QUEUES:
        raise SettingsError(f"--jobqueue is '{cluster.jobqueue}'", f"give {', '.join(JOB_QUEUES)}")
    if bool(cluster.scheduler) + bool(cluster.jobqueue) + cluster.kubernetes > 1:
        raise SettingsError("--scheduler, --jobqueue and --kubernetes each say where workers are", "give one of them")
    if cluster.scheduler is not None and not cluster.scheduler.startswith(("tcp://", "tls://")):
        raise SettingsError(f"--scheduler is '{cluster.scheduler}'", "give tcp://HOST:PORT or tls://HOST:PORT")


def most_failures(text: str | None, count: int) -> int | None:
    """Return how many of ``count`` cases may fail; None: any number.

    Raises
    ------
    SettingsError
        When it is neither a number nor a share.
    """
    if text is None:
        return None
    found = _FAILURES.fullmatch(text.strip())
    if found is None or (found[2] and float(found[2]) > 100):
        raise SettingsError(f"--max-failures is '{text}'", "give a number such as 50, or a share such as 2%")
    return int(found[1]) if found[1] else int(count * float(found[2]) / 100)
