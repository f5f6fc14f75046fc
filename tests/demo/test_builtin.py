"""The built-in model: the architecture it promises, right on what it's shown with, and as good as its card says."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from reportgen.analysis.metrics.classification import measure_classifier
from reportgen.datasets.prepared import prepare_all
from reportgen.datasets.reader import read_data
from reportgen.demo.builtin import SYNTHETIC, demo_cases
from reportgen.demo.phantom_data import phantom_data
from reportgen.images.cases import as_case
from reportgen.models.architectures import ARCHITECTURES
from reportgen.models.loader import BUILTIN_MODEL, load_model
from reportgen.settings.report import PreprocessingSettings
from reportgen.training.examples import Examples
from reportgen.training.fit import scores_of
from reportgen.workflows.pipeline import build_report


@pytest.fixture(scope="module")
def model():
    return load_model(BUILTIN_MODEL)


def test_layers_are_those_of_the_architecture(model):
    """No Dropout and no augmentation is left in what is shown."""
    shown = [(layer.name, type(layer).__name__, layer.output.shape) for layer in model.keras_model.layers]
    fresh = ARCHITECTURES["chest_xray"].build(2)
    assert shown == [(layer.name, type(layer).__name__, layer.output.shape) for layer in fresh.layers]
    assert model.keras_model.count_params() == 3_453_121
    assert getattr(model.keras_model, "optimizer", None) is None


def test_file_is_small_and_its_card_complete(model):
    assert BUILTIN_MODEL.stat().st_size < 15e6
    assert model.class_names == ("NORMAL", "PNEUMONIA")
    assert all((model.card.purpose, model.card.data, model.card.source, model.card.method, model.card.limits))
    assert "CC BY 4.0" in model.card.source
    assert len(model.history["val_auc"]) == len(model.history["loss"]) > 10


def test_the_demo_is_right_and_says_that_it_is_synthetic(model):
    report = build_report(model, demo_cases(), {"layers": {"first": 1}})
    assert [case.correct for case in report.cases] == [True, True]
    assert all(SYNTHETIC in case.notes for case in report.cases)


def examples_of(data, model):
    return Examples(prepare_all(data, model.input_shape, PreprocessingSettings()), data.labels, data.class_names)


def measured(data, model):
    examples = examples_of(data, model)
    scores = scores_of(model.keras_model, examples)
    return measure_classifier(scores, data.labels, threshold=model.threshold, groups=data.groups)


def test_phantoms_of_unseen_seeds_are_told_apart_as_the_card_says(model):
    said = next(line for line in model.card.evaluations if line.data.startswith("phantoms"))
    found = measured(phantom_data(60, 0), model)
    assert found.auc > 0.97
    assert abs(found.accuracy - said.accuracy) < 0.08


def test_few_channels_are_dead_on_all_of_many_phantoms(model):
    images = examples_of(phantom_data(60, 5000), model).images
    layers = [layer for layer in model.keras_model.layers if layer.name.startswith("conv2d")]
    activation_model = keras.Model(model.keras_model.inputs, [layer.output for layer in layers])
    alive = [np.zeros(layer.output.shape[-1], bool) for layer in layers]
    for start in range(0, len(images), 20):
        maps = activation_model(images[start : start + 20] / np.float32(255))
        for seen, values in zip(alive, maps, strict=True):
            np.logical_or(seen, (np.ptp(np.asarray(values), axis=(1, 2)) > 0).any(axis=0), out=seen)
    assert sum(len(seen) for seen in alive) == 352
    assert sum(int((~seen).sum()) for seen in alive) <= 45


def test_real_radiographs_are_told_apart(model, xrays):
    cases = [
        as_case(("NORMAL", xrays / "IM-0115-0001.jpeg")),
        as_case(("PNEUMONIA", xrays / "person3_bacteria_11.jpeg")),
    ]
    report = build_report(model, cases, {"occlusion": {"enabled": False}, "layers": {"first": 1}})
    assert [case.correct for case in report.cases] == [True, True]


def test_test_images_are_told_apart_as_the_card_says(model, xrays):
    said = next(line for line in model.card.evaluations if line.data.startswith("test images"))
    found = measured(read_data(xrays / "chest_xray_224" / "test").undivided, model)
    assert found.auc >= 0.975
    assert np.isclose(found.auc, said.auc, atol=0.002)
    assert np.isclose(found.sensitivity, said.sensitivity, atol=0.01)
    assert np.isclose(found.specificity, said.specificity, atol=0.02)
    assert found.calibration_error <= 0.08
    assert found.images == said.images
