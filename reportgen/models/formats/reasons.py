"""What a library says is wrong, in one line that can stand behind the name of a file: without that file's path."""

from __future__ import annotations

import re
from pathlib import Path

LONGEST = 200
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# Keras tells what went wrong inside behind what it tried, and in which layer before that
_INNERMOST = " encountered:"
_IN_A_LAYER = re.compile(r"Exception encountered when calling (.*?)\.?$")


def reason_of(problem: BaseException, *paths: Path) -> str:
    """Return in one line what a library says is wrong.

    Parameters
    ----------
    problem
        What it raised.
    paths
        Files that the message names already; here they're called "the file".
    """
    text = _COLOURS.sub("", str(problem))
    _, found, inner = text.rpartition(_INNERMOST)
    text = inner if found and inner.strip() else text
    for path in paths:
        for name in sorted({str(path), str(path.absolute())}, key=len, reverse=True):
            text = text.replace(name, "the file")
    lines = [_unquoted(line.strip()) for line in text.splitlines() if line.strip()]
    inside = _IN_A_LAYER.match(lines[0]) if len(lines) > 1 else None
    told = [f"in {inside[1]}: {lines[1]}"] if inside else lines
    return (told or [type(problem).__name__])[0][:LONGEST]


def advice_on(otherwise: str, *, given: bool, trusted: bool) -> str:
    """Return what to do about a model that can't be loaded.

    Parameters
    ----------
    otherwise
        What to do where there is only code of Keras in it.
    given
        Whether the user gave code for it.
    trusted
        Whether code in the file may run.
    """
    if given:
        return "check the code that was given with --custom-objects, and that the file was saved with the same"
    if trusted:
        return (
            "code in it may not work here: give its layers as functions of your own with --custom-objects MODULE:NAME"
        )
    return otherwise


def _unquoted(line: str) -> str:
    """Return a line without the pairs of quotes that Keras puts around what others say."""
    while len(line) > 4 and line.startswith("''") and line.endswith("''"):
        line = line[2:-2]
    return line
