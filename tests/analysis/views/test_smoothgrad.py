"""SmoothGrad against a plain loop, and the same in every run."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.views.smoothgrad import smoothgrad


def test_of_a_linear_model_noise_changes_nothing(slopes_of, linear, weights, image):
    found = smoothgrad(slopes_of(linear), image, samples=5)
    assert found == pytest.approx(np.abs(weights).max(axis=-1), rel=1e-4)


def test_of_a_cube_it_is_the_mean_slope_of_noisy_copies(slopes_of, image):
    entry = layers.Input(image.shape)
    model = keras.Model(entry, layers.Dense(1, kernel_initializer="ones")(layers.Flatten()(entry * entry * entry)))
    found = smoothgrad(slopes_of(model, "regression", target=0), image, samples=4, noise=0.2, seed=9)
    random, slopes = np.random.default_rng(9), []
    for _ in range(4):
        noisy = image + random.normal(0, 0.2 * (image.max() - image.min()), image.shape)
        slopes.append(3 * noisy**2)
    assert found == pytest.approx(np.abs(np.mean(slopes, axis=0)).max(axis=-1), rel=1e-4)


def test_it_is_the_same_again(slopes_of, small_model, random):
    image = random.random((24, 36, 3)).astype(np.float32)
    first, second, small = (
        smoothgrad(slopes_of(small_model, memory=memory), image, samples=6) for memory in (1 << 30, 1 << 30, 1 << 18)
    )
    assert np.array_equal(first, second)
    assert small == pytest.approx(first, abs=1e-5)
