"""Operations on tensors in HDF5 files of Keras 3."""

from __future__ import annotations

import json

import h5py
import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.models.keras2.hdf5_operations import has_operations, is_operation, with_modules
from reportgen.models.loader import load_model
from reportgen.settings.report import LimitSettings
from reportgen.system.errors import ModelError

SHAPE = (8, 12, 3)
OPERATIONS = {
    "arithmetic": lambda x: 1.0 - (x * 2.0 + 0.5) / 3.0,
    "beside layers of the name": lambda x: layers.Add()([x, x + layers.Multiply()([x, x * 0.5])]),
    "slices": lambda x: x[:, 1:-1, ::2, ::-1],
    "one row": lambda x: x[:, 2],
    "axes": lambda x: x - ops.mean(x, axis=(1, 2), keepdims=True),
    "activations": lambda x: ops.relu(x) + ops.sigmoid(x) + ops.leaky_relu(x, negative_slope=0.3),
    "concatenated": lambda x: ops.concatenate([x, layers.Concatenate()([x, x])], axis=-1),
    "split": lambda x: ops.split(x, 3, axis=-1)[1],
    "reshaped": lambda x: ops.transpose(ops.reshape(x, (-1, 8, 36)), (0, 2, 1)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_read(tmp_path, name):
    keras.utils.set_random_seed(1)
    entry = layers.Input(SHAPE)
    tensor = OPERATIONS[name](layers.Conv2D(3, 3, padding="same", name="conv")(entry))
    model = keras.Model(entry, layers.Dense(2, activation="softmax")(layers.Flatten()(tensor)))
    model.save(tmp_path / "model.h5")
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    loaded = load_model(tmp_path / "model.h5")
    np.testing.assert_allclose(loaded.keras_model(images), model(images), atol=1e-6)


def test_operations_inside_a_model_inside(tmp_path):
    entry = layers.Input(SHAPE)
    inner = keras.Model(entry, layers.Conv2D(3, 3)(entry * 2.0), name="inner")
    model = keras.Sequential([layers.Input(SHAPE), inner, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    model.save(tmp_path / "model.h5")
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    np.testing.assert_allclose(load_model(tmp_path / "model.h5").keras_model(images), model(images), atol=1e-6)


def test_their_size_is_checked_before_they_are_built(tmp_path):
    entry = layers.Input(SHAPE)
    model = keras.Model(entry, layers.Dense(7)(layers.Flatten()(entry * 2.0)))
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"units": 7', '"units": 7000000')
    with pytest.raises(ModelError, match=r"its weights alone"):
        load_model(tmp_path / "model.h5", limits=LimitSettings(memory=1 << 30))


def test_what_is_an_operation():
    operation = {"class_name": "Add", "config": {"name": "add"}}
    layer = {"class_name": "Add", "config": {"name": "add", "trainable": True}}
    assert is_operation(operation)
    assert not is_operation(layer)
    assert not is_operation({**operation, "module": "mine"})
    assert not any(is_operation({"class_name": name, "config": {}}) for name in ("Own", "Function", "WhileLoop", "Map"))
    assert has_operations({"layers": [layer, {"inside": [operation]}]})
    assert not has_operations({"layers": [layer]})


def test_modules_are_written_in_and_nothing_else():
    config = {"class_name": "Functional", "config": {"layers": [
        {"class_name": "Add", "config": {"name": "a"}}, {"class_name": "Add", "config": {"trainable": True}},
        {"class_name": "Own", "config": {}}, {"class_name": "DTypePolicy", "module": "keras", "config": {}},
    ]}}  # fmt: skip
    before = json.dumps(config)
    found = with_modules(config)
    assert json.dumps(config) == before
    assert found["module"] == "keras.src.models.functional"
    assert [one.get("module") for one in found["config"]["layers"]] == [
        "keras.src.ops.numpy", "keras.layers", None, "keras",
    ]  # fmt: skip
