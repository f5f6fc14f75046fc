"""Which of the usual preprocessings tells cases apart, in a model that was made for one of them."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.doubts.trials import trial_remarks, try_preprocessings
from reportgen.analysis.runs import make_subject
from reportgen.models.loader import load_model
from reportgen.models.preprocessing.usual import usual_preprocessings
from reportgen.report.report import Prediction, PreprocessingTrial
from reportgen.settings.file import settings_from
from reportgen.settings.report import ModelSettings, Settings


@pytest.fixture(scope="module")
def for_0_to_255():
    """A model whose logit is the mean of 0..255 over 25.5, less 5: dark images are negative, bright ones positive."""
    entry = layers.Input((4, 6, 3))
    mean = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, name="conv")(entry))
    model = keras.Model(entry, layers.Dense(1, activation="sigmoid")(mean))
    model.set_weights([np.full((1, 1, 3, 1), 1 / 3), np.zeros(1), np.full((1, 1), 1 / 25.5), np.array([-5.0])])
    return load_model(model, ModelSettings(class_names=("dark", "bright")))


def images(*levels):
    return [np.full((4, 6, 3), level, np.uint8) for level in levels]


def runs_of(pictures, labels):
    """Runs as far as they are looked at here, each of another image."""
    return [
        SimpleNamespace(number=at, image=one, case=SimpleNamespace(label=label, image=SimpleNamespace(sha256=str(at))))
        for at, (one, label) in enumerate(zip(pictures, labels, strict=True))
    ]


def tried(loaded, labels, levels=(60, 200)):
    return try_preprocessings(make_subject(loaded, Settings()), runs_of(images(*levels), labels))


def test_each_way_is_tried_and_judged(for_0_to_255):
    trials = {trial.name: trial for trial in tried(for_0_to_255, ("dark", "bright"))}
    assert list(trials) == [
        "0 to 1", "−1 to 1", "0 to 255", "ImageNet mean subtracted, BGR", "ImageNet mean and deviation"
    ]  # fmt: skip
    assert [trial.chosen for trial in trials.values()] == [True, False, False, False, False]
    assert trials["0 to 1"].correct == (True, False)
    assert "nearly the same" in trials["0 to 1"].doubt
    right = trials["0 to 255"]
    assert (right.correct, right.doubt, right.flag) == ((True, True), "", "--preprocess none")
    # 60 / 25.5 - 5 and 200 / 25.5 - 5
    expected = [1 / (1 + np.exp(-2.6471)), 1 / (1 + np.exp(-2.8431))]
    assert [one.score for one in right.predictions] == pytest.approx(expected, abs=1e-4)


def test_the_way_that_gets_them_right_is_pointed_out(for_0_to_255):
    (remark,) = trial_remarks(tried(for_0_to_255, ("dark", "bright")), regression=False)
    assert remark.warning
    assert remark.text == (
        "Under 0 to 255, 2 of 2 labelled cases are right, and the cases are told apart; under 0 to 1, which is used "
        "here, 1."
    )
    assert remark.interpretation.startswith(
        'To use it: --preprocess none, or mode = "none" under [preprocessing], in the settings or in the notes'
    )
    assert remark.numbers == {"most": 2, "as used": 1}


def test_without_labels_the_way_that_tells_them_apart(for_0_to_255):
    (remark,) = trial_remarks(tried(for_0_to_255, (None, None)), regression=False)
    assert remark.text == (
        "Under 0 to 255, the cases get different classes; under 0 to 1, which is used here, they do not."
    )


def trial(name, said, correct, *, chosen=False, doubt="", flag="--preprocess none"):
    given = tuple(Prediction(class_name=one, score=0.9) for one in said)
    return PreprocessingTrial(
        name=name, description="", chosen=chosen, predictions=given, doubt=doubt, flag=flag, correct=correct
    )


def test_the_way_that_is_used_needs_no_warning():
    trials = [
        trial("A", "ab", (True, True), chosen=True),
        trial("B", "ab", (True, True)),
        trial("C", "aa", (True, False)),
    ]
    (remark,) = trial_remarks(trials, regression=False)
    assert not remark.warning
    assert (
        remark.text == "Under A and B, 2 of 2 labelled cases are right, and the cases are told apart; A is used here."
    )
    assert remark.interpretation == ""


def test_several_ways_that_do_better():
    trials = [
        trial("A", "bb", (False, False), chosen=True),
        trial("B", "aa", (True, False)),
        trial("C", "ab", (True, False), flag="--preprocess vgg16"),
    ]
    (remark,) = trial_remarks(trials, regression=False)
    assert remark.text == "Under B and C, 1 of 2 labelled cases is right; under A, which is used here, 0."
    assert (
        'To use one: --preprocess none or --preprocess vgg16, or mode = "none" or mode = "vgg16"'
        in remark.interpretation
    )


def test_a_way_that_something_speaks_against_is_not_pointed_out():
    trials = [trial("A", "aa", (True, False), chosen=True), trial("B", "ab", (True, True), doubt="Saturated.")]
    (remark,) = trial_remarks(trials, regression=False)
    assert "Under A, 1 of 2" in remark.text
    assert "that is used here" in remark.text


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [trial("A", "aa", (None, None), chosen=True), trial("B", "bb", (None, None))],
        [trial("A", "aa", (False, False), chosen=True), trial("B", "aa", (False, False))],
        [trial("A", "a", (None,), chosen=True)],
    ],
)
def test_nothing_is_said_where_no_way_is_better(trials):
    assert trial_remarks(trials, regression=False) == ()


def test_of_numbers_nothing_is_said():
    assert trial_remarks([trial("A", "a", (None,), chosen=True)], regression=True) == ()


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_named_to_use_a_way_gives_it(channels, small_model):
    from reportgen.models.preprocessing.preprocessing import preprocessing_from

    ways = usual_preprocessings(channels)
    assert len(ways) == (3 if channels == 1 else 5)
    for way in ways:
        name, mode = way.flag.split()
        assert name == "--preprocess"
        chosen = settings_from({"preprocessing": {"mode": mode}}).preprocessing
        assert preprocessing_from(chosen, channels=channels).same_map(way.preprocessing)


def test_what_is_set_stands_among_them(for_0_to_255):
    loaded = load_model(
        for_0_to_255.keras_model,
        ModelSettings(class_names=("dark", "bright")),
        settings_from({"preprocessing": {"mode": "scale", "factor": 0.5}}).preprocessing,
    )
    first, *rest = tried(loaded, (None, None))
    assert (first.name, first.chosen, first.flag) == ("as set", True, "")
    assert not any(one.chosen for one in rest)
