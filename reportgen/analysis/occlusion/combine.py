"""How the scans of a case become one map: by how well a map foretells coverings that no scan has seen.

Which patch and fill show best what a model relies on differs from model to model. So a few ways of weighting the
scans are tried on every case: blocks are covered at random, many at once, and the way whose maps rank these coverings
best by the evidence they cost, in the mean over the cases, is taken. The coverings are made for nothing else, and no
test of the map uses them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.occlusion.patches import Geometry

Values = NDArray[np.float64]
COVERINGS = 48
_SHARES = (0.05, 0.6)  # of the image, the least and the most that a covering covers
_BLOCKS = (0.1, 0.2, 0.3)  # of each side
BLOCK_SIZES = len(_BLOCKS)
SINGLE, MEAN, GIVEN = "single", "mean", "given"
_HOME = "two"
_NOISE = 0.01  # half the standard error, by bootstrap, of how far two ways are apart on the coverings of one case


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


@functools.lru_cache(maxsize=4)
def random_coverings(size: tuple[int, int], count: int = COVERINGS) -> NDArray[np.bool_]:
    """Return coverings ``(count, H, W)``: blocks of several sizes at random, the same in every run; not to be changed.

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
    found = np.stack(masks)
    found.setflags(write=False)
    return found


@dataclass(frozen=True)
class Tried:
    """What there is of one image and class: importance ``(H, W)`` of each scan, and what coverings cost, ``(N,)``."""

    maps: Sequence[Values]
    costs: Values


def choose_combinations(
    cases: Sequence[Tried], geometries: Sequence[Geometry], fills: Sequence[object], masks: NDArray[np.bool_]
) -> list[Combination]:
    """Choose how to weight the scans: one way for all cases, so that they can be compared.

    Parameters
    ----------
    cases
        Each image, for each class that is followed.
    geometries, fills
        Of each scan its positions, and its fill as set.
    masks
        The coverings ``(N, H, W)`` that were tried.

    Returns
    -------
    list of Combination
        One for each case: the way whose agreement is the best in the mean over the cases; ``two``, unless another is
        ahead of it by more than chance.
    """
    ways = [candidates(one.maps, geometries, fills) for one in cases]
    agreed = [_agreements(one, found, masks) for one, found in zip(cases, ways, strict=True)]
    known = {name: [one[name] for one in agreed if one[name] is not None] for name in ways[0]}
    means = {name: float(np.mean([value for value in of if value is not None])) for name, of in known.items() if of}
    best = max(means, key=means.__getitem__) if means else MEAN
    if _HOME in means and means[best] - means[_HOME] < _NOISE / math.sqrt(len(known[_HOME])):
        best = _HOME
    return [
        Combination(best, tuple(float(weight) for weight in found[best]), one[best])
        for found, one in zip(ways, agreed, strict=True)
    ]


def _agreements(case: Tried, ways: dict[str, Values], masks: NDArray[np.bool_]) -> dict[str, float | None]:
    """Return for each way the rank correlation of what its map foretells with what the coverings cost."""
    # what a map foretells of a covering is the sum of its pixels
    sums = masks.reshape(len(masks), -1).astype(np.float64) @ np.stack([one.reshape(-1) for one in case.maps], axis=1)
    known = np.isfinite(case.costs) & np.isfinite(sums).all(axis=1)
    return {name: rank_correlation(sums[known] @ weights, case.costs[known]) for name, weights in ways.items()}


def candidates(maps: Sequence[Values], geometries: Sequence[Geometry], fills: Sequence[object]) -> dict[str, Values]:
    """Return the ways of weighting that are tried, by name: weights that are 1 in all.

    ``mean``: all scans alike. ``smallest``: the smallest patch alone. ``even``: all patches, each by the spread of its
    map, so that none drowns the others. ``fine``: the same with the smallest four times as much. ``two``: the two
    smallest alike, in bits as they are. ``smallest``, ``even`` and ``fine`` by blurring alone where that is among the
    fills: a blurred patch has no edges that the model could take for something. ``two`` by all fills: the middle of
    what is evenly gray looks the same blurred.
    """
    sizes = [one.patch[0] * one.patch[1] for one in geometries]
    rank = np.array([sorted(set(sizes)).index(size) for size in sizes])
    soft = np.array([fill == "blur" for fill in fills])
    soft = soft if soft.any() else np.ones(len(fills), bool)
    spread = np.array([float(np.nanstd(one)) if np.isfinite(one).any() else 0.0 for one in maps])
    scale = 1 / np.maximum(spread, 1e-12 + 1e-9 * spread.max())
    ways = {
        MEAN: np.ones(len(maps)),
        "even": soft * scale,
        "smallest": ((rank == 0) & soft) * 1.0,
        "fine": np.where(rank == 0, 4.0, 1.0) * soft * scale,
        "two": (rank <= 1) * 1.0,
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
