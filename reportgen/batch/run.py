"""A whole batch: cases -> items -> those still to do -> reports -> tables -> site."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.outputs.made import Made
from reportgen.settings.batch import BatchJob, CaseSource, Cluster, check_batch, most_failures
from reportgen.settings.report import Settings
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError
from reportgen.system.libraries import install_extra, library_version
from reportgen.system.silence import silence_tensorflow

if TYPE_CHECKING:
    from reportgen.analysis.runs import Subject
    from reportgen.batch.engine import Engine
    from reportgen.batch.items import Plan, WorkItem
    from reportgen.batch.progress import Tally
    from reportgen.batch.record import Basis, Ledger, Record
    from reportgen.batch.storage import AnyStorage
    from reportgen.batch.work import Worker
    from reportgen.models.loader import LoadedModel

SOME_FAILED = 3  # exit code


@dataclass(frozen=True)
class Ran:
    """What became of a batch.

    Attributes
    ----------
    made
        What to tell.
    failed
        How many items of all failed, in this run or an earlier one.
    """

    made: Made
    failed: int


def run_batch(job: BatchJob, settings: Settings, *, progress: bool, debug: bool, verbose: bool = False) -> Ran:
    """Make the reports of many cases; what an earlier run did is kept.

    Parameters
    ----------
    job
        The cases, the folder, and who does the work.
    settings
        How reports are made.
    progress
        Whether to show it.
    debug
        Whether libraries may say what they want to say.
    verbose
        Whether to tell where Dask's dashboard is.

    Raises
    ------
    ReportgenError
        When something that was given can't be used. What is wrong with single cases is told in ``failures.csv``.
    """
    from reportgen.batch.cases import plan_items
    from reportgen.batch.cluster import choose_workers, limit_tensorflow
    from reportgen.batch.estimate import estimate
    from reportgen.batch.record import ORDER, Ledger
    from reportgen.batch.storage import storage_at

    check_batch(job)
    storage = storage_at(job.output)
    storage.check_empty()
    source = job.source or CaseSource(cases=str(storage.path(ORDER)))
    if (job.source is None or job.retry_failed) and storage.size(ORDER) is None:
        advice = "name the cases, too" if job.source is None else "run it without --retry-failed first"
        raise OutputError(f"{job.output} holds no batch", advice)
    plan = plan_items(source, keep_names=settings.images.keep_names)
    if job.source is None:
        _refuse_elsewhere(plan, storage)
    cluster = choose_workers(job.cluster, len(plan.items))
    with silence_tensorflow(debug=debug):
        if not cluster.workers and not cluster.is_remote:
            limit_tensorflow(cluster.threads)
        subject, basis = _prepare(plan, settings)
    if not debug:
        warnings.simplefilter("ignore")
    if job.dry_run:
        return Ran(estimate(dataclasses.replace(job, cluster=cluster), settings, plan, subject.loaded, basis), 0)
    with storage.alone():
        with storage.opened():
            storage.write(f"{_inner()}/batch.json", _about(subject, basis))
            Ledger(storage).write_order(plan)
        todo = list(_still_to_do(job, settings, plan, Ledger(storage), basis))
        tally = _work(
            job,
            cluster,
            settings,
            subject.loaded,
            storage,
            basis,
            plan.labels,
            todo,
            progress=progress,
            verbose=verbose,
        )
        with storage.opened():
            return _finish(job, storage, plan, tally, len(todo), progress=progress)


def _prepare(plan: Plan, settings: Settings) -> tuple[Subject, Basis]:
    """Load the model, and check the settings against it before any worker starts."""
    from reportgen.analysis.runs import make_subject
    from reportgen.batch.record import Basis
    from reportgen.models.loader import load_model
    from reportgen.workflows.illustrate import check_colours
    from reportgen.workflows.pipeline import model_source, prepare_libraries

    prepare_libraries()
    check_colours(settings)
    source, name = model_source(settings)
    loaded = load_model(source, settings.model, settings.preprocessing, plan.labels, name, settings.limits)
    subject = make_subject(loaded, settings)
    version = library_version("reportgen") or "unknown"
    return subject, Basis(loaded.sha256, settings_digest(settings, loaded.class_names), version)


def settings_digest(settings: Settings, class_names: Sequence[str]) -> str:
    """Return a digest of all that shapes reports besides model and images: settings, and the files that they name."""
    tables = dataclasses.asdict(settings)
    tables["model"].pop("path")
    key = hashlib.sha256(json.dumps([tables, list(class_names)], sort_keys=True, default=str).encode())
    named = (settings.model.evaluation, settings.theme.logo, settings.theme.folder, settings.commentary.folder)
    for name in named:
        for path in _files_of(name):
            key.update(hashlib.sha256(path.read_bytes()).digest())
    return key.hexdigest()


def _files_of(name: str | None) -> list[Path]:
    if name is None:
        return []
    path = Path(name)
    return (
        sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path] if path.is_file() else []
    )


def _inner() -> str:
    from reportgen.batch.storage import INNER

    return INNER


def _refuse_elsewhere(plan: Plan, storage: AnyStorage) -> None:
    """Refuse a batch in an object store whose cases are files of a machine: its list has their names only."""
    inside = f"{storage.path(_inner())}/"
    if isinstance(storage.root, RemotePath) and any(
        case.image.startswith(inside) for item in plan.items for case in item.cases
    ):
        raise OutputError(f"the cases of {storage.root} are files of the machine that ran it", "name them again")


def _about(subject: Subject, basis: Basis) -> bytes:
    from reportgen.batch.record import VERSION

    loaded, head = subject.loaded, subject.head
    model = {
        "name": loaded.name, "sha256": loaded.sha256, "class_names": head.class_names, "head": head.kind,
        "threshold": head.threshold if head.single else None, "thresholds": head.thresholds,
        "layers": [call.path for call in subject.layers], "input_size": subject.size,
    }  # fmt: skip
    return (json.dumps({"version": VERSION, "model": model, "settings": basis.settings}, indent=1) + "\n").encode()


def _still_to_do(job: BatchJob, settings: Settings, plan: Plan, ledger: Ledger, basis: Basis) -> Iterator[WorkItem]:
    """Give the items that are to be worked on: what is done and unchanged isn't, nor what failed, unless asked for."""
    limit = settings.limits.file_size

    def is_wanted(item: WorkItem) -> bool:
        record = ledger.read(item.id)
        if job.retry_failed:
            return record is not None and not record.is_done
        return job.again or record is None or not ledger.is_current(item, record, basis, limit)

    return (item for item, wanted in zip(plan.items, ledger.storage.each(is_wanted, plan.items), strict=True) if wanted)


def _work(
    job: BatchJob, cluster: Cluster, settings: Settings, loaded: LoadedModel, storage: AnyStorage, basis: Basis,
    labels: tuple[str, ...], todo: Sequence[WorkItem], *, progress: bool, verbose: bool,
) -> Tally:  # fmt: skip
    """Work on the items until all are done, or too many failed."""
    from reportgen.batch.progress import tallied
    from reportgen.batch.work import Worker

    most = most_failures(job.max_failures, len(todo))
    with tallied(len(todo), progress=progress) as tally:
        if not todo:
            return tally
        with _engine(cluster, Worker(storage, loaded, settings, basis), labels, len(todo), verbose=verbose) as engine:
            outcomes = engine.run(todo)
            for outcome in outcomes:
                tally.add(outcome)
                if most is not None and tally.failed > most:
                    break
    return tally


def _engine(
    cluster: Cluster, worker: Worker, labels: tuple[str, ...], count: int, *, verbose: bool
) -> AbstractContextManager[Engine]:
    """Return who does the work, to be opened."""
    from reportgen.batch.cluster import WorkerSetup, on_cluster, with_absolute_paths
    from reportgen.batch.engine import in_process

    if not cluster.workers and not cluster.is_remote:
        return in_process(worker)
    setup = WorkerSetup(
        worker.storage.address, with_absolute_paths(worker.settings), labels, worker.basis, cluster.threads
    )
    return on_cluster(cluster, setup, worker.storage, count, verbose=verbose)


def _finish(job: BatchJob, storage: AnyStorage, plan: Plan, tally: Tally, asked: int, *, progress: bool) -> Ran:
    """Write the tables and the site, and say what became of it all."""
    from reportgen.batch import record as records

    ledger = records.Ledger(storage)

    def known() -> Iterator[tuple[WorkItem, Record | None]]:
        return zip(plan.items, storage.each(lambda item: ledger.read(item.id), plan.items), strict=True)

    failed = [(item, record) for item, record in known() if record is not None and not record.is_done]
    cautions = _write_tables(storage, plan, known, failed)
    done = sum(record is not None and record.is_done for _, record in known())
    said = [
        f"{done:,} of {len(plan.items):,} reports are done, of {plan.cases:,} cases ({plan.kind})",
        f"this run: {tally.done:,} done in {tally.seconds:.1f} s ({tally.rate:.2f} a second), "
        f"{len(plan.items) - asked:,} not to be done, {tally.failed:,} failed",
    ]
    if failed:
        stages = [record.stage for _, record in failed]
        listed = ", ".join(f"{stages.count(stage)} at {stage}" for stage in records.STAGES if stage in stages)
        cautions.append(f"{len(failed):,} failed ({listed}): {storage.path(records.FAILURES)} lists them and why")
    left = len(plan.items) - done - len(failed)
    if left and tally.done + tally.failed < asked:
        cautions.append(f"ended since more failed than --max-failures {job.max_failures}; {left:,} were not tried")
    planned = {item.id for item in plan.items}
    strays = sum(name not in planned for name in storage.names("reports", ".html"))
    if strays:
        of = "1 report is" if strays == 1 else f"{strays:,} reports are"
        cautions.append(
            f"{of} in {storage.path('reports')} of cases that were not given this time: in no table, but on the site; "
            "remove them, or take another folder"
        )
    written = [
        storage.path(name) for name in (records.RESULTS, records.PARQUET, records.FAILURES) if storage.size(name)
    ]
    if job.site and done:
        said += _make_site(job, storage, progress=progress)
        written.append(storage.path("site/index.html"))
    return Ran(Made(tuple(written), tuple(said), tuple(cautions)), len(failed))


def _write_tables(
    storage: AnyStorage, plan: Plan, known: Callable[[], Iterator[tuple[WorkItem, Record | None]]],
    failed: Sequence[tuple[WorkItem, Record]],
) -> list[str]:  # fmt: skip
    """Write results and failures; return what to warn of."""
    from reportgen.batch import record as records
    from reportgen.system.atomic import tell_write_errors

    columns, cautions = records.result_columns(plan), list[str]()
    with tell_write_errors(storage.path(records.RESULTS)):
        storage.write(records.RESULTS, records.render_csv(records.result_rows(plan, known()), columns))
        parquet = records.render_parquet(records.result_rows(plan, known()), columns)
        if parquet is None:
            cautions.append(f"results.parquet isn't written without pyarrow: {install_extra('cluster')}")
        else:
            storage.write(records.PARQUET, parquet)
        if failed:
            storage.write(records.FAILURES, records.render_failures(failed, storage))
        else:
            storage.remove(records.FAILURES)
    return cautions


def _make_site(job: BatchJob, storage: AnyStorage, *, progress: bool) -> list[str]:
    """Bring the static site up to date: it is the index of the reports."""
    from reportgen.workflows.sharing import publish

    made = publish(
        [storage.address + "/reports"], storage.root / "site", title=job.title, add=False, remove=False,
        overwrite=True, progress=progress,
    )  # fmt: skip
    return [*made.said, *made.cautions]
