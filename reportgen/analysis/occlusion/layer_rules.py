"""What each layer does with a changed rectangle: the rules of the incremental scan.

A layer that has no rule is run on full maps, which is always right and only slower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reportgen.analysis.layer_graph import LayerCall, node_of
from reportgen.analysis.occlusion.regions import Axis, TransposedAxis, same_padding

_POINTWISE = (
    "BatchNormalization", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Rescaling", "Normalization",
    "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    "Identity", "PReLU", "LayerNormalization", "UnitNormalization", "Dense",
    # operations on tensors
    "Relu", "Relu6", "Sigmoid", "Tanh", "Elu", "Selu", "Silu", "Gelu", "LeakyRelu", "HardSigmoid", "HardSwish",
    "HardSilu", "HardTanh", "Softplus", "Softsign", "Mish", "Exp", "Log", "Sqrt", "Square", "Abs", "Absolute",
    "Negative", "Clip", "Power", "Cast",
)  # fmt: skip
# layers and operations of two or more tensors
_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "TrueDivide", "Divide")


@dataclass(frozen=True)
class Spatial:
    """A window operation: (rows, columns), what computes it without padding, what stands for padding, and its work.

    ``work`` is in multiply-adds for each output pixel, all channels together. ``counts`` are, for averages over windows
    that reach into padding, how many pixels each output averages, (rows, columns).
    """

    axes: tuple[Axis, Axis]
    compute: Callable[[Any], Any]
    padding_value: float = 0.0
    work: float = 0.0
    counts: tuple[Any, Any] | None = None
    is_pooling: bool = False

    @property
    def is_simple_pooling(self) -> bool:
        """Whether it's pooling whose windows neither overlap nor reach into padding."""
        return self.is_pooling and all(axis.kernel == axis.stride and not axis.is_padded for axis in self.axes)


@dataclass(frozen=True)
class Spread:
    """A transposed convolution: (rows, columns), what computes it without cutting, and its work for an output pixel."""

    axes: tuple[TransposedAxis, TransposedAxis]
    compute: Callable[[Any], Any]
    work: float = 0.0


@dataclass(frozen=True)
class Enlarge:
    """Nearest-neighbour upsampling by whole factors (rows, columns)."""

    factors: tuple[int, int]


@dataclass(frozen=True)
class Pointwise:
    """Each pixel by itself, whatever its place; ``work`` for each pixel."""

    work: float = 0.0


@dataclass(frozen=True)
class Merge:
    """Several maps of one size, pixel by pixel."""

    work: float = 0.0


@dataclass(frozen=True)
class Mean:
    """The mean over all pixels: changes by the mean of the change."""


Rule = Spatial | Spread | Enlarge | Pointwise | Merge | Mean


def rule_for(call: LayerCall) -> Rule | None:
    """Return what a layer call does with a changed rectangle; None when it isn't known."""
    kind = type(call.layer).__name__
    if call.channels_first or not _is_plain(call) or _differs_by_place(call):
        return None
    if kind == "GlobalAveragePooling2D":
        return Mean()
    if len(call.output.shape) != 4 or None in call.output.shape[1:]:
        return None
    if kind in _POINTWISE:
        return _pointwise(call, kind)
    if kind in _MERGING:
        return _merge(call, kind)
    made = _MAKERS.get(kind)
    return made(call) if made else None


def multiply_adds(call: LayerCall, rule: Rule | None) -> float:
    """Return the multiply-adds of a call on full maps; of a layer without a rule one for each weight, at least."""
    pixels = math.prod(int(side or 1) for side in call.output.shape[1:3]) if len(call.output.shape) == 4 else 1
    if rule is not None:
        return float(getattr(rule, "work", 0.0)) * pixels
    return float(sum(math.prod(int(side) for side in weight.shape) for weight in getattr(call.layer, "weights", ())))


def _is_plain(call: LayerCall) -> bool:
    """Whether it's a layer of Keras, in float32 and not quantised, so that the plain operation is the layer's own."""
    foreign = type(call.layer).__module__.split(".", 1)[0] != "keras"
    if foreign or getattr(call.layer, "quantization_mode", None) is not None:
        return False
    kinds = {call.output.dtype, *(tensor.dtype for tensor in call.inputs)}
    return kinds == {"float32"} and getattr(call.layer, "compute_dtype", "float32") == "float32"


def _differs_by_place(call: LayerCall) -> bool:
    """Whether constants hold a value for each place, or an activation isn't one of Keras's own."""
    constants = [one for one in node_of(call).arguments._flat_arguments if not _is_symbolic(one)]
    constants += [getattr(call.layer, name, None) for name in ("scale", "offset", "x_min", "x_max")]
    shapes = [np.shape(one) for one in constants if hasattr(one, "shape") or isinstance(one, list | tuple)]
    if any(math.prod(shape[:-1]) != 1 for shape in shapes):
        return True
    activation = getattr(call.layer, "activation", None)
    return activation is not None and not str(getattr(activation, "__module__", "")).startswith("keras.")


def _pointwise(call: LayerCall, kind: str) -> Pointwise | None:
    layer, channels = call.layer, int(call.output.shape[-1])
    if len(call.inputs) != 1 or tuple(call.inputs[0].shape[1:3]) != tuple(call.output.shape[1:3]):
        return None
    if kind == "PReLU" and any(side != 1 for side in layer.alpha.shape[:2]):
        return None
    axes = {"BatchNormalization", "LayerNormalization", "Normalization", "UnitNormalization", "Softmax"}
    if kind in axes and not _is_last_axis(getattr(layer, "axis", -1)):
        return None
    if kind == "Activation" and getattr(layer.activation, "__name__", "") in ("softmax", "log_softmax"):
        return Pointwise(channels)
    return Pointwise(channels * (int(call.inputs[0].shape[-1]) if kind == "Dense" else 1))


def _is_last_axis(axis: Any) -> bool:
    axes = [axis] if isinstance(axis, int) else list(axis or ())
    return all(one in (-1, 3) for one in axes)


def _merge(call: LayerCall, kind: str) -> Merge | Pointwise | None:
    channels = int(call.output.shape[-1])
    if kind == "Concatenate" and not _is_last_axis(getattr(call.layer, "axis", -1)):
        return None
    arguments = node_of(call).arguments
    others = [one for one in arguments._flat_arguments if hasattr(one, "shape") and not _is_symbolic(one)]
    if any(np.prod(one.shape[:-1]) != 1 for one in others):
        return None  # a constant with a value for each place
    sizes = {tuple(tensor.shape[1:3]) for tensor in call.inputs}
    if sizes != {tuple(call.output.shape[1:3])} or any(len(tensor.shape) != 4 for tensor in call.inputs):
        return None
    return Pointwise(channels) if len({id(tensor) for tensor in call.inputs}) == 1 else Merge(channels)


def _is_symbolic(value: Any) -> bool:
    import keras

    return isinstance(value, keras.KerasTensor)


def _axes(call: LayerCall, kernel: Any, strides: Any, dilation: Any, padding: str) -> tuple[Axis, Axis]:
    made = []
    for at in (0, 1):
        before, after = int(call.inputs[0].shape[1 + at]), int(call.output.shape[1 + at])
        pad = same_padding(before, kernel[at], strides[at], dilation[at])[0] if padding == "same" else 0
        made.append(Axis(kernel[at], strides[at], dilation[at], pad, before, after))
    return made[0], made[1]


def _convolution(call: LayerCall) -> Spatial | None:
    import tensorflow as tf

    layer = call.layer
    if layer.padding not in ("same", "valid"):
        return None
    axes = _axes(call, layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding)
    kernel = layer.kernel
    work = math.prod(int(side) for side in kernel.shape)

    def compute(window: Any) -> Any:
        made = tf.nn.conv2d(window, kernel.value, layer.strides, "VALID", dilations=layer.dilation_rate)
        return _finished(layer, made)

    return Spatial(axes, compute, work=work)


def _depthwise(call: LayerCall) -> Spatial | None:
    layer = call.layer
    if layer.padding not in ("same", "valid"):
        return None
    axes = _axes(call, layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding)

    def compute(window: Any) -> Any:
        return _finished(layer, _depthwise_valid(window, layer.kernel, layer))

    return Spatial(axes, compute, work=math.prod(int(side) for side in layer.kernel.shape))


def _separable(call: LayerCall) -> Spatial | None:
    import tensorflow as tf

    layer = call.layer
    if layer.padding not in ("same", "valid"):
        return None
    axes = _axes(call, layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding)

    def compute(window: Any) -> Any:
        deep = _depthwise_valid(window, layer.depthwise_kernel, layer)
        return _finished(layer, tf.nn.conv2d(deep, layer.pointwise_kernel.value, 1, "VALID"))

    kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
    return Spatial(axes, compute, work=sum(math.prod(int(side) for side in kernel.shape) for kernel in kernels))


def _depthwise_valid(window: Any, kernel: Any, layer: Any) -> Any:
    from keras import ops

    return ops.depthwise_conv(
        window, kernel, strides=layer.strides, padding="valid", data_format="channels_last",
        dilation_rate=layer.dilation_rate,
    )  # fmt: skip


def _finished(layer: Any, values: Any) -> Any:
    import tensorflow as tf

    if layer.use_bias:
        values = tf.nn.bias_add(values, layer.bias.value)
    return values if layer.activation is None else layer.activation(values)


def _pooling(call: LayerCall) -> Spatial | None:
    import tensorflow as tf

    layer = call.layer
    ones = (1, 1)
    axes = _axes(call, layer.pool_size, layer.strides, ones, layer.padding)
    if type(layer).__name__ == "MaxPooling2D":

        def largest(window: Any) -> Any:
            return tf.nn.max_pool2d(window, layer.pool_size, layer.strides, "VALID")

        return Spatial(axes, largest, padding_value=-math.inf, is_pooling=True)

    def mean(window: Any) -> Any:
        return tf.nn.avg_pool2d(window, layer.pool_size, layer.strides, "VALID")

    # with padding, an average is over the pixels that are there
    counts = (_counts(axes[0]), _counts(axes[1])) if any(axis.is_padded for axis in axes) else None
    return Spatial(axes, mean, counts=counts, is_pooling=True)


def _counts(axis: Axis) -> Any:
    first = np.arange(axis.after) * axis.stride - axis.padding
    inside = np.minimum(first + axis.kernel, axis.before) - np.maximum(first, 0)
    return (axis.kernel / inside).astype(np.float32)


def _transposed(call: LayerCall) -> Spread | None:
    import tensorflow as tf

    layer = call.layer
    dilated = any(rate != 1 for rate in layer.dilation_rate)
    if layer.output_padding is not None or dilated or layer.padding not in ("same", "valid"):
        return None
    made = []
    for at in (0, 1):
        kernel, stride = layer.kernel_size[at], layer.strides[at]
        before, after = int(call.inputs[0].shape[1 + at]), int(call.output.shape[1 + at])
        pad = max(kernel - stride, 0) // 2 if layer.padding == "same" else 0
        made.append(TransposedAxis(kernel, stride, pad, before, after))
    filters = int(layer.kernel.shape[2])
    sizes = [(axis.stride, max(axis.kernel, axis.stride)) for axis in made]

    def compute(window: Any) -> Any:
        shape = tf.shape(window)
        rows, columns = ((shape[1 + at] - 1) * stride + kernel for at, (stride, kernel) in enumerate(sizes))
        target = tf.stack([shape[0], rows, columns, filters])
        return _finished(layer, tf.nn.conv2d_transpose(window, layer.kernel.value, target, layer.strides, "VALID"))

    work = math.prod(int(side) for side in layer.kernel.shape) / math.prod(layer.strides)
    return Spread((made[0], made[1]), compute, work)


def _shifting(call: LayerCall) -> Spatial:
    """Return the rule of padding with zeros, or cropping: pixels stay what they are, only their places move."""
    layer, sign = call.layer, 1 if type(call.layer).__name__ == "ZeroPadding2D" else -1
    shifts = layer.padding if sign == 1 else layer.cropping
    made = [
        Axis(1, 1, 1, sign * int(shifts[at][0]), int(call.inputs[0].shape[1 + at]), int(call.output.shape[1 + at]))
        for at in (0, 1)
    ]
    return Spatial((made[0], made[1]), lambda window: window)


def _enlarging(call: LayerCall) -> Enlarge | None:
    layer = call.layer
    return Enlarge(tuple(layer.size)) if layer.interpolation == "nearest" else None


_MAKERS: dict[str, Callable[[LayerCall], Rule | None]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "MaxPooling2D": _pooling,
    "AveragePooling2D": _pooling,
    "Conv2DTranspose": _transposed,
    "ZeroPadding2D": _shifting,
    "Cropping2D": _shifting,
    "UpSampling2D": _enlarging,
}
