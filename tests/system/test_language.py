"""Sentences in the language of a report: looked up where they are formed, English everywhere else."""

from __future__ import annotations

import gettext

import pytest

from reportgen.report.numbers import grouped
from reportgen.report.places import name_place, without_picture
from reportgen.system.language import catalogue, languages, say, say_as, say_count, speaking, spoken


class Shouting(gettext.NullTranslations):
    """A catalogue of every sentence: in capitals, but for its fields."""

    def gettext(self, message):
        return message.replace("case", "CASE")

    def ngettext(self, one, many, count):
        return self.gettext(one if count == 1 else many)


def test_english_is_what_stands_in_the_code():
    assert spoken() == "en"
    assert say("In {layers}, {what}.", layers="both", what="{as it is}") == "In both, {as it is}."
    assert say("100 % {of it}") == "100 % {of it}"
    assert say_count("{count} case", "{count} cases", 1) == "1 case"
    assert say_count("{count} case", "{count} cases", 1200, count="1,200") == "1,200 cases"
    assert say_as("between thousands", ",") == ","


def test_a_language_holds_as_long_as_it_is_spoken():
    with speaking("de"):
        assert (spoken(), say("the evidence")) == ("de", "die Evidenz")
        with speaking("en"):
            assert say("the evidence") == "the evidence"
        assert say_count("{count} case", "{count} cases", 2) == "2 Fälle"
        assert say_count("{count} case", "{count} cases", 1) == "1 Fall"
    assert (spoken(), say("the evidence")) == ("en", "the evidence")


def test_it_ends_with_an_error_too():
    with pytest.raises(ZeroDivisionError), speaking("de"):
        raise ZeroDivisionError
    assert spoken() == "en"


def test_sentences_may_come_from_elsewhere():
    with speaking("de", Shouting()):
        assert say_count("{count} case", "{count} cases", 2) == "2 CASEs"
        assert say("a case: {name}", name="this case") == "a CASE: this case"


@pytest.mark.parametrize("unknown", ["", "fr", "../de", "de.po", "DE"])
def test_what_there_is_no_catalogue_of_is_english(unknown):
    assert unknown not in languages()
    assert catalogue(unknown).gettext("the evidence") == "the evidence"


def test_what_a_user_writes_is_put_in_as_it_is():
    with speaking("de"):
        assert say("not {name}", name="the evidence {x}") == "nicht the evidence {x}"


def test_thousands_in_german_are_not_parted_by_what_is_a_decimal_comma_there():
    assert grouped(1234567) == "1,234,567"
    with speaking("de"):
        assert grouped(1234567) == "1\u202f234\u202f567"
        assert grouped(12) == "12"


def test_places_in_german():
    with speaking("de"):
        assert name_place((1, 1), (30, 60)) == "oben links im Bild"
        assert name_place((15, 59), (30, 60)) == "mittig rechts im Bild"
        assert without_picture(name_place((15, 30), (30, 60))) == "mittig"
