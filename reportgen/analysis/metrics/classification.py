"""How well a classifier does: area under the ROC curve, sensitivity, specificity, accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.calibration import measure_calibration
from reportgen.analysis.metrics.ranking import Ranking
from reportgen.analysis.metrics.resampling import Floats, number_groups, resample, share
from reportgen.report.estimates import Estimate, Resampling
from reportgen.report.model import Evaluation

SAMPLES = 2000


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
    groups: Sequence[str] = (),
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
    groups
        For each image whose it is: for one sigmoid 95 % intervals are given then, by a bootstrap of the groups.

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
    found = _resample_two(scores[:, 0].astype(np.float64), positive, said, groups) if both and len(groups) else {}
    return Evaluation(
        data=name,
        images=len(labels),
        accuracy=float((said == positive).mean()),
        auc=area_under_roc(scores[:, 0], positive) if both else None,
        sensitivity=float(said[positive].mean()) if positive.any() else None,
        specificity=float((~said[~positive]).mean()) if (~positive).any() else None,
        calibration_error=calibration_error(scores[:, 0].astype(np.float64), positive),
        **{f"{measure}_interval": (estimate.low, estimate.high) for measure, estimate in found.items()},
    )


def calibration_error(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the expected calibration error of the positive score; see :func:`measure_calibration`."""
    none = Resampling(samples=0, seed=0)
    return measure_calibration(scores, positive, np.arange(len(scores)), none).expected_error.value


def _resample_two(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], said: NDArray[np.bool_], groups: Sequence[str]
) -> dict[str, Estimate]:
    ranking = Ranking(scores, positive)

    def measure(weights: Floats) -> dict[str, Floats]:
        return {
            "auc": ranking.steps(weights).auc(),
            "sensitivity": share(weights @ (said & positive), weights @ positive),
            "specificity": share(weights @ ~(said | positive), weights @ ~positive),
        }

    found = resample(measure, number_groups(tuple(groups)), Resampling(samples=SAMPLES, seed=0))
    return {name: one.estimate for name, one in found.items()}
