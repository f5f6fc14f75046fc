"""SavedModels that a model of Keras 3 runs as a layer (TFSMLayer)."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models.formats.wrapped_programs import wrapped_programs
from reportgen.models.loader import load_model
from reportgen.settings.report import ModelSettings

SHAPE = (8, 12, 3)
IMAGES = np.random.default_rng(0).random((2, *SHAPE), np.float32)
TRUSTED = ModelSettings(trust_code=True)


@pytest.fixture
def inner(tmp_path, monkeypatch):
    """An exported model of two outputs, in the working folder."""
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(1)
    entry = layers.Input(SHAPE)
    flat = layers.Flatten()(entry)
    kinds = layers.Dense(3, activation="softmax", name="kind")(flat)
    model = keras.Model(entry, {"kind": kinds, "age": layers.Dense(1, name="age")(flat)})
    model.export("two", verbose=False)
    keras.Model(entry, kinds).export("one", verbose=False)
    return lambda images: np.asarray(keras.Model(entry, kinds)(images))


def wrap(folder, *, endpoint="serving_default", before=(), name="model.keras"):
    program = layers.TFSMLayer(folder, call_endpoint=endpoint, name="inside")
    keras.Sequential([layers.Input(SHAPE), *before, program]).save(name)
    return name


@pytest.mark.parametrize("endpoint", ["serve", "serving_default"])
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_scores_are_those_of_the_model_inside(inner, tmp_path, endpoint, name):
    loaded = load_model(wrap("one", endpoint=endpoint, name=name), TRUSTED)
    np.testing.assert_allclose(loaded.keras_model(IMAGES, training=False), inner(IMAGES), atol=1e-6)
    (note,) = (note for note in loaded.notes if "SavedModel" in note)
    assert note.startswith("Layer 'inside' runs the SavedModel 'one', which lies outside of the model file (SHA-256 ")
    assert str(tmp_path) not in " ".join((*loaded.notes, *loaded.cautions))


def test_one_of_several_outputs_is_chosen(inner, refused):
    name = wrap("two")
    settings = ModelSettings(trust_code=True, output="kind")
    loaded = load_model(name, settings)
    np.testing.assert_allclose(loaded.keras_model(IMAGES, training=False), inner(IMAGES), atol=1e-6)
    assert loaded.outputs == 3
    with pytest.raises(Exception, match="choose one with --output: 0: age"):
        load_model(name, TRUSTED)


def test_without_trust_the_advice_works(inner, tmp_path, refused):
    told = refused(tmp_path / wrap("one"))
    assert "runs the SavedModel in 'one' (layer 'inside', TFSMLayer), which is not run unless you trust it" in told
    assert "give that folder itself (--model one), or if you know who made it, allow it with --trust-model-code" in told
    np.testing.assert_allclose(load_model("one").keras_model(IMAGES), inner(IMAGES), atol=1e-6)


@pytest.mark.parametrize("kind", ["layer before", "other endpoint"])
def test_the_folder_itself_is_advised_only_where_it_is_the_same(inner, tmp_path, refused, kind):
    if kind == "layer before":
        name = wrap("one", before=[layers.Rescaling(2.0)])
    else:
        name = wrap("one", endpoint="serve")
        config = {"class_name": "TFSMLayer", "config": {"filepath": "one", "call_endpoint": "other"}}
        assert not wrapped_programs(config)[0].is_all
        return
    told = refused(tmp_path / name)
    assert "--model" not in told
    assert told.endswith("if you know who made it, allow it with --trust-model-code")


def test_a_program_that_is_not_there(inner, tmp_path, refused, monkeypatch):
    wrap("one")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "one").rename(tmp_path / "moved")
    for trusted in (False, True):
        told = refused(tmp_path / "model.keras", trust_code=trusted)
        assert "runs the SavedModel in 'one' (layer 'inside', TFSMLayer), which isn't there" in told
        assert told.endswith("copy that folder beside the model file")


@pytest.mark.parametrize("named", ["one", "sub/one", "/nowhere/at/all/one"])
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_program_is_found_beside_the_model(inner, tmp_path, refused, monkeypatch, named, name):
    monkeypatch.setattr(layers.TFSMLayer, "get_config", get_config_with(named))
    wrap("one", name=name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = load_model(tmp_path / name, TRUSTED)
    np.testing.assert_allclose(loaded.keras_model(IMAGES, training=False), inner(IMAGES), atol=1e-6)
    assert f"(--model {tmp_path / 'one'})" in refused(tmp_path / name)


def get_config_with(folder):
    usual = layers.TFSMLayer.get_config
    return lambda layer: {**usual(layer), "filepath": folder}


def test_a_folder_that_holds_no_program(inner, tmp_path, refused):
    name = wrap("one")
    (tmp_path / "one" / "saved_model.pb").unlink()
    assert "one is a folder without a saved_model.pb, not a model" in refused(tmp_path / name, trust_code=True)


def test_models_without_any():
    assert wrapped_programs({"class_name": "Dense", "config": {"name": "TFSMLayer"}}) == ()
