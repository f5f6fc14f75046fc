"""Models whose outputs the image alone doesn't settle: found, made repeatable as far as that can be, and named.

Dropout, noise and augmentation that are kept on at prediction draw random numbers; batch normalization that is kept in
training goes by the images that are run together. Code of the user's own may do either, so it is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.models.formats.layer_names import name_in_file
from reportgen.models.formats.steady import (
    begin_numbers,
    draws_numbers,
    generators,
    goes_by_the_batch,
    is_steady,
    make_steady,
    runs_other_code,
    steady_layers,
)
from reportgen.models.formats.wrapped_programs import KIND as PROGRAM
from reportgen.models.keras_internals import calls_of, is_transparent, walk
from reportgen.settings.occlusion import OcclusionSettings

_SAME = 1e-5  # relative to the outputs where they're above 1


@dataclass(frozen=True)
class Randomness:
    """What of a model's outputs isn't settled by the image alone.

    Attributes
    ----------
    is_random
        Whether it draws random numbers at prediction.
    is_fixed
        Whether these are the same whenever an image is run.
    notes, cautions
        What to say about it.
    """

    is_random: bool = False
    is_fixed: bool = True
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def scan_settings(self, settings: OcclusionSettings) -> OcclusionSettings:
        """Return how to scan: what isn't fixed would differ between windows and whole images, so these are run."""
        return settings if self.is_fixed else replace(settings, engine="full")


def settle(model: Any, *, is_own: bool) -> Randomness:
    """Find what is random in a model, or goes by the batch, and make it repeatable.

    Parameters
    ----------
    model
        Keras model of one image ``(N, H, W, C)`` and one output.
    is_own
        Whether the model is the program's own to change: not one that the user has in memory.

    Returns
    -------
    Randomness
        Of all models that only have layers of Keras, which at inference do the same again and again, nothing is run.
    """
    drawing = [layer for layer in steady_layers(model) if draws_numbers(layer) or runs_other_code(layer)]
    by_batch = [layer for layer in steady_layers(model) if goes_by_the_batch(layer)]
    fixed, foreign = True, [one for one in _operations(model) if runs_other_code(one) and not is_steady(one)]
    if foreign and not _is_settled(model):
        random, mixing = _unsettled(model, foreign)
        # a program's own random numbers can't be set from outside: it may as well be run for many images at once
        sealed = [layer for layer in random if _kind(layer) == PROGRAM]
        for number, layer in enumerate(foreign if is_own else ()):
            if layer not in sealed:
                make_steady(layer, str(number))
        drawing, by_batch, fixed = drawing + random, by_batch + mixing, is_own and _is_settled(model)
        begin(model)
    said = (_of_random(drawing, is_fixed=fixed), _of_batches(by_batch, is_fixed=is_own))
    return Randomness(bool(drawing), fixed, _ignored(model), tuple(text for text in said if text))


def begin(model: Any) -> None:
    """Let all random numbers of a model begin anew, where they can't be fixed for each image."""
    with begin_numbers(0):
        pass
    for number, operation in enumerate(_operations(model)):
        for generator in generators(operation):
            generator.state.assign([number, 0])


def _is_settled(model: Any) -> bool:
    """Whether two images give the same again, and the first gives the same by itself."""
    images = _images(model)
    try:
        one, other, alone = (_run(model, given) for given in (images, images, images[:1]))
    except Exception:  # noqa: BLE001 - whatever its code does with random images, and will do with others
        return True
    return _same(one, other) and _same(one[:1], alone)


def _unsettled(model: Any, suspects: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return which of the suspects give something else for the same, and which go by what stands beside an image."""
    import keras

    random, mixing = [], []

    def do(operation: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        made = operation(*args, **options)
        if operation in suspects:
            flat = keras.tree.flatten(made)
            if not all(map(_same, flat, keras.tree.flatten(operation(*args, **options)))):
                random.append(operation)
            else:
                first, named = keras.tree.map_structure(_first, (args, options))
                if not all(map(_same, map(_first, flat), keras.tree.flatten(operation(*first, **named)))):
                    mixing.append(operation)
        return made

    walk(model, keras.ops.convert_to_tensor(_images(model), model.inputs[0].dtype), do)
    return random, mixing


def _first(value: Any) -> Any:
    return value[:1] if getattr(value, "shape", ()) else value


def _images(model: Any) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((2, *model.inputs[0].shape[1:]), np.float32)


def _run(model: Any, images: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(model(images, training=False), np.float64)


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    scale = max(1.0, float(np.abs(one[np.isfinite(one)]).max(initial=0)))
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0, atol=_SAME * scale, equal_nan=True))


def _operations(model: Any) -> Iterator[Any]:
    """Yield the layers and operations of a model, of models inside their own."""
    if not is_transparent(model):
        yield model
        return
    for one in getattr(model, "operations", model.layers):
        yield from _operations(one) if hasattr(one, "layers") else (one,)


def _ignored(model: Any) -> tuple[str, ...]:
    """Return a note about layers that a model of Keras 3 calls in training, which Keras 3 undoes at prediction."""
    layers = [
        one
        for one in _operations(model)
        if any(node.arguments.kwargs.get("training") is True for node in calls_of(one))
    ]
    if not layers:
        return ()
    verb = "is" if len(layers) == 1 else "are"
    return (
        f"{_listed(layers)} {verb} called with training=True, which Keras 3 takes no notice of at prediction; "
        "nor does this report.",
    )


def _of_random(layers: list[Any], *, is_fixed: bool) -> str:
    if not layers:
        return ""
    start = f"The model draws random numbers at prediction: {_listed(layers)}."
    if is_fixed:
        return (
            f"{start} They are the same here for every image, covered or not, and in every report; with others the "
            "scores would be others."
        )
    return (
        f"{start} They can't be fixed: a second report may give other scores, and what the occlusion scan finds is "
        "noise in part."
    )


def _of_batches(layers: list[Any], *, is_fixed: bool) -> str:
    if not layers:
        return ""
    start = f"The model goes by the images that are run together: {_listed(layers)}."
    if is_fixed:
        return f"{start} Here each image is run by itself; in other company its score would be another."
    return f"{start} The scores of a case depend on the other cases."


def _listed(layers: list[Any]) -> str:
    shown = [f"'{name_in_file(layer)}' ({_kind(layer)})" for layer in layers[:5]]
    return ", ".join(shown) + (f" and {len(layers) - 5} more" if len(layers) > 5 else "")


def _kind(layer: Any) -> str:
    """Return the class of a layer, also of one of Keras 2 that another stands for."""
    return type(getattr(layer, "_original", (layer,))[0]).__name__
