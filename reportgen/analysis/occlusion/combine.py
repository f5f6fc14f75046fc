"""How the scans of a case become one map: by how well a map foretells coverings that no scan has seen.

Which patch and fill show best what a model relies on differs from model to model and from image to image. So a few ways
of weighting the scans are tried on every case: blocks are covered at random, many at once, and the way whose map ranks
these coverings best by the evidence they cost is taken. The coverings are made for nothing else, and no test of the map
uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.occlusion.patches import Geometry

Values = NDArray[np.float64]
COVERINGS = 32
_SHARES = (0.05, 0.6)  # of the image, the least and the most that a covering covers
_BLOCKS = (0.1, 0.2, 0.3)  # of each side
SINGLE, MEAN = "single", "mean"


@dataclass(frozen=True)
class Combination:
    """How the scans of a case are weighted.

    Attributes
    ----------
    name
        Of the way it was chosen from.
    weights
        One for each scan, not negative, 1 in all.
    agreement
        Rank correlation of what its map foretells with what the coverings cost; None where nothing was tried.
    """

    name: str
    weights: tuple[float, ...]
    agreement: float | None = None


def random_coverings(size: tuple[int, int], count: int = COVERINGS) -> NDArray[np.bool_]:
    """Return coverings ``(count, H, W)``: blocks of several sizes at random, the same in every run.

    Parameters
    ----------
    size
        (height, width) of the image.
    count
        How many.
    """
    random = np.random.default_rng(7)
    masks = []
    for number in range(count):
        block = [max(1, round(_BLOCKS[number % len(_BLOCKS)] * side)) for side in size]
        shift = [int(random.integers(one)) for one in block]
        cells = random.random([-(-side // one) + 1 for side, one in zip(size, block, strict=True)])
        chosen = cells <= np.quantile(cells, random.uniform(*_SHARES))
        whole = chosen.repeat(block[0], axis=0).repeat(block[1], axis=1)
        masks.append(whole[shift[0] : shift[0] + size[0], shift[1] : shift[1] + size[1]])
    return np.stack(masks)


def choose_combination(
    maps: Sequence[Values],
    geometries: Sequence[Geometry],
    fills: Sequence[object],
    masks: NDArray[np.bool_],
    costs: Values,
) -> Combination:
    """Choose how to weight the scans of a case.

    Parameters
    ----------
    maps, geometries, fills
        Of each scan its importance ``(H, W)``, its positions, and its fill as set.
    masks
        Coverings ``(N, H, W)`` that were tried besides.
    costs
        What each cost of the evidence, ``(N,)``.
    """
    if len(maps) == 1:
        return Combination(SINGLE, (1.0,))
    ways = candidates(maps, geometries, fills)
    # what a map foretells of a covering is the sum of its pixels
    sums = np.stack([(masks * one).sum(axis=(1, 2)) for one in maps], axis=1)
    known = np.isfinite(costs) & np.isfinite(sums).all(axis=1)
    scored = {name: rank_correlation(sums[known] @ weights, costs[known]) for name, weights in ways.items()}
    tried = {name: found for name, found in scored.items() if found is not None}
    best = max(tried, key=tried.__getitem__) if tried else MEAN
    return Combination(best, tuple(float(weight) for weight in ways[best]), tried.get(best))


def candidates(maps: Sequence[Values], geometries: Sequence[Geometry], fills: Sequence[object]) -> dict[str, Values]:
    """Return the ways of weighting that are tried, by name: weights that are 1 in all.

    ``mean``: all scans alike. ``smallest``: those with the smallest patch. ``fine``: all by the spread of their maps,
    those with the smallest patch four times as much. The latter two with blurring alone where that is among the fills:
    a blurred patch has no edges that the model could take for something.
    """
    area = np.array([one.patch[0] * one.patch[1] for one in geometries], np.float64)
    smallest = area == area.min()
    soft = np.array([fill == "blur" for fill in fills])
    soft = soft if soft.any() else np.ones(len(fills), bool)
    spread = np.array([float(np.nanstd(one)) if np.isfinite(one).any() else 0.0 for one in maps])
    scale = 1 / np.maximum(spread, 1e-12 + 1e-9 * spread.max())
    ways = {
        MEAN: np.ones(len(maps)),
        "smallest": (smallest & soft) * 1.0,
        "fine": np.where(smallest, 4.0, 1.0) * soft * scale,
    }
    return {name: weights / weights.sum() for name, weights in ways.items() if weights.sum() > 0}


def rank_correlation(one: Values, other: Values) -> float | None:
    """Return Spearman's rank correlation of two rows of numbers; None where one of them says nothing."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Values) -> Values:
    """Return ranks from 0, equal numbers sharing the mean of theirs."""
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[number.reshape(-1)])
