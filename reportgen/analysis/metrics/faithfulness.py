"""Deletion and insertion: whether an order of pixels says what a model relies on.

Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018
(arXiv:1806.07421). An order is compared with random ones of blocks, since any pixel order of another grain would win or
lose by its grain alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.report.maptest import TestCurves

Values = NDArray[np.float64]
Order = NDArray[np.intp]
Masks = NDArray[np.bool_]
SHARES, ORDERS = 11, 8


def order_of(importance: Values) -> Order:
    """Return the numbers of the pixels ``(H * W,)``, the most important first; what is no number comes last."""
    known = np.where(np.isfinite(importance), importance, -np.inf)
    return np.argsort(-known.ravel(), kind="stable")


@functools.lru_cache(maxsize=4)
def random_orders(
    size: tuple[int, int], block: tuple[int, int], count: int = ORDERS, seed: int = 11
) -> tuple[Order, ...]:
    """Return orders of pixels that go block by block, in a random order of blocks, the same in every run.

    Parameters
    ----------
    size, block
        (height, width) of the image and of the blocks; those at the far borders are cut.
    count, seed
        How many orders, and where they begin.
    """
    random = np.random.default_rng(seed)
    cells = tuple(-(-side // one) for side, one in zip(size, block, strict=True))
    found = []
    for _ in range(count):
        ranks = random.permutation(cells[0] * cells[1]).reshape(cells).astype(np.float64)
        found.append(order_of(ranks.repeat(block[0], axis=0).repeat(block[1], axis=1)[: size[0], : size[1]]))
    for one in found:
        one.setflags(write=False)
    return tuple(found)


def masks_of(order: Order, size: tuple[int, int], shares: Values) -> Masks:
    """Return for each share of pixels which are the first of an order, ``(shares, H, W)``."""
    rank = np.empty(order.size, np.intp)
    rank[order] = np.arange(order.size)
    counts = np.rint(np.asarray(shares) * order.size).astype(int)
    return (rank[None] < counts[:, None]).reshape(-1, *size)


def test_curves(
    order: Order,
    others: Sequence[Order],
    size: tuple[int, int],
    evidence: Callable[[Masks], Values],
    baseline: str,
    shares: int = SHARES,
) -> TestCurves:
    """Return the curves of an order of pixels and of random ones.

    Parameters
    ----------
    order, others
        Numbers of the pixels ``(H * W,)``.
    size
        (height, width) of the image.
    evidence
        What the model gives ``(N,)`` when the pixels of masks ``(N, H, W)`` are gone.
    baseline
        What stands in for them, in a word.
    shares
        How many shares of pixels, from 0 to 1, both included.
    """
    shared, own = shared_masks(others, size, shares), masks_of_curves(order, size, shares)
    found = evidence(np.concatenate([shared, own]))
    return read_curves(found[: len(shared)], found[len(shared) :], baseline, shares)


test_curves.__test__ = False  # type: ignore[attr-defined]


def shared_masks(others: Sequence[Order], size: tuple[int, int], shares: int = SHARES) -> Masks:
    """Return what the curves of all orders of an image share: nothing gone, all gone, and random orders step by step.

    Returns
    -------
    ndarray
        ``(2 + orders * (shares - 2), H, W)``.
    """
    ends = np.stack([np.zeros(size, bool), np.ones(size, bool)])
    return np.concatenate([ends, *(masks_of(other, size, _inner(shares)) for other in others)])


def masks_of_curves(order: Order, size: tuple[int, int], shares: int = SHARES) -> Masks:
    """Return which pixels are gone when an order is deleted, then inserted, step by step without the ends."""
    first = masks_of(order, size, _inner(shares))
    return np.concatenate([first, ~first])


def read_curves(shared: Values, own: Values, baseline: str, shares: int = SHARES) -> TestCurves:
    """Return the curves of the evidence ``(N,)`` for :func:`shared_masks` and for :func:`masks_of_curves`."""
    whole, gone, *random = (float(f"{value:.7g}") for value in shared)
    deleted, kept = ([float(f"{value:.7g}") for value in row] for row in own.reshape(2, -1))
    steps = shares - 2
    rows = [(whole, *random[start : start + steps], gone) for start in range(0, len(random), steps)]
    return TestCurves(
        baseline=baseline,
        deletion=(whole, *deleted, gone),
        insertion=(gone, *kept, whole),
        random_deletion=tuple(rows),
        random_insertion=tuple(row[::-1] for row in rows),
    )


def _inner(shares: int) -> Values:
    return np.linspace(0, 1, shares)[1:-1]


def in_parts(count: int, size: int) -> Iterator[slice]:
    """Return slices of at most so many, one after another."""
    for start in range(0, count, size):
        yield slice(start, min(count, start + size))
