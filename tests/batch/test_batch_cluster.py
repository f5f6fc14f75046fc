"""Dask's workers: the same results as one process, and what becomes of an item that kills its worker."""

import os

import pytest
from batches import files_of

from reportgen.batch import cluster as clusters
from reportgen.batch.cases import plan_items
from reportgen.batch.cluster import choose_workers
from reportgen.batch.connection import CONFIG, job_cluster, pod_specification
from reportgen.batch.record import Basis
from reportgen.settings.batch import CaseSource, Cluster
from reportgen.settings.report import DEFAULTS
from reportgen.system.errors import OutputError, SettingsError

pytest.importorskip("distributed", reason="Dask isn't installed")
import dask_tasks

CORES = os.cpu_count() or 1


@pytest.fixture
def scheduler():
    """Start a cluster that is there already, as far as a batch is concerned."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set(CONFIG),
        LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as one,
    ):
        yield one


def test_embedded_workers_give_the_same_bytes(batch, table, tmp_path):
    path = table([("NORMAL",), ("PNEUMONIA",), ("NORMAL",)])
    (tmp_path / "in" / "1.png").write_bytes(b"no image")
    ran, results, failures = batch(path, cluster=Cluster(workers=2, threads=CORES))
    alone, expected, _ = batch(path, out="alone")
    assert ran.failed == alone.failed == 1 and failures[0]["stage"] == "read"
    assert files_of(tmp_path / "out") == files_of(tmp_path / "alone")
    assert [row["page_sha256"] for row in results] == [row["page_sha256"] for row in expected]


def test_a_case_that_kills_its_workers_is_set_aside_and_no_other(batch, table, tmp_path, monkeypatch, scheduler):
    path = table([("A",)] * 4)
    text = path.read_text(encoding="utf-8")
    for number, name in ((1, "dies"), (2, "stumbles")):
        (tmp_path / "in" / f"{number}.png").rename(tmp_path / "in" / f"{name}.png")
        text = text.replace(f"{number}.png", f"{name}.png")
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(clusters, "work_on", dask_tasks.die_or_work)
    ran, results, failures = batch(path, cluster=Cluster(scheduler=scheduler.scheduler_address))
    assert ran.failed == 1 and (tmp_path / "in" / "stumbles.png.tried").exists()
    assert [(row["stage"], row["reason"]) for row in failures] == [("explain", "2 workers died of it")]
    assert [bool(row["error"]) for row in results] == [False, True, False, False]
    monkeypatch.undo()
    assert batch(None, retry_failed=True)[0].failed == 0


def test_a_scheduler_that_is_gone_is_told(batch, table, monkeypatch, scheduler):
    monkeypatch.setitem(CONFIG, "distributed.comm.timeouts.connect", "1s")
    path = table([("A",)] * 3)
    address, run = scheduler.scheduler_address, clusters.OnCluster.run

    def ended(self, items):
        outcomes = run(self, items)
        yield next(outcomes)
        scheduler.close()
        yield from outcomes

    monkeypatch.setattr(clusters.OnCluster, "run", ended)
    with pytest.raises(OutputError, match="the scheduler can't be reached"):
        batch(path, cluster=Cluster(scheduler=address))
    monkeypatch.undo()
    ran, results, _ = batch(path)  # what was done is kept
    assert ran.failed == 0 and "1 not to be done" in ran.made.said[1] and len(results) == 3


def test_no_scheduler_at_all(batch, table, monkeypatch):
    monkeypatch.setitem(CONFIG, "distributed.comm.timeouts.connect", "1s")
    with pytest.raises(OutputError, match="the scheduler can't be reached"):
        batch(table([("A",)]), cluster=Cluster(scheduler="tcp://127.0.0.1:9"))


def test_workers_follow_from_the_plan(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(clusters, "machine_memory", lambda: 1 << 36)
    assert choose_workers(Cluster(), 3).workers == 0
    assert choose_workers(Cluster(), 20).workers == 2 and choose_workers(Cluster(), 20).threads == 2
    assert choose_workers(Cluster(), 10_000) == Cluster(workers=4, threads=1)
    monkeypatch.setattr(clusters, "machine_memory", lambda: 4_000_000_000)
    assert choose_workers(Cluster(), 10_000).workers == 2
    monkeypatch.setattr(clusters, "has_dask", lambda: False)
    assert choose_workers(Cluster(), 10_000).workers == 0
    with pytest.raises(SettingsError, match="workers need Dask"):
        choose_workers(Cluster(workers=2), 10)


def test_jobs_of_a_queue_as_dask_is_told(tmp_path):
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue isn't installed")
    import dask

    with dask.config.set({"jobqueue.slurm.cores": 1, "jobqueue.slurm.memory": "4GB", "jobqueue.slurm.queue": "gpu"}):
        made = job_cluster(Cluster(jobqueue="slurm"), start=False)
        script = made.job_script()
        made.close()
    assert "#SBATCH -p gpu" in script and "--nthreads 1" in script and "--mem=4G" in script
    with pytest.raises(SettingsError, match="configuration of pbs lacks something"):
        job_cluster(Cluster(jobqueue="pbs"))


def test_pods_as_the_operator_is_told():
    pytest.importorskip("dask_kubernetes", reason="dask-kubernetes isn't installed")
    made = pod_specification(Cluster(kubernetes=True, image="registry/reportgen:1", workers=40))
    worker = made["spec"]["worker"]
    assert worker["replicas"] == 40 and worker["spec"]["containers"][0]["image"] == "registry/reportgen:1"
    assert "--nthreads" in worker["spec"]["containers"][0]["args"]
    with pytest.raises(SettingsError, match="--kubernetes needs --image"):
        pod_specification(Cluster(kubernetes=True))


def test_files_are_named_for_workers_elsewhere(table, monkeypatch, tmp_path):
    path = table([("A",)])
    monkeypatch.chdir(tmp_path)
    (item,) = plan_items(CaseSource(cases=path.name)).items
    assert (
        clusters.absolute(item).cases[0].image == str(tmp_path / "in" / "0.png")
        and clusters.absolute(item).id == item.id
    )


def test_batches_that_share_a_cluster_keep_apart():
    def told():
        return clusters.WorkerSetup("out", DEFAULTS, (), Basis("model", "settings", "1"), 1)

    assert told().name != told().name
