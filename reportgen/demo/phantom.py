"""Synthetic chest radiographs, so that a report can be made without any patient's image.

A phantom is a sum of attenuations (body, lungs, heart, spine, ribs, clavicles, diaphragm, vessels) with random
proportions, followed by film-like contrast and noise. It looks like a radiograph at a glance; it is drawn from shapes,
not from data, and it is no anatomical reference. Its use: the place of an opacity is known exactly, which no real
image can offer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]


@dataclass(frozen=True)
class Phantom:
    """A synthetic radiograph and what is known about it.

    Attributes
    ----------
    pixels
        Gray values, ``(H, W)`` uint8, bright where much is absorbed.
    lungs
        Where the lungs are, ``(H, W)`` bool.
    opacities
        Where opacities were placed, ``(H, W)`` bool; all False for a normal phantom.
    seed
        The seed that makes it again.
    """

    pixels: NDArray[np.uint8]
    lungs: NDArray[np.bool_]
    opacities: NDArray[np.bool_]
    seed: int


@dataclass(frozen=True)
class _Canvas:
    """Coordinates of every pixel: x from -1 (left) to 1, y from -1 (top) to 1; and the random source."""

    x: Field
    y: Field
    random: np.random.Generator

    def vary(self, value: float, share: float = 0.1) -> float:
        """Return the value changed by up to a share of itself."""
        return value * (1 + share * self.random.uniform(-1, 1))


def phantom(seed: int, *, opacities: int = 0, size: tuple[int, int] = (480, 512)) -> Phantom:
    """Draw a synthetic chest radiograph.

    Parameters
    ----------
    seed
        Makes the result reproducible: the same seed gives the same thorax, with or without opacities.
    opacities
        How many opacities to place in the lungs; 0 is a normal phantom.
    size
        (height, width) in pixels, each at least 32.

    Returns
    -------
    Phantom
        Pixels ``(H, W)`` uint8 and the masks of lungs and opacities.

    Raises
    ------
    ValueError
        When the size is below 32 pixels or the number of opacities is negative.
    """
    if min(size) < 32 or opacities < 0:
        raise ValueError(f"a phantom needs at least 32 x 32 pixels and no negative count, got {size} and {opacities}")
    canvas = _canvas(seed, size)
    body = _body(canvas)
    right, left, domes = _lungs(canvas)
    lungs = np.maximum(right, left)
    attenuation = 0.56 * body
    attenuation -= 0.36 * lungs * body
    # between the lungs the body is thick already: the heart adds less there than where it lies before a lung
    attenuation += _mediastinum(canvas) * body * (0.35 + 0.65 * _blur(lungs, 0.012))
    attenuation += _skeleton(canvas, lungs, body)
    attenuation += _vessels(canvas) * lungs
    attenuation += _abdomen(canvas, domes) * body
    # a generator of their own, so that opacities leave the thorax of the same seed as it is
    placed = _opacities(canvas, lungs, opacities, np.random.default_rng([seed, 1]))
    attenuation += placed * lungs
    pixels = _expose(canvas, attenuation)
    return Phantom(pixels=pixels, lungs=lungs > 0.5, opacities=(placed * lungs > 0.06) & (lungs > 0.5), seed=seed)


def _canvas(seed: int, size: tuple[int, int]) -> _Canvas:
    """Return coordinates, slightly shifted, turned and scaled as patients stand differently."""
    random = np.random.default_rng([seed, 0])
    height, width = size
    rows, columns = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    turn, zoom = float(random.normal(0, 0.025)), float(random.uniform(0.90, 1.04))
    # plain floats leave the coordinates, and all that is drawn from them, in single precision
    cosine, sine = zoom * math.cos(turn), zoom * math.sin(turn)
    x, y = x * cosine - y * sine, x * sine + y * cosine
    return _Canvas(x + float(random.normal(0, 0.03)), y + float(random.normal(0, 0.03)), random)


def _soft(distance: Field, width: float) -> Field:
    """Return 1 where the signed distance is well below 0, 0 well above, with a soft edge between."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance / width, -40, 40))))


def _blur(field: Field, sigma: float) -> Field:
    """Gaussian blur by the Fourier transform; sigma as a share of the field's shorter side."""
    height, width = field.shape
    sigma_pixels = sigma * min(height, width)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    share = -2 * (np.pi * sigma_pixels) ** 2
    response = (np.exp(share * fy**2) * np.exp(share * fx**2)).astype(np.float32)
    return np.fft.irfft2(np.fft.rfft2(field) * response, s=(height, width)).astype(np.float32)


def _texture(random: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Field:
    """Return smooth noise with mean 0 and standard deviation 1."""
    noise = _blur(random.standard_normal(shape, dtype=np.float32), sigma)
    return np.asarray((noise - noise.mean()) / noise.std())


def _body(c: _Canvas) -> Field:
    """Torso with shoulders and a neck; arms leave the picture at the sides."""
    half = (
        c.vary(0.90, 0.05) + 0.16 * np.exp(-(((c.y + 0.45) / 0.28) ** 2)) - 0.06 * np.exp(-(((c.y - 0.5) / 0.5) ** 2))
    )
    shoulders = -0.84 + 0.20 * np.clip(np.abs(c.x) - 0.22, 0, None) ** 1.5
    torso = _soft(np.abs(c.x) - half, 0.02) * _soft(shoulders - c.y, 0.02)
    neck = _soft(np.abs(c.x) - c.vary(0.24), 0.02) * _soft(c.y + 0.6, 0.05)
    thickness = 0.78 + 0.30 * np.clip(1 - (c.x / half) ** 2, 0, 1) ** 0.5
    return np.asarray(np.maximum(torso, neck) * thickness)


def _lungs(c: _Canvas) -> tuple[Field, Field, Field]:
    """Right lung (at the left of the picture), left lung, and the height of the diaphragm at every pixel."""
    fields, domes = [], np.zeros_like(c.x)
    for side in (-1, 1):
        centre, wide = side * c.vary(0.43, 0.05), c.vary(0.335, 0.07)
        top, dome = c.vary(-0.74, 0.05), c.vary(0.50 if side < 0 else 0.56, 0.07)
        inner = (c.x - centre) * side
        u = np.clip((c.y - top) / (dome - top), 0, 1.3)
        # an apex that opens quickly and a slightly spreading base, leaning towards the spine at the top
        half = wide * np.clip(u, 1e-6, None) ** 0.34 * (0.80 + 0.24 * u)
        lean = inner + 0.11 * np.clip(1 - u, 0, None) ** 1.5 - 0.02
        arch = dome - 0.13 * np.cos(np.clip(inner / (1.25 * wide), -1, 1) * np.pi / 2) + 0.07
        lung = _soft(np.abs(lean) - half, 0.014) * _soft(top - c.y, 0.015) * _soft(c.y - arch, 0.012)
        fields.append(lung)
        domes = domes + arch * _soft(-c.x * side, 0.03)
    return fields[0], fields[1], domes


def _mediastinum(c: _Canvas) -> Field:
    """Heart, great vessels and the air in the trachea."""
    tilt = 0.45
    dx, dy = c.x - c.vary(0.13, 0.3), c.y - c.vary(0.27, 0.12)
    u, v = dx * np.cos(tilt) + dy * np.sin(tilt), -dx * np.sin(tilt) + dy * np.cos(tilt)
    heart = _soft((u / c.vary(0.36, 0.08)) ** 2 + (v / c.vary(0.27, 0.08)) ** 2 - 1, 0.07)
    column = _soft(np.abs(c.x - 0.01) - 0.125 - 0.02 * np.sin(5 * c.y), 0.018) * _soft(c.y - 0.5, 0.1)
    knob = _soft(np.hypot(c.x - c.vary(0.13, 0.15), (c.y + c.vary(0.28)) / 1.1) - 0.085, 0.012)
    trachea = _soft(np.abs(c.x - 0.01) - 0.045, 0.012) * _soft(c.y + c.vary(0.26), 0.03) * _soft(-0.95 - c.y, 0.05)
    together = np.maximum(np.maximum(0.27 * heart, 0.15 * column), 0.16 * knob)
    return _blur(together, 0.006) - 0.10 * trachea


def _skeleton(c: _Canvas, lungs: Field, body: Field) -> Field:
    """Spine, posterior and anterior ribs, clavicles and the shadow of the shoulder blades."""
    spine = _soft(np.abs(c.x) - 0.075, 0.012) * (0.060 + 0.030 * np.cos(2 * np.pi * c.y / c.vary(0.135, 0.06)))
    bones = spine
    spacing, first = c.vary(0.142, 0.07), c.vary(-0.80, 0.04)
    reach = np.abs(c.x) / 0.78
    cage = _soft(np.abs(c.x) - 0.80, 0.02) * np.clip(body, 0, 1)
    fall, rise = (1.75 * reach - 0.55) ** 2, 0.06 * np.sin(np.pi * np.clip(reach, 0, 1))
    behind, before = 0.105 * cage * _soft(0.09 - np.abs(c.x), 0.02), 0.050 * cage * _soft(0.30 - np.abs(c.x), 0.05)
    for number in range(11):
        start, slope = first + number * spacing, 0.10 + 0.030 * number
        bones = bones + _rib(c, start - 0.05 + slope * fall - rise, 0.026) * behind
        if number < 8:
            bones = bones + _rib(c, start + 0.16 + 0.42 * (1 - reach), 0.030) * before
    for side in (-1, 1):
        run = np.clip((c.x * side - 0.10) / 0.72, 0, 1)
        line = c.vary(-0.60, 0.03) - 0.13 * run - 0.035 * np.sin(2 * np.pi * run)
        ends = _soft(0.09 - c.x * side, 0.015) * _soft(c.x * side - 0.80, 0.015)
        bones = bones + _rib(c, line, 0.030) * 0.11 * ends
    blade = _soft(((np.abs(c.x) - 0.74) / 0.15) ** 2 + ((c.y + 0.30) / 0.34) ** 2 - 1, 0.15)
    return np.asarray(bones * np.where(lungs > 0.5, 1.0, 0.62) + 0.05 * blade * np.clip(body, 0, 1))


def _rib(c: _Canvas, line: Field, half: float) -> Field:
    """Return a tube along a line: denser at its rim, as cortical bone is."""
    distance = np.abs(c.y - line)
    return _soft(distance - half, 0.007) * (0.65 + 0.6 * np.clip(distance / half, 0, 1) ** 2)


def _vessels(c: _Canvas) -> Field:
    """Return markings that radiate from each hilum and thin out towards the edge of the lung."""
    markings = np.zeros_like(c.x)
    for side in (-1, 1):
        dx, dy = c.x - side * 0.15, c.y - c.vary(-0.02, 1.0)
        radius = np.hypot(dx, dy * 0.8)
        markings += 0.11 * np.exp(-((radius / 0.12) ** 2))
        direction, thickness = np.arctan2(dy, dx * side), radius / (0.013 * np.exp(-radius / 0.25) + 0.002)
        nearest = np.full_like(c.x, np.inf)
        for angle in c.random.uniform(-1.35, 1.35, 11).tolist():
            bend = c.random.normal(0, 0.5)
            nearest = np.minimum(nearest, np.abs(direction - angle - bend * radius))
        branches = np.exp(-np.minimum((nearest * thickness) ** 2, 40))
        markings += 0.075 * branches * np.exp(-((radius / 0.36) ** 2)) * _soft(0.03 - radius, 0.02) * (dx * side > 0)
    return markings + 0.012 * _texture(c.random, c.x.shape, 0.006)


def _abdomen(c: _Canvas, domes: Field) -> Field:
    """Liver and bowel below the diaphragm, with a gas bubble of the stomach on the left."""
    below = _soft(domes - c.y, 0.014)
    bubble = _soft(((c.x - c.vary(0.40)) / 0.15) ** 2 + ((c.y - c.vary(0.72, 0.06)) / 0.09) ** 2 - 1, 0.25)
    return below * (0.12 + 0.03 * _texture(c.random, c.x.shape, 0.05)) - 0.15 * bubble * below


def _opacities(c: _Canvas, lungs: Field, count: int, random: np.random.Generator) -> Field:
    """Cloudy regions of consolidation with soft, irregular borders, in the lungs."""
    placed = np.zeros_like(c.x)
    inside = np.flatnonzero((lungs > 0.9) & (np.abs(c.x) > 0.24) & (c.y > -0.5))
    for _ in range(count):
        middle = random.choice(inside)
        wide, high = random.uniform(0.15, 0.27, 2)
        dx, dy = c.x - c.x.flat[middle], c.y - c.y.flat[middle]
        ragged = 0.30 * _texture(random, c.x.shape, 0.03) + 0.12 * _texture(random, c.x.shape, 0.012)
        cloud = _soft((dx / wide) ** 2 + (dy / high) ** 2 - 1 + ragged, 0.30)
        placed = np.maximum(placed, cloud * random.uniform(0.24, 0.36) * (1 + 0.10 * ragged))
    return placed


def _expose(c: _Canvas, attenuation: Field) -> NDArray[np.uint8]:
    """Turn attenuation into gray values: scatter, tone curve, quantum noise (stronger where little light arrives)."""
    scattered = 0.90 * _blur(attenuation, 0.0022) + 0.10 * _blur(attenuation, 0.06)
    scattered += 0.008 * _texture(c.random, c.x.shape, 0.08)
    tone = np.clip((scattered - 0.02) / c.vary(0.98, 0.07), 0, 1.2) ** c.vary(1.05, 0.12)
    noisy = tone + c.vary(0.014, 0.4) * (0.4 + tone) * _blur(
        c.random.standard_normal(c.x.shape, dtype=np.float32), 0.0012
    )
    return np.asarray(np.round(np.clip(noisy * 0.93, 0, 1) * 255), dtype=np.uint8)
