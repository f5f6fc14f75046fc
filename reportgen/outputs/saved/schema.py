"""Plain JSON -> dataclasses, each value checked against the type of its field: what is read can be anything."""

from __future__ import annotations

import functools
import json
import typing
from typing import Any, TypeVar

import pydantic

from reportgen.report.report import JSON_NAMES

DEEPEST = 60
LONGEST_TEXT = 100_000
_LARGEST_INTEGER = 1 << 63
_LARGEST = 1e308
T = TypeVar("T")


class MisfitError(ValueError):
    """A value is not what a field asks for; says where, in words."""


def from_plain(kind: type[T], value: Any, where: str) -> T:
    """Return a value as a type asks: dataclasses from tables, tuples from lists, NaN from null where a number must be.

    Parameters
    ----------
    kind
        A dataclass or another type.
    value
        What JSON gave.
    where
        What to call the value in messages.

    Raises
    ------
    MisfitError
        When it's something else, nested too deeply, too large a number or too long a text.
    """
    _check_limits(value, where)
    # tuples and bytes are only known as such in JSON itself; half a surrogate pair can't be part of any text
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    try:
        found: T = _adapter(typing.cast(Any, kind)).validate_json(b"[" + text + b"]")[0]
    except pydantic.ValidationError as problem:
        first = next(iter(problem.errors(include_url=False, include_input=False, include_context=False)))
        raise MisfitError(_reason(first, where)) from None
    return found


@functools.cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    # inside a tuple, since plain dataclasses take the configuration of what they stand in
    config = pydantic.ConfigDict(
        strict=True, extra="forbid", val_json_bytes="base64", alias_generator=lambda name: JSON_NAMES.get(name, name)
    )
    return pydantic.TypeAdapter(tuple[kind], config=config)


def _check_limits(value: Any, where: str) -> None:
    """Refuse what is nested too deeply, too large a number or too long a text, whatever it may be."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
            elif isinstance(item, str):
                if len(item) > LONGEST_TEXT:
                    raise MisfitError(f"{where} has too long a text")
            elif isinstance(item, float):
                if not abs(item) <= _LARGEST:
                    raise MisfitError(f"{where} has too large a number")
            elif isinstance(item, int) and not -_LARGEST_INTEGER <= item < _LARGEST_INTEGER:
                raise MisfitError(f"{where} has too large a number")
        if not inner:
            return
        level = inner
    raise MisfitError(f"{where} is nested too deeply")


def _reason(problem: Any, where: str) -> str:
    """Say in words which value is wrong, and how."""
    place = [part for part in problem["loc"][1:] if isinstance(part, str)]
    if problem["type"] == "missing":
        return f"{'.'.join([where, *place[:-1]]):.80} has no {place[-1]}"
    name = f"{'.'.join([where, *place]):.80}"
    if problem["type"] == "unexpected_keyword_argument":
        return f"{name} is unknown"
    return f"{name} is no table" if problem["type"] == "dataclass_type" else f"{name} is not what it should be"
