"""Models that are random at prediction, from the file to the page: two reports are one, and it is said first."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras
from kinds.registry import stirred
from tf_keras import layers as k

from reportgen import build_report
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.text import render_model
from reportgen.settings.file import settings_from
from reportgen.workflows.pipeline import inspect_model

SHAPE = (24, 36, 3)
COARSE = {
    "model": {"class_names": ["NORMAL", "PNEUMONIA"]},
    "occlusion": {"patch": [8, 12], "stride": [8, 12], "target": "PNEUMONIA"},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    entry = k.Input(SHAPE)
    hidden = k.BatchNormalization(name="bn")(k.Conv2D(4, 3, name="stem/conv")(entry), training=True)
    pooled = k.GlobalMaxPooling2D()(k.Dropout(0.3, name="drop")(hidden, training=True))
    model = stirred(tf_keras.Model(entry, k.Dense(2, activation="softmax")(pooled)))
    path = tmp_path_factory.mktemp("random") / "random.h5"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def report(path, cases):
    return build_report(path, cases, settings_from(COARSE))


def test_two_reports_are_the_same(path, cases, report):
    again = build_report(path, cases, settings_from(COARSE))
    assert [case.predictions for case in again.cases] == [case.predictions for case in report.cases]
    assert [case.occlusion.scans for case in again.cases] == [case.occlusion.scans for case in report.cases]
    assert [case.layers for case in again.cases] == [case.layers for case in report.cases]
    assert [picture.data for picture in again.pictures] == [picture.data for picture in report.pictures]


def test_a_case_is_what_it_is_by_itself(path, cases, report):
    alone = build_report(path, cases[1:], settings_from(COARSE))
    for one, other in zip(alone.cases[0].predictions, report.cases[1].predictions, strict=True):
        assert one.class_name == other.class_name
        assert one.score == pytest.approx(other.score, abs=1e-6)
    for one, other in zip(alone.cases[0].occlusion.scans, report.cases[1].occlusion.scans, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)


def test_what_is_random_is_said_first(report):
    warned = [remark.text for remark in report.remarks if remark.warning]
    assert any("draws random numbers at prediction: 'drop' (Dropout)" in text for text in warned)
    assert any("goes by the images that are run together: 'bn' (BatchNormalization)" in text for text in warned)
    (noise,) = (remark for remark in report.remarks if remark.kind == "noise")
    assert noise.text in render_html(report)
    assert set(noise.numbers) == {f"spread of {case.heading}, PNEUMONIA" for case in report.cases}
    assert all(spread > 0 for spread in noise.numbers.values())


def test_what_goes_by_the_whole_image_has_no_receptive_field(report):
    fields = {layer.name: layer.receptive_field for layer in report.model.layers}
    assert fields["stem/conv"] == (3, 3)
    assert fields["bn"] is None


def test_inspect_warns_too(path):
    text = render_model(inspect_model(settings_from({"model": {"path": str(path)}})))
    assert "The model draws random numbers at prediction: 'drop' (Dropout)." in text
    assert "stem/conv" in text
