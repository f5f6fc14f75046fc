"""A report in German, as its reader gets it: page, paper and e-mail, made just now and read again."""

from __future__ import annotations

import base64
import gettext
import hashlib
import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from translated import Bracketed, english_left, outside, words_of

from reportgen.cli.main import main
from reportgen.demo.builtin import demo_cases
from reportgen.images.cases import Case
from reportgen.images.reader import image_from_array
from reportgen.outputs.documents.email import render_email
from reportgen.outputs.documents.pdf import print_html
from reportgen.outputs.page.asset_words import (
    IN_SCRIPT,
    ON_PAPER,
    ON_SCREEN,
    piece,
    translated_rules,
    translated_script,
)
from reportgen.outputs.page.assets import read_assets
from reportgen.outputs.page.environment import asset
from reportgen.outputs.page.rendering import SCRIPTS, render_html
from reportgen.outputs.saved.reader import read_saved
from reportgen.settings.job import EmailSettings
from reportgen.system import language
from reportgen.workflows.pipeline import build_report

NOTICE = "Er ist keine Diagnose und darf nicht als solche verwendet werden."


@pytest.fixture(scope="module")
def german():
    with language.speaking("de"):
        cases = demo_cases()
    return build_report(None, cases, {"language": "de"})


@pytest.fixture(scope="module")
def page(german):
    return render_html(german)


def test_it_says_so_and_that_it_is_no_diagnosis(german, page):
    assert '<html lang="de">' in page
    assert f"Dieser Bericht erklärt, wie ein Modell auf Bilder reagiert. {NOTICE}" == german.disclaimer
    assert german.disclaimer in page


def test_no_english_sentence_is_left(german, page):
    assert english_left(words_of(page)) == []
    assert english_left(words_of(print_html(german))) == []
    assert english_left([remark.text + remark.interpretation for remark in german.remarks]) == []


def test_the_search_for_english_finds_it():
    assert english_left(["NORMAL: The map found what the model relies on. And more."]) != []


def test_everything_that_a_reader_sees_can_be_translated(monkeypatch):
    """How complete the marking is: of the words in the page, only names are no sentence of a catalogue."""
    monkeypatch.setattr(language, "catalogue", lambda code: Bracketed() if code == "de" else gettext.NullTranslations())
    with language.speaking("de"):
        cases = demo_cases()
    report = build_report(None, cases, {"language": "de"})
    for texts in (words_of(render_html(report)), words_of(print_html(report))):
        assert sum(text.count("⟦") for text in texts) > 300
        left = {text.strip() for text in map(outside, texts) if re.search("[A-Za-z]{3}", text)}
        assert left == set(), "say() or mark() makes these sentences of the catalogue (docs/language.md)"


def test_words_of_style_sheets_are_german_and_those_of_the_sheets(german, page):
    for rules, sheet, shown in ((ON_SCREEN, "channels.css", page), (ON_PAPER, "print.css", print_html(german))):
        for _, words in rules:
            assert f'content: "{words}"' in asset(f"assets/{sheet}")
        assert translated_rules(rules, "de") in shown
        assert translated_rules(rules, "en") == ""
    assert 'content: "Erklärt ein Modell. Keine Diagnose."' in print_html(german)


@pytest.mark.parametrize("words", IN_SCRIPT, ids=lambda words: words[1])
def test_words_of_the_script_are_german_and_those_of_the_script(words):
    script = read_assets(*SCRIPTS).text.text
    assert piece(*words) in script, "the words stand otherwise in the script: asset_words.py says how"
    assert piece(*words) not in translated_script(script, "de")
    assert translated_script(script, "en") == script


def test_the_policy_knows_the_german_script(page):
    script = re.search(r"<script>(.*?)</script>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.unescape(page)
    assert "jedes Minimum" in script


def test_an_email_is_german_too(german):
    mail = render_email(german, EmailSettings(), datetime(2026, 1, 1, tzinfo=UTC), (), draft=True)
    message = message_from_bytes(mail.data, policy=policy.default)
    for kind in ("plain", "html"):
        text = html.unescape(message.get_body((kind,)).get_content())
        assert NOTICE in text
        assert english_left([text]) == []
    assert '<html lang="de">' in text


def test_read_again_it_is_german(german, page, tmp_path):
    (tmp_path / "report.html").write_text(page, "utf-8")
    again = read_saved(tmp_path / "report.html").report
    assert again.language == "de"
    assert render_html(again) == page
    assert "Wohin das Modell schaut" in print_html(again)


def test_a_report_without_a_language_is_english(german):
    older = replace(german, settings={key: value for key, value in german.settings.items() if key != "language"})
    assert older.language == "en"
    assert '<html lang="en">' in render_html(older)
    assert replace(german, settings={"language": "../../etc"}).language == "en"
    assert replace(german, settings={"language": ["de"]}).language == "en"


@pytest.fixture(scope="module")
def named(small_model, picture):
    """A German report of cases whose labels are sentences of the catalogue, markup, and fields."""
    labels = ("the evidence", "<b onclick=x>{case} {0} %s</b>", "kein Befund")
    images = [narrower(picture, times) for times in range(3)]
    cases = [
        Case(label, image_from_array(pixels), f"{label[:3]}.png") for label, pixels in zip(labels, images, strict=True)
    ]
    return build_report(
        small_model, cases, {"language": "de", "title": "Contents", "model": {"class_names": ["bits", "</p>{x}"]}}
    )


def narrower(pixels, times):
    return pixels[:, : pixels.shape[1] - times].copy()


def test_what_users_write_is_not_translated(named):
    page = render_html(named)
    assert "<h1>Contents</h1>" in page
    assert "the evidence" in [case.title for case in named.cases]
    assert re.search(r"<h3>the evidence ", page)


def test_what_users_write_is_escaped_in_translated_sentences(named):
    for page in (render_html(named), print_html(named)):
        shown = re.sub(r"<script.*?</script>", "", page, flags=re.S)
        assert "<b onclick" not in shown
        assert "</p>{x}" not in shown
        assert "&lt;b onclick=x&gt;{case} {0} %s&lt;/b&gt;" in shown


def test_an_unknown_language_is_refused_in_a_line(capsys, tmp_path):
    assert main(["demo", "--language", "fr", "-o", str(tmp_path / "report.html")]) == 2
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1
    assert "language" in told and "'en' or 'de'" in told
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_stays_english(capsys, tmp_path):
    assert main(["demo", "--language", "de", "-o", str(tmp_path / "report.html"), "--no-occlusion"]) == 0
    assert "wrote " in capsys.readouterr().out
    data = re.search(r'id="report-data">(.*?)</script>', (tmp_path / "report.html").read_text("utf-8"), re.S)[1]
    assert json.loads(data)["settings"]["language"] == "de"
    assert json.loads(data)["title"] == "Röntgenthorax, normal und mit Pneumonie (synthetisch)"
