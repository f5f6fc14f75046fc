"""A batch as a whole, in one process: results, failures, going on, and the same bytes as single reports."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import SUMMARY, files_of, rows

from reportgen.batch import work
from reportgen.batch.numbers import iterate_numbers, read_batch
from reportgen.batch.storage import Storage
from reportgen.system import retries
from reportgen.system.errors import OutputError
from reportgen.system.files import sha256

REPOSITORY = Path(__file__).parents[2]


def test_a_row_a_case_and_a_page_an_item(batch, table, tmp_path):
    path = table([("NORMAL", "p", "f"), ("PNEUMONIA", "p", "m"), ("NORMAL", "", "f")], ["pair", "sex"])
    ran, results, failures = batch(path)
    assert ran.failed == 0 and not failures
    assert [(row["label"], row["place"], row["sex"]) for row in results] == [
        ("NORMAL", "0", "f"), ("PNEUMONIA", "1", "m"), ("NORMAL", "0", "f"),
    ]  # fmt: skip
    assert results[0]["page"] == results[1]["page"] != results[2]["page"]
    for row in results:
        page = (tmp_path / "out" / row["page"]).read_bytes()
        assert sha256(page) == row["page_sha256"]
        assert row["error"] == "" and 0 <= float(row["score"]) <= 1 and row["model_sha256"] and row["settings_sha256"]
    image = (tmp_path / "in" / "0.png").read_bytes()
    assert results[0]["image_sha256"] == sha256(image)


def test_reports_are_those_of_build(batch, table, tmp_path):
    path = table([("NORMAL", "p"), ("PNEUMONIA", "p"), ("PNEUMONIA", "")], ["pair"])
    settings = SUMMARY | {"occlusion": {"patch": 60, "fill": "mean"}, "page": {"sections": ["summary", "occlusion"]}}
    _, results, _ = batch(path, settings=settings)
    command = [sys.executable, "-m", "reportgen", "build", "--sections", "summary,evidence", "--patch", "60"]
    command += ["--fill", "mean", "-o", str(tmp_path / "one.html")]
    images = [f"NORMAL={tmp_path}/in/0.png", f"PNEUMONIA={tmp_path}/in/1.png"]
    subprocess.run([*command, *images], check=True, capture_output=True, cwd=REPOSITORY)
    assert (tmp_path / "out" / results[0]["page"]).read_bytes() == (tmp_path / "one.html").read_bytes()
    assert float(results[0]["evidence_bits"]) < float(results[1]["evidence_bits"]) or results[0]["predicted"]
    assert results[0]["beats_chance"] in ("both", "one", "none", "unknown")


def test_an_unreadable_image_stops_no_other(batch, table, tmp_path):
    path = table([("A",), ("B",), ("A",), ("B",)])
    (tmp_path / "in" / "1.png").write_bytes(b"no image")
    (tmp_path / "in" / "2.png").unlink()
    ran, results, failures = batch(path)
    assert ran.failed == 2 and [bool(row["error"]) for row in results] == [False, True, True, False]
    assert [row["stage"] for row in failures] == ["read", "read"]
    assert failures[0]["reason"].startswith("in/1.png is") and failures[0]["digest"] == sha256(b"no image")
    assert "image not found: in/2.png" in failures[1]["reason"] and failures[1]["digest"] == ""
    assert str(tmp_path) not in (tmp_path / "out" / "results.csv").read_text(encoding="utf-8")


def test_what_is_done_is_not_done_again(batch, table, tmp_path, monkeypatch):
    path = table([("A",), ("B",), ("A",)])
    batch(path)
    done = []
    monkeypatch.setattr(
        work,
        "walk",
        lambda loaded, cases, *rest, walk=work.walk: done.append(cases[0].name) or walk(loaded, cases, *rest),
    )
    before = files_of(tmp_path / "out")
    batch(path)
    assert not done and files_of(tmp_path / "out") == before
    os.utime(tmp_path / "in" / "0.png", (1, 1))  # another time, the same bytes: also with a clock that went back
    batch(path)
    assert not done
    (tmp_path / "in" / "1.png").write_bytes((tmp_path / "in" / "2.png").read_bytes())
    _, results, _ = batch(path)
    assert done == ["1.png"] and results[1]["image_sha256"] == results[2]["image_sha256"]
    next((tmp_path / "out" / "reports").glob("0-*.html")).unlink()
    batch(path)
    assert done == ["1.png", "0.png"]
    batch(path, settings=SUMMARY | {"preprocessing": {"resampling": "nearest"}})
    assert len(done) == 5


def test_records_that_are_damaged_are_made_again(batch, table, tmp_path, monkeypatch):
    path = table([("A",), ("B",)])
    batch(path)
    before = files_of(tmp_path / "out")
    for place, text in zip(
        sorted((tmp_path / "out/.reportgen/done").iterdir()), ("{", '{"version": 1, "id": 7}'), strict=True
    ):
        place.write_text(text, encoding="utf-8")
    _, results, _ = batch(path)
    assert files_of(tmp_path / "out") == before and not any(row["error"] for row in results)


def test_failures_are_a_table_to_run_again(batch, table, tmp_path):
    path = table([("A", "x"), ("B", "x"), ("A", "y")], ["pair"])
    good = (tmp_path / "in" / "1.png").read_bytes()
    (tmp_path / "in" / "1.png").write_bytes(b"no image")
    ran, _, failures = batch(path)
    assert ran.failed == 1 and [row["label"] for row in failures] == ["A", "B"]  # the whole pair
    ran, results, _ = batch(path)
    assert ran.failed == 1  # known, and not tried again
    ran, results, failures = batch(tmp_path / "out" / "failures.csv", out="other")
    assert ran.failed == 1 and len(results) == 2
    (tmp_path / "in" / "1.png").write_bytes(good)
    ran, results, failures = batch(None, retry_failed=True)
    assert ran.failed == 0 and not failures and len(results) == 3
    assert batch(path)[1] == results
    clean = batch(path, out="clean")[1]
    drop = ("seconds",)
    assert [{k: v for k, v in row.items() if k not in drop} for row in clean] == [
        {k: v for k, v in row.items() if k not in drop} for row in results
    ]


def test_reports_of_an_earlier_list_are_told(batch, table, tmp_path):
    batch(table([("A",)] * 3))
    ran, results, _ = batch(table([("A",)] * 2))
    assert len(results) == 2 and not any("1 not" in line for line in ran.made.said)
    assert any("1 report is in " in line and "remove them" in line for line in ran.made.cautions)
    again, _, _ = batch(table([("A",)] * 3))
    assert not any("remove them" in line for line in again.made.cautions)


def test_a_place_is_told_without_the_way_out_of_the_list(batch, table, tmp_path):
    path = table([("A",), ("B",)])
    (tmp_path / "in" / "1.png").write_bytes(b"no image")
    for given, job in ((path, {}), (None, {"retry_failed": True}), (tmp_path / "out" / "failures.csv", {})):
        _, _, failures = batch(given, **job)
        assert failures[0]["reason"].startswith("in/1.png ")


def test_only_what_failed_needs_a_batch_that_is_there(batch, table):
    with pytest.raises(OutputError, match="holds no batch; run it without --retry-failed first"):
        batch(table([("A",)]), retry_failed=True)


def test_too_many_failures_end_it(batch, table, tmp_path):
    path = table([("A",)] * 6)
    for number in range(5):
        (tmp_path / "in" / f"{number}.png").write_bytes(b"no image")
    ran, results, failures = batch(path, max_failures="2")
    assert len(failures) == 3 and len(results) == 3
    assert "--max-failures 2; 3 were not tried" in " ".join(ran.made.cautions)
    ran, results, _ = batch(path, max_failures="90%")
    assert len(results) == 6 and ran.failed == 5


def test_a_full_disk_is_tried_again_and_then_a_failure(batch, table, monkeypatch, tmp_path):
    path = table([("A",), ("B",)])
    slept, tries, write = [], [], Storage.write
    monkeypatch.setattr(retries, "_sleep", slept.append)

    def full(self, name, data):
        if name.startswith("reports/0-"):
            tries.append(name)
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, name, data)

    monkeypatch.setattr(Storage, "write", full)
    ran, _, failures = batch(path)
    assert ran.failed == 1 and (failures[0]["stage"], failures[0]["reason"]) == ("write", "No space left on device")
    assert len(tries) == 4 and slept == list(retries.PAUSES)
    monkeypatch.setattr(Storage, "write", write)
    assert batch(None, retry_failed=True)[0].failed == 0


def test_what_may_pass_is_tried_again_and_nothing_else():
    assert retries.is_transient(OSError(errno.EIO, "x")) and retries.is_transient(TimeoutError())
    assert not retries.is_transient(OSError(errno.EACCES, "x")) and not retries.is_transient(ValueError())
    refused = PermissionError("no")
    refused.__context__ = ConnectionResetError()
    assert not retries.is_transient(refused)
    answer = ValueError("slow down")
    answer.status = 503
    assert retries.is_transient(answer)
    try:
        try:
            raise OSError(errno.ESTALE, "x")
        except OSError:
            raise OutputError("told in one line") from None
    except OutputError as problem:
        assert retries.is_transient(problem)


def test_memory_that_does_not_suffice_is_halved(batch, table, monkeypatch):
    path = table([("A",), ("B",)])
    asked, walk = [], work.walk

    def short(loaded, cases, settings, watch):
        asked.append((cases[0].name, settings.occlusion.memory))
        if cases[0].name == "0.png" and settings.occlusion.memory > 1 << 28:
            raise MemoryError
        return walk(loaded, cases, settings, watch)

    monkeypatch.setattr(work, "walk", short)
    ran, _, _ = batch(path)
    assert ran.failed == 0
    assert asked == [("0.png", 1 << 30), ("0.png", 1 << 29), ("0.png", 1 << 28), ("1.png", 1 << 30)]


def test_a_fault_of_the_program_is_told_with_its_stage(batch, table, monkeypatch):
    monkeypatch.setattr(work, "render_html", lambda *_: 1 / 0)
    ran, _, failures = batch(table([("A",)]))
    assert ran.failed == 1
    assert (failures[0]["stage"], failures[0]["reason"]) == (
        "draw",
        "internal error: ZeroDivisionError: division by zero",
    )


def test_numbers_of_each_case_are_kept(batch, table, tmp_path):
    path = table([("NORMAL", "p", "f"), ("PNEUMONIA", "p", "m")], ["pair", "sex"])
    settings = {"occlusion": {"patch": 60, "fill": "mean"}, "page": {"sections": ["occlusion"]}}
    _, results, _ = batch(path, settings=settings)
    about, (first, second) = read_batch(tmp_path / "out"), iterate_numbers(tmp_path / "out")
    assert about.class_names == ("NORMAL", "PNEUMONIA") and about.input_size == (150, 150)
    assert (first.item, first.case, second.case) == (results[0]["id"], 0, 1)
    assert list(first.channel_means) == list(about.layers) and first.evidence.shape == (64, 64)
    assert first.label == "NORMAL" and dict(second.columns)["sex"] == "m" and first.thumbnail.shape == (64, 64)
    assert second.scores[second.predicted] == pytest.approx(float(results[1]["score"]))
    assert second.base_evidence == pytest.approx(float(results[1]["evidence_bits"]))
    assert first.beats_chance == results[0]["beats_chance"]


def test_hostile_labels_and_names(batch, images, tmp_path):
    image = images('in/"><img src=x onerror=alert(1)>.png')
    path = tmp_path / "cases.csv"
    label = "</script><script>alert(1)</script>=1+1"
    path.write_text(
        f'image,label,=note\n"in/{image.name.replace(chr(34), chr(34) * 2)}","{label}",=cmd()\n', encoding="utf-8"
    )
    ran, results, _ = batch(path, site=True)
    assert ran.failed == 0 and results[0]["=note"] == "'=cmd()" and results[0]["label"] == label
    page = (tmp_path / "out" / results[0]["page"]).read_text(encoding="utf-8")
    index = (tmp_path / "out" / "site" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page + index and "<img src=x" not in page + index


def test_two_batches_on_one_folder(batch, table, tmp_path):
    from filelock import FileLock

    path = table([("A",)])
    batch(path)
    with (
        FileLock(tmp_path / "out" / ".reportgen" / "lock"),
        pytest.raises(OutputError, match="another batch is running"),
    ):
        batch(path)


def test_another_folder_is_left_alone(batch, table, tmp_path):
    path = table([("A",)])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="holds something else"):
        batch(path)


def test_a_dry_run_keeps_nothing(batch, table, tmp_path):
    ran, _, _ = batch(table([("A",)] * 5), dry_run=True)
    assert not (tmp_path / "out").exists()
    assert ran.made.said[0] == "5 reports of 5 cases (a table); tried 3 of them"
    assert [line.split(":")[0] for line in ran.made.said[1:]] == ["time", "memory", "disk"]


def test_what_fails_in_a_dry_run_takes_no_time(batch, table, tmp_path):
    path = table([("A",)] * 3)
    for name in ("1.png", "2.png"):
        (tmp_path / "in" / name).write_bytes(b"no image")
    ran, _, _ = batch(path, dry_run=True)
    assert len(ran.made.cautions) == 2
    assert "(0.00 s a report each" not in ran.made.said[1]


def test_killed_at_any_moment_and_resumed(batch, table, tmp_path):
    """Kill the command three times; what comes out at last is what an undisturbed run makes, with no leftovers."""
    path = table([("NORMAL",), ("PNEUMONIA",)] * 8)
    out = tmp_path / "killed"
    command = [
        sys.executable,
        "-m",
        "reportgen",
        "batch",
        str(path),
        "-o",
        str(out),
        "--sections",
        "summary",
        "--workers",
        "0",
    ]
    for wanted in (1, 5, 9):
        process = subprocess.Popen(
            [*command, "--no-site"], cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 60
        while len(list((out / ".reportgen" / "done").glob("*.json"))) < wanted and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = {place.name: place.stat().st_mtime_ns for place in (out / ".reportgen" / "done").iterdir()}
    done = subprocess.run([*command, "--no-site"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    assert f"{len(kept)} not to be done" in done
    assert all((out / ".reportgen" / "done" / name).stat().st_mtime_ns == when for name, when in kept.items())
    batch(path, out="clean")
    assert files_of(out) == files_of(tmp_path / "clean")
    assert not list((out / ".reportgen").glob(".reportgen-unfinished-*"))
    assert [row["page_sha256"] for row in rows(out / "results.csv")] == [
        row["page_sha256"] for row in rows(tmp_path / "clean" / "results.csv")
    ]


def test_exit_codes_of_the_command(table, tmp_path):
    from reportgen.cli.main import main

    path = table([("A",), ("B",)])
    (tmp_path / "in" / "1.png").write_bytes(b"no image")
    command = ["batch", str(path), "-o", str(tmp_path / "out"), "--sections", "summary", "--workers", "0", "--no-site"]
    assert main(command) == 3
    assert main([*command, "--max-failures", "x"]) == 2
    assert main(["batch", "-o", str(tmp_path / "nothing")]) == 2
    assert json.loads((tmp_path / "out/.reportgen/batch.json").read_text(encoding="utf-8"))["version"] == 1
    assert dataclasses.is_dataclass(read_batch(tmp_path / "out"))


def test_parquet_says_what_csv_says(batch, table, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow isn't installed")
    monkeypatch.setattr("reportgen.batch.record.ROWS_AT_ONCE", 2)
    path = table([("NORMAL", "=1", "7")] * 2 + [("PNEUMONIA", "", "8")] * 3, ["note", "score"])
    (tmp_path / "in" / "3.png").write_bytes(b"no image")
    _, results, _ = batch(path)
    found = parquet.read_table(tmp_path / "out" / "results.parquet").to_pylist()
    assert [row["note"] for row in found] == ["=1", "=1", "", "", ""] and found[0]["given_score"] == "7"
    assert [row["score"] for row in found] == [float(row["score"]) if row["score"] else None for row in results]
    assert [row["correct"] for row in found] == [
        {"true": True, "false": False, "": None}[row["correct"]] for row in results
    ]
    assert found[3]["error"].startswith("read: ")
