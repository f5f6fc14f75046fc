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
    scores: NDArray[np.floating],
    labels: NDArray[np.integer] | NDArray[np.bool_],
    *,
    name: str = "",
    threshold: float = 0.5,
) -> Evaluation:
    """Measure how well a classifier does.

    Parameters
    ----------
    scores
        ``(N, 1)`` of one sigmoid, for the second class; or ``(N, K)`` of a softmax, or of independent findings.
    labels
        ``(N,)``, the number of the true class; or ``(N, K)`` bool, which findings are there.
    name
        What the data is, for the model card.
    threshold
        From which score on the second class, or each finding, is said.

    Returns
    -------
    Evaluation
        Of findings the mean of their areas, and the share of all yeses and noes that are right.
    """
    if labels.ndim == 2:
        areas = [area_under_roc(column, truth) for column, truth in zip(scores.T, labels.T == 1, strict=True)]
        defined = [area for area in areas if not np.isnan(area)]
        right = float(((scores >= threshold) == (labels == 1)).mean())
        return Evaluation(
            data=name, images=len(labels), accuracy=right, auc=float(np.mean(defined)) if defined else None
        )
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
