"""Evaluations in German: page, paper, lines and notes, and how completely their sentences are marked."""

import gettext
import json
import re

import numpy as np
import pytest
from evaluated import brightness_model, write_folders, write_table
from PIL import Image
from translated import Bracketed, english_left, outside, words_of

from reportgen.analysis.metrics.pairing import compare
from reportgen.cli.main import main
from reportgen.figures.evaluation import evaluation_pictures
from reportgen.outputs.documents import evaluation_pdf
from reportgen.outputs.saved.evaluation_json import read_evaluation
from reportgen.system import language

PREPROCESSING = "none: values 0 to 255 as they are"  # formulas of preprocessing stay
OWN = re.compile(
    rf"{PREPROCESSING}|person\w+\.png|(?<![a-zA-Z])(?:model\.keras|sex|COVID|No Finding|Mass|Nodule|softmax|SHA|ROC"
    r"|\d+\.png)(?![a-zA-Z])"
)
FEW = ["--samples", "100"]


def several(folder):
    """A model of three classes of which the images show two, an unreadable image, and a folder that is no part."""
    model = brightness_model(folder / "model.keras", 3, ("NORMAL", "PNEUMONIA", "COVID"), "softmax")
    images = write_folders(folder / "data")
    (images / "notes" / "a").mkdir(parents=True)
    (images / "test" / "NORMAL" / "person0_broken.png").write_bytes(b"no image")
    Image.fromarray(np.full((16, 24), 90, np.uint8)).save(images / "train" / "NORMAL" / "person0_1.png")
    return [images, "-m", model, "--skip-unreadable"]


def situations(folder):
    """What brings about as many sentences as can be, by name: arguments of the command."""
    folder.mkdir()

    def two(named):
        return [write_folders(folder / "data"), "-m", brightness_model(folder / "model.keras", names=named)]

    def findings():
        more = "threshold = [0.5, 0.4]\nmulti_label = true\n"
        model = brightness_model(folder / "model.keras", 2, ("Mass", "Nodule"), more=more)
        return [write_table(folder), "-m", model]

    def archive():
        pixels = np.linspace(0, 1, 12)[:, None, None] * np.ones((12, 16, 24))
        np.savez(folder / "a.npz", x_test=pixels, y_test=np.array(["NORMAL", "PNEUMONIA"] * 6))
        return [folder / "a.npz", "-m", brightness_model(folder / "model.keras")]

    return {
        "two": lambda: two(("NORMAL", "PNEUMONIA")), "several": lambda: several(folder), "findings": findings,
        "archive": archive, "no mistakes": lambda: [*two(("NORMAL", "PNEUMONIA")), "--mistakes", "0"],
        "all": lambda: [*two(("NORMAL", "PNEUMONIA")), "--split", "all"],
    }  # fmt: skip


NAMES = ("two", "several", "findings", "archive", "no mistakes", "all")


def evaluate(folder, name, *more):
    """Run the command in German; return the page and the saved evaluation."""
    arguments = situations(folder / "made")[name]()
    page, saved = folder / "page.html", folder / "e.json"
    given = [*map(str, arguments), *FEW, "--language", "de", "-o", str(page), "--json", str(saved), *map(str, more)]
    assert main(["evaluate", *given]) == 0
    return page.read_text("utf-8"), saved


def paper_of(saved, monkeypatch, other=None):
    """Return the HTML that the PDF is laid out from."""
    laid = []
    monkeypatch.setattr(evaluation_pdf, "lay_out", lambda html, *_, **__: laid.append(html) or b"")
    found = read_evaluation(saved)
    with language.speaking(found.language):
        comparison = compare(found, read_evaluation(other)) if other else None
        pictures = evaluation_pictures(found, comparison)
    evaluation_pdf.render_evaluation_pdf(found, pictures, comparison)
    return laid[0]


def english_in(page):
    return english_left([text for text in words_of(page) if PREPROCESSING not in text])


def check_brackets(page):
    texts = words_of(page)
    assert sum(text.count("⟦") for text in texts) > 60
    left = {text.strip() for text in (OWN.sub(" ", outside(text)) for text in texts) if re.search("[A-Za-z]{3}", text)}
    assert left == set(), "say() or mark() makes these sentences of the catalogue (docs/language.md)"


@pytest.mark.parametrize("name", NAMES)
def test_everything_on_the_page_of_an_evaluation_can_be_translated(monkeypatch, capsys, tmp_path, name):
    bracketed = {"de": Bracketed()}
    monkeypatch.setattr(language, "catalogue", lambda code: bracketed.get(code, gettext.NullTranslations()))
    page, saved = evaluate(tmp_path, name)
    check_brackets(page)
    check_brackets(paper_of(saved, monkeypatch))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip() and str(tmp_path) not in line]
    assert "⟦accuracy⟧" in "\n".join(lines)
    again = tmp_path / "again.html"
    assert main(["evaluate", str(saved), "--against", str(saved), "-o", str(again)]) == 0
    check_brackets(again.read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_german_evaluation_has_no_english_left(monkeypatch, capsys, tmp_path, name):
    page, saved = evaluate(tmp_path, name)
    assert '<html lang="de">' in page
    assert "für keines davon eine Diagnose" in page
    assert english_in(page) == []
    assert english_left(capsys.readouterr().out.splitlines()) == []
    paper = paper_of(saved, monkeypatch, saved)
    assert '<html lang="de">' in paper
    assert "Zwei Modelle, dieselben Bilder" in paper
    assert 'content: "Erklärt ein Modell. Keine Diagnose."' in paper
    assert english_in(paper) == []
    assert json.loads(saved.read_text("utf-8"))["language"] == "de"


def test_read_again_it_is_german_and_another_language_is_refused(capsys, tmp_path):
    page, saved = evaluate(tmp_path, "two")
    again = tmp_path / "again.html"
    assert main(["evaluate", str(saved), "-o", str(again)]) == 0
    assert again.read_text("utf-8") == page
    assert "Sensitivität" in capsys.readouterr().out
    folder = tmp_path / "english"
    folder.mkdir()
    other = folder / "e.json"
    arguments = [str(tmp_path / "made" / "data"), "-m", str(tmp_path / "made" / "model.keras"), *FEW]
    assert main(["evaluate", *arguments, "-o", str(folder / "e.html"), "--json", str(other)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(other), "--language", "de", "-o", str(folder / "new.html")]) == 2
    assert "--language de needs the images and the model" in capsys.readouterr().err
    assert not (folder / "new.html").exists()
    # laid over an English one it stays German
    assert main(["evaluate", str(saved), "--against", str(other), "-o", str(folder / "both.html")]) == 0
    assert english_in((folder / "both.html").read_text("utf-8")) == []


def test_a_language_that_there_is_not_is_refused(capsys, tmp_path):
    page = tmp_path / "page.html"
    assert main(["evaluate", str(tmp_path), "--language", "xx", "-o", str(page)]) == 2
    assert "'en' or 'de'" in capsys.readouterr().err
    assert not page.exists()
