"""Settings from a TOML file and from flags, checked.

:func:`read_settings` reads a file, :func:`merge` lays flags over it, and :func:`settings_from` checks the result; each
message names the key and what is allowed.
"""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pydantic

from reportgen.errors import SettingsError
from reportgen.settings import Settings


def read_settings(path: Path) -> dict[str, Any]:
    """Read a settings file as nested tables, its paths made relative to the file's folder.

    Raises
    ------
    SettingsError
        When it can't be read, is no TOML, or has an unknown key or a wrong value.
    """
    tables = read_toml(path, "settings file")
    settings_from(tables, str(path))
    return _resolved(tables, path.parent)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    SettingsError
        When it's missing, a folder, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{what} not found: {path}", "check the path") from None
    except OSError as problem:
        raise SettingsError(f"{what} can't be read: {path} ({problem.strerror})") from None
    except (ValueError, RecursionError) as problem:
        raise SettingsError(f"{path} is not valid TOML: {problem}", "mend the line it names") from None


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one set of nested tables over another: what stands above wins, tables are merged key by key."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def settings_from(tables: Mapping[str, Any], source: str = "settings") -> Settings:
    """Check nested tables and return them as settings.

    Raises
    ------
    SettingsError
        Naming the key, what is wrong, and what is allowed.
    """
    return convert(tables, Settings, source)


S = typing.TypeVar("S")


def convert(tables: Mapping[str, Any], kind: type[S], source: str) -> S:
    """Check nested tables against a dataclass of settings and return an instance of it.

    Raises
    ------
    SettingsError
        Naming the key, what is wrong, and what is allowed.
    """
    _refuse_unknown_keys(tables, kind, source, ())
    try:
        return pydantic.TypeAdapter(kind).validate_python(tables)
    except pydantic.ValidationError as problem:
        raise SettingsError(f"{source}: {_reason(problem.errors(include_url=False), tables)}") from None


def _reason(errors: Sequence[Any], tables: Mapping[str, Any]) -> str:
    """Tell the first wrong key with all that would be right; a choice of types gives an error for each."""
    keys = [_key(error["loc"], tables) for error in errors]
    reasons = dict.fromkeys(
        error["msg"][0].lower() + error["msg"][1:] for error, key in zip(errors, keys, strict=True) if key == keys[0]
    )
    value: Any = tables
    for part in keys[0]:
        value = value[part] if not isinstance(value, Mapping) or part in value else None
    given = "" if isinstance(value, Mapping) or value is None else f" (it is {value!r:.60})"
    return f"'{'.'.join(map(str, keys[0]))}': {' or '.join(reasons)}{given}"


def _key(place: Sequence[Any], tables: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the part of an error's place that is a key of the tables; the rest names types."""
    key: list[Any] = []
    value: Any = tables
    for part in place:
        if isinstance(value, Mapping):
            key.append(part)
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            key.append(part)
            value = value[part]
        else:
            break
    return tuple(key)


def _refuse_unknown_keys(tables: Mapping[str, Any], kind: Any, source: str, place: tuple[str, ...]) -> None:
    known = typing.get_type_hints(kind)
    for key, value in tables.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            where = f" in [{'.'.join(place)}]" if place else ""
            advice = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            raise SettingsError(f"{source}: unknown key '{key}'{where}", advice)
        inner, many = _section_type(known[key])
        if inner is not None:
            for item in value if many and isinstance(value, list | tuple) else [value]:
                if isinstance(item, Mapping):
                    _refuse_unknown_keys(item, inner, source, (*place, key))


def _section_type(annotation: Any) -> tuple[type | None, bool]:
    """Return the dataclass in an annotation, if there is one, and whether it stands in a tuple."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return annotation, False
    many = typing.get_origin(annotation) is tuple
    if many or typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            found, _ = _section_type(part)
            if found is not None:
                return found, many
    return None, False


def _resolved(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the paths in a settings file relative to the folder it lies in."""

    def located(value: Any) -> Any:
        return str(folder / value) if isinstance(value, str) else value

    resolved = merge(tables, {})
    if "cases" in resolved:
        resolved["cases"] = [{**case, "image": located(case["image"])} for case in resolved["cases"]]
    if "output" in resolved:
        resolved["output"] = {key: located(value) for key, value in resolved["output"].items()}
    model = dict(resolved.get("model", {}))
    if "path" in model:
        model["path"] = _resolved_model(model["path"], folder)
    if isinstance(model.get("class_names"), str):
        model["class_names"] = located(model["class_names"])
    commentary = dict(resolved.get("commentary", {}))
    if "folder" in commentary:
        commentary["folder"] = located(commentary["folder"])
    return {**resolved, **({"model": model} if model else {}), **({"commentary": commentary} if commentary else {})}


def _resolved_model(path: str, folder: Path) -> str:
    if not path.startswith("keras:"):
        return str(folder / path)
    name, separator, weights = path.partition("@")
    return path if weights in ("", "random") else f"{name}{separator}{folder / weights}"
