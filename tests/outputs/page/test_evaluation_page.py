"""The page, the PDF and the table of an evaluation say what was measured, and nothing from outside acts in them."""

import csv
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from reportgen.analysis.metrics.pairing import compare
from reportgen.figures.evaluation import evaluation_pictures
from reportgen.outputs.evaluation_csv import render_evaluation_csv
from reportgen.outputs.page.evaluation_page import render_evaluation_html
from reportgen.report.estimates import Estimate, describe_estimate
from reportgen.system.errors import SettingsError

sys.path.insert(0, str(Path(__file__).parents[1]))
from evaluations import SCORES, make_evaluation

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>$x_2$"


def page_of(evaluation, other=None):
    comparison = compare(evaluation, other) if other else None
    return render_evaluation_html(evaluation, evaluation_pictures(evaluation, comparison), comparison)


def words(html):
    shown = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_it_says_what_was_measured():
    text = words(page_of(make_evaluation()))
    assert "8 of 12 images labelled PNEUMONIA plain are told so; 4 are missed." in text
    assert "4 of 8 images labelled NORMAL plain are told so; 4 are false alarms." in text
    assert "12 of 20 images are told right. To say PNEUMONIA plain of every image would be right in 60.0 %." in text
    # pairs won, as in the table by hand: each image twice leaves all as it is
    assert "0.729" in text
    assert "100 resamples of 10 patients" in text
    assert "the intervals are too narrow" in text
    assert "It is not a diagnosis" in text
    assert "Doubt plain." in text
    assert "Left out plain." in text


@pytest.mark.parametrize("kind", ["two", "several", "findings"])
def test_every_kind_has_its_charts_with_words_for_them(kind):
    evaluation = make_evaluation(kind=kind)
    pictures = {one.name: one for one in evaluation_pictures(evaluation)}
    assert set(pictures) == {"roc", "precision-recall", "calibration"} | ({"scores"} if kind == "two" else set())
    assert "AUC" in pictures["roc"].alt
    assert "0.729" in pictures["roc"].alt or kind == "several"
    assert "expected calibration error" in pictures["calibration"].alt
    assert "average precision" in words(page_of(evaluation)).lower()


def test_nothing_from_outside_acts():
    html = page_of(make_evaluation(HOSTILE), make_evaluation(HOSTILE, scores=SCORES[::-1]))
    tags = Tags(html).found
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    pictures = [attributes for tag, attributes in tags if tag == "img"]
    assert all(attributes["src"].startswith("data:image/") for attributes in pictures)
    assert all(attributes["alt"] for attributes in pictures)
    assert "&lt;script&gt;alert(1)" in html
    policy = next(a["content"] for tag, a in tags if tag == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_a_report_of_a_mistake_is_linked():
    tags = Tags(page_of(make_evaluation())).found
    assert "reports/mistake-01.html" in [a.get("href") for tag, a in tags if tag == "a"]


def test_the_same_evaluation_gives_the_same_page():
    assert page_of(make_evaluation()) == page_of(make_evaluation())


def test_another_laid_over():
    better = np.clip(SCORES + np.where(SCORES < 0.5, -0.05, 0.05), 0, 1)
    text = words(page_of(make_evaluation(scores=better), make_evaluation()))
    assert "Two models, same images" in text
    assert "Only this one is right on 0 images, only the other on 0." in text
    assert "AUC, PNEUMONIA plain" in text


def test_other_images_or_classes_are_refused():
    mine, theirs = make_evaluation(), make_evaluation()
    object.__setattr__(theirs, "images", theirs.images[:-1])
    with pytest.raises(SettingsError, match="of 20 here, 19 are among its 19"):
        compare(mine, theirs)
    with pytest.raises(SettingsError, match="other classes"):
        compare(mine, make_evaluation("else"))


def test_the_table_of_images():
    rows = list(csv.reader(io.StringIO(render_evaluation_csv(make_evaluation()).decode(), newline="")))
    assert rows[0][:6] == ["image", "sha256", "patient", "label", "said", "right"]
    assert len(rows) == 21
    assert rows[3][3:6] == ["NORMAL plain", "PNEUMONIA plain", "no"]
    assert [float(cell) for cell in rows[1][6:]] == pytest.approx([0.05, 0.95])


def test_a_name_is_no_formula():
    evaluation = make_evaluation()
    object.__setattr__(evaluation.images[0], "name", "=cmd()")
    assert b"\r\n'=cmd()," in render_evaluation_csv(evaluation)


def test_the_pdf_is_tagged_and_carries_its_numbers(tmp_path):
    pytest.importorskip("weasyprint")
    from reportgen.outputs.documents.evaluation_pdf import render_evaluation_pdf

    evaluation = make_evaluation(HOSTILE)
    written = render_evaluation_pdf(evaluation, evaluation_pictures(evaluation))
    assert written.startswith(b"%PDF-1.7")
    if not shutil.which("pdfinfo"):
        pytest.skip("poppler is not installed")
    path = tmp_path / "a.pdf"
    path.write_bytes(written)

    def output(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert re.search("Tagged: +yes", output("pdfinfo", path))
    assert "evaluation.json" in output("pdfdetach", "-list", path)
    text = " ".join(output("pdftotext", "-layout", path, "-").split())
    assert "The surest mistakes" in text
    assert "12 of 20 images are told right" in text


@pytest.mark.parametrize(
    ("estimate", "told"),
    [
        (Estimate(value=0.5, low=0.25, high=0.75), "0.500 [0.250–0.750]"),
        (Estimate(value=-0.5, low=-0.75, high=-0.25), "−0.500 [−0.750 to −0.250]"),
        (Estimate(value=0.5, low=float("nan"), high=float("nan")), "0.500"),
        (Estimate(value=float("nan"), low=0, high=0), "–"),
        (None, "–"),
    ],
)
def test_how_an_estimate_is_told(estimate, told):
    assert describe_estimate(estimate) == told
