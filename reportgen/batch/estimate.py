"""What a batch will take, from three of its items: time, memory and disk, and whether there is enough of them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from reportgen.batch.items import Plan, WorkItem
from reportgen.batch.numbers import total_bytes
from reportgen.batch.record import Basis
from reportgen.batch.storage import Storage
from reportgen.batch.work import Worker
from reportgen.models.formats.memory import machine_memory
from reportgen.models.loader import LoadedModel
from reportgen.outputs.made import Made
from reportgen.settings.batch import BatchJob
from reportgen.settings.report import Settings
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError

TRIED = 3
SITE_SHARE = 1.1  # of the reports' bytes: a site holds their pictures and pages once more


@dataclass(frozen=True)
class Tried:
    """What a few items took.

    Attributes
    ----------
    seconds
        Each that was done, the first one left out where there are others: it prepares what all others use.
    bytes
        On the disk, each.
    memory
        Bytes of this process at most.
    failures
        What went wrong with some, a line each.
    """

    seconds: float
    bytes: float
    memory: int
    failures: tuple[str, ...]


def estimate(job: BatchJob, settings: Settings, plan: Plan, loaded: LoadedModel, basis: Basis) -> Made:
    """Run three items in a folder that goes again, and say what all of them will take.

    Raises
    ------
    OutputError
        When no folder for them can be made, or all three fail.
    """
    chosen = sample(plan.items)
    tried = try_items(chosen, settings, loaded, basis)
    if len(tried.failures) == len(chosen):
        raise OutputError(f"none of {len(chosen)} cases that were tried works: {tried.failures[0]}", "mend that first")
    workers = max(1, workers_of(job))
    count = len(plan.items)
    disk = tried.bytes * count * (1 + SITE_SHARE * job.site)
    hours = tried.seconds * count / workers / 3600
    free = None if isinstance(job.output, RemotePath) else shutil.disk_usage(_existing(job.output)).free
    memory, there = tried.memory * workers, machine_memory()
    said = [
        f"{count:,} reports of {plan.cases:,} cases ({plan.kind}); tried {len(chosen)} of them",
        f"time: {_hours(hours)} with {workers} worker{'' if workers == 1 else 's'} "
        f"({tried.seconds:.2f} s a report each; workers that share cores take longer)",
        f"memory: {tried.memory / 1e9:.2f} GB a worker",
        f"disk: {_bytes(disk)} ({_bytes(tried.bytes)} a report{', and the site' if job.site else ''})"
        + ("" if free is None else f", {_bytes(free)} free"),
    ]
    cautions = [f"failed: {line}" for line in tried.failures]
    if free is not None and disk > free:
        cautions.append(
            f"it won't fit: {_bytes(disk)} are needed and {_bytes(free)} free; try --sections or --max-size"
        )
    if not job.cluster.is_remote and memory > there:
        cautions.append(f"it won't fit: {workers} workers need {_bytes(memory)} of {_bytes(there)} memory; take fewer")
    return Made(said=tuple(said), cautions=tuple(cautions))


def sample(items: tuple[WorkItem, ...]) -> list[WorkItem]:
    """Return the first item, one in the middle, and the last."""
    places = sorted({0, len(items) // 2, len(items) - 1})
    return [items[place] for place in places]


def try_items(items: list[WorkItem], settings: Settings, loaded: LoadedModel, basis: Basis) -> Tried:
    """Make the reports of items in a folder that goes again, and measure that."""
    took, failures = list[float](), list[str]()
    with tempfile.TemporaryDirectory(prefix="reportgen-") as place:
        storage = Storage(Path(place))
        with storage.opened():
            worker = Worker(storage, loaded, settings, basis)
            for item in items:
                started = time.monotonic()
                outcome = worker.work(item)
                if outcome.stage:
                    # what fails is soon over, and says nothing of the others
                    failures.append(f"{outcome.id}: {outcome.stage}: {outcome.reason}")
                else:
                    took.append(time.monotonic() - started)
        size = total_bytes(path for path in Path(place).rglob("*") if path.is_file())
    kept = took[1:] or took
    return Tried(
        sum(kept) / max(1, len(kept)), size / max(1, len(items) - len(failures)), peak_memory(), tuple(failures)
    )


def peak_memory() -> int:
    """Return how many bytes this process has had at most."""
    try:
        import resource
    except ImportError:
        return 0
    # kilobytes, but on macOS bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def workers_of(job: BatchJob) -> int:
    """Return how many processes will work, as far as that is known."""
    return os.cpu_count() or 1 if job.cluster.workers is None else job.cluster.workers


def _existing(path: Path) -> Path:
    found = path.resolve()
    while not found.exists():
        found = found.parent
    return found


def _hours(hours: float) -> str:
    return f"{hours * 3600:.0f} s" if hours < 0.05 else f"{hours:.1f} h" if hours < 100 else f"{hours / 24:.1f} days"


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.3g} {unit}"
        count /= 1000
    return ""
