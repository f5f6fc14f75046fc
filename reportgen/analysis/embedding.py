"""A case in few numbers: the mean of each channel of each layer, and the features that the head reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.activations import choose_layers, feature_maps
from reportgen.analysis.layer_graph import Graph, LayerCall, compute_outputs
from reportgen.models.formats.layer_names import has_plain_names
from reportgen.models.formats.steady import steady_layers
from reportgen.settings.report import LayerSettings

MOST_FEATURES = 16_384
_HEADS = ("Dense",)


@dataclass(frozen=True)
class Embedding:
    """One case.

    Attributes
    ----------
    channel_means
        ``(channels,)`` by layer: means over all places of its feature maps.
    features
        ``(F,)``: what goes into the last dense layer, or the means of the last feature maps.
    layer
        Whose output the features are.
    """

    channel_means: dict[str, NDArray[np.float32]]
    features: NDArray[np.float32]
    layer: str


class Embedder:
    """Runs a model for its embeddings, one image at a time: what comes out doesn't depend on what else is run.

    Parameters
    ----------
    model, graph
        A Keras model, and its trace.
    settings
        Which layers count.
    """

    def __init__(self, model: Any, graph: Graph, settings: LayerSettings) -> None:
        self._graph = graph
        self.layers, _ = choose_layers(graph, settings)
        self._features = find_features(graph)
        self._compiled: Any = None
        if has_plain_names(model) and not steady_layers(model):
            self._compiled = self._compile(model)

    def __call__(self, image: NDArray[np.float32]) -> Embedding:
        """Return the embedding of a prepared image ``(H, W, C)``."""
        batch = image[None]
        means, features = self._compiled(batch) if self._compiled is not None else self._by_call(batch)
        found = {call.path: np.asarray(one, np.float32)[0] for call, one in zip(self.layers, means, strict=True)}
        if features is None:
            last = self.layers[-1].path if self.layers else ""
            return Embedding(found, found.get(last, np.zeros(0, np.float32)), last)
        name = self._features.path if self._features is not None else ""
        return Embedding(found, np.asarray(features, np.float32)[0], name)

    def _compile(self, model: Any) -> Any:
        import tensorflow as tf

        shape = (1, *(side or 1 for side in model.inputs[0].shape[1:]))
        run = tf.function(self._run, input_signature=[tf.TensorSpec(shape, tf.float32)], autograph=False)
        try:
            run.get_concrete_function()
        except (ValueError, TypeError, NotImplementedError):
            # what TensorFlow can't hold in a graph is run call by call
            return None
        return run

    def _run(self, batch: Any) -> tuple[list[Any], Any]:
        import tensorflow as tf

        wanted = {id(call.output): call for call in self.layers}
        features = None if self._features is None else self._features.output
        tensors = [call.output for call in self.layers] + ([] if features is None else [features])
        means, vector = {}, None
        for tensor, value in compute_outputs(self._graph, batch, tensors):
            if tensor is features:
                vector = value
            if id(tensor) in wanted:
                axes = (2, 3) if wanted[id(tensor)].channels_first else (1, 2)
                means[id(tensor)] = tf.reduce_mean(tf.cast(value, tf.float32), axis=axes)
        return [means[id(call.output)] for call in self.layers], vector

    def _by_call(self, batch: NDArray[np.float32]) -> tuple[list[Any], Any]:
        means = [maps.values.mean(axis=(1, 2)) for maps in feature_maps(self._graph, self.layers, batch)]
        if self._features is None:
            return means, None
        ((_, vector),) = compute_outputs(self._graph, batch, [self._features.output])
        return means, vector


def find_features(graph: Graph) -> LayerCall | None:
    """Return the call whose output, a vector, goes into the last dense layer.

    None where there is no dense layer behind a vector of at most :data:`MOST_FEATURES`: the last feature maps stand in.
    """
    heads = [call for call in graph.calls if type(call.layer).__name__ in _HEADS]
    if not heads:
        return None
    into = heads[-1].inputs[0]
    shape = tuple(into.shape[1:])
    if len(shape) != 1 or shape[0] is None or shape[0] > MOST_FEATURES:
        return None
    return next((call for call in graph.outputs if call.output is into), None)
