"""The cases of a folder, a pattern or a file of this machine, told by names and the first bytes of files."""

from __future__ import annotations

import glob
import hashlib
import os
from pathlib import Path

from reportgen.batch.items import CaseRow
from reportgen.batch.storage import is_dicom_file
from reportgen.batch.tables import PARQUET
from reportgen.datasets.folders import image_files, part_folders, subfolders
from reportgen.settings.batch import CaseSource
from reportgen.system.errors import ReportgenError, SettingsError

KINDS = {"classes": "folders of classes", "studies": "a folder of DICOM studies", "files": "a folder of images"}
KEY_DIGITS = 8  # of a digest that tells one from another
_UNDIVIDED = "undivided"


def is_pattern_here(text: str, path: Path) -> bool:
    """Return whether a text is a pattern, and not the name of something that is there."""
    return any(letter in text for letter in "*?[") and not os.path.lexists(path)


def is_image_here(path: Path) -> bool:
    """Return whether a single file is taken for an image: whatever isn't text or Parquet."""
    with path.open("rb") as file:
        head = file.read(512)
    return b"\0" in head.replace(b"\xff\xfe", b"") and not head.startswith((PARQUET, b"\xff\xfe", b"\xfe\xff"))


def rows_of_pattern(pattern: str) -> list[CaseRow]:
    """Return the files that a pattern means, in order."""
    # pathlib's own takes no pattern that begins at the root
    found = sorted(name for name in glob.glob(pattern, recursive=True) if Path(name).is_file())  # noqa: PTH207
    base = os.path.commonpath([str(Path(name).parent) for name in found]) if found else ""
    return [CaseRow(name, os.path.relpath(name, base or ".")) for name in found]


def rows_of_folder(root: Path, source: CaseSource) -> tuple[list[CaseRow], str]:
    """Return the cases of a folder, and what it is in words.

    Raises
    ------
    ReportgenError
        When it can't be read as the kind that was asked for, or hasn't got the part.
    """
    kind = source.kind
    if kind == "manifest":
        raise ReportgenError(f"{root} is a folder", "name the table in it")
    if kind == "auto":
        kind = _kindrows_of_folder(root)
    if kind == "classes":
        return _of_classes(root, source), KINDS[kind]
    if kind == "studies":
        return [
            CaseRow(str(path), place, columns=(("study", study_of(place)),))
            for path, place in _files_below(root)
            if is_dicom_file(str(path))
        ], KINDS[kind]
    below = [root / place for place in image_files(root)]
    return [CaseRow(str(path), path.relative_to(root).as_posix()) for path in below], KINDS["files"]


def _kindrows_of_folder(root: Path) -> str:
    """Tell what a folder holds.

    DICOM files two folders deep are studies of patients; else, where at least two folders hold images, they are named
    after what their images show.
    """
    files = _files_below(root)
    dicom = [place for path, place in files[:64] if is_dicom_file(str(path))]
    if dicom and all(place.count("/") != 1 for place in dicom):
        return "studies"
    holding = [sub for part in part_folders(root).values() for sub in subfolders(part) if image_files(sub)]
    return "classes" if len(holding) > 1 else "studies" if dicom else "files"


def _files_below(root: Path) -> list[tuple[Path, str]]:
    """Return all files that aren't hidden, with their places below the folder, in order."""
    found = []
    for where, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(where) / name for name in names if not name.startswith((".", "DICOMDIR"))]
    return sorted((path, path.relative_to(root).as_posix()) for path in found)


def study_of(place: str) -> str:
    """Return what tells the folder of a study from others, and nothing else."""
    return "study-" + hashlib.sha256(os.fsencode(Path(place).parent.as_posix())).hexdigest()[:KEY_DIGITS]


def _of_classes(root: Path, source: CaseSource) -> list[CaseRow]:
    parts = part_folders(root)
    wanted = source.split or ("test" if "test" in parts else "all")
    if wanted not in (*parts, "all"):
        raise SettingsError(f"{root} has no {wanted} images: it has {' and '.join(parts)}", "choose with --split")
    rows = []
    for part, folder in parts.items():
        if wanted not in (part, "all"):
            continue
        columns = () if part == _UNDIVIDED else (("part", part),)
        for sub in subfolders(folder):
            rows += [
                CaseRow(str(sub / below), (sub / below).relative_to(root).as_posix(), sub.name, columns=columns)
                for below in image_files(sub)
            ]
    return rows
