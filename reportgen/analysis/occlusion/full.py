"""The reference engine: every occluded image goes through the whole model.

Slow and beyond doubt. Batches have one fixed size, so that one compiled function serves all; the size follows from a
bound on memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.occlusion.patches import occlude
from reportgen.models.formats.layer_names import has_plain_names
from reportgen.models.formats.steady import steady_layers
from reportgen.models.keras_internals import calls_of

LARGEST_BATCH = 64
Positions = tuple[tuple[int, ...], tuple[int, ...], tuple[int, int]]


def score_positions(
    model: Any,
    images: Sequence[NDArray[np.generic]],
    *,
    fills: Sequence[NDArray[np.float32]],
    geometry: Positions,
    prepare: Callable[[NDArray[np.generic]], NDArray[np.float32]],
    memory: int,
    on_progress: Callable[[int], object],
) -> list[NDArray[np.float32]]:
    """Run each image untouched, then with the patch at every position.

    Parameters
    ----------
    model
        Keras model, ``(N, H, W, C)`` to ``(N, K)``.
    images, fills
        ``(H, W, C)`` each, in raw-image units: the images, and what shows where they're covered.
    geometry
        Tops of the rows, lefts of the columns, and (height, width) of the patch.
    prepare
        From raw-image units to model units.
    memory
        Bytes that one batch may take, inputs and activations together.
    on_progress
        Told the number of positions done since it was last told.

    Returns
    -------
    list of ndarray
        For each image the raw outputs ``(1 + rows * columns, K)``; the first is of the untouched image.
    """
    import tensorflow as tf

    rows, columns, patch = geometry
    positions = [None, *((top, left) for top in rows for left in columns)]
    size = min(batch_size(model, memory), len(positions) * len(images))
    shape = (size, *images[0].shape)
    run = _compiled(model, tf.TensorSpec(shape, tf.float32))
    prepared = [(prepare(image), prepare(fill)) for image, fill in zip(images, fills, strict=True)]
    work = [(number, position) for number in range(len(images)) for position in positions]
    outputs = []
    for part in _parts(work, size):
        batch = np.zeros(shape, np.float32)
        batch[: len(part)] = occlude_batch([(*prepared[number], position) for number, position in part], patch)
        outputs.append(np.asarray(run(tf.constant(batch)), np.float32).reshape(size, -1)[: len(part)])
        on_progress(len(part))
    return np.split(np.concatenate(outputs), len(images))


def occlude_batch(
    work: Sequence[tuple[NDArray[np.float32], NDArray[np.float32], tuple[int, int] | None]], patch: tuple[int, int]
) -> NDArray[np.float32]:
    """Return images ``(N, H, W, C)``, each (image, fill, corner of the patch or None) with the patch covered."""
    return np.stack([occlude(image, fill, corner, patch) for image, fill, corner in work])


def _compiled(model: Any, signature: Any) -> Callable[[Any], Any]:
    """Return the model as one compiled function, or as it is where it can't be compiled."""
    import tensorflow as tf

    def forward(batch: Any) -> Any:
        return model(batch, training=False)

    # what is made steady is run image by image, which no graph can hold
    if not has_plain_names(model) or steady_layers(model):
        return forward
    compiled: Callable[[Any], Any] = tf.function(forward, input_signature=[signature], autograph=False)
    try:
        compiled.get_concrete_function()  # type: ignore[attr-defined]
        return compiled
    except ValueError:
        # a layer whose name is none for TensorFlow, such as one with a space in it
        return forward


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
