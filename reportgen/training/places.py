"""A second head, for the training alone, that learns where: from the last feature maps to what is seen at each place.

One label says little about a whole image; where it is known where what the label rests on lies, the features can be
told place by place (multi-task learning, R. Caruana, Machine Learning 28, 1997). The head is a convolution of 1 x 1:
the features themselves must tell. Its outputs are put behind the scores as further columns of one output, and their
targets behind those of the scores; what is measured are the scores. The model that is kept has no second head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_RARE = -2.0  # log-odds at the start: most places show nothing
_COUNT = 2.0  # how much the places of an image count beside its score


@dataclass(frozen=True)
class Places:
    """The learner with its second head.

    Attributes
    ----------
    learner
        Gives ``(N, K + rows * columns)``: K scores, then for each place how much of it shows what the label rests on.
    scores
        K.
    grid
        (rows, columns) of the last feature maps.
    """

    learner: Any
    scores: int
    grid: tuple[int, int]


def add_places(learner: Any) -> Places | None:
    """Return a learner with the second head on its last feature maps; None where it has none, or isn't a plain stack.

    Layers are shared with the given one.
    """
    import keras

    if not isinstance(learner, keras.Sequential):
        return None
    given = keras.Input(learner.input_shape[1:])
    values, features = given, None
    for layer in learner.layers:
        values = layer(values)
        features = values if len(values.shape) == 4 else features
    if features is None:
        return None
    rows, columns = features.shape[1:3]
    start = keras.initializers.Constant(_RARE)
    head = keras.layers.Conv2D(1, 1, activation="sigmoid", bias_initializer=start, dtype="float32", name="places")
    places = keras.layers.Flatten(dtype="float32", name="flat_places")(head(features))
    joined = keras.layers.Concatenate(dtype="float32")([values, places])
    return Places(keras.Model(given, joined), int(values.shape[-1]), (int(rows), int(columns)))


def with_places(targets: Any, seen: Any, known: Any, grid: tuple[int, int]) -> Any:
    """Return targets ``(N, K + 1 + rows * columns)``: those of the scores, how much places count, and each place's.

    Parameters
    ----------
    targets
        ``(N, K)``.
    seen
        ``(N, H, W, 1)`` float32: 1 where what the label rests on is to be seen.
    known
        ``(N,)`` float32, how much the places of an image count; 0 where nothing is known of it.
    grid
        (rows, columns).
    """
    import tensorflow as tf

    shares = tf.image.resize(seen, grid, method="area")
    return tf.concat([targets, known[:, None], tf.reshape(shares, [-1, grid[0] * grid[1]])], axis=1)


def loss_with_places(scores: int, smoothing: float) -> Any:
    """Return a Keras loss: cross-entropy of the scores, and that of the places by as much as these count.

    Targets that have no places, as those of validation images, cost what the scores cost.

    Parameters
    ----------
    scores
        K; 1 is a sigmoid, more a softmax.
    smoothing
        Of the scores' targets.
    """
    import keras

    cost = keras.losses.binary_crossentropy if scores == 1 else keras.losses.categorical_crossentropy

    def both(true: Any, found: Any) -> Any:
        of_scores = cost(true[:, :scores], found[:, :scores], label_smoothing=smoothing)
        if true.shape[-1] == scores:
            return of_scores
        of_places = keras.losses.binary_crossentropy(true[:, scores + 1 :], found[:, scores:])
        return of_scores + _COUNT * true[:, scores] * of_places

    return both
