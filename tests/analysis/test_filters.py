"""The kernels of the first convolution, and when they are not shown."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.filters import first_filters
from reportgen.analysis.layer_graph import trace


def filters_of(*stack, channels=3):
    return first_filters(trace(keras.Sequential([layers.Input((9, 12, channels)), *stack, layers.Flatten()])))


def test_the_first_convolution(small_model):
    name, kernels = first_filters(trace(small_model))
    assert name == "first"
    assert kernels.shape == (3, 3, 3, 5)
    np.testing.assert_array_equal(kernels, small_model.get_layer("first").get_weights()[0])


def test_the_first_convolution_of_a_nested_model(nested_model):
    name, kernels = first_filters(trace(nested_model))
    assert (name, kernels.shape) == ("head/base/left", (3, 3, 3, 4))


def test_layers_before_it_do_not_matter():
    name, kernels = filters_of(
        layers.Rescaling(1 / 255), layers.ZeroPadding2D(1), layers.Conv2D(2, (2, 3), name="conv"), channels=1
    )
    assert (name, kernels.shape) == ("conv", (2, 3, 1, 2))


@pytest.mark.parametrize(
    "stack",
    [
        lambda: [],
        lambda: [layers.Conv2D(4, 1)],
        lambda: [layers.Conv2D(4, 1), layers.Conv2D(4, 3)],  # the second does not see the image
        lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2), layers.Conv2D(4, 3)],
        lambda: [layers.Conv2D(257, 2)],
    ],
)
def test_no_filters_to_show(stack):
    assert filters_of(*stack()) is None


def test_the_most_filters_that_are_shown():
    assert filters_of(layers.Conv2D(256, 2))[1].shape == (2, 2, 3, 256)


def test_one_by_two_kernels_are_shown():
    assert filters_of(layers.Conv2D(4, (1, 2)))[1].shape == (1, 2, 3, 4)
