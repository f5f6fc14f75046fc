"""Small arrays and small networks to train; images are not square."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reportgen.models.architectures import Architecture
from reportgen.training.examples import Examples

HEIGHT, WIDTH = 6, 10


@pytest.fixture(scope="session")
def examples() -> Callable[..., Examples]:
    """Make examples of labels; each image is random, brighter for higher labels."""

    def make(labels, names=None, shape=(HEIGHT, WIDTH, 1), seed=0) -> Examples:
        labels = np.asarray(labels)
        if labels.dtype != bool:
            labels = labels.astype(np.int64)
        classes = labels.shape[1] if labels.ndim == 2 else max(2, int(labels.max(initial=0)) + 1)
        images = np.random.default_rng(seed).integers(0, 100, (len(labels), *shape))
        level = labels.sum(axis=1) if labels.ndim == 2 else labels
        images = (images + level.reshape(-1, 1, 1, 1) * 50).astype(np.uint8)
        return Examples(images, labels, tuple(names or "abcdefgh"[:classes]))

    return make


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    """Two dense layers and a convolution; gray images of 6 x 10."""

    def build(classes: int, *, findings: bool = False):
        import keras
        from keras import layers

        outputs = 1 if classes == 2 and not findings else classes
        kind = "sigmoid" if outputs == 1 or findings else "softmax"
        return keras.Sequential(
            [
                layers.Input((HEIGHT, WIDTH, 1)),
                layers.Conv2D(3, 3, activation="relu", name="conv"),
                layers.Flatten(name="flat"),
                layers.Dense(4, activation="relu", name="hidden"),
                layers.Dense(outputs, activation=kind, name="score", dtype="float32"),
            ]
        )

    return Architecture("tiny", "6 x 10 gray", (HEIGHT, WIDTH, 1), build)
