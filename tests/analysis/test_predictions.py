"""From raw outputs to scores, classes and warnings."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from reportgen.analysis.predictions import (
    Head,
    best_predictions,
    doubtful_scores,
    find_class,
    is_correct,
    is_decided,
    is_right,
)
from reportgen.analysis.targets import target_classes
from reportgen.system.errors import SettingsError

TWO, THREE = ("NORMAL", "PNEUMONIA"), ("cat", "dog", "owl")


# ---- scores


def test_one_sigmoid_scores_two_classes():
    scores = Head("sigmoid", TWO, 0.5).scores(np.array([[0.25], [1.0]], np.float32))
    assert scores.tolist() == [[0.75, 0.25], [0.0, 1.0]]


@pytest.mark.parametrize(("raw", "score"), [(0.0, 0.5), (math.log(3), 0.75), (-math.log(9), 0.1)])
def test_one_logit_by_hand(raw, score):
    scores = Head("sigmoid logits", TWO, 0.5).scores(np.array([[raw]]))
    assert scores[0] == pytest.approx([1 - score, score])


def test_logits_of_three_by_hand():
    shift = np.array([[1000.0], [-1000.0]])  # changes nothing
    scores = Head("softmax logits", THREE, 0.5).scores(np.log([[1.0, 2.0, 5.0], [4.0, 4.0, 8.0]]) + shift)
    np.testing.assert_allclose(scores, [[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]])


def test_logits_are_what_the_activation_would_give(random):
    raw = random.normal(size=(4, 3)) * 3
    for name, kind in (("softmax", "softmax logits"), ("sigmoid", "sigmoid logits")):
        expected = np.asarray(keras.activations.get(name)(keras.ops.convert_to_tensor(raw)))
        np.testing.assert_allclose(Head(kind, THREE, 0.5).scores(raw), expected, atol=1e-6)


@pytest.mark.parametrize("raw", [1e4, -1e4])
def test_large_logits_stay_finite(raw):
    scores = Head("sigmoid logits", TWO, 0.5).scores(np.array([[raw]]))
    assert sorted(scores[0].tolist()) == pytest.approx([0, 1])


def test_scores_of_several_outputs_are_left_as_they_are():
    raw = np.array([[0.2, 0.9, 0.8]])
    for kind in ("sigmoid", "softmax"):
        assert Head(kind, THREE, 0.5).scores(raw).tolist() == raw.tolist()


# ---- predictions


def test_best_five_best_first():
    head = Head("softmax", tuple("abcdefg"), 0.5)
    best = best_predictions(head, np.array([0.05, 0.3, 0.1, 0.02, 0.25, 0.08, 0.2]))
    assert [(one.class_name, one.score) for one in best] == [
        ("b", 0.3), ("e", 0.25), ("g", 0.2), ("c", 0.1), ("f", 0.08)
    ]  # fmt: skip


def test_the_earlier_of_two_equals_comes_first():
    best = best_predictions(Head("softmax", THREE, 0.5), np.array([0.2, 0.4, 0.4]))
    assert [one.class_name for one in best] == ["dog", "owl", "cat"]


@pytest.mark.parametrize(
    ("threshold", "score", "said"),
    [
        (0.5, 0.49, "NORMAL"), (0.5, 0.5, "PNEUMONIA"), (0.3, 0.3, "PNEUMONIA"), (0.3, 0.29, "NORMAL"),
        (0.9, 0.8, "NORMAL"), (0.0, 0.0, "PNEUMONIA"), (1.0, 0.99, "NORMAL"),
    ],
)  # fmt: skip
def test_the_threshold_decides_for_one_sigmoid(threshold, score, said):
    best = best_predictions(Head("sigmoid", TWO, threshold), np.array([1 - score, score]))
    assert best[0].class_name == said
    assert {one.class_name: one.score for one in best} == {"NORMAL": 1 - score, "PNEUMONIA": score}


def test_the_threshold_has_no_meaning_for_a_softmax_of_two():
    best = best_predictions(Head("softmax", TWO, 0.9), np.array([0.4, 0.6]))
    assert best[0].class_name == "PNEUMONIA"


def test_two_sigmoids_are_scores_of_their_own_and_the_larger_is_predicted():
    head = Head("sigmoid", TWO, 0.5, 2)
    best = best_predictions(head, head.scores(np.array([[0.9, 0.6]]))[0])
    assert [(one.class_name, one.score) for one in best] == [("NORMAL", 0.9), ("PNEUMONIA", 0.6)]


@pytest.mark.parametrize(
    ("label", "predicted", "expected"),
    [
        ("cat", "cat", True), ("CAT ", "cat", True), ("dog", "cat", False), (None, "cat", None),
        ("unknown", "cat", None), ("", "cat", None), ("c_a-t", "cat", True), ("d og", "cat", False),
    ],
)  # fmt: skip
def test_is_correct(label, predicted, expected):
    assert is_correct(label, predicted, THREE) is expected


# ---- the class that is followed


@pytest.mark.parametrize(("text", "number"), [("dog", 1), ("OWL", 2), ("o-w_l", 2), ("0", 0), (2, 2), (1, 1)])
def test_find_class(text, number):
    assert find_class(text, THREE) == number


def test_a_class_named_as_a_number_is_found_by_its_name():
    assert find_class("1", ("1", "0")) == 0


@pytest.mark.parametrize("text", ["bird", "3", 3, -1, "-1", "", "²"])
def test_unknown_class_is_refused(text):
    with pytest.raises(SettingsError, match=r"is unknown; use one of cat, dog, owl"):
        find_class(text, THREE)


SCORES = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])


@pytest.mark.parametrize(
    ("wanted", "labels", "expected"),
    [
        ("auto", (None, None), (2, 0)),
        ("predicted", ("cat", "dog"), (2, 0)),
        ("label", ("dog", "Owl"), (1, 2)),
        ("dog", (None, None), (1, 1)),
        ("2", ("cat", None), (2, 2)),
        (0, (None, None), (0, 0)),
    ],
)
def test_target_classes_of_several(wanted, labels, expected):
    assert target_classes(wanted, Head("softmax", THREE, 0.5), labels, SCORES) == tuple((one,) for one in expected)


def test_target_of_two_classes_is_the_second_so_that_cases_compare():
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    for kind in ("sigmoid", "softmax"):
        assert target_classes("auto", Head(kind, TWO, 0.5), (None, None), scores) == ((1,), (1,))
    assert target_classes("predicted", Head("sigmoid", TWO, 0.5), (None, None), scores) == ((0,), (1,))


def test_predicted_target_goes_by_the_threshold():
    scores = np.array([[0.6, 0.4]])
    assert target_classes("predicted", Head("sigmoid", TWO, 0.3), (None,), scores) == ((1,),)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("cat", None), "needs a label for every case"),
        (("cat", "bird"), "'bird' is unknown"),
    ],
)
def test_target_by_label_needs_labels_that_are_classes(labels, message):
    with pytest.raises(SettingsError, match=message):
        target_classes("label", Head("softmax", THREE, 0.5), labels, SCORES)


# ---- scores that look wrong


def test_identical_scores_are_doubtful():
    (remark,) = doubtful_scores(np.array([[0.4, 0.6], [0.4, 0.6], [0.4, 0.6 + 1e-8]]))
    assert (remark.kind, remark.warning, remark.section) == ("identical", True, "predictions")
    assert "All 3 images" in remark.text
    assert remark.numbers["largest_difference"] == pytest.approx(1e-8)


def test_saturated_scores_of_one_class_are_doubtful():
    (remark,) = doubtful_scores(np.array([[1e-5, 1 - 1e-5], [5e-5, 1 - 5e-5]]))
    assert remark.kind == "saturated"
    assert remark.warning
    assert remark.numbers["smallest_best_score"] == pytest.approx(1 - 5e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("images", [1, 2])
def test_scores_that_are_no_numbers_are_doubtful(value, images):
    (remark,) = doubtful_scores(np.array([[0.5, value], [0.4, 0.6]])[:images])
    assert (remark.kind, remark.warning) == ("not_finite", True)
    # the other image is scanned all the same
    assert remark.text.endswith(
        ("no occlusion scan.", "for 1 of 2 images, so there is no occlusion scan of those.")[images - 1]
    )


def test_a_number_is_never_right():
    scores = np.array([3.5])
    assert is_right(Head("regression", ("output",), 0.5), "output", scores) is None
    assert is_right(Head("sigmoid", TWO, 0.5), "NORMAL", np.array([0.75, 0.25])) is True


@pytest.mark.parametrize(
    "scores",
    [
        [[0.4, 0.6], [0.4, 0.61]],
        [[0.4, 0.6]],
        [[0.0, 1.0]],  # one image alone says nothing
        [[1e-5, 1 - 1e-5], [1 - 1e-5, 1e-5]],  # certain of different classes
        [[1e-5, 1 - 1e-5], [0.3, 0.7]],
    ],
)
def test_other_scores_are_not_doubted(scores):
    assert doubtful_scores(np.array(scores)) == ()


@pytest.mark.parametrize(
    ("kind", "scores", "decided"),
    [("softmax", (0.5, 0.5), False), ("softmax", (0.6, 0.4), True), ("softmax", (np.nan, np.nan), False),
     ("regression", (3.0, 3.0), True), ("regression", (np.inf, 1.0), False)],
)  # fmt: skip
def test_a_tie_and_what_is_no_number_decide_nothing(kind, scores, decided):
    assert is_decided(Head(kind, TWO, 0.5, 2), np.array(scores)) is decided
