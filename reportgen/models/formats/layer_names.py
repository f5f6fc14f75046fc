"""Names of layers: those that TensorFlow takes as names of its own, those that Keras 3 takes, and those of the file.

Keras enters every layer's name as a scope when a graph is made, and one that TensorFlow refuses (a space is enough)
stays entered: from then on no graph can be made. So names are looked at first.

Keras 3 refuses names with a slash, and two operations of one name in a model. A layer that is made again may need
another name than it has in the user's file; it is shown, and found, by the one in the file.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


class NewNames:
    """Names for layers that are made again: as in the file where Keras 3 takes them, and never one of another layer.

    Parameters
    ----------
    in_file
        All names of layers in the file, also of those in models inside.
    """

    def __init__(self, in_file: Iterable[str]) -> None:
        self._taken = set(in_file)
        self._names: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the name for what the file calls ``name``: the same whenever it's asked for."""
        if name not in self._names:
            plain = name.replace("/", "_")
            self._names[name] = name if plain == name else self.unused(plain)
        return self._names[name]

    def unused(self, name: str) -> str:
        """Return a name that nothing has: ``name`` itself, or with a number."""
        found = first_unused(name, self._taken)
        self._taken.add(found)
        return found


def first_unused(name: str, taken: Iterable[str]) -> str:
    """Return ``name``, or it with the first number that makes it one that isn't taken."""
    known = set(taken)
    numbered = (f"{name}_{number}" for number in itertools.count(1))
    return next(one for one in itertools.chain([name], numbered) if one not in known)


def call_as_in_file(layer: Any, name: str) -> None:
    """Note what the file calls a layer that had to be given another name."""
    if layer.name != name:
        layer.name_in_file = name


def name_in_file(layer: Any) -> str:
    """Return what the user's file calls a layer."""
    return str(getattr(layer, "name_in_file", layer.name))


def is_plain_layer_name(name: str) -> bool:
    """Return whether TensorFlow takes a name."""
    return _PLAIN.fullmatch(name) is not None


def has_plain_names(model: Any) -> bool:
    """Return whether TensorFlow takes the names of a model and of all layers inside."""
    names = (str(getattr(layer, "name", "")) for layer in _layers(model))
    return all(not name or is_plain_layer_name(name) for name in names)


def with_plain_names(config: Any) -> Any:
    """Return a configuration in which layers whose names TensorFlow doesn't take have others, wherever they stand."""
    renamed = {
        name: f"layer_{at}" for at, name in enumerate(dict.fromkeys(_names(config))) if not is_plain_layer_name(name)
    }
    return _replaced(config, renamed) if renamed else config


def _layers(model: Any) -> Iterator[Any]:
    yield model
    for layer in getattr(model, "layers", ()):
        yield from _layers(layer)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("name"), str):
            yield value["name"]
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
