"""Tables of images: a CSV or TSV file with a row an image, its label, and what else is known of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.folders import PART_NAMES
from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.patients import patient_finder
from reportgen.datasets.pictures import FilePictures, name_files
from reportgen.report.names import are_different, plain_name
from reportgen.settings.data import DataSettings
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import ReportgenError
from reportgen.system.files import read_bytes
from reportgen.system.language import say

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "file", "filename", "path", "image path", "image file", "image index", "image id"),
    "label": ("label", "labels", "class", "finding", "findings", "diagnosis", "finding labels"),
    "patient": ("patient", "patient id", "subject", "subject id"),
    "split": ("split", "set", "part", "fold"),
}
MOST_BYTES = 1 << 30
_DELIMITERS = ",\t;"
_NONE = {"nofinding", "nofindings"}
_UNDIVIDED = "undivided"


@dataclass(frozen=True)
class Table:
    """A table as texts.

    Attributes
    ----------
    path
        Where it was read; images count from its folder.
    header
        Names of its columns.
    rows
        As many cells each.
    lines
        For each row the number of its line in the file.
    """

    path: Path | RemotePath
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, place: int) -> tuple[str, ...]:
        """Return the cells of a column."""
        return tuple(row[place] for row in self.rows)

    def refuse_empty(self, place: int, what: str) -> None:
        """Raise a ReportgenError where a cell of a column is empty."""
        empty = [line for line, value in zip(self.lines, self.column(place), strict=True) if not value]
        if empty:
            others = f", as have {len(empty) - 1:,} others" if len(empty) > 1 else ""
            raise ReportgenError(
                f"{self.path}, line {empty[0]}: no {what} in column '{self.header[place]}'{others}",
                "fill it in, or remove the row",
            )


def read_manifest(
    path: Path,
    settings: DataSettings | None = None,
    images: ImageSettings | None = None,
    limits: LimitSettings | None = None,
) -> Parts:
    """Read a table of images; pixels are read later.

    Parameters
    ----------
    path
        CSV with commas, tabs or semicolons, UTF-8 (or UTF-16 with a mark); its first row names the columns. Paths of
        images count from its folder.
    settings, images, limits
        Which columns are what, how images are read, and how large they may be.

    Returns
    -------
    Parts
        Divided as a split column says. Where some image has several findings, or none (``No Finding``) beside images
        that have several, labels are ``(N, K)`` bool.

    Raises
    ------
    ReportgenError
        When it is no such table, or images or labels are missing; the message names the line.
    """
    settings = settings or DataSettings()
    table = read_table(path)
    places, notes = _find_columns(table, settings)
    table.refuse_empty(places["image"], "image")
    table.refuse_empty(places["label"], "label")
    files = _find_files(table, path.parent, table.column(places["image"]))
    labels, names = _read_labels(table, places["label"], settings.separator)
    data = Labelled(
        FilePictures(files, images, limits),
        labels,
        names,
        _find_patients(table, places, settings),
        name_files(files, images),
        {name: table.column(place) for place, name in enumerate(table.header) if place not in places.values()},
    )
    return Parts.of(_divide(table, places, data), say("a manifest of images"), notes)


def read_table(path: Path) -> Table:
    """Read a table with commas, tabs or semicolons, UTF-8 or UTF-16, whose first row names the columns.

    Raises
    ------
    ReportgenError
        When it is none; the message names the line.
    """
    text = _decode(path)
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, numbers = [], []
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append(tuple(cell.strip() for cell in cells))
                numbers.append(lines.line_num)
    except csv.Error as problem:
        raise ReportgenError(f"{path}, line {lines.line_num}: {problem}", "mend the line") from None
    if len(rows) < 2:
        raise ReportgenError(f"{path} has no rows", "its first row names the columns, each other is an image")
    width = len(rows[0])
    for row, number in zip(rows, numbers, strict=True):
        if len(row) != width:
            raise ReportgenError(
                f"{path}, line {number}: {len(row)} cells, where the first row has {width}",
                "give each row the same cells; put those that hold the delimiter in quotation marks",
            )
    return Table(path, rows[0], tuple(rows[1:]), tuple(numbers[1:]))


def _decode(path: Path) -> str:
    data = read_bytes(path, ReportgenError, "manifest", limit=MOST_BYTES, when_larger="divide it")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise ReportgenError(f"{path}, line {line}: not UTF-8 text", "save it as CSV in UTF-8") from None


def _find_columns(table: Table, settings: DataSettings) -> tuple[dict[str, int], list[str]]:
    """Return the places of the columns that have a meaning, and notes on those that seem to but can't be used."""
    wanted = {
        "image": settings.image_column,
        "label": settings.label_column,
        "patient": settings.patient_column,
        "split": settings.split_column,
    }
    places = find_columns(table, wanted, needed=("image", "label"))
    notes = []
    if "split" in places and settings.split_column is None and not _are_parts(table.column(places["split"])):
        notes.append(
            say(
                "Column '{name}' doesn't say train, validation or test: it isn't used.",
                name=table.header[places["split"]],
            )
        )
        del places["split"]
    return places, notes


def find_columns(table: Table, wanted: Mapping[str, str | None], *, needed: Sequence[str]) -> dict[str, int]:
    """Return the places of the columns that have a meaning.

    Parameters
    ----------
    table
        As read.
    wanted
        For each meaning the column that has it; None: the first with a name in :data:`USUAL_NAMES`, or with that of the
        meaning; empty: none has. Capitals, spaces, ``_`` and ``-`` don't count.
    needed
        Meanings that a column must have.

    Raises
    ------
    ReportgenError
        When one is missing, or two have the name.
    """
    places: dict[str, int] = {}
    for what, named in wanted.items():
        if named == "":
            continue
        fitting: tuple[str, ...] = USUAL_NAMES.get(what, (what,)) if named is None else (named,)
        found = [
            place
            for name in fitting
            for place, other in enumerate(table.header)
            if plain_name(other) == plain_name(name) and place not in places.values()
        ]
        if named is not None and len(found) > 1:
            raise ReportgenError(f"{table.path} has {len(found)} columns called '{named}'", "rename one")
        if found:
            places[what] = found[0]
        elif named is not None or what in needed:
            called = "called " + (f"'{named}'" if named is not None else ", ".join(fitting[:5]))
            raise ReportgenError(
                f"{table.path} has no column of {what}s, {called}: it has {', '.join(table.header)}",
                f"name the column of {what}s",
            )
    return places


def _are_parts(values: Sequence[str]) -> bool:
    return all(value.casefold() in PART_NAMES for value in values)


def _find_files(table: Table, folder: Path, given: Sequence[str]) -> tuple[Path, ...]:
    files = [folder / forward_slashes(text, folder) for text in given]
    missing = [number for number, file in enumerate(files) if not is_file(file)]
    if missing:
        first = missing[0]
        raise ReportgenError(
            f"{table.path}: {len(missing):,} of {len(files):,} images are missing, the first: {given[first]} "
            f"(line {table.lines[first]})",
            "paths count from the folder of the table",
        )
    return tuple(files)


def forward_slashes(text: str, folder: Path) -> str:
    """Return a path with slashes where it was written with backslashes, on another system."""
    return text.replace("\\", "/") if "\\" in text and not is_file(folder / text) else text


def is_file(path: Path) -> bool:
    """Return whether a path names a file; a path that none can have doesn't."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        # too long for a name, or with a character that none can have
        return False


def _read_labels(
    table: Table, place: int, separator: str
) -> tuple[NDArray[np.int64] | NDArray[np.bool_], tuple[str, ...]]:
    texts = table.column(place)
    several = [_findings(text, separator) for text in texts]
    of_findings = any(separator in text for text in texts) if separator else False
    if not of_findings:
        several = [[text] for text in texts]
    names = tuple(sorted({name for row in several for name in row}, key=_order))
    if len(names) < (1 if of_findings else 2):
        raise ReportgenError(
            f"{table.path} has one label only: {', '.join(names) or texts[0]}", "it needs at least two classes"
        )
    if not are_different(names):
        alike = [name for name in names if [plain_name(other) for other in names].count(plain_name(name)) > 1]
        raise ReportgenError(
            f"{table.path} has labels that mean the same: {', '.join(alike)}",
            "capitals, spaces, _ and - don't count: write them alike",
        )
    number = {name: at for at, name in enumerate(names)}
    if not of_findings:
        return np.array([number[row[0]] for row in several], np.int64), names
    found = np.zeros((len(several), len(names)), np.bool_)
    for at, row in enumerate(several):
        found[at, [number[name] for name in row]] = True
    return found, names


def _findings(text: str, separator: str) -> list[str]:
    parts = [part.strip() for part in text.split(separator)] if separator else [text]
    return [part for part in parts if part and plain_name(part) not in _NONE]


def _order(name: str) -> tuple[bool, int, str]:
    """Sort whole numbers by their value, before all else."""
    whole = name.isascii() and name.isdigit() and len(name) < 10
    return not whole, int(name) if whole else 0, name


def _find_patients(table: Table, places: Mapping[str, int], settings: DataSettings) -> tuple[str, ...]:
    find = patient_finder(settings.patient)
    by_name = [find(PurePath(text.replace("\\", "/"))) for text in table.column(places["image"])]
    if "patient" not in places:
        return tuple(by_name)
    stated = table.column(places["patient"])
    return tuple(patient or name for patient, name in zip(stated, by_name, strict=True))


def _divide(table: Table, places: Mapping[str, int], data: Labelled) -> dict[str, Labelled]:
    if "split" not in places:
        return {_UNDIVIDED: data}
    parts: dict[str, list[int]] = {}
    for at, value in enumerate(table.column(places["split"])):
        part = PART_NAMES.get(value.casefold())
        if part is None:
            raise ReportgenError(
                f"{table.path}, line {table.lines[at]}: '{value}' in column '{table.header[places['split']]}' is no "
                "part",
                "write train, validation or test",
            )
        parts.setdefault(part, []).append(at)
    return {part: data.take(chosen) for part, chosen in parts.items()}
