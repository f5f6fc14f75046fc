"""The way back to a model's logits, wherever its last activation stands."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.layer_graph import compute_outputs, trace
from reportgen.analysis.logits import cut_before_activation

SHAPE = (10, 14, 3)


def body():
    keras.utils.set_random_seed(4)
    image = layers.Input(SHAPE)
    return image, layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(image))


def fused(kind, units):
    image, maps = body()
    return keras.Model(image, layers.Dense(units, activation=kind)(maps))


def own_layer(kind, units):
    image, maps = body()
    return keras.Model(image, layers.Activation(kind)(layers.Dense(units)(maps)))


def named_layer(kind, units):
    keras.utils.set_random_seed(4)
    last = layers.Softmax() if kind == "softmax" else layers.Activation("sigmoid")
    return keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(units), last, layers.Dropout(0.5)])


def operation(kind, units):
    image, maps = body()
    return keras.Model(image, getattr(keras.ops, kind)(layers.Dense(units)(maps)))


def written_out(kind, units):
    image, maps = body()
    logits = layers.Dense(units)(maps)
    if kind == "sigmoid":
        return keras.Model(image, 1 / (1 + keras.ops.exp(-logits)))

    class Own(layers.Layer):
        def call(self, given):
            return keras.ops.softmax(given)

    return keras.Model(image, Own()(logits))


def nested(kind, units):
    image, maps = body()
    inner = keras.Model(image, layers.Dense(units, activation=kind)(maps))
    entry = layers.Input(SHAPE)
    return keras.Model(entry, layers.Reshape((units,))(inner(layers.Rescaling(2.0)(entry))))


def over_a_map(kind, units):
    keras.utils.set_random_seed(4)
    stack = [layers.Input(SHAPE), layers.Conv2D(units, (10, 14), activation=kind), layers.Flatten()]
    return keras.Sequential(stack)


BUILDS = [fused, own_layer, named_layer, operation, written_out, nested, over_a_map]


def run(graph, images):
    ((_, found),) = compute_outputs(graph, images, [graph.output])
    return np.asarray(found, np.float64).reshape(len(images), -1)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(("kind", "units"), [("sigmoid", 1), ("sigmoid", 3), ("softmax", 2), ("softmax", 4)])
def test_logits_are_found_and_their_activation_is_what_the_model_gives(build, kind, units, random):
    model = build(kind, units)
    images = random.normal(size=(5, *SHAPE)).astype(np.float32)
    before = np.asarray(model(images, training=False), np.float64).reshape(5, -1)
    cut = cut_before_activation(trace(model), kind)
    assert cut is not None
    logits = run(cut, images)
    assert logits.shape == (5, units)
    if kind == "sigmoid":
        expected = 1 / (1 + np.exp(-logits))
    else:
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(expected, before, atol=1e-6)
    # the model itself is as it was, and so are its logits when it is trained on
    np.testing.assert_array_equal(np.asarray(model(images, training=False)).reshape(5, -1), before.astype(np.float32))
    for weight in model.weights:
        weight.assign(weight * 2)
    assert np.abs(run(cut, images) - logits).max() > 1e-3


def test_outputs_side_by_side_each_with_a_sigmoid_of_its_own(random):
    image, maps = body()
    parts = [layers.Dense(1, activation="sigmoid")(maps), layers.Activation("sigmoid")(layers.Dense(2)(maps))]
    model = keras.Model(image, layers.Concatenate()(parts))
    images = random.normal(size=(3, *SHAPE)).astype(np.float32)
    cut = cut_before_activation(trace(model), "sigmoid")
    np.testing.assert_allclose(1 / (1 + np.exp(-run(cut, images))), np.asarray(model(images)), atol=1e-6)


def test_logits_of_a_saturated_score_are_far_beyond_what_it_can_tell():
    model = fused("sigmoid", 1)
    model.layers[-1].bias.assign([90.0])
    images = np.zeros((1, *SHAPE), np.float32)
    assert float(np.asarray(model(images))[0, 0]) == 1.0
    assert run(cut_before_activation(trace(model), "sigmoid"), images)[0, 0] == pytest.approx(90, rel=1e-4)


def _two_to_the_power(image, maps):
    return keras.ops.power(2.0, -keras.ops.softplus(layers.Dense(1)(maps)))


def _sharpened(image, maps):
    return keras.ops.sigmoid(layers.Dense(3)(maps)) * 0.5


@pytest.mark.parametrize("end", [_two_to_the_power, _sharpened])
def test_what_is_no_such_activation_has_no_logits(end):
    image, maps = body()
    assert cut_before_activation(trace(keras.Model(image, end(image, maps))), "sigmoid") is None


def test_a_softmax_is_no_sigmoid():
    assert cut_before_activation(trace(fused("softmax", 3)), "sigmoid") is None
