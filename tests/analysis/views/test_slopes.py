"""Slopes of the evidence: the evidence is that of the scan, however the model ends; a reason where there are none."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.predictions import Head
from reportgen.analysis.views.slopes import NoViewError, evidence_tensor
from reportgen.analysis.weight_of_evidence import Readout


@pytest.mark.parametrize(
    ("kind", "outputs"),
    [("sigmoid", 1), ("sigmoid", 3), ("sigmoid logits", 1), ("softmax", 2), ("softmax", 4), ("softmax logits", 4),
     ("regression", 2)],
)  # fmt: skip
@pytest.mark.parametrize("cut", [False, True])
def test_it_is_the_evidence_of_the_scan(kind, outputs, cut, random):
    if cut and kind not in ("sigmoid", "softmax"):
        pytest.skip("these have no last activation")
    classes = max(2, outputs) if kind != "regression" else outputs
    readout = Readout(Head(kind, tuple(map(str, range(classes))), 0.5, outputs), cut=cut)
    raw = random.normal(0, 2, (5, outputs)).astype(np.float32)
    if not cut and kind in ("sigmoid", "softmax"):
        raw = np.exp(raw) / (np.exp(raw).sum(axis=1, keepdims=True) if kind == "softmax" else 1 + np.exp(raw))
    for target in range(classes):
        found = evidence_tensor(keras.ops.convert_to_tensor(raw), readout, target)
        assert np.asarray(found) == pytest.approx(readout.evidence(raw)[:, target], rel=1e-4, abs=1e-4)


def test_the_slope_of_a_linear_model_is_its_weights(slopes_of, linear, weights, image):
    evidence, slopes = slopes_of(linear).at_input([image] * 3)
    assert slopes == pytest.approx(np.stack([weights] * 3), rel=1e-4)
    assert evidence[0] == pytest.approx((image * weights).sum(), rel=1e-4)  # no bias
    assert slopes_of(linear, target=0).at_input([image])[1][0] == pytest.approx(-weights, rel=1e-4)
    assert slopes_of(linear, sign=-1).at_input([image])[1][0] == pytest.approx(-weights, rel=1e-4)


def test_a_saturated_score_has_slopes_all_the_same(slopes_of, weights, image):
    model = keras.Sequential([layers.Input(image.shape), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    model.layers[-1].set_weights([(weights.reshape(-1, 1) * np.log(2)), np.array([60.0])])
    assert float(np.asarray(model(image[None]))[0, 0]) == 1.0
    assert slopes_of(model).at_input([image])[1][0] == pytest.approx(weights, rel=1e-4)


def test_little_memory_means_small_batches_with_the_same_numbers(slopes_of, linear, image):
    small = slopes_of(linear, memory=1)
    assert small.size == 1
    images = [image, 1 - image, image / 2]
    assert small.at_input(images)[1] == pytest.approx(slopes_of(linear).at_input(images)[1], abs=1e-6)


@pytest.mark.parametrize("how", ["a cast to whole numbers", "a constant"])
def test_without_a_way_back_the_reason_is_said(slopes_of, image, how):
    entry = layers.Input(image.shape)
    inside = keras.ops.cast(keras.ops.cast(entry, "int32"), "float32") if how.startswith("a cast") else 0 * entry
    model = keras.Model(entry, layers.Dense(1, activation="sigmoid")(layers.Flatten()(inside)))
    with pytest.raises(NoViewError, match="gradient"):
        slopes_of(model).at_input([image])
