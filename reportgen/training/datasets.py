"""Folders of labelled images, and phantoms, as arrays; splits that keep a patient on one side."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.demo.phantom import phantom
from reportgen.images.fitting import prepare
from reportgen.images.reader import Image, image_from_array, read_image
from reportgen.report.names import are_different, are_the_same
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import ImageError, ReportgenError

ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".dcm", ".dicom"}
PHANTOM_CLASSES = ("NORMAL", "PNEUMONIA")
_PATIENT = re.compile(r"person\d+|(?:NORMAL2-)?IM-\d+")


@dataclass(frozen=True)
class Dataset:
    """Labelled images of one size.

    Attributes
    ----------
    images
        ``(N, H, W, C)`` uint8.
    labels
        ``(N,)`` int, index into ``class_names``.
    groups
        For each image whose it is: images of one patient share a group.
    class_names
        In alphabetical order, as Keras's folder loader has it.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Dataset:
        """Return the images of the given indices."""
        groups = tuple(self.groups[i] for i in indices)
        return Dataset(self.images[indices], self.labels[indices], groups, self.class_names)


def read_folder(folder: Path, shape: tuple[int, int, int]) -> Dataset:
    """Read ``folder/CLASS/image`` for every class, resized (bilinear) to the given shape.

    Parameters
    ----------
    folder
        Holds one folder a class; ``folder/train`` is used when it is there.
    shape
        (height, width, channels).

    Raises
    ------
    ReportgenError
        When there are fewer than two classes with images, or two whose names mean the same, or an image can't be read.
    """
    root = folder / "train" if (folder / "train").is_dir() else folder
    if not root.is_dir():
        raise ReportgenError(f"{root} is not a folder", "give a folder that holds one folder of images a class")
    classes = [sub for sub in sorted(root.iterdir()) if sub.is_dir() and any(_images(sub))]
    if len(classes) < 2:
        raise ReportgenError(f"{root} holds {len(classes)} class folders", "it needs at least two, with images in each")
    if not are_different([sub.name for sub in classes]):
        raise ReportgenError(
            f"{root} holds class folders whose names mean the same: {', '.join(sub.name for sub in classes)}",
            "capitals, spaces, _ and - don't count: put them together or rename one",
        )
    files = [(path, number) for number, sub in enumerate(classes) for path in _images(sub)]
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(lambda item: _read(item[0], shape), files))
    return Dataset(
        np.stack(images),
        np.array([number for _, number in files]),
        tuple(patient_of(path.name) for path, _ in files),
        tuple(sub.name for sub in classes),
    )


def draw_phantoms(count: int, shape: tuple[int, int, int], *, first_seed: int) -> Dataset:
    """Draw synthetic radiographs, alternately normal and with one to three opacities.

    Parameters
    ----------
    count
        How many.
    shape
        (height, width, channels) of the result; drawn larger and resized, as a real radiograph would be.
    first_seed
        Seed of the first; the next has the next.
    """

    def draw(seed: int) -> NDArray[np.uint8]:
        opacities = 0 if seed % 2 == 0 else 1 + seed // 2 % 3
        size = (240 + seed % 5 * 12, 272)
        return _fit(image_from_array(phantom(seed, opacities=opacities, size=size).pixels), shape)

    seeds = range(first_seed, first_seed + count)
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(draw, seeds))
    labels = np.array([seed % 2 for seed in seeds])
    stacked = np.stack(images) if images else np.zeros((0, *shape), np.uint8)
    return Dataset(stacked, labels, tuple(f"phantom{seed}" for seed in seeds), PHANTOM_CLASSES)


def join(first: Dataset, second: Dataset) -> Dataset:
    """Put two data sets of the same classes together.

    Raises
    ------
    ReportgenError
        When the classes differ.
    """
    if not are_the_same(first.class_names, second.class_names):
        raise ReportgenError(
            f"classes differ: {', '.join(first.class_names)} and {', '.join(second.class_names)}",
            "phantoms can only be added to data with the classes NORMAL and PNEUMONIA",
        )
    return Dataset(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
        first.groups + second.groups,
        first.class_names,
    )


def split_by_group(data: Dataset, share: float) -> tuple[Dataset, Dataset]:
    """Split so that no group stands on both sides: (the larger rest, about ``share`` of the groups).

    The side of a group follows from a digest of its name: the same whatever else is in the data.
    """
    held = np.array([_in_share(group, share) for group in data.groups], dtype=bool)
    return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))


def patient_of(name: str) -> str:
    """Return whose image a file is by its name (``person100_bacteria_475.jpeg`` -> ``person100``), else its stem."""
    found = _PATIENT.match(name)
    return found.group() if found else Path(name).stem


def _in_share(group: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") < share * 2**32


def _images(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS)


def _read(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    try:
        return _fit(read_image(path), shape)
    except ImageError as problem:
        raise ImageError(problem.what, "remove it from the data or replace it") from None


def _fit(image: Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Prepare an image as a report does, in whole numbers."""
    return np.rint(prepare(image, shape, PreprocessingSettings()).astype(np.float32)).astype(np.uint8)
