"""Slopes of the evidence: by how much it rises with each value of the input, or of a layer.

The evidence is taken before the last activation, in bits: where a score is saturated, its own slope is all but zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, LayerCall, compute_outputs
from reportgen.analysis.metrics.faithfulness import in_parts
from reportgen.analysis.weight_of_evidence import Readout
from reportgen.system.language import say

Pixels = NDArray[np.float32]
_LN2 = float(np.log(2))
_LEAST, _MOST = float(np.finfo(np.float32).tiny), 1 - 2.0**-24
_LARGEST_BATCH = 32


class NoViewError(Exception):
    """A view can't be made of this model; says why, in words for the report."""


@dataclass(frozen=True)
class Slopes:
    """A model as a function whose slopes can be had.

    Attributes
    ----------
    graph
        Up to the logits where these can be had, else to the outputs.
    readout
        How its numbers become evidence.
    target
        Number of the class that is followed.
    sign
        1, or -1 where what is asked is the evidence against the class.
    memory
        Bytes that a batch may take, with all activations that a way back needs.
    """

    graph: Graph
    readout: Readout
    target: int
    sign: int
    memory: int

    @property
    def size(self) -> int:
        """How many images are run at once."""
        sides = [call.output_shape[1:] for call in self.graph.calls]
        held = sum(8 * int(np.prod([side or 1 for side in shape])) for shape in sides)
        return max(1, min(_LARGEST_BATCH, self.memory // max(held, 1)))

    def evidence(self, images: Sequence[Pixels]) -> NDArray[np.float64]:
        """Return the evidence ``(N,)`` of images in the model's units."""
        parts = in_parts(len(images), self.size)
        return np.concatenate([np.asarray(self._evidence(np.stack(images[part]), [])[0], np.float64) for part in parts])

    def at_input(self, images: Sequence[Pixels]) -> tuple[NDArray[np.float64], Pixels]:
        """Return the evidence ``(N,)`` and its slopes ``(N, H, W, C)`` at images in the model's units.

        Raises
        ------
        NoViewError
            When no slope leads back to the image.
        """
        import tensorflow as tf

        evidence, slopes = [], []
        for part in in_parts(len(images), self.size):
            batch = tf.constant(np.stack(images[part]))
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(batch)
                found = self._evidence(batch, [])[0]
            evidence.append(np.asarray(found, np.float64))
            slopes.append(_slope(tape, found, batch, say("the image")))
        return np.concatenate(evidence), np.concatenate(slopes)

    def at_layer(self, image: Pixels, call: LayerCall) -> tuple[Pixels, Pixels]:
        """Return what a layer gives for an image and the slopes of the evidence there, ``(h, w, channels)`` each.

        Raises
        ------
        NoViewError
            When no slope leads back to the layer.
        """
        import tensorflow as tf

        batch = tf.constant(image[None])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(batch)
            found, inside = self._evidence(batch, [call.output], tape)
        slope = _slope(tape, found, inside, say("layer {layer}", layer=call.path))[0]
        values = np.asarray(inside, np.float32)[0]
        if call.channels_first:
            return np.moveaxis(values, 0, -1), np.moveaxis(slope, 0, -1)
        return values, slope

    def _evidence(self, batch: Any, inside: list[Any], tape: Any = None) -> tuple[Any, ...]:
        """Return the evidence of a batch ``(N,)`` and what some tensors of the graph are."""
        values = {}
        for tensor, value in compute_outputs(self.graph, batch, [*inside, self.graph.output]):
            if tape is not None and tensor is not self.graph.output:
                tape.watch(value)
            values[id(tensor)] = value
        raw = values[id(self.graph.output)]
        return self.sign * evidence_tensor(raw, self.readout, self.target), *(values[id(one)] for one in inside)


def evidence_tensor(raw: Any, readout: Readout, target: int) -> Any:
    """Return the evidence ``(N,)`` of one class as :meth:`Readout.evidence` does, of tensors, so that it has slopes.

    Parameters
    ----------
    raw
        ``(N, K)``, what comes out of the graph.
    readout
        How to read it.
    target
        Number of the class.
    """
    import tensorflow as tf

    values = tf.cast(tf.reshape(raw, (raw.shape[0], -1)), tf.float32)
    if readout.head.is_regression:
        return values[:, target]
    single = values.shape[1] == 1
    column = 0 if single else target
    if readout.is_softmax:
        logits = values if readout.gives_logits else tf.math.log(tf.clip_by_value(values, _LEAST, 1.0))
        others = tf.concat([logits[:, :target], logits[:, target + 1 :]], axis=1)
        return (logits[:, target] - tf.reduce_logsumexp(others, axis=1)) / _LN2
    logit = values[:, column]
    if not readout.gives_logits:
        score = tf.clip_by_value(logit, _LEAST, _MOST)
        logit = tf.math.log(score) - tf.math.log1p(-score)
    return (-logit if single and target == 0 else logit) / _LN2


def _slope(tape: Any, found: Any, where: Any, name: str) -> Pixels:
    try:
        slope = tape.gradient(found, where)
    except (LookupError, NotImplementedError):
        # TensorFlow's word for an operation that has no derivative
        slope = None
    if slope is None:
        raise NoViewError(say("no gradient leads from the model's output back to {name}", name=name))
    values = np.asarray(slope, np.float32)
    if not np.isfinite(values).all():
        raise NoViewError(say("the gradient at {name} is not a number in places", name=name))
    if not values.any():
        raise NoViewError(say("the gradient at {name} is zero everywhere", name=name))
    return values
