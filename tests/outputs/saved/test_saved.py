"""A saved report back as data, and what is refused."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.outputs.documents.email import render_email
from reportgen.outputs.documents.pdf import render_pdf
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.reader import LARGEST, read_saved
from reportgen.outputs.saved.report_json import content_digest, render_json
from reportgen.outputs.saved.seal import SEAL, page_digest, seal_of
from reportgen.settings.job import EmailSettings
from reportgen.system.errors import OutputError, ReportgenError


@pytest.fixture(scope="module")
def report(make_report):
    return make_report("A plain text")


@pytest.fixture(scope="module")
def html(report):
    return render_html(report)


@pytest.fixture
def folder(report, tmp_path):
    """report.json with its pictures."""
    (tmp_path / "report.json").write_bytes(render_json(report))
    for picture in report.pictures:
        (tmp_path / picture.file_name).write_bytes(picture.data)
    return tmp_path


def refused(path, text=None, **options):
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(OutputError) as caught:
        read_saved(path, **options)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def sealed(html):
    """An edited page with digests that fit again: what somebody makes who means it."""
    found = re.search(r'id="report-data">(.*?)</script>', html)
    if found:
        with contextlib.suppress(ValueError):
            table = json.loads(found[1])
            table["content_sha256"] = content_digest(table)
            html = html.replace(found[1], json.dumps(table))
    return html.replace(seal_of(html) or "?", page_digest(html))


def signed(table):
    return json.dumps(table | {"content_sha256": content_digest(table)})


def same(found, report):
    """The same but for timings, which a page doesn't hold, and what JSON calls a list."""
    plain = dataclasses.replace(report, timings={})
    assert json.loads(render_json(dataclasses.replace(found, timings={}))) == json.loads(render_json(plain))
    assert [picture.data for picture in found.pictures] == [picture.data for picture in report.pictures]


def test_a_page_carries_everything(report, html, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    saved = read_saved(path)
    assert saved.is_page
    same(saved.report, report)
    assert render_html(saved.report) == html


def test_json_and_its_pictures(report, folder):
    found = read_saved(folder / "report.json").report
    same(found, report)
    assert found.timings == report.timings


def test_a_report_of_before_channels_that_are_not_numbers_were_told_apart(report, folder):
    table = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for case in table["cases"]:
        for layer in case["layers"]:
            del layer["not_finite_channels"]
    (folder / "report.json").write_text(signed(table), encoding="utf-8")
    same(read_saved(folder / "report.json").report, report)


def test_pictures_elsewhere(report, folder):
    (folder / "elsewhere").mkdir()
    moved = (folder / "report.json").rename(folder / "elsewhere" / "report.json")
    assert "say with --figures where they are" in refused(moved)
    same(read_saved(moved, folder).report, report)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda html: html[: len(html) // 2], "cut off"),
        (lambda html: html.replace("</html>", ""), "is cut off"),
        (lambda html: "", "holds no report"),
        (lambda html: "<p>Hello</p>", "is no report"),
        (lambda html: "Hello", "holds no report"),
        (lambda html: "[]", "is no report"),
        (lambda html: '{"schema_version": 1}', "is no report"),
        (lambda html: html.replace('"schema_version":2', '"schema_version":3'), "was written by newer reportgen"),
        (lambda html: html.replace('"schema_version":2', '"schema_version":0'), "was written by older reportgen"),
        (lambda html: re.sub(r'<script type="application/json".*', "</html>", html), "without its data"),
        (lambda html: html.replace("base64,iVBOR", "base64,iVBOS"), "is not the one that was written"),
        (lambda html: html.replace('"head":"', '"tail":"'), "has no head"),
        (lambda html: html.replace('"cases":[', '"cases":[7,'), "is no table"),
        (lambda html: html.replace('"title":"', '"title":7,"x":"'), "is not what it should be"),
    ],
)
def test_what_is_no_report_or_was_changed(html, tmp_path, change, told):
    assert told in refused(tmp_path / "report.html", sealed(change(html)))


@pytest.mark.parametrize(
    "change",
    [
        lambda html: html.replace("0.750", "0.950", 1),
        lambda html: html.replace("PNEUMONIA", "NORMAL"),
        lambda html: html.replace("</body>", "<p>All is well.</p></body>"),
        lambda html: html.replace('"score":0.75', '"score":0.95', 1),
        lambda html: SEAL.format("0" * 64).join(html.split(SEAL.format(seal_of(html)))),
        lambda html: html.replace(SEAL.format(seal_of(html)), ""),
    ],
)
def test_an_edited_page_is_refused(html, tmp_path, change):
    assert change(html) != html
    assert "was edited" in refused(tmp_path / "report.html", change(html))


def test_line_ends_of_other_systems_and_blank_lines_are_no_edit(report, html, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"\xef\xbb\xbf" + html.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    same(read_saved(path).report, report)


def test_the_same_digest_from_page_and_json(html, folder):
    (folder / "report.html").write_text(html, encoding="utf-8")
    assert read_saved(folder / "report.html").digest == read_saved(folder / "report.json").digest


def test_json_with_another_value_or_layout(folder):
    path = folder / "report.json"
    table = json.loads(path.read_text())
    path.write_text(json.dumps(table, indent=4, sort_keys=True))
    read_saved(path)
    table["cases"][0]["predictions"][0]["score"] = 0.99
    assert "was edited" in refused(path, json.dumps(table))
    del table["content_sha256"]
    assert "was edited, or written before" in refused(path, json.dumps(table))


def test_a_missing_file_and_a_folder(tmp_path):
    assert "not found" in refused(tmp_path / "none.html")
    assert "is a folder; name a report.html" in refused(tmp_path)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "report.html").write_bytes(b"\xff\xfe\x00")
    assert "is no report" in refused(tmp_path / "report.html")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_a_device_is_not_read(folder):
    os.mkfifo(folder / "pipe.html")
    assert "is no plain file" in refused(folder / "pipe.html")
    assert "is no plain file" in refused(Path("/dev/zero"))
    picture = next(folder.glob("case1-*.png"))
    picture.unlink()
    os.mkfifo(picture)
    assert "needs the picture" in refused(folder / "report.json")


@pytest.mark.parametrize(
    "change",
    [
        {"created": "0001-01-01T00:00:00Z"}, {"created": "2025-W01-1T00:00Z"}, {"created": "2025-01-01T00:00:00+05:00"},
        {"title": "x" * 200_000}, {"timings": {"a": 10**400}}, {"settings": {"a": 10**400}},
        {"settings": {"a": "x" * 10**6}},
    ],
)  # fmt: skip
def test_what_no_output_could_show_is_refused(folder, change):
    table = json.loads((folder / "report.json").read_text())
    assert "was edited" in refused(folder / "report.json", signed(table | change))


def test_what_is_nested_too_deeply_is_refused(folder):
    table = json.loads((folder / "report.json").read_text())
    deep = []
    for _ in range(200):
        deep = [deep]
    assert "nested too deeply" in refused(folder / "report.json", signed(table | {"settings": {"a": deep}}))


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("reportgen.outputs.saved.reader.LARGEST", 10)
    assert "has 11 bytes" in refused(tmp_path / "report.html", "x" * 11)
    assert LARGEST > 1 << 20


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "", "a\0.png"])
def test_a_picture_that_leads_out_of_its_folder(folder, name):
    table = json.loads((folder / "report.json").read_text())
    table["pictures"][0]["file"] = name
    told = refused(folder / "report.json", signed(table))
    assert "no plain file" in told or "needs the picture" in told


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(at=st.integers(0, 10**9), value=st.sampled_from([None, True, -1, 2**70, 0.5, "x", [], {}, [[]], {"a": {}}]))
def test_any_value_changed_is_refused_or_harmless(folder, at, value):
    table = json.loads(render_json(read_saved(folder / "report.json").report))
    places = [(table, key) for key in table]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict | list) and len(places) < 20_000:
            places += [(inner, one) for one in (inner if isinstance(inner, dict) else range(len(inner)))]
    holder, key = places[at % len(places)]
    holder[key] = value
    path = folder / "changed.json"
    path.write_text(signed(table))
    try:
        found = read_saved(path).report
        render_html(found)
        render_email(found, EmailSettings(), datetime.now(UTC), (), draft=True)
        if importlib.util.find_spec("weasyprint") and at % 10 == 0:
            render_pdf(found)
    except ReportgenError as problem:
        assert len(str(problem).splitlines()) == 1


def test_reading_needs_no_tensorflow(html, tmp_path):
    import subprocess

    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    program = (
        "import sys, pathlib; from reportgen.outputs.saved.reader import read_saved; "
        "read_saved(pathlib.Path(sys.argv[1])); sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 0


def test_a_report_that_was_read_can_be_written_again(report, html, tmp_path):
    import reportgen

    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    found = reportgen.read_report(tmp_path / "report.html")
    found.save_html(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == html
    found.save_email(tmp_path / "a.eml", {"to": ["roe@example.org"], "attach_pdf": False})
    assert b"To: roe@example.org" in (tmp_path / "a.eml").read_bytes()
    with pytest.raises(ReportgenError, match="did you mean 'to'"):
        found.save_email(tmp_path / "b.eml", {"too": []})
