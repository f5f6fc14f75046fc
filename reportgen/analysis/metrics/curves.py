"""ROC and precision-recall curves and confusion matrices, by scikit-learn, which comes with an extra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra

_MOST_POINTS = 400
Floats = NDArray[np.float64]


def check_scikit_learn() -> None:
    """Refuse, before anything is read, where scikit-learn is missing.

    Raises
    ------
    ReportgenError
        With the command that installs it.
    """
    try:
        import sklearn.metrics  # noqa: F401
    except ImportError:
        raise ReportgenError("evaluation needs scikit-learn", install_extra("evaluate")) from None


def roc_points(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return false positive rates, rising, and sensitivities; none where positives or negatives are missing."""
    from sklearn.metrics import roc_curve

    if positive.all() or not positive.any():
        return np.empty(0), np.empty(0)
    across, up, _ = roc_curve(positive, scores, drop_intermediate=True)
    return _thinned(across, up)


def precision_recall_points(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return recalls, rising, and precisions; none where positives are missing."""
    from sklearn.metrics import precision_recall_curve

    if not positive.any():
        return np.empty(0), np.empty(0)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return _thinned(recall[::-1], precision[::-1])


def count_confusions(labels: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return how many images of each class, ``(K, K)`` row by row, are said to be of each."""
    from sklearn.metrics import confusion_matrix

    return np.asarray(confusion_matrix(labels, said, labels=np.arange(classes)), np.int64)


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return at most so many points of a curve, both ends among them: more can't be seen."""
    if len(x) <= _MOST_POINTS:
        return x, y
    chosen = np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int)
    return x[chosen], y[chosen]
