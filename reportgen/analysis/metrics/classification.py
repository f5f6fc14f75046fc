"""How well a classifier does: area under the ROC curve, sensitivity, specificity, accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.report.model import Evaluation


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


def measure_classifier(
    scores: NDArray[np.floating], labels: NDArray[np.integer], *, name: str = "", threshold: float = 0.5
) -> Evaluation:
    """Measure how well a classifier does.

    Parameters
    ----------
    scores
        ``(N, 1)`` of one sigmoid, for the second class; or ``(N, K)`` of a softmax.
    labels
        ``(N,)``, the number of the true class.
    name
        What the data is, for the model card.
    threshold
        From which score on the second class is said, for one sigmoid.
    """
    if scores.shape[1] > 1:
        return Evaluation(data=name, images=len(labels), accuracy=float((scores.argmax(axis=1) == labels).mean()))
    positive, said = labels == 1, scores[:, 0] >= threshold
    both = positive.any() and not positive.all()
    return Evaluation(
        data=name,
        images=len(labels),
        accuracy=float((said == positive).mean()),
        auc=area_under_roc(scores[:, 0], positive) if both else None,
        sensitivity=float(said[positive].mean()) if positive.any() else None,
        specificity=float((~said[~positive]).mean()) if (~positive).any() else None,
    )
