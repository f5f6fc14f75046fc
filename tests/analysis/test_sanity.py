"""The sanity check: what becomes random and in what order, that the model stays as it is, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen import build_report
from reportgen.analysis import sanity
from reportgen.analysis.sanity import cascade, randomise, sanity_remarks
from reportgen.report.sanity import SanityTest

TABLES = {
    "preprocessing": {"mode": "scale", "factor": 1 / 255},
    "occlusion": {"patch": [[6, 9], [12, 12]], "fill": ["mean", "blur"], "test": False, "sanity": True},
    "layers": {"deciding": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def brightness_model():
    """(24, 36, 3) -> the sum of all pixels: weights that are all the same can't be shuffled into others."""
    import keras
    from keras import layers

    model = keras.Sequential([layers.Input((24, 36, 3)), layers.Flatten(), layers.Dense(1, use_bias=False, name="sum")])
    model.get_layer("sum").set_weights([np.full((24 * 36 * 3, 1), 0.01, np.float32)])
    return model


def test_the_last_layer_is_first(small_model, nested_model):
    assert [[layer.name for layer in stage] for stage in cascade(small_model)] == [["score"], ["one"], ["first"]]
    assert [[layer.name for layer in stage] for stage in cascade(nested_model)] == [["classes"], ["right"], ["left"]]


def test_many_layers_go_together():
    import keras
    from keras import layers

    model = keras.Sequential([layers.Input((4,)), *(layers.Dense(2, name=f"d{number}") for number in range(30))])
    stages = cascade(model)
    assert len(stages) == 12
    assert [layer.name for stage in stages for layer in stage] == [f"d{number}" for number in reversed(range(30))]


def test_random_weights_keep_their_size():
    import keras

    layer = keras.layers.Dense(300)
    layer.build((None, 200))
    bias = np.linspace(0, 3, 300, dtype=np.float32)
    layer.set_weights([np.full((200, 300), -2, np.float32), bias])
    randomise(layer, np.random.default_rng(1))
    kernel, shuffled = layer.get_weights()
    assert kernel.mean() == pytest.approx(0, abs=0.05)
    assert np.sqrt(np.square(kernel).mean()) == pytest.approx(2, rel=0.02)
    assert not np.array_equal(shuffled, bias)
    np.testing.assert_array_equal(np.sort(shuffled), bias)


def test_the_model_is_never_changed(small_model, cases):
    before = [weight.copy() for weight in small_model.get_weights()]
    report = build_report(small_model, cases, TABLES)
    for one, other in zip(before, small_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for case in report.cases:
        assert case.sanity.layers == (("score",), ("one",), ("first",))
        assert all(-1 <= one <= 1 for one in (*case.sanity.correlation, *case.sanity.absolute))
    assert report.picture("case1-occlusion-sanity") is not None
    again = build_report(small_model, cases, TABLES)
    assert [case.sanity for case in again.cases] == [case.sanity for case in report.cases]


def test_with_the_same_weights_the_map_is_the_same(small_model, cases, monkeypatch):
    monkeypatch.setattr(sanity, "randomise", lambda layer, random: None)
    for case in build_report(small_model, cases, TABLES).cases:
        assert case.sanity.correlation == pytest.approx([1, 1, 1], abs=1e-6)
        assert case.sanity.absolute == pytest.approx([1, 1, 1], abs=1e-6)


def test_a_map_that_survives_is_called_out(brightness_model, cases):
    report = build_report(brightness_model, cases, {**TABLES, "model": {"head": "regression"}})
    assert report.cases[0].sanity.final == pytest.approx((1, 1))
    warned = [remark for remark in report.remarks if remark.kind == "sanity"]
    assert [remark.warning for remark in warned] == [True, True]
    assert "survives random weights" in warned[0].text


def test_a_model_that_cannot_be_copied_is_named(small_model, cases, monkeypatch):
    import keras

    def refuse(model):
        raise TypeError("no config")

    monkeypatch.setattr(keras.models, "clone_model", refuse)
    report = build_report(small_model, cases, TABLES)
    assert report.cases[0].sanity == SanityTest(layers=(), correlation=(), absolute=())
    assert report.picture("case1-occlusion-sanity") is None
    (told, _) = [remark.text for remark in report.remarks if remark.kind == "sanity"]
    assert "could not be made random in a copy" in told


@pytest.mark.parametrize(
    ("final", "sentence", "warning"),
    [
        ((0.2, 0.3), "the map is another one (rank correlation 0.20, without signs 0.30", False),
        ((-0.9, 0.1), "the map is another one", False),
        ((0.2, 0.5), "The map survives random weights", True),
        ((0.8, 0.1), "The map survives random weights", True),
        ((float("nan"), float("nan")), "tells nothing: the map, or that of random weights", False),
    ],
)
def test_the_sentence_of_each_situation(make_case, final, sentence, warning):
    found = SanityTest(layers=(("b",), ("a",)), correlation=(0.9, final[0]), absolute=(0.9, final[1]))
    (remark,) = sanity_remarks([replace(make_case("CAT"), sanity=found)])
    assert sentence in remark.text
    assert remark.warning == warning
