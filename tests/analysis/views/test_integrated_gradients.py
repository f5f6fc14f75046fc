"""Integrated gradients: exact on a linear model, complete on another."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.views.integrated_gradients import integrated_gradients


def test_of_a_linear_model_it_is_weight_times_way(slopes_of, linear, weights, image):
    baseline = np.full_like(image, 0.25)
    found = integrated_gradients(slopes_of(linear), image, baseline, steps=3)
    assert found.values == pytest.approx((weights * (image - baseline)).sum(axis=-1), rel=1e-4, abs=1e-5)
    assert found.gap == pytest.approx(0, abs=1e-4)
    assert found.passes == 5


def test_of_a_square_it_is_the_square(slopes_of, image):
    """The slope of x ** 2 rises evenly, which midpoints follow exactly: from zero, each pixel has its own square."""
    entry = layers.Input(image.shape)
    model = keras.Model(entry, layers.Dense(1, kernel_initializer="ones")(layers.Flatten()(entry * entry)))
    found = integrated_gradients(slopes_of(model, "regression", target=0), image, np.zeros_like(image), steps=4)
    assert found.values == pytest.approx(np.square(image).sum(axis=-1), rel=1e-4)
    assert found.total == pytest.approx(float(np.square(image).sum()), rel=1e-4)


def test_it_is_complete_and_batches_change_nothing(slopes_of, small_model, random):
    image, baseline = random.random((2, 24, 36, 3)).astype(np.float32)
    found = integrated_gradients(slopes_of(small_model), image, baseline)
    assert found.gap < 0.01 * np.abs(found.values).sum()
    small = integrated_gradients(slopes_of(small_model, memory=1 << 18), image, baseline)
    assert small.values == pytest.approx(found.values, abs=1e-5)
