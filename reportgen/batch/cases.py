"""What was given -> what is to be done: a list of items, each a report of one case or of the cases of a group."""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.batch.remote_cases import (
    files_of_pattern,
    files_of_tree,
    is_image_name,
    is_pattern,
    is_single_file,
    joined,
    written,
)
from reportgen.batch.storage import is_dicom_file
from reportgen.batch.tables import PARQUET, read_any_table
from reportgen.datasets.folders import image_files, part_folders, subfolders
from reportgen.datasets.manifest import MOST_BYTES, Table, find_columns, forward_slashes
from reportgen.images.cases import MOST_CASES
from reportgen.outputs.site.records import slug
from reportgen.settings.batch import CaseSource
from reportgen.settings.job import CaseSettings
from reportgen.system.addresses import RemotePath, is_remote, shown
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.system.remote import fetched

ID_COLUMN = "reportgen_id"
_MEANINGS = ("image", "label", "case", "patient", "group", "pair", "frame", "mask", ID_COLUMN)
_UNDIVIDED = "undivided"
_KINDS = {"classes": "folders of classes", "studies": "a folder of DICOM studies", "files": "a folder of images"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}", re.ASCII)
_KEY = 8  # digits of a digest that tells items apart
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case: its files, and what a table says of it.

    Attributes
    ----------
    image
        The file.
    place
        The same as it was given, below the folder of the table or tree: what tells cases apart.
    label
        What it is said to show; None: unknown.
    frame, mask
        As :class:`reportgen.settings.job.CaseSettings` has them; None: none.
    columns
        All that the table says of it, by column.
    nameless
        Whether its file's name stays out of names: DICOM files are often named after patients.
    item
        Of a table that this program wrote: the item that it belongs to; else empty.
    """

    image: str
    place: str
    label: str | None = None
    frame: int | None = None
    mask: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    nameless: bool = False
    item: str = ""

    @property
    def settings(self) -> CaseSettings:
        """The case as a report takes it."""
        return CaseSettings(image=self.image, label=self.label, frame=self.frame, mask=self.mask)

    @property
    def files(self) -> tuple[str, ...]:
        """The image, and its mask where there is one."""
        return (self.image, *([] if self.mask is None else [self.mask]))


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One report to make.

    Attributes
    ----------
    id
        Its name in files and tables: letters, digits and hyphens, unlike all others, the same in every run; it says
        nothing of DICOM files but that they are some.
    cases
        1 to 12.
    """

    id: str
    cases: tuple[CaseRow, ...]


@dataclass(frozen=True)
class Plan:
    """All items, in order.

    Attributes
    ----------
    items
        What is to be done.
    kind
        What was given, in words.
    columns
        Names of what a table says of a case.
    """

    items: tuple[WorkItem, ...]
    kind: str
    columns: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """How many cases there are in all items."""
        return sum(len(item.cases) for item in self.items)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, each once, in the order in which they come."""
        found = dict.fromkeys(case.label for item in self.items for case in item.cases)
        return tuple(label for label in found if label is not None)


def plan_items(source: CaseSource, *, keep_names: bool = False) -> Plan:
    """Find the cases; no image is read, but the first bytes of each, to know DICOM files.

    Parameters
    ----------
    source
        What was given.
    keep_names
        Whether items may be named after DICOM files.

    Raises
    ------
    ReportgenError
        When it can't be found or makes no sense.
    """
    path = Path(source.cases)
    try:
        if is_remote(source.cases):
            rows, kind = _of_address(source)
        elif path.is_dir():
            rows, kind = _of_folder(path, source)
        elif _is_pattern(source.cases, path):
            rows, kind = _of_files(source.cases), "files"
        elif not path.exists():
            raise ReportgenError(f"cases not found: {path}", "check the path")
        elif source.kind == "files" or (source.kind == "auto" and _is_image(path)):
            rows, kind = [CaseRow(str(path), path.name)], "files"
        else:
            rows, kind = _of_table(read_any_table(path), source), "a table"
    except OSError as problem:
        raise ReportgenError(f"{path} can't be read ({problem.strerror or problem})", "check it") from None
    if not rows:
        raise ReportgenError(f"{source.cases} holds no images", "check the path")
    rows = [replace(row, nameless=not keep_names and is_dicom_file(row.image)) for row in rows]
    items = _named(_grouped(rows, source))
    columns = dict.fromkeys(name for row in rows for name, _ in row.columns)
    return Plan(tuple(items[: source.limit]), kind, tuple(columns))


def render_table(rows: Iterable[tuple[WorkItem, CaseRow, Mapping[str, str]]], beside: Path | RemotePath) -> bytes:
    """Return cases as a table that can be given again, with further columns.

    Parameters
    ----------
    rows
        (item, case, values of further columns by name).
    beside
        The folder that the table will lie in: paths count from there. In an object store files of this machine are
        only called by their places.
    """
    listed = list(rows)
    given = dict.fromkeys(name for _, case, _ in listed for name, _ in case.columns)
    extra = dict.fromkeys(name for _, _, values in listed for name in values)
    own: dict[str, Callable[[WorkItem, CaseRow], object]] = {
        "image": lambda _, case: written(case.image, case.place, beside),
        "label": lambda _, case: case.label or "",
        ID_COLUMN: lambda item, _: item.id,
    }
    if any(case.frame for _, case, _ in listed):
        own["frame"] = lambda _, case: case.frame or ""
    if any(case.mask for _, case, _ in listed):
        own["mask"] = lambda _, case: written(case.mask, Path(case.mask).name, beside) if case.mask else ""
    kept = [name for name in given if name.casefold() not in {*own, *extra}]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*own, *kept, *extra])
    for item, case, values in listed:
        columns = dict(case.columns)
        writer.writerow([
            *(tell(item, case) for tell in own.values()), *(columns.get(name, "") for name in kept),
            *(values.get(name, "") for name in extra),
        ])  # fmt: skip
    return text.getvalue().encode("utf-8", "replace")


def _is_pattern(text: str, path: Path) -> bool:
    return any(letter in text for letter in "*?[") and not os.path.lexists(path)


def _is_image(path: Path) -> bool:
    """Return whether a single file is taken for an image: whatever isn't text or Parquet."""
    with path.open("rb") as file:
        head = file.read(512)
    return b"\0" in head.replace(b"\xff\xfe", b"") and not head.startswith((PARQUET, b"\xff\xfe", b"\xfe\xff"))


def _of_address(source: CaseSource) -> tuple[list[CaseRow], str]:
    """Return the cases at an address: of a pattern, a table, an image, or all that lies below."""
    place = RemotePath.of(source.cases)
    if is_pattern(place.address):
        return [CaseRow(one.address, one.place) for one in files_of_pattern(place)], "files"
    if is_single_file(place):
        if source.kind == "files" or (source.kind == "auto" and is_image_name(place.name)):
            return [CaseRow(place.address, place.name)], "files"
        with fetched(place, MOST_BYTES) as copy:
            table = replace(read_any_table(copy), path=place)
        return _of_table(table, source), "a table"
    found, kind = files_of_tree(place, source.kind, source.split)
    rows = [
        CaseRow(
            one.address, one.place, one.label,
            columns=(("study", _study(one.place)),) if kind == "studies" else (("part", one.part),) if one.part else (),
        )
        for one in found
    ]  # fmt: skip
    return rows, _KINDS[kind]


def _of_files(pattern: str) -> list[CaseRow]:
    # pathlib's own takes no pattern that begins at the root
    found = sorted(name for name in glob.glob(pattern, recursive=True) if Path(name).is_file())  # noqa: PTH207
    base = os.path.commonpath([str(Path(name).parent) for name in found]) if found else ""
    return [CaseRow(name, os.path.relpath(name, base or ".")) for name in found]


def _of_folder(root: Path, source: CaseSource) -> tuple[list[CaseRow], str]:
    """Return the cases of a folder: of classes, where each image lies below one of several folders, else of files."""
    kind = source.kind
    if kind == "manifest":
        raise ReportgenError(f"{root} is a folder", "name the table in it")
    if kind == "auto":
        kind = _kind_of_folder(root)
    if kind == "classes":
        return _of_classes(root, source), _KINDS[kind]
    if kind == "studies":
        return [
            CaseRow(str(path), place, columns=(("study", _study(place)),))
            for path, place in _files_below(root)
            if is_dicom_file(str(path))
        ], _KINDS[kind]
    below = [root / place for place in image_files(root)]
    return [CaseRow(str(path), path.relative_to(root).as_posix()) for path in below], _KINDS["files"]


def _kind_of_folder(root: Path) -> str:
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


def _study(place: str) -> str:
    """Return what tells the folder of a study from others, and nothing else."""
    return "study-" + hashlib.sha256(os.fsencode(Path(place).parent.as_posix())).hexdigest()[:_KEY]


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


def _of_table(table: Table, source: CaseSource) -> list[CaseRow]:
    wanted: dict[str, str | None] = dict.fromkeys(_MEANINGS)
    wanted |= {"image": source.image_column, "label": source.label_column}
    places = find_columns(table, wanted, needed=("image",))
    table.refuse_empty(places["image"], "image")
    folder, rows = table.path.parent, []
    for line, cells in zip(table.lines, table.rows, strict=True):
        given = {what: cells[place] for what, place in places.items()}
        frame = given.get("frame") or None
        if frame is not None and not (frame.isdecimal() and 0 < int(frame) < 1 << 31):
            raise ReportgenError(f"{table.path}, line {line}: frame '{frame}' is no number from 1", "mend it")
        mask = given.get("mask") or None
        where = f"{table.path}, line {line}"
        image = _slashes(given["image"], folder)
        left_out = {places[what] for what in ("image", "mask", ID_COLUMN) if what in places}
        rows.append(
            CaseRow(
                joined(folder, image, where), shown(image), given.get("label") or None,
                int(frame) if frame else None, joined(folder, _slashes(mask, folder), where) if mask else None,
                tuple((name, cells[at]) for at, name in enumerate(table.header) if at not in left_out),
                item=_item(table, line, given.get(ID_COLUMN, "")),
            )
        )  # fmt: skip
    return rows


def _slashes(text: str, folder: Path | RemotePath) -> str:
    return text if is_remote(text) or isinstance(folder, RemotePath) else forward_slashes(text, folder)


def _item(table: Table, line: int, text: str) -> str:
    if text and not _ID.fullmatch(text):
        raise ReportgenError(
            f"{table.path}, line {line}: '{text:.60}' in column '{ID_COLUMN}' is no name that this program gives",
            "leave the column as it was, or remove it",
        )
    return text


def _value(row: CaseRow, column: str) -> str | None:
    """Return what a case has in a column, whose name may differ in capitals; None without such a column."""
    return next((value for name, value in row.columns if name.casefold() == column.casefold()), None)


def _grouped(rows: Sequence[CaseRow], source: CaseSource) -> list[tuple[str, tuple[CaseRow, ...]]]:
    """Return (what the group is called, its cases); a case without a group stands alone."""
    if all(row.item for row in rows):
        known: dict[str, list[CaseRow]] = {}
        for row in rows:
            known.setdefault(row.item, []).append(row)
        return [(name, tuple(members)) for name, members in known.items()]
    column = "pair" if source.pair_by is None else source.pair_by
    if not column or all(_value(row, column) is None for row in rows):
        if source.pair_by:
            there = dict.fromkeys(name for row in rows for name, _ in row.columns)
            raise SettingsError(f"no column is called '{column}'", f"there are {', '.join(there) or 'none'}")
        return [("", (row,)) for row in rows]
    groups: dict[tuple[str, int], list[CaseRow]] = {}
    for number, row in enumerate(rows):
        value = _value(row, column) or ""
        groups.setdefault((value, -1 if value else number), []).append(row)
    large = [(value, len(members)) for (value, _), members in groups.items() if len(members) > MOST_CASES]
    if large:
        raise SettingsError(
            f"{large[0][1]} cases have '{large[0][0]:.60}' in column '{column}'",
            f"a report takes 1 to {MOST_CASES}; pair by another column",
        )
    return [(value, tuple(members)) for (value, _), members in groups.items()]


def _named(groups: Sequence[tuple[str, tuple[CaseRow, ...]]]) -> list[WorkItem]:
    """Name the items; of equal cases the second is called so, the third ..."""
    wanted = [_name(group, cases) for group, cases in groups]
    seen: Counter[str] = Counter()
    items = []
    for name, (_, cases) in zip(wanted, groups, strict=True):
        seen[name] += 1
        items.append(WorkItem(name if seen[name] == 1 else f"{name}-{seen[name]}", cases))
    return items


def _name(group: str, cases: Sequence[CaseRow]) -> str:
    key = hashlib.sha256()
    for case in cases:
        key.update(repr((case.place, case.label, case.frame, group)).encode(errors="surrogateescape"))
    digits = key.hexdigest()
    if cases[0].item:
        return cases[0].item
    if any(case.nameless for case in cases):
        return f"dicom-{digits[:_SHOWN]}"
    words = group or _value(cases[0], "case") or Path(cases[0].place).stem
    return f"{slug(words)}-{digits[:_KEY]}"
