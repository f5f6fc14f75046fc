"""Settings from a TOML file and from flags, checked.

:func:`read_settings` reads a file, :func:`merge` lays flags over it; :func:`settings_from` and :func:`job_from` check
the result and each take their half of it: how a report is made, and what is to be run. Each message names the key and
what is allowed.
"""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from reportgen.settings.job import Job
from reportgen.settings.lines import find_line, line_at
from reportgen.settings.messages import brief, describe_wanted, fields_at, value_at
from reportgen.settings.report import Settings
from reportgen.system.errors import SettingsError
from reportgen.system.text import visible

MOST_BYTES = 4 << 20
S = typing.TypeVar("S")
# a key of many parts costs the parser the square of their number: 16,000 take seconds, 100,000 minutes
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}""", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class _Whole(Settings, Job):
    """A settings file: what to run and how, side by side."""


def read_settings(path: Path) -> dict[str, Any]:
    """Read a settings file as nested tables, its paths made relative to the file's folder.

    Raises
    ------
    SettingsError
        When it can't be read, is no TOML, or has an unknown key or a wrong value.
    """
    return parse_settings(read_file(path, "settings file"), path)


def parse_settings(data: bytes, path: Path) -> dict[str, Any]:
    """Do as :func:`read_settings` does with the content of a file that lies, or would lie, at ``path``.

    Raises
    ------
    SettingsError
        As there.
    """
    tables = parse_toml(data, str(path))
    convert(tables, _Whole, str(path), data.decode("utf-8"))
    return _resolved(tables, path.parent)


def parse_as(data: bytes, kind: type[S], name: str) -> S:
    """Parse TOML, check it against a dataclass of settings, and return an instance of it.

    Raises
    ------
    SettingsError
        When it's no TOML, or has an unknown key or a wrong value; with the line where that stands.
    """
    return convert(parse_toml(data, name), kind, name, data.decode("utf-8"))


def read_file(path: Path, what: str) -> bytes:
    """Return the content of a TOML file, of a file that is too large a little more than is allowed.

    Raises
    ------
    SettingsError
        When it's missing, a folder, or can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise SettingsError(f"{what} not found: {path}", "check the path") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise SettingsError(f"{what} can't be read: {path} ({reason})") from None


def parse_toml(data: bytes, name: str) -> dict[str, Any]:
    """Parse TOML.

    Raises
    ------
    SettingsError
        When it's larger than 4 MiB, or not TOML.
    """
    if len(data) > MOST_BYTES:
        raise SettingsError(
            f"{name} is larger than {MOST_BYTES >> 20} MiB", "settings are short; is it the right file?"
        )
    try:
        text = data.decode("utf-8")
        if _LONG_KEY.search(text):
            raise SettingsError(f"{name} has a key of more than 50 parts", "no setting lies that deep")
        return tomllib.loads(text)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise SettingsError(f"{name} is not valid TOML: line {line} is not UTF-8", "save it as UTF-8") from None
    except (ValueError, RecursionError) as problem:
        found = re.search(r"\(at line (\d+)", str(problem))
        shown = line_at(text, int(found[1])) if found else ""
        told = f"{problem!s:.200}" + (f": {shown}" if shown else "")
        raise SettingsError(f"{name} is not valid TOML: {told}", "mend the line it names") from None


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one set of nested tables over another: what stands above wins, tables are merged key by key."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def settings_from(tables: Mapping[str, Any], source: str = "settings") -> Settings:
    """Check nested tables and return what they say of how a report is made.

    Raises
    ------
    SettingsError
        Naming the key, what is wrong, and what is allowed.
    """
    return _part(convert(tables, _Whole, source), Settings)


def job_from(tables: Mapping[str, Any], source: str = "settings") -> Job:
    """Check the same tables and return what they say is to be run.

    Raises
    ------
    SettingsError
        As there.
    """
    return _part(convert(tables, _Whole, source), Job)


def _part(whole: _Whole, kind: type[S]) -> S:
    return kind(**{name: getattr(whole, name) for name in typing.get_type_hints(kind)})


def convert(tables: Mapping[str, Any], kind: type[S], source: str, text: str = "") -> S:
    """Check nested tables against a dataclass of settings and return an instance of it.

    Parameters
    ----------
    tables, kind
        What is checked, and against what.
    source
        What to call it in a message.
    text
        The file that the tables were read from, where there is one: a message then has the line.

    Raises
    ------
    SettingsError
        Naming the key, what is wrong, and what is allowed.
    """
    if not isinstance(tables, Mapping):
        raise SettingsError(f"{source}: not a table of settings", "give keys and values")
    try:
        return typing.cast(S, _adapter(typing.cast(Any, kind)).validate_python((tables,))[0])
    except pydantic.ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False, include_context=False)
        unknown = next((error for error in errors if error["type"] == "unexpected_keyword_argument"), None)
        place = (unknown or errors[0])["loc"][1:]
        key = _key(place, tables)
        told = _unknown(place, kind) if unknown else _reason(key, tables, kind)
        raise SettingsError(f"{source}{_where(text, key)}: {told}") from None


def _where(text: str, key: tuple[Any, ...]) -> str:
    """Say on which line of a file a key stands, and what stands there."""
    line = find_line(text, key) if text else None
    return "" if line is None else f", line {line} ({line_at(text, line)})"


@functools.cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    # inside a tuple, since plain dataclasses take the configuration of what they stand in
    return pydantic.TypeAdapter(tuple[kind], config=pydantic.ConfigDict(extra="forbid"))


def _reason(key: tuple[Any, ...], tables: Mapping[str, Any], kind: Any) -> str:
    """Tell what may stand at a wrong key, and what does."""
    key, allowed = describe_wanted(kind, key)
    there, value = value_at(tables, key)
    name = visible(".".join(f"{part!s:.60}" for part in key))
    return f"'{name}' must be {allowed} (it is {brief(value)})" if there else f"'{name}' is missing: {allowed}"


def _key(place: Sequence[Any], tables: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the part of an error's place that is a key of the tables; the rest names types."""
    key: list[Any] = []
    value: Any = tables
    for part in place:
        if isinstance(value, Mapping) and part != "[key]":
            key.append(part)
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            key.append(part)
            value = value[part]
        else:
            break
    return tuple(key)


def _unknown(place: Sequence[Any], kind: Any) -> str:
    """Say that a key is unknown, and which one may be meant."""
    *outer, key = place
    known = fields_at(kind, outer)
    near = difflib.get_close_matches(f"{key!s:.60}", known, n=1)
    sections = ".".join(str(part) for part in outer if isinstance(part, str))
    where = f" in [{sections}]" if sections else ""
    advice = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"unknown key '{key!s:.60}'{where}; {advice}"


def _resolved(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the paths in a settings file relative to the folder it lies in."""

    def located(value: Any) -> Any:
        return str(folder / value) if isinstance(value, str) else value

    resolved = merge(tables, {})
    if "cases" in resolved:
        resolved["cases"] = [_resolved_case(case, located) for case in resolved["cases"]]
    if "output" in resolved:
        resolved["output"] = {key: located(value) for key, value in resolved["output"].items()}
    model = dict(resolved.get("model", {}))
    if "path" in model:
        model["path"] = _resolved_model(model["path"], folder)
    if isinstance(model.get("class_names"), str):
        model["class_names"] = located(model["class_names"])
    if "evaluation" in model:
        model["evaluation"] = located(model["evaluation"])
    if "smtp" in resolved:
        resolved["smtp"] = {k: located(v) if k == "ca_file" else v for k, v in resolved["smtp"].items()}
    commentary = dict(resolved.get("commentary", {}))
    if "folder" in commentary:
        commentary["folder"] = located(commentary["folder"])
    if "theme" in resolved:
        resolved["theme"] = {k: located(v) if k in ("folder", "logo") else v for k, v in resolved["theme"].items()}
    return {**resolved, **({"model": model} if model else {}), **({"commentary": commentary} if commentary else {})}


def _resolved_case(case: dict[str, Any], located: Callable[[Any], Any]) -> dict[str, Any]:
    resolved = {key: located(value) if key in ("image", "mask") else value for key, value in case.items()}
    if "masks" in case:
        resolved["masks"] = {name: located(path) for name, path in case["masks"].items()}
    return resolved


def _resolved_model(path: str, folder: Path) -> str:
    if not path.startswith("keras:"):
        return str(folder / path)
    name, separator, weights = path.partition("@")
    return path if weights in ("", "random") else f"{name}{separator}{folder / weights}"
