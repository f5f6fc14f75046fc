"""Where a batch reads and writes: a folder here, or a place in an object store.

Names are relative to the folder of the batch, with slashes. A file is whole or absent: on a disk it is made in a
private folder beside, and moved to its place in one step; in an object store a put is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from reportgen.datasets.folders import ENDINGS
from reportgen.system.addresses import RemotePath, is_remote
from reportgen.system.atomic import move_into_place, tell_write_errors, workspace
from reportgen.system.errors import ImageError, OutputError, ReportgenError
from reportgen.system.files import read_bytes, sha256
from reportgen.system.remote import (
    at_once,
    check_writable,
    list_remote,
    names_in_remote,
    read_remote,
    remove_remote,
    state_of_remote,
    write_remote,
)
from reportgen.system.remote_lock import remote_lock

INNER = ".reportgen"
Item = TypeVar("Item")
Result = TypeVar("Result")
_DICOM_AT, _DICOM = 128, b"DICM"
_PICTURES = tuple(sorted(ENDINGS - {".dcm", ".dicom"}))


@dataclass(frozen=True)
class FileState:
    """A file as it was when its digest was taken: one of the same size and time needn't be read again.

    ``changed`` is a time in nanoseconds; of a file elsewhere a number that its server's tag gives.
    """

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

    @property
    def address(self) -> str:
        """What a worker in another folder calls it."""
        return str(self.root.resolve())

    def path(self, name: str) -> Path | RemotePath:
        """Return where a file lies."""
        return self.root / name

    def check_empty(self) -> None:
        """Refuse a folder that holds something else than a batch.

        Raises
        ------
        OutputError
            When it does, or is none.
        """
        folder = self.root
        if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
            raise OutputError(f"{folder} is no folder", "name a folder for the batch")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / INNER).is_dir():
            raise OutputError(f"{folder} holds something else", "name an empty or a new folder, or that of a batch")

    def each(self, do: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Give what a function that reads gives for each item, in order."""
        return map(do, items)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs from the same folder: the lock goes with the process that holds it.

        Raises
        ------
        OutputError
            When another holds it, or it can't be made.
        """
        from filelock import FileLock, Timeout

        place = self.root / INNER
        try:
            place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(place / "lock", timeout=0)
            with lock:
                yield
        except Timeout:
            raise OutputError(
                f"another batch is running into {self.root}", "wait until it's done, or name another"
            ) from None
        except OSError as problem:
            raise OutputError(
                f"{self.root} can't be written ({problem.strerror or problem})", "choose another place"
            ) from None

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


class RemoteStorage:
    """A batch in an object store.

    Attributes
    ----------
    root
        Where it is.
    """

    def __init__(self, root: RemotePath) -> None:
        check_writable(root)
        self.root = root

    @property
    def address(self) -> str:
        """What a worker calls it."""
        return self.root.address

    def path(self, name: str) -> Path | RemotePath:
        """Return where a file lies."""
        return self.root / name

    def check_empty(self) -> None:
        """Refuse a place that holds something else than a batch, or that can't be listed.

        Raises
        ------
        OutputError
            When it does, or there is no such bucket.
        """
        if self.read(f"{INNER}/batch.json") is None:
            others = [name for name in names_in_remote(self.root) if name != INNER]
            if others:
                raise OutputError(f"{self.root} holds something else", "name an empty place, or that of a batch")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs from the same place, as far as :mod:`reportgen.system.remote_lock` can."""
        with remote_lock(self.root / INNER / "lock", "writing there"):
            yield

    def each(self, do: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Give what a function that reads gives for each item, in order; several are asked for at once."""
        return at_once(do, items)

    @contextmanager
    def opened(self) -> Iterator[RemoteStorage]:
        """Do nothing: there are no folders to be made."""
        yield self

    def size(self, name: str) -> int | None:
        """Return how many bytes a file has; None where there is none."""
        found = state_of_remote(self.root / name)
        return None if found is None else found.size

    def read(self, name: str) -> bytes | None:
        """Return what a file holds; None where there is none.

        Raises
        ------
        RemoteError
            When that can't be told: what is done must not count as missing.
        """
        try:
            return read_remote(self.root / name)
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all.

        Raises
        ------
        RemoteError
            When it can't be written; it was tried again.
        """
        media_type = next((told for ending, told in _MEDIA.items() if name.endswith(ending)), "")
        write_remote(self.root / name, data, media_type=media_type, cache="no-cache")

    def remove(self, name: str) -> None:
        """Remove a file that may be there."""
        remove_remote(self.root / name)

    def names(self, folder: str, ending: str) -> Iterator[str]:
        """Give the names, without the ending, of the files in a folder."""
        for name in list_remote(self.root / folder, deep=False):
            if name.endswith(ending) and not name.startswith("."):
                yield name[: -len(ending)]


_MEDIA = {
    ".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet", ".npz": "application/octet-stream",
}  # fmt: skip
AnyStorage = Storage | RemoteStorage


def storage_at(place: Path | RemotePath) -> AnyStorage:
    """Return the storage of a batch.

    Raises
    ------
    RemoteError
        When it can only be read.
    """
    return RemoteStorage(place) if isinstance(place, RemotePath) else Storage(place)


def file_state(path: str, limit: int, what: str = "image") -> FileState:
    """Return a file's size, time and digest; ``what`` names it where it can't be read.

    Raises
    ------
    ImageError
        When it is missing, empty, larger than ``limit`` bytes, or can't be read.
    """
    if is_remote(path):
        return remote_content(path, limit, what)[0]
    size, changed = stat_of(path) or (0, 0)
    return FileState(size, changed, sha256(read_bytes(Path(path), ImageError, what, limit=limit)))


def remote_content(address: str, limit: int, what: str = "image") -> tuple[FileState, bytes]:
    """Return the state of a file elsewhere, and what it holds; ``what`` names it where it can't be read.

    Raises
    ------
    ImageError
        When it is missing, empty, larger than ``limit`` bytes, or can't be read.
    """
    place = RemotePath.of(address)
    size, changed = stat_of(address) or (0, 0)
    try:
        data = read_remote(place, limit)
    except FileNotFoundError:
        raise ImageError(f"{what} not found: {place}", "check the address") from None
    if not data:
        raise ImageError(f"{place} is empty (0 bytes), not {'a' if what == 'mask' else 'an'} {what}", "copy it again")
    return FileState(size, changed, sha256(data)), data


def stat_of(path: str) -> tuple[int, int] | None:
    """Return (bytes, time of the last change in nanoseconds, or mark) of a file.

    None where there is none, or its server doesn't tell.
    """
    if is_remote(path):
        try:
            state = state_of_remote(RemotePath.of(path))
        except ReportgenError:
            return None
        return None if state is None or not state.mark else (state.size, state.mark)
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def is_dicom_file(path: str) -> bool:
    """Return whether a file begins as DICOM files do; one that can't be read doesn't.

    Of a file elsewhere only the name is looked at: whatever has no ending of another kind of image is taken for one.
    """
    if is_remote(path):
        return not path.partition("?")[0].lower().endswith(_PICTURES)
    try:
        with Path(path).open("rb") as file:
            return file.read(_DICOM_AT + len(_DICOM))[_DICOM_AT:] == _DICOM
    except (OSError, ValueError):
        return False
