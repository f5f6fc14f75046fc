"""Simple bodies and the length of a ray in each: ellipsoids, stacks of ellipses, round ended cylinders, tubes.

All rays run along z, parallel, so that a body is the interval of z that it fills at every pixel; lengths are
centimetres. x grows to the right of the picture, y downwards, z away from the detector, towards the patient's back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]  # single precision all through


@dataclass(frozen=True)
class Grid:
    """The centres of the pixels in centimetres.

    Attributes
    ----------
    x
        ``(1, W)``, or ``(H, W)`` where rows are moved against each other.
    y
        ``(H, 1)``.
    pitch
        The side of a pixel in cm.
    """

    x: Field
    y: Field
    pitch: float

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.y.shape[0], self.x.shape[-1]


@dataclass(frozen=True)
class Interval:
    """What a body fills of every ray: from ``near`` to ``far`` in cm, ``(H, W)``; nothing where far <= near."""

    near: Field
    far: Field

    @property
    def length(self) -> Field:
        """Length of the ray in the body, ``(H, W)`` in cm."""
        return np.asarray(np.maximum(self.far - self.near, 0))

    def shared(self, other: Interval) -> Field:
        """Length of the ray in both bodies, ``(H, W)`` in cm."""
        shared = np.minimum(self.far, other.far) - np.maximum(self.near, other.near)
        return np.asarray(np.maximum(shared, 0))


def ellipsoid(across: Field, along: Field | float, centre: float, depth: float | Field) -> Interval:
    """Return an ellipsoid's interval; an elliptic cylinder or a stack of ellipses, where ``along`` is 0.

    Parameters
    ----------
    across, along
        Distances from the centre in the picture's plane as shares of the half axes, ``(H, W)``.
    centre, depth
        The z of the centre, and the half axis along z, cm.
    """
    half = depth * np.sqrt(np.maximum(1 - across * across - along * along, 0))
    return Interval(centre - half, centre + half)


def capsule(grid: Grid, start: tuple[float, float], end: tuple[float, float], radius: float) -> Field:
    """Return the chord of a cylinder with round ends that lies in the picture's plane, ``(H, W)`` in cm.

    The chord is ``2 sqrt(radius² - d²)``, d the distance from the axis.
    """
    (x0, y0), (x1, y1) = start, end
    dx, dy = grid.x - np.float32(x0), grid.y - np.float32(y0)
    run_x, run_y = x1 - x0, y1 - y0
    share = np.clip((dx * run_x + dy * run_y) * (1 / (run_x**2 + run_y**2)), 0, 1)
    square = (dx - share * run_x) ** 2 + (dy - share * run_y) ** 2
    return 2 * np.sqrt(np.maximum(np.float32(radius**2) - square, 0))


@dataclass(frozen=True)
class Curves:
    """Points along the axes of tubes: place in the picture and the length of axis, in space, that each stands for.

    Attributes
    ----------
    x, y
        Places in cm, ``(P,)``.
    steps
        Lengths in cm, ``(P,)``: in space, so a tube that runs along the ray weighs more, as its chord is longer.
    """

    x: NDArray[np.floating]
    y: NDArray[np.floating]
    steps: NDArray[np.floating]


def curve(x: NDArray[np.floating], y: NDArray[np.floating], z: NDArray[np.floating] | float = 0.0) -> Curves:
    """Return the curves through points, the last axis along each curve."""
    deep = np.broadcast_to(np.asarray(z, dtype=float), x.shape)
    steps = np.sqrt(np.diff(x) ** 2 + np.diff(y) ** 2 + np.diff(deep) ** 2)
    middle_x, middle_y = (x[..., 1:] + x[..., :-1]) / 2, (y[..., 1:] + y[..., :-1]) / 2
    return Curves(middle_x.ravel(), middle_y.ravel(), steps.ravel())


def joined(parts: list[Curves]) -> Curves:
    """Return the points of several."""
    return Curves(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.steps for part in parts]),
    )


Discs = tuple[tuple[float, float], ...]


def tubes(grid: Grid, groups: Sequence[tuple[Curves, Discs]]) -> Field:
    """Return the weighted chord of round tubes along curves, ``(H, W)`` in cm.

    A disc of radius r swept along an axis gives at distance d from it the integral of 1 over ``d² + s² < r²``, which is
    ``2 sqrt(r² - d²)``: the chord. So all tubes of one radius are one convolution of their axes with a disc.

    Parameters
    ----------
    grid
        The pixels; a tube near the border is drawn as far as it reaches into the picture.
    groups
        Axes of tubes, and for them (radius in cm, weight) of each disc: a hollow tube is a disc and a smaller one of
        negative weight.
    """
    widest = max(radius for _, discs in groups for radius, _ in discs)
    reach = int(np.ceil(widest / grid.pitch)) + 2
    height, width = (_quick(side + 2 * reach) for side in grid.shape)
    total = np.zeros((height, width // 2 + 1), np.complex64)
    for curves, discs in groups:
        axes = _splat(grid, curves, (height, width), reach)
        total += np.fft.rfft2(axes) * _spectrum(_discs(reach, grid.pitch, discs), height, width)
    swept = np.fft.irfft2(total, s=(height, width))
    return np.asarray(swept[reach : reach + grid.shape[0], reach : reach + grid.shape[1]], dtype=np.float32)


def _discs(reach: int, pitch: float, shares: Discs) -> Field:
    """Return the sum of discs, ``(2 reach + 1, 2 reach + 1)``, each with the area that it has in pixels."""
    line = np.arange(-reach, reach + 1) * pitch
    distance = np.hypot(line[:, None], line[None, :])
    kernel = np.zeros(distance.shape)
    for radius, weight in shares:
        disc = np.clip((radius - distance) / pitch + 0.5, 0, 1)
        kernel += weight * disc * (np.pi * (radius / pitch) ** 2 / disc.sum() if disc.any() else 0)
    return kernel.astype(np.float32)


def _splat(grid: Grid, curves: Curves, size: tuple[int, int], margin: int) -> Field:
    """Share the length of each point, in cm, among the four pixels around it."""
    lean = grid.x[:, 0] if grid.x.shape[0] > 1 else np.full(grid.shape[0], grid.x[0, 0])
    row = (curves.y - grid.y[0, 0]) / grid.pitch
    first = np.interp(row, np.arange(lean.size), lean)
    column = (curves.x - first) / grid.pitch + margin
    row = row + margin
    inside = (row >= 0) & (row < size[0] - 1) & (column >= 0) & (column < size[1] - 1)
    row, column, weight = row[inside], column[inside], curves.steps[inside]
    top, left = row.astype(np.int64), column.astype(np.int64)
    down, right = row - top, column - left
    at = top * size[1] + left
    places = np.concatenate([at, at + 1, at + size[1], at + size[1] + 1])
    parts = np.concatenate([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right])
    flat = np.bincount(places, parts * np.tile(weight, 4), minlength=size[0] * size[1])
    return flat.reshape(size).astype(np.float32)


def _spectrum(kernel: Field, height: int, width: int) -> Field:
    """Return the kernel's Fourier transform, its middle at the origin: real, as the kernel is symmetric."""
    line = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    rows = np.cos(2 * np.pi * np.outer(np.fft.fftfreq(height), line)).astype(np.float32)
    columns = np.cos(2 * np.pi * np.outer(line, np.fft.rfftfreq(width))).astype(np.float32)
    return multiply(multiply(rows, kernel), columns)


def _quick(size: int) -> int:
    """Return the next size whose Fourier transform is quick: a multiple of 16."""
    return -(-size // 16) * 16


def texture(random: np.random.Generator, grid: Grid, scale: float) -> Field:
    """Return smooth noise of about mean 0 and standard deviation 1, ``(H, W)``; it varies over ``scale`` cm.

    Random values on a coarse grid with a Gaussian around each, which is two small matrix products.
    """
    rows, columns = (_bumps(side, grid.pitch, scale) for side in grid.shape)
    values = random.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    return multiply(multiply(rows, values), np.ascontiguousarray(columns.T))


def _bumps(side: int, pitch: float, scale: float) -> Field:
    """Return Gaussians ``scale`` cm apart, ``(side, K)``, scaled so that their squares sum to 1 at every pixel."""
    at = np.arange(side, dtype=np.float32) * np.float32(pitch / scale)
    centres = np.arange(-2, int(at[-1]) + 4, dtype=np.float32)
    bumps = np.exp(-1.2 * (at[:, None] - centres[None, :]) ** 2)
    return np.asarray(bumps / np.sqrt((bumps**2).sum(axis=1, keepdims=True)))


def multiply(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Return the product of two matrices, made in pieces too small for BLAS to share among threads.

    On a busy machine threads wait for each other many times longer than such a product takes; and pieces give the same
    bits for any number of processors.
    """
    product = np.empty((first.shape[0], second.shape[1]), np.result_type(first, second))
    rows = max(2, 100_000 // second.size)
    for start in range(0, first.shape[0], rows):
        np.matmul(first[start : start + rows], second, out=product[start : start + rows])
    return product
