from __future__ import annotations

import copy

import h5py
import numpy as np
import pytest
import tf_keras
from tf_keras import layers as k

from reportgen.models.formats import memory as size
from reportgen.models.formats import reader as reading
from reportgen.models.formats.identify import examine_model
from reportgen.models.formats.reader import read_model
from reportgen.models.keras2 import reader as legacy
from reportgen.models.keras2 import rebuild as legacy_rebuild
from reportgen.models.keras2.proof import prove_equal
from reportgen.models.keras2.reader import load_legacy
from reportgen.models.keras2.repairs import mend_configuration
from reportgen.settings.report import LimitSettings, ModelSettings
from reportgen.system.errors import ModelError

INSTALL = "install the reader for it with pip install 'tf-keras>=2.18'"


@pytest.fixture
def without_reader(monkeypatch):
    for module in (legacy, reading, size):
        monkeypatch.setattr(module, "have_legacy_reader", lambda: False)


def changed(written, tmp_path, *pairs):
    path = tmp_path / "model.h5"
    path.write_bytes(written["old.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"]
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        file.attrs["model_config"] = text
    return path


def test_without_the_reader_keras_3_reads_what_it_can(written, without_reader):
    read = read_model(written["old.h5"], ModelSettings(), LimitSettings())
    assert any("read by Keras 3 without the reader made for it" in note for note in read.notes)


def test_without_the_reader_the_message_has_the_command(written, tmp_path, without_reader, refused):
    path = changed(written, tmp_path, ('"GlorotUniform"', '"GlorotUniformOfOld"'))
    told = refused(path, custom_objects=("collections:OrderedDict",))
    assert "GlorotUniformOfOld" in told  # code first: Keras has none of that name
    path = changed(written, tmp_path, ('"padding": "valid"', '"padding": "valid", "border_mode": "valid"'))
    told = refused(path)
    assert str(path) in told
    assert told.endswith(INSTALL)


@pytest.mark.parametrize("name", ["hard_sigmoid", "ThresholdedReLU"])
def test_without_the_reader_nothing_is_misread(written, tmp_path, without_reader, refused, name):
    path = changed(written, tmp_path, ('"activation": "relu"', f'"activation": "{name}"'))
    assert refused(path).endswith(INSTALL)


def test_without_the_reader_no_call_in_training_is_lost(tmp_path, without_reader, refused):
    entry = k.Input((24, 36, 3))
    hidden = k.BatchNormalization()(k.Conv2D(2, 3)(entry), training=True)
    tf_keras.Model(entry, k.Dense(2)(k.Flatten()(hidden))).save(tmp_path / "model.h5")
    assert refused(tmp_path / "model.h5").endswith(INSTALL)


def test_the_reader_itself_says_how_to_get_it(written, without_reader):
    with pytest.raises(ModelError, match="pip install 'tf-keras>="):
        load_legacy(examine_model(written["old.h5"], memory=1 << 30), custom_objects={}, trust_code=False)


def test_a_wrong_counterpart_is_found_out(written, monkeypatch, refused):
    def converter(original, made):
        made.set_weights([weight * 1.001 for weight in original.get_weights()])

    monkeypatch.setattr(legacy_rebuild, "give_weights", converter)
    told = refused(written["old.h5"])
    assert "was made again in Keras 3, but gives other outputs (they differ by" in told
    assert str(written["old.h5"]) in told


def test_a_converter_that_fails_is_told(written, monkeypatch, refused):
    def converter(original, custom_objects, name, *, in_training):
        raise KeyError("kernel_size")

    monkeypatch.setattr(legacy_rebuild, "convert_layer", converter)
    assert "was read, but can't be made again in Keras 3 ('kernel_size')" in refused(written["old.h5"])


class Scaled:
    """A model that gives so many times its input, with what is given at one place changed."""

    def __init__(self, factor, shape=(None, 2, 3)):
        self.factor = factor
        self.inputs = [np.zeros([side or 1 for side in shape])]

    def __call__(self, images, training=None):
        return np.asarray(images) * self.factor


@pytest.mark.parametrize(("factor", "same"), [(1.0, True), (1 + 1e-7, True), (1.0001, False), (-1.0, False)])
def test_outputs_are_compared_relative_to_their_size(factor, same):
    if same:
        assert prove_equal(Scaled(1.0), Scaled(factor), "x") < 1e-5
    else:
        with pytest.raises(ModelError, match="x was made again in Keras 3, but gives other outputs"):
            prove_equal(Scaled(1.0), Scaled(factor), "x")


def test_no_number_is_like_no_number_only():
    assert prove_equal(Scaled(np.nan), Scaled(np.nan), "x") == 0
    for one, other in ((np.nan, 1.0), (1.0, np.inf)):
        with pytest.raises(ModelError, match="differ by inf"):
            prove_equal(Scaled(one), Scaled(other), "x")


# --- configurations


def test_a_configuration_is_mended_in_a_copy():
    config = {"class_name": "Sequential", "config": {"layers": [
        {"class_name": "Conv2D", "config": {"input_shape": [None, 24, 36, 3], "activation": "relu_v2"}},
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 24, 36, 3]}},
        {"class_name": "LSTM", "config": {"recurrent_activation": "sigmoid_v2"}},
    ]}}  # fmt: skip
    before = copy.deepcopy(config)
    conv, entry, lstm = (layer["config"] for layer in mend_configuration(config)["config"]["layers"])
    assert config == before
    assert conv == {"batch_input_shape": [None, 24, 36, 3], "activation": "relu"}
    assert entry == {"batch_input_shape": [None, 24, 36, 3]}
    assert lstm == {"recurrent_activation": "sigmoid"}


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("Conv2D", [24, 36, 3]), ("Conv2D", [None, None, 3]), ("Conv3D", [None, 24, 36, 3]), ("Dense", [784]),
     ("TimeDistributed", [None, 24, 36, 3]), ("Conv2D", [5, 24, 36, 3]), ("Conv2D", "odd")],
)  # fmt: skip
def test_shapes_that_are_right_are_left(kind, shape):
    config = {"class_name": kind, "config": {"input_shape": shape}}
    assert mend_configuration(config) == config
