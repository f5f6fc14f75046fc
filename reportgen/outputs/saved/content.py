"""What a saved file holds, read with care: it can be anything."""

from __future__ import annotations

import stat
from pathlib import Path

LARGEST = 512 << 20


class Problem(Exception):  # noqa: N818 - becomes an OutputError that names the file
    """Why a file is not what it should be, without its name; and what to do, where that isn't the usual advice."""

    def __init__(self, what: str, advice: str = "") -> None:
        self.advice = advice
        super().__init__(what)


def read_content(path: Path, limit: int = LARGEST, *, wanted: str) -> bytes:
    """Return what a plain file holds, and not from a pipe or a device, which may never end.

    Parameters
    ----------
    path
        The file.
    limit
        How many bytes it may have.
    wanted
        What to give instead, for messages: ``"a report.html or report.json"``.

    Raises
    ------
    Problem
        When it's a folder, no plain file or too large.
    OSError
        When it can't be read.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise Problem("is a folder", f"name {wanted} in it")
    if not stat.S_ISREG(found.st_mode):
        raise Problem("is no plain file", f"give {wanted} that reportgen wrote")
    if found.st_size > limit:
        raise Problem(f"has {found.st_size:,} bytes", f"give {wanted} that reportgen wrote")
    with path.open("rb") as file:
        return file.read(limit)
