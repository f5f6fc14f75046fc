"""Bootstrap by patient: patients are drawn with replacement, all images of one together, and a measure taken again.

Images of one patient resemble each other, so that drawing images would give intervals that are too narrow. A resample
is a weight for each image, how often its patient was drawn; measures that take weights need no copy of the images, and
thousands of resamples are a few matrix products. Efron and Tibshirani, An Introduction to the Bootstrap (1993),
chapters 8 (units other than single observations) and 13 (percentile intervals).
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.report.estimates import Estimate, Resampling

Floats = NDArray[np.float64]
Measure = Callable[[Floats], Mapping[str, Floats]]
_VALUES_AT_ONCE = 1_000_000
_MOST_KEPT = 50_000_000  # two bytes each
_SURE = 1.959963984540054  # 97.5th percentile of the normal distribution


@dataclass(frozen=True)
class Resampled:
    """A measure of the images as they are, and of each resample.

    Attributes
    ----------
    value
        ``(...)``, of the images as they are.
    drawn
        ``(B, ...)``, of each of the B resamples; NaN where it isn't defined.
    """

    value: Floats
    drawn: Floats

    @property
    def estimate(self) -> Estimate:
        """The value with its interval, of a measure that is one number."""
        low, high = percentile_interval(self.drawn)
        known = math.isfinite(float(self.value))
        return Estimate(
            value=float(self.value), low=float(low) if known else math.nan, high=float(high) if known else math.nan
        )


def number_groups(groups: tuple[str, ...]) -> NDArray[np.int64]:
    """Return a number for each image that tells its group, in order of appearance from 0."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(group, len(known)) for group in groups], np.int64)


def draw_weights(groups: NDArray[np.int64], resampling: Resampling, width: int = 1) -> Iterator[Floats]:
    """Give the weights of all resamples, ``(b, N)`` at a time: how often each image's group was drawn.

    Parameters
    ----------
    groups
        ``(N,)``, numbers from 0 of which none is missing.
    resampling
        How many, and the seed; the same for the same number of groups.
    width
        How many values are made of each weight: with more, fewer resamples come at a time.
    """
    count = int(groups.max()) + 1
    rows = max(1, _VALUES_AT_ONCE // (width * max(len(groups), count)))
    if resampling.samples * count <= _MOST_KEPT:
        kept = _draw_all(count, resampling.samples, resampling.seed)
        drawn = iter([kept[start : start + rows] for start in range(0, max(len(kept), 1), rows)])
    else:
        drawn = _draw(count, resampling.samples, resampling.seed, rows)
    for times in drawn:
        yield times[:, groups].astype(np.float64)


def _draw(count: int, samples: int, seed: int, rows: int) -> Iterator[NDArray[np.uint16]]:
    """Give how often each of ``count`` groups is drawn, ``(b, count)`` with at most ``rows`` resamples at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, samples, rows):
        many = min(rows, samples - start)
        places = generator.integers(0, count, size=(many, count)) + count * np.arange(many)[:, None]
        times = np.bincount(places.ravel(), minlength=many * count)
        yield np.minimum(times, np.iinfo(np.uint16).max).astype(np.uint16).reshape(many, count)


@functools.lru_cache(maxsize=1)
def _draw_all(count: int, samples: int, seed: int) -> NDArray[np.uint16]:
    """Return all draws at once: every measure of the same images takes the same ones."""
    none = np.zeros((0, count), np.uint16)
    return np.concatenate([none, *_draw(count, samples, seed, max(1, _VALUES_AT_ONCE // count))])


def resample(
    measure: Measure, groups: NDArray[np.int64], resampling: Resampling, width: int = 1
) -> dict[str, Resampled]:
    """Take measures of the images as they are and of each resample.

    Parameters
    ----------
    measure
        Takes weights ``(b, N)`` and returns by name one value, ``(b, ...)``, for each row of them.
    groups, resampling, width
        As :func:`draw_weights` takes them.
    """
    whole = measure(np.ones((1, len(groups))))
    parts = [measure(weights) for weights in draw_weights(groups, resampling, width)]
    return {name: Resampled(value[0], np.concatenate([part[name] for part in parts])) for name, value in whole.items()}


def percentile_interval(drawn: Floats) -> Floats:
    """Return the 2.5th and 97.5th percentile, ``(2, ...)``, over resamples ``(B, ...)``; NaN ones are left out."""
    if not len(drawn):
        return np.full((2, *drawn.shape[1:]), math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nothing but NaN
        return np.asarray(np.nanpercentile(drawn, [2.5, 97.5], axis=0), np.float64)


def proportion_estimate(found: Resampled, groups: int) -> Estimate:
    """Return a proportion with its interval.

    Parameters
    ----------
    found
        The proportion. Where it's 0 or 1 every resample gives the same, which says nothing: then the interval is
        Wilson's, and each patient counts once.
    groups
        How many patients it's a proportion of.
    """
    value = float(found.value)
    if value not in (0, 1) or not groups:
        return found.estimate
    low, high = wilson_interval(value, groups)
    return Estimate(value=value, low=low, high=high)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion by Wilson's score (1927), without continuity correction.

    Parameters
    ----------
    share
        0 to 1.
    count
        Of how many, at least 1.
    """
    square = _SURE**2 / count
    middle = (share + square / 2) / (1 + square)
    half = _SURE / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(part: Floats, whole: Floats) -> Floats:
    """Return a quotient of arrays, NaN where the whole is nothing."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def mean_of_known(values: Floats) -> Floats:
    """Return the mean over the first axis of what is defined; NaN where nothing is."""
    there = np.isfinite(values)
    return share(np.where(there, values, 0).sum(axis=0), there.sum(axis=0).astype(np.float64))
