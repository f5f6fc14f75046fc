"""Files of weights alone: they belong to an architecture that the user names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from reportgen.errors import ModelError
from reportgen.inputs import applications
from reportgen.inputs.architectures import ARCHITECTURES
from reportgen.inputs.model_formats.kinds import ModelFile


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
    classes = _classes(file)
    name = architecture.removeprefix(applications.PREFIX)
    if name in ARCHITECTURES:
        family: str | None = None
        model = ARCHITECTURES[name].build(2 if classes in (None, 1) else int(classes or 2))
    else:
        family, build = applications.architecture(name, f"known: {known}")
        model = _application(build, classes, file)
    _fill(model, file, name)
    return model, family


def _application(build: Any, classes: int | None, file: ModelFile) -> Any:
    try:
        return build(weights=None, **({} if classes is None else {"classes": classes}))
    except Exception as problem:
        raise ModelError(f"the architecture for {file.path} can't be built ({problem})", "check the file") from problem


def _fill(model: Any, file: ModelFile, name: str) -> None:
    """Read the weights; what was not in the file would stay random, so every weight must have come from it."""
    import tempfile
    from pathlib import Path

    stored = _stored_values(file)
    wanted = sum(int(np.prod(weight.shape)) for weight in model.weights)
    if stored != wanted:
        raise ModelError(
            f"the weights in {file.path} don't fit {name}: {stored:,} values, where it has {wanted:,}",
            "check --architecture, and the number of classes it was trained for",
        )
    with tempfile.TemporaryDirectory() as folder:
        # Keras goes by the ending; the old layout is any other .h5
        link = Path(folder) / ("model.h5" if _is_old_layout(file) else "model.weights.h5")
        link.symlink_to(file.path.absolute())
        try:
            model.load_weights(str(link))
        except Exception as problem:
            reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200]
            raise ModelError(
                f"the weights in {file.path} don't fit {name} ({reason})", "check --architecture"
            ) from problem


def _is_old_layout(file: ModelFile) -> bool:
    import h5py

    with h5py.File(file.path, "r") as content:
        return "layer_names" in content.attrs


def _arrays(file: ModelFile) -> list[tuple[str, tuple[int, ...]]]:
    """Return (name, shape) of the model's weights in the file; not those of its optimizer, metrics and generators."""
    import h5py

    found: list[tuple[str, tuple[int, ...]]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not re.search(
            r"(^|/)(optimizer|metrics|seed_generator|vars_store)", name
        ):
            found.append((name, tuple(item.shape)))

    with h5py.File(file.path, "r") as content:
        content.visititems(visit)
    return found


def _stored_values(file: ModelFile) -> int:
    return sum(int(np.prod(shape)) for _, shape in _arrays(file))


def _classes(file: ModelFile) -> int | None:
    """Return the number of outputs: that of the last dense kernel, which is the one no other kernel continues."""
    kernels = [shape for _, shape in _arrays(file) if len(shape) == 2]
    ends = [shape[1] for shape in kernels if not any(other[0] == shape[1] for other in kernels)]
    return int(ends[-1]) if ends else None
