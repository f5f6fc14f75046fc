"""RISE: the mean evidence over random masks that leave a pixel, compared with that over all of them.

Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018
(arXiv:1806.07421): coarse random grids, enlarged without steps and shifted at random. What is hidden is blurred here,
not black, and the mean is over the masks as they were drawn, so that a pixel that was left more often than another has
no more evidence for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.views.grad_cam import enlarge

Masks = NDArray[np.float32]
CELLS, KEPT, SEED = 7, 0.5, 31


def random_masks(size: tuple[int, int], count: int, seed: int = SEED) -> Iterator[Masks]:
    """Yield masks ``(H, W)``: 1 where the image is left, 0 where it is hidden, and between.

    Parameters
    ----------
    size
        (height, width) of the image.
    count, seed
        How many, and where their random numbers begin.
    """
    random = np.random.default_rng(seed)
    cells = tuple(min(CELLS, side) for side in size)
    step = tuple(-(-side // number) for side, number in zip(size, cells, strict=True))
    whole = ((cells[0] + 1) * step[0], (cells[1] + 1) * step[1])
    for _ in range(count):
        grid = (random.random((cells[0] + 1, cells[1] + 1)) < KEPT).astype(np.float64)
        top, left = (int(random.integers(0, one)) for one in step)
        yield enlarge(grid, whole)[top : top + size[0], left : left + size[1]].astype(np.float32)


def rise(
    evidence: Callable[[Masks], NDArray[np.float64]], size: tuple[int, int], count: int, batch: int, seed: int = SEED
) -> NDArray[np.float64]:
    """Return the map ``(H, W)``: mean evidence where a pixel is left, minus that over all masks.

    Parameters
    ----------
    evidence
        Of images ``(N,)`` of which masks ``(N, H, W)`` leave some.
    size
        (height, width) of the image.
    count, batch
        How many masks, and how many at once.
    seed
        Where their random numbers begin.
    """
    weighted, weights, total = np.zeros(size), np.zeros(size), 0.0
    masks = random_masks(size, count, seed)
    for start in range(0, count, batch):
        part = np.stack([next(masks) for _ in range(min(batch, count - start))])
        found = evidence(part)
        weighted += np.tensordot(found, part.astype(np.float64), axes=1)
        weights += part.sum(axis=0, dtype=np.float64)
        total += float(found.sum())
    # what no mask has left is known no better than the mean of all
    return np.where(weights > 0, weighted / np.maximum(weights, np.finfo(float).tiny), total / count) - total / count
