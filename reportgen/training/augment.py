"""Training images as other cameras and scanners would have given them: moved, toned, framed, marked, blurred.

All draws are stateless: the same seed and step give the same images, whatever ran before, so a training that was
killed and resumed sees what an unbroken one sees.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reportgen.training.recipe import Augmentation


class Draws:
    """Random numbers of one batch, one for each image; each call draws anew, in the same order each time.

    Parameters
    ----------
    count
        Images in the batch (a tensor).
    seed, step
        Together they settle all draws.
    """

    def __init__(self, count: Any, seed: int, step: Any) -> None:
        self.count = count
        self._seed, self._step, self._drawn = seed, step, 0

    def uniform(self, low: Any, high: Any) -> Any:
        """Return ``(count, 1, 1, 1)`` float32 from ``low`` to below ``high``."""
        import tensorflow as tf

        unit = tf.random.stateless_uniform([self.count, 1, 1, 1], self._next())
        return low + (high - low) * unit

    def factor(self, largest: float, strength: float) -> Any:
        """Return factors from one over ``largest`` to ``largest``, evenly spread in their logarithm."""
        import tensorflow as tf

        bound = float(np.log(largest)) * strength
        return tf.exp(self.uniform(-bound, bound))

    def chance(self, share: Any) -> Any:
        """Return ``(count, 1, 1, 1)`` bool, true for about this share of images."""
        return self.uniform(0.0, 1.0) < share

    def row(self, number: int, low: float, high: float) -> Any:
        """Return ``(count, 1, number)`` float32 from ``low`` to below ``high``: several numbers for each image."""
        import tensorflow as tf

        return tf.random.stateless_uniform([self.count, 1, number], self._next(), low, high)

    def normal(self, shape: Any) -> Any:
        """Return normal noise of a shape."""
        import tensorflow as tf

        return tf.random.stateless_normal(shape, self._next())

    def _next(self) -> Any:
        import tensorflow as tf

        self._drawn += 1
        return tf.stack([tf.constant(self._seed, tf.int64), tf.cast(self._step, tf.int64) * 64 + self._drawn])


def augment(images: Any, draws: Draws, how: Augmentation, strength: float = 1.0) -> Any:
    """Change each image of a batch by its own draws.

    Parameters
    ----------
    images
        ``(N, H, W, C)`` float32, 0 to 1.
    draws
        Of this batch.
    how
        The ranges.
    strength
        0 to 1: all ranges shrink towards the value that changes nothing.

    Returns
    -------
    Tensor
        Of the same shape and range.
    """
    toned = retouch(move(images, draws, how, strength), draws, how, strength)
    return cover_some(toned, draws, how.coverings * strength) if how.coverings else toned


def retouch(images: Any, draws: Draws, how: Augmentation, strength: float = 1.0) -> Any:
    """Change all but places: tone, marks, borders, sharpness and noise; as :func:`augment`, without coverings."""
    import tensorflow as tf

    toned = _tone(images, draws, how, strength)
    if how.marks:
        toned = _mark(toned, draws, how.marks * strength)
    if how.borders:
        toned = _frame(toned, draws, how.borders * strength)
    if how.sharpness:
        smooth = tf.nn.avg_pool2d(toned, 3, 1, "SAME")
        toned += draws.uniform(-how.sharpness * strength, how.sharpness * strength) * (smooth - toned)
    if how.noise:
        # the same in all channels: the grain of a radiograph is gray
        grain = draws.normal(tf.concat([tf.shape(toned)[:3], [1]], 0))
        toned += draws.uniform(0.0, how.noise * strength) * grain
    return tf.clip_by_value(toned, 0.0, 1.0)


def move(images: Any, draws: Draws, how: Augmentation, strength: float) -> Any:
    """Flip, turn, zoom and shift in one resampling; what comes from outside the image is black."""
    import tensorflow as tf

    if how == Augmentation():
        return images
    height, width = images.shape[1], images.shape[2]

    def flat(values: Any) -> Any:
        return tf.reshape(values, [-1])

    turn = how.rotation * strength * np.pi / 180
    low, high = (1 + (edge - 1) * strength for edge in how.zoom)
    angle = flat(draws.uniform(-turn, turn))
    flip = flat(tf.where(draws.chance(0.5 if how.flip else 0.0), -1.0, 1.0))
    zoom_x, zoom_y = flat(draws.uniform(low, high)), flat(draws.uniform(low, high))
    shift = how.shift * strength
    shift_x, shift_y = flat(draws.uniform(-shift, shift)) * width, flat(draws.uniform(-shift, shift)) * height
    cx, cy = (width - 1) / 2, (height - 1) / 2
    # the rows map a pixel of the result to where it is read from, about the middle of the image
    a, b = tf.cos(angle) * zoom_x * flip, -tf.sin(angle) * zoom_y
    d, e = tf.sin(angle) * zoom_x * flip, tf.cos(angle) * zoom_y
    zero = tf.zeros_like(angle)
    rows = tf.stack([a, b, cx - a * cx - b * cy + shift_x, d, e, cy - d * cx - e * cy + shift_y, zero, zero], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=rows, output_shape=[height, width], interpolation="BILINEAR",
        fill_mode="CONSTANT", fill_value=0.0,
    )  # fmt: skip


def _tone(images: Any, draws: Draws, how: Augmentation, strength: float) -> Any:
    """Change contrast, brightness, gamma, tone curve and display window."""
    import tensorflow as tf

    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    bright = how.brightness * strength
    toned = (images - mean) * draws.factor(how.contrast, strength) + mean + draws.uniform(-bright, bright)
    toned = tf.clip_by_value(toned, 1e-4, 1.0) ** draws.factor(how.gamma, strength)
    if how.curve:
        slope, middle = draws.uniform(0.01, 0.01 + how.curve * strength), draws.uniform(0.35, 0.65)
        start, end = tf.sigmoid(-2 * slope * middle), tf.sigmoid(2 * slope * (1 - middle))
        curved = (tf.sigmoid(2 * slope * (toned - middle)) - start) / (end - start)
        toned = tf.where(draws.chance(0.5), curved, toned)
    if how.window:
        cut = how.window * strength
        low, high = draws.uniform(-0.4 * cut, cut), 1 - draws.uniform(-0.6 * cut, 1.2 * cut)
        toned = tf.clip_by_value((toned - low) / (high - low), 0.0, 1.0)
    return toned


def _mark(images: Any, draws: Draws, share: float) -> Any:
    """Put up to two small rectangles of one value near the left or right border."""
    import tensorflow as tf

    rows, columns = places_of(images)
    for _ in range(2):
        from_border, across = draws.uniform(0.02, 0.22), draws.uniform(0.02, 0.98)
        centre = tf.where(draws.chance(0.5), from_border, 1 - from_border)
        wide, high = draws.uniform(0.01, 0.05), draws.uniform(0.01, 0.05)
        value = tf.where(draws.chance(0.5), draws.uniform(0.6, 1.0), draws.uniform(0.0, 0.5))
        inside = (tf.abs(columns - centre) < wide) & (tf.abs(rows - across) < high) & draws.chance(share)
        images = tf.where(inside, value, images)
    return images


def cover_some(images: Any, draws: Draws, share: float) -> Any:
    """Cover up to two blocks of some images by the image's mean, or by itself blurred."""
    import tensorflow as tf

    rows, columns = places_of(images)
    mean, blurred = fillings(images)
    filling = tf.where(draws.chance(0.5), mean, blurred)
    for _ in range(2):
        down, across = draws.uniform(0.0, 1.0), draws.uniform(0.0, 1.0)
        high, wide = draws.uniform(0.04, 0.2), draws.uniform(0.04, 0.2)
        inside = (tf.abs(rows - down) < high) & (tf.abs(columns - across) < wide) & draws.chance(share)
        images = tf.where(inside, filling, images)
    return images


def fillings(images: Any) -> tuple[Any, Any]:
    """Return what may cover a part of each image: its mean ``(N, 1, 1, 1)``, and itself blurred ``(N, H, W, C)``."""
    import tensorflow as tf

    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return mean, tf.image.resize(tf.image.resize(images, (8, 8), method="area"), images.shape[1:3])


def _frame(images: Any, draws: Draws, share: float) -> Any:
    """Blacken the borders of some images, each side to its own depth."""
    import tensorflow as tf

    rows, columns = places_of(images)
    framed = draws.chance(share)
    top, bottom, left, right = (draws.uniform(-0.08, 0.10) for _ in range(4))
    inside = (rows >= top) & (rows <= 1 - bottom) & (columns >= left) & (columns <= 1 - right)
    return tf.where(framed & ~inside, 0.0, images)


def places_of(images: Any) -> tuple[Any, Any]:
    """Return rows ``(1, H, 1, 1)`` and columns ``(1, 1, W, 1)``, 0 to 1."""
    import tensorflow as tf

    rows, columns = tf.linspace(0.0, 1.0, images.shape[1]), tf.linspace(0.0, 1.0, images.shape[2])
    return rows[None, :, None, None], columns[None, None, :, None]
