from __future__ import annotations

import importlib
import io
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from PIL import Image

from reportgen.outputs import further_sections
from reportgen.outputs.documents.pdf import render_pdf
from reportgen.outputs.further_sections import Section, add_installed
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.reader import read_saved
from reportgen.outputs.saved.report_json import report_digest
from reportgen.system.errors import SettingsError

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def report(make_report):
    return make_report()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Make a distribution that brings sections, and put it where Python looks."""

    def install(**points: str) -> None:
        info = tmp_path / "margins-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: margins\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {target}" for name, target in points.items())
        (info / "entry_points.txt").write_text(f"[reportgen.sections]\n{lines}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()

    yield install
    for name in ("margins", "others"):
        sys.modules.pop(name, None)


def png(width: int = 9, height: int = 4, **saved: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 100).save(buffer, "PNG", **saved)
    return buffer.getvalue()


def test_a_section_stands_after_the_one_it_names_in_page_pdf_and_json(report, tmp_path):
    added = report.add_section("Mine & yours", markdown="**Clear** lungs", after="cases")
    html = render_html(added)
    places = [html.index(f'<section id="{name}"') for name in ("layers", "cases", "section-1", "model")]
    assert places == sorted(places)
    assert '<a href="#section-1">Mine &amp; yours</a>' in html and "<strong>Clear</strong> lungs" in html
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    assert report_digest(read_saved(tmp_path / "r.html").report) == report_digest(added)
    assert len(render_pdf(added)) > len(render_pdf(report))
    assert not report.further_sections


def test_html_is_cleaned_when_added_and_when_shown(report):
    hostile = '<p onclick="x()">Fine</p><script>bad()</script><img src="https://example.org/x"><style>a{}</style>'
    added = report.add_section("Hostile", html=hostile)
    assert added.further_sections[0].html == "<p>Fine</p>"
    found = further_sections.replace(
        added, further_sections=(further_sections.replace(added.further_sections[0], html=hostile),)
    )
    html = render_html(found)
    part = html[html.index('id="section-1"') :]
    part = part[: part.index("</section>")]
    assert "<p>Fine</p>" in part and "bad()" not in part and "example.org" not in part


def test_of_a_figure_only_pixels_are_kept(report):
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Author", "Jane Roe")
    added = report.add_section("Figure", figure=png(pnginfo=told), alt="A gray field")
    picture = added.picture("section1-figure")
    assert (picture.width, picture.height, picture.alt) == (9, 4, "A gray field")
    assert b"Jane" not in picture.data
    assert Image.open(io.BytesIO(picture.data)).getpixel((8, 3)) == 100


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title": " ", "markdown": "x"}, "no title"),
        ({"title": "T"}, "is empty"),
        ({"title": "T", "markdown": "x", "html": "x"}, "twice"),
        ({"title": "T", "markdown": "x", "after": "nowhere"}, "sections: summary, occlusion"),
        ({"title": "T", "figure": png()}, "without alternative text"),
        ({"title": "T", "figure": b"GIF89a", "alt": "x"}, "can't be read"),
        ({"title": "T", "figure": 7, "alt": "x"}, "that is none"),
        ({"title": "T", "markdown": "x" * 100_000}, "more than"),
    ],
)
def test_what_a_section_cannot_be(report, given, said):
    with pytest.raises(SettingsError, match=said):
        report.add_section(given.pop("title"), **given)


def test_the_example_of_the_docs_from_an_installed_package(report, installed, tmp_path):
    text = (DOCS / "sections.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n# margins\.py\n(.*?)```", text, re.DOTALL)[0]
    assert len(code.splitlines()) <= 40
    (tmp_path / "margins.py").write_text(code)
    target = re.findall(r'^margins = "(.*)"$', text, re.MULTILINE)[0]
    installed(margins=target)
    made = add_installed(report)
    section = made.further_sections[-1]
    assert (section.title, section.source) == ("How clear was it?", "margins")
    margins = {c.title: c.predictions[0].score - c.predictions[1].score for c in report.cases}
    assert f"{min(margins.values()):.3f}" in section.html
    assert made.picture(section.pictures[0]).alt.endswith(f"{min(margins.values()):.3f}.")
    assert made.remarks == report.remarks
    assert render_pdf(made).startswith(b"%PDF")


def test_one_that_fails_is_a_warning_and_the_others_are_made_in_the_order_of_names(report, installed, tmp_path):
    (tmp_path / "others.py").write_text(
        "from reportgen import Section\n"
        "def b(report): return Section(title='B', markdown='b')\n"
        "def a(report): return Section(title='A', markdown='a')\n"
        "def fails(report): raise RuntimeError('/home/jane/secret')\n"
        "def nothing(report): return None\n"
        "def wrong(report): return 'words'\n"
        "def leaves(report): raise SystemExit(3)\n"
    )
    installed(**{n: f"others:{n}" for n in ("b", "a", "fails", "nothing", "wrong", "leaves")}, absent="nowhere:x")
    made = add_installed(report)
    assert [one.title for one in made.further_sections] == ["A", "B"]
    told = [one.text for one in made.remarks[len(report.remarks) :]]
    assert [re.findall(r"'(\w+)'.*: (\w+)\.", text)[0] for text in told] == [
        ("absent", "ModuleNotFoundError"), ("fails", "RuntimeError"), ("leaves", "SystemExit"), ("wrong", "TypeError"),
    ]  # fmt: skip
    assert all(one.warning for one in made.remarks[len(report.remarks) :]) and "jane" not in render_html(made)


def test_a_section_whose_place_is_not_shown_comes_last(report):
    chosen = further_sections.replace(report, settings={"page": {"sections": ["model", "cases"]}})
    html = render_html(chosen.add_section("Late", markdown="x", after="layers"))
    assert re.findall(r'<section id="([\w-]+)"', html) == ["model", "cases", "section-1"]


def test_without_packages_nothing_changes(report, monkeypatch):
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    assert add_installed(report) is report
    assert Section(title="T").after == "occlusion"
