"""Training images as arrays, and what a network is to give for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1024  # images that are looked through at a time
Labels = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Labelled images of one size.

    Attributes
    ----------
    images
        ``(N, H, W, C)`` uint8, raw-image units.
    labels
        ``(N,)`` int64, index into ``class_names``; or ``(N, K)`` bool of independent findings.
    class_names
        K names.
    sources
        ``(N,)`` int64, which data set each image is of, where several were joined; None: all of one.
    groups
        For each image whose it is; empty where that isn't known.
    regions
        ``(N, H, W)`` bool, where what the label rests on is to be seen; None: known of none.
    located
        ``(N,)`` bool, of which images ``regions`` knows that: nowhere on an image that shows nothing.
    """

    images: NDArray[np.uint8]
    labels: Labels
    class_names: tuple[str, ...]
    sources: NDArray[np.int64] | None = None
    groups: tuple[str, ...] = ()
    regions: NDArray[np.bool_] | None = None
    located: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def of_findings(self) -> bool:
        """Whether an image can show several classes, or none."""
        return self.labels.ndim == 2

    @property
    def is_gray(self) -> bool:
        """Whether all channels of all images are the same, as those of a radiograph read as RGB are."""
        first = self.images[..., :1]
        chunks = range(0, len(self.images), _CHUNK)
        return all((self.images[at : at + _CHUNK, ..., 1:] == first[at : at + _CHUNK]).all() for at in chunks)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Examples:
        """Return the images of the given indices."""
        chosen = np.asarray(indices, np.int64)
        sources = None if self.sources is None else self.sources[chosen]
        groups = tuple(self.groups[index] for index in chosen) if self.groups else ()
        regions = None if self.regions is None else self.regions[chosen]
        located = None if self.located is None else self.located[chosen]
        return Examples(self.images[chosen], self.labels[chosen], self.class_names, sources, groups, regions, located)

    def digest(self) -> str:
        """Return a digest of pixels and labels: the same data, the same text."""
        seen = hashlib.sha256(repr((self.images.shape, self.class_names)).encode())
        for start in range(0, len(self.images), _CHUNK):
            seen.update(self.images[start : start + _CHUNK].tobytes())
        seen.update(self.labels.tobytes())
        if self.sources is not None:
            seen.update(self.sources.tobytes())
        if self.regions is not None and self.located is not None:
            seen.update(np.packbits(self.regions).tobytes() + self.located.tobytes())
        return seen.hexdigest()


def join(parts: Sequence[Examples]) -> Examples:
    """Put examples of the same classes, in the same order, together."""
    if len(parts) == 1:
        return parts[0]
    regions = located = None
    if any(part.regions is not None for part in parts):
        empty = [np.zeros(part.images.shape[:3], bool) if part.regions is None else part.regions for part in parts]
        regions = np.concatenate(empty)
        known = [np.zeros(len(part), bool) if part.located is None else part.located for part in parts]
        located = np.concatenate(known)
    return Examples(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        parts[0].class_names,
        np.concatenate([np.full(len(part), number, np.int64) for number, part in enumerate(parts)]),
        tuple(chain.from_iterable(part.groups for part in parts)) if all(part.groups for part in parts) else (),
        regions,
        located,
    )


def targets_of(data: Examples, outputs: int, *, hard: bool = False) -> NDArray[np.float32]:
    """Return what the outputs should be.

    ``(N, 1)`` for one sigmoid; ``(N, K)``, one of them 1, for a softmax, or ``(N,)`` its number where that is enough
    (``hard``); ``(N, K)``, each 0 or 1, for findings.
    """
    if data.of_findings or (hard and outputs > 1):
        return data.labels.astype(np.float32)
    if outputs == 1:
        return data.labels[:, None].astype(np.float32)
    return np.eye(outputs, dtype=np.float32)[data.labels.astype(np.int64)]


def class_weights(data: Examples) -> NDArray[np.float32]:
    """Return for each class ``(K,)`` the weight that makes all classes count the same in the loss."""
    return _weigh_classes(data.labels.astype(np.int64), len(data.class_names))


def _weigh_classes(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / (classes * np.maximum(1, counts))).astype(np.float32)


def sample_weights(data: Examples, balance: str) -> NDArray[np.float32] | None:
    """Return ``(N,)``, how much each image counts in the loss; None where all count the same, as with findings.

    Classes are made to count the same in each source by itself: where one source had more of a class than another, a
    network would learn to tell the sources apart, and guess the class by that. And sources count the same: of phantoms
    any number can be drawn.
    """
    if balance != "weights" or data.of_findings:
        return None
    weights = np.empty(len(data), np.float32)
    sources = np.zeros(len(data), np.int64) if data.sources is None else data.sources
    known = np.unique(sources)
    for source in known:
        members = np.flatnonzero(sources == source)
        labels = data.labels[members].astype(np.int64)
        share = np.float32(len(data) / (len(known) * len(members)))
        weights[members] = share * _weigh_classes(labels, len(data.class_names))[labels]
    return weights


def epoch_order(data: Examples, balance: str, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the N indices of one epoch in order; seed and epoch settle it, whatever ran before.

    With ``balance="sampling"`` each class gets as many places as any other: images of a small class come several
    times, equally often up to one, and those of a large class take turns over the epochs.
    """
    random = np.random.default_rng([seed, epoch])
    if balance != "sampling" or data.of_findings:
        return random.permutation(len(data))
    members = [np.flatnonzero(data.labels == number) for number in range(len(data.class_names))]
    members = [indices for indices in members if len(indices)]
    places = np.full(len(members), len(data) // len(members))
    places[: len(data) % len(members)] += 1
    chosen = []
    for indices, count in zip(members, places, strict=True):
        rounds = [random.permutation(indices) for _ in range(-(-int(count) // len(indices)))]
        chosen.append(np.concatenate(rounds)[:count])
    return random.permutation(np.concatenate(chosen))
