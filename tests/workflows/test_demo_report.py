"""The demo's report as a reader gets it: its size, the way to each answer, and its pages on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reportgen.demo.builtin import DEMO_TITLE, demo_cases
from reportgen.outputs.page.rendering import render_html
from reportgen.settings.file import settings_from
from reportgen.workflows.pipeline import build_report

READING = Path(__file__).parents[2] / "docs" / "reading.md"
QUESTIONS = re.findall(r"^\| ([^|]+\?) \| `#([a-z-]+)` \| ([^|]+) \|$", READING.read_text("utf-8"), re.M)
MOST_PAGES = 10


@pytest.fixture(scope="module")
def report():
    return build_report(None, demo_cases(), settings_from({"title": DEMO_TITLE}))


@pytest.fixture(scope="module")
def page(report):
    return render_html(report)


def test_it_has_less_than_three_megabytes(page):
    assert len(page.encode()) < 3_000_000


def test_twelve_questions_are_listed():
    assert len({question for question, _, _ in QUESTIONS}) == 12


@pytest.mark.parametrize("anchor", sorted({anchor for _, anchor, _ in QUESTIONS}))
def test_an_answer_is_one_click_from_the_first_screen(page, anchor):
    assert len(re.findall(rf'\sid="{anchor}"', page)) == 1
    # the masthead, the contents, and the summary
    first = page[page.index("<body>") : page.index("</section>", page.index('<section id="summary"'))]
    assert f'href="#{anchor}"' in first
    # nothing that must be unfolded first
    before = page[: re.search(rf'\sid="{anchor}"', page).start()]
    assert before.count("<details") == before.count("</details>")


def test_every_link_of_the_page_leads_somewhere(page):
    text = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    ids = set(re.findall(r'\sid="([^"]+)"', text))
    assert {link for link in re.findall(r'href="#([^"]+)"', text) if link not in ids} == set()


@pytest.fixture(scope="module")
def pages(report, tmp_path_factory):
    """How far down each page of the PDF is filled, 0 to 1, and its text."""
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
    if not (shutil.which("pdftotext") and shutil.which("pdftoppm")):
        pytest.skip("poppler-utils are not installed")
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("pdf")
    report.save_pdf(folder / "demo.pdf")
    subprocess.run(["pdftoppm", "-r", "30", "-gray", folder / "demo.pdf", folder / "page"], check=True)
    text = subprocess.run(["pdftotext", "-layout", folder / "demo.pdf", "-"], capture_output=True, check=True).stdout
    filled = []
    for path in sorted(folder.glob("page-*.pgm")):
        gray = np.asarray(Image.open(path))
        body = gray[gray.shape[0] * 17 // 297 : gray.shape[0] * 282 // 297]  # without what stands on every page
        filled.append(np.flatnonzero((body < 235).any(axis=1)).max() / len(body))
    return filled, text.decode().split("\f")[: len(filled)]


def test_on_paper_it_has_ten_pages_at_most(pages):
    assert len(pages[0]) <= MOST_PAGES


def test_no_page_but_the_last_is_less_than_half_full(pages):
    assert min(pages[0][:-1]) > 0.5


def test_contents_tell_the_pages_of_the_chapters(pages):
    listed = re.findall(r"^ *([A-Z][^.\n]+?)[ .]{3,}(\d+)$", pages[1][0], re.M)
    assert len(listed) >= 5
    for title, number in listed:
        assert title in pages[1][int(number) - 1]
