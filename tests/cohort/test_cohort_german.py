"""The pages of a cohort and of two models in German, and how completely their sentences are marked."""

import dataclasses
import gettext
import html
import json
import re

import pytest
from cohorts import CLASSES, a_case, two_groups
from translated import Bracketed, english_left, outside, words_of

from reportgen.batch.numbers import RegionNumbers
from reportgen.cli.main import main
from reportgen.system import language

OWN = re.compile(
    r"image-\d+\.png|(?<![a-z])(?:a model|conv|act|late|lungs\d*|heart|label|sex|correct|none|m{12})(?![a-z])"
    r"|PCA|ROC|SHA"
)


def regional(cases):
    return [
        dataclasses.replace(case, regions=tuple(region(name, number) for name in ("lungs", "heart")))
        for number, case in enumerate(cases)
    ]


def region(name, number):
    return RegionNumbers(name, 0.2, 0.1 + 0.6 * (number % 2), number % 3 > 0)


def situations():
    """Cohorts that bring about as many sentences as can be: groups, tables, options of the command."""
    two = regional(two_groups(40, shift=3))
    few = regional(two_groups(6))
    three = [a_case(n, "abc"[n % 3], classes=("a", "b", "c"), shift=n % 3, target=n % 2) for n in range(36)]
    return {
        "two": (two, CLASSES, []), "few": (few, CLASSES, []), "several": (three, ("a", "b", "c"), []),
        "one group": (two, CLASSES, ["--by", "none"]), "right": (two, CLASSES, ["--by", "correct"]),
        "ungrouped": (two, CLASSES, ["--by", "sex"]), "sample": (two_groups(60), CLASSES, ["--sample", "20"]),
        "many names": (
            [dataclasses.replace(one, regions=(RegionNumbers(f"lungs{number}", 0.2, 0.5, True),))
             for number, one in enumerate(two)], CLASSES, [],
        ),
    }  # fmt: skip


@pytest.fixture
def bracketed(monkeypatch):
    monkeypatch.setattr(language, "catalogue", lambda code: Bracketed() if code == "de" else gettext.NullTranslations())


def check_brackets(page):
    texts = words_of(page)
    assert sum(text.count("⟦") for text in texts) > 60
    left = {text.strip() for text in (OWN.sub(" ", outside(text)) for text in texts) if re.search("[A-Za-z]{3}", text)}
    assert left == set(), "say() or mark() makes these sentences of the catalogue (docs/language.md)"


@pytest.mark.parametrize("name", situations())
def test_everything_on_the_page_of_a_cohort_can_be_translated(write_batch, bracketed, name):
    cases, classes, arguments = situations()[name]
    head = {"head": "softmax", "threshold": None} if len(classes) > 2 else {}
    out = write_batch(cases, "out", classes, **head)
    assert main(["cohort", str(out), "--language", "de", *arguments]) == 0
    check_brackets((out / "cohort.html").read_text("utf-8"))


def two_batches(write_batch):
    cases = two_groups(40, shift=3)
    others = [
        dataclasses.replace(
            case, scores=case.scores[::-1] if number % 5 == 0 else case.scores,
            predicted=1 - case.predicted if number % 5 == 0 else case.predicted, target=1 - number % 2,
        )
        for number, case in enumerate(cases[:37])
    ]  # fmt: skip
    return str(write_batch(cases, "one")), str(write_batch(others, "two"))


def test_everything_on_the_page_of_two_models_can_be_translated(write_batch, bracketed, tmp_path):
    first, second = two_batches(write_batch)
    assert main(["compare", first, second, "--language", "de", "-o", str(tmp_path / "c.html")]) == 0
    check_brackets((tmp_path / "c.html").read_text("utf-8"))


@pytest.mark.parametrize("name", ["two", "few", "right"])
def test_a_german_cohort_has_no_english_left(write_batch, capsys, name):
    cases, classes, arguments = situations()[name]
    out = write_batch(cases, "out", classes)
    assert main(["cohort", str(out), "--language", "de", "--json", str(out / "c.json"), *arguments]) == 0
    page = (out / "cohort.html").read_text("utf-8")
    assert '<html lang="de">' in page and "keines davon eine Diagnose" in page
    assert english_left(words_of(page)) == []
    assert json.loads((out / "c.json").read_text("utf-8"))["language"] == "de"
    if name == "right":
        assert "richtig eingestuft" in html.unescape(page)
        assert main(["cohort", str(out), "-f", "--language", "de", "--by", "correct", "--only", "told right"]) == 0


def test_a_german_comparison_has_no_english_left(write_batch, capsys, tmp_path):
    first, second = two_batches(write_batch)
    assert main(["compare", first, second, "--language", "de", "-o", str(tmp_path / "c.html")]) == 0
    page = (tmp_path / "c.html").read_text("utf-8")
    assert '<html lang="de">' in page and "Die Modelle stufen" in page
    assert english_left(words_of(page)) == []
