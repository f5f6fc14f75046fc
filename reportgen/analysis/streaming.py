"""Statistics of a stream: one value after another, none of them kept, and parts that merge.

Any order, and any division into parts that are merged afterwards, gives the same to rounding.

Moments: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", The American Statistician 37 (1983).
Samples, of the k smallest hashes: Cohen and Kaplan, "Summarizing Data using Bottom-k Sketches", PODC 2007.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Value = TypeVar("Value")


class Moments:
    """Count, mean and variance of arrays of one shape, place by place.

    Values that are not finite are left out where they stand: each place has a count of its own.

    Parameters
    ----------
    shape
        Of the arrays.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count: NDArray[np.int64] = np.zeros(shape, np.int64)
        """How many finite values each place has had."""
        self.mean: Floats = np.zeros(shape)
        """Of these; 0 where there was none."""
        self._squares: Floats = np.zeros(shape)

    def add(self, values: NDArray[Any]) -> None:
        """Take one array more.

        Raises
        ------
        ValueError
            When it has another shape.
        """
        if np.shape(values) != self.mean.shape:
            raise ValueError(f"shape {np.shape(values)}, not {self.mean.shape}")
        given = np.asarray(values, np.float64)
        known = np.isfinite(given)
        self.count += known
        # a value that isn't known is where the mean is: it moves nothing
        new = np.where(known, given, self.mean)
        shift = new - self.mean
        self.mean = self.mean + shift / np.maximum(self.count, 1)
        self._squares = self._squares + shift * (new - self.mean)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both together.

        Raises
        ------
        ValueError
            When they are of other shapes.
        """
        if other.mean.shape != self.mean.shape:
            raise ValueError(f"shape {other.mean.shape}, not {self.mean.shape}")
        both = Moments(self.mean.shape)
        both.count = self.count + other.count
        share = other.count / np.maximum(both.count, 1)
        shift = other.mean - self.mean
        both.mean = self.mean + shift * share
        both._squares = self._squares + other._squares + shift**2 * self.count * share
        return both

    @property
    def total(self) -> Floats:
        """The sum of all values."""
        return np.asarray(self.mean * self.count)

    @property
    def variance(self) -> Floats:
        """The sample variance (n - 1); NaN where there are fewer than two values."""
        known = self.count > 1
        return np.where(known, self._squares / np.maximum(self.count - 1, 1), np.nan)


@dataclass
class Sample(Generic[Value]):
    """At most so many of a stream's values, chosen by a hash of their keys: all of them where they are fewer.

    Attributes
    ----------
    size
        How many are kept, at least 1.
    seen
        How many there were.
    """

    size: int
    seen: int = 0
    _kept: list[tuple[int, str, Value]] = field(default_factory=list, repr=False)

    def add(self, key: str, value: Value) -> None:
        """Offer a value; keys are unique."""
        self.seen += 1
        self._offer((-_hash(key), key, value))

    def merge(self, other: Sample[Value]) -> Sample[Value]:
        """Return the sample of both streams; of the smaller size, if they differ."""
        both = Sample[Value](min(self.size, other.size), self.seen + other.seen)
        for one in (*self._kept, *other._kept):
            both._offer(one)
        return both

    @property
    def is_whole(self) -> bool:
        """Whether all values are kept."""
        return self.seen == len(self._kept)

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def __iter__(self) -> Iterator[Value]:
        """Give the values in the order of their keys."""
        return (value for _, _, value in sorted(self._kept, key=lambda one: one[1]))

    def keys(self) -> list[str]:
        """Return the keys in their order."""
        return sorted(key for _, key, _ in self._kept)

    def _offer(self, one: tuple[int, str, Value]) -> None:
        if len(self._kept) < self.size:
            heapq.heappush(self._kept, one)
        elif one[:2] > self._kept[0][:2]:
            heapq.heapreplace(self._kept, one)


@dataclass
class Best(Generic[Value]):
    """The values with the highest ranks of a stream, of equal ones those whose keys come first.

    Attributes
    ----------
    size
        How many are kept.
    """

    size: int
    _kept: list[tuple[float, str, Value]] = field(default_factory=list, repr=False)

    def add(self, rank: float, key: str, value: Value) -> None:
        """Offer a value; a rank that is not finite is none."""
        if np.isfinite(rank):
            self._kept.append((rank, key, value))
            if len(self._kept) > 2 * self.size + 8:
                self._kept = self._ordered()

    def merge(self, other: Best[Value]) -> Best[Value]:
        """Return the best of both streams."""
        both = Best[Value](self.size, [*self._kept, *other._kept])
        both._kept = both._ordered()
        return both

    def _ordered(self) -> list[tuple[float, str, Value]]:
        return sorted(self._kept, key=lambda one: (-one[0], one[1]))[: self.size]

    def __iter__(self) -> Iterator[tuple[float, Value]]:
        """Give (rank, value), the highest first."""
        return ((rank, value) for rank, _, value in self._ordered())


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
