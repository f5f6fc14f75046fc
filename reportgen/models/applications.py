"""Models named ``keras:NAME``: any architecture of keras.applications."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.system.errors import ModelError

PREFIX = "keras:"
RANDOM = "random"


def build_application(spec: str) -> tuple[Any, str, tuple[str, ...]]:
    """Build ``keras:NAME`` with Keras's own weights, or ``keras:NAME@random``.

    Returns
    -------
    tuple
        The Keras model, its family (the module of keras.applications, which names its preprocessing), and notes.

    Raises
    ------
    ModelError
        When the name is unknown, or weights can't be fetched.
    """
    import keras

    name, weights = split_application(spec)
    family, build = architecture(name, f"known: {', '.join(sorted(_builders(keras.applications)))}")
    if weights == RANDOM:
        keras.utils.set_random_seed(0)
        return build(weights=None), family, ("The weights are random (untrained): scores and maps mean nothing.",)
    advice = f"give a local file with {PREFIX}{name}@weights.h5, or try it out with {PREFIX}{name}@{RANDOM}"
    return _with_weights(build, f"Keras's weights for {name} can't be fetched", advice), family, ()


def split_application(spec: str) -> tuple[str, str]:
    """Return the name and the weights of ``keras:NAME``, ``keras:NAME@random`` or ``keras:NAME@FILE``."""
    name, _, weights = spec.removeprefix(PREFIX).partition("@")
    return name, weights


def architecture(name: str, known: str) -> tuple[str, Any]:
    """Return an architecture's family and the function that builds it.

    Raises
    ------
    ModelError
        When there is none of that name; ``known`` says which there are.
    """
    import keras

    builders = _builders(keras.applications)
    if name not in builders:
        raise ModelError(f"there is no architecture '{name}'", known)
    return builders[name]


def imagenet_class_names(*, fetch: bool) -> tuple[str, ...] | None:
    """Return ImageNet's 1,000 class names where this machine has (or can fetch) Keras's index of them, else None."""
    import keras

    from reportgen.models.class_name_files import read_class_names
    from reportgen.system.errors import SettingsError

    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    path = home / "models" / "imagenet_class_index.json"
    if fetch and not path.is_file():
        try:
            keras.applications.imagenet_utils.decode_predictions(np.zeros((1, 1000)))
        except Exception:  # noqa: BLE001 - whatever the fetch meets, the classes are then numbered
            return None
    try:
        return read_class_names(path)
    except SettingsError:
        return None


def _with_weights(build: Any, what: str, advice: str) -> Any:
    try:
        # Keras tells of a download, with its progress, on standard output, which is for results
        with contextlib.redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
            return build()
    except Exception as problem:
        # network, file and shape errors come as many types
        reason = "no connection" if "URL fetch failure" in str(problem) else str(problem).strip().split("\n")[0][:160]
        raise ModelError(f"{what} ({reason})", advice) from problem


def _builders(applications: types.ModuleType) -> dict[str, tuple[str, Any]]:
    """Return for each architecture its family (a module that holds it with its own preprocessing) and its function."""
    found: dict[str, tuple[str, Any]] = {}
    for family, module in inspect.getmembers(applications, inspect.ismodule):
        if not hasattr(module, "preprocess_input"):
            continue
        for name, builder in inspect.getmembers(module, callable):
            if name[0].isupper() and name not in found and hasattr(applications, name):
                found[name] = (family, builder)
    # a few architectures stand in no module of their own: their family is the longest that their name begins with
    families = _families(applications)
    for name, builder in inspect.getmembers(applications, callable):
        fitting = [family for family in families if name.lower().startswith(family.replace("_", ""))]
        if name[0].isupper() and name not in found and fitting:
            found[name] = (max(fitting, key=len), builder)
    return found


def _families(applications: types.ModuleType) -> set[str]:
    return {family for family, module in inspect.getmembers(applications, inspect.ismodule)
            if hasattr(module, "preprocess_input")}  # fmt: skip
