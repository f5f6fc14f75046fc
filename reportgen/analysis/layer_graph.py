"""A model seen flat: every layer call in order, also those inside models inside models.

A transfer-learning base is one layer of the outer model; its own layers hide behind it. :func:`trace` calls every layer
again on symbolic tensors, steps into nested Sequential and functional models on the way, and notes each call under its
path (``outer/inner``). The weights are shared with the original; nothing is copied or computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.models.formats.layer_names import first_unused, name_in_file
from reportgen.models.keras_internals import call_of, run_through, takes_training


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer.

    Attributes
    ----------
    path
        ``outer/inner`` name, of names as in the user's file; a second call of the same layer ends in ``(2)``, the
        second of several outputs in ``[2]``.
    layer
        The Keras layer.
    inputs
        Symbolic tensors that go in.
    output
        Symbolic tensor that comes out (the first, where there are several).
    others
        The further ones, where there are several.
    first
        Whether it's the first call of this layer.
    channels_first
        Whether the output lies ``(N, C, H, W)``.
    also
        The path under another name: that of a layer that had to be renamed; else empty.
    """

    path: str
    layer: Any
    inputs: tuple[Any, ...]
    output: Any
    first: bool
    channels_first: bool = False
    others: tuple[Any, ...] = ()
    also: str = ""

    @property
    def each_output(self) -> tuple[LayerCall, ...]:
        """The call once for each of its outputs."""
        rest = enumerate(self.others, 2)
        return (self, *(replace(self, path=f"{self.path} [{at}]", output=one, first=False) for at, one in rest))

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape as Keras tells it, with the batch dimension as None."""
        return tuple(self.output.shape)

    @property
    def map_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) of the feature maps; None where the output isn't spatial."""
        shape = self.output_shape[1:]
        if len(shape) != 3 or None in shape:
            return None
        sides = tuple(int(side or 0) for side in shape)
        height, width, channels = (sides[1], sides[2], sides[0]) if self.channels_first else sides
        return (height, width, channels) if height * width > 1 else None


@dataclass(frozen=True)
class Graph:
    """All layer calls of a model in the order of execution, from one input to one output."""

    input: Any
    calls: tuple[LayerCall, ...]
    output: Any

    @property
    def outputs(self) -> tuple[LayerCall, ...]:
        """All calls, those with several outputs once for each."""
        return tuple(one for call in self.calls for one in call.each_output)

    def __getitem__(self, path: str) -> LayerCall:
        """Return the call of that path."""
        return next(call for call in self.outputs if call.path == path)


def trace(model: Any) -> Graph:
    """Return a model's layer calls.

    Parameters
    ----------
    model
        Sequential or functional Keras model with one input and one output; models nested in it at any depth are
        stepped into, anything else (a subclassed model) is one call.
    """
    import keras

    tracer = _Tracer()
    entry = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
    output = tracer.step_into(model, (entry,), "") if is_nested(model) else tracer.call(model, (entry,), {}, "")
    return Graph(entry, tuple(tracer.calls), keras.tree.flatten(output)[0])


def node_of(call: LayerCall) -> Any:
    """Return Keras's record of the call: which arguments went in."""
    return call_of(call.output)


def call_layer(call: LayerCall, values: Mapping[int, Any]) -> Any:
    """Call a layer or operation again with other tensors, at inference.

    Parameters
    ----------
    call
        As traced.
    values
        For each of its symbolic tensors, by ``id``, what to use instead.
    """
    import keras

    node = node_of(call)
    args, options = node.arguments.fill_in(values)
    if isinstance(node.operation, keras.Layer) and takes_training(node.operation):
        options = {**options, "training": False}
    return node.operation(*args, **options)


def compute_outputs(graph: Graph, images: NDArray[np.float32], wanted: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Run a model call by call; what no later call needs is let go of, so that little is held at any time.

    Parameters
    ----------
    graph
        The traced model.
    images
        ``(N, H, W, C)``, preprocessed.
    wanted
        Symbolic tensors of the graph, outputs of its calls.

    Yields
    ------
    tuple
        Each wanted tensor and its value, in the order of execution.
    """
    import keras

    asked = {id(tensor) for tensor in wanted}
    last_use = {id(tensor): number for number, call in enumerate(graph.calls) for tensor in call.inputs}
    values = {id(graph.input): keras.ops.convert_to_tensor(images, graph.input.dtype)}
    for number, call in enumerate(graph.calls):
        if not asked:
            return
        outputs = node_of(call).outputs
        values |= {
            id(one): value for one, value in zip(outputs, keras.tree.flatten(call_layer(call, values)), strict=True)
        }
        for tensor in outputs:
            if id(tensor) in asked:
                asked.remove(id(tensor))
                yield tensor, values[id(tensor)]
        for tensor in (*call.inputs, *outputs):
            if last_use.get(id(tensor), number) <= number:
                values.pop(id(tensor), None)


class _Tracer:
    def __init__(self) -> None:
        self.calls: list[LayerCall] = []
        self.times_called: dict[int, int] = {}
        self.channels_first: dict[int, bool] = {}
        self.paths: dict[tuple[str, int], str] = {}

    def step_into(self, model: Any, args: tuple[Any, ...], prefix: str) -> Any:
        import keras

        def call(layer: Any, *args: Any, **options: Any) -> Any:
            return self.call(layer, args, options, prefix)

        if isinstance(model, keras.Sequential):
            tensor = args[0]
            for layer in model.layers:
                tensor = call(layer, tensor)
            return tensor
        return run_through(model, keras.tree.flatten(args[0]), call_fn=call)

    def call(self, layer: Any, args: tuple[Any, ...], options: dict[str, Any], prefix: str) -> Any:
        import keras

        path = self._path(layer, prefix)
        given = args[:1] or tuple(options.get(name) for name in ("inputs",) if name in options)
        if is_nested(layer) and can_step_into(layer, given):
            return self.step_into(layer, given, f"{path}/")
        output = layer(*args, **options)
        times = self.times_called[id(layer)] = self.times_called.get(id(layer), 0) + 1
        if not isinstance(layer, keras.layers.InputLayer):
            inputs = _tensors(keras.tree.flatten((args, options)))
            name = path if times == 1 else f"{path} ({times})"
            first = self._puts_channels_first(layer, inputs)
            outputs = keras.tree.flatten(output)
            self.channels_first |= {id(tensor): first for tensor in outputs}
            renamed = f"{prefix}{layer.name}" if name_in_file(layer) != layer.name else ""
            self.calls.append(
                LayerCall(name, layer, inputs, outputs[0], times == 1, first, _tensors(outputs[1:]), renamed)
            )
        return output

    def _path(self, layer: Any, prefix: str) -> str:
        """Return the path of a layer, by its name in the user's file unless that is another's path already.

        With a slash in its name, a layer can look like one inside a model.
        """
        key = (prefix, id(layer))
        if key not in self.paths:
            wanted = (f"{prefix}{name}" for name in (name_in_file(layer), layer.name))
            taken = set(self.paths.values())
            self.paths[key] = next((path for path in wanted if path not in taken), None) or first_unused(
                f"{prefix}{layer.name}", taken
            )
        return self.paths[key]

    def _puts_channels_first(self, layer: Any, inputs: tuple[Any, ...]) -> bool:
        """Whether a layer's output lies channels first: as it says itself, else as its input lies."""
        if type(layer).__name__ == "Permute" and sorted(layer.dims) == [1, 2, 3]:
            before = any(self.channels_first.get(id(tensor), False) for tensor in inputs)
            return {(3, 1, 2): True, (2, 3, 1): False}.get(tuple(layer.dims), before)
        if hasattr(layer, "data_format"):
            return bool(layer.data_format == "channels_first")
        return any(self.channels_first.get(id(tensor), False) for tensor in inputs)


def _tensors(values: Sequence[Any]) -> tuple[Any, ...]:
    import keras

    return tuple(value for value in values if isinstance(value, keras.KerasTensor))


def is_nested(layer: Any) -> bool:
    """Return whether a layer is a model whose own layers can be stepped into: one that does nothing but call them."""
    import keras
    from keras.src.models.functional import Functional

    if not isinstance(layer, keras.Sequential | Functional):
        return False
    kind = type(layer)
    return kind.call in (keras.Sequential.call, Functional.call) and kind.__call__ in (
        keras.Model.__call__, keras.Sequential.__call__, Functional.__call__,
    )  # fmt: skip


def can_step_into(model: Any, given: Sequence[Any]) -> bool:
    """Return whether what a nested model is called with goes to its layers as it is.

    Keras sorts out a table of tensors by their names, and casts them to the numbers that the model's inputs have.
    """
    import keras

    if len(given) != 1 or isinstance(given[0], dict):
        return False
    tensors = keras.tree.flatten(given[0])
    inputs = model.inputs if getattr(model, "built", False) and model.inputs else tensors
    return len(tensors) == len(inputs) and all(
        isinstance(one, keras.KerasTensor) and one.dtype == own.dtype for one, own in zip(tensors, inputs, strict=True)
    )
