"""Configurations of Keras 2 that its own later versions no longer read, mended; the file itself is left as it is."""

from __future__ import annotations

import copy
from typing import Any

# their images have one axis more
_OF_FILMS = ("Conv3D", "MaxPooling3D", "AveragePooling3D", "ConvLSTM2D", "TimeDistributed", "Bidirectional")
_ACTIVATIONS = ("activation", "recurrent_activation")


def mend_configuration(config: dict[str, Any]) -> dict[str, Any]:
    """Return a model's configuration as Keras 2 reads it.

    Parameters
    ----------
    config
        As in the file.

    Returns
    -------
    dict
        A copy in which each ``input_shape`` has no batch dimension, ``batch_shape`` is called ``batch_input_shape``,
        activations have the names of today, and Lambda layers name their functions as newer files do.
    """
    changed = copy.deepcopy(config)
    waiting: list[Any] = [changed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
                _mend(value["class_name"], value["config"])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return changed


def _mend(kind: str, settings: dict[str, Any]) -> None:
    shape = settings.get("input_shape")
    if isinstance(shape, list) and len(shape) == 4 and shape[0] is None and kind not in _OF_FILMS:
        settings["batch_input_shape"] = settings.pop("input_shape")
    if kind == "InputLayer" and "batch_shape" in settings:
        settings.setdefault("batch_input_shape", settings.pop("batch_shape"))
    for key in _ACTIVATIONS:
        if isinstance(settings.get(key), str):
            settings[key] = settings[key].removesuffix("_v2")
    function = settings.get("function")
    if isinstance(function, str):
        settings["function"] = function.removesuffix("_v2")
    if kind == "Lambda" and settings.get("function_type") == "function" and isinstance(function, str):
        # where its name alone stands, the reader puts the function too early, and then can't read it
        named = settings["function"]
        settings["function"] = {
            "module": "builtins", "class_name": "function", "config": named, "registered_name": "function"
        }  # fmt: skip
