"""A small network to train on images of 12 x 18, and a callback that changes its weights after an epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

HEIGHT, WIDTH = 12, 18
NAMES = ("dark", "bright", "striped")


@pytest.fixture(scope="session")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Images ``(24, 12, 18, 3)``, 0 to 1, and their classes."""
    random = np.random.default_rng(2)
    labels = np.arange(24) % 3
    images = random.uniform(0, 0.3, (24, HEIGHT, WIDTH, 3))
    images[labels == 1] += 0.6
    images[labels == 2, ::2] += 0.5
    return images.astype(np.float32), labels


@pytest.fixture
def model():
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    made = keras.Sequential(
        [
            layers.Input((HEIGHT, WIDTH, 3)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(3, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", name="score"),
        ],
        name="three",
    )
    made.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


@pytest.fixture
def after() -> Callable:
    """Return a callback that does something to the model after an epoch, counted from 1; to be listed first."""
    import keras

    def make(*changes: tuple[int, Callable]):
        class Change(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                for number, change in changes:
                    if number == epoch + 1:
                        change(self.model)

        return Change()

    return make
