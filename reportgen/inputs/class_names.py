"""Class names: from settings, a file, the model's notes, or the labels of the cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportgen.errors import SettingsError
from reportgen.inputs.files import read_bytes
from reportgen.names import plain_name

MOST_BYTES = 16 << 20
_WHEN_LARGER = "a list of class names is short; is it the right file?"


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read class names from a file.

    ``.txt``: one name a line. ``.json``: a list of names; ImageNet's class index ``{"0": ["n01440764", "tench"],
    ...}``; ``{"0": "tench", ...}``; or Keras's class indices ``{"tench": 0, ...}``.

    Raises
    ------
    SettingsError
        When the file can't be read, has more than 16 MiB, or has none of these forms.
    """
    data = read_bytes(path, SettingsError, "class names file", limit=MOST_BYTES, when_larger=_WHEN_LARGER)
    return parse_class_names(data, path)


def parse_class_names(data: bytes, path: Path) -> tuple[str, ...]:
    """Do as :func:`read_class_names` does with the content of a file that lies, or would lie, at ``path``.

    Raises
    ------
    SettingsError
        As there.
    """
    text = data.decode("utf-8-sig", errors="replace")
    if path.suffix.lower() != ".json":
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        return _names_in(json.loads(text))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise SettingsError(
            f"{path} holds no class names", 'give a list, {"0": "name"}, {"name": 0} or ImageNet\'s class index'
        ) from None


def resolve_class_names(
    count: int,
    given: Sequence[str] | str | None,
    noted: Sequence[str] | None,
    labels: Sequence[str | None],
    model_name: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (class names, notes for the report).

    Parameters
    ----------
    count
        How many classes the model has (2 for one sigmoid).
    given
        From the settings: names, or the path of a file of them.
    noted
        From the model's own notes.
    labels
        Labels of the cases.
    model_name
        For messages.

    Raises
    ------
    SettingsError
        When the number of names is not the number of classes.
    """
    names = read_class_names(Path(given)) if isinstance(given, str) else given
    names = names if names is not None else noted
    if names is not None:
        if len(names) != count:
            raise SettingsError(
                f"{len(names)} class names for {model_name}, which has {count} classes",
                f"give {count} names in the order of the model's outputs (one sigmoid has 2: negative, positive)",
            )
        if len({plain_name(name) for name in names}) < count:
            raise SettingsError(
                f"class names for {model_name} are not all different", "capitals, spaces, _ and - don't count"
            )
        return tuple(names), ()
    spellings = {plain_name(label): label for label in sorted(filter(None, labels), reverse=True)}
    distinct = sorted(spellings.values())
    if len(distinct) == count:
        note = (
            f"Class names were not given. Assumed from the labels, in alphabetical order as Keras's folder loader "
            f"has it: {', '.join(distinct)}."
        )
        return tuple(distinct), (note,)
    return tuple(f"class {number}" for number in range(count)), ("Class names were not given: classes are numbered.",)


def resolve_output_names(
    count: int, given: Sequence[str] | str | None, noted: Sequence[str] | None, model_name: str
) -> tuple[str, ...]:
    """Return what the numbers that a regression gives are called: as given, as noted, or numbered.

    Raises
    ------
    SettingsError
        When the number of names is not the number of outputs.
    """
    names = read_class_names(Path(given)) if isinstance(given, str) else given
    names = names if names is not None else noted
    if names is None:
        return ("output",) if count == 1 else tuple(f"output {number}" for number in range(count))
    if len(names) != count:
        raise SettingsError(f"{len(names)} names for {model_name}, which gives {count} numbers", f"give {count}")
    return tuple(names)


def _names_in(content: Any) -> tuple[str, ...]:
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return tuple(content)
    if not isinstance(content, dict) or not content:
        raise ValueError
    if all(isinstance(value, int) for value in content.values()):
        content = {str(number): name for name, number in content.items()}
    values = [content[str(number)] for number in range(len(content))]
    return tuple(str(value[1]) if isinstance(value, list) else str(value) for value in values)
