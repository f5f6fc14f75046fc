"""What docs/report-json.md tells: every field of report.json, from the dataclasses that it's made of."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from reportgen.report.picture import Picture
from reportgen.report.report import JSON_NAMES, Report
from reportgen.settings.messages import describe_wanted

from .docstrings import as_markdown, parse

# what the JSON has besides the fields of a dataclass, and what it has not
ADDED: dict[type, dict[str, tuple[str, str]]] = {
    Report: {
        "content_sha256": ("a text", "SHA-256 over all the rest but `timings`, as JSON with sorted keys, no spaces and "
                           "ASCII escapes ([verify](verify.md))."),
    },
    Picture: {
        "file": ("a text", "Its name among the files of `--figures`."),
        "sha256": ("a text", "Digest of that file."),
    },
}  # fmt: skip
LEFT_OUT: dict[type, tuple[str, ...]] = {Picture: ("data",)}
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}


@dataclass(frozen=True)
class Field:
    """One field: what JSON has there, in words; the table it leads to, if it does; and what it means."""

    name: str
    kind: str
    table: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """One kind of table in the JSON: the places where it stands, what it is, and its fields."""

    places: tuple[str, ...]
    what: str
    fields: tuple[Field, ...]


def tables() -> tuple[Table, ...]:
    """Return all kinds of tables, each once: the whole, then what is in it in the order of its fields."""
    places = _places()
    return tuple(
        Table(found, _json(parse(kind).summary), tuple(_fields(kind, places))) for kind, found in places.items()
    )


def _places() -> dict[type, tuple[str, ...]]:
    """Return where each dataclass stands in the JSON, from the top down."""
    found: dict[type, tuple[str, ...]] = {}

    def visit(place: str, kind: type) -> None:
        is_new = kind not in found
        found[kind] = (*found.get(kind, ()), place)
        for name, inner in _inside(kind) if is_new else ():
            visit(f"{place}.{name}".lstrip("."), inner)

    visit("", Report)
    return found


def _inside(kind: type) -> Iterator[tuple[str, type]]:
    for name, hint in typing.get_type_hints(kind).items():
        if name in {item.name for item in fields(kind)}:
            inner, is_list = _dataclass_in(hint)
            if inner:
                yield _json_name(name) + ("[]" if is_list else ""), inner


def _dataclass_in(hint: Any) -> tuple[type | None, bool]:
    """Return the dataclass that a type is, or a list of which it is; None where it's neither."""
    members = [one for one in typing.get_args(hint) if one not in (types.NoneType, Ellipsis)]
    if is_dataclass(hint):
        return typing.cast(type, hint), False
    if members and is_dataclass(members[0]):
        return typing.cast(type, members[0]), typing.get_origin(hint) is tuple
    return None, False


def _fields(kind: type, places: dict[type, tuple[str, ...]]) -> Iterator[Field]:
    meanings = parse(kind).sections["Attributes"]
    hints = typing.get_type_hints(kind)
    for item in fields(kind):
        if item.name in LEFT_OUT.get(kind, ()):
            continue
        inner, _ = _dataclass_in(hints[item.name])
        words = describe_wanted(kind, (item.name,))[1]
        if hints[item.name] == dict[str, object]:
            words = "a table"
        if types.NoneType in typing.get_args(hints[item.name]):
            words += " or null"
        yield Field(_json_name(item.name), words, places[inner][0] if inner else "", _json(meanings[item.name]))
    for name, (words, meaning) in ADDED.get(kind, {}).items():
        yield Field(name, words, "", meaning)


def _json(text: str) -> str:
    """Return a docstring's text in JSON's words."""
    return " ".join(_in_json(word) for word in as_markdown(text).split())


def _in_json(word: str) -> str:
    bare = word.strip(".,;:()`")
    return word.replace(bare, _JSON_WORDS.get(bare, _json_name(bare))) if bare else word


def _json_name(name: str) -> str:
    return JSON_NAMES.get(name, name)
