"""Training a built-in architecture: augmentation, a cosine schedule, and the model as it will be shown.

Dropout and augmentation exist only while training: the model that is saved has exactly the layers of the architecture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.classification import measure_classifier
from reportgen.models.architectures import Architecture
from reportgen.models.preprocessing.preprocessing import Preprocessing
from reportgen.report.model import Evaluation
from reportgen.training.datasets import Dataset

FACTOR = 1 / 255  # from raw-image units to those that the built-in architectures are trained on


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are those of the built-in model.

    Attributes
    ----------
    epochs, batch, seed
        Passes over the data, images a step, seed of all randomness.
    learning_rate, warm_up
        Peak of the cosine schedule, and the share of all steps in which it is reached.
    weight_decay
        Of AdamW.
    dropout
        Before the first dense layer, and before every later one.
    label_smoothing
        0 to below 1.
    rotation
        Largest turn in degrees, either way.
    zoom
        Smallest and largest factor of each axis.
    shift
        Largest shift as a share of the side.
    settling
        Last epochs, in which augmentation has a quarter of its strength: images as they are look cleaner than augmented
        ones, and a model that only saw the latter is biased on the former.
    """

    epochs: int = 18
    batch: int = 32
    seed: int = 1
    learning_rate: float = 6e-4
    warm_up: float = 0.05
    weight_decay: float = 1e-3
    dropout: tuple[float, float] = (0.5, 0.4)
    label_smoothing: float = 0.05
    rotation: float = 14.0
    zoom: tuple[float, float] = (0.75, 1.15)
    shift: float = 0.10
    settling: int = 3


@dataclass(frozen=True)
class Trained:
    """A trained model and its history: for each measure one value an epoch."""

    model: Any
    history: dict[str, list[float]] = field(default_factory=dict)


def fit_model(
    architecture: Architecture,
    training: Dataset,
    validation: Dataset,
    recipe: Recipe,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> Trained:
    """Train an architecture from scratch.

    Parameters
    ----------
    architecture
        What to train.
    training, validation
        Images of the architecture's input shape; the validation set is only measured, never learned from.
    recipe
        Epochs, rates and augmentation.
    on_epoch
        Told the number of each epoch done and its measures.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    classes = len(training.class_names)
    model = architecture.build(classes)
    learner = _with_dropout(model, recipe.dropout)
    steps = recipe.epochs * -(-len(training) // recipe.batch)
    warm_up = max(1, int(steps * recipe.warm_up))
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 50, max(1, steps - warm_up), warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    if classes == 2:
        loss: Any = keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)
        metrics: list[Any] = ["accuracy", keras.metrics.AUC(name="auc", num_thresholds=1000)]
    else:
        loss, metrics = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing), ["accuracy"]
    learner.compile(keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay), loss=loss, metrics=metrics)
    told = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, dict(logs or {})) if on_epoch else None
    )
    checked = _batches(validation, recipe) if len(validation) else None
    history: dict[str, list[float]] = {}
    settled_from = max(0, recipe.epochs - recipe.settling)
    for first, last, strength in ((0, settled_from, 1.0), (settled_from, recipe.epochs, 0.25)):
        done = learner.fit(
            _batches(training, recipe, strength),
            validation_data=checked,
            initial_epoch=first,
            epochs=last,
            class_weight=class_weights(training),
            callbacks=[told],
            verbose=0,
        )
        for name, values in done.history.items():
            history.setdefault(name, []).extend(float(value) for value in values)
    return Trained(model, history)


def class_weights(data: Dataset) -> dict[int, float]:
    """Return for each class the weight that makes all classes count the same in the loss."""
    counts = np.bincount(data.labels, minlength=len(data.class_names))
    return {number: float(len(data) / (len(counts) * max(1, count))) for number, count in enumerate(counts)}


def _with_dropout(model: Any, rates: tuple[float, float]) -> Any:
    """Return a model with the same layers (and weights) and Dropout before each dense layer."""
    import keras

    layers: list[Any] = [keras.layers.Input(model.input_shape[1:])]
    remaining = list(rates)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layers.append(keras.layers.Dropout(remaining.pop(0) if len(remaining) > 1 else remaining[0]))
        layers.append(layer)
    return keras.Sequential(layers)


def _batches(data: Dataset, recipe: Recipe, strength: float = 0.0) -> Any:
    """Return a tf.data pipeline of (images 0..1 float32 ``(B, H, W, C)``, targets ``(B, 1)`` or ``(B, classes)``).

    With a strength above 0 (up to 1, the recipe's) images are shuffled and augmented.
    """
    import tensorflow as tf

    classes = len(data.class_names)
    targets = (
        data.labels[:, None].astype(np.float32) if classes == 2 else np.eye(classes, dtype=np.float32)[data.labels]
    )
    stream = tf.data.Dataset.from_tensor_slices((data.images, targets))
    if strength:
        stream = stream.shuffle(len(data), seed=recipe.seed)
    stream = stream.batch(recipe.batch).map(lambda x, y: (tf.cast(x, tf.float32) * FACTOR, y))
    if strength:
        random = tf.random.Generator.from_seed(recipe.seed)
        stream = stream.map(lambda x, y: (_augmented(x, random, recipe, strength), y))
    return stream.prefetch(2)


def _augmented(images: Any, random: Any, recipe: Recipe, strength: float) -> Any:
    """Flip, turn, zoom and shift in one resampling, then change brightness, contrast and gamma, each image its own."""
    import tensorflow as tf

    count = tf.shape(images)[0]
    height, width = images.shape[1], images.shape[2]

    def uniform(low: float, high: float, rest: float = 0.0) -> Any:
        # ranges shrink towards the value that changes nothing
        return random.uniform([count], rest + (low - rest) * strength, rest + (high - rest) * strength)

    angle = uniform(-recipe.rotation, recipe.rotation) * np.pi / 180
    flip = tf.where(random.uniform([count]) < 0.5, -1.0, 1.0)
    zoom_x, zoom_y = uniform(*recipe.zoom, rest=1.0), uniform(*recipe.zoom, rest=1.0)
    shift_x = uniform(-recipe.shift, recipe.shift) * width
    shift_y = uniform(-recipe.shift, recipe.shift) * height
    cx, cy = (width - 1) / 2, (height - 1) / 2
    # the rows map a pixel of the result to where it is read from, about the middle of the image
    a, b = tf.cos(angle) * zoom_x * flip, -tf.sin(angle) * zoom_y
    d, e = tf.sin(angle) * zoom_x * flip, tf.cos(angle) * zoom_y
    zero = tf.zeros_like(angle)
    rows = tf.stack([a, b, cx - a * cx - b * cy + shift_x, d, e, cy - d * cx - e * cy + shift_y, zero, zero], axis=1)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=rows, output_shape=[height, width], interpolation="BILINEAR",
        fill_mode="CONSTANT", fill_value=0.0,
    )  # fmt: skip

    def each(values: Any) -> Any:
        return values[:, None, None, None]

    mean = tf.reduce_mean(moved, axis=[1, 2, 3], keepdims=True)
    contrasted = (moved - mean) * each(uniform(0.8, 1.25, rest=1.0)) + mean + each(uniform(-0.1, 0.1))
    return tf.clip_by_value(contrasted, 1e-4, 1.0) ** each(uniform(0.75, 1.33, rest=1.0))


def scores_of(model: Any, data: Dataset, *, batch: int = 64) -> NDArray[np.float32]:
    """Return the outputs ``(N, K)`` of a model that was trained here."""
    scale = Preprocessing("scale", (FACTOR,))
    parts = [
        np.asarray(model(scale(data.images[start : start + batch]), training=False))
        for start in range(0, len(data), batch)
    ]
    return np.concatenate(parts)


def evaluate(model: Any, data: Dataset, *, name: str = "", threshold: float = 0.5) -> Evaluation:
    """Measure a model that was trained here on a data set; see :func:`measure_classifier`."""
    return measure_classifier(scores_of(model, data), data.labels, name=name, threshold=threshold)
