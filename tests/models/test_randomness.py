"""What is random at prediction is found by running it, named, and made repeatable where that can be."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from reportgen.models.loader import load_model
from reportgen.models.randomness import begin, settle
from reportgen.settings.report import ModelSettings

SHAPE = (12, 20, 3)
IMAGES = np.random.default_rng(0).random((3, *SHAPE), np.float32)


class Dropped(layers.Dropout):
    """Dropout that is always on, as it's often written."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=True)


class Noisy(layers.Layer):
    """Noise from TensorFlow itself."""

    def call(self, inputs):
        return inputs + tf.random.normal(tf.shape(inputs), stddev=0.3)


class Mixing(layers.Layer):
    """Goes by the images beside an image."""

    def call(self, inputs):
        return 2 * inputs - keras.ops.mean(inputs, axis=0, keepdims=True)


class Plain(layers.Layer):
    """Neither."""

    def call(self, inputs):
        return inputs * 2


class Net(keras.Model):
    """A model of the user's own, random inside."""

    def __init__(self):
        super().__init__(name="net")
        self.conv, self.drop, self.end = layers.Conv2D(4, 3), Dropped(0.5, name="drop"), layers.Dense(2)

    def call(self, inputs):
        return self.end(keras.ops.mean(self.drop(self.conv(inputs)), axis=(1, 2)))


def model_of(layer):
    keras.utils.set_random_seed(2)
    return keras.Sequential([layers.Input(SHAPE), layers.Conv2D(4, 3), layer, layers.GlobalAveragePooling2D(),
                             layers.Dense(2, activation="softmax")])  # fmt: skip


def run(model, images=IMAGES):
    return np.asarray(model(images, training=False))


@pytest.mark.parametrize("layer", [Dropped(0.5, name="own"), Noisy(name="own")])
def test_random_layers_of_the_users_own(layer):
    model = model_of(layer)
    found = settle(model, is_own=True)
    assert (found.is_random, found.is_fixed, found.notes) == (True, True, ())
    (caution,) = found.cautions
    assert f"draws random numbers at prediction: 'own' ({type(layer).__name__})." in caution
    assert "the same here for every image, covered or not, and in every report" in caution
    np.testing.assert_array_equal(run(model), run(model))
    np.testing.assert_array_equal(run(model)[1:2], run(model, IMAGES[1:2]))


def test_a_layer_that_mixes_images():
    model = model_of(Mixing(name="own"))
    found = settle(model, is_own=True)
    assert (found.is_random, found.is_fixed) == (False, True)
    (caution,) = found.cautions
    assert caution.startswith("The model goes by the images that are run together: 'own' (Mixing). Here each image is")
    np.testing.assert_allclose(run(model)[1:2], run(model, IMAGES[1:2]), atol=1e-6)


@pytest.mark.parametrize("layer", [Plain(), layers.Dropout(0.5), layers.BatchNormalization()])
def test_models_that_an_image_settles(layer):
    model = model_of(layer)
    kind = type(layer)
    assert settle(model, is_own=True) == settle(model_of(layers.ReLU()), is_own=True)
    assert type(layer) is kind


@pytest.mark.parametrize(("layer", "said"), [(Dropped(0.5), "can't be fixed"), (Mixing(), "depend on the other")])
def test_a_model_in_memory_is_left_as_it_is(layer, said):
    kind, loaded = type(layer), load_model(model_of(layer))
    assert type(layer) is kind
    assert not loaded.randomness.is_fixed
    assert any(said in text for text in loaded.cautions)


def test_a_model_in_memory_begins_anew_when_it_is_told():
    model = model_of(Dropped(0.5))
    passes = []
    for _ in range(2):
        begin(model)
        passes.append([run(model), run(model)])
    np.testing.assert_array_equal(passes[0], passes[1])
    assert (passes[0][0] != passes[0][1]).any()


def test_a_class_of_the_users_own_is_seen_through_though_it_is_random():
    net = Net()
    net(IMAGES)
    loaded = load_model(net, ModelSettings(input_size=SHAPE[:2]))
    assert any("its layers were found" in note for note in loaded.notes)
    assert "'drop' (Dropped)" in loaded.cautions[0]


@pytest.mark.parametrize("layer", [Dropped(0.5), Mixing()])
def test_exported_programs(tmp_path, layer):
    model_of(layer).export(tmp_path / "model", verbose=False)
    loaded = load_model(tmp_path / "model")
    if isinstance(layer, Mixing):
        np.testing.assert_allclose(run(loaded.keras_model)[1:2], run(loaded.keras_model, IMAGES[1:2]), atol=1e-6)
        assert "Here each image is run by itself" in loaded.cautions[0]
    else:
        assert "They can't be fixed: a second report may give other scores" in loaded.cautions[0]
        assert not loaded.randomness.is_fixed


def test_calls_in_training_that_keras_3_takes_no_notice_of_are_said(tmp_path):
    entry = layers.Input(SHAPE)
    kept = layers.Dropout(0.5, name="drop")(layers.Conv2D(4, 3)(entry), training=True)
    model = keras.Model(entry, layers.Dense(2)(layers.GlobalAveragePooling2D()(kept)))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(run(loaded.keras_model), model.predict(IMAGES, verbose=0), atol=1e-6)
    assert "'drop' (Dropout) is called with training=True, which Keras 3 takes no notice of at prediction" in " ".join(
        loaded.notes
    )
    assert not loaded.randomness.is_random
