"""The cases at an address: what lies below it, told by names alone, so that no object is read to make a plan."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.batch.storage import is_dicom_file
from reportgen.datasets.folders import ENDINGS, PART_NAMES, SKIPPED
from reportgen.system.addresses import READ_ONLY, RemotePath, is_remote, shown
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.system.remote import glob_remote, list_remote, state_of_remote

FIRST = 64


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its address, its place below what was given, and what its folders say."""

    address: str
    place: str
    label: str | None = None
    part: str | None = None


def is_pattern(address: str) -> bool:
    """Return whether an address is a pattern: in https a question mark is none."""
    return any(letter in address for letter in "*?[") and not address.lower().startswith(READ_ONLY)


def is_single_file(place: RemotePath) -> bool:
    """Return whether an address names a file."""
    return place.scheme in READ_ONLY or state_of_remote(place) is not None


def is_image_name(name: str) -> bool:
    """Return whether a file's name ends as those of images do."""
    return posixpath.splitext(name)[1].lower() in ENDINGS


def files_of_pattern(pattern: RemotePath) -> list[Found]:
    """Return the files that a pattern fits."""
    found = glob_remote(pattern)
    base = posixpath.commonpath([place.parent.address for place in found]) if found else ""
    return [Found(place.address, posixpath.relpath(place.address, base)) for place in found]


def files_of_tree(root: RemotePath, kind: str, split: str | None) -> tuple[list[Found], str]:
    """Return the files below an address, and what it holds: ``classes``, ``studies`` or ``files``.

    Raises
    ------
    ReportgenError
        When there are none, or not of the part that is wanted.
    """
    names = [name for name in list_remote(root) if not _is_hidden(name)]
    if not names:
        raise ReportgenError(f"cases not found: {root}", "check the address")
    kind = kind_of_names(names) if kind == "auto" else kind
    if kind == "manifest":
        raise ReportgenError(f"{root} is a folder", "name the table in it")
    if kind == "classes":
        found = list(_of_classes(root, names, split))
    else:
        found = [
            Found((root / name).address, name)
            for name in names
            if (is_dicom_file((root / name).address) if kind == "studies" else is_image_name(name))
        ]
    return found, kind


def kind_of_names(names: Sequence[str]) -> str:
    """Return what a folder holds, by the names in it; see :func:`reportgen.batch.cases.plan_items`."""
    dicom = [name for name in names[:FIRST] if is_dicom_file(f"s3://{name}")]
    if dicom and all(name.count("/") != 1 for name in dicom):
        return "studies"
    return "classes" if len({folders for folders, _ in _labelled(names)}) > 1 else "studies" if dicom else "files"


def _labelled(names: Sequence[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Give ((part, class), name) of the images that lie in folders of classes; without parts they are empty."""
    for name in names:
        first, *rest = name.split("/")
        if not rest or not is_image_name(name):
            continue
        part = PART_NAMES.get(first.casefold(), "") if len(rest) > 1 else ""
        yield (part, rest[0] if part else first), name


def _of_classes(root: RemotePath, names: Sequence[str], split: str | None) -> Iterator[Found]:
    labelled = list(_labelled(names))
    parts = sorted({part for (part, _), _ in labelled if part}, key=list(PART_NAMES.values()).index)
    wanted = split or ("test" if "test" in parts else "all")
    if wanted != "all" and wanted not in parts:
        raise SettingsError(
            f"{root} has no {wanted} images: it has {' and '.join(parts) or 'no parts'}", "choose with --split"
        )
    for (part, label), name in labelled:
        if part in (wanted, "") if not parts else part == wanted or (wanted == "all" and part):
            yield Found((root / name).address, name, label, part or None)


def _is_hidden(name: str) -> bool:
    *folders, last = name.split("/")
    return any(folder.startswith(SKIPPED) for folder in folders) or last.startswith((".", "DICOMDIR"))


def joined(folder: Path | RemotePath, text: str, where: str) -> str:
    """Return where a file lies that a table names.

    Parameters
    ----------
    folder
        The table's.
    text
        As the table has it: an address, or a path that counts from the folder.
    where
        The table and line, for the message.

    Raises
    ------
    ReportgenError
        When a table elsewhere names a file of this machine, or one outside of its bucket.
    """
    if is_remote(text):
        return RemotePath.of(text).address
    if not isinstance(folder, RemotePath):
        return str(folder / text)
    scheme, rest = shown(folder.address).split("://", 1)
    below = posixpath.normpath(f"{rest}/{text}")
    if text.startswith("/") or not below.startswith(f"{rest.split('/')[0]}/"):
        raise ReportgenError(
            f"{where}: {text:.200} is no place that counts from {folder}", "give an address, or a path from there"
        )
    return f"{scheme}://{below}"


def written(path: str, place: str, beside: Path | RemotePath) -> str:
    """Return what a table says of a file: a path from there, an address as it may be shown, or its name only."""
    if is_remote(path):
        return shown(path)
    return place if isinstance(beside, RemotePath) else os.path.relpath(path, beside)
