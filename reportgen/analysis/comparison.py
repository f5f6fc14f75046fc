"""How two cases differ in one layer: which channels respond more, and how alike the responses are as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.report.layer import LayerReport


@dataclass(frozen=True)
class ChannelDifference:
    """One channel's mean activation in both cases and their standardised difference."""

    channel: int
    first_mean: float
    second_mean: float
    effect: float


@dataclass(frozen=True)
class LayerComparison:
    """Two cases in one layer.

    Attributes
    ----------
    correlation
        Pearson correlation of the channels' mean activations; None where it's not defined.
    first_mean, second_mean
        Mean activation of the compared channels; NaN where there are none.
    largest
        The channels that differ most, by magnitude of the effect.
    compared
        How many channels are numbers in both cases: only they are compared.
    """

    correlation: float | None
    first_mean: float
    second_mean: float
    largest: tuple[ChannelDifference, ...]
    compared: int


def compare_layer(first: LayerReport, second: LayerReport, *, most: int = 3) -> LayerComparison:
    """Compare two cases in a layer, channel by channel.

    The effect of a channel is the difference of its means over the root mean square of its two standard deviations
    (Cohen's d with pixels as the sample; a measure of size, not a test).

    Parameters
    ----------
    first, second
        The same layer of two cases.
    most
        How many channels to name.
    """
    a, b = first.statistics, second.statistics
    means_a, means_b = np.asarray(a.mean), np.asarray(b.mean)
    known = np.isfinite(means_a) & np.isfinite(means_b)
    pooled = np.sqrt((np.square(a.standard_deviation) + np.square(b.standard_deviation)) / 2)
    difference = means_b - means_a
    effect = np.divide(difference, pooled, out=np.zeros_like(difference), where=known & (pooled > 0))
    order = [int(c) for c in np.argsort(-np.abs(effect), kind="stable") if effect[c] != 0][:most]
    largest = tuple(ChannelDifference(c, float(means_a[c]), float(means_b[c]), float(effect[c])) for c in order)
    means_a, means_b = means_a[known], means_b[known]
    mean_a, mean_b = (float(means.mean()) if means.size else math.nan for means in (means_a, means_b))
    return LayerComparison(_correlation(means_a, means_b), mean_a, mean_b, largest, int(known.sum()))


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if len(first) < 3 or not np.ptp(first) or not np.ptp(second):
        return None
    return float(np.corrcoef(first, second)[0, 1])
