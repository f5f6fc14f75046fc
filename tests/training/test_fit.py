"""Fitting: the saved layers are the architecture's, early stopping keeps the best, and nothing is left of training."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from reportgen.models.architectures import ARCHITECTURES, Architecture
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.training.batches import training_batches
from reportgen.training.fit import Watcher, check_outputs, fit_model, scores_of, untrained
from reportgen.training.recipe import AUGMENTATIONS, Recipe

PLAIN = Recipe(
    epochs=2, batch=4, augmentation=None, label_smoothing=0.0, leak=0.0, dropout=(0.0, 0.0), balance="none",
    schedule="constant", learning_rate=0.003,
)  # fmt: skip


@pytest.fixture(scope="module")
def two(examples):
    return examples([0, 1] * 8)


def same(first, second) -> bool:
    return all((a == b).all() for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


def test_the_fitted_model_has_the_layers_of_the_architecture(two, tiny):
    told, batches = [], []
    recipe = Recipe(epochs=3, batch=4, augmentation=AUGMENTATIONS["radiograph"])
    watcher = Watcher(lambda: batches.append(1), lambda *given: told.append(given))
    trained = fit_model(tiny, two, two.take([0, 1]), recipe, watcher)
    fresh = tiny.build(2)
    assert [(type(a), a.name) for a in trained.model.layers] == [(type(b), b.name) for b in fresh.layers]
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert len(batches) == 12
    assert set(trained.history) == {"accuracy", "auc", "loss", "val_accuracy", "val_auc", "val_loss"}
    assert trained.history["loss"] == [measures["loss"] for _, measures in told]
    assert trained.best_epoch == 3


def test_all_weights_move_and_bright_images_are_told_from_dark_ones(two, tiny):
    trained = fit_model(tiny, two, None, dataclasses.replace(PLAIN, epochs=30, learning_rate=0.01))
    assert trained.history["accuracy"][-1] == 1
    assert not any(name.startswith("val_") for name in trained.history)
    keras.utils.set_random_seed(PLAIN.seed)
    start = tiny.build(2)
    assert all((a != b).any() for a, b in zip(trained.model.get_weights(), start.get_weights(), strict=True))


def test_the_same_seed_gives_the_same_weights(two, tiny):
    recipe = Recipe(epochs=2, batch=4)
    first, again = (fit_model(tiny, two, two, recipe).model for _ in range(2))
    assert same(first, again)
    assert not same(first, fit_model(tiny, two, two, dataclasses.replace(recipe, seed=2)).model)


def test_a_training_is_what_keras_makes_of_the_same_batches(two, tiny):
    """A slow reference: each batch by ``train_on_batch``."""
    trained = fit_model(tiny, two, None, dataclasses.replace(PLAIN, optimizer="nadam"))
    keras.utils.set_random_seed(PLAIN.seed)
    model = tiny.build(2)
    model.compile(keras.optimizers.Nadam(0.003), "binary_crossentropy")
    for images, targets in training_batches(two, PLAIN, 1, 1 / 255):
        model.train_on_batch(images, targets)
    for found, expected in zip(trained.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_numbers_as_targets_train_as_one_hot_ones(examples, tiny, monkeypatch):
    data = examples([0, 1, 2] * 5)
    numbers = fit_model(tiny, data, data, PLAIN)
    monkeypatch.setattr(Recipe, "hard_targets", False)
    one_hot = fit_model(tiny, data, data, PLAIN)
    assert numbers.history["loss"] == pytest.approx(one_hot.history["loss"], rel=1e-5)
    assert numbers.history["val_accuracy"] == pytest.approx(one_hot.history["val_accuracy"])
    for found, expected in zip(numbers.model.get_weights(), one_hot.model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("balance", ["weights", "sampling", "none"])
def test_findings_are_fitted(examples, tiny, balance):
    random = np.random.default_rng(0)
    data = examples(random.random((12, 3)) < 0.4)
    trained = fit_model(tiny, data, data, dataclasses.replace(PLAIN, balance=balance, label_smoothing=0.1, mixup=0.2))
    assert trained.model.output_shape == (None, 3)
    assert {"val_auc", "val_accuracy"} <= set(trained.history)


def test_label_smoothing_and_mixup_of_several_classes(examples, tiny):
    data = examples([0, 1, 2] * 4)
    trained = fit_model(tiny, data, data, dataclasses.replace(PLAIN, label_smoothing=0.1, mixup=0.3, balance="weights"))
    assert set(trained.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}


@pytest.mark.parametrize("optimizer", ["adamw", "nadam", "adam", "sgd"])
def test_optimizers(two, tiny, optimizer):
    trained = fit_model(tiny, two, None, dataclasses.replace(PLAIN, optimizer=optimizer, schedule="cosine"))
    assert np.isfinite(trained.history["loss"]).all()


def test_early_stopping_ends_and_keeps_the_best_epoch(examples, tiny):
    training, validation = examples([0, 1] * 8), examples([1, 0] * 4, seed=9)
    # what is learned is wrong for the validation images, whose labels are exchanged
    swapped = dataclasses.replace(validation, labels=1 - validation.labels)
    recipe = dataclasses.replace(PLAIN, epochs=60, patience=2, monitor="val_loss", learning_rate=0.02)
    trained = fit_model(tiny, training, swapped, recipe)
    losses = trained.history["val_loss"]
    assert len(losses) < 60
    assert trained.best_epoch == int(np.argmin(losses)) + 1 == len(losses) - 2
    until_best = fit_model(tiny, training, swapped, dataclasses.replace(recipe, epochs=trained.best_epoch, patience=0))
    assert same(trained.model, until_best.model)


def test_without_patience_the_last_weights_stay(two, tiny):
    assert fit_model(tiny, two, two, dataclasses.replace(PLAIN, epochs=3)).best_epoch == 3


def test_units_leak_while_training_and_are_rectified_after(two):
    built = []

    def build(classes, *, findings=False):
        model = keras.Sequential(
            [
                keras.layers.Input((6, 10, 1)),
                keras.layers.Flatten(),
                # biased so far down that no image reaches 0: without a slope nothing could ever change
                keras.layers.Dense(3, "relu", name="dead", bias_initializer=keras.initializers.Constant(-50.0)),
                keras.layers.Dense(1, "sigmoid", name="score"),
            ]
        )
        built.append(model)
        return model

    architecture = Architecture("dead", "", (6, 10, 1), build)
    for leak in (0.0, 0.1):
        trained = fit_model(architecture, two, None, dataclasses.replace(PLAIN, leak=leak, optimizer="adam"))
        _, bias = trained.model.get_layer("dead").get_weights()
        assert (bias != -50).any() == bool(leak)
        assert trained.model.get_layer("dead").activation is keras.activations.relu
        assert keras.layers.serialize(trained.model.get_layer("dead"))["config"]["activation"] == "relu"
    # the score of a model of dead units is that of its last bias: nothing leaks any more
    assert len({round(float(score), 6) for score in scores_of(trained.model, two)[:, 0]}) == 1


def test_units_are_rectified_again_when_the_training_fails(two, tiny):
    models = []

    def build(classes, *, findings=False):
        models.append(tiny.build(classes))
        return models[-1]

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_model(
            dataclasses.replace(tiny, build=build), two, None, dataclasses.replace(PLAIN, leak=0.1), Watcher(stop)
        )
    assert models[-1].get_layer("conv").activation is keras.activations.relu


def test_in_half_precision_the_model_that_comes_out_is_float32(two, tiny):
    trained = fit_model(tiny, two, two, dataclasses.replace(PLAIN, precision="bfloat16", leak=0.1))
    assert {layer.dtype_policy.name for layer in trained.model.layers} == {"float32"}
    assert all(weights.dtype == np.float32 for weights in trained.model.get_weights())
    assert keras.config.dtype_policy().name == "float32"
    assert trained.model(np.zeros((1, 6, 10, 1), np.float32)).dtype == "float32"


def test_dropout_is_only_in_training(examples):
    data = examples([0, 1], shape=(128, 128, 1))
    model = fit_model(ARCHITECTURES["chest_xray_gray"], data, None, Recipe(epochs=1, batch=2)).model
    assert not any("dropout" in layer.name for layer in model.layers)
    assert (scores_of(model, data) == scores_of(model, data)).all()


def test_scores_are_the_same_in_any_batches(two, tiny):
    model = tiny.build(2)
    expected = np.asarray(model(two.images / np.float32(255)))
    for batch in (1, 3, 64):
        np.testing.assert_allclose(scores_of(model, two, batch=batch), expected, atol=1e-6)


def test_a_training_that_runs_away_is_told_and_leaves_no_checkpoint(two, tiny, tmp_path):
    def build(classes, *, findings=False):
        model = tiny.build(classes)
        model.get_layer("hidden").set_weights([np.full((96, 4), np.inf), np.zeros(4)])
        return model

    with pytest.raises(ReportgenError, match=r"after epoch 1 the weights are no numbers.*lower --learning-rate"):
        fit_model(dataclasses.replace(tiny, build=build), two, None, PLAIN, checkpoint=tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("outputs", "activation", "labels", "message"),
    [
        (3, "softmax", [0, 1], "gives (None, 3), the data have 2 classes; it must give one row of 1 or 2"),
        (1, "sigmoid", [0, 1, 2], "gives (None, 1), the data have 3 classes; it must give one row of 3"),
        (1, "softmax", [0, 1], "ends in 'softmax over one output'; its last activation must be sigmoid"),
        (3, "sigmoid", [0, 1, 2], "ends in 'sigmoid'; its last activation must be softmax"),
        (2, None, [0, 1], "its last activation must be softmax"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(examples, outputs, activation, labels, message):
    model = keras.Sequential(
        [keras.layers.Input((6, 10, 1)), keras.layers.Flatten(), keras.layers.Dense(outputs, activation)]
    )
    with pytest.raises(ReportgenError) as refused:
        check_outputs(model, examples(labels))
    assert message in str(refused.value)


def test_what_is_not_measured_can_not_be_watched(examples, tiny):
    recipe = Recipe(patience=3, monitor="val_auc")
    with pytest.raises(SettingsError, match=r"val_auc isn't measured.*val_accuracy, val_loss"):
        untrained(tiny, examples([0, 1, 2]), recipe)
    assert untrained(tiny, examples([0, 1]), recipe).output_shape == (None, 1)
    assert untrained(tiny, examples([0, 1, 2]), dataclasses.replace(recipe, patience=0)).output_shape == (None, 3)
