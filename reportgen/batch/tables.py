"""Tables of cases: CSV, TSV or Parquet, told by what they begin with; and cases as a table that can be given again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from reportgen.batch.items import CaseRow, WorkItem
from reportgen.batch.region_cells import read_box_cell, read_mask_cell, write_mask_cell
from reportgen.batch.remote_cases import joined, written
from reportgen.datasets.manifest import Table, find_columns, forward_slashes, read_table
from reportgen.settings.batch import CaseSource
from reportgen.system.addresses import RemotePath, is_remote, shown
from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra

PARQUET = b"PAR1"
ID_COLUMN = "reportgen_id"
_MEANINGS = ("image", "label", "case", "patient", "group", "pair", "frame", "mask", "box", ID_COLUMN)
_WAY_OUT = re.compile(r"^(?:\.\.[/\\])+")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}", re.ASCII)


def read_any_table(path: Path) -> Table:
    """Return a table.

    Raises
    ------
    ReportgenError
        When it is none, or Parquet and pyarrow isn't installed.
    """
    with path.open("rb") as file:
        is_parquet = file.read(len(PARQUET)) == PARQUET
    return _read_parquet(path) if is_parquet else read_table(path)


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ReportgenError(f"{path} is Parquet, which needs pyarrow", install_extra("cluster")) from None
    try:
        found = parquet.read_table(path)
    except (ArrowException, OSError, ValueError):
        raise ReportgenError(f"{path} is no Parquet file that can be read", "write it again, or give a CSV") from None
    columns = [
        ["" if value is None else str(value).strip() for value in column.to_pylist()] for column in found.columns
    ]
    rows = tuple(zip(*columns, strict=True))
    if not rows:
        raise ReportgenError(f"{path} has no rows", "each row is an image")
    return Table(path, tuple(found.column_names), rows, tuple(range(1, len(rows) + 1)))


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
    if any(case.mask or case.masks for _, case, _ in listed):
        own["mask"] = lambda _, case: write_mask_cell(
            case.mask, case.masks, lambda path: written(path, Path(path).name, beside)
        )
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


def rows_of_table(table: Table, source: CaseSource) -> list[CaseRow]:
    """Return the cases of a table; their paths count from its folder.

    Raises
    ------
    ReportgenError
        When a column is missing, or a cell makes no sense; the message names the line.
    """
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
        where = f"{table.path}, line {line}"
        mask, masks = read_mask_cell(given.get("mask", ""), folder, where)
        image = _slashes(given["image"], folder)
        item = _item(table, line, given.get(ID_COLUMN, ""))
        # a table of this program lies inside of what it tells of: the way out of there is nothing to be told
        place = _WAY_OUT.sub("", shown(image)) if item else shown(image)
        left_out = {places[what] for what in ("image", "mask", ID_COLUMN) if what in places}
        rows.append(
            CaseRow(
                joined(folder, image, where), place, given.get("label") or None,
                int(frame) if frame else None, joined(folder, _slashes(mask, folder), where) if mask else None,
                tuple((name, cells[at]) for at, name in enumerate(table.header) if at not in left_out),
                item=item,
                masks=tuple((name, joined(folder, _slashes(path, folder), where)) for name, path in masks),
                boxes=read_box_cell(given.get("box", ""), where),
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
