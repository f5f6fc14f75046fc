from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from reportgen.cli.main import main
from reportgen.outputs.documents.pdf import render_pdf
from reportgen.outputs.page.brand import contrast, read_brand
from reportgen.outputs.page.environment import asset
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.page.theme import exported_files, read_theme
from reportgen.outputs.saved.reader import read_saved
from reportgen.outputs.saved.report_json import report_digest
from reportgen.report.brand import Brand, brand_flaw, logo_flaw
from reportgen.settings.file import settings_from
from reportgen.settings.page import ThemeSettings
from reportgen.system.errors import OutputError, SettingsError

DOCS = Path(__file__).parents[3] / "docs"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="4"><path d="M0 0h9v4z"/></svg>'
TOKENS = asset("assets/tokens.css")


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(make_report):
    return make_report()


@pytest.fixture
def example(tmp_path):
    """The worked example of the docs."""
    text = (DOCS / "themes.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:css|jinja)\n(?:/\* |\{# )(my-theme/\S+)(?: \*/| #\})\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    return written(tmp_path, **dict(blocks)) / "my-theme"


def test_the_exported_theme_gives_the_very_same_page(report, tmp_path):
    for name, data in exported_files().items():
        written(tmp_path, **{name: data.decode()})
    assert render_html(report, read_theme(tmp_path)) == render_html(report)


def test_the_example_of_the_docs(report, example, tmp_path):
    theme = read_theme(example)
    html = render_html(report, theme)
    assert "Course 4711" in html and 'id="exercise"' in html and "lecture notes, chapter 3" in html
    assert ".course{color" in html and "Feature map</dt>" not in html
    assert html.index('id="exercise"') < html.index('id="cases"')
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    assert report_digest(read_saved(tmp_path / "r.html").report) == report_digest(report)
    assert render_pdf(report, theme=theme).startswith(b"%PDF")


def test_a_block_of_an_included_section_is_overridden_from_a_section_file(report, tmp_path):
    name = "sections/model.html.j2"
    text = '{% extends "reportgen/sections/model.html.j2" %}{% block model %}{{ super() }}<p>Mine</p>{% endblock %}'
    html = render_html(report, read_theme(written(tmp_path, **{name: text})))
    assert "<p>Mine</p>" in html and 'id="model"' in html


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("report.html.j2", "{% block x %}", "is no template: line 1"),
        ("report.html.j2", "{% autoescape false %}{{ report.title }}{% endautoescape %}", "switches escaping off"),
        ("report.html.j2", "{{ report.title|safe }}", "No filter named 'safe'"),
        ("assets/theme.css", "a { background: url(https://example.org/x.png) }", "would fetch"),
        ("assets/theme.css", "@import 'x.css';", "would fetch"),
        ("assets/theme.css", "</style><script>", "would fetch"),
        ("assets/mine.css", "a {}", "is no style sheet of a theme"),
    ],
)
def test_what_a_theme_cannot_have(report, tmp_path, name, text, said):
    with pytest.raises((SettingsError, OutputError), match=re.escape(said)):
        render_html(report, read_theme(written(tmp_path, **{name: text})))


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ('{% block summary %}<img src="https://example.org/x.png" alt="">{% endblock %}', "the page would fetch"),
        ('{% block header %}<link rel="icon" href="//example.org/i">{% endblock %}', "the page would fetch"),
        ('{% block header %}<meta http-equiv="refresh" content="0;url=x">{% endblock %}', "the page would fetch"),
        ("{% block scripts %}{% endblock %}", "its data and its digest"),
        ('{% block header %}{{ "".__class__.__mro__ }}{% endblock %}', "can't be used"),
        ("{% block header %}{{ report.nothing }}{% endblock %}", "can't be used"),
    ],
)
def test_a_page_that_would_not_be_safe_is_refused(report, tmp_path, block, said):
    text = '{% extends "reportgen/report.html.j2" %}' + block
    with pytest.raises(OutputError, match=said):
        render_html(report, read_theme(written(tmp_path, **{"report.html.j2": text})))


def test_what_stands_before_the_policy_is_refused(report, tmp_path):
    text = asset("base.html.j2").replace('<meta http-equiv="Content', '<style>a{}</style><meta http-equiv="Content')
    with pytest.raises(OutputError, match="must stand first"):
        render_html(report, read_theme(written(tmp_path, **{"base.html.j2": text})))


def test_a_theme_is_a_folder_with_something_in_it(tmp_path):
    with pytest.raises(SettingsError, match="theme not found"):
        read_theme(tmp_path / "none")
    with pytest.raises(SettingsError, match="holds no theme"):
        read_theme(tmp_path)


def test_sections_are_left_out_and_put_in_order(report, tmp_path):
    asked = dataclasses.replace(report, settings={"page": {"sections": ["layers", "cases", "hostile", 7]}})
    html = render_html(asked)
    found = re.findall(r'<section id="(\w+)"', html)
    assert found == ["layers", "cases"]
    assert re.findall(r'<li><a href="#([a-z]+)">', html) == ["layers", "cases"]
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    assert read_saved(tmp_path / "r.html").report.pictures == report.pictures  # also those that no section shows
    with pytest.raises(SettingsError, match=r"'page.sections.*summary"):
        settings_from({"page": {"sections": ["everything"]}})


def test_warnings_are_shown_without_the_summary(make_report):
    report = make_report()
    warned = [remark for remark in report.remarks if remark.warning]
    remark = dataclasses.replace(report.remarks[0], text="Beware of this.", warning=True)
    asked = dataclasses.replace(
        report, remarks=(*report.remarks, remark), settings={"page": {"sections": ["provenance"]}}
    )
    assert render_html(asked).count('class="warning"') == len(warned) + 1


def test_a_brand_stands_in_page_and_pdf_and_is_read_back(report, tmp_path):
    brand = Brand(title="St. <Elsewhere>", footer="For research.", accent="#7a1f3d", accent_dark="#d08ca0",
                  logo=SVG, logo_type="image/svg+xml")  # fmt: skip
    branded = dataclasses.replace(report, brand=brand)
    html = render_html(branded)
    assert "St. &lt;Elsewhere&gt;" in html and "For research." in html and "--accent: #7a1f3d" in html
    assert '<img class="logo" src="data:image/svg+xml;base64,' in html and 'd="M0 0h9v4z"' not in html
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    assert read_saved(tmp_path / "r.html").report.brand == brand
    assert render_pdf(branded) != render_pdf(report)


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)  # the well-known gray that just fails
    assert contrast("#123456", "#123456") == 1


def test_an_accent_that_cannot_be_read_is_refused_and_the_nearest_is_named():
    with pytest.raises(SettingsError, match=r"contrast 2\.\d, WCAG AA asks for 4.5; #[0-9a-f]{6} can be read") as found:
        read_brand(ThemeSettings(accent="#ff8800"), TOKENS)
    nearest = re.findall(r"#[0-9a-f]{6}", str(found.value))[-1]
    brand = read_brand(ThemeSettings(accent=nearest), TOKENS)
    assert brand is not None
    assert all(contrast(brand.accent_dark, ground) >= 4.5 for ground in ("#12171c", "#1b2229", "#172430"))
    assert read_brand(ThemeSettings(), TOKENS) is None
    with pytest.raises(SettingsError, match=r"without theme\.accent"):
        read_brand(ThemeSettings(accent_dark="#ffffff"), TOKENS)


@pytest.mark.parametrize(
    "data",
    [
        SVG.replace(b"<path", b"<script>1</script><path"),
        SVG.replace(b"<path", b'<path onload="x"'),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG,
        SVG.replace(b"<path", b'<image href="https://example.org/x.png"/><path'),
        b"<html></html>",
        b"GIF89a",
        b"\xff\xfe",
    ],
)
def test_a_logo_that_would_act_is_refused(tmp_path, data):
    (tmp_path / "logo.svg").write_bytes(data)
    with pytest.raises(SettingsError, match=r"logo\.svg can't be used"):
        read_brand(ThemeSettings(logo=str(tmp_path / "logo.svg")), TOKENS)
    assert brand_flaw(Brand(logo=data, logo_type="image/svg+xml"))


def test_a_plain_logo_is_taken():
    assert logo_flaw(SVG, "image/svg+xml") is None
    assert logo_flaw(SVG, "image/png") and logo_flaw(SVG, "text/html")
    assert brand_flaw(Brand(accent="red;}")) == "its accent is no colour"


def test_export_does_not_overwrite(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert main(["theme", "export", str(folder)]) == 0
    assert (folder / "sections" / "summary.html.j2").is_file()
    assert main(["theme", "export", str(folder)]) == 2
    assert "already exists" in capsys.readouterr().err
    shutil.rmtree(folder / "sections")
    assert main(["theme", "export", str(folder), "-f"]) == 0
    assert (folder / "sections" / "summary.html.j2").is_file()
