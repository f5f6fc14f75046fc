"""A batch whose images, table and results are in an object store: a real S3 server on loopback."""

import csv
import functools
import io
import json
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from batches import SUMMARY

from reportgen.batch import remote_cases
from reportgen.batch.cases import plan_items
from reportgen.batch.numbers import iterate_numbers, read_batch
from reportgen.batch.run import run_batch
from reportgen.batch.storage import RemoteStorage, is_dicom_file, storage_at
from reportgen.cli.main import main
from reportgen.settings.batch import BatchJob, CaseSource, Cluster
from reportgen.settings.file import settings_from
from reportgen.system import remote, remote_lock, retries
from reportgen.system.addresses import RemoteError, RemotePath, place_of, shown
from reportgen.system.errors import OutputError, ReportgenError
from reportgen.system.files import sha256
from reportgen.system.remote import put_options, read_remote


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(retries, "_sleep", lambda _: None)

    def run(cases, out, **job):
        given = None if cases is None else CaseSource(cases=cases)
        job = {"cluster": Cluster(workers=0), "site": False} | job
        return run_batch(
            BatchJob(source=given, output=place_of(out), **job), settings_from(SUMMARY), progress=False, debug=True
        )

    return run


@pytest.fixture
def scans(store, images):
    """Put four images of two classes into the bucket."""
    for number, label in enumerate(["NORMAL", "PNEUMONIA", "NORMAL", "PNEUMONIA"]):
        store.put(f"scans/{label}/{number}.png", images(f"in/{number}.png", seed=number))
    return store


def table_of(store, name):
    return list(csv.DictReader(io.StringIO(store.get(name).decode())))


def test_a_tree_in_a_bucket_gives_what_a_local_one_gives(run, scans, tmp_path, batch):
    for key in scans.keys("scans/"):
        path = tmp_path / "tree" / key.removeprefix("scans/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(scans.get(key))
    _, local, _ = batch(tmp_path / "tree")
    ran = run(scans.at("scans"), scans.at("out/one"))
    assert ran.failed == 0
    results = table_of(scans, "out/one/results.csv")
    told = ("id", "name", "label", "predicted", "score", "image_sha256", "page_sha256")
    assert [[row[name] for name in told] for row in results] == [[row[name] for name in told] for row in local]
    for row in results:
        page = scans.get(f"out/one/{row['page']}")
        assert sha256(page) == row["page_sha256"]
        assert not any(word in page for word in (b"s3:", b"/tmp", scans.bucket.encode()))
    assert scans.head("out/one/" + results[0]["page"])["ContentType"] == "text/html; charset=utf-8"
    assert "out/one/.reportgen/lock" not in scans.keys("")
    read = list(iterate_numbers(RemotePath(scans.at("out/one"))))
    assert [one.label for one in read] == ["NORMAL", "NORMAL", "PNEUMONIA", "PNEUMONIA"]
    assert read_batch(RemotePath(scans.at("out/one"))).class_names


def test_what_is_done_is_not_done_again(run, scans):
    out = scans.at("out")
    run(scans.at("scans/*/*.png"), out)
    scans.asked.clear()
    run(scans.at("scans/*/*.png"), out)
    written = [path for method, path, _ in scans.asked if method == "PUT"]
    assert not any("/reports/" in path or "/done/" in path for path in written)
    scans.put("scans/NORMAL/0.png", scans.get("scans/PNEUMONIA/1.png"))
    scans.asked.clear()
    assert run(None, out).failed == 0
    written = [path for method, path, _ in scans.asked if method == "PUT"]
    # the record goes last
    kinds = [path.split("/")[-2] for path in written if any(f"/{kind}/" in path for kind in ("reports", "done"))]
    assert kinds == ["reports", "done"]


def test_the_site_and_the_cohort_of_a_bucket(run, scans, tmp_path, capsys):
    ran = run(scans.at("scans"), scans.at("out"), site=True)
    assert str(ran.made.written[-1]) == scans.at("out/site/index.html")
    assert sum(name.endswith(".html") for name in scans.keys("out/site/reports/")) == 4
    assert b"<title>" in scans.get("out/site/index.html")
    again = run(None, scans.at("out"), site=True)
    assert "4 reports, 0 read, 0 files changed" in "\n".join(again.made.said)
    assert main(["cohort", scans.at("out"), "-o", str(tmp_path / "cohort.html"), "--csv", str(tmp_path / "c.csv")]) == 0
    assert b"PNEUMONIA" in (tmp_path / "cohort.html").read_bytes()
    assert main(["cohort", scans.at("out")]) == 2
    assert "name a file with -o" in capsys.readouterr().err


def test_answers_come_in_order_and_a_few_ahead():
    asked = []

    def ask(number):
        asked.append(number)
        threading.Event().wait(0.02 * (number % 3))
        return -number

    answers = remote.at_once(ask, range(1000))
    assert [next(answers) for _ in range(100)] == [-number for number in range(100)]
    answers.close()
    assert 100 <= len(asked) <= 100 + remote._AHEAD


def test_a_table_in_a_bucket_names_images_here_and_there(run, scans, tmp_path, images):
    rows = ["image,label,sex", "../scans/NORMAL/0.png,NORMAL,f", f"{scans.at('scans/PNEUMONIA/1.png')},PNEUMONIA,m"]
    scans.put("tables/cases.csv", "\n".join(rows).encode())
    assert run(scans.at("tables/cases.csv"), str(tmp_path / "here")).failed == 0
    with (tmp_path / "here" / "results.csv").open() as file:
        assert [(row["name"], row["given_sex" if "given_sex" in row else "sex"]) for row in csv.DictReader(file)] == [
            ("0.png", "f"), ("1.png", "m"),
        ]  # fmt: skip
    for cell in ("/etc/passwd", "../../../x.png"):
        scans.put("tables/cases.csv", f"image,label\n{cell},A\n".encode())
        with pytest.raises(ReportgenError, match=r"cases.csv, line 2: .* no place that counts from"):
            plan_items(CaseSource(cases=scans.at("tables/cases.csv")))
    local = images("in/9.png", seed=9)
    run(str(local), scans.at("mine"))
    listed = scans.get("mine/.reportgen/cases.csv")
    assert str(tmp_path).encode() not in listed and b"9.png" in listed
    with pytest.raises(OutputError, match="files of the machine that ran it"):
        run(None, scans.at("mine"))


def test_a_missing_image_fails_alone_and_is_tried_again(run, scans):
    scans.put("cases.csv", b"image,label\nscans/NORMAL/0.png,A\nscans/none.png,B\nscans/NORMAL/2.png,A\n")
    ran = run(scans.at("cases.csv"), scans.at("out"))
    assert ran.failed == 1
    (failure,) = table_of(scans, "out/failures.csv")
    assert failure["stage"] == "read" and failure["reason"].startswith("image not found")
    scans.put("scans/none.png", scans.get("scans/NORMAL/0.png"))
    assert run(None, scans.at("out"), retry_failed=True).failed == 0
    assert "out/failures.csv" not in scans.keys("")


def test_a_busy_server_is_asked_again_and_then_it_is_a_failure(run, scans, monkeypatch):
    slept, wrong = [], scans.at("scans/NORMAL/0.png").split(scans.bucket)[1]
    monkeypatch.setattr(retries, "_sleep", slept.append)
    left = [2]

    def stumbles(method, path):
        if path.endswith(wrong) and method == "GET" and left[0]:
            left[0] -= 1
            return 503
        return None

    scans.fault = stumbles
    assert run(scans.at("scans"), scans.at("out")).failed == 0
    assert slept == list(retries.PAUSES[:2])
    slept.clear()
    scans.fault = lambda method, path: 503 if path.endswith(wrong) and method == "GET" else None
    assert run(scans.at("scans"), scans.at("two")).failed == 1
    assert slept == list(retries.PAUSES)
    (failure,) = table_of(scans, "two/failures.csv")
    assert failure["stage"] == "read" and "can't be reached (tried 4 times)" in failure["reason"]


def test_a_server_that_does_not_answer_is_given_up(store, monkeypatch):
    monkeypatch.setattr(remote, "_READ", 1)
    monkeypatch.setattr(retries, "PAUSES", (0.01, 0.02))
    store.put("x", b"1")
    asked = []

    def slow(method, path):
        asked.append(path)
        threading.Event().wait(2 if len(asked) <= 2 else 0)

    store.fault = slow
    assert read_remote(RemotePath(store.at("x"))) == b"1" and len(asked) >= 3
    asked.clear()
    monkeypatch.setattr(retries, "PAUSES", (0.01,))
    with pytest.raises(RemoteError, match="can't be reached"):
        read_remote(RemotePath(store.at("x")))


@pytest.fixture
def web(tmp_path):
    """Serve a folder on loopback; a question mark and what follows is allowed."""
    (tmp_path / "web").mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_):
            """Say nothing of a client that went away: it would stand among the messages of whichever test runs."""

    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "web"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path / "web", f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_images_and_a_table_on_a_web_server(run, web, images, tmp_path):
    folder, address = web
    (folder / "a.png").write_bytes(images("in/1.png").read_bytes())
    rows = ["image,label", "a.png,A", f"{address}/a.png?sig=sesame-77,B", f"{address}/no.png?k=sesame-77,C"]
    (folder / "cases.csv").write_text("\n".join(rows))
    ran = run(f"{address}/cases.csv", str(tmp_path / "out"))
    assert ran.failed == 1
    with (tmp_path / "out" / "results.csv").open() as file:
        results = list(csv.DictReader(file))
    assert [row["name"] for row in results[:2]] == ["a.png", "a.png"]
    assert results[2]["error"].startswith("read: image not found: ")
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or b"sesame-77" not in path.read_bytes()


@pytest.mark.parametrize(("status", "said"), [(503, "can't be reached"), (403, "access denied")])
def test_a_place_that_refuses_is_one_line(scans, capsys, monkeypatch, status, said):
    monkeypatch.setattr(retries, "_sleep", lambda _: None)
    capsys.readouterr()  # what was said while the images were put there
    scans.fault = lambda method, path: status
    code = main(["batch", scans.at("scans"), "-o", scans.at("out"), "--sections", "summary"])
    lines = capsys.readouterr().err.splitlines()
    assert (code, len(lines)) == (2, 1), lines
    assert said in lines[0] and "hidden-secret" not in lines[0]


def test_a_bucket_that_is_not_there_is_one_line(store, capsys, images):
    for command in (["batch", "s3://no-such-bucket/scans"], ["batch", str(images("in/0.png"))]):
        assert main([*command, "-o", "s3://no-such-bucket/out", "--sections", "summary"]) == 2
        error = capsys.readouterr().err
        assert "there is no such bucket" in error and error.count("\n") == 1
    assert main(["batch", str(images("in/0.png")), "-o", "https://example.org/out"]) == 2
    assert "can only be read" in capsys.readouterr().err


def test_what_holds_something_else_is_left(store, images, run):
    store.put("out/mine.txt", b"x")
    with pytest.raises(OutputError, match="holds something else"):
        run(str(images("in/0.png")), store.at("out"))
    assert store.keys() == ["out/mine.txt"]


def test_secrets_are_never_shown(capsys):
    assert main(["batch", "s3://user:secret@bucket/x", "-o", "s3://bucket/out"]) == 2
    assert "secret" not in (error := capsys.readouterr().err) and "credentials are found by themselves" in error
    assert shown("https://host/a/b.png?X-Amz-Signature=abc#x") == "https://host/a/b.png"
    assert str(RemotePath.of("https://host/b.png?sig=abc")) == "https://host/b.png"
    assert RemotePath.of("https://host/b.png?sig=abc").name == "b.png"


def test_a_lock_is_held_by_one_and_ends_by_itself(store, monkeypatch):
    place, storage = RemotePath(store.at("out/.reportgen/lock")), RemoteStorage(RemotePath(store.at("out")))
    with storage.alone():
        with pytest.raises(OutputError, match="another run is writing there"), storage.alone():
            pass
        assert json.loads(read_remote(place))["owner"]
    assert store.keys() == []
    store.put("out/.reportgen/lock", json.dumps({"owner": "killed", "until": time.time() - 1}).encode())
    with remote_lock.remote_lock(place, "writing there") as lock:
        assert lock.was_left
        lock.check()
        store.put("out/.reportgen/lock", json.dumps({"owner": "other", "until": time.time() + 60}).encode())
        with pytest.raises(OutputError, match="was taken over"):
            lock.check()
    assert json.loads(store.get("out/.reportgen/lock"))["owner"] == "other"


def test_of_two_that_take_a_lock_over_one_gets_it(store):
    place = RemotePath(store.at("lock"))
    store.put("lock", json.dumps({"owner": "killed", "until": 0}).encode())
    first, second = remote_lock.RemoteLock(place), remote_lock.RemoteLock(place)
    read = remote_lock._read
    # the second takes it over between the first's look and its write
    taken = []

    def look(where):
        found = read(where)
        if not taken:
            taken.append(True)
            assert second.take()
        return found

    remote_lock._read, kept = look, remote_lock._read
    try:
        assert not first.take()
    finally:
        remote_lock._read = kept
    second.check()


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["A/1.png", "B/2.png"], "classes"),
        (["test/A/1.png", "test/B/2.png", "train/A/3.png"], "classes"),
        (["1.png", "2.png"], "files"),
        (["p1/s1/IM1", "p1/s2/IM2.dcm"], "studies"),
        (["A/1.dcm", "B/2.dcm"], "classes"),
    ],
)
def test_what_a_tree_is_follows_from_its_names(names, kind):
    assert remote_cases.kind_of_names(names) == kind


def test_parts_of_a_tree(store, images):
    for name in ("test/A/1.png", "test/B/2.png", "train/A/3.png", ".hidden/A/4.png"):
        store.put(f"tree/{name}", images("in/0.png"))
    found = plan_items(CaseSource(cases=store.at("tree")))
    assert [case.place for item in found.items for case in item.cases] == ["test/A/1.png", "test/B/2.png"]
    everything = plan_items(CaseSource(cases=store.at("tree"), split="all"))
    assert [case.label for item in everything.items for case in item.cases] == ["A", "B", "A"]
    with pytest.raises(ReportgenError, match="has no validation images"):
        plan_items(CaseSource(cases=store.at("tree"), split="validation"))


def test_only_names_of_pictures_are_taken_for_names():
    assert is_dicom_file("s3://b/MILLER^ANNA") and is_dicom_file("s3://b/x.dcm") and not is_dicom_file("s3://b/x.PNG")


def test_other_stores_are_told_in_their_libraries_words():
    told = put_options("gs", "text/html", "no-cache", "ab")
    assert told == {
        "content_type": "text/html", "metadata": {"sha256": "ab"}, "fixed_key_metadata": {"cache_control": "no-cache"},
    }  # fmt: skip
    assert put_options("abfs", "text/html", "no-cache", "ab") == {
        "content_settings": {"content_type": "text/html", "cache_control": "no-cache"}
    }
    assert put_options("s3", "text/html", "", "") == {"ContentType": "text/html"}


def test_a_missing_library_is_one_line(monkeypatch):
    import fsspec

    def missing(*_, **__):
        raise ImportError("Install gcsfs")

    monkeypatch.setattr(fsspec, "filesystem", missing)
    with pytest.raises(RemoteError, match=r"gs:// needs a library that isn't installed; pip install"):
        storage_at(place_of("gs://bucket/out")).read("x")


def test_local_paths_stay_local():
    assert place_of("out/x") == Path("out/x") and place_of("keras:x") == Path("keras:x")
