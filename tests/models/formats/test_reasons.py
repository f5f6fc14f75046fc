"""What a library says is wrong, as the end of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.models.formats.reasons import LONGEST, reason_of


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("simply wrong", "simply wrong"),
        ("\n\n  first line \nsecond line", "first line"),
        ("", "ValueError"),
        ("<class 'Scale'> could not be deserialized.\n\nconfig={'a': 1}.\n\nException encountered: no 'b'", "no 'b'"),
        ("Exception encountered: ''deep''", "deep"),
        ("a. Exception encountered: b. Exception encountered: c", "c"),
        ("no more. Exception encountered: ", "no more. Exception encountered:"),
        ("Exception encountered when calling Lambda.call().\n\n\x1b[1mname 'tf' is not defined\x1b[0m\n\nArguments",
         "in Lambda.call(): name 'tf' is not defined"),
        ('Exception encountered when calling layer "a" (type Scale).\n\nno such thing\n\nCall arguments',
         'in layer "a" (type Scale): no such thing'),
        ("Could not infer the shape.\n\nError encountered:\n\n'Scale' object has no attribute 'x'\n\nArguments",
         "'Scale' object has no attribute 'x'"),
        ("x" * 900, "x" * LONGEST),
    ],
)  # fmt: skip
def test_what_is_told(text, told):
    assert reason_of(ValueError(text)) == told


def test_paths_that_are_named_already_are_not_named_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("model.keras")
    problem = OSError(f"Unable to open file (name = '{tmp_path}/model.keras', errno = 2); see model.keras")
    assert reason_of(problem, path) == "Unable to open file (name = 'the file', errno = 2); see the file"
