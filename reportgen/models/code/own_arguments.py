"""The user's own classes against what a file gives them: whether each can be made of the settings that stand there.

Keras makes every layer of its settings by name, those of its own (``name``, ``trainable``, ``dtype``) among them. A
class that doesn't take one of these, or needs one that isn't in the file, fails deep inside Keras, in its own words.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from reportgen.system.errors import ModelError

_OF_EVERY_LAYER = ("name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape")
_SHAPES = "shape"  # in the names of settings that Keras 2 keeps and layers of Keras 3 aren't given


def check_own_classes(config: Any, custom: Mapping[str, Any], name: str, *, is_legacy: bool) -> None:
    """Refuse classes that can't be made of what the file holds for them.

    Parameters
    ----------
    config
        Of the model.
    custom
        The user's classes and functions by name.
    name
        Of the file, for the message.
    is_legacy
        Whether Keras 2 reads the file.

    Raises
    ------
    ModelError
        Naming the class, the argument, and how to mend it.
    """
    for table in _tables(config):
        kind = _class_of(table, custom)
        settings = table.get("config")
        if kind is None or not isinstance(settings, dict):
            continue
        if not hasattr(kind, "from_config"):
            raise ModelError(
                f"{name} needs '{kind.__name__}' as a class of Keras, and what was given has no from_config",
                "derive it from keras.layers.Layer",
            )
        keras = "tf_keras" if _is_of(kind, "tf_keras") else "keras"
        if keras == "tf_keras" and not is_legacy:
            raise ModelError(
                f"{name} was saved by Keras 3, and '{kind.__name__}' is a class of Keras 2 (tf_keras)",
                "derive it from keras.layers.Layer of Keras 3",
            )
        given = {key for key in settings if not (is_legacy and keras == "keras" and _SHAPES in key)}
        if _makes_itself_by_name(kind) and not (_is_model(kind) and "layers" in settings):
            _check_arguments(kind, given, name)


def _check_arguments(kind: type, given: set[str], name: str) -> None:
    try:
        taken = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    except (TypeError, ValueError):
        return
    names = [one.name for one in taken if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    missing = [one.name for one in taken if one.name in names and one.default is one.empty and one.name not in given]
    takes_all = any(one.kind is one.VAR_KEYWORD for one in taken)
    unknown = [] if takes_all else sorted(given.difference(names), key=lambda key: (key in _OF_EVERY_LAYER, key))
    if missing:
        raise ModelError(
            f"{name} doesn't hold {_listed(missing)}, which class '{kind.__name__}' needs",
            f"give {'it a default' if len(missing) == 1 else 'them defaults'} in its __init__, or save the model again "
            "with a get_config that returns it",
        )
    if unknown and all(one in _OF_EVERY_LAYER for one in unknown):
        raise ModelError(
            f"class '{kind.__name__}' takes no {_listed(unknown)}, which {name} gives it as Keras gives every layer",
            "let its __init__ end in **kwargs, and pass them on: super().__init__(**kwargs)",
        )
    if unknown:
        raise ModelError(
            f"class '{kind.__name__}' takes no {_listed(unknown)}, which {name} gives it",
            "give the class that the model was saved with, or let its __init__ take it",
        )


def _tables(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _class_of(table: Mapping[str, Any], custom: Mapping[str, Any]) -> type | None:
    registered = table.get("registered_name")
    names = [table["class_name"], *([registered.rpartition(">")[2]] if isinstance(registered, str) else [])]
    return next((custom[name] for name in names if isinstance(custom.get(name), type)), None)


def _is_of(kind: type, package: str) -> bool:
    return any(one.__module__.split(".", 1)[0] == package for one in kind.__mro__)


def _is_model(kind: type) -> bool:
    return any(one.__name__ == "Model" for one in kind.__mro__)


def _makes_itself_by_name(kind: Any) -> bool:
    """Whether Keras's own way makes it: a from_config of the class may do anything."""
    owner = next((one for one in kind.__mro__ if "from_config" in vars(one)), None)
    return owner is not None and owner.__module__.split(".", 1)[0] in ("keras", "tf_keras")


def _listed(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
