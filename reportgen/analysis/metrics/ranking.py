"""How well scores rank positives above negatives, for many weightings of the images at once.

Images are sorted once; each weighting is then two cumulative sums, of positives and of negatives, down the scores.
Equal scores make one step: they can't be told apart by a threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.resampling import Floats, share

WANTED_SHARE = 0.9
GRID = np.linspace(0, 1, 101)
_TOLERANCE = 1e-9


class Ranking:
    """Scores of one class in falling order.

    Parameters
    ----------
    scores
        ``(N,)``, higher for positive, finite.
    positive
        ``(N,)`` bool.
    """

    def __init__(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._ends = np.flatnonzero(np.append(ordered[:-1] != ordered[1:], True))
        self._positive = positive[self._order].astype(np.float64)
        self.thresholds: Floats = ordered[self._ends]
        """``(L,)``, the different scores."""

    def steps(self, weights: Floats) -> Steps:
        """Return what each threshold makes of images with weights ``(b, N)``."""
        ordered = weights[:, self._order]
        positives = np.cumsum(ordered * self._positive, axis=1)[:, self._ends]
        return Steps(positives, np.cumsum(ordered, axis=1)[:, self._ends] - positives)


class Steps:
    """True and false positives at each threshold, the highest first, for b weightings.

    Parameters
    ----------
    true_positives, false_positives
        ``(b, L)``: the weight of the images with at least that score.
    """

    def __init__(self, true_positives: Floats, false_positives: Floats) -> None:
        self._true, self._false = true_positives, false_positives
        self._positives, self._negatives = true_positives[:, -1], false_positives[:, -1]

    def auc(self) -> Floats:
        """Return the area under each ROC curve, ``(b,)``: positives above negatives, ties counting half."""
        before = np.pad(self._true, ((0, 0), (1, 0)))[:, :-1]
        added = np.diff(self._false, axis=1, prepend=0)
        return share((added * (before + self._true)).sum(axis=1) / 2, self._positives * self._negatives)

    def average_precision(self) -> Floats:
        """Return the mean precision over the steps in recall, ``(b,)``."""
        added = np.diff(self._true, axis=1, prepend=0)
        said = self._true + self._false
        precision = np.divide(self._true, said, out=np.zeros_like(said), where=said > 0)
        return share((added * precision).sum(axis=1), self._positives)

    def at_specificity(self, least: float = WANTED_SHARE) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return sensitivity, specificity and place of the lowest threshold whose specificity is at least a share.

        Each ``(b,)``; the place is -1 where no threshold is high enough: then nothing is said to be positive.
        """
        allowed = (1 - least) * self._negatives + _TOLERANCE
        return self._at((self._false <= allowed[:, None]).sum(axis=1) - 1)

    def at_sensitivity(self, least: float = WANTED_SHARE) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Return the same of the highest threshold whose sensitivity is at least a share."""
        wanted = least * self._positives - _TOLERANCE
        places = (self._true < wanted[:, None]).sum(axis=1)
        return self._at(np.minimum(places, self._true.shape[1] - 1))

    def _at(self, places: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.int64]]:
        rows = np.arange(len(places))
        none = places < 0
        true = np.where(none, 0, self._true[rows, places])
        false = np.where(none, 0, self._false[rows, places])
        return share(true, self._positives), 1 - share(false, self._negatives), places

    def sensitivities(self) -> Floats:
        """Return the highest sensitivity at each false positive rate of ``GRID``, ``(b, 101)``."""
        found = []
        for true, false in zip(self._true, self._false, strict=True):
            places = np.searchsorted(false, GRID * false[-1] + _TOLERANCE, side="right")
            found.append(share(np.append(0, true)[places], true[-1]) if false[-1] else np.full(len(GRID), np.nan))
        return np.stack(found)

    def precisions(self) -> Floats:
        """Return the precision at the highest threshold that reaches each recall of ``GRID``, ``(b, 101)``.

        At recall 0 it's that of the highest score.
        """
        found = []
        for true, false in zip(self._true, self._false, strict=True):
            first = int(np.searchsorted(true + false, _TOLERANCE))  # images of weight 0 give no precision
            places = np.maximum(np.searchsorted(true, GRID * true[-1] - _TOLERANCE), first)
            places = np.minimum(places, len(true) - 1)
            found.append(share(true[places], (true + false)[places]) if true[-1] else np.full(len(GRID), np.nan))
        return np.stack(found)
