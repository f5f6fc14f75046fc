"""What is known of each item: one small file each, which says that it is done, or why it failed.

These files are the truth that a run goes on from, whenever it was stopped. ``results.csv``, ``results.parquet`` and
``failures.csv`` are made of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from reportgen.batch.items import CaseRow, Plan, WorkItem
from reportgen.batch.storage import INNER, AnyStorage, FileState, file_state, stat_of
from reportgen.batch.tables import ID_COLUMN, render_table
from reportgen.outputs.saved.schema import from_plain
from reportgen.system.errors import ReportgenError
from reportgen.system.files import sha256

VERSION = 1
ORDER, ABOUT = f"{INNER}/cases.csv", f"{INNER}/batch.json"
STAGES = ("read", "predict", "explain", "draw", "write")
RESULTS, PARQUET, FAILURES = "results.csv", "results.parquet", "failures.csv"
COLUMNS = (
    "id", "place", "name", "label", "predicted", "score", "correct", "target", "target_score", "evidence_bits",
    "strongest_bits", "flip_share", "beats_chance", "image_sha256", "model_sha256", "settings_sha256", "version",
    "page", "page_sha256", "seconds", "finished", "error",
)  # fmt: skip
ROWS_AT_ONCE = 50_000
_NUMBERS = {"place", "score", "target_score", "evidence_bits", "strongest_bits", "flip_share", "seconds"}
Row = dict[str, str | float | bool | None]


@dataclass(frozen=True)
class Basis:
    """What every item of a run is made with: an item that was made with another is made again.

    Attributes
    ----------
    model, settings
        Digests.
    version
        Of the program.
    """

    model: str
    settings: str
    version: str


@dataclass(frozen=True)
class Record:
    """What became of an item.

    Attributes
    ----------
    id
        The item.
    basis
        What it was made with.
    asked
        Digest of the labels, frames and masks of its cases.
    files
        The states of its images and masks, in order, as far as they could be read.
    rows
        A row for each case; empty where it failed.
    page_size, page_sha256
        Of its page.
    stage, reason
        Where and why it failed; empty where it is done.
    finished
        When, in UTC. Nothing is decided by it.
    seconds
        How long it took.
    attempts
        How often it was tried.
    """

    id: str
    basis: Basis
    asked: str = ""
    files: tuple[FileState, ...] = ()
    rows: tuple[dict[str, str | float | bool | None], ...] = ()
    page_size: int = 0
    page_sha256: str = ""
    stage: str = ""
    reason: str = ""
    finished: str = ""
    seconds: float = 0.0
    attempts: int = 1

    @property
    def is_done(self) -> bool:
        """Whether its page is there."""
        return not self.stage

    @property
    def digest(self) -> str:
        """Digest of the first of its images that could be read; else empty."""
        return self.files[0].sha256 if self.files else ""


@dataclass(frozen=True)
class Ledger:
    """The records in the folder of a batch."""

    storage: AnyStorage

    def read(self, name: str) -> Record | None:
        """Return the record of an item; None where there is none, or it's damaged: then it is made again."""
        data = self.storage.read(_file(name))
        with suppress(ValueError, KeyError, TypeError, ReportgenError, RecursionError):
            table = json.loads(data) if data else {}
            if table.pop("version") == VERSION:
                found: Record = from_plain(Record, table, "a record")
                return found if found.id == name else None
        return None

    def is_done(self, name: str) -> bool:
        """Return whether the page of an item is there, without reading the rest of its record."""
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            table = json.loads(self.storage.read(_file(name)) or b"{}")
            return bool(table["version"] == VERSION and table["id"] == name and not table["stage"])
        return False

    def write(self, record: Record) -> None:
        """Write a record: from now on the item counts as done, or as failed.

        Raises
        ------
        OSError, OutputError
            When it can't be written.
        """
        table = {"version": VERSION, **asdict(record)}
        self.storage.write(_file(record.id), (json.dumps(table, separators=(",", ":")) + "\n").encode())

    def is_current(self, item: WorkItem, record: Record, basis: Basis, limit: int) -> bool:
        """Return whether an item needn't be made again.

        Parameters
        ----------
        item, record
            What is to be made, and what is known of it.
        basis
            What it would be made with.
        limit
            Bytes of an image file that are read at most.
        """
        if record.basis != basis or record.asked != asked_of(item) or not _same_files(item, record, limit):
            return False
        return not record.is_done or self.storage.size(page_name(item.id)) == record.page_size

    def order(self) -> Iterator[str]:
        """Give the names of the items in the order in which they were given."""
        data = self.storage.read(ORDER) or b""
        rows = csv.DictReader(io.StringIO(data.decode("utf-8", "replace"), newline=""))
        yield from dict.fromkeys(row[ID_COLUMN] for row in rows if row.get(ID_COLUMN))

    def write_order(self, plan: Plan) -> None:
        """Keep what was given."""
        rows = ((item, case, dict[str, str]()) for item in plan.items for case in item.cases)
        self.storage.write(ORDER, render_table(rows, self.storage.path(INNER)))


def asked_of(item: WorkItem) -> str:
    """Return a digest of what a table says of an item's cases that shapes its page."""
    told = [
        (one.label, one.frame, one.mask is not None, *_named_regions(one)) for one in item.cases
    ]  # fmt: skip
    return sha256(repr(told).encode(errors="replace"))


def _named_regions(case: CaseRow) -> tuple[object, ...]:
    """Return the names of its masks, and its boxes; nothing where there are none."""
    return ([name for name, _ in case.masks], case.boxes) if case.masks or case.boxes else ()


def page_name(item: str) -> str:
    """Return where the page of an item lies."""
    return f"reports/{item}.html"


def numbers_name(item: str) -> str:
    """Return where the numbers of an item lie."""
    return f"{INNER}/numbers/{item}.npz"


def _file(name: str) -> str:
    return f"{INNER}/done/{name}.json"


def _same_files(item: WorkItem, record: Record, limit: int) -> bool:
    """Return whether the files are those that the record is of; the same size and time are enough."""
    paths = [path for case in item.cases for path in case.files]
    if not record.is_done and len(record.files) < len(paths):
        # what couldn't be read may be there now
        return not any(stat_of(path) for path in paths[len(record.files) :]) or record.stage == "read"
    if len(paths) != len(record.files):
        return False
    for path, known in zip(paths, record.files, strict=True):
        if stat_of(path) == (known.size, known.changed):
            continue
        try:
            if file_state(path, limit).sha256 != known.sha256:
                return False
        except ReportgenError:
            return False
    return True


def result_rows(plan: Plan, records: Iterable[tuple[WorkItem, Record | None]]) -> Iterator[Row]:
    """Give a row for each case of the items that are done or failed, with what the table said of it."""
    for item, record in records:
        if record is None:
            continue
        for place, case in enumerate(item.cases):
            told: Row = {
                "id": item.id, "place": place, "label": case.label, "model_sha256": record.basis.model,
                "settings_sha256": record.basis.settings, "version": record.basis.version, "finished": record.finished,
                "seconds": record.seconds, "error": "" if record.is_done else f"{record.stage}: {record.reason}",
            }  # fmt: skip
            if record.is_done:
                told |= {"page": page_name(item.id), "page_sha256": record.page_sha256, **record.rows[place]}
            row: Row = {name: told.get(name) for name in COLUMNS}
            columns = dict(case.columns)
            row |= {_given(name): columns.get(name, "") for name in plan.columns if name.casefold() != "label"}
            yield row


def _given(name: str) -> str:
    return f"given_{name}" if name in COLUMNS else name


def render_csv(rows: Iterable[Row], columns: Sequence[str]) -> bytes:
    """Return rows as CSV; what is unknown is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    # a spreadsheet takes what begins so for a formula
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def render_parquet(rows: Iterable[Row], columns: Sequence[str]) -> bytes | None:
    """Return rows as Parquet, numbers as numbers; None where pyarrow isn't installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        return None
    kinds = {
        name: pa.float64() if name in _NUMBERS else pa.bool_() if name == "correct" else pa.string() for name in columns
    }
    source, sink = iter(rows), pa.BufferOutputStream()
    with parquet.ParquetWriter(sink, pa.schema(list(kinds.items())), compression="zstd") as writer:
        # a part at a time: of a million rows, only these are held
        while part := list(islice(source, ROWS_AT_ONCE)):
            arrays = [pa.array([_typed(name, row.get(name)) for row in part], kind) for name, kind in kinds.items()]
            writer.write_table(pa.table(dict(zip(kinds, arrays, strict=True))))
    return bytes(sink.getvalue().to_pybytes())


def _typed(name: str, value: str | float | bool | None) -> str | float | bool | None:
    """Return a value as its column in Parquet has it."""
    if name in _NUMBERS:
        return None if value is None or value == "" else float(value)
    if name == "correct" or value is None:
        return value
    return str(value).encode("utf-8", "replace").decode()


def result_columns(plan: Plan) -> list[str]:
    """Return the names of the columns of the results."""
    return [*COLUMNS, *(_given(name) for name in plan.columns if name.casefold() != "label")]


def render_failures(failed: Iterable[tuple[WorkItem, Record]], storage: AnyStorage) -> bytes:
    """Return what failed as a table of cases that can be given again, with stage, reason and digest."""

    def rows() -> Iterator[tuple[WorkItem, Any, Mapping[str, str]]]:
        for item, record in failed:
            told = {"stage": record.stage, "reason": record.reason, "digest": record.digest}
            yield from ((item, case, told) for case in item.cases)

    return render_table(rows(), storage.root)
