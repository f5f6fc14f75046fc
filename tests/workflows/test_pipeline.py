"""The whole walk, from cases to a report and its files."""

from __future__ import annotations

import base64
import io
import json
import re

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image as PillowImage

from reportgen import Case, LoadedModel, OutputError, Settings, SettingsError, build_report, load_model, read_image
from reportgen.analysis.occlusion.patches import plan_scans
from reportgen.images.reader import image_from_array
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.report_json import render_json
from reportgen.outputs.text import render_trials
from reportgen.report.picture import SCALED, layer_picture_name
from reportgen.report.report import SCHEMA_VERSION
from reportgen.settings.file import settings_from
from reportgen.settings.job import EmailSettings
from reportgen.workflows.pipeline import inspect_model

SHAPE = (24, 36, 3)
COARSE = {"occlusion": {"patch": [8, 12], "stride": [8, 12]}}
NONE = {"occlusion": {"enabled": False}}


def set_to(*tables):
    together = {}
    for table in tables:
        together |= table
    return settings_from(together)


def as_inputs(cases, shape=SHAPE):
    """What the model gets, prepared with Pillow alone: resized and divided by 255."""
    images = []
    for case in cases:
        picture = PillowImage.fromarray(case.image.pixels)
        if shape[2] == 1:
            picture = picture.convert("L")
        picture = picture.resize((shape[1], shape[0]), PillowImage.Resampling.BILINEAR)
        images.append(np.asarray(picture, np.float32).reshape(shape) / 255)
    return np.stack(images)


def small(*stack, shape=SHAPE, seed=1):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([layers.Input(shape), *stack], name="tiny")


@pytest.fixture(scope="module")
def report(small_model, cases):
    return build_report(small_model, cases, set_to(COARSE))


@pytest.fixture(scope="module")
def document(report):
    return json.loads(render_json(report))


@pytest.fixture(scope="module")
def page(report):
    return render_html(report)


# ---- numbers


def test_predictions_are_the_models(report, small_model, cases):
    expected = np.asarray(small_model(as_inputs(cases), training=False))[:, 0]
    assert np.ptp(expected) > 1e-4
    for case, score in zip(report.cases, expected, strict=True):
        scores = {one.class_name: one.score for one in case.predictions}
        assert scores["PNEUMONIA"] == pytest.approx(float(score), abs=1e-6)
        assert scores["NORMAL"] == pytest.approx(1 - float(score), abs=1e-6)
        said = "PNEUMONIA" if score >= 0.5 else "NORMAL"
        assert case.predictions[0].class_name == said
        assert case.correct is (said == case.label)
        assert case.target_class == "PNEUMONIA"


def test_cases_tell_what_they_are(report, cases):
    assert [(case.label, case.name) for case in report.cases] == [("NORMAL", "first.png"), ("PNEUMONIA", "second.png")]
    assert [(case.height, case.width) for case in report.cases] == [(24, 36), (20, 36)]
    assert [case.sha256 for case in report.cases] == [case.image.sha256 for case in cases]


def test_tensors_are_summed_up_on_the_way(report, cases, small_model):
    inputs = as_inputs(cases)
    raw = np.asarray(small_model(inputs, training=False))
    read, resized, prepared, output = report.cases[1].tensors
    assert (read.shape, resized.shape, prepared.shape, output.shape) == ((20, 36, 3), SHAPE, SHAPE, (1,))
    pixels = cases[1].image.pixels
    assert (read.minimum, read.maximum) == (pixels.min(), pixels.max())
    assert (resized.minimum, resized.maximum) == pytest.approx((inputs[1].min() * 255, inputs[1].max() * 255))
    assert (prepared.minimum, prepared.maximum) == pytest.approx((inputs[1].min(), inputs[1].max()), abs=1e-6)
    assert output.minimum == output.maximum == pytest.approx(float(raw[1, 0]), abs=1e-6)


def test_layers_are_measured_on_the_models_own_maps(report, small_model, cases):
    inputs = as_inputs(cases)
    assert report.model.shown_layers == ("first", "pool", "one")
    for index, name in enumerate(report.model.shown_layers):
        direct = keras.Model(small_model.inputs[0], small_model.get_layer(name).output)
        maps = np.asarray(direct(inputs, training=False))
        for case, values in zip(report.cases, maps, strict=True):
            layer = case.layers[index]
            assert (layer.name, layer.height, layer.width, layer.channels) == (name, *values.shape)
            assert (layer.minimum, layer.maximum) == pytest.approx((values.min(), values.max()), abs=1e-6)
            assert layer.statistics.mean == pytest.approx(values.mean(axis=(0, 1)), abs=1e-6)
            assert layer.dead_channels == tuple(np.flatnonzero(np.ptp(values, axis=(0, 1)) == 0))
    assert all(2 in case.layers[0].dead_channels for case in report.cases)


def test_the_scan_is_that_of_the_model(report, small_model, cases):
    """The first and the last position, by hand: a patch of the image's mean colour, 8 x 12."""
    image = as_inputs(cases)[1]
    found = report.cases[1].occlusion
    scan = found.scans[0]
    assert scan.fill == "mean"
    assert (scan.rows, scan.columns) == (3, 3)
    for (row, column), (top, left) in (((0, 0), (0, 0)), ((2, 2), (16, 24)), ((0, 2), (0, 24))):
        covered = image.copy()
        covered[top : top + 8, left : left + 12] = image.mean(axis=(0, 1))
        score = float(np.asarray(small_model(covered[None], training=False))[0, 0])
        assert scan.scores[row][column] == pytest.approx(score, abs=1e-5)
    assert found.base_score == pytest.approx(float(np.asarray(small_model(image[None]))[0, 0]), abs=1e-6)


def test_json_holds_the_numbers_of_the_report(report, document):
    assert document["schema_version"] == SCHEMA_VERSION
    for case, table in zip(report.cases, document["cases"], strict=True):
        assert table["predictions"] == [{"class": p.class_name, "score": p.score} for p in case.predictions]
        for scan, row in zip(case.occlusion.scans, table["occlusion"]["scans"], strict=True):
            assert row["scores"] == [list(line) for line in scan.scores]
            assert row["evidence"] == [list(line) for line in scan.evidence]
        assert table["occlusion"]["strongest"]["importance"] == case.occlusion.strongest.importance
        for layer, row in zip(case.layers, table["layers"], strict=True):
            assert row["statistics"]["edge_correlation"] == list(layer.statistics.edge_correlation)
            assert row["statistics"]["maximum"] == list(layer.statistics.maximum)
            assert row["dead_channels"] == list(layer.dead_channels)
    assert document["cases"][0]["layers"][0]["statistics"]["contrast"][2] is None
    assert [remark["text"] for remark in document["remarks"]] == [remark.text for remark in report.remarks]
    assert document["model"]["total_parameters"] == report.model.total_parameters


def test_the_model_is_described(report, small_model):
    model = report.model
    assert (model.input_shape, model.output_shape, model.head) == (SHAPE, (1,), "sigmoid")
    assert (model.class_names, model.threshold) == (("NORMAL", "PNEUMONIA"), 0.5)
    assert model.total_parameters == small_model.count_params()
    assert [row.name for row in model.layers] == ["first", "pool", "one", "drop", "flat", "score"]
    assert any("Assumed from the labels" in note for note in model.notes)
    assert any("divided by 255" in note for note in model.notes)


def test_settings_and_versions_are_in_the_report(report):
    assert report.settings["occlusion"]["patch"] == (8, 12)
    assert set(report.versions) >= {"reportgen", "python", "tensorflow", "keras", "numpy"}
    assert report.created == "2025-06-15T15:06:40Z"
    assert set(report.timings) == {
        "load model",
        "predict",
        "occlusion scan",
        "test of the maps",
        "what decides",
        "known regions",
        "feature maps",
        "draw",
        "channels that decide",
        "channels that stand out",
        "measures of the maps",
        "strongest regions",
    }


def test_a_wrong_source_date_is_told(small_model, cases, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(SettingsError, match="SOURCE_DATE_EPOCH is 'yesterday'"):
        build_report(small_model, cases, set_to(NONE))


# ---- pictures


def test_every_layer_of_every_case_has_a_grid(report, page):
    names = [picture.name for picture in report.pictures]
    assert len(set(names)) == len(names)
    for case in (0, 1):
        for index, layer in enumerate(report.model.shown_layers):
            assert layer_picture_name(case, index, layer) in names
        for kind in ("input", "occlusion-importance", "occlusion-scores", "occlusion-inputs"):
            assert f"case{case + 1}-{kind}" in names
    for picture in report.pictures:
        assert picture.alt
        assert base64.b64encode(picture.data).decode() in page


def test_pictures_have_the_size_that_is_told(report):
    for picture in report.pictures:
        if picture.media_type == "image/svg+xml":
            continue
        with PillowImage.open(io.BytesIO(picture.data)) as opened:
            assert opened.size == (picture.width, picture.height)
            assert f"image/{opened.format.lower()}" == picture.media_type


def test_no_scan_no_pictures_of_it(small_model, cases):
    found = build_report(small_model, cases, set_to(NONE))
    assert [case.occlusion for case in found.cases] == [None, None]
    assert not any("occlusion" in picture.name for picture in found.pictures)
    assert not any(remark.section == "occlusion" for remark in found.remarks)
    assert 'id="occlusion"' not in render_html(found)


def test_single_channels_and_a_channel_through_all_layers(small_model, cases):
    maps = {"single_channels": [3, 1, 4], "through_channel": 4}
    found = build_report(small_model, cases, set_to(NONE, {"feature_maps": maps}))
    html = render_html(found)
    for case in ("case1", "case2"):
        for kind in ("single-channels", "through-layers"):
            picture = found.picture(f"{case}-{kind}")
            assert picture is not None
            assert base64.b64encode(picture.data).decode() in html
    assert "3, 1, 4" in found.picture("case1-single-channels").alt
    assert "channel 4" in found.picture("case2-through-layers").alt
    assert found.picture("case1-single-channels").data != found.picture("case2-single-channels").data


@pytest.mark.parametrize("maps", [{"single_channels": [0, 5]}, {"through_channel": 5}])
def test_channels_that_no_layer_has_are_refused(small_model, cases, maps):
    """The first layer has five channels, the last one."""
    with pytest.raises(SettingsError, match="choose from 0 to 4"):
        build_report(small_model, cases, set_to(NONE, {"feature_maps": maps}))


def test_cases_of_one_label_are_told_apart(small_model, cases):
    same = [Case("NORMAL", cases[0].image, name) for name in ("a.png", "b.png", "b.png")]
    found = build_report(small_model, [*same, cases[1]], set_to(NONE))
    titles = ["NORMAL · a.png", "NORMAL · b.png (1)", "NORMAL · b.png (2)", "PNEUMONIA"]
    assert [case.title for case in found.cases] == titles
    assert all(title in found.remarks[-1].numbers or title in render_html(found) for title in titles)


def test_one_image_twice_is_no_sign_of_wrong_preprocessing(small_model, cases):
    twice = [Case(label, cases[0].image, "a.png") for label in ("NORMAL", "PNEUMONIA")]
    found = build_report(small_model, twice, set_to(NONE))
    assert {remark.kind for remark in found.remarks if remark.warning} == {"caution"}


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("PNEUMONIA", "It is the same image as NORMAL, with another label: one of them must be wrong."),
        ("normal", "It is the same image as NORMAL: side by side they show nothing."),
        (None, "It is the same image as NORMAL: side by side they show nothing."),
    ],
)
def test_one_image_twice_is_told(small_model, cases, label, told):
    again = Case(label, cases[0].image, "again.png")
    report = build_report(small_model, [cases[0], again], set_to({"occlusion": {"enabled": False}}))
    warnings = [remark.text for remark in report.remarks if remark.warning]
    assert [text.partition(": ")[2] for text in warnings if "same image" in text] == [told]


def test_a_layer_whose_name_tensorflow_refuses(cases):
    named = layers.Conv2D(2, 3, name="block 1 'conv' é")
    found = build_report(small(named, layers.Flatten(), layers.Dense(1, activation="sigmoid")), cases, set_to(COARSE))
    assert found.model.shown_layers == ("block 1 'conv' é",)
    assert found.cases[0].occlusion is not None


def test_no_such_pictures_unless_asked_for(report):
    assert report.picture("case1-single-channels") is None
    assert report.picture("case1-through-layers") is None


@pytest.mark.parametrize("scale", ["standardized", "shared"])
@pytest.mark.parametrize("over", ["cases", "case"])
def test_scales_change_the_grids_and_no_number(report, small_model, cases, scale, over):
    found = build_report(small_model, cases, set_to(NONE, {"feature_maps": {"scale": scale, "range": over}}))
    name = layer_picture_name(0, 0, "first")
    assert found.picture(name).data != report.picture(name).data
    assert found.picture(name).caption != report.picture(name).caption
    assert found.cases[0].layers == report.cases[0].layers


def test_a_range_over_all_cases_is_shared(small_model, cases):
    """The darker image's grid changes when its range also covers the brighter one."""
    dark = Case("dark", image_from_array(cases[0].image.pixels // 4), "dark.png")
    name = layer_picture_name(1, 0, "first")
    found = {
        over: build_report(small_model, (cases[0], dark), set_to(NONE, {"feature_maps": {"range": over}}))
        for over in ("cases", "case")
    }
    assert found["cases"].picture(name).data != found["case"].picture(name).data
    assert "the same for all cases" in found["cases"].picture(name).caption
    assert "the same for all cases" not in found["case"].picture(name).caption


def test_unknown_colours_are_refused_before_any_work(cases):
    with pytest.raises(SettingsError, match="viridid"):
        build_report("no such model", cases, set_to({"feature_maps": {"colours": "viridid"}}))


# ---- the same again


def test_the_same_inputs_and_settings_give_the_same_page(report, page, small_model, cases):
    again = build_report(small_model, cases, set_to(COARSE))
    assert [picture.data for picture in again.pictures] == [picture.data for picture in report.pictures]
    assert render_html(again) == page


def test_other_settings_give_another_page(page, small_model, cases):
    assert render_html(build_report(small_model, cases, set_to(COARSE, {"title": "Other"}))) != page


def test_a_report_does_not_change_the_model(small_model, cases):
    before = [weight.copy() for weight in small_model.get_weights()]
    build_report(small_model, cases, set_to(COARSE))
    for kept, now in zip(before, small_model.get_weights(), strict=True):
        assert (kept == now).all()


# ---- nothing that tells where it was made


def test_no_path_in_page_or_json(small_model, tmp_path, save_image):
    private = tmp_path / "dr-eleanor-smith"
    private.mkdir()
    small_model.save(private / "net.keras")
    (private / "names.txt").write_text("NORMAL\nPNEUMONIA\n")
    (private / "words").mkdir()
    (private / "words" / "summary.md").write_text("Well said.")
    image = save_image("dr-eleanor-smith/scan.png")
    chosen = set_to(NONE, {
        "model": {"path": str(private / "net.keras"), "class_names": str(private / "names.txt")},
        "commentary": {"folder": str(private / "words")},
        "cases": [{"image": str(image)}],
        "output": {"html": str(private / "out.html")},
    })  # fmt: skip
    found = build_report(None, [Case(None, read_image(image), image.name)], chosen)
    for text in (render_html(found), render_json(found).decode()):
        assert "Well said." in text
        assert "net.keras" in text
        assert "scan.png" in text
        assert "eleanor" not in text
        assert str(tmp_path.parent) not in text


# ---- how many cases, in which order


@pytest.mark.parametrize("count", [1, 12])
def test_one_to_twelve_cases(small_model, cases, count):
    several = [Case(None, cases[number % 2].image, f"image {number}") for number in range(count)]
    found = build_report(small_model, several, set_to(COARSE, {"layers": {"first": 1}}))
    assert [case.name for case in found.cases] == [f"image {number}" for number in range(count)]
    html = render_html(found)
    for number in range(count):
        assert f"image {number}" in html
        assert found.picture(f"case{number + 1}-input") is not None
    assert [case.correct for case in found.cases] == [None] * count


@pytest.mark.parametrize("count", [0, 13])
def test_no_case_and_thirteen_are_refused(small_model, cases, count):
    with pytest.raises(SettingsError, match=f"{count} cases given; a report takes 1 to 12"):
        build_report(small_model, [cases[0]] * count)


def test_normal_stands_first_though_given_second(small_model, cases):
    found = build_report(small_model, cases[::-1], set_to(NONE))
    assert [case.label for case in found.cases] == ["PNEUMONIA", "NORMAL"]
    assert [(index, case.label) for index, case in found.side_by_side] == [(1, "NORMAL"), (0, "PNEUMONIA")]
    html = render_html(found)
    encoded = [base64.b64encode(found.picture(f"case{number}-input").data).decode() for number in (1, 2)]
    assert html.index(encoded[1]) < html.index(encoded[0])
    assert (found.differences.first.name, found.differences.second.name) == ("NORMAL", "PNEUMONIA")


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (("b", "a"), [0, 1]),
        (("x", None, "Healthy"), [2, 0, 1]),
        ((" no finding ", "y", "control"), [0, 2, 1]),
        (("y", "No_Finding"), [1, 0]),
        ((None, None), [0, 1]),
    ],
)
def test_others_keep_their_order(small_model, cases, labels, order):
    several = [Case(label, cases[0].image, f"{number}") for number, label in enumerate(labels)]
    found = build_report(small_model, several, set_to(NONE, {"layers": {"first": 1}}))
    assert [index for index, _ in found.side_by_side] == order


# ---- other models


def test_gray_model(cases):
    model = small(
        layers.Conv2D(3, 3, activation="relu"), layers.Flatten(), layers.Dense(1, activation="sigmoid"),
        shape=(20, 28, 1),
    )  # fmt: skip
    found = build_report(model, cases, set_to(COARSE))
    expected = np.asarray(model(as_inputs(cases, (20, 28, 1)), training=False))[:, 0]
    scores = [{p.class_name: p.score for p in case.predictions}["PNEUMONIA"] for case in found.cases]
    assert scores == pytest.approx(expected.tolist(), abs=1e-5)
    assert found.model.input_shape == (20, 28, 1)
    assert found.picture("model-filters") is not None
    assert "<h1>" in render_html(found)


def test_gray_images_for_a_colour_model(small_model, picture):
    gray = Case(None, image_from_array(picture[..., 0]), "gray.png")
    found = build_report(small_model, [gray], set_to(NONE))
    inputs = np.repeat(picture[None, ..., :1].astype(np.float32) / 255, 3, axis=-1)
    expected = float(np.asarray(small_model(inputs, training=False))[0, 0])
    assert {p.class_name: p.score for p in found.cases[0].predictions}["class 1"] == pytest.approx(expected, abs=1e-6)


def test_a_model_without_spatial_layers(cases):
    model = small(layers.Flatten(), layers.Dense(4, activation="relu"), layers.Dense(1, activation="sigmoid"))
    chosen = {"feature_maps": {"single_channels": [0], "through_channel": 0}}
    found = build_report(model, cases, set_to(COARSE, chosen))
    assert found.model.shown_layers == ()
    assert [case.layers for case in found.cases] == [(), ()]
    assert found.cases[0].occlusion is not None
    assert "<h1>" in render_html(found)
    json.loads(render_json(found))


def test_of_many_classes_five_are_shown(cases):
    stack = (layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(9, activation="softmax"))
    model = small(*stack)
    names = [f"kind {letter}" for letter in "abcdefghi"]
    found = build_report(model, cases, set_to(COARSE, {"model": {"class_names": names}}))
    raw = np.asarray(model(as_inputs(cases), training=False))
    for case, scores in zip(found.cases, raw, strict=True):
        best = np.argsort(-scores)[:5]
        assert [one.class_name for one in case.predictions] == [names[number] for number in best]
        assert [one.score for one in case.predictions] == pytest.approx(scores[best].tolist(), abs=1e-6)
        assert case.target_class == names[best[0]]
        assert case.correct is None
    assert found.model.threshold is None


def test_logits_are_turned_into_scores(cases):
    model = small(layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(3))
    found = build_report(model, cases, set_to(NONE))
    raw = np.asarray(model(as_inputs(cases), training=False), np.float64)
    expected = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    for case, scores in zip(found.cases, expected, strict=True):
        assert [one.score for one in case.predictions] == pytest.approx(sorted(scores, reverse=True), abs=1e-6)
    assert any("taken as logits" in note for note in found.model.notes)


def test_nested_model(nested_model, cases):
    found = build_report(nested_model, cases, set_to(COARSE))
    assert found.model.shown_layers == ("scaling", "head/base/left", "head/base/right", "head/base/sum")
    raw = np.asarray(nested_model(as_inputs(cases) * 255, training=False))
    assert found.cases[0].predictions[0].score == pytest.approx(float(raw[0].max()), abs=1e-5)
    assert "head/base/left" in render_html(found)


def test_a_model_with_operations_on_tensors(cases):
    """As Keras's guide to transfer learning has it: preprocessing inside, by operations that are no layers."""
    entry = layers.Input(SHAPE)
    hidden = layers.Conv2D(2, 3, name="conv")(entry / 127.5 - 1.0)
    score = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(entry, score)
    found = build_report(model, cases, set_to(COARSE, {"preprocessing": {"mode": "none"}}))
    expected = np.asarray(model(as_inputs(cases) * 255, training=False))[:, 0]
    scores = [{p.class_name: p.score for p in case.predictions}["PNEUMONIA"] for case in found.cases]
    assert scores == pytest.approx(expected.tolist(), abs=1e-5)
    assert "conv" in found.model.shown_layers


def test_scores_that_are_no_numbers_are_reported(cases):
    model = small(layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1, activation="sigmoid"))
    weights = model.get_weights()
    weights[-1][:] = np.nan
    model.set_weights(weights)
    found = build_report(model, cases, set_to(COARSE))
    assert [remark.kind for remark in found.remarks if remark.warning] == ["not_finite_origin", "caution", "not_finite"]
    assert json.loads(render_json(found))["cases"][0]["predictions"][0]["score"] is None
    assert [case.occlusion for case in found.cases] == [None, None]
    page = render_html(found)
    assert "so there is no occlusion scan" in page
    assert page.count("gives no numbers") == len(found.cases)
    assert "nothing, as its scores are no numbers" in page
    assert not re.search(r">\s*-?(nan|inf)\b", page)


@pytest.mark.parametrize("spoilt", ["weights", "overflow", "one case"])
def test_what_is_not_a_number_is_told_everywhere_and_breaks_nothing(cases, spoilt, tmp_path):
    entry = layers.Input(SHAPE)
    hidden = layers.Conv2D(4, 3, activation="relu", name="conv1")(entry)
    if spoilt == "one case":
        # the first image is 116 bright in the mean, the second 110
        brightness = keras.ops.mean(entry, axis=(1, 2, 3), keepdims=True)
        limit = float(np.mean([as_inputs([case]).mean() for case in cases]))
        hidden = layers.Concatenate(name="both")(
            [hidden, keras.ops.log(brightness - limit) * keras.ops.ones_like(hidden[..., :1])]
        )
    hidden = layers.Conv2D(3, 3, activation="relu", name="conv2")(layers.MaxPooling2D(2, name="pool")(hidden))
    model = keras.Model(entry, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(hidden)))
    if spoilt != "one case":
        kernel, bias = model.get_layer("conv1").get_weights()
        kernel[..., 1] = np.nan if spoilt == "weights" else 3e38
        model.get_layer("conv1").set_weights([kernel, bias])
    shown = {"feature_maps": {"single_channels": [0, 1], "through_channel": 1}}
    found = build_report(model, cases, set_to(COARSE, shown))
    first, *_ = [remark for remark in found.remarks if remark.warning]
    assert first.kind == "not_finite_origin"
    assert found.remarks[0] is first
    assert {"weights": "Weights of the layer conv1", "overflow": "conv1 is the first layer", "one case": "for "}[
        spoilt
    ] in first.text
    texts = [remark.text for remark in found.remarks] + [one.alt + one.caption for one in found.pictures]
    assert not [text for text in texts if re.search(r"\b(nan|inf)\b", text)]
    lost = [any(layer.not_finite_channels for layer in case.layers) for case in found.cases]
    assert sorted(lost) == ([False, True] if spoilt == "one case" else [True, True])
    assert not any(set(one.dead_channels) & set(one.not_finite_channels) for case in found.cases for one in case.layers)
    page = render_html(found)
    assert "<dt>not numbers, " in page
    assert not re.search(r">\s*-?(nan|inf)\b", page)
    found.save_all(
        html=tmp_path / "a.html", json=tmp_path / "a.json", figures=None, pdf=None, email=tmp_path / "a.eml",
        message=EmailSettings(attach_pdf=False), overwrite=False,
    )  # fmt: skip
    written = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert [layer["not_finite_channels"] for layer in written["cases"][0]["layers"]] == [
        list(layer.not_finite_channels) for layer in found.cases[0].layers
    ]


def test_a_case_whose_score_is_no_number_keeps_no_other_from_its_scan(cases):
    entry = layers.Input(SHAPE)
    # the square root of what is negative is no number: of the darker image
    limit = float(np.mean([as_inputs([case]).mean() for case in cases]))
    bright = keras.ops.sqrt(keras.ops.mean(entry, axis=(1, 2, 3), keepdims=False)[:, None] - limit)
    hidden = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv1")(entry))
    model = keras.Model(entry, layers.Dense(1, activation="sigmoid")(layers.Concatenate()([hidden, bright])))
    found = build_report(model, cases, set_to(COARSE))
    lost = [as_inputs([case]).mean() < limit for case in cases]
    assert sorted(lost) == [False, True]
    assert [case.occlusion is None for case in found.cases] == lost
    assert [case.map_test is None for case in found.cases] == lost
    assert [not any(one.name.startswith(f"case{number + 1}-occlusion") for one in found.pictures)
            for number in range(2)] == lost  # fmt: skip
    assert not re.search(r">\s*-?(nan|inf)\b", render_html(found))


def test_a_loaded_model_is_taken_as_it_is(small_model, cases):
    loaded = load_model(small_model, set_to({"model": {"class_names": ["no", "yes"], "threshold": 0.0}}).model)
    assert isinstance(loaded, LoadedModel)
    found = build_report(loaded, cases, set_to(NONE))
    assert found.model.class_names == ("no", "yes")
    assert [case.predictions[0].class_name for case in found.cases] == ["yes", "yes"]


def test_inspect_tells_what_a_report_tells(small_model, tmp_path, cases):
    small_model.save(tmp_path / "net.keras")
    chosen = set_to(NONE, {"model": {"path": str(tmp_path / "net.keras")}})
    known, found = inspect_model(chosen), build_report(None, cases, chosen).model
    assert (known.layers, known.shown_layers, known.sha256) == (found.layers, found.shown_layers, found.sha256)
    assert known.name == "net.keras"


def test_ways_of_preprocessing_are_tried_and_the_one_that_fits_is_told(cases):
    # the mean of 0 to 255 less a limit between the two images
    levels = as_inputs(cases).mean(axis=(1, 2, 3)) * 255
    entry = layers.Input(SHAPE)
    mean = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, name="conv")(entry))
    model = keras.Model(entry, layers.Dense(1, activation="sigmoid")(mean))
    sign = np.sign(levels[1] - levels[0])
    model.set_weights(
        [np.full((1, 1, 3, 1), 1 / 3), np.zeros(1), np.full((1, 1), sign), np.array([-levels.mean() * sign])]
    )
    found = build_report(model, cases, set_to(NONE, {"preprocessing": {"mode": "try"}}))
    assert [case.correct for case in found.cases] != [True, True]
    (pointed,) = [remark for remark in found.remarks if remark.kind == "trials"]
    assert pointed.warning
    assert "Under 0 to 255, 2 of 2 labelled cases are right" in pointed.text
    page, table = render_html(found), render_trials(found)
    for words in ("<code>--preprocess none</code>", "Under 0 to 255, 2 of 2 labelled cases are right"):
        assert words in page
    assert re.search(r"^0 to 255 .* --preprocess none +-$", table, re.M)
    assert table.splitlines()[-1].startswith("Under 0 to 255, 2 of 2 labelled cases are right")
    used = build_report(model, cases, set_to(NONE, {"preprocessing": {"mode": "none"}}))
    assert [case.correct for case in used.cases] == [True, True]
    assert not [remark for remark in used.remarks if remark.kind == "trials"]


def test_a_number_that_may_be_a_logit_is_warned_of_and_named_by_its_output(tmp_path, cases):
    entry = keras.Input((24, 36, 3))
    flat = keras.layers.Flatten()(keras.layers.MaxPooling2D(6)(entry))
    ends = [keras.layers.Dense(3, "softmax", name="kind")(flat), keras.layers.Dense(1, name="age")(flat)]
    keras.Model(entry, ends).save(tmp_path / "two.keras")
    tables = {"model": {"path": str(tmp_path / "two.keras"), "output": "age"}}
    found = build_report(None, cases, set_to(NONE, tables))
    assert found.model.head == "regression"
    assert [one.class_name for one in found.cases[0].predictions] == ["age"]
    (caution,) = [remark for remark in found.remarks if remark.kind == "caution"]
    assert caution.warning
    assert "say --head logits; else --head regression" in caution.text
    assert caution.text in inspect_model(set_to(NONE, tables)).notes
    settled = build_report(None, cases, set_to(NONE, tables, {"model": {**tables["model"], "head": "regression"}}))
    assert not [remark for remark in settled.remarks if remark.kind == "caution"]


# ---- the layers that are shown


def test_chosen_layers(small_model, cases):
    found = build_report(small_model, cases, set_to(NONE, {"layers": {"show": ["o*", "first"], "types": ["Conv2D"]}}))
    assert found.model.shown_layers == ("first", "one")
    assert [layer.name for layer in found.cases[1].layers] == ["first", "one"]


def test_layers_that_are_left_out_are_noted(small_model, cases):
    found = build_report(small_model, cases, set_to(NONE, {"layers": {"maximum": 2}}))
    assert found.model.shown_layers == ("first", "one")
    assert any(note.startswith("2 of 3 layers") for note in found.model.notes)


def test_a_patch_that_is_too_large_is_refused_before_the_scan(small_model, cases):
    with pytest.raises(SettingsError, match="larger than the model's input 24 x 36"):
        build_report(small_model, cases, set_to({"occlusion": {"patch": 30}}))


def test_default_geometry(small_model, cases):
    found = build_report(small_model, cases[:1], set_to({"layers": {"first": 1}})).cases[0].occlusion
    plans = plan_scans((24, 36), Settings().occlusion)
    assert found.patches == ((2, 4), (5, 7), (7, 11), (10, 14))
    assert [scan.fill for scan in found.scans] == ["mean", "blur"] * 4
    by_patch = {plan.patch: plan for plan in plans}
    for scan in found.scans:
        plan = by_patch[scan.patch]
        assert scan.stride == tuple(max(1, round(side / 3)) for side in scan.patch)
        assert (scan.row_starts, scan.column_starts) == (plan.rows, plan.columns)


# ---- commentary


def test_commentary_stands_with_its_section_and_layer(small_model, cases):
    words = {"sections": {"summary": "All *in all*"}, "layers": {"first": "Look at **channel 3**"}}
    found = build_report(small_model, cases, set_to(NONE, {"commentary": words}))
    html = render_html(found)
    assert "All <em>in all</em>" in html
    # the second layer pools the first: one block
    section = html.index('id="layer-2"')
    assert section < html.index("Look at <strong>channel 3</strong>") < html.index('id="layer-3"')
    assert html.index('id="summary"') < html.index("All <em>in all</em>") < section
    told = [(comment.section, comment.layer) for comment in found.comments]
    assert told == [("summary", None), ("layers", "first")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"layers": {"fisrt": "x"}}, "layer 'fisrt', which is not shown; shown: first, pool, one"),
        ({"layers": {"score": "x"}}, "layer 'score', which is not shown"),
        ({"sections": {"epilogue": "x"}}, "unknown section 'epilogue'; sections: summary"),
        ({"folder": "/no/such/folder"}, "commentary folder not found"),
    ],
)
def test_commentary_for_nothing_is_refused(small_model, cases, words, message):
    with pytest.raises(SettingsError, match=message):
        build_report(small_model, cases, set_to(NONE, {"commentary": words}))


# ---- files


def test_files_hold_what_was_rendered(report, page, tmp_path):
    report.save_html(tmp_path / "a.html")
    report.save_json(tmp_path / "a.json")
    report.save_figures(tmp_path / "figures")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page
    assert (tmp_path / "a.json").read_bytes() == render_json(report)
    written = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    scales = {f"{picture.name}{SCALED}" for picture in report.pictures if picture.scale}
    assert scales
    assert {name: data for name, data in written.items() if name not in scales} == {
        picture.file_name: picture.data for picture in report.pictures
    }
    assert scales <= written.keys()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.json", "figures"]


def test_existing_files_are_not_replaced(report, tmp_path):
    for name in ("a.html", "a.json"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "figures").mkdir()
    mine = tmp_path / "figures" / report.pictures[-1].file_name
    mine.write_text("mine")
    for save, target in (
        (report.save_html, tmp_path / "a.html"),
        (report.save_json, tmp_path / "a.json"),
        (report.save_figures, tmp_path / "figures"),
    ):
        with pytest.raises(OutputError, match="exists already"):
            save(target)
    with pytest.raises(OutputError, match="exists already"):
        report.save_all(html=tmp_path / "new.html", json=tmp_path / "a.json", figures=None)
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["a.html", "a.json", "figures", mine.name])
    assert (tmp_path / "a.html").read_text() == (tmp_path / "a.json").read_text() == mine.read_text() == "mine"


def test_existing_files_are_replaced_when_asked(report, page, tmp_path):
    (tmp_path / "a.html").write_text("old")
    report.save_html(tmp_path / "a.html", overwrite=True)
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page
