"""A cohort chunk by chunk: here, by workers of Dask, in any number of chunks, with the same result."""

import json
import random

import numpy as np
import pytest
from cohorts import two_groups

from reportgen.analysis.cohort.regions import MOST_NAMES, NamedRegions
from reportgen.analysis.streaming import Best
from reportgen.batch import folding
from reportgen.batch.folding import FAN_IN, FoldingHere, Tree, chunks_of
from reportgen.batch.numbers import RegionNumbers
from reportgen.cli.main import main
from reportgen.outputs.cohort.page import render_cohort_html
from reportgen.outputs.cohort.tables import render_cohort_json
from reportgen.settings.batch import Cluster
from reportgen.settings.cohort import CohortJob
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.progress import Stopwatch
from reportgen.workflows.cohort import measure_cohort


class Text:
    """A part of which it can be seen what was merged with what, and in which order."""

    def __init__(self, text):
        self.text = text

    def merge(self, other):
        return Text(self.text + other.text)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 32, 255, 256, 257, 600])
def test_a_tree_merges_all_in_order_and_holds_little(count):
    tree = Tree(lambda one, other: one + other)
    for number in range(count):
        tree.add((number,))
        assert len(tree._levels) <= 1 + np.log(number + 1) / np.log(FAN_IN) + 1
    assert tree.total() == tuple(range(count))
    assert Tree(max).total() is None


@pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 1000])
def test_chunks_have_all_items_once(count):
    items = [str(number) for number in range(count)]
    told = []
    found = FoldingHere().fold(lambda chunk: Text("".join(f"{one} " for one in chunk)), items, told.append)
    assert found.text.split() == items
    assert sum(told) == count
    assert all(len(chunk) <= folding.CHUNK for chunk in chunks_of(items))


@pytest.fixture(scope="module")
def scheduler():
    """Start a cluster that is there already."""
    pytest.importorskip("distributed", reason="Dask isn't installed")
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as one:
        yield one.scheduler_address


def measured(out, cluster=None):
    job = CohortJob(folder=out, html=out / "cohort.html", sample=20, cluster=cluster or Cluster())
    found = measure_cohort(job, Stopwatch(progress=False))
    return render_cohort_json(found), render_cohort_html(found, "")


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_workers_give_the_same_bytes_in_any_number_of_chunks(write_batch, scheduler, monkeypatch, chunks):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(folding, "CHUNK", 20)
    out = write_batch(regional(two_groups(20 * chunks - 3)))
    assert measured(out, Cluster(scheduler=scheduler)) == measured(out)


def test_chunks_change_nothing_but_the_last_digits(write_batch, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    out = write_batch(regional(two_groups(90)))
    whole = json.loads(measured(out)[0])
    monkeypatch.setattr(folding, "CHUNK", 7)
    assert_close(json.loads(measured(out)[0]), whole)


def assert_close(found, expected, place=""):
    """Compare two plain structures: numbers to nine digits, all else exactly."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), place
        for name, value in expected.items():
            assert_close(found[name], value, f"{place}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for number, value in enumerate(expected):
            assert_close(found[number], value, f"{place}[{number}]")
    elif isinstance(expected, float) and isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), place
    else:
        assert found == expected, place


def regional(cases):
    """Give cases regions; some have none."""
    import dataclasses

    return [
        dataclasses.replace(case, regions=() if number % 7 == 3 else (region(number, "lungs"), region(number, "heart")))
        for number, case in enumerate(cases)
    ]


def region(number, name):
    random = np.random.default_rng([number, len(name)])
    return RegionNumbers(
        name, float(random.uniform(0.1, 0.4)), float(random.uniform(0, 1)), (True, False, None)[number % 3]
    )


def test_the_command_starts_its_own_workers(write_batch, monkeypatch, capsys, tmp_path):
    pytest.importorskip("distributed", reason="Dask isn't installed")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(folding, "CHUNK", 20)
    monkeypatch.chdir(tmp_path)
    write_batch(two_groups(45), "out")
    assert main(["cohort", "out", "--workers", "2", "--json", "there.json"]) == 0
    assert main(["cohort", "out", "-f", "-o", "here.html", "--json", "here.json"]) == 0
    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "here.json").read_bytes()


def test_what_is_wrong_is_told_in_one_line_by_workers_too(write_batch, scheduler, capsys, monkeypatch):
    monkeypatch.setattr(folding, "CHUNK", 20)
    out = write_batch(two_groups(45))
    assert main(["cohort", str(out), "--scheduler", scheduler, "--by", "age"]) == 2
    error = capsys.readouterr().err
    assert "--by names no column of the cases: 'age'; give one of label" in error and error.count("\n") == 1
    damaged = out / ".reportgen" / "numbers" / "case-00040.npz"
    damaged.write_bytes(b"PK")
    with pytest.raises(OutputError, match="run the batch again"):
        measured(out, Cluster(scheduler=scheduler))
    assert not (out / "cohort.html").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--workers", "-1"], "--workers is -1; give 0 to 10,000"),
        (["--scheduler", "here"], "--scheduler is 'here'; give tcp://HOST:PORT"),
        (["--language", "xx"], "--language is 'xx'; give 'en' or 'de'"),
    ],
)
def test_workers_that_make_no_sense_are_refused(write_batch, capsys, arguments, told):
    assert main(["cohort", str(write_batch(two_groups(4))), *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_without_dask_the_command_says_what_to_install(write_batch, monkeypatch):
    monkeypatch.setattr(folding, "has_dask", lambda: False)
    with pytest.raises(SettingsError, match="workers need Dask"):
        measured(write_batch(two_groups(4)), Cluster(workers=2))


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_parts_are_the_best_of_all(seed):
    shuffled = random.Random(seed)
    ranks = [(shuffled.choice([1.0, 2.0, float("nan"), shuffled.random()]), f"key-{number}") for number in range(90)]
    whole, parts = Best(6), [Best(6), Best(6)]
    for rank, key in ranks:
        whole.add(rank, key, key)
        shuffled.choice(parts).add(rank, key, key)
    known = [(rank, key) for rank, key in ranks if np.isfinite(rank)]
    expected = [(rank, key) for rank, key in sorted(known, key=lambda one: (-one[0], one[1]))[:6]]
    assert list(whole) == list(parts[0].merge(parts[1])) == expected


@pytest.mark.parametrize("seed", range(4))
def test_of_many_names_the_first_are_told_of_with_all_their_cases(seed):
    names = [f"region-{number:02}" for number in range(MOST_NAMES + 9)]
    given = [region(number, name) for number, name in enumerate(names * 3)]
    random.Random(seed).shuffle(given)
    whole, parts = NamedRegions(), (NamedRegions(), NamedRegions())
    for number, one in enumerate(given):
        whole.add([one])
        parts[number % 2].add([one])
    merged = parts[0].merge(parts[1])
    assert sorted(whole.by_name) == sorted(merged.by_name) == names[:MOST_NAMES]
    assert whole.is_cut and merged.is_cut
    for name, found in merged.by_name.items():
        own = [one.evidence for one in given if one.name == name]
        assert found.evidence.count == whole.by_name[name].evidence.count == len(own)
        assert float(found.evidence.mean) == pytest.approx(np.mean(own))
