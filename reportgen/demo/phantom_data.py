"""Phantoms as labelled data: drawn when they are asked for, each by its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled
from reportgen.demo import OPACITY_KINDS
from reportgen.demo.phantom import phantom
from reportgen.images.reader import Image, image_from_array

PHANTOM_CLASSES = ("NORMAL", "PNEUMONIA")


@dataclass(frozen=True)
class PhantomPictures:
    """Synthetic radiographs by seed: even ones are normal, odd ones have one to three opacities.

    Attributes
    ----------
    seeds
        Of each.
    each_kind
        Whether each kind of opacity is met as often as any other, and alone: one kind on three of four phantoms.
    """

    seeds: tuple[int, ...]
    each_kind: bool = False

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.seeds)

    def read(self, index: int) -> Image:
        """Draw one, larger than models see it, as a real radiograph would be."""
        return self.read_located(index)[0]

    def read_located(self, index: int) -> tuple[Image, NDArray[np.bool_]]:
        """Draw one, and say where its opacities are, ``(H, W)``."""
        seed = self.seeds[index]
        opacities = 0 if seed % 2 == 0 else 1 + seed // 2 % 3
        kinds = (*((kind,) for kind in OPACITY_KINDS), None)[seed // 8 % 4] if self.each_kind else None
        drawn = phantom(seed, opacities=opacities, kinds=kinds, size=(240 + seed % 5 * 12, 272))
        return image_from_array(drawn.pixels, kind="phantom, gray 8 bit"), drawn.opacities

    def take(self, indices: NDArray[np.int64]) -> PhantomPictures:
        """Return those of the given indices."""
        return replace(self, seeds=tuple(self.seeds[index] for index in indices))


def phantom_data(count: int, first_seed: int, *, each_kind: bool = False) -> Labelled:
    """Return phantoms, alternately normal and with opacities, each a patient of its own.

    Parameters
    ----------
    count
        How many.
    first_seed
        Seed of the first; the next has the next.
    each_kind
        See :class:`PhantomPictures`.
    """
    seeds = tuple(range(first_seed, first_seed + count))
    names = tuple(f"phantom {seed}" for seed in seeds)
    labels = np.array([seed % 2 for seed in seeds], np.int64)
    return Labelled(PhantomPictures(seeds, each_kind), labels, PHANTOM_CLASSES, names, names)
