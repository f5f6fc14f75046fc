"""Phantoms as labelled data: drawn when they are asked for, each by its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled
from reportgen.demo import OPACITY_KINDS
from reportgen.demo.coverings import cover_phantom, draw_covering
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
    covered
        Whether parts of most of them are covered.
    """

    seeds: tuple[int, ...]
    covered: bool = False

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.seeds)

    def read(self, index: int) -> Image:
        """Draw one, larger than models see it, as a real radiograph would be."""
        seed = self.seeds[index]
        opacities = 0 if seed % 2 == 0 else 1 + seed // 2 % 3
        # where they are covered each kind is met as often as any other, also alone
        kinds = (*((kind,) for kind in OPACITY_KINDS), None)[seed // 8 % 4] if self.covered else None
        drawn = phantom(seed, opacities=opacities, kinds=kinds, size=(240 + seed % 5 * 12, 272))
        covering = draw_covering(seed, with_opacities=opacities > 0) if self.covered else None
        pixels = cover_phantom(drawn, covering) if covering else drawn.pixels
        return image_from_array(pixels, kind="phantom, gray 8 bit")

    def take(self, indices: NDArray[np.int64]) -> PhantomPictures:
        """Return those of the given indices."""
        return replace(self, seeds=tuple(self.seeds[index] for index in indices))


def phantom_data(count: int, first_seed: int) -> Labelled:
    """Return phantoms, alternately normal and with opacities, each a patient of its own.

    Parameters
    ----------
    count
        How many.
    first_seed
        Seed of the first; the next has the next.
    """
    seeds = tuple(range(first_seed, first_seed + count))
    names = tuple(f"phantom {seed}" for seed in seeds)
    labels = np.array([seed % 2 for seed in seeds], np.int64)
    return Labelled(PhantomPictures(seeds), labels, PHANTOM_CLASSES, names, names)


def with_coverings(data: Labelled) -> Labelled:
    """Return phantoms of which parts of most are covered, labelled by what is left to be seen.

    Parameters
    ----------
    data
        As :func:`phantom_data` gives them, or a part of that.
    """
    assert isinstance(data.pictures, PhantomPictures)  # noqa: S101 - nothing else has seeds
    seeds = data.pictures.seeds
    coverings = [draw_covering(seed, with_opacities=seed % 2 == 1) for seed in seeds]
    labels = [int(one.is_ill) if one else seed % 2 for seed, one in zip(seeds, coverings, strict=True)]
    return replace(data, pictures=PhantomPictures(seeds, covered=True), labels=np.array(labels, np.int64))
