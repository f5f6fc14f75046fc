"""A report in a notebook: what it and its parts show, and that arrays and tables have the page's numbers."""

from __future__ import annotations

import builtins
import dataclasses
import html
import re

import numpy as np
import pytest

import reportgen
from reportgen.outputs.notebook.html import embed_page
from reportgen.outputs.saved.report_json import render_json

HOSTILE = "<img src=x onerror=alert(1)>"
CHEAP = {"occlusion": {"patch": [6, 8], "stride": [6, 8], "fill": "mean", "test": False}, "layers": {"deciding": False}}


def copy_of(model):
    """Return a model of its own, to be changed."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


@pytest.fixture(scope="module")
def model(small_model):
    return copy_of(small_model)


@pytest.fixture(scope="module")
def report(model, picture):
    images = [("NORMAL", picture), ("PNEUMONIA", picture[:, ::-1].copy())]
    return reportgen.explain(model, images, class_names=["NORMAL", "PNEUMONIA"], progress=False, **CHEAP)


def test_it_is_the_report_that_build_report_makes(report, model, picture):
    images = [("NORMAL", reportgen.image_from_array(picture)),
              ("PNEUMONIA", reportgen.image_from_array(picture[:, ::-1].copy()))]  # fmt: skip
    settings = CHEAP | {"model": {"class_names": ["NORMAL", "PNEUMONIA"]}}
    other = reportgen.build_report(model, images, settings)
    assert isinstance(report, reportgen.Report)
    named = [dataclasses.replace(case, name="") for case in report.cases]
    assert [case.predictions for case in named] == [case.predictions for case in other.cases]
    assert [case.layers for case in named] == [case.layers for case in other.cases]
    assert [case.occlusion for case in named] == [case.occlusion for case in other.cases]
    assert report.settings == other.settings


def test_it_is_saved_and_read_as_any_other(report, tmp_path):
    report.save_html(tmp_path / "report.html")
    read = reportgen.read_report(tmp_path / "report.html")
    assert render_json(dataclasses.replace(read, timings={})) == render_json(dataclasses.replace(report, timings={}))
    assert read._repr_html_().startswith('<div class="reportgen-page"')


def test_activations_are_the_models_own_and_the_pages_numbers(report, model, picture):
    import keras

    inside = keras.Model(model.inputs, [model.get_layer("first").output, model.get_layer("pool").output])
    inputs = np.stack([picture, picture[:, ::-1]]).astype(np.float32) / 255
    for name, wanted in zip(("first", "pool"), inside(inputs), strict=True):
        layer = report.layers[name]
        np.testing.assert_allclose(layer.activations, np.asarray(wanted), atol=1e-5)
        np.testing.assert_array_equal(layer.channel(3).activations, layer.activations[..., 3])
        for number, case in enumerate(layer.reports):
            np.testing.assert_allclose(
                layer.activations[number].max(axis=(0, 1)), case.statistics.maximum, rtol=1e-5, atol=1e-7
            )
    assert list(report.layers) == list(report.model.shown_layers)


def test_tables_have_the_same_numbers(report):
    cases = report.table()
    assert list(cases["case"]) == ["NORMAL", "PNEUMONIA"]
    assert list(cases["score"]) == [case.predictions[0].score for case in report.cases]
    channels = report.layers["first"].table()
    assert list(channels["maximum"]) == [value for case in report.cases for value in case.layers[0].statistics.maximum]
    assert len(report.layers["first"].channel(2).table()) == 2
    assert list(report.layers.table()["layer"].unique()) == list(report.layers)
    evidence = report.cases[0].evidence
    np.testing.assert_array_equal(evidence.importance_map(), report.cases[0].importance_map())
    table = evidence.table()
    # one scan: importance of a pixel is the mean over the patches that cover it, here counted out for one pixel
    covering = table[(table.top <= 10) & (table.top + 6 > 10) & (table.left <= 17) & (table.left + 8 > 17)]
    assert evidence.importance_map()[10, 17] == pytest.approx(covering.importance.mean(), abs=1e-6)
    assert list(report.cases[0].table()["class"]) == [one.class_name for one in report.cases[0].predictions]


def test_each_part_shows_itself_with_words_for_its_pictures(report):
    layer = report.layers["first"]
    for part in (report.cases[0], report.cases[0].evidence, report.layers, layer, layer.channel(1)):
        shown = part._repr_html_()
        assert shown.startswith('<div class="reportgen-view">')
        for image in re.findall("<img[^>]+>", shown):
            assert re.search(r'src="data:image/(png|jpeg);base64,', image)
            assert len(re.search(r'alt="([^"]+)"', image)[1]) > 10
        assert "http" not in shown
        assert len(repr(part)) < 200
    assert len(repr(report)) < 200
    assert "first: " not in repr(layer) and "5 channels of 22 × 34" in repr(layer)


def test_with_a_section_more_its_parts_are_still_there(report):
    more = report.add_section("Mine", markdown="Words.")
    assert more.further_sections[0].title == "Mine"
    np.testing.assert_array_equal(more.layers["first"].activations, report.layers["first"].activations)
    assert more.cases[0]._repr_html_() == report.cases[0]._repr_html_()


def test_the_page_is_shut_in(report):
    shown = report._repr_html_()
    frame = re.search("<iframe[^>]+>", shown)[0]
    assert 'sandbox="allow-scripts allow-popups"' in frame  # of another origin: nothing reaches the notebook
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert page.startswith("<!doctype html>")
    assert "reportgenHeight" in page and page.endswith("</html>\n")
    assert "reportgenHeight" not in report.show(300)._repr_html_().rpartition("</iframe>")[2]
    assert 'style="height:300px' in report.show(300)._repr_html_()


def test_text_of_others_stays_text(model, picture):
    report = reportgen.explain(model, [(HOSTILE, picture)], title=HOSTILE, progress=False, **CHEAP)
    for part in (report, report.cases[0], report.layers["first"], report.layers["first"].channel(0)):
        assert "<img src=x" not in part._repr_html_()
    assert "<script>" not in embed_page('"><script>alert(1)</script>', '"><script>').partition("<script>\n")[0]


def test_what_is_not_there_is_told_in_a_line(report):
    with pytest.raises(reportgen.ReportgenError, match="no layer 'frist'; did you mean 'first'"):
        report.layers["frist"]
    with pytest.raises(reportgen.ReportgenError, match="channels 0 to 4"):
        report.layers["first"].channel(5)
    assert "frist" not in report.layers


def test_a_model_that_has_learned_since_is_refused_and_draws_its_own_filters(small_model, picture):
    model = copy_of(small_model)
    before = reportgen.explain(model, picture, progress=False, **CHEAP)
    first = model.get_layer("first")
    first.set_weights([-2 * weights for weights in first.get_weights()])
    with pytest.raises(reportgen.ReportgenError, match="the model has changed since; explain it again"):
        _ = before.layers["first"].activations
    after = reportgen.explain(model, picture, progress=False, **CHEAP)
    assert after.layers["first"].activations.shape == (1, 22, 34, 5)
    assert after.model.sha256 != before.model.sha256
    assert after.picture("model-filters").data != before.picture("model-filters").data
    assert after.cases[0].occlusion.base_score == pytest.approx(float(
        1 - np.asarray(model(picture[None] / 255.0))[0, 0] if after.cases[0].target_class == "class 0"
        else np.asarray(model(picture[None] / 255.0))[0, 0]), abs=1e-5)  # fmt: skip


def test_without_pandas_tables_say_how_to_get_it(report, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(reportgen.ReportgenError, match="tables need pandas"):
        report.table()
