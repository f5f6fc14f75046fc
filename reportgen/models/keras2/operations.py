"""Operations on tensors inside models of Keras 2 (``x / 255``, ``tf.nn.relu(x)``), as operations of Keras 3."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reportgen.models.formats.steady import make_steady
from reportgen.system.errors import ModelError

_TWO, _REDUCED = "x:x1 y:x2", "input_tensor:x axis keepdims"
# TensorFlow's name: the name in keras.ops, then what it takes, as TensorFlow calls it and as Keras does
_COUNTERPARTS = {
    "__operators__.add": ("add", _TWO),
    "math.truediv": ("true_divide", _TWO),
    "math.divide": ("true_divide", _TWO),
    "math.add": ("add", _TWO),
    "math.subtract": ("subtract", _TWO),
    "math.multiply": ("multiply", _TWO),
    "math.maximum": ("maximum", _TWO),
    "math.minimum": ("minimum", _TWO),
    "math.pow": ("power", _TWO),
    "linalg.matmul": ("matmul", "a:x1 b:x2"),
    "math.reduce_mean": ("mean", _REDUCED),
    "math.reduce_sum": ("sum", _REDUCED),
    "math.reduce_max": ("max", _REDUCED),
    "math.reduce_min": ("min", _REDUCED),
    "math.reduce_prod": ("prod", _REDUCED),
    "clip_by_value": ("clip", "t:x clip_value_min:x_min clip_value_max:x_max"),
    "concat": ("concatenate", "values:xs axis"),
    "expand_dims": ("expand_dims", "input:x axis"),
    "reshape": ("reshape", "tensor:x shape:newshape"),
    "squeeze": ("squeeze", "input:x axis"),
    "stack": ("stack", "values:x axis"),
    "tile": ("tile", "input:x multiples:repeats"),
    "transpose": ("transpose", "a:x perm:axes"),
    "nn.softmax": ("softmax", "logits:x axis"),
    "nn.leaky_relu": ("leaky_relu", "features:x alpha:negative_slope"),
    "nn.gelu": ("gelu", "features:x approximate"),
    **{f"nn.{name}": (name, "features:x") for name in ("relu", "relu6", "elu", "selu", "silu", "softplus")},
    "nn.swish": ("silu", "features:x"),
    **{
        f"math.{name}": (name, "x")
        for name in (
            "sigmoid",
            "tanh",
            "exp",
            "expm1",
            "log",
            "log1p",
            "sqrt",
            "square",
            "abs",
            "negative",
            "rsqrt",
            "softplus",
            "erf",
            "round",
            "floor",
            "ceil",
            "sign",
            "sin",
            "cos",
        )
    },
    "unstack": ("unstack", "value:x num axis"),
    "reverse": ("flip", "tensor:x axis"),
    "nn.sigmoid": ("sigmoid", "x"),
    "nn.tanh": ("tanh", "x"),
}
_SLICE = ("start", "stop", "step")
# nodes as early TensorFlow 2 saved them
_NODES = {
    "RealDiv": "math.truediv", "Sub": "math.subtract", "AddV2": "math.add", "Add": "math.add", "Mul": "math.multiply",
    "BiasAdd": "nn.bias_add", "Relu": "nn.relu", "Relu6": "nn.relu6", "Sigmoid": "math.sigmoid", "Tanh": "math.tanh",
    "Softmax": "nn.softmax",
}  # fmt: skip


def convert_operation(layer: Any) -> Callable[..., Any] | None:
    """Return what does the work of a layer that stands for an operation on tensors; None for other layers.

    Parameters
    ----------
    layer
        Of tf_keras.

    Raises
    ------
    ModelError
        When the operation has no counterpart.
    """
    kind = type(layer).__name__
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        return _operation(str(layer.get_config()["function"]), layer.name)
    return _node(layer) if kind == "TensorFlowOpLayer" else None


def _operation(name: str, layer: str) -> Callable[..., Any]:
    from keras import ops

    name = name.removeprefix("compat.v1.")
    if name in _ODD:
        return _ODD[name]
    if name not in _COUNTERPARTS:
        raise ModelError(f"operation '{name}' (layer '{layer}') has no counterpart", "save the model without it")
    function, taken = _COUNTERPARTS[name]
    names = [pair.partition(":")[::2] for pair in taken.split()]

    def apply(*given: Any, **named: Any) -> Any:
        known = {theirs: ours or theirs for theirs, ours in names}
        values = {ours or theirs: value for (theirs, ours), value in zip(names, given, strict=False)}
        values |= {known[key]: value for key, value in named.items() if key in known and value is not None}
        # a list of numbers, such as the mean of each channel
        lists = [key for key in ("x1", "x2") if isinstance(values.get(key), list)]
        values |= {key: np.asarray(values[key], np.float32) for key in lists}
        return getattr(ops, function)(**values)

    return apply


def _node(layer: Any) -> Callable[..., Any]:
    """Return the arithmetic of a node, with the constants that stand in it."""
    if layer.node_def.op not in _NODES:
        raise ModelError(
            f"operation '{layer.node_def.op}' (layer '{layer.name}') has no counterpart", "save the model without it"
        )
    operation, constants = _operation(_NODES[layer.node_def.op], layer.name), dict(layer.constants)

    def apply(given: Any) -> Any:
        values = list(given) if isinstance(given, list | tuple) else [given]
        for place in sorted(constants):
            values.insert(place, np.asarray(constants[place]))
        return operation(*values)

    return apply


def _sliced(tensor: Any, slice_spec: Any) -> Any:
    parts = slice_spec if isinstance(slice_spec, list | tuple) else [slice_spec]
    # a slice is a table where it was read from a file
    return tensor[tuple(slice(*map(part.get, _SLICE)) if isinstance(part, Mapping) else part for part in parts)]


def _biased(value: Any, bias: Any, data_format: str | None = None) -> Any:
    from keras import ops

    first = data_format is not None and data_format.startswith("NC")
    return ops.add(value, np.reshape(bias, (-1, 1, 1)) if first else np.asarray(bias))


def _resized(images: Any, size: Any, method: str = "bilinear", **_: Any) -> Any:
    from keras import ops

    return ops.image.resize(images, tuple(int(side) for side in size), interpolation=str(method).lower())


def _padded(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: float = 0) -> Any:
    from keras import ops

    widths = tuple(tuple(int(side) for side in pair) for pair in np.asarray(paddings))
    fixed = {"constant_values": constant_values} if mode.lower() == "constant" else {}
    return ops.pad(tensor, widths, mode.lower(), **fixed)


def _cast(x: Any, dtype: Any) -> Any:
    from keras import ops

    return ops.cast(x, getattr(dtype, "name", dtype))


def _split(value: Any, num_or_size_splits: Any, axis: int = 0, **_: Any) -> Any:
    from keras import ops

    sizes = num_or_size_splits
    return ops.split(value, sizes if isinstance(sizes, int) else np.cumsum(sizes)[:-1].tolist(), axis=axis)


def _summed(inputs: Any) -> Any:
    return functools.reduce(operator.add, inputs)


def _squared_difference(x: Any, y: Any) -> Any:
    from keras import ops

    return ops.square(ops.subtract(x, y))


def _normalized(x: Any, axis: Any = None, epsilon: float = 1e-12) -> Any:
    from keras import ops

    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), epsilon))


def _dropped(x: Any, rate: float, noise_shape: Any = None, **_: Any) -> Any:
    """Drop values as at training, whenever it is run: Keras 3 has a layer for it only."""
    import keras

    layer = keras.layers.Dropout(float(rate), noise_shape=noise_shape)
    make_steady(layer, layer.name)
    return layer(x, in_training=True)


def _same(input: Any) -> Any:  # noqa: A002 - TensorFlow's name for it
    return input


_ODD: dict[str, Callable[..., Any]] = {
    "__operators__.getitem": _sliced,
    "nn.bias_add": _biased,
    "image.resize": _resized,
    "pad": _padded,
    "cast": _cast,
    "identity": _same,
    "split": _split,
    "math.add_n": _summed,
    "math.squared_difference": _squared_difference,
    "math.l2_normalize": _normalized,
    "nn.dropout": _dropped,
}
