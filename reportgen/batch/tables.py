"""Tables of cases: CSV, TSV or Parquet, told by what they begin with."""

from __future__ import annotations

from pathlib import Path

from reportgen.datasets.manifest import Table, read_table
from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra

PARQUET = b"PAR1"


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
