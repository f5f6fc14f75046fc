"""Where a batch reads and writes: the only module that knows how files are reached.

Names are relative to the folder of the batch, with slashes, so that another kind of storage has this one place to be
put in. A file is whole or absent: it is made in a private folder beside, and moved to its place in one step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.system.atomic import move_into_place, tell_write_errors, workspace
from reportgen.system.errors import ImageError, OutputError
from reportgen.system.files import read_bytes, sha256

INNER = ".reportgen"
_DICOM_AT, _DICOM = 128, b"DICM"


@dataclass(frozen=True)
class FileState:
    """A file as it was when its digest was taken: one of the same size and time needn't be read again."""

    size: int
    changed: int
    sha256: str


@dataclass
class Storage:
    """The folder of a batch.

    Attributes
    ----------
    root
        Where it is.
    """

    root: Path
    _shop: Path | None = field(default=None, repr=False)
    _written: int = field(default=0, repr=False)

    @contextmanager
    def opened(self) -> Iterator[Storage]:
        """Make the folders of a batch, and a private one for what is being written.

        Raises
        ------
        OutputError
            When they can't be made.
        """
        with ExitStack() as stack:
            with tell_write_errors(self.root):
                for name in ("", INNER, f"{INNER}/done", f"{INNER}/numbers", "reports"):
                    (self.root / name).mkdir(parents=True, exist_ok=True)
                self._shop = stack.enter_context(workspace(self.root / INNER))
            try:
                yield self
            finally:
                self._shop = None

    def path(self, name: str) -> Path:
        """Return where a file lies."""
        return self.root / name

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has; None where there is none."""
        try:
            return (self.root / name).stat().st_size
        except OSError:
            return None

    def read(self, name: str) -> bytes | None:
        """Return what a file holds; None where there is none."""
        try:
            return (self.root / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all.

        Raises
        ------
        OSError
            When the operating system refuses: who calls tells whether that may pass.
        OutputError
            When a link stands in its place.
        """
        if self._shop is None:
            raise OutputError(f"{self.root} isn't opened", "open it first")
        self._written += 1
        new = self._shop / f"{self._written}"
        try:
            new.write_bytes(data)
            move_into_place(new, self.root / name)
        finally:
            new.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file that may be there."""
        (self.root / name).unlink(missing_ok=True)

    def names(self, folder: str, ending: str) -> Iterator[str]:
        """Give the names, without the ending, of the files in a folder."""
        try:
            with os.scandir(self.root / folder) as entries:
                for entry in entries:
                    if entry.name.endswith(ending) and not entry.name.startswith("."):
                        yield entry.name[: -len(ending)]
        except OSError:
            return


def file_state(path: str, limit: int) -> FileState:
    """Return a file's size, time and digest.

    Raises
    ------
    ImageError
        When it is missing, empty, larger than ``limit`` bytes, or can't be read.
    """
    size, changed = stat_of(path) or (0, 0)
    return FileState(size, changed, sha256(read_bytes(Path(path), ImageError, "image", limit=limit)))


def stat_of(path: str) -> tuple[int, int] | None:
    """Return (bytes, time of the last change in nanoseconds) of a file; None where there is none."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def is_dicom_file(path: str) -> bool:
    """Return whether a file begins as DICOM files do; one that can't be read doesn't."""
    try:
        with Path(path).open("rb") as file:
            return file.read(_DICOM_AT + len(_DICOM))[_DICOM_AT:] == _DICOM
    except (OSError, ValueError):
        return False
