from __future__ import annotations

import keras
import numpy as np
import pytest
from kinds.registry import stirred

from reportgen.models.architectures import ARCHITECTURES
from reportgen.models.formats.reader import read_model
from reportgen.settings.report import LimitSettings, ModelSettings


def read(path, architecture):
    return read_model(path, ModelSettings(architecture=architecture), LimitSettings()).model


@pytest.mark.parametrize("name", ["cifar10", "chest_xray_gray"])
@pytest.mark.parametrize("classes", [2, 3, 11])
def test_the_number_of_classes_is_that_of_the_weights(tmp_path, name, classes):
    model = stirred(ARCHITECTURES[name].build(classes))
    model.save_weights(tmp_path / "a.weights.h5")
    found = read(tmp_path / "a.weights.h5", name)
    assert found.output_shape == model.output_shape
    for one, other in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_in_the_file_does_not_count(tmp_path):
    model = stirred(ARCHITECTURES["cifar10"].build(3))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((2, 32, 32, 3)), np.eye(3)[:2], verbose=0)
    model.save_weights(tmp_path / "a.weights.h5")
    assert read(tmp_path / "a.weights.h5", "cifar10").output_shape == (None, 3)


def test_the_last_layer_may_be_a_convolution(tmp_path):
    model = keras.applications.MobileNet(weights=None, classes=7)
    model.save_weights(tmp_path / "a.weights.h5")
    assert read(tmp_path / "a.weights.h5", "MobileNet").output_shape == (None, 7)


@pytest.mark.parametrize("name", ["chest_xray_gray", "chest_xray", "MobileNet"])
def test_another_architecture(tmp_path, refused, name):
    ARCHITECTURES["cifar10"].build(2).save_weights(tmp_path / "a.weights.h5")
    told = refused(tmp_path / "a.weights.h5", architecture=name)
    assert f"don't fit {name}: 166,977 values" in told
    assert str(tmp_path / "a.weights.h5") in told


def test_as_many_values_in_other_shapes(tmp_path, refused):
    from keras import layers as k

    other = keras.Sequential([k.Input((166_976,)), k.Dense(1)])
    other.save_weights(tmp_path / "a.weights.h5")
    assert "don't fit cifar10 (" in refused(tmp_path / "a.weights.h5", architecture="cifar10")
