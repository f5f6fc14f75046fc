"""Folders of images, one a class, in one tree or divided into train, validation and test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.patients import patient_finder
from reportgen.datasets.pictures import FilePictures, name_files
from reportgen.report.names import are_different, find_name
from reportgen.settings.data import DataSettings
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ReportgenError
from reportgen.system.language import say

ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".dcm", ".dicom"}
PART_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
SKIPPED = (".", "__MACOSX")
_UNDIVIDED = "undivided"
_OTHERS = {".csv", ".tsv", ".npz", ".gz", ".tar"}  # what may be meant where a folder holds no classes


def read_folders(
    root: Path,
    settings: DataSettings | None = None,
    images: ImageSettings | None = None,
    limits: LimitSettings | None = None,
) -> Parts:
    """Read ``root/CLASS/...image``, or ``root/train/CLASS/...image`` and so on; pixels are read later.

    Parameters
    ----------
    root
        Holds one folder a class, images at any depth below it; or ``train``, ``val`` (``valid``, ``validation``) and
        ``test``, or some of these, which hold such folders.
    settings, images, limits
        Whose an image is, how images are read, and how large they may be.

    Raises
    ------
    ReportgenError
        When there are fewer than two classes with images, two whose names mean the same, or parts whose classes differ.
    """
    settings = settings or DataSettings()
    if not root.is_dir():
        raise ReportgenError(f"{root} is not a folder", "give a folder that holds one folder of images a class")
    parts = part_folders(root)
    trees = {part: _class_trees(folder) for part, folder in parts.items()}
    names = _class_names(parts, trees)
    find_patient = patient_finder(settings.patient)
    read: dict[str, Labelled] = {}
    for part, tree in trees.items():
        files = [(path, number) for number, name in enumerate(names) for path in _of_class(tree, name)]
        if not files:
            continue
        paths = tuple(folder / below for (folder, below), _ in files)
        read[part] = Labelled(
            FilePictures(paths, images, limits),
            np.array([number for _, number in files], np.int64),
            names,
            tuple(find_patient(below) for (_, below), _ in files),
            name_files(paths, images),
        )
    return Parts.of(read, say("folders of images"), [*_left_out(root, parts), *_nested(read, trees)])


_Tree = Mapping[Path, list[Path]]  # class folder -> its images, relative to it


def part_folders(root: Path) -> dict[str, Path]:
    """Return the folders of parts; the root itself as undivided where there are none."""
    parts: dict[str, Path] = {}
    for sub in subfolders(root):
        part = PART_NAMES.get(sub.name.casefold())
        # a class may be called test: then its images lie directly in it
        if part is None or not any(image_files(inner) for inner in subfolders(sub)):
            continue
        if part in parts:
            raise ReportgenError(
                f"{root} holds {parts[part].name} and {sub.name}, which mean the same", "put them together"
            )
        parts[part] = sub
    return dict(sorted(parts.items(), key=lambda item: list(PART_NAMES.values()).index(item[0]))) or {_UNDIVIDED: root}


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that aren't hidden, in the order of their names."""
    return [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and not sub.name.startswith(SKIPPED)]


def image_files(folder: Path) -> list[Path]:
    """Return the images at any depth below a folder, relative to it, in the order of their paths."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(SKIPPED)]
        below = Path(where).relative_to(folder)
        found += [below / name for name in files if Path(name).suffix.lower() in ENDINGS and name[0] != "."]
    return sorted(found)


def _class_trees(folder: Path) -> _Tree:
    return {sub: image_files(sub) for sub in subfolders(folder)}


def _class_names(parts: Mapping[str, Path], trees: Mapping[str, _Tree]) -> tuple[str, ...]:
    """Return the names of the classes, from the first part; check that all parts have the same."""
    names: tuple[str, ...] = ()
    for part, tree in trees.items():
        own = tuple(sub.name for sub, files in tree.items() if files)
        root = parts[part]
        if len(own) < 2:
            raise ReportgenError(f"{root} holds {len(own)} class folders", _advice(root))
        if not are_different(own):
            raise ReportgenError(
                f"{root} holds class folders whose names mean the same: {', '.join(own)}",
                "capitals, spaces, _ and - don't count: put them together or rename one",
            )
        names = names or own
        if {find_name(name, names) for name in own} != set(range(len(names))):
            raise ReportgenError(
                f"{root} holds other classes than {next(iter(parts.values()))}: {', '.join(own)}, not "
                f"{', '.join(names)}",
                "give each part a folder with images for each class",
            )
    return names


def _advice(root: Path) -> str:
    others = [path.name for path in sorted(root.iterdir()) if path.suffix.lower() in _OTHERS and path.is_file()]
    return f"give its {others[0]} instead" if others else "it needs at least two, with images in each"


def _of_class(tree: _Tree, name: str) -> list[tuple[Path, Path]]:
    return [(sub, below) for sub, files in tree.items() if find_name(sub.name, [name]) == 0 for below in files]


def _left_out(root: Path, parts: Mapping[str, Path]) -> list[str]:
    if _UNDIVIDED in parts:
        return []
    others = [sub.name for sub in subfolders(root) if sub not in parts.values()]
    return [say("Left out, beside the folders of parts: {names}.", names=", ".join(others))] if others else []


def _nested(read: Mapping[str, Labelled], trees: Mapping[str, _Tree]) -> list[str]:
    """Say so where images lie in folders of their own, but no patient was found for any."""
    deep = any(len(below.parts) > 1 for tree in trees.values() for files in tree.values() for below in files)
    stems = {below.stem for tree in trees.values() for files in tree.values() for below in files}
    if not deep or not all(group in stems for data in read.values() for group in data.groups):
        return []
    return [
        say("Images lie in folders below their class, and the pattern finds no patient in any name: each counts alone.")
    ]
