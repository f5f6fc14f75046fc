"""SmoothGrad: the slopes of the evidence, averaged over noisy copies of the image.

Smilkov, Thorat, Kim, Viegas and Wattenberg, "SmoothGrad: removing noise by adding noise", 2017 (arXiv:1706.03825).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.views.slopes import Slopes

SAMPLES, NOISE, SEED = 32, 0.1, 23


def smoothgrad(
    slopes: Slopes, image: NDArray[np.float32], samples: int = SAMPLES, noise: float = NOISE, seed: int = SEED
) -> NDArray[np.float64]:
    """Return the magnitude ``(H, W)`` of the mean slope, the largest over the colours, in evidence per unit of input.

    Parameters
    ----------
    slopes
        Of the evidence.
    image
        ``(H, W, C)`` in the model's units.
    samples, noise, seed
        How many copies, the standard deviation of their noise as a share of the image's range, and where its random
        numbers begin.

    Raises
    ------
    NoViewError
        When no slope leads back to the image.
    """
    random = np.random.default_rng(seed)
    spread = noise * float(np.ptp(image))
    sums = np.zeros(image.shape, np.float64)
    for start in range(0, samples, slopes.size):
        count = min(slopes.size, samples - start)
        copies = [image + random.normal(0, spread, image.shape).astype(np.float32) for _ in range(count)]
        sums += slopes.at_input(copies)[1].sum(axis=0, dtype=np.float64)
    return np.asarray(np.abs(sums / samples).max(axis=-1))
