"""How alike the responses of a layer to two cases are as a whole; channel by channel: ``analysis/differences``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.report.layer import LayerReport


@dataclass(frozen=True)
class LayerComparison:
    """Two cases in one layer.

    Attributes
    ----------
    correlation
        Pearson correlation of the channels' mean activations; None where it's not defined.
    first_mean, second_mean
        Mean activation of the compared channels; NaN where there are none.
    compared
        How many channels are numbers in both cases: only they are compared.
    """

    correlation: float | None
    first_mean: float
    second_mean: float
    compared: int


def compare_layer(first: LayerReport, second: LayerReport) -> LayerComparison:
    """Compare the same layer of two cases."""
    means_a, means_b = np.asarray(first.statistics.mean), np.asarray(second.statistics.mean)
    known = np.isfinite(means_a) & np.isfinite(means_b)
    means_a, means_b = means_a[known], means_b[known]
    mean_a, mean_b = (float(means.mean()) if means.size else math.nan for means in (means_a, means_b))
    return LayerComparison(_correlation(means_a, means_b), mean_a, mean_b, int(known.sum()))


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if len(first) < 3 or not np.ptp(first) or not np.ptp(second):
        return None
    return float(np.corrcoef(first, second)[0, 1])
