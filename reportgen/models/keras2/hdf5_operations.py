"""Operations on tensors (``x / 255``) in HDF5 files of Keras 3, which Keras writes but doesn't read again.

It takes their names for those of layers, ``Add`` for the layer of that name and others for unknown ones, since these
files say of nothing in which module it is, and forgets over which axes they go. With the modules written in, it reads
them as it reads ``.keras`` files.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

from reportgen.models.formats.application_layers import application_layers

# no operations by themselves: they are made of others, or of functions that no configuration holds
_COMPOSED = ("Operation", "Function", "Cond", "ForiLoop", "Map", "Scan", "AssociativeScan", "Switch", "VectorizedMap",
             "WhileLoop")  # fmt: skip


def is_operation(table: dict[str, Any]) -> bool:
    """Return whether a configuration in an HDF5 file describes an operation: unlike layers, it has no ``trainable``.

    Parameters
    ----------
    table
        ``class_name`` and ``config``.
    """
    config = table.get("config")
    known = "module" not in table and table.get("class_name") in _operations()
    return known and isinstance(config, dict) and "trainable" not in config


def has_operations(value: Any) -> bool:
    """Return whether there is an operation anywhere in a configuration."""
    if isinstance(value, list):
        return any(map(has_operations, value))
    return isinstance(value, dict) and (is_operation(value) or any(map(has_operations, value.values())))


def with_modules(value: Any) -> Any:
    """Return a configuration in which the layers and operations of Keras say in which module they are."""
    import keras

    if isinstance(value, list):
        return [with_modules(item) for item in value]
    if not isinstance(value, dict):
        return value
    inside = {key: with_modules(item) for key, item in value.items()}
    name = value.get("class_name")
    if not isinstance(name, str) or "module" in value or not isinstance(value.get("config"), dict):
        return inside
    if is_operation(value):
        return {**inside, "module": _operations()[name].__module__}
    if name in application_layers():
        return {**inside, "module": application_layers()[name].__module__}
    home = next((home for home in ("layers", "models") if hasattr(getattr(keras, home), name)), None)
    if name == "Functional":
        home = "src.models.functional"
    return {**inside, "module": f"keras.{home}"} if home else inside


def item_operation() -> dict[str, type]:
    """Return what reads ``x[...]``: JSON has no tuples, so that the file has a list of the parts instead."""
    kind: Any = _operations()["GetItem"]

    class GetItem(kind):  # type: ignore[misc]
        def __call__(self, x: Any, key: Any) -> Any:
            return super().__call__(x, tuple(key) if isinstance(key, list) else key)

    GetItem.__module__ = kind.__module__
    return {"GetItem": GetItem}


@functools.cache
def _operations() -> dict[str, type]:
    import keras

    home = importlib.import_module("keras.src.ops")
    modules = [value for value in vars(home).values() if inspect.ismodule(value)]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, keras.Operation)
        and value.__module__ == module.__name__
        and name not in _COMPOSED
    }
