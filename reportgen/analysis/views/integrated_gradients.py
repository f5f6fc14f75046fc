"""Integrated gradients: the slopes of the evidence on the straight way from a baseline to the image, times that way.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017 (arXiv:1703.01365). Complete: over all
pixels they sum to what the evidence of the image differs by from that of the baseline, but for the size of the steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.views.slopes import Slopes

Pixels = NDArray[np.float32]
STEPS = 64


@dataclass(frozen=True)
class Integrated:
    """What came out.

    Attributes
    ----------
    values
        ``(H, W)``, in the unit of the evidence, summed over the colours.
    total
        By how much the evidence of the image differs from that of the baseline.
    passes
        How many images were run.
    """

    values: NDArray[np.float64]
    total: float
    passes: int

    @property
    def gap(self) -> float:
        """By how much the sum over all pixels misses the total."""
        return abs(float(self.values.sum()) - self.total)


def integrated_gradients(slopes: Slopes, image: Pixels, baseline: Pixels, steps: int = STEPS) -> Integrated:
    """Return the integrated gradients of an image, by the midpoints of even steps.

    Parameters
    ----------
    slopes
        Of the evidence.
    image, baseline
        ``(H, W, C)`` in the model's units.
    steps
        How many.

    Raises
    ------
    NoViewError
        When no slope leads back to the image.
    """
    way = image - baseline
    sums = np.zeros(image.shape, np.float64)
    for start in range(0, steps, slopes.size):
        shares = (np.arange(start, min(start + slopes.size, steps)) + 0.5) / steps
        points = [(baseline + np.float32(share) * way).astype(np.float32) for share in shares]
        sums += slopes.at_input(points)[1].sum(axis=0, dtype=np.float64)
    ends = slopes.evidence([baseline, image])
    return Integrated((sums / steps * way).sum(axis=-1), float(ends[1] - ends[0]), steps + 2)
