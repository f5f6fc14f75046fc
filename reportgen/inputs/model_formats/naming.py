"""Names of layers that TensorFlow takes as names of its own, and those that it doesn't (a space is enough).

Keras enters every layer's name as a scope when a graph is made, and one that TensorFlow refuses stays entered: from
then on no graph can be made. So names are looked at first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


def is_plain(name: str) -> bool:
    """Return whether TensorFlow takes a name."""
    return _PLAIN.fullmatch(name) is not None


def has_plain_names(model: Any) -> bool:
    """Return whether TensorFlow takes the names of a model and of all layers inside."""
    names = (str(getattr(layer, "name", "")) for layer in _layers(model))
    return all(not name or is_plain(name) for name in names)


def with_plain_names(config: Any) -> Any:
    """Return a configuration in which layers whose names TensorFlow doesn't take have others, wherever they stand."""
    renamed = {name: f"layer_{at}" for at, name in enumerate(dict.fromkeys(_names(config))) if not is_plain(name)}
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
