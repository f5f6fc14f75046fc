"""Several parts of a data set as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled, Pictures
from reportgen.images.reader import Image


@dataclass(frozen=True)
class JoinedPictures:
    """Pictures of several places, one after another.

    Attributes
    ----------
    places
        ``(N, 2)``: which of the sources, and which picture of it.
    sources
        Where they come from.
    """

    places: NDArray[np.int64]
    sources: tuple[Pictures, ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.places)

    def read(self, index: int) -> Image:
        """Return one image."""
        source, place = self.places[index]
        image: Image = self.sources[source].read(int(place))
        return image

    def take(self, indices: NDArray[np.int64]) -> JoinedPictures:
        """Return those of the given indices."""
        return JoinedPictures(self.places[indices], self.sources)


def join(parts: Sequence[Labelled]) -> Labelled:
    """Return several data with the same classes as one, in their order; a column that one lacks is empty there."""
    if len(parts) == 1:
        return parts[0]
    places = [np.stack([np.full(len(part), number), np.arange(len(part))], axis=1) for number, part in enumerate(parts)]
    columns = dict.fromkeys(name for part in parts for name in part.columns)
    return Labelled(
        JoinedPictures(np.concatenate(places), tuple(part.pictures for part in parts)),
        np.concatenate([part.labels for part in parts]),
        parts[0].class_names,
        tuple(group for part in parts for group in part.groups),
        tuple(name for part in parts for name in part.names),
        {name: tuple(v for part in parts for v in part.columns.get(name, ("",) * len(part))) for name in columns},
    )
