"""Channel means and features against the model's own layers, run one by one."""

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.embedding import Embedder
from reportgen.analysis.layer_graph import trace
from reportgen.settings.report import LayerSettings


@pytest.fixture
def model():
    keras.utils.set_random_seed(5)
    return keras.Sequential([
        keras.Input((12, 16, 3)), layers.Conv2D(4, 3, name="first"), layers.MaxPooling2D(name="second"),
        layers.Conv2D(6, 3, activation="relu", name="third"), layers.Flatten(), layers.Dense(5, name="features"),
        layers.Dense(2, activation="softmax"),
    ])  # fmt: skip


def by_hand(model, name, image):
    part = keras.Model(model.inputs, model.get_layer(name).output)
    return np.asarray(part(image[None]))[0]


@pytest.mark.parametrize("compiled", [True, False])
def test_means_and_features_are_those_of_the_layers(model, compiled):
    image = np.random.default_rng(2).normal(size=(12, 16, 3)).astype(np.float32)
    embed = Embedder(model, trace(model), LayerSettings())
    if not compiled:
        embed._compiled = None
    found = embed(image)
    assert list(found.channel_means) == ["first", "second", "third"] and found.layer == "features"
    for name, means in found.channel_means.items():
        np.testing.assert_allclose(means, by_hand(model, name, image).mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.features, by_hand(model, "features", image), rtol=1e-4, atol=1e-6)


def test_without_a_dense_head_the_last_maps_stand_in():
    keras.utils.set_random_seed(5)
    model = keras.Sequential([
        keras.Input((12, 16, 1)), layers.Conv2D(4, 3, name="only"), layers.GlobalAveragePooling2D(), layers.Softmax(),
    ])  # fmt: skip
    image = np.random.default_rng(2).normal(size=(12, 16, 1)).astype(np.float32)
    found = Embedder(model, trace(model), LayerSettings())(image)
    assert found.layer == "only"
    np.testing.assert_allclose(found.features, by_hand(model, "only", image).mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)
