"""The catalogues of sentences: every sentence that the code and the templates mark, each translated, none else."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jinja2
import polib
import pytest
from jinja2 import nodes

from reportgen.settings.messages import describe_wanted
from reportgen.settings.report import Settings
from reportgen.system.language import ENGLISH, FOLDER, languages

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

OTHERS = [code for code in languages() if code != ENGLISH]
FIELD, TAG = re.compile(r"\{(\w*)\}"), re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def marked():
    """Every sentence that is marked, as (context, English)."""
    pytest.importorskip("babel", reason="Babel is not installed")
    from reference.catalogues import sentences

    return {(one.context, one.id if isinstance(one.id, str) else one.id[0]): one for one in sentences() if one.id}


def pairs(entry):
    """Each English form of a sentence with its translation."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    forms = [entry.msgstr_plural[number] for number in sorted(entry.msgstr_plural)]
    return [(entry.msgid, forms[0]), *((entry.msgid_plural, form) for form in forms[1:])]


def test_there_is_german():
    assert OTHERS == ["de"]


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_sentence_that_is_marked_and_no_other(code, marked):
    known = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(FOLDER / f"{code}.po"))}
    assert known - marked.keys() == set(), "python -m reference.catalogues, in docs, takes these out"
    assert marked.keys() - known == set(), "python -m reference.catalogues, in docs, brings these in"


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_is_complete(code):
    """How complete it is: every one of more than 800 sentences is translated, and none is in doubt."""
    catalogue = polib.pofile(str(FOLDER / f"{code}.po"))
    assert [entry.msgid for entry in catalogue if not entry.translated()] == []
    assert len(catalogue) > 800
    assert catalogue.percent_translated() == 100


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_fields_and_tags_of_its_sentence(code):
    for entry in polib.pofile(str(FOLDER / f"{code}.po")):
        for english, told in pairs(entry):
            assert set(FIELD.findall(told)) == set(FIELD.findall(english)), english
            assert TAG.findall(told) == TAG.findall(english), english
            assert told.startswith(" ") == english.startswith(" "), english
            # in an attribute of HTML, a quotation mark would end it
            assert ('"' in TAG.sub("", told), "<" in TAG.sub("", told)) == (False, False), english


@pytest.mark.parametrize("code", OTHERS)
def test_the_file_is_as_the_command_writes_it(code):
    pytest.importorskip("babel", reason="Babel is not installed")
    from reference.catalogues import updated

    text = (FOLDER / f"{code}.po").read_text("utf-8")
    assert updated(text) == text


def test_settings_know_the_languages():
    assert describe_wanted(Settings, ("language",))[1] == "'en' or 'de'"
    assert set(languages()) == {"en", *OTHERS}


def said(tree):
    """All calls in a template that say a sentence, with what they are given to say."""
    calls = {"say": 1, "say_count": 2, "say_as": 2}
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in calls:
            yield call.lineno, call.args[: calls[call.node.name]]


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.j2")), ids=lambda path: path.name)
def test_templates_only_say_what_stands_in_them(path):
    """What is said may hold tags and isn't escaped: it must never be text of someone else."""
    tree = jinja2.Environment(autoescape=True).parse(path.read_text("utf-8"))
    for line, messages in said(tree):
        assert all(isinstance(one, nodes.Const) for one in messages), f"{path.name}:{line}"
