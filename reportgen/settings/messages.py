"""What a setting may be, in words made from its type, and what it is instead, however odd that is."""

from __future__ import annotations

import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from reportgen.settings.values import LARGEST
from reportgen.system.text import visible

_COUNTS = {2: "two", 3: "three"}


class _Brief(reprlib.Repr):
    """Python's way to show a value, cut short; numbers of thousands of digits, which it refuses to write, are named."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60

    def repr_int(self, x: int, level: int) -> str:
        return "a huge number" if x.bit_length() > 1000 else super().repr_int(x, level)


def brief(value: object) -> str:
    """Return a value for a message: short, on one line, nothing in it that acts."""
    return visible(_Brief().repr(value))


def describe_wanted(kind: Any, key: Sequence[Any]) -> tuple[tuple[Any, ...], str]:
    """Say what may stand at a key.

    Parameters
    ----------
    kind
        A dataclass of settings.
    key
        Names and numbers that lead from it to a value.

    Returns
    -------
    tuple
        The key as far as its type is one, (a choice of types is told as a whole), and what is allowed there in words.
    """
    for at, part in enumerate(key):
        kind = _bare(kind)
        if is_dataclass(kind):
            kind = typing.get_type_hints(kind, include_extras=True)[part]
        elif typing.get_origin(kind) is dict:
            kind = typing.get_args(kind)[1]
        elif typing.get_origin(kind) is tuple:
            members = typing.get_args(kind)
            kind = members[0] if members[-1] is Ellipsis else members[min(part, len(members) - 1)]
        else:
            return tuple(key[:at]), _words(kind)[0]
    return tuple(key), _words(kind)[0]


def fields_at(kind: Any, key: Sequence[Any]) -> list[str]:
    """Return the names that a dataclass of settings knows at a key; none where there is no table of known names."""
    for part in key:
        kind = _bare(kind)
        if is_dataclass(kind):
            kind = typing.get_type_hints(kind, include_extras=True).get(part)
        elif typing.get_origin(kind) is tuple:
            kind = typing.get_args(kind)[0]
    kind = _bare(kind)
    return list(typing.get_type_hints(kind)) if is_dataclass(kind) else []


def value_at(tables: Any, key: Sequence[Any]) -> tuple[bool, Any]:
    """Return whether there is a value at a key, and the value."""
    for part in key:
        if isinstance(tables, Mapping) and part not in tables:
            return False, None
        tables = tables[part]
    return True, tables


def _bare(kind: Any) -> Any:
    """Return a type without None as a choice, and without limits."""
    while True:
        members = [member for member in typing.get_args(kind) if member is not types.NoneType]
        if typing.get_origin(kind) is not typing.Annotated and not (_is_choice(kind) and len(members) == 1):
            return kind
        kind = members[0]


def _is_choice(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _words(kind: Any) -> tuple[str, str]:
    """Describe a type: one of it, and many of it."""
    origin, members = typing.get_origin(kind), typing.get_args(kind)
    if _is_choice(kind):
        words = [_words(member) for member in members if member is not types.NoneType]
        return " or ".join(one for one, _ in words), " or ".join(many for _, many in words)
    if origin is typing.Annotated:
        # a text among the limits says it all
        one, many = next(((told, told) for told in members[1:] if isinstance(told, str)), _words(members[0]))
        limits = _limits([limit for given in members[1:] for limit in getattr(given, "metadata", [given])])
        return one + limits, many + limits
    if origin is typing.Literal:
        names = [repr(member) for member in members]
        told = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        return told, told
    if origin is tuple:
        many = _words(members[0])[1]
        count = "" if members[-1] is Ellipsis else f"{_COUNTS.get(len(members), len(members))} "
        return f"a list of {count}{many}", f"lists of {count}{many}"
    if origin is dict:
        return f"a table of {_words(members[1])[1]}", "tables"
    simple = {int: ("a whole number", "whole numbers"), float: ("a number", "numbers"), str: ("a text", "texts"),
              bool: ("true or false", "true or false")}  # fmt: skip
    return simple.get(kind, ("a table", "tables"))


def _limits(given: Sequence[Any]) -> str:
    """Say between what a number must lie."""
    found = {name: getattr(limit, name) for limit in given for name in ("ge", "gt", "le") if hasattr(limit, name)}
    found = {name: value for name, value in found.items() if abs(value) < LARGEST}
    least = f" from {found['ge']}" if "ge" in found else (f" above {found['gt']}" if "gt" in found else "")
    return least + (f" to {found['le']}" if "le" in found else "")
