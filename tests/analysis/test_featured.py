"""Channels that stand out: which are chosen, and what must and must not be said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen import build_report
from reportgen.analysis.channels import measure_layer, reference_of
from reportgen.analysis.differences import channel_effects
from reportgen.analysis.featured import channel_remarks, feature_channels, what_it_follows
from reportgen.images.fitting import prepare
from reportgen.report.channels import BY_CASE, BY_LABEL, CaseGroup, Differences, LayerEffects
from reportgen.report.deciding import DecidingChannels, RemovedChannel
from reportgen.report.model import LayerSummary, ModelReport
from reportgen.report.report import Prediction
from reportgen.settings.report import PreprocessingSettings


def model(*layers):
    return ModelReport(
        name="model", sha256="0" * 64, total_parameters=1, trainable_parameters=1, input_shape=(24, 36, 3),
        output_shape=(1,), head="sigmoid", class_names=("NORMAL", "PNEUMONIA"), threshold=0.5, preprocessing="none",
        shown_layers=tuple(layers), notes=(), card=None, history={},
        layers=tuple(
            LayerSummary(
                name=name, type="Conv2D", output_shape=(None, 24, 36, 2), parameters=1, trainable=True, activation=None,
                receptive_field=(3, 5), field_start=(-1, -2), field_step=(1, 1),
            )
            for name in layers
        ),
    )  # fmt: skip


def differences(**effects):
    groups = (CaseGroup(name="NORMAL", cases=(0,)), CaseGroup(name="PNEUMONIA", cases=(1,)))
    layers = tuple(LayerEffects(name=name, effects=tuple(values)) for name, values in effects.items())
    return Differences(by=BY_CASE, first=groups[0], second=groups[1], layers=layers)


@pytest.fixture
def pair(make_case, measured):
    flat = np.random.default_rng(6).normal(size=(2, 24, 36, 3)).astype(np.float32)
    flat[1, 20, 30, 1] = 99
    return [
        make_case(label, layers=tuple(measured(maps, name) for name in ("one", "two")), score=score)
        for label, maps, score in (("NORMAL", flat[0], 0.1), ("PNEUMONIA", flat[1], 0.9))
    ]


def removed(cases, layer, **effects):
    """Return the cases with channels that decide in a layer, for each title as given."""
    found = []
    for case in cases:
        one = tuple(RemovedChannel(channel=n, effect=e, activity=1.0) for n, e in enumerate(effects[case.title]))
        strongest = tuple(sorted(one, key=lambda of: -abs(of.effect)))
        told = DecidingChannels(
            target_class="PNEUMONIA", unit="bits", base_evidence=3.0, strongest=strongest, active=one, removed=len(one)
        )
        layers = tuple(replace(of, deciding=told) if of.name == layer else of for of in case.layers)
        found.append(replace(case, layers=layers))
    return found


def test_the_channels_that_differ_most_over_all_layers(pair):
    found = feature_channels(pair, model("one", "two"), differences(one=(0.2, -0.7, 0.1), two=(0.3, None, 0.9)))
    assert (found.reason, found.unit) == ("difference", "")
    assert [(one.layer, one.channel, one.effect) for one in found.channels] == [
        ("two", 2, 0.9), ("one", 1, -0.7), ("two", 0, 0.3), ("one", 0, 0.2)
    ]  # fmt: skip
    strongest = found.channels[1].cases[1]
    assert strongest.maximum == 99
    assert strongest.seen == (19, 28, 22, 33)  # row 20 and column 30 of a field of 3 x 5
    assert strongest.cost is None


def test_a_scaled_input_is_no_finding(pair):
    told, mixed = differences(one=(0.9,), two=(0.3, 0.2)), model("one", "two")
    scaling = replace(mixed.layers[0], type="Rescaling", parameters=0, inbound=("",))
    found = feature_channels(pair, replace(mixed, layers=(scaling, mixed.layers[1])), told)
    assert [(one.layer, one.channel) for one in found.channels] == [("two", 0), ("two", 1)]
    # a layer of fixed numbers after one with weights counts like any other
    pooling = replace(mixed.layers[1], type="MaxPooling2D", parameters=0, inbound=("one",))
    found = feature_channels(pair, replace(mixed, layers=(mixed.layers[0], pooling)), told)
    assert [(one.layer, one.channel) for one in found.channels] == [("one", 0), ("two", 0), ("two", 1)]
    deciding = removed(pair, "one", NORMAL=(2.0,), PNEUMONIA=(2.0,))
    assert feature_channels(deciding, replace(mixed, layers=(scaling, mixed.layers[1])), None) is None


def test_no_more_than_asked_and_none_twice(pair):
    told = differences(one=(0.5,) * 3, two=(0.6,) * 3)
    told = replace(told, layers=(replace(told.layers[0], at="two"), told.layers[1]))
    found = feature_channels(pair, model("one", "two"), told, most=2)
    assert [(one.layer, one.channel) for one in found.channels] == [("two", 0), ("two", 1)]


def test_where_nothing_differs_it_is_what_decides(pair):
    cases = removed(pair, "two", NORMAL=(-2.0, 1.0, -0.5), PNEUMONIA=(1.0, 1.0, 0.5))
    cases[0] = replace(cases[0], predictions=(Prediction(class_name="NORMAL", score=0.9),))
    found = feature_channels(cases, model("one", "two"), differences(one=(0.1,) * 3, two=(0.1,) * 3))
    assert (found.reason, found.unit) == ("decision", "bits")
    # of what was decided: for NORMAL, evidence for PNEUMONIA that rises is evidence that falls; channel 1 is against it
    assert [(one.layer, one.channel, one.effect) for one in found.channels] == [("two", 0, 1.5), ("two", 2, 0.5)]
    assert [of.cost for of in found.channels[0].cases] == [-2.0, 1.0]


def test_nothing_stands_out_where_nothing_differs_or_decides(pair):
    assert feature_channels(pair, model("one", "two"), differences(one=(0.0,) * 3, two=(0.0,) * 3)) is None
    still = removed(pair, "one", NORMAL=(0.0, 0.0, 0.0), PNEUMONIA=(0.0, 0.0, 0.0))
    assert feature_channels(still, model("one", "two"), None) is None
    assert channel_remarks(None, None, pair) == ()


def test_what_a_channel_goes_with(picture, measured):
    reference = reference_of(picture)
    noise = np.random.default_rng(7).normal(size=reference.edges.shape)
    maps = np.stack([reference.edges, reference.brightness, -reference.brightness, noise], axis=-1)
    layer = measured(maps.astype(np.float32))
    assert [what_it_follows(layer, channel) for channel in range(4)] == ["edges", "bright", "dark", "neither"]


def test_of_a_coarse_map_nothing_is_said(picture):
    reference = reference_of(picture).at((12, 18))
    layer = measure_layer("small", reference.edges[..., None], reference_of(picture))
    assert 12 * 18 < 256
    assert layer.statistics.edge_correlation[0] > 0.9
    assert what_it_follows(layer, 0) == ""


MORE, ALIKE, COUNTS = "responds more to", "No channel responds noticeably differently", "What counts most inside"


def said(cases, told):
    return " ".join(
        one.text for one in channel_remarks(told, feature_channels(cases, model("one", "two"), told), cases)
    )


@pytest.mark.parametrize(
    ("effects", "spoken", "unspoken"),
    [
        ((0.2, -0.7, 0.1), "channel 1 of one responds more to NORMAL than to PNEUMONIA (effect 0.70 of 1", ALIKE),
        ((0.2, 0.5, 0.1), "Of 3 channels, 1 responds clearly more to PNEUMONIA and 0 clearly more to NORMAL", ALIKE),
        ((0.05, -0.1, 0.0), "of channel 1 of one, is -0.10", MORE),
        ((0.0, 0.0, 0.0), "", MORE),
    ],
)
def test_the_sentences_of_each_situation(pair, effects, spoken, unspoken):
    text = said(pair, differences(one=effects))
    assert spoken in text
    assert unspoken not in text
    assert COUNTS not in text


def test_one_case_is_told_what_decides(pair):
    cases = removed(pair[1:], "one", PNEUMONIA=(2.0, 1.0, 0.0))
    text = said(cases, None)
    assert (
        text == "What counts most inside: without channel 0 of one, 2.0 bits of the evidence for the decision are gone."
    )
    assert "in the mean of 2 cases" in said([*cases, *cases], None)
    small = removed(pair[1:], "one", PNEUMONIA=(0.0123, 0.001, 0.0))
    assert "without channel 0 of one, 0.012 bits of the evidence" in said(small, None)


def test_a_number_is_no_decision_and_has_no_evidence(pair):
    cases = removed(pair[1:], "one", PNEUMONIA=(0.5, 1.0, 0.0))
    (case,) = cases
    layers = tuple(
        replace(of, deciding=replace(of.deciding, unit="output")) if of.deciding else of for of in case.layers
    )
    text = said([replace(case, layers=layers)], None)
    assert text == "What counts most inside: without channel 1 of one, the output changes by 1.000."


def test_groups_are_named_with_their_number(pair):
    three = [*pair, pair[1]]
    told = replace(differences(one=(0.9, 0.0, 0.0)), by=BY_LABEL, second=CaseGroup(name="ILL", cases=(1, 2)))
    assert "responds more to 2 × ILL than to 1 × NORMAL" in said(three, told)


def test_noise_differs_from_noise_in_nothing(measured, make_case):
    maps = np.random.default_rng(8).normal(size=(2, 24, 36, 16)).astype(np.float32)
    cases = [make_case(name, layers=(measured(of, "one"),)) for name, of in zip("AB", maps, strict=True)]
    text = said(cases, differences(one=channel_effects(maps, [0], [1])))
    assert ALIKE in text
    assert MORE not in text


def test_what_chance_gives_on_small_maps_stands_out_nowhere(pair):
    told = differences(one=(0.4, 0.1, 0.0))
    told = replace(told, layers=(replace(told.layers[0], chance=0.45),))
    text = said(pair, told)
    assert text.endswith("is +0.40, no more than chance gives on maps so small.")
    assert MORE not in text
    assert told.layers[0].clear(1) == 0


def test_a_report_holds_them_with_their_pictures(small_model, cases):
    """Against the model itself: the maps of both cases, and what their strongest places see."""
    import keras

    tables = {"preprocessing": {"mode": "scale", "factor": 1 / 255}, "occlusion": {"enabled": False}}
    report = build_report(small_model, cases, tables)
    pool = keras.Model(small_model.inputs[0], small_model.get_layer("pool").output)
    images = np.stack([prepare(case.image, (24, 36, 3), PreprocessingSettings()) for case in cases]) / 255
    maps = np.asarray(pool(images.astype(np.float32)))
    told = report.differences
    assert [(layer.name, layer.at) for layer in told.layers] == [("first", "pool"), ("pool", ""), ("one", "")]
    assert told.layers[1].effects == pytest.approx(channel_effects(maps, [0], [1]), abs=1e-3)
    names = {picture.name for picture in report.pictures}
    for number, one in enumerate(report.featured.channels, 1):
        assert {f"case1-channel{number}", f"case2-channel{number}"} <= names
        if one.layer == "pool":
            for of, values in zip(one.cases, maps[..., one.channel], strict=True):
                row, column = np.unravel_index(values.argmax(), values.shape)
                # a pool of 2 over a convolution of 3 sees 4 x 4 pixels, in steps of 2
                assert of.seen == (2 * row, 2 * column, 2 * row + 4, 2 * column + 4)
                assert of.mean == pytest.approx(values.mean(), rel=1e-4)
    (first,) = [one for one in report.remarks if one.kind == "difference" and one.section == "headline"]
    assert first.proof == "differs"
