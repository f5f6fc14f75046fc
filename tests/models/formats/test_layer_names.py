"""Names that TensorFlow doesn't take must neither hide a model's size nor spoil what comes after."""

from __future__ import annotations

import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.occlusion.full import score_positions
from reportgen.analysis.occlusion.incremental import IncrementalEngine
from reportgen.analysis.occlusion.window_plan import lay_out
from reportgen.models.formats.layer_names import (
    NewNames,
    call_as_in_file,
    has_plain_names,
    is_plain_layer_name,
    name_in_file,
    with_plain_names,
)
from reportgen.models.loader import load_model
from reportgen.settings.report import LimitSettings
from reportgen.system.errors import ModelError

SHAPE = (16, 20, 3)


@pytest.fixture
def odd():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [layers.Input(SHAPE), layers.Conv2D(4, 3, name="first layer"), layers.Flatten(),
         layers.Dense(7, activation="softmax", name="a<b>")], name="odd one",
    )  # fmt: skip


def test_names():
    assert is_plain_layer_name("block1_conv1")
    assert is_plain_layer_name("tf.math.truediv")
    assert not any(is_plain_layer_name(name) for name in ("", "a b", "<b>", "ü", "a:b", "-a"))


def test_a_name_is_replaced_wherever_it_stands():
    config = {"layers": [{"config": {"name": "a b"}, "inbound": [["a b", 0]]}, {"name": "plain", "text": "a b c"}]}
    found = with_plain_names(config)
    new = found["layers"][0]["config"]["name"]
    assert is_plain_layer_name(new)
    assert found["layers"][0]["inbound"] == [[new, 0]]
    assert found["layers"][1] == {"name": "plain", "text": "a b c"}


def test_odd_names_do_not_hide_the_size(odd, tmp_path):
    odd.save(tmp_path / "small.keras")
    with zipfile.ZipFile(tmp_path / "small.keras") as source, zipfile.ZipFile(tmp_path / "big.keras", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'"units": 7', b'"units": 700000'))
    assert load_model(tmp_path / "small.keras").outputs == 7
    with pytest.raises(ModelError, match=r"big\.keras needs .* GiB .*--max-memory"):
        load_model(tmp_path / "big.keras", limits=LimitSettings(memory=1 << 30))


def test_scans_with_odd_names_leave_nothing_behind(odd):
    assert not has_plain_names(odd)
    image = np.random.default_rng(0).random(SHAPE, np.float32)
    where = ((0, 6, 12), (0, 8, 16), (4, 4))
    ((expected,),) = score_positions(
        odd, [image], fills=[[image[::-1]]], positions=[where], prepare=np.asarray, memory=1 << 28,
        on_progress=lambda _: None,
    )  # fmt: skip
    graph = trace(odd)
    engine = IncrementalEngine(graph, lay_out(graph, [where], furthest=True), 1 << 28)
    (found,) = engine.scores(image, [image[::-1].copy()], lambda _: None)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    other = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    other.compile("sgd", "mse")
    other.fit(np.zeros((2, 4)), np.zeros((2, 1)), verbose=0)


def test_new_names_are_those_of_the_file_where_keras_3_takes_them():
    names = NewNames(["a/b", "a_b", "a_b_1", "conv"])
    assert names.of("conv") == "conv"
    assert names.of("a_b") == "a_b"
    assert names.of("a/b") == "a_b_2"
    assert names.of("a/b") == "a_b_2"
    assert names.of("c/d") == "c_d"
    assert names.unused("conv") == "conv_1"
    assert names.unused("other") == "other"
    assert names.unused("other") == "other_1"


def test_a_layer_knows_what_the_file_calls_it():
    layer = layers.Dense(2, name="a_b")
    assert name_in_file(layer) == "a_b"
    call_as_in_file(layer, "a/b")
    assert name_in_file(layer) == "a/b"
