"""Where pixels come from: files that are read when they are asked for, or an array that was read whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.images.reader import Image, image_from_array, read_image
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError


@dataclass(frozen=True)
class FilePictures:
    """Image files, read one at a time.

    Attributes
    ----------
    paths
        N files.
    images, limits
        How to read them, and how large they may be; None: as reports do by default.
    """

    paths: tuple[Path, ...]
    images: ImageSettings | None = None
    limits: LimitSettings | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.paths)

    def read(self, index: int) -> Image:
        """Return one image as a report would read it.

        Raises
        ------
        ImageError
            When it can't be read; the message names the file.
        """
        try:
            return read_image(self.paths[index], self.images, self.limits)
        except ImageError as problem:
            raise ImageError(problem.what, "remove it from the data or replace it") from None

    def take(self, indices: NDArray[np.int64]) -> FilePictures:
        """Return those of the given indices."""
        return replace(self, paths=tuple(self.paths[index] for index in indices))


@dataclass(frozen=True)
class StackedPictures:
    """Images of one size in one array.

    Attributes
    ----------
    pixels
        ``(M, H, W)`` gray, ``(M, H, W, 1)`` or ``(M, H, W, 3)``, uint8. Shared by all that are taken of it.
    kind
        What to call their origin: ``"CIFAR-10"``.
    chosen
        ``(N,)``: which of them, in which order; None: all.
    """

    pixels: NDArray[np.uint8]
    kind: str
    chosen: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pixels) if self.chosen is None else len(self.chosen)

    def read(self, index: int) -> Image:
        """Return one image."""
        return image_from_array(self.pixels[index if self.chosen is None else self.chosen[index]], kind=self.kind)

    def take(self, indices: NDArray[np.int64]) -> StackedPictures:
        """Return those of the given indices, without copying any."""
        return replace(self, chosen=indices if self.chosen is None else self.chosen[indices])

    def stacked(self, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
        """Return those from one to before another as one array, of the type and rank of ``pixels``."""
        if self.chosen is None:
            return self.pixels[start:stop]
        return self.pixels[self.chosen[start:stop]]


def name_files(paths: Sequence[Path], images: ImageSettings | None) -> tuple[str, ...]:
    """Return what to call files in a list: their names without folders.

    DICOM files, told by their ending or by having none, are often named after patients: they are numbered instead,
    unless names are kept.
    """
    if images is not None and images.keep_names:
        return tuple(_plain(path) for path in paths)
    return tuple(
        f"DICOM {number}" if path.suffix.lower() in {".dcm", ".dicom", ""} else _plain(path)
        for number, path in enumerate(paths, 1)
    )


def _plain(path: Path) -> str:
    # bytes of a name that are no text would break whoever writes them down
    return path.name.encode("utf-8", "replace").decode()
