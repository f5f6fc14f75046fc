"""What a model's outputs are, from its last activation and its loss."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from reportgen.models.heads import are_independent, head_kind, last_activation, loss_name
from reportgen.system.errors import SettingsError


def head_of(*stack, wanted="auto", outputs=1, loss=""):
    return kind_of(keras.Sequential([layers.Input((4, 6, 1)), layers.Flatten(), *stack]), wanted, outputs, loss)


def kind_of(*given):
    """Return what a head is and what is noted, where nothing is in doubt."""
    kind, note, doubt = head_kind(*given)
    assert not doubt
    return kind, note


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
    assert kind_of(nested_model, "auto", 3, "") == ("softmax", "")


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(lambda: [layers.Dense(1, activation="tanh")], id="tanh"),
        pytest.param(lambda: [layers.Dense(1, activation="relu")], id="relu"),
        pytest.param(lambda: [layers.Dense(1), layers.Activation("tanh")], id="tanh layer"),
        pytest.param(lambda: [layers.Dense(1), layers.ReLU()], id="ReLU layer"),
        pytest.param(lambda: [layers.Dense(1), layers.LeakyReLU()], id="LeakyReLU layer"),
    ],
)
def test_an_activation_without_scores_is_refused(last):
    with pytest.raises(SettingsError, match=r"no scores can be read.*head = sigmoid, logits or regression \(--head\)"):
        head_of(*last())


# ---- softmax over one output: always 1


def _inside_a_model():
    entry = layers.Input((24,))
    return keras.Model(entry, layers.Dense(1, activation="softmax")(entry))


@pytest.mark.parametrize("wanted", ["auto", "sigmoid", "softmax", "logits", "regression"])
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(lambda: [layers.Dense(1, activation="softmax")], id="activation"),
        pytest.param(lambda: [layers.Dense(1), layers.Softmax()], id="layer"),
        pytest.param(lambda: [layers.Dense(1), layers.Activation("softmax"), layers.Dropout(0.1)], id="passed on"),
        pytest.param(lambda: [_inside_a_model()], id="model inside"),
        pytest.param(lambda: [keras.Sequential([layers.Dense(1), layers.Softmax()])], id="Sequential inside"),
    ],
)
def test_softmax_over_one_output_is_refused_whatever_it_is_said_to_be(last, wanted):
    with pytest.raises(SettingsError, match=r"softmax over one output, which is always 1.*train it again with sigmoid"):
        head_of(*last(), wanted=wanted)


def _side_by_side(activation, *, units=1):
    entry = layers.Input((4, 6, 1))
    flat = layers.Flatten()(entry)
    ends = [layers.Dense(units, activation=activation)(flat) for _ in range(3)]
    return keras.Model(entry, layers.Concatenate()(ends))


def test_softmaxes_over_one_output_side_by_side_are_refused():
    with pytest.raises(SettingsError, match="softmax over one output"):
        head_kind(_side_by_side("softmax"), "auto", 3, "")


def test_a_softmax_over_another_axis_of_one_is_refused():
    entry = layers.Input((4, 6, 1))
    row = layers.Reshape((1, 3))(layers.Dense(3)(layers.Flatten()(entry)))
    with pytest.raises(SettingsError, match="softmax over one output"):
        head_kind(keras.Model(entry, layers.Flatten()(layers.Softmax(axis=1)(row))), "auto", 3, "")


def test_outputs_side_by_side_end_in_what_they_all_end_in():
    assert last_activation(_side_by_side("sigmoid")) == "sigmoid"
    assert last_activation(_side_by_side(None)) == "linear"
    assert last_activation(_side_by_side("softmax", units=2)) == "softmax"


def test_a_sigmoid_by_operation_is_not_applied_again():
    entry = layers.Input((4, 6, 1))
    score = keras.ops.sigmoid(layers.Dense(1)(layers.Flatten()(entry)))
    assert kind_of(keras.Model(entry, score), "auto", 1, "") == ("sigmoid", "")


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


# ---- one output without an activation: a logit, or a number


def _linear(name, outputs=1, *, nested=False, **options):
    entry = layers.Input((4, 6, 1))
    end = layers.Dense(outputs, name=None if nested else name)(layers.Flatten()(entry))
    return head_kind(keras.Model(entry, end), "auto", outputs, "", **options)


@pytest.mark.parametrize("name", ["age", "bone_age", "predictedAge", "BMI", "lesion_volume", "score", "bbox_2",
                                  "regression_head", "cell-count"])  # fmt: skip
def test_what_is_named_like_a_quantity_is_a_number_in_doubt(name):
    kind, note, doubt = _linear(name)
    assert (kind, note) == ("regression", "")
    assert f"'{name}' has no activation and is named like a quantity: it is read as a number" in doubt
    assert "the logit of two classes, say --head logits; else --head regression" in doubt


def test_the_name_of_the_output_counts_as_well():
    assert _linear("", nested=True, output="age")[0] == "regression"


@pytest.mark.parametrize("name", ["dense", "image", "average", "stage_2", "logits", "age_class", "score_logit", "page"])
def test_other_names_are_no_quantities(name):
    kind, note, doubt = _linear(name)
    assert (kind, doubt) == ("sigmoid logits", "")
    assert "no activation" in note


def test_one_number_beside_other_outputs_is_a_number_in_doubt():
    kind, note, doubt = _linear("dense", output="second", others=2)
    assert (kind, note) == ("regression", "")
    assert "'second' has no activation and is one of 3 outputs" in doubt
    assert "--head logits; else --head regression" in doubt


def test_several_numbers_beside_other_outputs_are_logits_in_doubt():
    kind, note, doubt = _linear("dense", 4, output="second", others=1)
    assert (kind, note) == ("softmax logits", "")
    assert "taken as logits of 4 classes. If it gives numbers, say --head regression; else --head logits" in doubt


def test_several_numbers_named_like_a_quantity_are_numbers():
    kind, _, doubt = _linear("bbox", 4)
    assert kind == "regression"
    assert "numbers, not scores of classes. If it is logits of 4 classes" in doubt


@pytest.mark.parametrize(
    ("settled", "kind"),
    [
        ({"loss": "BinaryCrossentropy"}, "sigmoid logits"), ({"loss": "binary_focal_crossentropy"}, "sigmoid logits"),
        ({"loss": "mse"}, "regression"), ({"names": 2}, "sigmoid logits"),
        ({"wanted": "logits"}, "sigmoid logits"), ({"wanted": "regression"}, "regression"),
    ],
)  # fmt: skip
def test_a_loss_class_names_and_the_flag_settle_it(settled, kind):
    entry = layers.Input((4, 6, 1))
    model = keras.Model(entry, layers.Dense(1, name="age")(layers.Flatten()(entry)))
    given = {"wanted": "auto", "loss": "", **settled}
    found = head_kind(model, given["wanted"], 1, given["loss"], others=1, names=given.get("names", 0))
    assert (found.kind, found.doubt) == (kind, "")


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_the_name_does_not_change_what_an_activation_says(activation):
    entry = layers.Input((4, 6, 1))
    model = keras.Model(entry, layers.Dense(1, activation=activation, name="age")(layers.Flatten()(entry)))
    if activation == "sigmoid":
        assert head_kind(model, "auto", 1, "", others=1) == ("sigmoid", "", "")
        return
    with pytest.raises(SettingsError, match="no scores can be read"):
        head_kind(model, "auto", 1, "", others=1)


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
