"""Labelled images whose pixels are read when they are asked for: what every kind of data set becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reportgen.images.reader import Image


class Pictures(Protocol):
    """Where pixels come from: files, or an array that was read whole."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def read(self, index: int) -> Image:
        """Return one image as a report would read it; safe to call from several threads.

        Raises
        ------
        ImageError
            When it can't be read; the message names the file, or the archive and the place in it.
        """
        ...

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        """Return those of the given indices, without reading them."""
        ...


@runtime_checkable
class LocatedPictures(Pictures, Protocol):
    """Pictures of which it is known where what their label rests on is to be seen."""

    def read_located(self, index: int) -> tuple[Image, NDArray[np.bool_]]:
        """Return one image, and where on it is what it shows, ``(H, W)``; nowhere on one that shows nothing."""
        ...


@dataclass(frozen=True)
class Labelled:
    """Images, what they show, and whose they are.

    Attributes
    ----------
    pictures
        N images.
    labels
        ``(N,)`` int64, index into ``class_names``; or ``(N, K)`` bool where the classes are independent findings.
    class_names
        K names: of folders in alphabetical order, as Keras's folder loader has it; of archives in their own order.
    groups
        For each image whose it is: images of one patient share a group.
    names
        For each image what to call it in a list: a file name without folders, or its place in an archive.
    columns
        What else a manifest says of each image, by column.
    """

    pictures: Pictures
    labels: NDArray[np.int64] | NDArray[np.bool_]
    class_names: tuple[str, ...]
    groups: tuple[str, ...]
    names: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def of_findings(self) -> bool:
        """Whether an image can show several classes, or none."""
        return self.labels.ndim == 2

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Labelled:
        """Return the images of the given indices."""
        chosen = np.asarray(indices, np.int64)
        return Labelled(
            self.pictures.take(chosen),
            self.labels[chosen],
            self.class_names,
            tuple(self.groups[i] for i in chosen),
            tuple(self.names[i] for i in chosen),
            {name: tuple(values[i] for i in chosen) for name, values in self.columns.items()},
        )


@dataclass(frozen=True)
class Parts:
    """A data set as it is divided on the disk; what isn't divided is all in ``undivided``.

    Attributes
    ----------
    train, validation, test, undivided
        None where there is no such part. Never all None.
    kind
        What the data are, in words without paths: ``"folders of images"``, ``"CIFAR-10, python version"``.
    notes
        What a reader should know about the reading, one sentence each: digests that fit, images that were left out.
    patients
        Whether groups stand for patients, or may; False for archives whose images belong to nobody, each of which is a
        group of its own.
    """

    train: Labelled | None = None
    validation: Labelled | None = None
    test: Labelled | None = None
    undivided: Labelled | None = None
    kind: str = ""
    notes: tuple[str, ...] = ()
    patients: bool = True

    @classmethod
    def of(cls, found: Mapping[str, Labelled], kind: str, notes: Sequence[str] = (), *, patients: bool = True) -> Parts:
        """Make it of parts by name."""
        return cls(
            found.get("train"),
            found.get("validation"),
            found.get("test"),
            found.get("undivided"),
            kind,
            tuple(notes),
            patients,
        )

    @property
    def by_name(self) -> dict[str, Labelled]:
        """Those parts that there are, by name, in the order train, validation, test, undivided."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test, "undivided": self.undivided}
        return {name: part for name, part in parts.items() if part is not None}
