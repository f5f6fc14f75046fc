"""Lambda layers: what they name or carry, and the user's own functions in place of what they carry.

Code that is of another Python, or refers to what isn't there, can't be run by anybody. Whoever has its source writes it
anew as a function called as the layer is, and the configuration is changed to name that; the file is left as it is.
"""

from __future__ import annotations

import copy
import keyword
import re
from collections.abc import Iterator, Sequence
from typing import Any


def function_name(table: dict[str, Any]) -> str | None:
    """Return the function that a Lambda layer names, or None where it carries the code itself."""
    config = table.get("config")
    if table["class_name"] != "Lambda" or not isinstance(config, dict):
        return None
    function = config.get("function")
    if isinstance(function, dict) and function.get("class_name") == "function":
        function = function.get("config")
    elif config.get("function_type") != "function":
        return None
    # what else it may carry is code as well, but for the sides of a shape
    rest = all(_is_data(config.get(key)) for key in ("output_shape", "mask"))
    return function if isinstance(function, str) and function.isidentifier() and rest else None


def _is_data(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_data(item) for item in value)
    return value is None or isinstance(value, int | float) or value == {}


def with_own_functions(config: dict[str, Any], custom: Sequence[str]) -> dict[str, Any]:
    """Return a configuration in which Lambda layers name the user's functions instead of carrying code.

    Parameters
    ----------
    config
        As in the model file; it's left as it is.
    custom
        Names of what the user gives: a function called as a Lambda layer is takes the place of the layer's code.

    Returns
    -------
    dict
        The configuration itself where there is nothing to be replaced.
    """
    if not any(own_function(table) in custom for table in _lambda_layers(config)):
        return config
    changed = copy.deepcopy(config)
    for table in _lambda_layers(changed):
        if own_function(table) in custom:
            _name_function(table["config"], own_function(table))
    return changed


def own_function(table: dict[str, Any]) -> str:
    """Return what a function is called that takes the place of a Lambda layer's code; empty where none can."""
    settings = table.get("config")
    if table.get("class_name") != "Lambda" or not isinstance(settings, dict) or function_name(table) is not None:
        return ""
    layer = settings.get("name")
    name = re.sub(r"\W", "_", layer) if isinstance(layer, str) else ""
    name = f"_{name}" if name[:1].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name


def _lambda_layers(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "Lambda":
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _name_function(settings: dict[str, Any], name: str) -> None:
    """Let the settings of a Lambda layer name a function, in the way of the Keras that wrote them."""
    if "function_type" in settings:
        settings |= {"function": name, "function_type": "function", "module": None}
        settings |= {"output_shape": None, "output_shape_type": "raw", "output_shape_module": None}
    else:
        settings["function"] = {
            "module": "builtins", "class_name": "function", "config": name, "registered_name": "function"
        }  # fmt: skip
        settings.pop("output_shape", None)
    for key in ("mask", "mask_type", "mask_module"):
        settings.pop(key, None)
