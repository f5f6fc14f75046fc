"""Where a model's logits are: the same model, ending before its last activation.

An activation may be fused in a layer, be a layer or an operation of its own, be written out by the user, and stand in a
model inside a model; the trace is flat, so all of that is one way back from the output. What is found is tried out on
random numbers before it is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, LayerCall, call_layer, node_of
from reportgen.analysis.weight_of_evidence import activate
from reportgen.models.formats.steady import is_steady

_FURTHEST = 12  # calls back from the output
_TRIALS, _SPREAD, _SAME = 8, 2.0, 1e-5
_JOINING = ("Concatenate", "Stack")


def cut_before_activation(graph: Graph, kind: str) -> Graph | None:
    """Return a model that ends in its logits.

    Parameters
    ----------
    graph
        The traced model, whose outputs are scores.
    kind
        The activation: ``sigmoid`` or ``softmax``.

    Returns
    -------
    Graph or None
        The same layers with the same weights; None where no logits can be found.
    """
    try:
        end = _logits_of(graph.output, {id(call.output): call for call in graph.calls}, kind)
    except Exception:  # noqa: BLE001 - layers may do anything with other numbers; without logits, scores remain
        return None
    if end is None:
        return None
    tensor, added = end
    return _leading_to(tensor, graph, added)


End = tuple[Any, list[LayerCall]]


def _logits_of(tensor: Any, makers: dict[int, LayerCall], kind: str) -> End | None:
    """Return the tensor of logits that scores were made of, and the calls that had to be added for it."""
    after: list[LayerCall] = []
    size = _size(tensor)
    for _ in range(_FURTHEST):
        call = makers.get(id(tensor))
        if call is None or call.others:
            return None
        if _activation(call.layer) == kind and not is_steady(call.layer):
            fused = _without_activation(call)
            if _agrees(call.inputs, [call, *after], [fused], kind, size):
                return fused.output, [fused]
        if kind == "sigmoid" and type(call.layer).__name__ in _JOINING and len(call.inputs) > 1:
            return _joined(call, after, makers, kind)
        if len(call.inputs) != 1 or _size(call.inputs[0]) != size:
            return None
        after.insert(0, call)
        if _agrees(call.inputs, after, [], kind, size):
            return call.inputs[0], []
        tensor = call.inputs[0]
    return None


def _joined(call: LayerCall, after: Sequence[LayerCall], makers: dict[int, LayerCall], kind: str) -> End | None:
    """Join the logits of several outputs that stand side by side, each with an activation of its own."""
    ends = [_logits_of(tensor, makers, kind) for tensor in call.inputs]
    found = [end for end in ends if end is not None]
    if len(found) < len(ends) or any(_size(one) != _size(end[0]) for one, end in zip(call.inputs, found, strict=True)):
        return None
    made = {id(one): end[0] for one, end in zip(call.inputs, found, strict=True)}
    if any(tuple(one.shape) != tuple(end[0].shape) for one, end in zip(call.inputs, found, strict=True)):
        return None
    added = [new for _, calls in found for new in calls]
    for one in (call, *after):
        output = call_layer(one, made)
        added.append(replace(one, inputs=tuple(made[id(given)] for given in one.inputs), output=output, first=False))
        made[id(one.output)] = output
    return added[-1].output, added


def _activation(layer: Any) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _without_activation(call: LayerCall) -> LayerCall:
    """Return the call of a layer that shares its weights and has no activation."""
    import keras

    # a copy by Keras would have weights of its own
    layer = object.__new__(type(call.layer))
    # its record of calls must be its own, or the original would seem to have been called
    vars(layer).update(vars(call.layer))
    vars(layer).update(_inbound_nodes=[], _outbound_nodes=[], activation=keras.activations.linear)
    arguments = node_of(call).arguments
    output = layer(*arguments.args, **arguments.kwargs)
    return replace(call, layer=layer, output=output, first=False)


def _agrees(inputs: Sequence[Any], scored: Sequence[LayerCall], cut: Sequence[LayerCall], kind: str, size: int) -> bool:
    """Whether the activation of what the cut calls give is what the whole ones do, on random numbers."""
    random = np.random.default_rng(0)
    given = {
        id(one): random.normal(0, _SPREAD, (_TRIALS, *(int(side) for side in one.shape[1:]))).astype(np.float32)
        for one in inputs
    }
    logits, scores = _run(cut, given, inputs[0], size), _run(scored, given, inputs[0], size)
    return bool(np.allclose(activate(logits, kind), scores, rtol=0, atol=_SAME))


def _run(calls: Sequence[LayerCall], given: dict[int, Any], tensor: Any, size: int) -> NDArray[np.float64]:
    import keras

    values = {key: keras.ops.convert_to_tensor(one) for key, one in given.items()}
    for call in calls:
        values[id(call.output)] = call_layer(call, values)
        tensor = call.output
    return np.asarray(values[id(tensor)], np.float64).reshape(_TRIALS, size)


def _leading_to(tensor: Any, graph: Graph, added: Sequence[LayerCall]) -> Graph:
    """Return the part of a graph that a tensor is computed from."""
    calls = [*graph.calls, *added]
    needed, chosen = {id(tensor)}, []
    for call in reversed(calls):
        if needed.intersection(id(one) for one in (call.output, *call.others)):
            needed |= {id(one) for one in call.inputs}
            chosen.append(call)
    return Graph(graph.input, tuple(reversed(chosen)), tensor)


def _size(tensor: Any) -> int:
    return int(np.prod([side or 0 for side in tensor.shape[1:]]))
