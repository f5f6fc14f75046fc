"""Images of which parts are covered while training, so that a network learns to look at what is to be seen.

A network that has never seen a covered image says of one what it likes: that it is smoother, has edges. Where it is
known where what the label rests on lies, images are covered at random, anew each time, and their target is graded by
the share that is left to be seen: evidence is then what covering takes away, however much of it there is, and a
covering by itself is none. Answers rest on the right thing as far as that is known (A. Ross, M. Hughes and F.
Doshi-Velez: Right for the Right Reasons, IJCAI 2017, arXiv:1703.03717).
"""

from __future__ import annotations

import math
from typing import Any

from reportgen.training.augment import Draws, fillings, places_of

BLOCKS = 9  # at most
LEAST_SMOOTHING = 0.05
_SMALLEST, _LARGEST = 0.04, 0.2  # half of a block's sides, as shares of the image's
_UNTOUCHED, _ONE_BLOCK, _WHOLE = 0.3, 0.3, 0.03  # shares of the images
_EVEN = 0.12  # see grade


def cover(images: Any, regions: Any, draws: Draws) -> tuple[Any, Any]:
    """Cover parts of images, and say how much of their regions is left to be seen.

    Of the images three in ten stay as they are, as many get one block, the others two to nine; three in a hundred are
    covered wholly. Blocks have 8 to 40 % of the sides and lie anywhere; what they show is the image blurred, its mean,
    or any gray.

    Parameters
    ----------
    images
        ``(N, H, W, C)`` float32, 0 to 1.
    regions
        ``(N, H, W, 1)`` float32: 1 where what the label rests on is to be seen, else 0.
    draws
        Of this batch.

    Returns
    -------
    tuple
        The images, and ``(N,)`` float32, the share of each one's region that isn't covered; 0 without a region.
    """
    import tensorflow as tf

    rows, columns = places_of(images)
    kind, several = draws.uniform(0.0, 1.0), tf.floor(draws.uniform(2.0, BLOCKS + 1.0))
    count = tf.where(kind < _UNTOUCHED, 0.0, tf.where(kind < _UNTOUCHED + _ONE_BLOCK, 1.0, several))
    drawn = tf.range(float(BLOCKS)) < count[:, :, :, 0]
    down, across, high, wide = (
        draws.row(BLOCKS, *bounds) for bounds in ((0.0, 1.0), (0.0, 1.0), *[(_SMALLEST, _LARGEST)] * 2)
    )
    # a pixel is covered where its row and its column belong to the same block
    of_rows = tf.cast((tf.abs(rows[:, :, 0] - down) < high) & drawn, tf.float32)
    of_columns = tf.cast(tf.abs(columns[:, 0] - across) < wide, tf.float32)
    covered = (tf.matmul(of_rows, of_columns, transpose_b=True)[..., None] > 0) | draws.chance(_WHOLE)
    mean, blurred = fillings(images)
    kind = draws.uniform(0.0, 1.0)
    filling = tf.where(kind < 0.55, blurred, tf.where(kind < 0.9, mean, draws.uniform(0.15, 0.8)))
    left = tf.reduce_sum(tf.where(covered, 0.0, regions), [1, 2, 3])
    seen = tf.math.divide_no_nan(left, tf.reduce_sum(regions, [1, 2, 3]))
    return tf.where(covered, filling, images), seen


def grade(targets: Any, seen: Any, smoothing: float) -> tuple[Any, Any]:
    """Return targets graded by what is to be seen, and how much each counts.

    The log-odds of the target run evenly with the share that is seen, from those of the smoothed label of the first
    class to those of the second: so each part of a finding is worth as much as any other of its size, beside which
    others it may lie. Cross-entropy hardly feels a step where targets are nearly certain; with weights that are
    the inverse of its curvature it weighs all steps alike, to second order as squared differences of log-odds would.

    Parameters
    ----------
    targets
        ``(N, 1)`` for one sigmoid, ``(N, 2)`` for a softmax: the labels, 0 or 1.
    seen
        ``(N,)``, 0 to 1.
    smoothing
        Share of a target that the loss spreads over the classes afterwards; above 0.

    Returns
    -------
    tuple
        Targets of the same shape, such that the loss's own smoothing brings them to the graded ones; ``(N,)`` float32
        weights.
    """
    import tensorflow as tf

    most = math.log((1 - smoothing / 2) / (smoothing / 2))
    chance = tf.sigmoid(most * (2 * targets[:, -1] * seen - 1))
    weights = _EVEN / (chance * (1 - chance))
    graded = (chance - smoothing / 2) / (1 - smoothing)
    both = tf.stack([1 - graded, graded], axis=1)
    return both[:, 2 - targets.shape[1] :], weights
