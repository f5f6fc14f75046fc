"""Noisy linear imputation: what is gone is guessed from its neighbours, so that no edge tells where something was.

Rong, Leemann, Borisov, Kasneci and Kasneci, "A Consistent and Efficient Evaluation Strategy for Attribution Methods",
ICML 2022 (arXiv:2202.00449), section 4: each missing pixel is the weighted mean of its eight neighbours (1/6 for those
that share a side, 1/12 for those at a corner), which is a sparse system of linear equations, plus a little noise.

Here the system is solved from coarse to fine: each level starts from the one of half its size, and a few sweeps smooth
what halving left. That is close to the exact solution, for a small part of its time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Masks = NDArray[np.bool_]
SWEEPS = 4
NOISE = 2.0  # standard deviation, of 255
_SIDE, _CORNER = np.float32(1 / 6), np.float32(1 / 12)


def impute(image: Images, missing: Masks, *, sweeps: int = SWEEPS, noise: float = NOISE) -> Images:
    """Return the image with missing pixels guessed, once for each mask.

    Parameters
    ----------
    image
        ``(H, W, C)``, 0 to 255.
    missing
        ``(N, H, W)``; where all pixels are missing, they become the image's mean.
    sweeps
        Of smoothing, at each level.
    noise
        Standard deviation of what is added to guessed pixels, alike in all channels; the same in every run.

    Returns
    -------
    ndarray
        ``(N, H, W, C)`` float32.
    """
    random = np.random.default_rng(3)
    jitter = random.normal(0, noise, (*image.shape[:2], 1)).astype(np.float32)
    if image.shape[2] > 1 and (image == image[..., :1]).all():
        one = impute(image[..., :1], missing, sweeps=sweeps, noise=noise)
        return np.repeat(one, image.shape[2], axis=3)
    values = np.broadcast_to(image.astype(np.float32), (len(missing), *image.shape))
    known = ~missing
    mean = image.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    found = _solved(np.where(known[..., None], values, np.float32(0)), known, mean, sweeps)
    return np.where(known[..., None], values, np.clip(found + jitter, 0, 255))


def _solved(values: Images, known: Masks, mean: NDArray[np.float32], sweeps: int) -> Images:
    """Fill in unknown pixels; ``values`` are 0 there."""
    if min(known.shape[1:]) <= 2 or known.all():
        counts = known.sum(axis=(1, 2))[:, None, None, None]
        level = np.where(counts > 0, values.sum(axis=(1, 2), keepdims=True) / np.maximum(counts, 1), mean)
        found = np.where(known[..., None], values, level).astype(np.float32)
    else:
        sums, counts = _halved(values), _halved(known[..., None].astype(np.float32))
        coarse = _solved((sums / np.maximum(counts, 1)).astype(np.float32), counts[..., 0] > 0, mean, sweeps)
        finer = coarse.repeat(2, axis=1).repeat(2, axis=2)[:, : known.shape[1], : known.shape[2]]
        found = np.where(known[..., None], values, finer)
    for _ in range(sweeps):
        found = np.where(known[..., None], values, _neighbours(found))
    return found


def _halved(values: Images) -> Images:
    """Sum over blocks of 2 x 2; a missing last row or column counts as 0."""
    odd = [(0, 0), (0, values.shape[1] % 2), (0, values.shape[2] % 2), (0, 0)]
    padded = np.pad(values, odd) if any(pair[1] for pair in odd) else values
    return padded[:, ::2, ::2] + padded[:, 1::2, ::2] + padded[:, ::2, 1::2] + padded[:, 1::2, 1::2]


def _neighbours(values: Images) -> Images:
    """Return the weighted mean of the eight neighbours of each pixel; borders are repeated."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    upper, middle, lower = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
    column = upper + lower
    sides = column[:, :, 1:-1] + middle[:, :, :-2] + middle[:, :, 2:]
    corners = column[:, :, :-2] + column[:, :, 2:]
    return np.asarray(_SIDE * sides + _CORNER * corners)
