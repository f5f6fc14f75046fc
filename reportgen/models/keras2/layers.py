"""The counterpart in Keras 3 of each layer of Keras 2."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from reportgen.models.formats.application_layers import application_layers
from reportgen.models.keras2.custom import is_own, lent_layer, own_layer
from reportgen.system.errors import ModelError

# weights are copied, so how they began says nothing; the rest shapes training or has no meaning in Keras 3
_DROPPED_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_DROPPED = ("batch_input_shape", "batch_shape", "input_shape", "sparse", "ragged", "rng_type", "seed", "implementation",
            "fused", "renorm", "renorm_clipping", "renorm_momentum", "virtual_batch_size", "adjustment")  # fmt: skip
_ONLY_IN_TRAINING = ("Random", "Dropout", "SpatialDropout", "Gaussian", "AlphaDropout")
# what Keras 3 computes in another way: by any use, or by its random numbers in training
_OTHERWISE = ("RandomCrop",)
_OTHERWISE_IN_TRAINING = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D")
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}, "SyncBatchNormalization": {}}
_SAME_AS = {"SyncBatchNormalization": "BatchNormalization", "BatchNormalizationV1": "BatchNormalization",
            "BatchNormalizationV2": "BatchNormalization", "Conv2DTranspose": "Conv2DTranspose"}  # fmt: skip


def convert_layer(
    original: Any, custom_objects: Mapping[str, Any], name: str | None = None, *, in_training: bool = False
) -> Any:
    """Make a layer of Keras 2 again in Keras 3, without weights.

    Parameters
    ----------
    original
        A layer of tf_keras that is no model.
    custom_objects
        The user's own layers and functions.
    name
        What to call it; default: as the original, without the slashes that Keras 3 refuses.

    in_training
        Whether it is called with ``training=True``: then what only acts in training is not left out.

    Raises
    ------
    ModelError
        When there is no counterpart.
    """
    import keras

    kind = type(original).__name__
    settings = original.get_config()
    called = name or str(original.name).replace("/", "_")
    common = {"name": called, "trainable": original.trainable, "dtype": _dtype(original)}
    different = _made_otherwise(original, common) or own_layer(original, custom_objects, called)
    if different is not None:
        return different
    if kind in _OTHERWISE or (in_training and kind in _OTHERWISE_IN_TRAINING):
        return lent_layer(original, called)
    made = getattr(keras.layers, _SAME_AS.get(kind, kind), None) or application_layers().get(kind)
    if made is None and kind.startswith("Random"):
        # augmentation does nothing at inference
        return lent_layer(original, called) if in_training else keras.layers.Identity(**common)
    if made is None:
        raise ModelError(
            f"layer '{original.name}' is a {kind}, which Keras 3 does not have", "save the model again without it"
        )
    renamed = _RENAMED.get(kind, {})
    known = _parameters(made)
    kept = {renamed.get(key, key): value for key, value in settings.items()}
    kept = {key: _plain(value) for key, value in kept.items() if key in known and not _is_dropped(key)}
    if "activation" in kept:
        kept["activation"] = convert_activation(original.activation, custom_objects)
    if "layer" in kept:
        kept["layer"] = convert_layer(original.layer, custom_objects)
    if kind in ("BatchNormalization", *_SAME_AS) and isinstance(kept.get("axis"), list):
        kept["axis"] = kept["axis"][0]
    try:
        return _made(made, kept | common)
    except (TypeError, ValueError):
        # Keras 3 takes its settings no more
        if not kind.startswith(_ONLY_IN_TRAINING):
            raise
        return lent_layer(original, called) if in_training else keras.layers.Identity(name=called)


def _made_otherwise(original: Any, common: dict[str, Any]) -> Any:
    """Return the counterpart of a layer that Keras 3 has under other settings or another name; else None."""
    import keras

    kind = type(original).__name__
    if kind == "Lambda":
        return keras.layers.Lambda(original.function, arguments=dict(original.arguments or {}), **common)
    if kind == "ThresholdedReLU":
        return keras.layers.ReLU(threshold=float(original.theta), **common)
    return _normalization(original, common) if kind == "Normalization" else None


def _made(kind: Any, settings: dict[str, Any]) -> Any:
    accepted = inspect.signature(kind.__init__).parameters
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in accepted.values()):
        settings = {key: value for key, value in settings.items() if key in accepted}
    return kind(**settings)


def convert_activation(original: Any, custom_objects: Mapping[str, Any]) -> Any:
    """Return the counterpart of an activation: a name, a function, or a layer.

    Raises
    ------
    ModelError
        When there is none.
    """
    import keras

    if hasattr(original, "get_config"):
        return convert_layer(original, custom_objects)
    name = getattr(original, "__name__", "linear").removesuffix("_v2")
    if name == "hard_sigmoid":
        return _hard_sigmoid
    if name in custom_objects:
        return custom_objects[name]
    try:
        return keras.activations.get(name)
    except ValueError:
        raise ModelError(f"activation '{name}' is unknown", f"give it with --custom-objects MODULE:{name}") from None


def give_weights(original: Any, made: Any) -> None:
    """Copy the weights of a layer to its counterpart.

    Raises
    ------
    ModelError
        When they don't fit.
    """
    if is_own(original, made):
        return
    weights = original.get_weights()
    if type(original).__name__ in ("Normalization", "Lambda") or (not made.weights and not _counts(original)):
        return
    if [tuple(weight.shape) for weight in made.weights] != [weight.shape for weight in weights]:
        raise ModelError(f"the weights of layer '{original.name}' don't fit its counterpart", "save the model again")
    made.set_weights(weights)


def _counts(original: Any) -> bool:
    return not type(original).__name__.startswith("Random") and bool(original.get_weights())


def _hard_sigmoid(values: Any) -> Any:
    """Apply the hard sigmoid of Keras 2: clip(0.2 x + 0.5, 0, 1); that of Keras 3 is another."""
    from keras import ops

    return ops.clip(0.2 * values + 0.5, 0.0, 1.0)


def _normalization(original: Any, common: dict[str, Any]) -> Any:
    import keras

    axis = [int(value) for value in original.axis]
    flat = () if not axis else (-1,)
    mean, variance = (np.asarray(value).reshape(flat) for value in (original.mean, original.variance))
    return keras.layers.Normalization(
        axis=axis or None, mean=mean, variance=variance, invert=bool(getattr(original, "invert", False)), **common
    )


def _dtype(layer: Any) -> str:
    policy = getattr(layer, "dtype_policy", None) or getattr(layer, "_dtype_policy", None)
    return str(getattr(policy, "name", "float32"))


def _parameters(made: type) -> set[str]:
    """Return the arguments of a layer's constructor and of those it hands others on to."""
    return {name for parent in made.__mro__ for name in inspect.signature(parent.__init__).parameters}  # type: ignore[misc]


def _is_dropped(key: str) -> bool:
    return key in _DROPPED or key.endswith(_DROPPED_ENDINGS)


def _plain(value: Any) -> Any:
    """Return lists and tables as plain ones: Keras 2 wraps them to watch them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
