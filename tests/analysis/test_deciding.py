"""Channels that decide: against a model in which the channel itself is replaced, for each kind of model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen import build_report
from reportgen.analysis.deciding import SHOWN, deciding_remarks, find_deciding, repeated_in
from reportgen.analysis.layer_graph import trace
from reportgen.analysis.runs import make_subject, run_cases
from reportgen.analysis.tails import tail_after
from reportgen.models.loader import load_model
from reportgen.report.deciding import GRADIENT, DecidingChannels, RemovedChannel
from reportgen.settings.file import settings_from

NAMES = {"small": ("NORMAL", "PNEUMONIA"), "nested": ("A", "NORMAL", "PNEUMONIA")}


@pytest.fixture(scope="module")
def branched_model():
    """(24, 36, 3) -> a number; a layer whose output is added again later, and a mean over places that is joined."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(6)
    entry = layers.Input((24, 36, 3))
    first = layers.Conv2D(6, 3, padding="same", activation="relu", name="first")(entry)
    second = layers.Conv2D(6, 3, padding="same", activation="relu", name="second")(first)
    added = layers.Add(name="added")([first, second])
    third = layers.Conv2D(20, 3, strides=2, activation="tanh", name="third")(added)
    joined = layers.Concatenate(name="joined")(
        [layers.GlobalAveragePooling2D()(third), layers.GlobalMaxPooling2D()(first)]
    )
    return keras.Model(entry, layers.Dense(1, name="number")(joined), name="branched")


def subject_and_runs(keras_model, cases, **tables):
    settings = settings_from({"preprocessing": {"mode": "scale", "factor": 1 / 255}, **tables})
    loaded = load_model(keras_model, settings.model, settings.preprocessing, [case.label for case in cases])
    subject = make_subject(loaded, settings)
    return subject, run_cases(subject, cases, [case.label for case in cases], settings)


def evidence_without(model, name, channel, image, head, level):
    """Return the evidence of the model in which one channel is replaced by its mean or 0, built anew; None: of none."""
    import keras

    def replaced(layer, *args, **options):
        output = layer(*args, **options)
        if layer.name != name or channel is None:
            return output
        flat = keras.ops.mean(output, axis=(1, 2), keepdims=True) + 0 * output
        chosen = keras.ops.one_hot(channel, output.shape[-1])
        return output * (1 - chosen) + (flat * chosen if level == "mean" else 0)

    clone = keras.models.clone_model(keras.Model(model.inputs, model.outputs), call_function=replaced)
    clone.set_weights(model.get_weights())
    outputs = np.asarray(clone([image[None]], training=False), np.float64)[0]
    if head == "regression":
        return outputs[0]
    return np.log2(outputs[0] / (1 - outputs[0]))


def reference(model, name, image, head, level="mean"):
    base = evidence_without(model, name, None, image, head, level)
    count = model.get_layer(name).output.shape[-1]
    return [base - evidence_without(model, name, channel, image, head, level) for channel in range(count)]


def test_a_sigmoid_of_a_sequential_model(small_model, cases):
    subject, runs = subject_and_runs(small_model, cases, model={"class_names": list(NAMES["small"])})
    found = find_deciding(subject, runs, 1 << 20, lambda _: None)
    assert [call.path for call in subject.layers] == ["first", "pool", "one"]
    assert [one.at for one in found] == ["pool", "", ""]
    assert found[0].channels == (None, None)
    for number, run in enumerate(runs):
        for place, name in ((1, "pool"), (2, "one")):
            expected = reference(small_model, name, run.prepared, "sigmoid")
            of_case = found[place].channels[number]
            assert of_case.removed == len(expected)
            assert of_case.screened == ""
            order = np.argsort(-np.abs(expected), kind="stable")[:SHOWN]
            assert [one.effect for one in of_case.strongest] == pytest.approx(
                [expected[one] for one in order], abs=1e-4
            )
    # a dead channel says nothing, and removing it changes nothing
    dead = next(one for one in found[1].channels[0].strongest if one.channel == 2)
    assert dead.effect == pytest.approx(0, abs=1e-6)
    assert dead.activity == 0


def test_branches_keep_their_values_and_a_number_is_followed_as_it_is(branched_model, cases):
    subject, runs = subject_and_runs(branched_model, cases, model={"head": "regression"})
    found = find_deciding(subject, runs, 1 << 20, lambda _: None)
    for place, call in enumerate(subject.layers):
        for number, run in enumerate(runs):
            of_case = found[place].channels[number]
            assert (of_case.unit, of_case.set_to) == ("output", "zero" if call.path == "third" else "mean")
            expected = reference(branched_model, call.path, run.prepared, "regression", of_case.set_to)
            for one in (*of_case.strongest, *of_case.active):
                assert one.effect == pytest.approx(expected[one.channel], abs=1e-5), call.path
            assert abs(of_case.strongest[0].effect) == pytest.approx(np.abs(expected).max(), abs=1e-5)


def test_what_follows_a_layer_in_a_branch(branched_model):
    graph = trace(branched_model)
    tail = tail_after(graph, graph["second"].output)
    assert [call.path for call in tail.calls][:2] == ["added", "third"]
    assert [call.path for call in tail.calls][-2:] == ["joined", "number"]
    pooled = next(call for call in graph.calls if type(call.layer).__name__ == "GlobalMaxPooling2D")
    assert {id(one) for one in tail.sides} == {id(graph["first"].output), id(pooled.output)}
    assert tail_after(graph, graph.output) is None


def test_activity_is_the_mean_magnitude(branched_model, cases):
    import keras

    subject, runs = subject_and_runs(branched_model, cases, model={"head": "regression"})
    found = find_deciding(subject, runs, 1 << 20, lambda _: None)
    part = keras.Model(branched_model.inputs, branched_model.get_layer("third").output)
    activity = np.abs(np.asarray(part(runs[0].prepared[None]))).mean(axis=(0, 1, 2))
    active = found[[call.path for call in subject.layers].index("third")].channels[0].active
    assert [one.channel for one in active] == np.argsort(-activity, kind="stable")[:SHOWN].tolist()
    assert [one.activity for one in active] == pytest.approx(np.sort(activity)[::-1][:SHOWN], rel=1e-5)


def test_the_screen_finds_what_removing_all_finds(branched_model, cases):
    subject, runs = subject_and_runs(branched_model, cases, model={"head": "regression"}, layers={"show": ["third"]})
    (every,) = find_deciding(subject, runs, 1 << 20, lambda _: None)
    (best,) = find_deciding(subject, runs, 1 << 20, lambda _: None, most=0)
    for all_removed, screened in zip(every.channels, best.channels, strict=True):
        assert all_removed.removed == 20
        assert screened.screened == GRADIENT
        assert 16 <= screened.removed < 20
        assert [one.channel for one in screened.strongest] == [one.channel for one in all_removed.strongest]
        assert [one.effect for one in screened.strongest] == pytest.approx(
            [one.effect for one in all_removed.strongest], abs=1e-6
        )


def test_softmax_of_a_nested_model(nested_model, cases):
    import keras

    subject, runs = subject_and_runs(nested_model, cases, model={"class_names": list(NAMES["nested"])})
    found = find_deciding(subject, runs, 1 << 20, lambda _: None)
    assert [call.path for call in subject.layers] == ["scaling", "head/base/left", "head/base/right", "head/base/sum"]
    # the mean over places is all that is used: a channel at its mean is as good as before, so it is set to 0
    weights, bias = nested_model.get_layer("classes").get_weights()
    base = keras.Model(
        *(getattr(nested_model.get_layer("head").get_layer("base"), end) for end in ("inputs", "outputs"))
    )
    for number, run in enumerate(runs):
        of_case, target = found[3].channels[number], run.targets[0]
        assert (of_case.set_to, of_case.removed) == ("zero", 4)
        means = np.asarray(base(run.prepared[None] / 255), np.float64).mean(axis=(0, 1, 2))

        def bits(values, target=target):
            logits = values @ weights + bias
            others = np.delete(logits, target)
            return (logits[target] - np.log(np.exp(others).sum())) / np.log(2)

        expected = [bits(means) - bits(np.where(np.arange(4) == channel, 0, means)) for channel in range(4)]
        for one in of_case.strongest:
            assert one.effect == pytest.approx(expected[one.channel], abs=1e-4)


def test_what_goes_on_unmixed_is_told_of_the_last(small_model, branched_model):
    graph = trace(small_model)
    shown = [call for call in graph.calls if call.map_shape]
    assert repeated_in(graph, shown) == {"first": "pool", "one": "drop"}
    graph = trace(branched_model)
    assert repeated_in(graph, [call for call in graph.calls if call.map_shape]) == {}


@pytest.mark.parametrize("off", [False, True])
def test_a_report_tells_them_unless_it_is_told_not_to(small_model, cases, off):
    tables = {
        "preprocessing": {"mode": "scale", "factor": 1 / 255}, "occlusion": {"enabled": False},
        "layers": {"deciding": not off},
    }  # fmt: skip
    report = build_report(small_model, cases, tables)
    told = [layer.deciding is not None for layer in report.cases[0].layers]
    assert told == ([False] * 3 if off else [False, True, True])
    assert [layer.deciding_at for layer in report.cases[0].layers] == (["", "", ""] if off else ["pool", "", ""])


def found_of(effects, activity):
    channels = [
        RemovedChannel(channel=number, effect=effect, activity=active)
        for number, (effect, active) in enumerate(zip(effects, activity, strict=True))
    ]
    return DecidingChannels(
        target_class="CAT", unit="bits", base_evidence=1.0, removed=len(channels),
        strongest=tuple(sorted(channels, key=lambda one: -abs(one.effect))[:SHOWN]),
        active=tuple(sorted(channels, key=lambda one: -one.activity)[:SHOWN]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("effects", "activity", "sentence"),
    [
        ([3, 0.1, 0.2, 0.1, 0.1, 0.1], [0, 1, 2, 3, 4, 5], "In layer, the channel whose removal"),
        ([0.1, 0.1, 0.2, 0.1, 0.1, -3], [0, 1, 2, 3, 4, 5], None),
        ([0, 1e-7, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5], "In no layer does removing a single channel move the evidence"),
    ],
)
def test_the_sentence_of_each_situation(make_case, measured, effects, activity, sentence):
    layer = replace(measured(np.zeros((4, 5, 6), np.float32)), deciding=found_of(effects, activity))
    remarks = deciding_remarks([make_case("CAT", layers=(layer,))])
    assert [remark.text[: len(sentence or "")] for remark in remarks] == ([sentence] if sentence else [])


def test_what_holds_of_several_cases_is_said_once_with_their_names(make_case, measured):
    maps = measured(np.zeros((4, 5, 6), np.float32))
    hidden, seen = (
        replace(maps, deciding=found_of(effects, [0, 1, 2, 3, 4, 5]))
        for effects in ([3, 0.1, 0.2, 0.1, 0.1, 0.1], [0.1, 0.1, 0.2, 0.1, 0.1, -3])
    )
    cases = [make_case("A", layers=(hidden, hidden)), make_case("B", layers=(hidden, seen))]
    cases = [
        replace(case, layers=tuple(replace(one, name=f"l{at}") for at, one in enumerate(case.layers))) for case in cases
    ]
    (remark,) = deciding_remarks(cases)
    assert remark.text.startswith("In l0 and l1 (A), the channel whose removal moves the evidence")
