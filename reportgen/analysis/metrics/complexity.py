"""How much of a map stands in a few places: sparseness and entropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def sparseness(importance: Values) -> float:
    """Return the Gini index of a map's magnitudes: 0 where all pixels matter alike, near 1 where a few hold it all.

    After Chalasani et al., "Concise Explanations of Neural Networks using Adversarial Training", ICML 2020
    (arXiv:1810.06583).

    Parameters
    ----------
    importance
        ``(H, W)``; what isn't a number is left out.

    Returns
    -------
    float
        NaN for a map of zeros, or of no numbers.
    """
    sizes = np.sort(_magnitudes(importance))
    total = sizes.sum()
    if not total:
        return float("nan")
    ranks = np.arange(1, len(sizes) + 1)
    return float(((2 * ranks - len(sizes) - 1) * sizes).sum() / (len(sizes) * total))


def entropy(importance: Values) -> float:
    """Return the entropy of what each pixel has of a map's magnitude, in nats: the lower, the simpler the map.

    After Bhatt, Weller and Moura, "Evaluating and Aggregating Feature-based Model Explanations", IJCAI 2020
    (arXiv:2005.00631). At most the natural logarithm of the number of pixels.

    Parameters
    ----------
    importance
        ``(H, W)``; what isn't a number is left out.

    Returns
    -------
    float
        NaN for a map of zeros, or of no numbers.
    """
    sizes = _magnitudes(importance)
    total = sizes.sum()
    if not total:
        return float("nan")
    shares = sizes[sizes > 0] / total
    return float(-(shares * np.log(shares)).sum() + 0.0)


def _magnitudes(importance: Values) -> Values:
    values = np.abs(np.asarray(importance, np.float64).reshape(-1))
    return values[np.isfinite(values)]
