"""What no section shows isn't computed, and what is shown is the same as in a whole report."""

import keras
import numpy as np
import pytest
from keras import layers

from reportgen import build_report
from reportgen.images.reader import image_from_array
from reportgen.models.loader import load_model
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.integrity import flaw


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    made = keras.Sequential([
        keras.Input((24, 32, 1)), layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.MaxPooling2D(name="second"), layers.Flatten(), layers.Dense(5, activation="relu", name="features"),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    return load_model(made, labels=["A", "B"])


@pytest.fixture(scope="module")
def cases():
    pixels = np.random.default_rng(1).integers(0, 256, (2, 24, 32)).astype(np.uint8)
    return [("A", image_from_array(pixels[0])), ("B", image_from_array(pixels[1]))]


def report(model, cases, *sections, **further):
    occlusion = {"patch": 8, "stride": 8, "fill": "mean"}
    return build_report(model, cases, {"page": {"sections": list(sections)}, "occlusion": occlusion, **further})


def test_summary_alone_is_reading_and_prediction(model, cases):
    found = report(model, cases, "summary")
    assert flaw(found) is None and found.differences is None and found.featured is None
    assert {picture.name for picture in found.pictures} == {"case1-input", "case2-input"}
    assert not found.model.shown_layers and all(case.occlusion is None and not case.layers for case in found.cases)
    assert [case.predictions for case in found.cases] == [case.predictions for case in report(model, cases).cases]
    assert '<section id="summary">' in render_html(found)


def test_evidence_needs_no_feature_maps(model, cases):
    found, whole = report(model, cases, "summary", "occlusion"), report(model, cases)
    assert flaw(found) is None and not found.model.shown_layers and not found.picture("model-shapes")
    assert [case.occlusion for case in found.cases] == [case.occlusion for case in whole.cases]
    assert [case.map_test for case in found.cases] == [case.map_test for case in whole.cases]


def test_feature_maps_need_no_scan(model, cases):
    found, whole = report(model, cases, "layers"), report(model, cases)
    assert flaw(found) is None and all(case.occlusion is None for case in found.cases)
    assert [case.layers for case in found.cases] == [case.layers for case in whole.cases]


def test_words_on_layers_that_are_not_shown_are_left_out(model, cases):
    found = report(model, cases, "summary", commentary={"layers": {"first": "Words"}, "sections": {"summary": "All"}})
    assert flaw(found) is None and [(one.section, one.layer) for one in found.comments] == [("summary", None)]


def test_pictures_of_a_model_are_drawn_once_for_each_language(model, cases):
    first, again = report(model, cases, "model"), report(model, cases, "model")
    assert first.picture("model-shapes") is again.picture("model-shapes")
    german = report(model, cases, "model", language="de")
    assert german.picture("model-shapes").alt != first.picture("model-shapes").alt
