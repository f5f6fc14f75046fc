"""The PDF: what is in it, that it is the same each time, and that nothing is fetched for it."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import zlib

import pytest

weasyprint = pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)

from reportgen.cli.main import main  # noqa: E402 - only with WeasyPrint
from reportgen.outputs.documents import pdf  # noqa: E402
from reportgen.outputs.documents.pdf import render_pdf  # noqa: E402
from reportgen.outputs.page.rendering import render_html  # noqa: E402
from reportgen.outputs.saved.report_json import render_json  # noqa: E402
from reportgen.report.report import SCHEMA_VERSION  # noqa: E402
from reportgen.system import silence  # noqa: E402
from reportgen.system.errors import OutputError  # noqa: E402


@pytest.fixture(scope="module")
def report(make_report):
    return make_report("plain")


@pytest.fixture(scope="module")
def data(report):
    return render_pdf(report)


def inflated(data: bytes) -> bytes:
    """All streams of a PDF that are packed, unpacked."""
    found = []
    for match in re.finditer(rb"stream\r?\n", data):
        try:
            found.append(zlib.decompressobj().decompress(data[match.end() :]))
        except zlib.error:
            continue
    return b"\n".join(found)


def text_of(data: bytes, tmp_path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (tmp_path / "report.pdf").write_bytes(data)
    done = subprocess.run(["pdftotext", "-layout", tmp_path / "report.pdf", "-"], capture_output=True, check=True)
    return done.stdout.decode()


def test_the_same_report_gives_the_same_bytes(report, data):
    assert render_pdf(report) == data
    assert data.startswith(b"%PDF-1.7")


def test_the_archive_variant_says_so_is_tagged_and_carries_its_data(report, data):
    whole = data + inflated(data)
    assert b"pdfaid:part" in whole
    assert b"/MarkInfo" in whole
    assert b"/AFRelationship /Source" in whole
    assert render_json(dataclasses.replace(report, timings={})) in whole


def test_the_text_says_what_the_page_says(report, data, tmp_path):
    text = " ".join(text_of(data, tmp_path).split())
    for told in (report.title, "is not a diagnosis", "Contents", "Where the model looked", "The model", "Provenance"):
        assert told in text
    headings = ("Where the model looked", "The cases, from", "Provenance")
    # the first of each stands in the contents
    places = [text.index(heading, text.index(heading) + 1) for heading in headings]
    assert places == sorted(places)
    assert places == sorted(places)


@pytest.mark.parametrize("variant", ["pdf/ua-1", "plain"])
def test_other_variants_and_paper(report, variant):
    found = render_pdf(report, variant=variant, paper="letter")
    assert b"612 792" in found + inflated(found)
    assert b"pdfaid:part" not in found + inflated(found)


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_its_structure_is_sound(data, tmp_path):
    (tmp_path / "report.pdf").write_bytes(data)
    done = subprocess.run(["qpdf", "--check", tmp_path / "report.pdf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_any_text_stays_text_and_asks_for_nothing(make_report, monkeypatch, tmp_path):
    asked = []
    real = pdf._fetcher

    def watched(report, stand_ins=None):
        fetcher = real(report, stand_ins)
        fetch = fetcher.fetch
        fetcher.fetch = lambda url, headers=None: (asked.append(url), fetch(url, headers))[1]
        return fetcher

    monkeypatch.setattr(pdf, "_fetcher", watched)
    hostile = "<img src='file:///etc/passwd'><link rel=stylesheet href='http://127.0.0.1:9/x.css'>"
    text = text_of(render_pdf(make_report(hostile), variant="plain"), tmp_path)
    assert asked
    assert all(re.fullmatch(r"(picture:\d+|font:[\w-]+\.ttf)", url) for url in asked)
    assert "file:///etc/passwd" in "".join(text.split())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:9/", "picture:999", "picture:-1", "font:../x"])
def test_the_fetcher_gives_nothing_else(report, url):
    with pytest.raises(Exception, match="is not part of the report"):
        pdf._fetcher(report.pictures).fetch(url)


def test_from_the_command_line(report, data, tmp_path, capsys):
    page = tmp_path / "report.html"
    page.write_text(render_html(report), encoding="utf-8")
    assert main(["pdf", str(page)]) == 0
    assert (tmp_path / "report.pdf").read_bytes() == data
    assert main(["pdf", str(page)]) == 2
    assert "exists already" in capsys.readouterr().err
    (tmp_path / "report.json").write_bytes(render_json(report))
    report.save_figures(tmp_path / "figures")
    target = tmp_path / "other.pdf"
    assert main(["pdf", str(tmp_path / "report.json"), "--figures", str(tmp_path / "figures"), "-o", str(target)]) == 0
    assert target.read_bytes() == data


@pytest.mark.parametrize(("flag", "value", "told"), [("--paper", "a5", "paper 'a5'"), ("--variant", "x", "'x'")])
def test_bad_flags(report, tmp_path, capsys, flag, value, told):
    page = tmp_path / "report.html"
    page.write_text(render_html(report), encoding="utf-8")
    assert main(["pdf", str(page), flag, value]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ImportError("no module"), "pip install 'weasyprint>="),
        (OSError("cannot load libpango"), "apt-get install"),
    ],
)
def test_what_is_missing_is_said(report, monkeypatch, problem, told):
    def missing(name):
        raise problem

    monkeypatch.setattr(silence.importlib, "import_module", missing)
    with pytest.raises(OutputError, match=told):
        render_pdf(report)


def test_progress_is_told(report):
    told = []
    render_pdf(report, variant="plain", done=told.append)
    assert told == [1] * pdf.STEPS


def test_the_attached_data_are_json(data):
    start = inflated(data).index(b'{\n "schema_version"')
    table, _ = json.JSONDecoder().raw_decode(inflated(data)[start:].decode(errors="replace"))
    assert table["schema_version"] == SCHEMA_VERSION


def test_a_report_saves_itself_as_pdf(report, data, tmp_path):
    path = tmp_path / "r.pdf"
    report.save_pdf(path)
    assert path.read_bytes() == data
    with pytest.raises(OutputError, match="exists"):
        report.save_pdf(path)
    report.save_pdf(path, paper="letter", variant="plain", overwrite=True)
    assert b"pdfaid" not in inflated(path.read_bytes())
    with pytest.raises(OutputError):
        report.save_pdf(tmp_path / "no" / "r.pdf")


# --- letters that no font has

LACKING = "\U0010fff0"  # for private use: no font has it


@pytest.fixture(scope="module")
def unreadable(make_report):
    return make_report(f"폐 {LACKING}")


def test_letters_that_no_font_has_are_told_once(unreadable):
    lines = []
    data = render_pdf(unreadable, warn=lines.append)
    assert len(lines) == 1
    assert "boxes for letters that no font here has" in lines[0]
    assert "U+10FFF0" in lines[0]
    assert "\n" not in lines[0]
    assert data == render_pdf(unreadable)  # told or not, it's the same


def test_nothing_is_told_where_all_letters_are_there(report):
    lines = []
    render_pdf(report, warn=lines.append)
    assert not lines


def test_every_way_to_a_pdf_tells_of_them(unreadable, tmp_path, capsys):
    page = tmp_path / "report.html"
    page.write_text(render_html(unreadable), encoding="utf-8")
    for command in (
        ["pdf", str(page), "-o", str(tmp_path / "a.pdf")],
        ["email", str(page), "--to", "a@example.org", "-o", str(tmp_path / "a.eml")],
        ["dicom", str(page), "--study", "new", "-o", str(tmp_path / "a.dcm")],
    ):
        assert main(command) == 0
        assert "U+10FFF0" in capsys.readouterr().err
    assert main(["email", str(page), "--to", "a@example.org", "-o", str(tmp_path / "b.eml"), "--no-attach-pdf"]) == 0
    assert "U+10FFF0" not in capsys.readouterr().err


def test_from_python(unreadable, report, tmp_path):
    assert "U+10FFF0" in unreadable.save_pdf(tmp_path / "a.pdf")
    assert report.save_pdf(tmp_path / "b.pdf") == ""
    assert "U+10FFF0" in unreadable.save_email(tmp_path / "a.eml", {"to": ["a@example.org"]})
    told = unreadable.save_all(html=tmp_path / "c.html", pdf=tmp_path / "c.pdf", email=tmp_path / "c.eml")
    assert told.count("U+10FFF0") == 1
    assert unreadable.save_all(html=tmp_path / "d.html") == ""


@pytest.mark.skipif(shutil.which("fc-list") is None, reason="fontconfig's tools are not installed")
@pytest.mark.parametrize(("letter", "script"), [("폐", "Korean"), ("肺", "Chinese"), ("ไ", "Thai"), ("ع", "Arabic")])
def test_what_is_told_is_what_fontconfig_says(make_report, letter, script):
    found = subprocess.run(["fc-list", f":charset={ord(letter):x}"], capture_output=True, check=True).stdout
    lines = []
    render_pdf(make_report(letter), variant="plain", warn=lines.append)
    assert bool(lines) == (not found.strip())
    assert all(script in line for line in lines)
