"""Measures of a feature map: range, likeness to edges and to the image, contrast, sharpness.

All are computed on raw activations in double precision, for all channels of a layer at once. The input that maps are
compared with is the image as the model gets it before preprocessing (brightness 0 to 255), averaged down to the map's
size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.images.resizing import as_channels, resize
from reportgen.report.layer import ChannelStatistics, LayerReport

SMALLEST_MAP = 4
_COARSE, _STRUCTURED = 32, 0.3
# what pooling makes of NaN is the lowest number there is, which is no measurement
_NO_NUMBER = float(np.finfo(np.float32).max)
# significant digits: what tells every number of single precision, and what a measure over a map can claim
_ACTIVATION, _MEASURED = 9, 6
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """What maps of one case are compared with: brightness and gradient magnitude of the input, ``(H, W)`` float32."""

    brightness: NDArray[np.float32]
    edges: NDArray[np.float32]

    def at(self, size: tuple[int, int]) -> Reference:
        """Return it averaged over areas to another size."""
        brightness, edges = (np.asarray(resize(a, size, "box"), np.float32) for a in (self.brightness, self.edges))
        return Reference(brightness, edges)


def reference_of(pixels: NDArray[np.generic]) -> Reference:
    """Return the reference of an input image ``(H, W, C)``, 0 to 255."""
    brightness = as_channels(pixels if pixels.shape[-1] == 3 else pixels[..., 0], 1)[..., 0].astype(np.float32)
    return Reference(brightness, gradient_magnitude(brightness).astype(np.float32))


def has_structure(pixels: NDArray[np.generic]) -> bool:
    """Return whether an input image ``(H, W, C)`` is more than noise: whether places side by side are alike.

    Averaged to at most 32 places a side, neighbours of a photograph or a radiograph correlate well above 0.5; those of
    noise don't, however it was enlarged before.
    """
    brightness = reference_of(pixels).brightness
    size = (min(_COARSE, brightness.shape[0]), min(_COARSE, brightness.shape[1]))
    coarse = np.asarray(resize(brightness, size, "box"), np.float64)
    pairs = [pair for pair in ((coarse[1:], coarse[:-1]), (coarse[:, 1:], coarse[:, :-1])) if pair[0].size > 1]
    alike = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs if np.ptp(one) and np.ptp(other)]
    return bool(alike) and float(np.mean(alike)) >= _STRUCTURED


def gradient_magnitude(field: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the magnitude of the gradient over the first two axes, by central differences (one-sided at borders)."""
    # along a side of one pixel nothing changes
    down, across = (np.gradient(field, axis=axis) if field.shape[axis] > 1 else np.zeros_like(field) for axis in (0, 1))
    return np.asarray(np.hypot(down, across))


def dead_channels(maps: NDArray[np.floating]) -> tuple[int, ...]:
    """Return the channels of ``(H, W, C)`` maps whose values are all equal (to a number)."""
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    return tuple(np.flatnonzero(_are_numbers(low, high) & (low == high)).tolist())


def _are_numbers(low: NDArray[np.floating], high: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return for channels of these minima and maxima whether all their values are; a NaN is both."""
    return np.asarray((low > -_NO_NUMBER) & (high < _NO_NUMBER))


def measure_layer(name: str, maps: NDArray[np.floating], reference: Reference) -> LayerReport:
    """Measure every channel of a layer on one case.

    Parameters
    ----------
    name
        Of the layer.
    maps
        ``(H, W, C)`` raw activations.
    reference
        Of the input at its own size.

    Returns
    -------
    LayerReport
        Measures that need a surface are None for dead channels and for maps smaller than 4 x 4; of channels in which
        some value is NaN or infinite, there are none.
    """
    # what isn't a number makes more of its kind, and is told apart below
    with np.errstate(invalid="ignore", over="ignore"):
        return _measured(name, maps, reference)


def _measured(name: str, maps: NDArray[np.floating], reference: Reference) -> LayerReport:
    height, width, channels = maps.shape
    low, high = (values.astype(np.float64) for values in (maps.min(axis=(0, 1)), maps.max(axis=(0, 1))))
    flat = maps.reshape(-1, channels)
    mean = flat.mean(axis=0, dtype=np.float64)
    deviation = flat.std(axis=0, dtype=np.float64)
    finite = _are_numbers(low, high)
    alive = finite & (high > low)
    nothing: tuple[float | None, ...] = (None,) * channels
    edges = likeness = contrast = sharpness = nothing
    if min(height, width) >= SMALLEST_MAP and alive.any():
        at_size = reference.at((height, width))
        edges = _optional(correlations(maps, at_size.edges), alive)
        likeness = _optional(correlations(maps, at_size.brightness), alive)
        span = np.where(alive, high - low, 1)
        contrast = _optional(_ratio(deviation / span, _contrast(at_size.brightness)), alive)
        # the gradient is linear: scaling to 0..1 afterwards saves a copy of all maps
        mean_gradient = gradient_magnitude(maps).mean(axis=(0, 1), dtype=np.float64) / span
        sharpness = _optional(_ratio(mean_gradient, _sharpness(at_size.brightness)), alive)
    return LayerReport(
        name=name,
        channels=channels,
        height=height,
        width=width,
        minimum=_rounded(low[finite].min(), _ACTIVATION) if finite.any() else math.nan,
        maximum=_rounded(high[finite].max(), _ACTIVATION) if finite.any() else math.nan,
        dead_channels=tuple(np.flatnonzero(finite & ~alive).tolist()),
        not_finite_channels=tuple(np.flatnonzero(~finite).tolist()),
        statistics=ChannelStatistics(
            minimum=_floats(low, finite),
            maximum=_floats(high, finite),
            mean=_floats(mean, finite),
            standard_deviation=_floats(deviation, finite),
            edge_correlation=edges,
            input_correlation=likeness,
            contrast=contrast,
            sharpness=sharpness,
            peak=_peaks(flat, alive),
        ),
    )


def _peaks(flat: NDArray[np.floating], alive: NDArray[np.bool_]) -> tuple[int | None, ...]:
    places = flat.argmax(axis=0).tolist()
    return tuple(place if lives else None for place, lives in zip(places, alive, strict=True))


def correlations(maps: NDArray[np.floating], field: NDArray[np.floating]) -> Array:
    """Return the Pearson correlation of each channel of ``(H, W, C)`` with a field ``(H, W)``; NaN where undefined."""
    channels = maps.shape[-1]
    flat = maps.reshape(-1, channels).astype(np.float64)
    flat -= flat.mean(axis=0)
    other = field.reshape(-1).astype(np.float64)
    other = other - other.mean()
    norms = np.sqrt(np.einsum("pc,pc->c", flat, flat)) * np.sqrt(other @ other)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.clip(np.where(norms > 0, other @ flat / norms, np.nan), -1, 1))


def _contrast(brightness: NDArray[np.floating]) -> float:
    span = float(np.ptp(brightness))
    return float(brightness.std(dtype=np.float64)) / span if span > 0 else 0.0


def _sharpness(brightness: NDArray[np.floating]) -> float:
    span = float(np.ptp(brightness))
    return float(gradient_magnitude(brightness).mean(dtype=np.float64)) / span if span > 0 else 0.0


def _ratio(values: Array, base: float) -> Array:
    return values / base if base > 0 else np.full_like(values, np.nan)


def _optional(values: Array, alive: NDArray[np.bool_]) -> tuple[float | None, ...]:
    usable = alive & np.isfinite(values)
    return tuple(_rounded(value, _MEASURED) if use else None for value, use in zip(values, usable, strict=True))


def _floats(values: Array, finite: NDArray[np.bool_]) -> tuple[float, ...]:
    return tuple(_rounded(value, _ACTIVATION) for value in np.where(finite, values, np.nan))


def _rounded(value: float, digits: int) -> float:
    """Return a number with no more digits than it is known to: a report has tens of thousands of them."""
    return float(f"{value:.{digits}g}")
