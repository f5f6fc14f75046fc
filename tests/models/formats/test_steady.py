"""Steady layers: one result for one image, and random numbers that are as random as before."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers

from reportgen.models.formats.steady import (
    at_rest,
    begin_numbers,
    draws_numbers,
    goes_by_the_batch,
    is_steady,
    make_steady,
    other_numbers,
    runs_other_code,
    steady_layers,
)

VALUES = np.random.default_rng(0).random((4, 6, 9, 2), np.float32) + 0.5


def steady(layer, key="one"):
    """A model of one layer that is kept in training."""
    entry = layers.Input(VALUES.shape[1:])
    make_steady(layer, key)
    return keras.Model(entry, layer(entry, in_training=True))


def run(model, values=VALUES):
    return np.asarray(model(values, training=False))


def others(model, draw):
    with other_numbers(draw):
        return run(model)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dropout(0.5), lambda: layers.GaussianNoise(0.3), lambda: layers.GaussianDropout(0.3),
        lambda: layers.SpatialDropout2D(0.5), layers.RandomFlip, lambda: layers.RandomRotation(0.3),
        lambda: layers.TimeDistributed(layers.Dropout(0.4)),
    ],
)  # fmt: skip
def test_random_layers_of_keras(make):
    layer = make()
    model = steady(layer)
    first = run(model)
    assert any((others(model, draw) != VALUES).any() for draw in range(5))  # it does act
    np.testing.assert_array_equal(run(model), first)
    np.testing.assert_array_equal(run(model, VALUES[2:3]), first[2:3])
    np.testing.assert_array_equal(run(model, VALUES[::-1]), first[::-1])
    with at_rest():
        np.testing.assert_allclose(run(model), VALUES, atol=1e-6)
    assert draws_numbers(layer)
    assert not runs_other_code(layer)
    assert [type(one).__name__ for one in steady_layers(model)] == [type(layer).__name__]


def test_every_image_has_the_same_numbers_and_every_draw_others():
    model = steady(layers.Dropout(0.5))
    same = run(model) / VALUES
    np.testing.assert_allclose(same, np.broadcast_to(same[:1], same.shape), atol=1e-6)
    drawn = [others(model, draw) for draw in range(40)]
    assert len({one.tobytes() for one in drawn}) == 40
    assert np.mean(drawn / VALUES) == pytest.approx(1, abs=0.1)  # half of the values, doubled


def test_layers_with_other_keys_draw_other_numbers_and_those_with_one_the_same():
    one, same, other = (run(steady(layers.Dropout(0.5), key)) for key in ("a", "a", "b"))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_batch_normalization_goes_by_each_image_alone():
    layer = layers.BatchNormalization(epsilon=0.01)
    model = steady(layer)
    mean, variance = VALUES.mean(axis=(1, 2), keepdims=True), VALUES.var(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(run(model), (VALUES - mean) / np.sqrt(variance + 0.01), atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, 0)
    assert goes_by_the_batch(layer)
    layer.trainable = False
    assert not goes_by_the_batch(layer)


class Own(layers.Layer):
    """Draws from wherever numbers can be drawn."""

    def call(self, values):
        noise = tf.random.normal(tf.shape(values)) + keras.random.normal(tf.shape(values))
        return values + noise + float(np.random.rand()) + random.random()


def test_code_of_the_users_own():
    entry, layer = layers.Input(VALUES.shape[1:]), Own()
    model = keras.Model(entry, layer(entry))
    assert (run(model) != run(model)).any()
    make_steady(layer, "own")
    np.testing.assert_array_equal(run(model), run(model))
    np.testing.assert_array_equal(run(model, VALUES[1:2]), run(model)[1:2])
    assert runs_other_code(layer)
    assert runs_other_code(layers.TimeDistributed(Own()))
    assert runs_other_code(layers.Lambda(lambda values: values))


def test_the_random_numbers_of_python_and_numpy_go_on_as_before():
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    with begin_numbers(7):
        random.random()
        np.random.rand()
    assert (random.random(), np.random.rand()) == expected


def test_a_layer_is_made_steady_once_and_stays_what_it_is():
    layer = layers.Dense(3)
    layer.build((None, 2))
    before = layer.kernel
    make_steady(layer, "a")
    kind = type(layer)
    make_steady(layer, "b")
    assert type(layer) is kind
    assert is_steady(layer)
    assert isinstance(layer, layers.Dense)
    assert layer.kernel is before
    assert not is_steady(layers.Dense(3))


def test_layers_of_keras_2_that_are_lent(tmp_path):
    from reportgen.models.keras2.custom import lent_layer

    entry, layer = layers.Input(VALUES.shape[1:]), lent_layer(tf_keras.layers.RandomContrast(0.4), "lent")
    make_steady(layer, "lent")
    model = keras.Model(entry, layer(entry, in_training=True))
    first = run(model)
    np.testing.assert_array_equal(run(model), first)
    assert (first != VALUES).any()
    assert (others(model, 3) != first).any()
