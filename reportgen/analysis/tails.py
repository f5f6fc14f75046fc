"""What follows a layer: the part of a model that goes on from a layer's output, for outputs that were changed.

A branch that doesn't come from the layer keeps the values that it has for the untouched image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, LayerCall, call_layer, compute_outputs, node_of

_SEVERAL = 32  # images run at once: more gain nothing


@dataclass(frozen=True)
class Tail:
    """All that a model's output is computed from, beginning with one tensor.

    Attributes
    ----------
    start
        The symbolic tensor it begins with.
    sides
        Further tensors that go in, which don't depend on the first.
    calls
        In the order of execution.
    end
        The model's output.
    """

    start: Any
    sides: tuple[Any, ...]
    calls: tuple[LayerCall, ...]
    end: Any

    def run(self, values: Any, sides: Sequence[Any]) -> NDArray[np.float32]:
        """Return the model's raw outputs ``(N, K)``.

        Parameters
        ----------
        values
            ``(N, ...)`` of the tensor that it begins with.
        sides
            ``(1, ...)`` of each further tensor.
        """
        import keras

        start = keras.ops.convert_to_tensor(values, self.start.dtype)
        count = len(values)
        held = {id(self.start): start}
        for tensor, value in zip(self.sides, sides, strict=True):
            # what has a fixed first side is no row of images
            held[id(tensor)] = keras.ops.repeat(value, count, axis=0) if tensor.shape[0] is None else value
        last = {id(tensor): number for number, call in enumerate(self.calls) for tensor in call.inputs}
        for number, call in enumerate(self.calls):
            outputs = zip(node_of(call).outputs, keras.tree.flatten(call_layer(call, held)), strict=True)
            held |= {id(tensor): value for tensor, value in outputs}
            for tensor in call.inputs:
                if last[id(tensor)] == number:
                    held.pop(id(tensor), None)
        return np.asarray(held[id(self.end)], np.float32).reshape(count, -1)

    def batch_size(self, memory: int) -> int:
        """Return how many rows of values fit into so many bytes."""
        tensors = [self.start, *self.sides, *(tensor for call in self.calls for tensor in (call.output, *call.others))]
        largest = max(4 * int(np.prod([side or 1 for side in tensor.shape[1:]])) for tensor in tensors)
        return max(1, min(_SEVERAL, memory // (3 * largest)))


def tail_after(graph: Graph, tensor: Any) -> Tail | None:
    """Return what follows a tensor of a graph; None where the output doesn't depend on it.

    Parameters
    ----------
    graph
        A traced model.
    tensor
        Symbolic, an output of one of its calls.
    """
    reached, after = {id(tensor)}, []
    for call in graph.calls:
        if reached.intersection(map(id, call.inputs)):
            after.append(call)
            reached |= {id(one) for one in (call.output, *call.others)}
    if id(graph.output) not in reached or graph.output is tensor:
        return None
    needed, calls = {id(graph.output)}, []
    for call in reversed(after):
        if needed.intersection(id(one) for one in (call.output, *call.others)):
            calls.append(call)
            needed |= {id(one) for one in call.inputs}
    sides = {id(one): one for call in reversed(calls) for one in call.inputs if id(one) not in reached}
    return Tail(tensor, tuple(sides.values()), tuple(reversed(calls)), graph.output)


def values_of(graph: Graph, image: NDArray[np.float32], tensors: Sequence[Any]) -> list[Any]:
    """Return the values of tensors of a graph, its input among them, for an image ``(1, H, W, C)`` in its units."""
    import keras

    found = {id(graph.input): keras.ops.convert_to_tensor(image, graph.input.dtype)}
    found |= {id(tensor): value for tensor, value in compute_outputs(graph, image, tensors)}
    return [found[id(tensor)] for tensor in tensors]
