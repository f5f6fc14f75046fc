"""Any model of one image, as one that takes ``(N, H, W, C)`` and gives ``(N, K)``.

Models want their images flat, without a channel axis, channels first, or at any size; some have several outputs, and
some are classes of the user's own. Each becomes one flat functional model with a fixed input, made of the same layers
with the same weights; what was put in front of them (a Reshape or Permute layer) stands in the model's summary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.models.formats.layer_names import NewNames
from reportgen.models.formats.reasons import reason_of
from reportgen.models.keras_internals import run_through
from reportgen.models.randomness import begin
from reportgen.settings.report import ModelSettings
from reportgen.system.errors import ModelError, ReportgenError

_SIZE_ADVICE = "say it with --input-size HEIGHTxWIDTH"
_SEEN_FIRST = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "ZeroPadding2D")


@dataclass(frozen=True)
class Adapted:
    """A model of one image and one output, the number and name its output had, and what was assumed on the way.

    ``others`` is how many outputs were left out.
    """

    model: Any
    input_shape: tuple[int, int, int]
    output: int = 0
    output_name: str = ""
    notes: tuple[str, ...] = ()
    others: int = 0


@dataclass(frozen=True)
class _Entry:
    """How an image ``(H, W, C)`` goes in: as it is, reshaped to ``target``, or with its channels first."""

    shape: tuple[int, int, int]
    target: tuple[int, ...] | None = None
    channels_first: bool = False
    note: str = ""


def adapt(model: Any, name: str, settings: ModelSettings) -> Adapted:
    """Return a model as one with a fixed image input and one output.

    Parameters
    ----------
    model
        Any Keras model with one image input.
    name
        For messages.
    settings
        ``input_size`` and ``output``.

    Returns
    -------
    Adapted
        The model itself where nothing is to be done.

    Raises
    ------
    ModelError
        When it takes no image, several inputs, an unknown size, or has several outputs and none is chosen.
    """
    model, notes = _with_inputs(model, name, settings)
    if len(model.inputs) != 1:
        raise ModelError(f"{name} has {len(model.inputs)} inputs", "only models with one image input can be shown")
    entry = _entry_of(model, name, settings)
    number = _choose_output(model, name, settings.output)
    title = output_names(model)[number]
    notes += (entry.note,) if entry.note else ()
    others = len(model.outputs) - 1
    if others:
        what = f"Output '{title}' of {len(model.outputs)} is shown"
        notes += (f"{what}; layers that only lead to the other{'s' if others > 1 else ''} are left out.",)
    as_it_is = entry.target is None and not entry.channels_first
    if as_it_is and tuple(model.inputs[0].shape) == (None, *entry.shape) and _gives_one_tensor(model):
        return Adapted(model, entry.shape, 0, title, notes, others)
    return Adapted(_rewired(model, entry, number, name), entry.shape, number, title, notes, others)


def output_names(model: Any) -> list[str]:
    """Return what a model calls its outputs, in their order."""
    import keras

    names = [str(name) for name in getattr(model, "output_names", ())]
    structure = _structure(model, "_outputs_struct")
    if isinstance(structure, dict) and len(structure) == len(model.outputs):
        by_tensor = {id(tensor): str(key) for key, tensor in structure.items() if isinstance(tensor, keras.KerasTensor)}
        names = [by_tensor.get(id(tensor), f"output {at}") for at, tensor in enumerate(model.outputs)]
    if len(names) != len(model.outputs) or len(set(names)) < len(names):
        names = [f"output {at}" for at in range(len(model.outputs))]
    return names


def _gives_one_tensor(model: Any) -> bool:
    """Whether a model is called with one tensor and gives one: not a table or a list of them."""
    import keras

    ends = (_structure(model, name) for name in ("_inputs_struct", "_outputs_struct"))
    return len(model.outputs) == 1 and all(end is None or isinstance(end, keras.KerasTensor) for end in ends)


def _structure(model: Any, name: str) -> Any:
    """Return a functional model's inputs or outputs as they are given, also of the one that a Sequential wraps."""
    return getattr(getattr(model, "_functional", None) or model, name, None)


def _choose_output(model: Any, name: str, wanted: str | int | None) -> int:
    names = output_names(model)
    listed = ", ".join(
        f"{at}: {title} {tuple(one.shape)}" for at, (title, one) in enumerate(zip(names, model.outputs, strict=True))
    )
    if wanted is None:
        if len(names) > 1:
            raise ModelError(f"{name} has {len(names)} outputs", f"choose one with --output: {listed}")
        return 0
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    if str(wanted).isdecimal() and int(wanted) < len(names):
        return int(wanted)
    advice = f"it has {listed}"
    if str(wanted).endswith((".html", ".htm")):
        advice += "; the report's file is named with -o"
    raise ModelError(f"{name} has no output '{wanted}'", advice)


def _with_inputs(model: Any, name: str, settings: ModelSettings) -> tuple[Any, tuple[str, ...]]:
    """Return a model whose input is defined: a class of the user's own is called on a symbolic image."""
    import keras

    if getattr(model, "inputs", None):
        return model, ()
    shape = _shape_from_settings(settings) or _built_shape(model)
    if shape is None or None in shape:
        raise ModelError(f"{name} has no defined input", _SIZE_ADVICE)
    entry = keras.Input(batch_shape=(None, *shape))
    if isinstance(model, keras.Sequential):
        tensor = entry
        for layer in model.layers:
            tensor = layer(tensor)
        return keras.Model(entry, tensor, name=model.name), ()
    seen = _seen_through(model, entry, shape)
    if seen is not None:
        return seen, ("The model is a class of its own; its layers were found by calling it on a symbolic image.",)
    try:
        outside = keras.Model(entry, model(entry), name=f"{model.name}_outside")
    except Exception as problem:
        reason = reason_of(problem)
        raise ModelError(f"{name} can't be called on an image of {shape} ({reason})", _SIZE_ADVICE) from problem
    return outside, (
        "The model is a class of its own whose layers can't be seen one by one: no feature maps are shown.",
    )


def _seen_through(model: Any, entry: Any, shape: Sequence[int]) -> Any:
    """Return a class of the user's own as a functional model of its layers, or None where that isn't the same.

    Called on a symbolic image, a model's code calls its layers one by one, and each call is seen.
    """
    import keras

    try:
        seen = keras.Model(entry, model.call(entry), name=model.name)
        _check_same(model, seen, shape)
    except Exception:  # noqa: BLE001 - whatever its code does with symbolic images
        return None
    return seen


def _check_same(model: Any, seen: Any, shape: Sequence[int]) -> None:
    import keras

    image = np.random.default_rng(0).random((2, *shape), np.float32)

    def compare(prepare: Callable[[Any], None]) -> None:
        outputs = []
        for one in (model, seen):
            prepare(model)
            outputs.append([np.asarray(output) for output in keras.tree.flatten(one(image, training=False))])
        for pair in zip(*outputs, strict=True):
            np.testing.assert_allclose(pair[0], pair[1], rtol=1e-5, atol=1e-5)

    try:
        compare(lambda _: None)
    except AssertionError:
        compare(begin)  # it may be random


def _built_shape(model: Any) -> tuple[int, ...] | None:
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    for shape in shapes.values():
        if isinstance(shape, tuple | list) and len(shape) > 2:
            return tuple(shape[1:])
    return None


def _shape_from_settings(settings: ModelSettings) -> tuple[int, int, int] | None:
    size = settings.input_size
    if size is None:
        return None
    if isinstance(size, int):
        return size, size, 3
    return (*size, 3) if len(size) == 2 else size


def _entry_of(model: Any, name: str, settings: ModelSettings) -> _Entry:
    shape = tuple(model.inputs[0].shape)[1:]
    if len(shape) == 1:
        return _flat_entry(shape[0], name, settings)
    if len(shape) == 2:
        size = _filled(shape, name, settings)
        note = "The model's input has no channel axis: images are made gray."
        return _Entry((*size, 1), target=size, note=note)
    if len(shape) != 3:
        raise ModelError(
            f"{name} takes no image: its input is {(None, *shape)}", "an image input is (None, height, width, channels)"
        )
    first = _is_channels_first(model, shape)
    channels = shape[0] if first else shape[2]
    if channels is None:
        channels = _channels_of_first_layer(model)
    if channels not in (1, 3):
        raise ModelError(
            f"{name} takes {channels} channels: its input is {(None, *shape)}",
            "only gray (1) and RGB (3) inputs can be fed from images",
        )
    size = _filled(shape[1:] if first else shape[:2], name, settings)
    note = "The model takes its channels first; feature maps are shown as they lie in the image." if first else ""
    return _Entry((*size, channels), channels_first=first, note=note)


def _flat_entry(count: int | None, name: str, settings: ModelSettings) -> _Entry:
    wanted = _shape_from_settings(settings)
    if count is None:
        raise ModelError(f"{name} has an unknown input size", "save it with a fixed input size")
    if wanted is not None:
        fitting = [channels for channels in (1, 3) if wanted[0] * wanted[1] * channels == count]
        if not fitting:
            raise ModelError(f"{name} takes {count} numbers, not {wanted[0]} x {wanted[1]} pixels", _SIZE_ADVICE)
        return _Entry(
            (wanted[0], wanted[1], fitting[0]),
            target=(count,),
            note="The model's input is flat: rows of the image stand one after another.",
        )
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side > 3 and side * side * channels == count:
            kind = "gray" if channels == 1 else "RGB"
            note = f"The model's input is flat: {count} numbers, assumed to be {side} × {side} {kind} pixels by rows."
            return _Entry((side, side, channels), target=(count,), note=note)
    raise ModelError(f"{name} takes {count} numbers, which are no square image", _SIZE_ADVICE)


def _filled(size: Sequence[int | None], name: str, settings: ModelSettings) -> tuple[int, int]:
    """Return (height, width) with the sides that the model leaves open filled from the settings."""
    wanted = settings.input_size
    given = None if wanted is None else (wanted, wanted) if isinstance(wanted, int) else wanted[:2]
    if given is None and None in size:
        raise ModelError(f"{name} leaves its input size open: {tuple(size)}", _SIZE_ADVICE)
    filled = tuple(own if own is not None else asked for own, asked in zip(size, given or size, strict=True))
    if given is not None and filled != tuple(given):
        raise ModelError(
            f"{name} takes {filled[0]} x {filled[1]} pixels, not {given[0]} x {given[1]}", "leave --input-size out"
        )
    return int(filled[0] or 0), int(filled[1] or 0)


def _is_channels_first(model: Any, shape: Sequence[int | None]) -> bool:
    layer = _first_spatial_layer(model)
    if layer is not None:
        return bool(layer.data_format == "channels_first")
    return shape[0] in (1, 3) and shape[2] not in (1, 3)


def _first_spatial_layer(model: Any) -> Any:
    for layer in getattr(model, "layers", ()):
        if type(layer).__name__ in _SEEN_FIRST and hasattr(layer, "data_format"):
            return layer
        found = _first_spatial_layer(layer)
        if found is not None:
            return found
    return None


def _channels_of_first_layer(model: Any) -> int | None:
    layer = _first_spatial_layer(model)
    kernel = getattr(layer, "kernel", None)
    return None if kernel is None else int(kernel.shape[2]) * int(getattr(layer, "groups", 1))


def _rewired(model: Any, entry: _Entry, number: int, name: str) -> Any:
    import keras

    names = NewNames(str(one.name) for one in getattr(model, "operations", model.layers))
    start = keras.Input(batch_shape=(None, *entry.shape), dtype=model.inputs[0].dtype, name=names.unused("image"))
    tensor = start
    if entry.channels_first:
        tensor = keras.layers.Permute((3, 1, 2), name=names.unused("channels_first"))(tensor)
    if entry.target is not None:
        tensor = keras.layers.Reshape(entry.target, name=names.unused("as_the_model_takes_it"))(tensor)
    try:
        outputs = _walked(model, tensor)
        return keras.Model(start, keras.tree.flatten(outputs)[number], name=model.name)
    except ReportgenError:
        raise
    except Exception as problem:
        reason = reason_of(problem)
        raise ModelError(
            f"{name} can't take images of {entry.shape} ({reason})", "try another --input-size"
        ) from problem


def _walked(model: Any, tensor: Any) -> Any:
    """Call a model's layers on another tensor, so that they belong to a new model with no model around them."""
    import keras

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            tensor = layer(tensor)
        return tensor
    return run_through(model, [tensor])
