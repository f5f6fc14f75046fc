from __future__ import annotations

import unicodedata

import pytest

from reportgen.report.names import find_name, plain_name


@pytest.mark.parametrize(
    "spelling",
    ["No Finding", "NO_FINDING", "no-finding", "NoFinding", "  no  finding\t", "_No - Finding_", "no\u00a0finding",
     "no\u2010finding", "No_\u2013_Finding"],
)  # fmt: skip
def test_case_spaces_underscores_and_hyphens_make_no_difference(spelling):
    assert plain_name(spelling) == "nofinding"


def test_accents_count_however_they_are_stored():
    stored = unicodedata.normalize("NFD", "PNEUMON\u00cdA")
    assert plain_name(stored) == plain_name("pneumon\u00eda") != plain_name("pneumonia")


@pytest.mark.parametrize(("first", "second"), [("COVID-19", "covid 19"), ("COVID-19", "Covid19"), ("1-2", "1_2")])
def test_numbers_in_names(first, second):
    assert plain_name(first) == plain_name(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("1-2", "12"), ("grade 1 1", "grade 11"), ("-1", "1"), ("HER2-", "HER2"), ("HER2-", "HER2+"), ("+", "-"),
     ("_", "-"), ("type a", "type b")],
)  # fmt: skip
def test_what_tells_names_apart_stays(first, second):
    assert plain_name(first) != plain_name(second)


def test_find_name():
    names = ("No Finding", "Pleural_Thickening")
    assert [find_name(text, names) for text in ("pleural thickening", "NO_FINDING", "Mass", "")] == [1, 0, None, None]
