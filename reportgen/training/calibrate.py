"""Scores that mean what they say: temperature and threshold from validation images, stored with the model.

One number, the temperature, divides all logits (Guo et al. 2017, On Calibration of Modern Neural Networks): it changes
no ranking, and for classes told by the largest score no decision. It is put into the last layer's weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.system.errors import SettingsError
from reportgen.training.examples import Examples
from reportgen.training.fit import Trained, scores_of

_COLDEST, _HOTTEST = 0.05, 20.0
_STEPS = 60
_GOLDEN = (5**0.5 - 1) / 2
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Calibration:
    """What the validation images settled.

    Attributes
    ----------
    temperature
        That the logits were divided by; 1: they weren't.
    threshold
        From which score on the second of two classes is said.
    chosen_by
        The rule that chose it; empty where none did.
    """

    temperature: float = 1.0
    threshold: float = 0.5
    chosen_by: str = ""


def calibrate(trained: Trained, validation: Examples, rule: str = "balanced") -> Calibration:
    """Set the temperature of a trained model, in its weights, and choose its threshold; without images neither.

    Parameters
    ----------
    trained
        Its last layer's weights are changed.
    validation
        Images that it wasn't trained on.
    rule
        See :func:`choose_threshold`.
    """
    if not len(validation):
        return Calibration()
    scores = scores_of(trained.model, validation, trained.factor)
    temperature = fit_temperature(scores, validation)
    if not set_temperature(trained.model, temperature):
        temperature = 1.0
    tempered = temper(scores, temperature, validation)
    if tempered.shape[1] > 1:
        return Calibration(temperature)
    return Calibration(temperature, choose_threshold(tempered[:, 0], validation.labels == 1, rule), rule)


def fit_temperature(scores: NDArray[np.floating], data: Examples) -> float:
    """Return the temperature that makes the labels most likely.

    Parameters
    ----------
    scores
        ``(N, 1)`` or ``(N, K)`` sigmoids, or ``(N, K)`` of a softmax, of a model as it was trained.
    data
        The images they are of.

    Returns
    -------
    float
        0.05 to 20; above 1 where the scores were too sure. 1 where there are no images.
    """
    if not len(data):
        return 1.0
    # the cost has one minimum in the logarithm of the temperature: golden-section search
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if log_loss(temper(scores, float(np.exp(left)), data), data) < log_loss(
            temper(scores, float(np.exp(right)), data), data
        ):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def temper(scores: NDArray[np.floating], temperature: float, data: Examples) -> NDArray[np.float64]:
    """Return scores as they are when the logits are divided by a temperature; what ``data`` are tells the kind."""
    exact = np.clip(np.asarray(scores, np.float64), _SMALLEST, 1 - _SMALLEST)
    if exact.shape[1] == 1 or data.of_findings:
        return np.asarray(1 / (1 + ((1 - exact) / exact) ** (1 / temperature)))
    powers = exact ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def log_loss(scores: NDArray[np.float64], data: Examples) -> float:
    """Return the mean negative logarithm of the likelihood of the labels, in nats."""
    exact = np.clip(scores, _SMALLEST, 1 - _SMALLEST)
    if data.of_findings or exact.shape[1] == 1:
        truth = data.labels if data.of_findings else data.labels[:, None] == 1
        return float(-np.log(np.where(truth, exact, 1 - exact)).mean())
    return float(-np.log(exact[np.arange(len(exact)), data.labels.astype(np.int64)]).mean())


def set_temperature(model: Any, temperature: float) -> bool:
    """Divide the logits of a model by a temperature, in its last layer's weights.

    Returns
    -------
    bool
        False where the last layer isn't a dense one, whose weights make the logits: nothing is changed then.
    """
    import keras

    last = model.layers[-1] if model.layers else None
    if not isinstance(last, keras.layers.Dense) or last.output is not model.outputs[0]:
        return False
    last.set_weights([weights / np.float32(temperature) for weights in last.get_weights()])
    return True


def parse_rule(rule: str) -> tuple[str, float]:
    """Return what a rule for the threshold asks for, and how much of it.

    Raises
    ------
    SettingsError
        When it is none of ``balanced``, ``sensitivity:SHARE``, ``specificity:SHARE``.
    """
    kind, _, share = rule.partition(":")
    try:
        wanted = float(share or "nan")
    except ValueError:
        wanted = float("nan")
    if rule == "balanced" or (kind in ("sensitivity", "specificity") and 0 < wanted < 1):
        return kind, wanted
    raise SettingsError(f"'{rule}' is no rule for a threshold", "use balanced, or sensitivity:0.9, or specificity:0.95")


def choose_threshold(scores: NDArray[np.floating], positive: NDArray[np.bool_], rule: str) -> float:
    """Return the threshold that a rule chooses.

    Parameters
    ----------
    scores
        ``(N,)``, 0 to 1, higher for positive.
    positive
        ``(N,)`` bool.
    rule
        ``balanced``: see :func:`balanced_threshold`. ``sensitivity:0.9``: the highest at which at least so many of the
        positives are found. ``specificity:0.95``: the lowest at which at least so many of the negatives are spared.

    Returns
    -------
    float
        Half-way between two scores; 0.5 where a class is missing.

    Raises
    ------
    SettingsError
        When the rule is none.
    """
    kind, share = parse_rule(rule)
    values = np.unique(scores)
    if kind == "balanced" or positive.all() or not positive.any() or len(values) < 2:
        return balanced_threshold(scores, positive)
    cuts = (values[1:] + values[:-1]) / 2
    if kind == "sensitivity":
        # counts are divided last: 9 / 10 is what 0.9 reads as, 1 - 0.1 may be less
        found = (positive.sum() - np.searchsorted(np.sort(scores[positive]), cuts)) / positive.sum()
        return float(cuts[found >= share].max(initial=cuts[0]))
    spared = np.searchsorted(np.sort(scores[~positive]), cuts) / (~positive).sum()
    return float(cuts[spared >= share].min(initial=cuts[-1]))


def balanced_threshold(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Return the threshold at which sensitivity and specificity are nearest to each other.

    Parameters
    ----------
    scores
        ``(N,)``, 0 to 1, higher for positive.
    positive
        ``(N,)`` bool.

    Returns
    -------
    float
        Half-way between two scores, so that neither of them lies on it; 0.5 where a class is missing.
    """
    if positive.all() or not positive.any():
        return 0.5
    values = np.unique(scores)
    if len(values) < 2:
        return 0.5
    cuts = (values[1:] + values[:-1]) / 2
    positives, negatives = int(positive.sum()), int((~positive).sum())
    # both in whole numbers, of the product of the counts: shares of other counts are never quite equal
    sensitivity = (positives - np.searchsorted(np.sort(scores[positive]), cuts)) * negatives
    specificity = np.searchsorted(np.sort(scores[~positive]), cuts) * positives
    apart = np.abs(sensitivity - specificity)
    best = np.flatnonzero(apart == apart.min())
    return float(cuts[best[np.argmax((sensitivity + specificity)[best])]])
