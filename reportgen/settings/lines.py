"""Where a key stands in a TOML file: its parser tells no places, so that each statement is parsed by itself.

A statement (a table's head, or a key with its value) begins where the one before it ends, and it ends with the first
line with which it can be parsed: what TOML is, is judged by its parser alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.system.text import visible

_MOST_PARSED = 16 << 20  # characters in all: a statement of very many lines is parsed as often
_SHOWN = 80
# texts and comments, in which brackets are none, and brackets
_PIECE = re.compile(
    r""" \"{3} (?:\\.|[^\\])*? \"{3,5} | '{3} .*? '{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' | \#[^\n]* | [\[\]{}] """,
    re.DOTALL | re.VERBOSE,
)
_CLOSED_BY = {"[": "]", "{": "}"}


class _TooLongError(Exception):
    """It would take too long to find out."""


@dataclass
class _Parser:
    """TOML's parser, with a bound on what it parses."""

    left: int = _MOST_PARSED

    def parse(self, text: str) -> dict[str, Any] | None:
        """Return the tables of a text; None when it isn't TOML."""
        self.left -= len(text)
        if self.left < 0:
            raise _TooLongError
        try:
            return tomllib.loads(text)
        except ValueError:
            return None


def find_line(text: str, key: Sequence[str | int]) -> int | None:
    """Return the number of the line where a key stands in a TOML file.

    Parameters
    ----------
    text
        The content of the file, which is TOML.
    key
        Names of tables and keys, and places in arrays from 0. Of a key that isn't there, the table it's missing from
        is found.

    Returns
    -------
    int or None
        From 1; None where nothing of the key is there, or where it would take too long to find.
    """
    parser, best, line = _Parser(), 0, None
    try:
        for first, lines, table, tables in _statements(text, parser):
            found = _common(table, key)
            if not lines[0].lstrip().startswith("[") and found == len(table):
                inner = _depth(tables, key[found:])
                found = found + inner if inner else 0
            if found > best:
                best = found
                line = first + _line_within(lines, key[len(table) : found], parser)
    except (_TooLongError, RecursionError):
        return None
    return line


def line_at(text: str, number: int) -> str:
    """Return a line of a file for a message: short, nothing in it that acts; empty where there is no such line."""
    lines = text.splitlines()
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return visible(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…")


def _statements(
    text: str, parser: _Parser
) -> Iterator[tuple[int, list[str], tuple[str | int, ...], Mapping[str, Any]]]:
    """Give each statement: the number of its first line, its lines, the table it stands in or opens, what it says."""
    table: tuple[str | int, ...] = ()
    last: dict[tuple[str | int, ...], int] = {}  # of each array of tables, the number of the latest
    lines: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        lines.append(line)
        tables = parser.parse("\n".join(lines))
        if tables is None:
            continue
        if tables:
            if lines[0].lstrip().startswith("["):
                table = _opened(tables, last)
            yield number - len(lines) + 1, lines, table, tables
        lines = []


def _opened(tables: Any, last: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """Return the place of the table that a head opens."""
    place: tuple[str | int, ...] = ()
    while tables:
        (name,) = tables
        place, tables = (*place, name), tables[name]
        if isinstance(tables, list):
            last[place] = last.get(place, -1) + 1
            return (*place, last[place])
        if place in last:
            place = (*place, last[place])
    return place


def _common(table: Sequence[str | int], key: Sequence[str | int]) -> int:
    """Return how many parts two keys have in common from their beginning."""
    count = 0
    for one, other in zip(table, key, strict=False):
        if one != other:
            break
        count += 1
    return count


def _depth(value: Any, key: Sequence[str | int]) -> int:
    """Return how far a key leads into a value."""
    for count, part in enumerate(key):
        inside = isinstance(part, int) and isinstance(value, list) and part < len(value)
        if not inside and not (isinstance(value, Mapping) and part in value):
            return count
        value = value[part]
    return len(key)


def _line_within(lines: Sequence[str], key: Sequence[str | int], parser: _Parser) -> int:
    """Return on which line of a statement the element of an array ends, from 0; of anything else, where it begins."""
    if len(lines) == 1 or not any(isinstance(part, int) for part in key):
        return 0
    for count in range(1, len(lines)):
        begun = "\n".join(lines[:count])
        tables = parser.parse(begun + _closing(begun))
        if tables is not None and _depth(tables, key) == len(key):
            return count - 1
    return len(lines) - 1


def _closing(begun: str) -> str:
    """Return the brackets that close what is open at the end of a text."""
    still: list[str] = []
    for piece in _PIECE.findall(begun):
        if piece in _CLOSED_BY:
            still.append(_CLOSED_BY[piece])
        elif piece in "]}" and still:
            still.pop()
    return "".join(reversed(still))
