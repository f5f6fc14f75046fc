"""A pair of images of a folder that holds one folder for each of two classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from reportgen.datasets.folders import read_folders
from reportgen.datasets.labelled import Labelled
from reportgen.datasets.pictures import FilePictures
from reportgen.report.report import is_reference
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError, ReportgenError

LOOKED_AT = 12
RULE = f"of the first {LOOKED_AT} by name of each class, the two closest in size"
_PARTS = ("test", "validation", "undivided", "train")


@dataclass(frozen=True)
class Pair:
    """One image of each of two classes, the reference (a normal one) first.

    Attributes
    ----------
    labels
        The names of the classes.
    paths
        The files.
    part
        Of the folder: ``test``, ``validation``, ``train``, or ``undivided``.
    """

    labels: tuple[str, str]
    paths: tuple[Path, Path]
    part: str


def choose_pair(folder: Path, images: ImageSettings | None = None, limits: LimitSettings | None = None) -> Pair:
    """Choose an image of each of two classes, always the same of the same files.

    Of the test images, where there are any, else of those for validation, else of all: of the first twelve by name of
    each class the two whose heights and widths are closest (as ratios), the first by name of those that are as close.
    What can't be read is passed over.

    Parameters
    ----------
    folder
        Holds a folder of images for each of two classes; or ``train``, ``val``, ``test`` that do.
    images, limits
        How images are read, and how large they may be.

    Raises
    ------
    ReportgenError
        When it holds another number of classes, or none of the first images of a class can be read.
    """
    try:
        parts = read_folders(folder, None, images, limits).by_name
    except OSError as problem:
        raise ReportgenError(f"{folder} can't be read ({problem.strerror or problem})", "check it") from None
    part = next(name for name in _PARTS if name in parts)
    data = parts[part]
    if len(data.class_names) != 2:
        raise ReportgenError(
            f"{folder} holds {len(data.class_names)} classes ({', '.join(data.class_names)}), not two",
            "name the images: LABEL=IMAGE ...",
        )
    order = sorted((0, 1), key=lambda number: not is_reference(data.class_names[number]))
    one, other = (_sizes(data, number, folder) for number in order)
    _, first, second = min(
        (_distance(size, other_size), place, other_place)
        for place, (_, size) in enumerate(one)
        for other_place, (_, other_size) in enumerate(other)
    )
    labels = (data.class_names[order[0]], data.class_names[order[1]])
    return Pair(labels, (one[first][0], other[second][0]), part)


def _sizes(data: Labelled, number: int, folder: Path) -> list[tuple[Path, tuple[int, int]]]:
    """Return the first images of a class by name with their height and width."""
    places = [place for place, label in enumerate(data.labels.tolist()) if label == number]
    pictures = data.pictures
    assert isinstance(pictures, FilePictures)  # noqa: S101 - of a folder they are
    found = []
    for place in places[:LOOKED_AT]:
        try:
            found.append((pictures.paths[place], pictures.read(place).size))
        except ImageError:
            continue
    if not found:
        raise ReportgenError(
            f"none of the first images of '{data.class_names[number]}' in {folder} can be read",
            "name the images: LABEL=IMAGE ...",
        )
    return found


def _distance(size: tuple[int, int], other: tuple[int, int]) -> float:
    """Return how different two sizes are: 0 where they are the same, 1 where one side is e times as long."""
    return sum(abs(math.log(one / two)) for one, two in zip(size, other, strict=True))
