"""A site in an object store: whole at every moment, nothing uploaded twice; a real S3 server on loopback."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from html.parser import HTMLParser

import pytest

from reportgen.cli.main import main
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.site import remote_folder
from reportgen.outputs.site.build import build_site, find_reports, remove_reports
from reportgen.system import retries
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError
from reportgen.system.files import sha256


@pytest.fixture
def write(make_report, tmp_path):
    """Write a report to a file; the number makes it another one."""

    def made(number, folder="in"):
        report = dataclasses.replace(
            make_report("plain"), title=f"Report {number}", created=f"2026-01-01T{number // 60:02}:{number % 60:02}:00Z"
        )
        path = tmp_path / folder / f"{number}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_html(report), encoding="utf-8")
        return path

    return made


@pytest.fixture
def publish(store, tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "_sleep", lambda _: None)

    def publish(place=None, **options):
        store.asked.clear()
        site = RemotePath(store.at("pages/site"))
        return build_site(find_reports([place or tmp_path / "in"], site), site, **options)

    return publish


def content(store):
    return {key.removeprefix("pages/site/"): store.get(key) for key in store.keys("pages/site/")}


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def targets(address, page):
    folder = address.rpartition("/")[0]
    for link in Links(page.decode()).found:
        if not re.match(r"[a-z]+:|#", link):
            path = f"{folder}/{link}".partition("#")[0].partition("?")[0]
            while "/../" in path:
                path = re.sub(r"[^/]+/\.\./", "", path, count=1)
            if path.strip("/"):
                yield path.strip("/")


def check_links(found, only=""):
    pages = {name: data for name, data in found.items() if name.endswith(".html") and name.startswith(only)}
    assert pages
    for name, data in pages.items():
        missing = [link for link in targets(name, data) if link not in found]
        assert not missing, (name, missing[:3])


def test_it_is_the_site_that_a_folder_would_hold(store, write, publish, tmp_path):
    for number in range(3):
        write(number)
    build_site(find_reports([tmp_path / "in"], tmp_path / "site"), tmp_path / "site")
    local = {
        path.relative_to(tmp_path / "site").as_posix(): path.read_bytes()
        for path in (tmp_path / "site").rglob("*")
        if path.is_file()
    }
    assert publish().reports == 3
    assert content(store) == local
    check_links(local)
    kinds = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json"}
    for name, data in local.items():
        head = store.head(f"pages/site/{name}")
        assert head["Metadata"]["sha256"] == sha256(data)
        assert head["ContentType"] == kinds.get(name[name.rfind(".") :], head["ContentType"])
        assert ("immutable" in head["CacheControl"]) == name.startswith(("pictures/", "assets/"))
    assert store.head("pages/site/feed.xml")["ContentType"] == "application/atom+xml; charset=utf-8"


def test_unchanged_nothing_is_uploaded(store, write, publish):
    for number in range(3):
        write(number)
    publish()
    built = publish()
    assert (built.read, built.changed) == (0, 0)
    assert store.count("PUT") == store.count("DELETE") == store.count("POST") == 0
    assert store.count("GET", listing=True) == 4 and store.count("GET") == 1


def test_beyond_a_thousand_keys_all_are_seen(store, write, publish):
    from moto.s3.models import s3_backends

    write(1)
    publish()
    page = next(key for key in store.keys("pages/site/reports/") if key.endswith(".html"))
    backend = s3_backends["123456789012"]["aws"]
    for number in range(2500):
        backend.put_object(store.bucket, f"pages/site/reports/0-{number:04}.txt", b"another's")
    assert publish().changed == 0
    assert store.count("GET", listing=True) == 6 and store.count("PUT") == 0
    store.client.delete_object(Bucket=store.bucket, Key=page)
    assert publish().changed > 0 and store.get(page)
    assert len(store.keys("pages/site/reports/0-")) == 2500


def test_the_index_goes_after_what_it_leads_to_and_what_goes_goes_last(store, write, publish, tmp_path):
    for number in range(3):
        write(number)
    publish()
    (tmp_path / "in" / "0.html").unlink()
    write(7)
    seen = []

    def look(method, path):
        if method in ("PUT", "DELETE") and "lock" not in path:
            seen.append((method, path.partition("/pages/site/")[2]))
            store.fault = None
            # readers find a whole site before each change
            check_links(content(store), "index")
            store.fault = look

    monkey, remote_folder.AT_ONCE = remote_folder.AT_ONCE, 1
    try:
        store.fault = look
        publish()
    finally:
        store.fault, remote_folder.AT_ONCE = None, monkey
    order = [name for _, name in seen]
    gone = [place for place, (method, _) in enumerate(seen) if method == "DELETE"]
    index = order.index("index.html")
    assert order[index + 1] == "site.json" and gone and min(gone) > index + 1
    assert all(not name.startswith("reports/") for name in order[index + 1 : min(gone)])
    check_links(content(store))
    assert not any("report-0-" in name for name in content(store))


@pytest.mark.parametrize("where", ["reports/", "models/", "index.html", "site.json"])
def test_where_writing_fails_the_old_site_stays(store, write, publish, where):
    write(1)
    publish()
    before = content(store)
    write(2)
    refused = []

    def refuses(method, path):
        if method != "PUT" or f"/site/{where}" not in path:
            return None
        # what announces a change is let through, and what is put back; the last word is not
        is_last = any("index.html" in one for _, one, _ in store.asked) and len(refused) <= len(retries.PAUSES)
        if where == "site.json" and not is_last:
            return None
        refused.append(path)
        return 503

    store.fault = refuses
    with pytest.raises(OutputError, match="can't be reached"):
        publish()
    store.fault = None
    assert content(store) == before
    assert publish().reports == 2
    check_links(content(store))


def test_after_a_kill_the_next_run_clears_up(store, write, publish, tmp_path):
    write(1)
    publish()
    lock = json.dumps({"owner": "killed", "until": time.time() - 1}).encode()
    picture = f"pages/site/pictures/ab/{'c' * 62}.png"
    store.put("pages/site/.reportgen-lock", lock)
    store.put(picture, b"left")
    assert publish().reports == 1
    assert picture not in store.keys("") and "pages/site/.reportgen-lock" not in store.keys("")


def test_two_at_once_are_told(store, write, publish):
    write(1)
    store.put("pages/site/.reportgen-lock", json.dumps({"owner": "x", "until": time.time() + 60}).encode())
    with pytest.raises(OutputError, match="another run is building this site"):
        publish()


def test_what_somebody_edited_is_spared(store, write, publish):
    write(1)
    publish()
    store.put("pages/site/index.html", b"mine")
    write(2)
    with pytest.raises(OutputError, match="not as it was written"):
        publish()
    assert store.get("pages/site/index.html") == b"mine"
    publish(overwrite=True)
    assert b"Report 2" in store.get("pages/site/index.html")


def test_what_holds_something_else_is_left(store, write, publish):
    store.put("pages/site/sub/mine.txt", b"x")
    write(1)
    with pytest.raises(OutputError, match="holds no site of this program"):
        publish()
    assert store.keys("") == ["pages/site/sub/mine.txt"]


def test_reports_in_a_store_are_read_once(store, write, publish):
    store.put("reports/1.html", write(1))
    store.put("reports/2.html", write(2))
    place = RemotePath(store.at("reports"))
    assert publish(place).read == 2
    built = publish(place)
    assert (built.reports, built.read, built.changed) == (2, 0, 0)
    store.put("reports/2.html", b"no report")
    built = publish(place)
    assert built.reports == 1 and [one.name for one in built.broken] == ["2.html"]


def test_another_title_and_reports_taken_out_need_no_sources(store, write, publish):
    write(1)
    write(2)
    publish()
    site = RemotePath(store.at("pages/site"))
    assert build_site([], site, title="Another", add=True).reports == 2
    assert b"Another" in store.get("pages/site/index.html")
    page = next(name for name in content(store) if name.startswith("reports/report-1") and name.endswith(".html"))
    assert remove_reports([page], site).reports == 1
    assert page not in content(store)
    check_links(content(store))


def test_the_command_says_one_line(store, write, capsys, monkeypatch):
    monkeypatch.setattr(retries, "_sleep", lambda _: None)
    path = str(write(1))
    assert main(["site", path, "-o", store.at("site")]) == 0
    assert f"{store.at('site')}: 1 report, 1 read" in capsys.readouterr().out
    assert main(["site", path, "-o", "s3://no-such-bucket/site"]) == 2
    assert "there is no such bucket" in (error := capsys.readouterr().err) and error.count("\n") == 1
    for status, said in ((403, "access denied"), (503, "can't be reached (tried 4 times)")):
        store.fault = lambda method, path, status=status: status
        assert main(["site", path, "-o", store.at("site")]) == 2
        assert said in (error := capsys.readouterr().err) and error.count("\n") == 1
