"""The reference engine: every occluded image goes through the whole model.

Slow and beyond doubt. Batches have one fixed size, so that one compiled function serves all; the size follows from a
bound on memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, compute_outputs
from reportgen.analysis.occlusion.patches import occlude
from reportgen.models.formats.layer_names import has_plain_names
from reportgen.models.formats.steady import steady_layers
from reportgen.models.keras_internals import calls_of

LARGEST_BATCH = 64
Positions = tuple[Sequence[int], Sequence[int], tuple[int, int]]


def score_positions(
    model: Any,
    images: Sequence[NDArray[np.generic]],
    *,
    fills: Sequence[Sequence[NDArray[np.float32]]],
    positions: Sequence[Positions],
    prepare: Callable[[NDArray[np.generic]], NDArray[np.float32]],
    memory: int,
    on_progress: Callable[[int], object],
    forward: Callable[[tuple[int, ...]], Callable[[Any], Any]] | None = None,
) -> list[list[NDArray[np.float32]]]:
    """Run each image untouched, then with each patch and fill at every position.

    Parameters
    ----------
    model
        Keras model, ``(N, H, W, C)`` to ``(N, K)``.
    images
        ``(H, W, C)`` each, in raw-image units.
    fills
        For each image what shows where it's covered, ``(H, W, C)`` each in the same units.
    positions
        For each patch the tops of the rows, the lefts of the columns, and its (height, width).
    prepare
        From raw-image units to model units.
    memory
        Bytes that one batch may take, inputs and activations together.
    on_progress
        Told the number of positions done since it was last told.
    forward
        Gives for a batch's shape what runs it; default: the model itself, compiled.

    Returns
    -------
    list of list of ndarray
        For each image and fill the raw outputs ``(1 + positions, K)``; the first is of the untouched image.
    """
    import tensorflow as tf

    corners = [((top, left), patch) for rows, columns, patch in positions for top in rows for left in columns]
    prepared = [(prepare(image), [prepare(fill) for fill in own]) for image, own in zip(images, fills, strict=True)]
    work = [
        (image, fill, *place)
        for image, own in prepared
        for number, fill in enumerate(own)
        for place in ([] if number else [(None, (0, 0))]) + corners
    ]
    size = min(batch_size(model, memory), len(work))
    shape = (size, *images[0].shape)
    run = forward(shape) if forward else compile_forward(model, None, shape)
    outputs = []
    for part in _parts(work, size):
        batch = np.zeros(shape, np.float32)
        for number, (image, fill, corner, patch) in enumerate(part):
            batch[number] = occlude(image, fill, corner, patch)
        outputs.append(np.asarray(run(tf.constant(batch)), np.float32).reshape(size, -1)[: len(part)])
        on_progress(len(part))
    tables = []
    rows = iter(np.concatenate(outputs))
    for _, own in prepared:
        base = next(rows)
        tables.append([np.stack([base, *(next(rows) for _ in corners)]) for _ in own])
    return tables


def compile_forward(model: Any, graph: Graph | None, shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """Return a model as one compiled function of a batch of this shape, or as it is where it can't be compiled.

    Parameters
    ----------
    model
        Keras model.
    graph
        Another graph of its layers, such as the one that ends in its logits; None: the model as it is.
    shape
        ``(N, H, W, C)``.
    """
    import tensorflow as tf

    def forward(batch: Any) -> Any:
        if graph is None:
            return model(batch, training=False)
        ((_, found),) = compute_outputs(graph, batch, [graph.output])
        return found

    # what is made steady is run image by image, which no graph can hold
    if not has_plain_names(model) or steady_layers(model):
        return forward
    signature = tf.TensorSpec(shape, tf.float32)
    compiled: Callable[[Any], Any] = tf.function(forward, input_signature=[signature], autograph=False)
    try:
        compiled.get_concrete_function()  # type: ignore[attr-defined]
        return compiled
    except ValueError:
        # a layer whose name is none for TensorFlow, such as one with a space in it
        return forward


def run_batches(forward: Callable[[Any], Any], inputs: Sequence[NDArray[np.float32]], size: int) -> NDArray[np.float32]:
    """Return raw outputs ``(N, K)`` of images in the model's units; all batches are filled up to one size."""
    import tensorflow as tf

    parts = []
    for part in _parts(inputs, size):
        batch = np.zeros((size, *inputs[0].shape), np.float32)
        batch[: len(part)] = part
        parts.append(np.asarray(forward(tf.constant(batch)), np.float32).reshape(size, -1)[: len(part)])
    return np.concatenate(parts)


def batch_size(model: Any, memory: int) -> int:
    """Return how many images fit: a batch holds its input and, at the worst moment, two neighbouring layers' outputs.

    Parameters
    ----------
    model
        Keras model.
    memory
        Bytes.
    """
    largest = max((_output_bytes(layer) for layer in _layers(model)), default=0)
    own = 4 * int(np.prod([side or 1 for side in model.inputs[0].shape]))
    return max(1, min(LARGEST_BATCH, memory // (own + 3 * max(largest, own))))


def _parts(work: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(work), size):
        yield work[start : start + size]


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)


def _output_bytes(layer: Any) -> int:
    """Return the bytes of the largest output a layer has had; one that was never called has none."""
    outputs = [output for node in calls_of(layer) for output in node.output_tensors]
    return max((4 * int(np.prod([side or 1 for side in output.shape])) for output in outputs), default=0)
