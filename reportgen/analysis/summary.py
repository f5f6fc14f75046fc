"""The model summary: each layer's type, shape, parameters, activation and receptive field.

Receptive field after Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill
2019 (doi:10.23915/distill.00021): r' = r + (k - 1) * d * j and j' = j * s, for kernel k, dilation d, stride s and
jump j.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reportgen.analysis.layer_graph import Graph, LayerCall
from reportgen.models.formats.steady import goes_by_the_batch
from reportgen.report.model import LayerSummary

_WINDOWED = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D")
_POINTWISE = (
    "BatchNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Dropout", "SpatialDropout2D",
    "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Rescaling", "Normalization",
    "ZeroPadding2D", "Cropping2D", "Identity",
    # operations on tensors
    "TrueDivide", "Divide", "Relu", "Relu6", "Sigmoid", "Tanh", "Elu", "Gelu", "Silu", "LeakyRelu", "HardSwish",
)  # fmt: skip
_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


@dataclass(frozen=True)
class _Field:
    """Receptive field, jump (input pixels between neighbouring outputs), and where the first output's field begins.

    Each is (height, width); the beginning is None where it depends on a side that the model leaves open.
    """

    size: tuple[int, int]
    jump: tuple[int, int]
    start: tuple[int, int] | None


def summarise_layers(graph: Graph) -> tuple[LayerSummary, ...]:
    """Return a row for each layer call, in order of execution.

    A layer that is called twice stands there twice; its parameters are counted the first time only.
    """
    fields: dict[int, _Field | None] = {id(graph.input): _Field((1, 1), (1, 1), (0, 0))}
    names = {id(graph.input): ""}
    rows = []
    for call in graph.outputs:
        names.setdefault(id(call.output), call.path)
        field = _receptive_field(call, [fields.get(id(tensor)) for tensor in call.inputs])
        fields[id(call.output)] = field
        spatial = len(call.output_shape) == 4
        rows.append(
            LayerSummary(
                name=call.path,
                type=type(call.layer).__name__,
                output_shape=call.output_shape,
                parameters=_parameters(call),
                trainable=bool(getattr(call.layer, "trainable_weights", ())),
                activation=_activation(call.layer),
                receptive_field=field.size if field and spatial else None,
                field_start=field.start if field and spatial else None,
                field_step=field.jump if field and field.start and spatial else None,
                inbound=tuple(dict.fromkeys(names[id(tensor)] for tensor in call.inputs if id(tensor) in names)),
            )
        )
    return tuple(rows)


def parameter_counts(model: Any) -> tuple[int, int]:
    """Return (all, trainable) parameters of a model."""
    trainable = sum(_size(weight) for weight in model.trainable_weights)
    return int(model.count_params()), trainable


def _parameters(call: LayerCall) -> int:
    """Return a layer's parameters at its first call; an operation on tensors (such as a division) has none."""
    counts = call.first and hasattr(call.layer, "count_params")
    return int(call.layer.count_params()) if counts else 0


def _size(weight: Any) -> int:
    size = 1
    for side in weight.shape:
        size *= int(side)
    return size


def _activation(layer: Any) -> str | None:
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", None)
    return None if name is None or name == "linear" else str(name)


def _receptive_field(call: LayerCall, before: list[_Field | None]) -> _Field | None:
    known = [field for field in before if field is not None]
    kind = type(call.layer).__name__
    if len(known) != len(before) or not known or goes_by_the_batch(call.layer):
        return None
    if kind in _MERGING:
        return _merged(known)
    if kind in _POINTWISE and len(known) == 1:
        return _shifted(call.layer, known[0])
    return _through_window(call, known[0]) if kind in _WINDOWED and len(known) == 1 else None


def _merged(fields: list[_Field]) -> _Field | None:
    """Return the field that holds all of them."""
    if any(field.jump != fields[0].jump for field in fields):
        return None
    size = (max(field.size[0] for field in fields), max(field.size[1] for field in fields))
    starts = [field.start for field in fields if field.start is not None]
    if len(starts) < len(fields):
        return _Field(size, fields[0].jump, None)
    first = (min(start[0] for start in starts), min(start[1] for start in starts))
    ends = [max(start[axis] + field.size[axis] for start, field in zip(starts, fields, strict=True)) for axis in (0, 1)]
    return _Field((ends[0] - first[0], ends[1] - first[1]), fields[0].jump, first)


def _shifted(layer: Any, field: _Field) -> _Field:
    """Return the field of a layer that works place by place, and at most adds or cuts a border."""
    kind = type(layer).__name__
    if field.start is None or kind not in ("ZeroPadding2D", "Cropping2D"):
        return field
    added = [-one[0] for one in layer.padding] if kind == "ZeroPadding2D" else [one[0] for one in layer.cropping]
    start = tuple(at + border * jump for at, border, jump in zip(field.start, added, field.jump, strict=True))
    return _Field(field.size, field.jump, (start[0], start[1]))


def _through_window(call: LayerCall, field: _Field) -> _Field:
    layer = call.layer
    kernel = getattr(layer, "kernel_size", None) or layer.pool_size
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    strides = _pair(layer.strides)
    window = tuple((k - 1) * d for k, d in zip(_pair(kernel), dilation, strict=True))
    start = field.start
    if start is not None and layer.padding == "same":
        sides = call.inputs[0].shape[2:4] if call.channels_first else call.inputs[0].shape[1:3]
        before = [_padding(*axis) for axis in zip(sides, window, strides, strict=True)]
        if before[0] is None or before[1] is None:
            start = None
        else:
            start = (start[0] - before[0] * field.jump[0], start[1] - before[1] * field.jump[1])
    return _Field(
        (field.size[0] + window[0] * field.jump[0], field.size[1] + window[1] * field.jump[1]),
        (field.jump[0] * strides[0], field.jump[1] * strides[1]),
        start,
    )


def _padding(side: int | None, window: int, stride: int) -> int | None:
    """Return how many values ``same`` puts before the first; None where the side is left open."""
    if side is None:
        return None
    outputs = -(-int(side) // stride)
    return max(0, (outputs - 1) * stride + window + 1 - int(side)) // 2


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))
