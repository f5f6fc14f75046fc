"""Plain JSON -> dataclasses, each value checked against the type of its field: what is read back can be anything."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from typing import Any

DEEPEST = 60
LONGEST_TEXT = 100_000
_LARGEST_INTEGER = 1 << 63


class MisfitError(ValueError):
    """A value is not what a field asks for; says where, in words."""


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """Return a value as the type of a field asks: dataclasses from tables, tuples from lists, NaN from null.

    Parameters
    ----------
    kind
        A type or an annotation.
    value
        What JSON gave.
    where
        What to call the value in messages.

    Raises
    ------
    MisfitError
        When it's something else, nested too deeply, too large a number or too long a text.
    """
    return _made(kind, value, where, 0)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _made(kind: Any, value: Any, where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise MisfitError(f"{where:.80} is nested too deeply")
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _table(kind, value, where, depth)
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(kind), value, where, depth)
    if origin is tuple and isinstance(value, list):
        kinds = typing.get_args(kind)
        many = len(kinds) == 2 and kinds[1] is Ellipsis
        if many or len(kinds) == len(value):
            asked = [kinds[0]] * len(value) if many else kinds
            return tuple(_made(k, v, where, depth + 1) for k, v in zip(asked, value, strict=True))
    elif origin is dict and isinstance(value, dict):
        return {key: _made(typing.get_args(kind)[1], item, where, depth + 1) for key, item in value.items()}
    return _leaf(kind, value, where, depth)


def _leaf(kind: Any, value: Any, where: str, depth: int) -> Any:
    if kind in (object, Any):
        return _plain(value, where, depth)
    if kind is float:
        return _number(value, where)
    if isinstance(kind, type) and type(value) is kind:
        return _scalar(value, where)
    raise MisfitError(f"{where:.80} is not what it should be")


def _number(value: Any, where: str) -> float:
    """Return a number; what isn't finite is null in JSON."""
    if value is None:
        return math.nan
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e308:
        return value
    raise MisfitError(f"{where:.80} is not what it should be")


def _scalar(value: Any, where: str) -> Any:
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        raise MisfitError(f"{where:.80} is too large a number")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise MisfitError(f"{where:.80} is too long a text")
    return value


def _plain(value: Any, where: str, depth: int) -> Any:
    """Return a value that may be anything, if it isn't nested too deeply and holds nothing excessive."""
    if depth > DEEPEST:
        raise MisfitError(f"{where:.80} is nested too deeply")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _plain(item, where, depth + 1)
    return _scalar(value, where)


def _table(kind: type, value: Any, where: str, depth: int) -> Any:
    if not isinstance(value, dict):
        raise MisfitError(f"{where:.80} is no table")
    given = {}
    for item in dataclasses.fields(kind):
        key = item.metadata.get("json", item.name)
        if key in value:
            given[item.name] = _made(_hints(kind)[item.name], value[key], f"{where}.{key}", depth + 1)
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise MisfitError(f"{where:.80} has no {key}")
    return kind(**given)


def _one_of(kinds: tuple[Any, ...], value: Any, where: str, depth: int) -> Any:
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None):
            try:
                return _made(kind, value, where, depth + 1)
            except MisfitError:
                continue
    raise MisfitError(f"{where:.80} is not what it should be")
