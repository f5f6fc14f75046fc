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

LEAST_SMOOTHING = 0.05
_KINDS = 4  # untouched, one block, several, many small ones: each as often as any other
_SEVERAL, _MANY = (2, 9), (10, 30)
_LARGE, _SMALL = (0.04, 0.2), (0.03, 0.08)  # half of a block's sides, as shares of the image's
_WHOLE = 0.03  # of the images
_EVEN = 0.12  # see grade


def cover(images: Any, regions: Any, draws: Draws) -> tuple[Any, Any, Any]:
    """Cover parts of images, and say how much of their regions is left to be seen.

    A quarter of the images stay as they are, a quarter get one block, a quarter two to nine, each with 8 to 40 % of the
    sides, and a quarter ten to thirty with 6 to 16 %; three in a hundred are covered wholly. Blocks lie anywhere; what
    they show is the image blurred, its mean, or any gray.

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
        The images; what is left of their regions, ``(N, H, W, 1)``; and ``(N,)`` float32, which share of them that is;
        0 without a region.
    """
    import tensorflow as tf

    rows, columns = places_of(images)
    kind = tf.floor(draws.uniform(0.0, float(_KINDS)))[:, :, :, 0]
    several, many = (tf.floor(draws.uniform(low, high + 1.0))[:, :, :, 0] for low, high in (_SEVERAL, _MANY))
    count = tf.where(kind < 1, 0.0, tf.where(kind < 2, 1.0, tf.where(kind < 3, several, many)))
    drawn = tf.range(float(_MANY[1])) < count
    least, most = (tf.where(kind < 3, large, small) for large, small in zip(_LARGE, _SMALL, strict=True))
    down, across, tall, broad = (draws.row(_MANY[1], 0.0, 1.0) for _ in range(4))
    high, wide = (least + (most - least) * size for size in (tall, broad))
    # a pixel is covered where its row and its column belong to the same block
    of_rows = tf.cast((tf.abs(rows[:, :, 0] - down) < high) & drawn, tf.float32)
    of_columns = tf.cast(tf.abs(columns[:, 0] - across) < wide, tf.float32)
    covered = (tf.matmul(of_rows, of_columns, transpose_b=True)[..., None] > 0) | draws.chance(_WHOLE)
    mean, blurred = fillings(images)
    kind = draws.uniform(0.0, 1.0)
    filling = tf.where(kind < 0.55, blurred, tf.where(kind < 0.9, mean, draws.uniform(0.15, 0.8)))
    left = tf.where(covered, 0.0, regions)
    seen = tf.math.divide_no_nan(*(tf.reduce_sum(one, [1, 2, 3]) for one in (left, regions)))
    return tf.where(covered, filling, images), left, seen


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
