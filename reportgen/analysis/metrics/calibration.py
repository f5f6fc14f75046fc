"""Whether scores are probabilities: of the images with a score about 0.8, four out of five should be right."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.resampling import Floats, resample
from reportgen.report.estimates import Resampling
from reportgen.report.evaluation import Calibration, CalibrationBin

BINS = 10
_EDGES = np.linspace(0, 1, BINS + 1)


def measure_calibration(
    scores: Floats, hits: NDArray[np.bool_], groups: NDArray[np.int64], resampling: Resampling
) -> Calibration:
    """Measure the expected calibration error, with the bins behind it.

    Ten bins of the same width from 0 to 1, each with its upper end (the first with 0, too), as Guo et al., On
    Calibration of Modern Neural Networks (ICML 2017), have it: the error is the mean over the images of the distance
    between the mean score and the share of hits in their bin.

    Parameters
    ----------
    scores
        ``(N,)``, 0 to 1: of the class that is said (the hits: whether it is right), or of one class (whether it's
        there).
    hits
        ``(N,)`` bool.
    groups, resampling
        For the interval.
    """
    places = np.searchsorted(_EDGES[1:-1], scores, side="left")
    inside = places[:, None] == np.arange(BINS)
    excess = (scores - hits)[:, None] * inside

    def error(weights: Floats) -> dict[str, Floats]:
        return {"error": np.abs(weights @ excess).sum(axis=1) / weights.sum(axis=1)}

    return Calibration(
        expected_error=resample(error, groups, resampling)["error"].estimate,
        bins=tuple(
            CalibrationBin(
                low=float(low), high=float(high), images=int(chosen.sum()),
                mean_score=float(scores[chosen].mean()) if chosen.any() else math.nan,
                share=float(hits[chosen].mean()) if chosen.any() else math.nan,
            )
            for low, high, chosen in zip(_EDGES[:-1].round(10), _EDGES[1:].round(10), inside.T, strict=True)
        ),
    )  # fmt: skip
