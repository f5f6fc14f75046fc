"""What a model does to its input before its first weights: measured, so that it needs no list of layers that scale.

A Rescaling or Normalization layer, arithmetic on tensors, a Lambda or a layer of the user's own: all can scale, and
what they want differs. A few plain images are sent through everything that stands before the first layer with weights.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from reportgen.models.formats.steady import at_rest
from reportgen.models.keras_internals import walk

# weights that only shift and scale, once for all
_STATISTICS = ("Normalization",)
_NAMED = ("Rescaling", "Normalization")
_SMALL = 2.0  # an offset below is one for values of about 1


class OwnScaling(Enum):
    """Whether a model scales its input itself, and what it then wants.

    ``RAW``: 0 to 255; ``UNIT``: 0 to 1; ``NO``: values reach the first weights as they are.
    """

    NO = "no"
    RAW = "raw"
    UNIT = "unit"


class _Reached(Exception):  # noqa: N818 - no error: the end of a walk
    """The first layer with weights was reached; holds what it is given, and the layer."""

    def __init__(self, value: Any, layer: Any) -> None:
        super().__init__()
        self.value, self.layer = value, layer


def own_scaling(model: Any) -> OwnScaling:
    """Find out what a model does with its values before the first layer that has weights.

    Parameters
    ----------
    model
        Keras model of one image ``(N, H, W, C)``.

    Returns
    -------
    OwnScaling
        By the slope and offset from input to first weights: a slope above 1, or a small offset alone, is made for
        values from 0 to 1; no slope and no offset is none; all else is made for 0 to 255.
    """
    shape = tuple(model.inputs[0].shape)[1:]
    try:
        with at_rest():  # noise is no offset
            reached = [_before_weights(model, np.full((1, *shape), value, np.float32)) for value in (0, 0.4, 255)]
    except Exception:  # noqa: BLE001 - whatever a model's own code does with plain images
        return _by_names(model)
    known = [one for one in reached if one is not None]
    return _judged(*known) if len(known) == len(reached) else _by_names(model)


def _judged(at_0: tuple[Any, Any], at_04: tuple[Any, Any], at_255: tuple[Any, Any]) -> OwnScaling:
    """Return what the values mean that the first layer with weights is given for images of 0, of 0.4 and of 255."""
    (zero, layer), low, high = at_0, at_04[0], at_255[0]
    slope, offset = float(np.abs(high - zero).max()) / 255, float(np.abs(zero).max())
    fine = float(np.abs(low - zero).max()) / 0.4
    if not np.isfinite([slope, offset]).all():
        return OwnScaling.RAW
    if abs(slope - 1) < 1e-3 and offset < _SMALL:
        # what rounds to whole numbers leaves nothing of values below 1
        if abs(fine - slope) > 0.01 * slope:
            return OwnScaling.RAW
        return OwnScaling.UNIT if offset >= 1e-6 else _by_names(layer)
    # a slope that is gone at 255 is that of a clip at 1
    return OwnScaling.UNIT if slope > 1 + 1e-3 or (abs(fine - 1) < 1e-3 and slope < 0.1) else OwnScaling.RAW


def _before_weights(model: Any, image: Any) -> tuple[Any, Any] | None:
    """Return what the first layer with weights is given, and the layer, or None where there is none."""
    import keras

    try:
        walk(model, keras.ops.convert_to_tensor(image, model.inputs[0].dtype), _until_weights)
    except _Reached as reached:
        return np.asarray(keras.ops.cast(reached.value, "float32")), reached.layer
    return None


def _until_weights(operation: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call an operation, or end the walk at the first with weights, and at code that can't be walked through."""
    import keras

    has_weights = getattr(operation, "weights", ()) and type(operation).__name__ not in _STATISTICS
    if has_weights or isinstance(operation, keras.Model):
        raise _Reached(keras.tree.flatten((args, options))[0], operation)
    return operation(*args, **options)


def _by_names(layer: Any) -> OwnScaling:
    return OwnScaling.RAW if _has_named(layer) else OwnScaling.NO


def _has_named(layer: Any) -> bool:
    named = type(layer).__name__ in _NAMED
    inner: Any = getattr(layer, "layers", None) or getattr(layer, "_layers", ())
    return named or any(_has_named(one) for one in inner)
