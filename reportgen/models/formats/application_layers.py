"""Layers that Keras defines for its applications alone, such as ConvNeXt's LayerScale: they have no public name."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any, Literal

# Keras 2 registered one of its own, as others register theirs
_REGISTERED = "Custom>"
# arguments that every layer takes
_OF_ALL = ("name", "trainable", "dtype")


@functools.cache
def application_layers(package: Literal["keras", "tf_keras"] = "keras") -> dict[str, type]:
    """Return the layers by name, of Keras 3 or of Keras 2.

    Only what the modules of keras.applications define themselves: nothing that anyone registered.
    """
    keras = importlib.import_module(package)
    home = importlib.import_module(f"{package}.src.applications")
    modules = (value for value in vars(home).values() if inspect.ismodule(value))
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, keras.layers.Layer) and value.__module__ == module.__name__
    }


def is_application_layer(table: dict[str, Any]) -> bool:
    """Return whether a configuration describes one of these layers.

    Where no module is named, as in HDF5 files, its settings must be those of the layer in Keras: others have layers of
    the same name.

    Parameters
    ----------
    table
        ``class_name``, ``config`` and, of some formats, ``module``.
    """
    name, config = str(table.get("class_name")).removeprefix(_REGISTERED), table.get("config")
    kind = application_layers().get(name)
    if kind is None or not isinstance(config, dict):
        return False
    if table.get("registered_name") not in (None, name, _REGISTERED + name):
        return False
    taken = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    return set(config) <= {*taken, *_OF_ALL}
