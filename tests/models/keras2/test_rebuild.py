"""Models of Keras 2 made again: names as in the file, and calls in training kept."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras
from kinds.registry import SHAPE, stirred
from tf_keras import layers as k

from reportgen.analysis.activations import choose_layers
from reportgen.analysis.layer_graph import trace
from reportgen.models.loader import load_model
from reportgen.settings.report import LayerSettings
from reportgen.system.errors import ModelError

IMAGES = np.random.default_rng(0).random((3, *SHAPE), np.float32)


def functional(body):
    entry = k.Input(SHAPE)
    ends = k.Dense(2, activation="softmax", name="out")(k.GlobalAveragePooling2D(name="mean")(body(entry)))
    return stirred(tf_keras.Model(entry, ends))


def read(model, tmp_path, ending=".h5"):
    model.save(tmp_path / f"model{ending}")
    return load_model(tmp_path / f"model{ending}")


def run(model, images=IMAGES):
    return np.asarray(model(images, training=False), np.float64)


def paths(loaded):
    return [call.path for call in trace(loaded.keras_model).calls]


# --- names


def arithmetic(x):
    x = k.Conv2D(4, 3, name="conv")(x)
    x = k.Multiply(name="multiply")([x, x * 0.5])
    x = k.Add(name="multiply_1")([x, x * 2.0])
    return k.Conv2D(4, 1, name="tf_math_multiply")(x + 1.0)


def test_operations_have_the_names_of_the_file_beside_layers_of_keras_own_names(tmp_path):
    model = functional(arithmetic)
    loaded = read(model, tmp_path)
    np.testing.assert_allclose(run(loaded.keras_model), run(model), atol=1e-6)
    assert sorted(paths(loaded)) == sorted(layer.name for layer in model.layers[1:])


def test_an_operation_made_of_several_keeps_its_name_for_the_last(tmp_path):
    model = functional(lambda x: k.Conv2D(4, 3, name="conv")(tf_keras.activations.hard_sigmoid(x) * 2.0))
    loaded = read(model, tmp_path)
    np.testing.assert_allclose(run(loaded.keras_model), run(model), atol=1e-6)
    assert len(set(paths(loaded))) == len(paths(loaded))
    assert {layer.name for layer in model.layers[1:]} <= set(paths(loaded))


def test_layers_are_one_but_for_a_slash(tmp_path):
    names = ["block/conv", "block_conv", "block/conv_1", "block_conv_1_1"]
    model = stirred(tf_keras.Sequential([k.Input(SHAPE), *(k.Conv2D(3, 3, name=name) for name in names),
                                         k.GlobalMaxPooling2D(), k.Dense(2)]))  # fmt: skip
    loaded = read(model, tmp_path, ".keras")
    np.testing.assert_allclose(run(loaded.keras_model), run(model), atol=1e-5)
    assert paths(loaded)[:4] == names
    graph = trace(loaded.keras_model)
    for number, name in enumerate(names):
        assert graph[name].layer.get_weights()[0] == pytest.approx(model.layers[number].get_weights()[0])


def test_a_slash_looks_like_a_model_inside(tmp_path):
    entry = k.Input(SHAPE)
    inner = tf_keras.Model(entry, k.Conv2D(3, 3, name="conv")(entry), name="block")
    model = functional(lambda x: k.ReLU(name="relu")(k.Conv2D(3, 1, name="block/conv")(inner(x))))
    loaded = read(model, tmp_path, ".keras")
    assert paths(loaded)[:3] == ["block/conv", "block_conv", "relu"]
    np.testing.assert_allclose(run(loaded.keras_model), run(model), atol=1e-6)


@pytest.mark.parametrize("asked", ["conv1/conv", "conv1_conv", "conv1/*", "*/conv"])
def test_a_layer_is_asked_for_by_the_name_in_the_file(tmp_path, asked):
    model = functional(lambda x: k.ReLU(name="conv1/relu_")(k.Conv2D(3, 3, name="conv1/conv")(x)))
    graph = trace(read(model, tmp_path).keras_model)
    chosen, _ = choose_layers(graph, LayerSettings(show=(asked,)))
    assert "conv1/conv" in [call.path for call in chosen]
    assert len(chosen) == (2 if asked == "conv1/*" else 1)


# --- calls in training


def alone(model, images=IMAGES):
    return np.concatenate([run(model, images[at : at + 1]) for at in range(len(images))])


def test_batch_normalization_in_training_gives_what_keras_2_gives_for_each_image_alone(tmp_path):
    model = functional(lambda x: k.ReLU()(k.BatchNormalization(name="bn")(k.Conv2D(4, 3)(x), training=True)))
    expected = np.concatenate([model.predict(IMAGES[at : at + 1], verbose=0) for at in range(3)])
    loaded = read(model, tmp_path)
    before = [weight.copy() for weight in loaded.keras_model.get_weights()]
    np.testing.assert_allclose(run(loaded.keras_model), expected, atol=1e-5)
    assert np.abs(run(model) - expected).max() > 1e-4  # together they give something else
    # nothing was learnt on the way
    for one, other in zip(before, loaded.keras_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_a_model_inside_that_is_called_in_training_calls_its_layers_so(tmp_path, kind):
    layers = [k.Conv2D(4, 3, name="conv"), k.BatchNormalization(name="bn"), k.ReLU(name="relu")]
    base = tf_keras.Sequential([k.Input(SHAPE), *layers], name="base")
    if kind == "functional":
        base = tf_keras.Model(base.inputs, base.outputs, name="base")
    model = functional(lambda x: base(x, training=True))
    loaded = read(model, tmp_path)
    np.testing.assert_allclose(run(loaded.keras_model), alone(model), atol=1e-5)
    assert paths(loaded)[:3] == ["base/conv", "base/bn", "base/relu"]
    assert "'bn' (BatchNormalization). Here each image is run by itself" in " ".join(loaded.cautions)


def test_a_layer_inside_that_is_kept_out_of_training_stays_so(tmp_path):
    entry = k.Input(SHAPE)
    kept = k.BatchNormalization(name="kept")(k.Conv2D(4, 3)(entry), training=False)
    base = tf_keras.Model(entry, k.BatchNormalization(name="free")(kept), name="base")
    model = functional(lambda x: base(x, training=True))
    loaded = read(model, tmp_path)
    np.testing.assert_allclose(run(loaded.keras_model), alone(model), atol=1e-5)
    assert "'free'" in " ".join(loaded.cautions)
    assert "'kept'" not in " ".join(loaded.cautions)


def test_one_model_called_in_both_ways_is_two(tmp_path):
    base = tf_keras.Sequential([k.Input(SHAPE), k.Conv2D(4, 3), k.Dropout(0.5, name="drop")], name="base")
    model = functional(lambda x: k.Add()([base(x, training=True), base(x)]))
    loaded = read(model, tmp_path)
    names = paths(loaded)
    assert sum(name.endswith("/drop") for name in names) + sum(name.endswith("/drop (2)") for name in names) == 2
    assert len(set(names)) == len(names)


def test_a_layer_that_changes_itself_at_prediction_is_refused_with_the_reason(tmp_path):
    layer = k.BatchNormalization(name="bn")
    model = functional(lambda x: k.Add()([layer(x, training=True), layer(x)]))
    with pytest.raises(ModelError, match="'bn' is called with training=True and without, so that every prediction"):
        read(model, tmp_path)


def test_frozen_batch_normalization_is_not_in_training_whatever_its_call_says(tmp_path):
    layer = k.BatchNormalization(trainable=False)
    model = functional(lambda x: layer(k.Conv2D(4, 3)(x), training=True))
    loaded = read(model, tmp_path)
    np.testing.assert_allclose(run(loaded.keras_model), run(model), atol=1e-6)
    assert not any("run together" in text for text in loaded.cautions)
