"""What a model's outputs are, from its last activation and its loss."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from reportgen.errors import SettingsError
from reportgen.models.heads import are_independent, head_kind, last_activation, loss_name


def head_of(*stack, wanted="auto", outputs=1, loss=""):
    model = keras.Sequential([layers.Input((4, 6, 1)), layers.Flatten(), *stack])
    return head_kind(model, wanted, outputs, loss)


@pytest.mark.parametrize(
    ("stack", "outputs", "kind"),
    [
        (lambda: [layers.Dense(1, activation="sigmoid")], 1, "sigmoid"),
        (lambda: [layers.Dense(3, activation="sigmoid")], 3, "sigmoid"),
        (lambda: [layers.Dense(3, activation="softmax")], 3, "softmax"),
        (lambda: [layers.Dense(3), layers.Softmax()], 3, "softmax"),
        (lambda: [layers.Dense(3), layers.Activation("softmax")], 3, "softmax"),
        (lambda: [layers.Dense(1), layers.Activation("sigmoid")], 1, "sigmoid"),
        (lambda: [layers.Dense(1, activation="sigmoid"), layers.Dropout(0.1)], 1, "sigmoid"),
        (lambda: [layers.Dense(3, activation="softmax"), layers.Reshape((3,))], 3, "softmax"),
    ],
)
def test_head_is_read_from_the_last_activation(stack, outputs, kind):
    assert head_of(*stack(), outputs=outputs) == (kind, "")


@pytest.mark.parametrize(("outputs", "function"), [(1, "sigmoid"), (3, "softmax")])
def test_no_activation_means_logits_and_is_said(outputs, function):
    kind, note = head_of(layers.Dense(outputs), outputs=outputs)
    assert kind == f"{function} logits"
    assert "no activation" in note
    assert f"{function} was applied" in note


def test_head_inside_a_nested_model(nested_model):
    assert head_kind(nested_model, "auto", 3, "") == ("softmax", "")


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(lambda: [layers.Dense(1, activation="tanh")], id="tanh"),
        pytest.param(lambda: [layers.Dense(1, activation="relu")], id="relu"),
        pytest.param(lambda: [layers.Dense(1), layers.Activation("tanh")], id="tanh layer"),
        pytest.param(lambda: [layers.Dense(1, activation="softmax")], id="softmax of one"),
        pytest.param(lambda: [layers.Dense(1), layers.ReLU()], id="ReLU layer"),
        pytest.param(lambda: [layers.Dense(1), layers.LeakyReLU()], id="LeakyReLU layer"),
    ],
)
def test_an_activation_without_scores_is_refused(last):
    with pytest.raises(SettingsError, match="no scores can be read"):
        head_of(*last())


def test_a_sigmoid_by_operation_is_not_applied_again():
    entry = layers.Input((4, 6, 1))
    score = keras.ops.sigmoid(layers.Dense(1)(layers.Flatten()(entry)))
    assert head_kind(keras.Model(entry, score), "auto", 1, "") == ("sigmoid", "")


@pytest.mark.parametrize(
    ("wanted", "outputs", "kind"),
    [
        ("sigmoid", 1, "sigmoid"),
        ("logits", 1, "sigmoid logits"),
        ("logits", 3, "softmax logits"),
        ("softmax", 3, "softmax"),
        ("sigmoid", 3, "sigmoid"),
        ("regression", 2, "regression"),
    ],
)
def test_a_head_that_is_said_is_taken(wanted, outputs, kind):
    assert head_of(layers.Dense(outputs, activation="tanh"), wanted=wanted, outputs=outputs) == (kind, "")


def test_softmax_of_one_output_is_refused():
    with pytest.raises(SettingsError, match="needs several outputs"):
        head_of(layers.Dense(1), wanted="softmax")


@pytest.mark.parametrize("loss", ["mse", "mean_squared_error", "MeanAbsoluteError", "huber", "LogCosh"])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_a_loss_of_regression_makes_a_number_of_the_output(loss, activation):
    kind, note = head_of(layers.Dense(1, activation=activation), loss=loss)
    assert kind == "regression"
    assert f"'{loss}'" in note


def test_a_sigmoid_stays_one_whatever_the_loss():
    assert head_of(layers.Dense(1, activation="sigmoid"), loss="mse") == ("sigmoid", "")


def test_the_last_layer_in_a_list_need_not_be_the_last_of_the_walk():
    entry = layers.Input((4, 6, 1))
    flat = layers.Flatten()(entry)
    first, second = layers.Dense(2, activation="softmax")(flat), layers.Dense(2, activation="sigmoid")(flat)
    assert last_activation(keras.Model(entry, first)) == "softmax"
    both = keras.Model(entry, [first, second])
    assert last_activation(keras.Model(entry, both(entry)[1])) == "sigmoid"


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (None, ""),
        ("mse", "mse"),
        ({"a": "mse", "b": "mae"}, "mae"),
        (["mse", "huber"], "huber"),
        ({"class_name": "BinaryCrossentropy", "config": {"from_logits": True}}, "BinaryCrossentropy"),
        ({"class_name": "function", "config": "mean_squared_error"}, "mean_squared_error"),
        ({"a": "mse"}, ""),
        (["mse"], ""),
        (keras.losses.Huber(), "huber"),
        (keras.losses.mean_squared_error, "mean_squared_error"),
    ],
)
def test_the_name_of_a_loss(loss, told):
    assert loss_name(loss, 1, "b").lower().removesuffix("_loss") == told.lower()


# ---- several sigmoids: findings of their own, or a choice of one

FOUR = ("Mass", "Nodule", "Edema", "Normal")


@pytest.mark.parametrize(
    ("kind", "outputs", "loss", "names", "independent"),
    [
        ("sigmoid", 14, "", tuple(map(str, range(14))), True),
        ("sigmoid", 4, "binary_crossentropy", FOUR, True),
        ("sigmoid logits", 4, "", FOUR, True),
        ("sigmoid", 2, "", ("Mass", "Nodule"), True),
        ("sigmoid", 2, "", ("NORMAL", "PNEUMONIA"), False),
        ("sigmoid", 4, "categorical_crossentropy", FOUR, False),
        ("sigmoid", 4, "SparseCategoricalCrossentropy", FOUR, False),
        ("sigmoid", 1, "", ("no", "yes"), False),
        ("softmax", 4, "", FOUR, False),
        ("regression", 4, "", FOUR, False),
    ],
)
def test_what_is_taken_as_independent_findings(kind, outputs, loss, names, independent):
    found, note = are_independent(kind, outputs, None, loss, names)
    assert found is independent
    # a guess is said, and how to settle it
    assert ("label" in note) is (kind.startswith("sigmoid") and outputs > 1)
    if kind.startswith("sigmoid") and outputs > 1:
        assert [are_independent(kind, outputs, said, loss, names) for said in (True, False)] == [
            (True, ""),
            (False, ""),
        ]


@pytest.mark.parametrize(("kind", "outputs"), [("softmax", 4), ("sigmoid", 1), ("regression", 4)])
def test_what_can_not_be_independent(kind, outputs):
    with pytest.raises(SettingsError, match=r"model\.multi_label needs several outputs with a sigmoid each"):
        are_independent(kind, outputs, True, "", FOUR)


@pytest.mark.parametrize(
    ("wanted", "loss", "multi_label", "kind"),
    [
        ("auto", "binary_crossentropy", None, "sigmoid logits"),
        ("auto", "BinaryFocalCrossentropy", None, "sigmoid logits"),
        ("auto", "", True, "sigmoid logits"),
        ("logits", "", True, "sigmoid logits"),
        ("auto", "binary_crossentropy", False, "softmax logits"),
        ("auto", "categorical_crossentropy", None, "softmax logits"),
    ],
)
def test_logits_of_independent_findings_get_a_sigmoid_each(wanted, loss, multi_label, kind):
    model = keras.Sequential([layers.Input((4, 6, 1)), layers.Flatten(), layers.Dense(3)])
    assert head_kind(model, wanted, 3, loss, multi_label)[0] == kind
