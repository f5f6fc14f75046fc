"""Temperature against a grid, thresholds against counting, and that the weights really give the tempered scores."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.system.errors import SettingsError
from reportgen.training.calibrate import (
    Calibration,
    balanced_threshold,
    calibrate,
    choose_threshold,
    fit_temperature,
    log_loss,
    parse_rule,
    set_temperature,
    temper,
)
from reportgen.training.fit import Trained, scores_of


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def softmax(values):
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def made(examples, kind, temperature, count=600):
    """Return logits, scores that are too sure by a temperature, and data whose labels are drawn by the true scores."""
    random = np.random.default_rng(7)
    if kind == "softmax":
        logits = random.normal(0, 2, (count, 3))
        labels = np.array([random.choice(3, p=row) for row in softmax(logits)])
        return logits * temperature, softmax(logits * temperature), examples(labels, names="abc")
    logits = random.normal(0, 2, (count, 1 if kind == "sigmoid" else 4))
    drawn = random.random(logits.shape) < sigmoid(logits)
    data = examples(drawn[:, 0].astype(int)) if kind == "sigmoid" else examples(drawn)
    return logits * temperature, sigmoid(logits * temperature), data


@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "findings"])
@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_the_temperature_is_that_of_a_grid_search(examples, kind, true):
    _, scores, data = made(examples, kind, true)
    found = fit_temperature(scores, data)
    grid = np.exp(np.linspace(np.log(0.1), np.log(10), 2001))
    best = grid[np.argmin([log_loss(temper(scores, temperature, data), data) for temperature in grid])]
    assert found == pytest.approx(best, rel=0.004)
    assert found == pytest.approx(true, rel=0.2)


@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "findings"])
def test_tempered_scores_are_those_of_divided_logits(examples, kind):
    logits, scores, data = made(examples, kind, 1.0)
    inner = softmax if kind == "softmax" else sigmoid
    np.testing.assert_allclose(temper(scores, 2.0, data), inner(logits / 2), atol=1e-6)


def test_log_loss_by_hand(examples):
    scores = np.array([[0.9], [0.2]])
    assert log_loss(scores, examples([1, 0])) == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    assert log_loss(scores, examples([0, 2])) == pytest.approx(-(np.log(0.7) + np.log(0.6)) / 2)
    found = np.array([[True, False], [False, False]])
    scores = np.array([[0.9, 0.2], [0.5, 0.1]])
    expected = -(np.log(0.9) + np.log(0.8) + np.log(0.5) + np.log(0.9)) / 4
    assert log_loss(scores, examples(found)) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [0, 1, 2, 2]])
def test_the_weights_are_changed_so_that_logits_are_divided(examples, tiny, labels):
    keras.utils.set_random_seed(3)
    data = examples(labels)
    model = tiny.build(len(data.class_names))
    before = scores_of(model, data)
    assert set_temperature(model, 0.5)
    np.testing.assert_allclose(scores_of(model, data), temper(before, 0.5, data), atol=1e-5)


def test_a_last_layer_without_weights_is_left_alone():
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2), keras.layers.Softmax()])
    before = model.get_weights()
    assert not set_temperature(model, 2.0)
    assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))


def test_nothing_is_calibrated_without_images(examples, tiny):
    model = tiny.build(2)
    assert calibrate(Trained(model), examples([])) == Calibration()


def test_calibration_of_a_model(examples, tiny):
    keras.utils.set_random_seed(1)
    model, data = tiny.build(2), examples([0, 1] * 10)
    before = scores_of(model, data)
    found = calibrate(Trained(model), data)
    assert found.chosen_by == "balanced"
    assert found.temperature == pytest.approx(fit_temperature(before, data))
    after = scores_of(model, data)[:, 0]
    assert ((after >= found.threshold) == (temper(before, found.temperature, data)[:, 0] >= found.threshold)).all()


ITEMS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40)


def rates(scores, positive, threshold):
    said = scores >= threshold
    return said[positive].mean(), (~said)[~positive].mean()


@given(ITEMS)
def test_the_balanced_threshold_is_that_of_trying_all(items):
    scores, positive = np.array([score / 8 for score, _ in items]), np.array([truth for _, truth in items])
    found = balanced_threshold(scores, positive)
    if positive.all() or not positive.any() or len(set(scores)) < 2:
        assert found == 0.5
        return
    values = sorted(set(scores))
    tried = [rates(scores, positive, (low + high) / 2) for low, high in itertools.pairwise(values)]
    nearest = min(abs(a - b) for a, b in tried)
    sensitivity, specificity = rates(scores, positive, found)
    assert abs(sensitivity - specificity) == pytest.approx(nearest)
    assert sensitivity + specificity == pytest.approx(max(a + b for a, b in tried if abs(a - b) < nearest + 1e-9))
    assert found not in scores


@given(ITEMS, st.sampled_from([0.1, 0.5, 0.7, 0.9, 0.95]))
def test_a_wanted_share_is_reached_and_no_better_threshold_reaches_it(items, share):
    scores, positive = np.array([score / 8 for score, _ in items]), np.array([truth for _, truth in items])
    if positive.all() or not positive.any() or len(set(scores)) < 2:
        return
    values = sorted(set(scores))
    cuts = [(low + high) / 2 for low, high in itertools.pairwise(values)]
    need = share - 1e-12
    wanted = [cut for cut in cuts if rates(scores, positive, cut)[0] >= need] or cuts[:1]
    assert choose_threshold(scores, positive, f"sensitivity:{share}") == max(wanted)
    wanted = [cut for cut in cuts if rates(scores, positive, cut)[1] >= need] or cuts[-1:]
    assert choose_threshold(scores, positive, f"specificity:{share}") == min(wanted)


def test_nine_of_ten_are_nine_tenths():
    scores = np.arange(20) / 20
    positive = np.arange(20) >= 10
    assert choose_threshold(scores, positive, "sensitivity:0.9") == pytest.approx((10 + 11) / 2 / 20)
    assert choose_threshold(scores, positive, "sensitivity:0.1") == pytest.approx((18 + 19) / 2 / 20)


@pytest.mark.parametrize(
    "rule", ["", "best", "sensitivity", "sensitivity:", "sensitivity:x", "specificity:1", "auc:0.9"]
)
def test_other_rules_are_refused(rule):
    with pytest.raises(SettingsError, match="is no rule for a threshold"):
        parse_rule(rule)
