"""What docs/settings.md tells: every key of the settings file, from the dataclasses that check it."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any

from reportgen.cli.flags import FLAGS
from reportgen.settings.job import Job
from reportgen.settings.messages import describe_wanted
from reportgen.settings.report import Settings

from .docstrings import as_markdown, parse

# flags that are no row of the table of flags; a test looks for them in the command line
OTHER_FLAGS = {
    ("title",): "--title",
    ("language",): "--language",
    ("cases", "image"): "[LABEL=]IMAGE",
    ("cases", "label"): "[LABEL=]IMAGE",
    ("cases", "masks"): "--mask",
    ("output", "html"): "--html",
    ("output", "json"): "--json",
    ("output", "figures"): "--figures",
    ("output", "pdf"): "--pdf",
    ("output", "email"): "--email",
    ("model", "path"): "--model",
    ("occlusion", "enabled"): "--no-occlusion",
}
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Key:
    """One key: what may stand there, in words; its default as TOML; the flags that set it; and what it means."""

    name: str
    allowed: str
    default: str
    flags: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Section:
    """One table of the file, as its head is written; keys without a table come first, with no head."""

    head: str
    what: str
    keys: tuple[Key, ...]


def sections() -> tuple[Section, ...]:
    """Return all sections, what is to be run before how it's reported."""
    return (_loose(), *_of(Job), *_of(Settings))


def default_at(key: tuple[str, ...]) -> Any:
    """Return the default of a key, such as ``("occlusion", "patch")``."""
    whole = Job() if key[0] in {item.name for item in fields(Job)} else Settings()
    value: Any = whole
    for part in key:
        value = getattr(value, part)
    return value


def _loose() -> Section:
    """Return the keys that stand in no table."""
    meanings = parse(Settings).sections["Attributes"]
    keys = [
        _key(Settings, (item.name,), item, meanings[item.name])
        for item in fields(Settings)
        if not is_dataclass(item.default)
    ]
    return Section("", "", tuple(keys))


def _of(kind: type[Job | Settings]) -> Iterator[Section]:
    for item in fields(kind):
        table = typing.get_type_hints(kind)[item.name]
        repeats = typing.get_origin(table) is tuple
        table = typing.get_args(table)[0] if repeats else table
        if is_dataclass(table):
            doc = parse(table)
            meanings = doc.sections["Attributes"]
            path = (item.name, 0) if repeats else (item.name,)
            keys = tuple(_key(kind, (*path, one.name), one, meanings[one.name]) for one in fields(table))
            head = f"[[{item.name}]]" if repeats else f"[{item.name}]"
            yield Section(head, _plain(" ".join((doc.summary, *doc.text))), keys)


def _key(kind: Any, path: tuple[str | int, ...], item: Field[Any], meaning: str) -> Key:
    allowed = re.sub(r"'([^']*)'", r'`"\1"`', describe_wanted(kind, path)[1])
    named = tuple(part for part in path if isinstance(part, str))
    flags = [flag.name for flag in FLAGS if flag.key == named]
    return Key(
        name=item.name,
        allowed=allowed,
        default=_default(item),
        flags=(*([OTHER_FLAGS[named]] if named in OTHER_FLAGS else []), *flags),
        meaning=_plain(meaning),
    )


def _plain(text: str) -> str:
    """Return a text for those who write TOML, which has no None."""
    return without_none(as_markdown(text))


def without_none(text: str) -> str:
    """Return a text with what None means in TOML in its place."""
    text = re.sub(r"(^|\. )None\b", rf"\1{LEFT_OUT.capitalize()}", text)
    return re.sub(r"\bNone\b", LEFT_OUT, text)


def _default(item: Field[Any]) -> str:
    value = item.default_factory() if item.default_factory is not MISSING else item.default
    return "needed" if value is MISSING else LEFT_OUT if value is None else f"`{as_toml(value)}`"


def as_toml(value: Any) -> str:
    """Return a default as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
