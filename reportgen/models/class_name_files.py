"""Files of class names, in the forms in which tools write them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.report.names import are_different, plain_name
from reportgen.system.errors import SettingsError
from reportgen.system.files import read_bytes
from reportgen.system.language import mark, say

MOST_BYTES = 16 << 20
_WHEN_LARGER = "a list of class names is short; is it the right file?"
# the names under which tools keep a list of names among other things, in their plain form
_KEYS = (
    "classes", "classnames", "labels", "names", "classlabels", "labelnames", "categories", "id2label", "label2id",
    "classindices",
)  # fmt: skip
_NUMBERED = re.compile(r"(\d+)(?:\s*[:;,=)]\s*|\s*\.\s*(?=\D)|\s*-\s+|\s+)(\S.*)")
_SEPARATORS = ",;\t"
FROM_ONE = mark("The class names are numbered from 1 in their file: the first is taken for the model's first output.")


@dataclass(frozen=True)
class NamesFile:
    """Class names in the order of a model's outputs, and what was assumed to put them there."""

    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_class_names(path: Path) -> tuple[str, ...]:
    """Return the names in a file; see :func:`read_names_file`.

    Raises
    ------
    SettingsError
        As there.
    """
    return read_names_file(path).names


def parse_class_names(data: bytes, path: Path) -> tuple[str, ...]:
    """Do as :func:`read_class_names` does with the content of a file that lies, or would lie, at ``path``.

    Raises
    ------
    SettingsError
        As there.
    """
    return _parsed(data, path).names


def read_names_file(path: Path) -> NamesFile:
    """Read class names from a file.

    ``.txt``: one name a line, also numbered as Teachable Machine does it (``0 Normal``), or all in one line, between
    commas. ``.json``: a list of names; ``{"classes": [...]}`` and the like; ImageNet's class index ``{"0":
    ["n01440764", "tench"], ...}``; ``{"0": "tench", ...}``; or Keras's class indices ``{"tench": 0, ...}``. Numbers
    begin at 0, else at 1; they are part of the names where they are not complete and in order, or where the names
    would not be told apart without them.

    Raises
    ------
    SettingsError
        When the file can't be read, has more than 16 MiB, or has none of these forms.
    """
    return _parsed(
        read_bytes(path, SettingsError, "class names file", limit=MOST_BYTES, when_larger=_WHEN_LARGER), path
    )


def _parsed(data: bytes, path: Path) -> NamesFile:
    text = data.decode("utf-8-sig", errors="replace").strip()
    if path.suffix.lower() != ".json" and text[:1] not in ("[", "{"):
        return _unnumbered(_lines(text))
    try:
        return _in_json(json.loads(text))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        if path.suffix.lower() != ".json":
            return _unnumbered(_lines(text))
        raise SettingsError(
            f"{path} holds no class names",
            'give a list, {"classes": [...]}, {"0": "name"}, {"name": 0} or ImageNet\'s class index',
        ) from None


def _lines(text: str) -> list[str]:
    """Return the names in a text: one a line, or all in one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    separator = next((sign for sign in _SEPARATORS if sign in text), None)
    if len(lines) != 1 or separator is None:
        return lines
    try:
        [parts] = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error:  # a field that is longer than a name can be
        parts = lines[0].split(separator)
    return [part.strip() for part in parts if part.strip()]


def _unnumbered(lines: Sequence[str]) -> NamesFile:
    """Return names without the numbers before them, where those are only that."""
    found = [_NUMBERED.fullmatch(line) for line in lines]
    parts = [(int(match[1][:9]), match[2]) for match in found if match]
    names = tuple(name for _, name in parts)
    numbers = [number for number, _ in parts]
    if not lines or len(parts) < len(lines) or not are_different(names):
        return NamesFile(tuple(lines))
    for first, notes in ((0, ()), (1, (say(FROM_ONE),))):
        if numbers == list(range(first, first + len(lines))):
            return NamesFile(names, notes)
    return NamesFile(tuple(lines))


def _in_json(content: Any) -> NamesFile:
    if isinstance(content, list) and content and all(isinstance(name, str) for name in content):
        return NamesFile(tuple(content))
    if not isinstance(content, dict) or not content:
        raise ValueError
    plain = {plain_name(str(key)): value for key, value in content.items()}
    inner = next((plain[key] for key in _KEYS if isinstance(plain.get(key), list | dict)), None)
    if inner is not None:
        return _in_json(inner)
    if all(isinstance(value, int) for value in content.values()):
        content = {str(number): name for name, number in content.items()}
    first = 0 if "0" in content else 1
    values = [content[str(number)] for number in range(first, first + len(content))]
    return NamesFile(_told_apart(values), (say(FROM_ONE),) if first else ())


def _told_apart(values: Sequence[Any]) -> tuple[str, ...]:
    """Return names; of ImageNet's, which has two cranes, those that mean two things with their number."""
    pairs = [(str(value[1]), str(value[0])) if isinstance(value, list) else (str(value), "") for value in values]
    plain = [plain_name(name) for name, _ in pairs]
    seen: dict[str, int] = {}
    for name in plain:
        seen[name] = seen.get(name, 0) + 1
    return tuple(
        f"{name} ({number})" if number and seen[key] > 1 else name
        for (name, number), key in zip(pairs, plain, strict=True)
    )
