"""The built-in model: the architecture it promises, right on what it's shown with, and as good as its card says."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.metrics.classification import measure_classifier
from reportgen.datasets.prepared import prepare_all
from reportgen.datasets.reader import read_data
from reportgen.demo.builtin import DEMO_STRIDE, SYNTHETIC, demo_cases
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


def evaluate(model, data):
    """Measure a loaded model on labelled images."""
    images = prepare_all(data, model.input_shape, PreprocessingSettings())
    scores = scores_of(model.keras_model, Examples(images, data.labels, data.class_names))
    return measure_classifier(scores, data.labels, threshold=model.threshold)


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
    report = build_report(model, demo_cases(), {"occlusion": {"stride": DEMO_STRIDE}, "layers": {"first": 1}})
    assert [case.correct for case in report.cases] == [True, True]
    assert all(SYNTHETIC in case.notes for case in report.cases)


def test_phantoms_of_unseen_seeds_are_told_apart_as_the_card_says(model):
    said = next(line for line in model.card.evaluations if line.data.startswith("phantoms"))
    measured = evaluate(model, phantom_data(60, 0))
    assert measured.auc > 0.97
    assert abs(measured.accuracy - said.accuracy) < 0.08


def test_real_radiographs_are_told_apart(model, xrays):
    cases = [
        as_case(("NORMAL", xrays / "IM-0115-0001.jpeg")),
        as_case(("PNEUMONIA", xrays / "person3_bacteria_11.jpeg")),
    ]
    report = build_report(model, cases, {"occlusion": {"enabled": False}, "layers": {"first": 1}})
    assert [case.correct for case in report.cases] == [True, True]


def test_test_images_are_told_apart_as_the_card_says(model, xrays):
    said = next(line for line in model.card.evaluations if line.data.startswith("test images"))
    measured = evaluate(model, read_data(xrays / "chest_xray_224" / "test").undivided)
    assert measured.auc >= 0.98
    assert np.isclose(measured.auc, said.auc, atol=0.002)
    assert measured.images == said.images
