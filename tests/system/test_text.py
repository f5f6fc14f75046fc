from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.system.errors import ReportgenError
from reportgen.system.text import visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain, é 肺炎 😀", "plain, é 肺炎 😀"),
        ("a\tb\nc\r\nd", "a\tb\nc\nd"),
        ("a\rb", "a\ufffdb"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("\x00\x7f\x9b", "\ufffd" * 3),
        ("exe.\u202efdp", "exe.\ufffdfdp"),
        ("\u2066a\u2069\u2028\u2029\ufeff", "\ufffda" + "\ufffd" * 4),
        ("caf\udce9", "caf\ufffd"),
        ("\U000e0041", "\ufffd"),
        ("שלום\u200f! \u061c", "שלום\u200f! \u061c"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
    ],
)
def test_what_would_act_is_replaced_and_the_rest_stays(text, seen):
    assert visible(text) == seen


@given(st.text())
def test_no_control_is_left_and_all_can_be_written(text):
    seen = visible(text)
    seen.encode("utf-8")
    assert {unicodedata.category(letter) for letter in set(seen) - {"\t", "\n"}}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert visible(seen) == seen


def test_messages_command_no_terminal():
    assert str(ReportgenError("no \x1b[2J file\n\u202ex", "try\x9b")) == "no \ufffd[2J file \ufffdx; try\ufffd"
