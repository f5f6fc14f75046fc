"""Batches for training and validation, made by tf.data beside the training step.

What a batch holds is settled by seed, epoch and step alone, so that a training can be taken up at any epoch.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.training.augment import Draws, augment, cover_some, move, retouch
from reportgen.training.coverings import cover, grade
from reportgen.training.examples import Examples, epoch_order, sample_weights, targets_of
from reportgen.training.places import with_places
from reportgen.training.recipe import Augmentation, Recipe

SETTLED_STRENGTH = 0.25


def steps_of(data: Examples, recipe: Recipe) -> int:
    """Return the steps of an epoch; the last may have fewer images."""
    return -(-len(data) // recipe.batch)


def training_batches(
    data: Examples,
    recipe: Recipe,
    outputs: int,
    factor: float,
    first_epoch: int = 0,
    grid: tuple[int, int] | None = None,
) -> Any:
    """Return a tf.data pipeline of all batches from an epoch to the last.

    Parameters
    ----------
    data
        N images.
    recipe
        Order, augmentation, mixing.
    outputs
        Numbers that the network gives.
    factor
        From raw-image units to the network's: 1/255, or 1 where it scales them itself.
    first_epoch
        Counted from 0.
    grid
        (rows, columns) of places of which the network says what is to be seen at each; None: it doesn't.

    Returns
    -------
    tf.data.Dataset
        Of (images ``(B, H, W, C)`` float32, targets as :func:`targets_of` gives them), and weights ``(B,)`` float32
        where images don't all count the same.
    """
    import tensorflow as tf

    steps = steps_of(data, recipe)
    weights = sample_weights(data, recipe.balance)
    weighted = weights is not None
    # what is the same in all channels is changed once for all: it takes longer than the rest of the pipeline
    gray = recipe.augmentation is not None and data.is_gray
    columns = (targets_of(data, outputs, hard=recipe.hard_targets), weights, data.located)
    read = _reader(data, *columns, channels=1 if gray else None, regions=data.regions)

    def ordered(epoch: NDArray[np.int64]) -> NDArray[np.int64]:
        return epoch_order(data, recipe.balance, recipe.seed, int(epoch))

    def of_epoch(epoch: Any) -> Any:
        order = tf.ensure_shape(tf.numpy_function(ordered, [epoch], tf.int64), [len(data)])
        return tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch)

    def change(step: Any, batch: Any) -> Any:
        images, targets, *rest = batch
        draws = Draws(tf.shape(images)[0], recipe.seed, step + 1)
        scaled = tf.cast(images, tf.float32) * (1 / 255)
        settled = step >= round(steps * recipe.epochs * (1 - recipe.settling))
        strength = tf.where(settled, SETTLED_STRENGTH, 1.0)
        how, weights = recipe.augmentation or Augmentation(), rest[:1] if weighted else []
        if data.regions is not None:
            given = scaled, targets, *rest[-2:]
            scaled, targets, counts, seen = _covered(given, draws, how, strength, recipe.label_smoothing)
            weights = [weights[0] * counts if weighted else counts]
            if grid is not None:
                # all of them count the same, however certain their scores are to be
                known = tf.cast(rest[-2], tf.float32) / counts
                targets = with_places(targets, seen, known, grid)
        elif recipe.augmentation is not None:
            scaled = augment(scaled, draws, how, strength)
        if gray:
            scaled = tf.repeat(scaled, data.images.shape[-1], axis=-1)
        if recipe.mixup:
            share = draws.uniform(0.0, recipe.mixup)
            scaled += share * (tf.reverse(scaled, [0]) - scaled)
            targets += share[:, :, 0, 0] * (tf.reverse(targets, [0]) - targets)
        return (scaled if factor == 1 / 255 else scaled * (255 * factor), targets, *weights)

    stream = tf.data.Dataset.range(first_epoch, recipe.epochs).flat_map(of_epoch).map(read)
    numbered = stream.enumerate(first_epoch * steps)
    return numbered.map(change, num_parallel_calls=os.cpu_count() or 1).prefetch(4)


def _covered(given: Any, draws: Draws, how: Augmentation, strength: Any, smoothing: float) -> tuple[Any, Any, Any, Any]:
    """Augment images, cover those whose regions are known, grade their targets; say how much each counts, what is seen.

    The others are covered as the augmentation says, and keep their targets.
    """
    import tensorflow as tf

    images, targets, located, regions = given
    with_regions = tf.concat([images, tf.cast(regions, tf.float32)[..., None]], -1)
    moved = move(with_regions, draws, how, strength)
    there = tf.cast(moved[..., -1:] > 0.5, tf.float32)
    toned = retouch(moved[..., :-1], draws, how, strength)
    covered, left, share = cover(toned, there, draws)
    graded, counts = grade(targets, share, smoothing)
    others = cover_some(toned, draws, how.coverings * strength) if how.coverings else toned
    return (
        tf.where(located[:, None, None, None], covered, others),
        tf.where(located[:, None], graded, targets),
        tf.where(located, counts, 1.0),
        left,
    )


def plain_batches(data: Examples, recipe: Recipe, outputs: int, factor: float, batch: int = 64) -> Any:
    """Return a pipeline of all images once, in order and unchanged, as :func:`training_batches` gives them."""
    import tensorflow as tf

    read = _reader(data, targets_of(data, outputs, hard=recipe.hard_targets))
    stream = tf.data.Dataset.range(len(data)).batch(batch).map(read)
    return stream.map(lambda x, y: (tf.cast(x, tf.float32) * factor, y)).prefetch(2)


def _reader(
    data: Examples,
    *columns: NDArray[np.float32] | NDArray[np.bool_] | None,
    channels: int | None = None,
    regions: NDArray[np.bool_] | None = None,
) -> Any:
    """Return a function that fetches images, and what else there is of each, of a batch of indices.

    Images are fetched from the array that they are in, which may be a file mapped into memory: TensorFlow's own
    datasets would make a second copy of all. Of channels the first so many; None: all. Regions come last.
    """
    import tensorflow as tf

    shape = (*data.images.shape[1:-1], channels or data.images.shape[-1])
    kept = [tf.constant(column) for column in columns if column is not None]

    def fetch(indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        return data.images[indices, ..., :channels]

    def fetch_regions(indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        assert regions is not None  # noqa: S101 - asked for only where there are some
        return regions[indices]

    def read(indices: Any) -> Any:
        images = tf.ensure_shape(tf.numpy_function(fetch, [indices], tf.uint8), [None, *shape])
        rest = [tf.gather(column, indices) for column in kept]
        if regions is not None:
            found = tf.numpy_function(fetch_regions, [indices], tf.bool)
            rest.append(tf.ensure_shape(found, [None, *shape[:2]]))
        return (images, *rest)

    return read
