"""From lengths of tissue to gray values: Beer-Lambert, scatter, quanta, detector, display.

Attenuation coefficients are rounded from the tables of mass attenuation of NIST (J. H. Hubbell, S. M. Seltzer, NISTIR
5632, 1995; tissues of ICRU Report 44) at an effective energy of 60 to 70 keV, in which they are about 0.20 cm²/g for
soft tissue and 0.19 cm²/g for air, and 0.27 to 0.31 cm²/g for cortical bone of 1.9 g/cm³.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.demo.bodies import Field, multiply

SOFT = 0.20  # per cm, water-like
LUNG = 0.052  # per cm: 0.26 of the density of soft tissue
BONE = 0.52  # per cm, compact bone
AIR = 0.0002  # per cm
SCATTER_SIZE = 2.5  # cm, standard deviation of the spread of scattered rays
EVEN_SIZE = 3.0  # cm, the same of what processing takes for large-scale brightness


@dataclass(frozen=True)
class Exposure:
    """How a picture was taken and is shown.

    Attributes
    ----------
    scatter
        Scattered rays behind a grid: share of what the body takes out of the beam nearby.
    quanta
        Detected photons per cm² where nothing is in the way.
    unsharpness
        Standard deviation of the detector's blur in pixels of a picture of 480 rows.
    evenness
        Share of the large-scale brightness that processing takes away, so that thick and thin parts are both seen.
    dark, bright
        Gray values, 0 to 1, that the lungs and the densest parts are shown at.
    curve
        How strongly the curve of the display flattens at its ends; 0 is straight.
    """

    scatter: float
    quanta: float
    unsharpness: float
    evenness: float
    dark: float
    bright: float
    curve: float


def draw_exposure(random: np.random.Generator) -> Exposure:
    """Draw an exposure."""
    return Exposure(
        scatter=float(random.uniform(0.15, 0.40)),
        quanta=float(10 ** random.uniform(7.1, 7.9)),
        unsharpness=float(random.uniform(0.5, 0.9)),
        evenness=float(random.uniform(0.15, 0.50)),
        dark=float(random.uniform(0.33, 0.47)),
        bright=float(random.uniform(0.73, 0.81)),
        curve=float(random.uniform(0.2, 0.9)),
    )


def attenuation(body: Field, lung: Field, gas: Field, bone: Field) -> Field:
    """Return the line integral of the attenuation coefficient, ``(H, W)``, no unit.

    Parameters
    ----------
    body, lung, gas, bone
        Lengths in cm: of the whole, and of the aerated lung, the air and the bone in it.
    """
    inside = SOFT * body - (SOFT - LUNG) * lung - (SOFT - AIR) * gas + (BONE - SOFT) * bone
    return np.asarray(np.maximum(inside, 0), dtype=np.float32)


def expose(depth: Field, noise: Field, exposure: Exposure, pitch: float) -> Field:
    """Return the signal behind the patient: minus the logarithm of the detected share of the beam, ``(H, W)``.

    Parameters
    ----------
    depth
        Line integrals, ``(H, W)``; the primary beam is ``exp(-depth)`` of what arrives (Beer-Lambert).
    noise
        Standard normal values, ``(H, W)``: the number of quanta varies by its square root (Poisson's, for many quanta).
    exposure
        Scatter, quanta and blur.
    pitch
        Side of a pixel in cm.
    """
    primary = np.exp(-depth)
    # what is scattered came through the body and was taken out of the beam in it: none comes from bare air
    total = primary + np.float32(exposure.scatter) * _spread(primary * np.minimum(depth, 3), SCATTER_SIZE / pitch)
    photons = np.float32(exposure.quanta * pitch**2)
    detected = total + noise * np.sqrt(total / photons)
    side = np.float32(exposure.unsharpness * min(depth.shape) / 480) ** 2 / 2
    return np.asarray(-np.log(np.maximum(_soften(detected, min(float(side), 0.25)), 1e-4)), dtype=np.float32)


def large_scale(depth: Field, exposure: Exposure, pitch: float) -> Field:
    """Return what processing takes away from the signal of a thorax, ``(H, W)``: a share of its blurred brightness.

    Parameters
    ----------
    depth
        Line integrals of the thorax without opacities, ``(H, W)``: so these change the picture only where they are.
    exposure, pitch
        As for `expose`.
    """
    return np.asarray(np.float32(exposure.evenness) * _spread(np.minimum(depth, 4), EVEN_SIZE / pitch))


def _spread(field: Field, sigma: float) -> Field:
    """Gaussian blur so wide that it is done on blocks of pixels; sigma in pixels. The picture goes on at its edges."""
    rows, columns = (_bumps(side, sigma) for side in field.shape)
    coarse = multiply(rows[0], multiply(field, np.ascontiguousarray(columns[0].T)))
    return multiply(multiply(rows[1], coarse), np.ascontiguousarray(columns[1].T))


def _bumps(side: int, sigma: float) -> tuple[Field, Field]:
    """Return matrices ``(K, side)`` and ``(side, K)``: weighted means around K places, and the way back."""
    places = np.arange(-1.0, side / sigma + 1.5, 0.75) * sigma
    at = np.arange(side)
    narrow = np.exp(-((at[None, :] - np.clip(places, 0, side - 1)[:, None]) ** 2) / sigma**2)
    back = np.exp(-((at[:, None] - places[None, :]) ** 2) / sigma**2)
    means, ways = narrow / narrow.sum(axis=1, keepdims=True), back / back.sum(axis=1, keepdims=True)
    return means.astype(np.float32), ways.astype(np.float32)


def _soften(field: Field, side: float) -> Field:
    """Blur along rows and columns with the weights side, 1 - 2 side, side."""
    padded = np.pad(field, 1, mode="edge")
    rows = padded[1:-1] + side * (padded[:-2] - 2 * padded[1:-1] + padded[2:])
    return np.asarray(rows[:, 1:-1] + side * (rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]))


def window(signal: Field, lungs: NDArray[np.bool_], body: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the signals of the lungs and of the densest parts: what a processor sets the display by.

    Parameters
    ----------
    signal, lungs, body
        Of the thorax without opacities, ``(H, W)``, so that opacities leave the display as it is.
    """
    # in a few pixels there may be no lung at all
    low = np.median(signal[lungs]) if lungs.any() else signal.min()
    high = np.percentile(signal[body], 90) if body.any() else signal.max()
    return float(low), float(high)


def display(signal: Field, limits: tuple[float, float], exposure: Exposure) -> Field:
    """Return gray values, 0 to 1, bright where much is absorbed: a window, then a curve like a film's.

    Parameters
    ----------
    signal
        From `expose`.
    limits
        From `window`.
    exposure
        The gray values of the limits, and the curve.
    """
    low, high = limits
    gain = (exposure.bright - exposure.dark) / max(high - low, 0.1)
    straight = np.clip(np.float32(exposure.dark) + np.float32(gain) * (signal - np.float32(low)), 0, 1.25)
    bent = np.tanh(2.2 * (straight - 0.5)) * (0.5 / np.tanh(1.1)) + 0.5
    return np.asarray(np.clip(straight + exposure.curve * (bent - straight), 0, 1), dtype=np.float32)
