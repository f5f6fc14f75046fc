"""Files of weights alone: they belong to an architecture that the user names."""

from __future__ import annotations

import functools
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reportgen.models import applications
from reportgen.models.architectures import ARCHITECTURES
from reportgen.models.formats.identify import ModelFile, damaged_hdf5
from reportgen.models.formats.reasons import reason_of
from reportgen.system.errors import ModelError


def load_weights(file: ModelFile, architecture: str | None) -> tuple[Any, str | None]:
    """Build an architecture and give it the weights in a file.

    Parameters
    ----------
    file
        Weights, checked.
    architecture
        One of the built-in ones, or a name in keras.applications (``VGG16`` or ``keras:VGG16``).

    Returns
    -------
    tuple
        The model, and its family in keras.applications, or None.

    Raises
    ------
    ModelError
        When no architecture is named, or the weights don't fit it.
    """
    known = f"a built-in one ({', '.join(ARCHITECTURES)}) or a name in keras.applications such as VGG16"
    if architecture is None:
        raise ModelError(
            f"{file.path} holds weights only, not the model they belong to",
            f"name it with --architecture: {known}; or save the whole model with model.save()",
        )
    name = architecture.removeprefix(applications.PREFIX)
    if name in ARCHITECTURES:
        family, build = None, ARCHITECTURES[name].build
    else:
        family, of_family = applications.architecture(name, f"known: {known}")
        build = functools.partial(_application, of_family)
    model = build(_classes(file, name, build))
    _fill(model, file, name)
    return model, family


def _application(build: Any, classes: int) -> Any:
    return build(weights=None, classes=classes)


def _fill(model: Any, file: ModelFile, name: str) -> None:
    """Read the weights; what was not in the file would stay random, so every weight must have come from it."""
    stored, wanted = _stored_values(file), _size(model.weights)
    if stored != wanted:
        raise ModelError(
            f"the weights in {file.path} don't fit {name}: {stored:,} values, where it has {wanted:,}",
            "check --architecture",
        )
    with tempfile.TemporaryDirectory() as folder:
        # Keras goes by the ending; the old layout is any other .h5
        link = Path(folder) / ("model.h5" if _is_old_layout(file) else "model.weights.h5")
        link.symlink_to(file.path.absolute())
        try:
            model.load_weights(str(link))
        except Exception as problem:
            reason = reason_of(problem, file.path, link)
            raise ModelError(
                f"the weights in {file.path} don't fit {name} ({reason})", "check --architecture"
            ) from problem


def _is_old_layout(file: ModelFile) -> bool:
    import h5py

    with h5py.File(file.path, "r") as content:
        return "layer_names" in content.attrs


def _sizes(file: ModelFile) -> list[int]:
    """Return how many values each weight in the file has; not those of its optimizer, metrics and generators."""
    import h5py

    found: list[int] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not re.search(
            r"(^|/)(optimizer|metrics|seed_generator|vars_store)", name
        ):
            found.append(math.prod(item.shape))

    try:
        with h5py.File(file.path, "r") as content:
            content.visititems(visit)
    except Exception as problem:
        raise damaged_hdf5(file.path, problem) from problem
    return found


def _stored_values(file: ModelFile) -> int:
    return sum(_sizes(file))


def _classes(file: ModelFile, name: str, build: Callable[[int], Any]) -> int:
    """Return for how many classes the weights are: as many as fill up what the last layer leaves of their number."""
    import tensorflow as tf

    tried = 1000
    with tf.Graph().as_default():  # where weights take no memory
        model = build(tried)
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    each = _size(last.weights) // tried
    rest = _size(model.weights) - tried * each
    count, over = divmod(_stored_values(file) - rest, each)
    if count == 0 and over == 0:
        raise ModelError(
            f"{file.path} holds weights of {name} without its last layer, which gives the classes",
            "save the whole model with model.save()",
        )
    if count < 1 or over:
        raise ModelError(
            f"the weights in {file.path} don't fit {name}: {_stored_values(file):,} values, where it has {rest:,} "
            f"and {each:,} for each class",
            "check --architecture",
        )
    # one output stands for two classes
    return 2 if count == 1 and name in ARCHITECTURES else int(count)


def _size(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)
