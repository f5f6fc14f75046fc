"""One layer's feature maps on one case, as data."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.deciding import DecidingChannels
from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class ChannelStatistics:
    """One value a channel, in channel order; None where a measure is not defined: dead channels, maps under 4 x 4.

    Attributes
    ----------
    minimum, maximum, mean, standard_deviation
        Of the raw activations; NaN where one of them is not a number.
    edge_correlation
        Pearson correlation with the gradient magnitude of the input, -1 to 1.
    input_correlation
        Pearson correlation with the input's brightness, -1 to 1; clearly below 0: a negative.
    contrast
        Standard deviation over range, divided by the same of the input at the map's size; 1: as the input.
    sharpness
        Mean gradient magnitude after scaling to 0..1, divided by the same of the input at the map's size.
    peak
        The place of the first maximum, counted row by row from 0. Empty in reports of older versions.
    """

    minimum: tuple[Number, ...]
    maximum: tuple[Number, ...]
    mean: tuple[Number, ...]
    standard_deviation: tuple[Number, ...]
    edge_correlation: tuple[float | None, ...]
    input_correlation: tuple[float | None, ...]
    contrast: tuple[float | None, ...]
    sharpness: tuple[float | None, ...]
    peak: tuple[int | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """One layer's feature maps on one case.

    Attributes
    ----------
    name
        Of the layer, as in the model's summary.
    channels, height, width
        Of its feature maps.
    minimum, maximum
        Over the channels whose values are all finite; NaN where there is none.
    dead_channels
        Channels whose values are all equal on this image.
    not_finite_channels
        Channels in which some value is NaN or infinite.
    statistics
        What was measured of each channel.
    deciding
        The channels whose removal moves the evidence most; None where that was not tried, or is told of another layer.
    deciding_at
        The shown layer that has the same channels, at which they were removed; else empty.
    """

    name: str
    channels: int
    height: int
    width: int
    minimum: Number
    maximum: Number
    dead_channels: tuple[int, ...]
    not_finite_channels: tuple[int, ...] = ()
    statistics: ChannelStatistics
    deciding: DecidingChannels | None = None
    deciding_at: str = ""
