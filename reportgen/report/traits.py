"""What is measured of a layer as a whole, from the measures of its channels: the numbers behind what is said of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import correlation, median

from reportgen.report.channels import LEGIBLE
from reportgen.report.layer import LayerReport

STRONG = 0.5  # the correlation from which a map is said to follow something


@dataclass(frozen=True, kw_only=True)
class LayerTraits:
    """A layer on one case.

    Attributes
    ----------
    channels
        How many there are.
    edges, bright, dark
        How many maps follow the input's edges, go with its brightness, or run against it, by a correlation of at least
        0.5; None where the maps are too small to tell.
    contrast, sharpness
        Of the median map, relative to the input at the same size; None where undefined.
    dead
        The channels whose values are all equal.
    not_finite
        The channels with values that are not numbers.
    half
        How many of the most active channels hold half of the activity: the sum of the channels' root mean squares.
    mean
        Activation, over the channels that are numbers; NaN without any.
    """

    channels: int
    edges: int | None
    bright: int | None
    dark: int | None
    contrast: float | None
    sharpness: float | None
    dead: tuple[int, ...]
    not_finite: tuple[int, ...]
    half: int | None
    mean: float


def traits_of(layer: LayerReport) -> LayerTraits:
    """Return what is measured of a layer as a whole on one case."""
    measured = layer.statistics
    edges, light = _known(measured.edge_correlation), _known(measured.input_correlation)
    told = bool(edges) and layer.height * layer.width >= LEGIBLE
    means = [one for one in measured.mean if math.isfinite(one)]
    return LayerTraits(
        channels=layer.channels,
        edges=sum(one >= STRONG for one in edges) if told else None,
        bright=sum(one >= STRONG for one in light) if told else None,
        dark=sum(one <= -STRONG for one in light) if told else None,
        contrast=_median(measured.contrast),
        sharpness=_median(measured.sharpness),
        dead=layer.dead_channels,
        not_finite=layer.not_finite_channels,
        half=_half(layer),
        mean=math.fsum(means) / len(means) if means else math.nan,
    )


def correlation_of_means(first: LayerReport, second: LayerReport) -> float | None:
    """Return Pearson's correlation of the channels' means in two cases; None where it is not defined.

    Only channels that are numbers in both are compared, and at least three.
    """
    pairs = zip(first.statistics.mean, second.statistics.mean, strict=True)
    known = [pair for pair in pairs if all(map(math.isfinite, pair))]
    if len(known) < 3 or any(len(set(values)) == 1 for values in zip(*known, strict=True)):
        return None
    return correlation(*zip(*known, strict=True))


def _known(values: tuple[float | None, ...]) -> list[float]:
    return [one for one in values if one is not None]


def _median(values: tuple[float | None, ...]) -> float | None:
    known = _known(values)
    return float(median(known)) if known else None


def _half(layer: LayerReport) -> int | None:
    pairs = zip(layer.statistics.mean, layer.statistics.standard_deviation, strict=True)
    activity = sorted((math.hypot(*pair) for pair in pairs if all(map(math.isfinite, pair))), reverse=True)
    total, held = math.fsum(activity), 0.0
    if not total > 0 or not math.isfinite(total):
        return None
    for count, one in enumerate(activity, 1):
        held += one
        if held >= total / 2:
            return count
    return len(activity)
