"""What was given -> what is to be done: a list of items, each a report of one case or of the cases of a group."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reportgen.batch.items import CaseRow, Plan, WorkItem
from reportgen.batch.local_cases import (
    KEY_DIGITS,
    KINDS,
    is_image_here,
    is_pattern_here,
    rows_of_folder,
    rows_of_pattern,
    study_of,
)
from reportgen.batch.remote_cases import files_of_pattern, files_of_tree, is_image_name, is_pattern, is_single_file
from reportgen.batch.storage import is_dicom_file
from reportgen.batch.tables import read_any_table, rows_of_table
from reportgen.datasets.manifest import MOST_BYTES
from reportgen.images.cases import MOST_CASES
from reportgen.outputs.site.records import slug
from reportgen.settings.batch import CaseSource
from reportgen.system.addresses import RemotePath, is_remote
from reportgen.system.errors import ReportgenError, SettingsError
from reportgen.system.remote import fetched

_SHOWN = 12


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
            rows, kind = rows_of_folder(path, source)
        elif is_pattern_here(source.cases, path):
            rows, kind = rows_of_pattern(source.cases), "files"
        elif not path.exists():
            raise ReportgenError(f"cases not found: {path}", "check the path")
        elif source.kind == "files" or (source.kind == "auto" and is_image_here(path)):
            rows, kind = [CaseRow(str(path), path.name)], "files"
        else:
            rows, kind = rows_of_table(read_any_table(path), source), "a table"
    except OSError as problem:
        raise ReportgenError(f"{path} can't be read ({problem.strerror or problem})", "check it") from None
    if not rows:
        raise ReportgenError(f"{source.cases} holds no images", "check the path")
    rows = [replace(row, nameless=not keep_names and is_dicom_file(row.image)) for row in rows]
    items = _named(_grouped(rows, source))
    columns = dict.fromkeys(name for row in rows for name, _ in row.columns)
    return Plan(tuple(items[: source.limit]), kind, tuple(columns))


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
        return rows_of_table(table, source), "a table"
    found, kind = files_of_tree(place, source.kind, source.split)
    rows = [CaseRow(one.address, one.place, one.label) for one in found]
    if kind == "studies":
        rows = [replace(row, columns=(("study", study_of(row.place)),)) for row in rows]
    else:
        rows = [
            replace(row, columns=(("part", one.part),)) if one.part else row
            for row, one in zip(rows, found, strict=True)
        ]
    return rows, KINDS[kind]


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
    return f"{slug(words)}-{digits[:KEY_DIGITS]}"
