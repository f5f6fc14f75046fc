"""The site: whole at every moment, nothing inline, only what changed is written, a broken report stops no other."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reportgen.cli.main import main
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.reader import read_saved
from reportgen.outputs.saved.report_json import render_json
from reportgen.outputs.site import pages
from reportgen.outputs.site.build import build_site, find_reports, remove_reports
from reportgen.outputs.site.confusion import confusion
from reportgen.outputs.site.folder import SiteFolder
from reportgen.outputs.site.records import CaseRecord, Record, record_of
from reportgen.report.report import verdict
from reportgen.system.errors import OutputError

HOSTILE = "</script><script>x</script><img src=x onerror=y> \u2028 {{ 7 }} ../../.. 'q' \"d\""


@pytest.fixture
def write(make_report, tmp_path):
    """Write a report to a file; the number makes it another one, by a minute and a picture."""

    def made(name, number=0, text="plain", **changes):
        report = make_report(text)
        created = f"2026-01-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
        first = dataclasses.replace(report.pictures[0], data=report.pictures[number % len(report.pictures)].data)
        if first.data[:2] == b"\xff\xd8":
            first = dataclasses.replace(first, media_type="image/jpeg")
        report = dataclasses.replace(
            report, title=f"Report {number} {text}", created=created, pictures=(first, *report.pictures[1:])
        )
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_html(dataclasses.replace(report, **changes)), encoding="utf-8")
        return path

    return made


@pytest.fixture
def site(tmp_path):
    return tmp_path / "site"


def content(site):
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def stamps(site):
    return {str(path.relative_to(site)): path.stat().st_ino for path in site.rglob("*") if path.is_file()}


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.inline = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src"):
                self.found.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append((tag, name))
        runs = tag == "script" and ("type", "application/json") not in attrs
        if tag == "style" or (runs and not any(name == "src" for name, _ in attrs)):
            self.inline.append((tag, ""))


def check_links(site):
    """Every address in every page leads to a file of the site, and nothing stands inline."""
    for page in [*site.glob("*.html"), *site.glob("*/*.html")]:
        links = Links(page.read_text(encoding="utf-8"))
        assert not links.inline, page
        for address in links.found:
            plain = address.partition("#")[0]
            assert not re.match(r"[a-z]+:|/", plain), (page, address)
            assert not plain or (page.parent / plain).is_file(), (page, address)


@pytest.mark.parametrize("text", ["plain", HOSTILE, "Ünï 胸"])
def test_all_pages_and_what_they_lead_to(write, site, text):
    paths = [write(f"{number}.html", number, text) for number in range(3)]
    built = build_site(paths, site, title=f"All {text}")
    assert (built.reports, built.read, built.broken) == (3, 3, ())
    check_links(site)
    index = (site / "index.html").read_text(encoding="utf-8")
    assert index.count("<tr>") == 4
    # of three cases each, one is right, one wrong, one without a label
    assert index.count("right</span>") == index.count("wrong</span>") == 3
    names = [path.name for path in (site / "reports").glob("*.html")]
    assert all(re.fullmatch(r"[a-z0-9-]{1,60}\.html", name) for name in names)
    data = next(site.glob("assets/rows-*.js")).read_text()
    table = json.loads(json.loads(re.fullmatch(r"window\.reportgenSite = JSON\.parse\((.*)\);\n", data)[1]))
    assert [row[2] for row in table["reports"]] == ["2026-01-01"] * 3
    assert table["reports"][0][1].startswith("Report 2")
    assert str(site.parent) not in "".join(one.decode(errors="replace") for one in content(site).values())


def test_a_page_has_the_numbers_of_its_channels(write, site, make_report):
    build_site([write("a.html", 1, HOSTILE)], site)
    (page,) = (site / "reports").glob("*.html")
    text = page.read_text(encoding="utf-8")
    (block,) = re.findall('<script type="application/json" id="channel-data">(.*?)</script>', text)
    told = json.loads(block)
    report = make_report(HOSTILE)
    assert [len(case["layers"]) for case in told["cases"]] == [2, 2, 2]
    assert told["cases"][0]["layers"][0]["statistics"]["mean"] == [0.25, None]
    assert told["cases"][0]["layers"][0]["dead_channels"] == [1]
    assert [one["effects"] for one in told["differences"]["layers"]] == [
        list(one.effects) for one in report.differences.layers
    ]


def test_the_feed_is_atom(write, site):
    build_site([write("a.html", 1, HOSTILE), write("b.html", 2)], site)
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ET.fromstring((site / "feed.xml").read_bytes())
    entries = feed.findall(f"{atom}entry")
    assert [entry.find(f"{atom}updated").text for entry in entries] == ["2026-01-01T00:02:00Z", "2026-01-01T00:01:00Z"]
    assert len({entry.find(f"{atom}id").text for entry in entries} | {feed.find(f"{atom}id").text}) == 3
    assert all(entry.find(f"{atom}id").text.startswith("urn:uuid:") for entry in entries)
    assert (site / entries[0].find(f"{atom}link").get("href")).is_file()
    assert feed.find(f"{atom}updated").text == "2026-01-01T00:02:00Z"


def test_unchanged_nothing_is_read_or_written(write, site):
    paths = [write(f"{number}.html", number) for number in range(3)]
    build_site(paths, site)
    before = stamps(site)
    built = build_site(paths, site)
    assert (built.read, built.changed) == (0, 0)
    assert stamps(site) == before
    for path in paths:
        os.utime(path, (0, 0))  # read again, with the same result
    assert build_site(paths, site).read == 3
    assert {name for name, number in stamps(site).items() if before[name] != number} == {"site.json"}


def test_the_order_and_the_place_of_files_do_not_matter(write, site, tmp_path):
    paths = [write(f"{number}.html", number) for number in range(3)]
    build_site(paths, site)
    build_site(list(reversed(paths)), tmp_path / "other")
    first, second = content(site), content(tmp_path / "other")
    assert first == second


def test_one_more_rewrites_only_what_changed(write, site, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    paths = [write(f"{number}.html", number) for number in range(5)]
    build_site(paths, site)
    before = stamps(site)
    built = build_site([*paths, write("more.html", 5)], site)
    after = stamps(site)
    assert built.read == 1
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    model = next(f"models/{path.name}" for path in (site / "models").iterdir())
    assert changed == {"index.html", "page-3.html", "feed.xml", "site.json", model}
    check_links(site)
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    assert [name for name in gone if not name.startswith("assets/rows-")] == []
    assert {name.split("/")[0] for name in new} <= {"reports", "pictures", "assets"}


def test_all_reports_are_in_the_static_pages(write, site, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    build_site([write(f"{number}.html", number) for number in range(7)], site)
    check_links(site)
    seen, page = [], "index.html"
    while page:
        text = (site / page).read_text(encoding="utf-8")
        seen += re.findall(r'href="reports/([^"]*)"', text)
        older = re.search(r'rel="next" href="([^"]*)"', text)
        page = older[1] if older else None
    assert len(seen) == len(set(seen)) == 7


def test_removing(write, site):
    paths = [write(f"{number}.html", number) for number in range(3)]
    build_site(paths[1:], site)
    left = content(site)
    build_site(paths, site)
    assert build_site(paths[1:], site).reports == 2
    assert content(site) == left
    page = next(path.name for path in (site / "reports").glob("report-1*.html"))
    assert remove_reports([page], site).reports == 1
    assert remove_reports([str(paths[2])], site).reports == 0
    assert "no reports here yet" in (site / "index.html").read_text(encoding="utf-8")
    assert not (site / "pictures").exists()
    with pytest.raises(OutputError, match="is not in the site"):
        remove_reports([str(paths[2])], site)


def test_adding_needs_no_other_source(write, site):
    first = write("a.html", 1)
    build_site([first], site)
    first.unlink()
    assert build_site([write("b.html", 2)], site, add=True).reports == 2
    # another title stands on every page: they are drawn anew from the site's own data
    built = build_site([write("c.html", 3)], site, add=True, title="Another")
    assert built.reports == 3
    assert all("Another" in path.read_text(encoding="utf-8") for path in (site / "reports").glob("*.html"))
    check_links(site)


def test_a_changed_report_gets_a_new_address(write, site):
    build_site([write("a.html", 1)], site)
    [old] = (site / "reports").glob("*.html")
    build_site([write("a.html", 2)], site)
    [new] = (site / "reports").glob("*.html")
    assert old.name != new.name


def test_the_same_report_twice_is_there_once(write, site, tmp_path, make_report):
    path = write("a.html", 1)
    report = read_saved(path).report
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "report.json").write_bytes(render_json(report))
    for picture in report.pictures:
        (tmp_path / "j" / picture.file_name).write_bytes(picture.data)
    built = build_site([path, write("b.html", 1), tmp_path / "j" / "report.json"], site)
    assert (built.reports, built.broken) == (1, ())


def test_a_broken_report_is_listed_and_the_others_are_there(write, site, tmp_path):
    good, bad = write("a.html", 1), write("bad <b>.html", 2)
    text = bad.read_text(encoding="utf-8")
    bad.write_text(text[:-200], encoding="utf-8")
    built = build_site([good, bad], site)
    assert (built.reports, [one.name for one in built.broken]) == (1, ["bad <b>.html"])
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "bad &lt;b&gt;.html</strong> is cut off" in index
    assert str(tmp_path) not in index
    assert build_site([good, bad], site).read == 0
    bad.write_text(text, encoding="utf-8")
    built = build_site([good, bad], site)
    assert (built.reports, built.broken) == (2, ())
    bad.unlink()
    assert build_site([good, bad], site).broken[0].problem == "is not there"


def test_a_folder_of_somebody_else(write, site):
    site.mkdir()
    (site / "CNAME").write_text("example.org")
    (site / "index.html").write_text("mine")
    (site / "reports").mkdir()
    path = write("a.html")
    with pytest.raises(OutputError, match="holds no site"):
        build_site([path], site)
    assert content(site) == {"CNAME": b"example.org", "index.html": b"mine"}
    assert (site / "reports").is_dir()
    build_site([path], site, overwrite=True)
    (site / "reports" / "own.html").write_text("mine")
    build_site([write("b.html", 1)], site)
    assert (site / "CNAME").read_text() == "example.org"
    assert (site / "reports" / "own.html").read_text() == "mine"
    check_links(site)


def test_an_edited_page_is_replaced_only_if_allowed(write, site):
    build_site([write("a.html", 1)], site)
    (site / "index.html").write_text("edited")
    before = content(site)
    more = write("b.html", 2)
    with pytest.raises(OutputError, match="not as it was written"):
        build_site([more], site, add=True)
    assert content(site) == before
    assert build_site([more], site, add=True, overwrite=True).reports == 2
    check_links(site)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"reportgen_site": 1}', '{"reportgen_site": 1, "title": 1, "reports": [7]}']
)
def test_a_damaged_manifest(write, site, text):
    path = write("a.html", 1)
    build_site([path], site)
    (site / "site.json").write_text(text)
    with pytest.raises(OutputError, match="is damaged"):
        build_site([path], site)
    assert build_site([path], site, overwrite=True).reports == 1
    (site / "site.json").write_text('{"reportgen_site": 99}')
    with pytest.raises(OutputError, match="another version"):
        build_site([path], site)


def test_a_manifest_leads_to_no_file_outside(write, site, tmp_path):
    path = write("a.html", 1)
    build_site([path], site)
    (tmp_path / "precious").write_text("mine")
    table = json.loads((site / "site.json").read_text())
    table["files"] |= {"../precious": "0" * 64, "notes.txt": "0" * 64}
    (site / "notes.txt").write_text("mine")
    (site / "site.json").write_text(json.dumps(table))
    build_site([write("b.html", 2)], site, overwrite=True)
    assert (tmp_path / "precious").is_file()
    assert (site / "notes.txt").is_file()


def test_a_damaged_manifest_loses_no_report_and_leaves_none_behind(write, site):
    paths = [write(f"{number}.html", number) for number in range(3)]
    build_site(paths, site)
    (site / "site.json").write_text("{")
    assert build_site([write("3.html", 3)], site, add=True, overwrite=True).reports == 4
    check_links(site)
    (site / "site.json").write_text("{")
    assert build_site(paths[:1], site, overwrite=True).reports == 1
    assert len(list((site / "reports").glob("*.html"))) == 1
    check_links(site)


@pytest.mark.parametrize(
    "change",
    [
        {"title": 5}, {"title": None}, {"look": 1}, {"sources": {"a": [1]}}, {"sources": []}, {"files": {"a": 1}},
        *(
            {"reports": [{one: value}]} for one, value in (
                ("digest", "../../../../tmp/x"), ("digest", 5), ("created", 5), ("model", 1), ("pictures", ["../../x"]),
                ("cases", 1), ("cases", [{"thumbnail": "javascript:alert(1)"}]), ("cases", [{"score": "x"}]),
            )
        ),
    ],
)  # fmt: skip
def test_a_manifest_that_was_edited_is_damaged(write, site, change):
    path = write("a.html", 1)
    build_site([path], site)
    table = json.loads((site / "site.json").read_text())
    if "reports" in change:
        [report], [edited] = table["reports"], change["reports"]
        cases = edited.get("cases")
        if isinstance(cases, list):
            edited = {"cases": [report["cases"][0] | cases[0]]}
        table["reports"] = [report | edited]
    else:
        table |= change
    (site / "site.json").write_text(json.dumps(table))
    with pytest.raises(OutputError, match="is damaged"):
        build_site([path], site, add=True)
    assert build_site([path], site, overwrite=True).reports == 1
    check_links(site)


def test_another_title_comes_for_all_pages_or_for_none(write, site, monkeypatch):
    paths = [write(f"{number}.html", number) for number in range(4)]
    build_site(paths, site)
    before = content(site)
    real = SiteFolder.settle

    def failing(self, pages, wanted):
        raise KeyboardInterrupt

    monkeypatch.setattr(SiteFolder, "settle", failing)
    with pytest.raises(KeyboardInterrupt):
        build_site(paths, site, title="Another")
    assert content(site) == before
    monkeypatch.setattr(SiteFolder, "settle", real)
    build_site((), site, title="Another", add=True)
    pages_now = [path.read_text(encoding="utf-8") for path in site.rglob("*.html")]
    assert len(pages_now) == 6
    assert all("Another" in page for page in pages_now)
    check_links(site)


def test_after_a_kill_between_two_moves_the_next_run_goes_on(write, site, tmp_path, monkeypatch):
    paths = [write(f"{number}.html", number) for number in range(4)]
    build_site(paths, site)
    told = []
    real = SiteFolder._exchange

    def killed(self, pages, stale):
        """Some of the moves are made, then nothing more happens: what a kill leaves."""
        for address, data in list(pages.items())[:2]:
            (self.root / address).write_bytes(data)
        for address in list(self._staged)[:2]:
            self._staged[address].replace(self.root / address)
        told.append({path: path.read_bytes() for path in site.rglob("*") if path.is_file()})
        raise KeyboardInterrupt

    monkeypatch.setattr(SiteFolder, "_exchange", killed)
    with pytest.raises(KeyboardInterrupt):
        build_site(paths, site, title="Another")
    for path, data in told[0].items():
        if ".reportgen" not in str(path):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    monkeypatch.setattr(SiteFolder, "_exchange", real)
    assert build_site(paths, site, title="Third").reports == 4
    assert all("Third" in path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    check_links(site)


def test_a_first_build_that_was_killed_is_no_obstacle(write, site, monkeypatch):
    path = write("a.html", 1)
    kept = {}

    def killed(self, pages, wanted):
        kept.update({one: one.read_bytes() for one in site.rglob("*") if one.is_file()})
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SiteFolder, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            build_site([path], site)
    assert not site.exists()
    for one, data in kept.items():
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_bytes(data)
    assert build_site([write("b.html", 2)], site).reports == 1
    assert len(list((site / "reports").glob("*.html"))) == 1
    check_links(site)


@pytest.mark.parametrize("damaged", [False, True])
def test_files_of_others_stay_whatever_they_are_called(write, site, damaged):
    build_site([write("a.html", 1)], site)
    own = {
        site / "reports" / "notes-202511211930.html": "mine", site / "reports" / "data-0123456789ab.json": "{}",
        site / "reports" / "mine.html": "mine", site / "page-7.html": "mine", site / "models" / "mine.html": "mine",
        site / "assets" / "own-0123456789abcdef.js": "mine", site / "notes.txt": "mine",
    }  # fmt: skip
    for path, text in own.items():
        path.write_text(text)
    report = write("case-202511211930.html", 5)
    kept = site / "reports" / report.name
    report.rename(kept)
    if damaged:
        (site / "site.json").write_text("{")
    build_site([write("b.html", 2)], site, overwrite=damaged)
    assert kept.is_file()
    assert {path: path.read_text() for path in own} == own
    assert len(list((site / "reports").glob("report-*.html"))) == 1


def test_a_site_is_made_of_its_reports_alone(write, site, tmp_path, make_report):
    """Whatever was added, removed and renamed on the way: the same as built anew."""
    model = make_report("plain").model
    paths = [
        write(f"{number}.html", number, model=dataclasses.replace(model, name=f"name {number % 3}"))
        for number in range(6)
    ]
    chance = random.Random(4)
    there = set()
    for step in range(25):
        path = chance.choice(paths)
        if path in there and len(there) > 1:
            remove_reports([str(path)], site)
            there.discard(path)
        else:
            build_site([path], site, add=True, title=chance.choice(["One", "Two", None]))
            there.add(path)
        fresh = tmp_path / f"fresh{step}"
        title = json.loads((site / "site.json").read_text())["title"]
        build_site(sorted(there), fresh, title=title)
        found, expected = content(site), content(fresh)
        for one in (found, expected):
            table = json.loads(one.pop("site.json"))
            one["manifest"] = {key: value for key, value in table.items() if key != "sources"}
        assert found == expected


def test_two_names_of_one_report_are_removed_together(write, site, tmp_path):
    first, other = write("a.html", 1), write("b.html", 2)
    (tmp_path / "c.html").write_bytes(first.read_bytes())
    build_site([first, other, tmp_path / "c.html"], site)
    assert remove_reports([str(first), str(tmp_path / "c.html"), str(first)], site).reports == 1
    with pytest.raises(OutputError, match="is not in the site"):
        remove_reports([str(other), "none"], site)
    assert build_site((), site, add=True).reports == 1


def test_a_site_is_no_source_of_itself(write, site):
    path = write("a.html", 1)
    build_site([path], site)
    for one in (site, site / "reports", site / "index.html"):
        with pytest.raises(OutputError, match="lies in the site itself"):
            find_reports([one], site)
    # nor are the pages of another
    assert find_reports([site, path], site.parent / "other") == [path]


def test_two_cannot_build_at_once(write, site):
    path = write("a.html", 1)
    build_site([path], site)
    with SiteFolder(site, overwrite=False).opened(), pytest.raises(OutputError, match="another process is building"):
        build_site([path], site)
    assert build_site([path], site).reports == 1


@pytest.mark.parametrize("name", ["reports", "models", "assets", "pictures", "pictures/xx", "site.json"])
def test_no_link_inside_is_followed(write, site, tmp_path, name):
    path = write("a.html", 1)
    build_site([path], site)
    if name == "pictures/xx":
        name = f"pictures/{next((site / 'pictures').iterdir()).name}"
    (tmp_path / "elsewhere").mkdir()
    (site / name).rename(tmp_path / "moved")
    (site / name).symlink_to(tmp_path / ("moved" if name == "site.json" else "elsewhere"))
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="is a symbolic link"):
            build_site([write("b.html", 2)], site, add=True, overwrite=overwrite)
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_broken_report_can_be_taken_out(write, site, tmp_path):
    good, bad, gone = write("a.html", 1), write("b.html", 2), write("c.html", 3)
    for path in (bad, gone):
        path.write_text(path.read_text(encoding="utf-8")[:-200], encoding="utf-8")
    build_site([good, bad, gone], site)
    gone.unlink()
    assert [one.name for one in remove_reports(["c.html"], site).broken] == ["b.html"]
    assert remove_reports([str(bad)], site).broken == ()


def test_what_can_be_no_report_is_refused(site, tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    for name in ("a.png", "x" * 300, "x" * 5000, "a\0b"):
        with pytest.raises(OutputError, match=r"is no report|not found"):
            find_reports([tmp_path / name], site)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_stops_nothing(write, site, tmp_path):
    write("in/a.html", 1)
    os.mkfifo(tmp_path / "in" / "b.html")
    os.mkfifo(tmp_path / "c.html")
    built = build_site([*find_reports([tmp_path / "in"], site), tmp_path / "c.html"], site)
    assert (built.reports, [one.problem for one in built.broken]) == (1, ["is no plain file"])


def test_no_path_is_published(write, site, tmp_path):
    report = read_saved(write("a.html", 1)).report
    place = tmp_path / "private folder"
    place.mkdir()
    (place / "report.json").write_bytes(render_json(report))
    odd = os.fsdecode(os.fsencode(str(place)) + b"/n\xff.html")
    Path(odd).write_text("<p>")
    build_site([place / "report.json", Path(odd), write("b.html", 2)], site)
    told = b"".join(content(site).values())
    assert b"private folder" not in told
    assert os.fsencode(tmp_path) not in told
    assert b"needs the picture" in told


def test_nothing_readable_does_not_empty_a_site(write, site):
    build_site([write("a.html", 1)], site)
    before = content(site)
    with pytest.raises(OutputError, match="the site stays as it was"):
        build_site([site / "index.html"], site)
    assert content(site) == before


@pytest.mark.parametrize("after", [1, 5, 20])
def test_a_run_that_fails_changes_nothing(write, site, monkeypatch, after):
    path, more = write("a.html", 1), write("b.html", 7, "other")
    calls = []
    real = SiteFolder.add

    def failing(self, address, data):
        calls.append(address)
        if len(calls) > after:
            raise OSError(28, "No space left on device")
        real(self, address, data)

    with monkeypatch.context() as patched:
        patched.setattr(SiteFolder, "add", failing)
        with pytest.raises(OSError, match="No space"):
            build_site([path], site)
        assert not site.exists()
    build_site([path], site)
    before = content(site)
    calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(SiteFolder, "add", failing)
        with pytest.raises(OSError, match="No space"):
            build_site([path, more], site)
    assert content(site) == before


def test_what_a_killed_run_left_goes(write, site):
    path = write("a.html", 1)
    build_site([path], site)
    before = content(site)
    orphan = site / "pictures" / "00" / f"{'0' * 62}.png"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left")
    (site / "pictures" / "00" / "mine.txt").write_text("mine")
    build_site([path, write("b.html", 1)], site)
    assert not orphan.exists()
    assert (site / "pictures" / "00" / "mine.txt").is_file()
    assert before.keys() <= content(site).keys()


def test_finding_reports(write, site, tmp_path):
    one, two = write("in/a.html", 1), write("in/deep/b.HTM", 2)
    (tmp_path / "in" / "other.html").write_text("<p>no report</p>")
    (tmp_path / "in" / "report.json").write_text("{}")
    (tmp_path / "in" / "link.html").symlink_to(one)
    inner = tmp_path / "in" / "site"
    build_site([one], inner)
    assert find_reports([tmp_path / "in"], inner) == [one, two]
    assert find_reports([one, tmp_path / "in", tmp_path / "in" / "other.html"], inner)[-1].name == "other.html"
    with pytest.raises(OutputError, match="report not found"):
        find_reports([tmp_path / "none"], inner)


def test_a_pdf_of_what_lies_in_a_site(write, site):
    path = write("a.html", 1)
    build_site([path], site)
    [data] = (site / "reports").glob("*.json")
    assert read_saved(data, site / "pictures").digest == read_saved(path).digest


def test_no_link_is_followed_for_writing(write, site, tmp_path):
    (tmp_path / "real").mkdir()
    site.symlink_to(tmp_path / "real")
    with pytest.raises(OutputError, match="symbolic link"):
        build_site([write("a.html")], site)
    assert not any((tmp_path / "real").iterdir())


def case(sha, truth, predicted):
    correct = None if truth is None else truth == predicted
    return CaseRecord(title="", label=truth, truth=truth, predicted=predicted, score=0.5, correct=correct, verdict="",
                      sha256=sha, thumbnail=None)  # fmt: skip


def record(*cases):
    return Record(digest="d", title="", created="", model="m", warnings=0, cases=cases, pictures=())


def test_a_label_counts_as_the_class_that_it_spells_otherwise(make_report):
    report = make_report("of_it", label="NO OF-IT")  # the class: "no of_it"
    first = record_of(report, "d", {}).cases[-2]
    assert (first.label, first.truth) == ("NO OF-IT", "no of_it")
    undecided = dataclasses.replace(report.cases[0], correct=None)
    assert verdict(undecided, report.model) == ("unknown", "undecided")


def test_each_image_counts_once_and_the_newest_label_counts():
    found = confusion(
        [
            record(case("1", "N", "N"), case("2", "P", "N"), case("3", None, "P")),
            record(case("1", "N", "N"), case("2", "N", "N"), case("4", "P", "P")),
            record(case("4", None, "P")),
        ],
        ("N", "P"),
    )
    assert found.counts == {("N", "N"): 2, ("P", "P"): 1}
    assert (found.total, found.right, found.unlabelled, found.contradictory) == (3, 3, 1, 1)
    assert found.row("N") == (("N", 2, 10), ("P", 0, 0))


def test_many_classes_become_pairs():
    found = confusion([record(*(case(str(n), f"c{n}", f"c{n + 1}") for n in range(30)))])
    assert not found.fits
    assert len(found.pairs) == 30


def test_another_threshold_is_another_model(write, site, make_report):
    model = dataclasses.replace(make_report("plain").model, threshold=0.7)
    build_site([write("a.html", 1), write("b.html", 2, model=model)], site)
    assert len(list((site / "models").iterdir())) == 2
    check_links(site)


def test_from_the_command_line(write, site, tmp_path, capsys):
    write("in/a.html", 1)
    bad = write("in/b.html", 2)
    bad.write_text(bad.read_text(encoding="utf-8")[:-100], encoding="utf-8")
    assert main(["site", str(tmp_path / "in"), "-o", str(site)]) == 0
    done = capsys.readouterr()
    assert "1 report, 2 read" in done.out
    assert "broken: b.html is cut off" in done.err
    assert main(["site", "--remove", "none", "-o", str(site)]) == 2
    assert main(["site", "--remove", "none", "--add", "-o", str(site)]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["site", str(tmp_path / "empty"), "-o", str(tmp_path / "new")]) == 2
    assert "nothing that was given is a report" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("x")
    assert main(["site", str(tmp_path / "in"), "-o", str(tmp_path / "file")]) == 2
    assert Path(tmp_path / "file").read_text() == "x"
