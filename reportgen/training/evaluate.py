"""How well a classifier does: area under the ROC curve, sensitivity, specificity, accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.model_report import Evaluation
from reportgen.training.datasets import Dataset


def area_under_roc(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Return the probability that a random positive scores higher than a random negative, ties counting half.

    Parameters
    ----------
    scores
        ``(N,)``, higher for positive.
    positive
        ``(N,)`` bool.

    Returns
    -------
    float
        0 to 1; the Mann-Whitney U statistic over the number of pairs. NaN when a side is empty.
    """
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def scores_of(model: Any, data: Dataset, *, batch: int = 64) -> NDArray[np.float32]:
    """Return the outputs ``(N, K)`` of a model that wants values from 0 to 1."""
    parts = [
        np.asarray(model(data.images[i : i + batch].astype(np.float32) / 255, training=False))
        for i in range(0, len(data), batch)
    ]
    return np.concatenate(parts)


def evaluate(model: Any, data: Dataset, *, name: str = "", threshold: float = 0.5) -> Evaluation:
    """Run a classifier that wants values from 0 to 1 over a data set.

    Parameters
    ----------
    model
        Keras model with one sigmoid or a softmax output.
    data
        Images and labels.
    name
        What the data is, for the model card.
    threshold
        From which score on the second class is said, for one sigmoid.
    """
    scores = scores_of(model, data)
    if scores.shape[1] > 1:
        return Evaluation(data=name, images=len(data), accuracy=float((scores.argmax(axis=1) == data.labels).mean()))
    positive, said = data.labels == 1, scores[:, 0] >= threshold
    both = positive.any() and not positive.all()
    return Evaluation(
        data=name,
        images=len(data),
        accuracy=float((said == positive).mean()),
        auc=area_under_roc(scores[:, 0], positive) if both else None,
        sensitivity=float(said[positive].mean()) if positive.any() else None,
        specificity=float((~said[~positive]).mean()) if (~positive).any() else None,
    )
