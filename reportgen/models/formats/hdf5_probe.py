"""HDF5 files are read in a process of their own first: damaged ones can hang or crash the library that reads them.

This module is that process, too, and imports nothing of the project then. ``python -P hdf5_probe.py FILE BYTES [PART]``
reads every name, attribute and packed number of a file, or of a part of a zip file, within so many bytes of memory.
Exit code 0: that ended, be it with an error, which the reader meets again and tells; any other: it must not be read.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_SECONDS = 20.0
_BYTES_A_SECOND = 20 << 20
_TOO_MUCH = 3
_HEADER = 30  # bytes before the name of a part of a zip file


def survives(path: Path, memory: int, part: str | None = None) -> bool:
    """Return whether an HDF5 file can be read without a hang, a crash, or more memory than allowed.

    Parameters
    ----------
    path
        An HDF5 file, or a zip file.
    memory
        Bytes that reading it may take.
    part
        Which part of a zip file is meant.
    """
    if not sys.executable:
        return True  # inside another program: there is nothing to start a process with
    command = [sys.executable, "-P", __file__, str(path.absolute()), str(memory), *([part] if part else [])]
    patience = _SECONDS + path.stat().st_size / _BYTES_A_SECOND
    try:
        done = subprocess.run(command, capture_output=True, timeout=patience, check=False)  # noqa: S603 - its own
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _read(path: str, part: str | None, memory: int) -> None:
    import h5py

    taken = 0

    def read(_name: str, item: Any) -> bool | None:
        nonlocal taken
        dict(item.attrs)
        if isinstance(item, h5py.Dataset):
            taken += item.size * item.dtype.itemsize
            if taken > memory:
                return True  # no more: the reader refuses it for that
            if item.chunks and not item.external and not item.is_virtual:
                for chunk in item.iter_chunks():
                    item[chunk]
        return None

    with open_hdf5(path, part) as source, h5py.File(source, "r") as file:
        dict(file.attrs)
        file.visititems(read)


@contextlib.contextmanager
def open_hdf5(path: str, part: str | None = None) -> Iterator[str | IO[bytes] | io.RawIOBase]:
    """Give what h5py opens of a file, or of a part of a zip file.

    A part that isn't packed, as Keras writes its weights, is read in place: going back in a stream of ``zipfile``
    reads it again from its beginning, which takes minutes where weights are many.
    """
    if part is None:
        yield path
        return
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(part)
        # each part begins with a header, whose last two numbers are the lengths of a name and of an extra field
        with open(path, "rb") as file:  # noqa: PTH123 - quick to start
            file.seek(entry.header_offset)
            header = file.read(_HEADER)
            if entry.compress_type == zipfile.ZIP_STORED and len(header) == _HEADER:
                lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
                yield _Part(file, entry.header_offset + _HEADER + lengths, entry.file_size)
                return
        with archive.open(part) as stream:
            yield stream


class _Part(io.RawIOBase):
    """So many bytes of a file from a place on, as a file of its own."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._place = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._size - self._place))
        self._file.seek(self._start + self._place)
        data = self._file.read(count)
        view[: len(data)] = data
        self._place += len(data)
        return len(data)


def _limit_memory(limit: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def try_out(path: str, memory: str, part: str | None = None) -> int:
    """Read a file in this process; return the exit code."""
    _limit_memory(int(memory) + (1 << 30))  # the library itself takes some
    try:
        _read(path, part, int(memory))
    except Exception as problem:  # noqa: BLE001 - whatever a damaged file makes
        return _TOO_MUCH if isinstance(problem, MemoryError) or "allocat" in str(problem) else 0
    return 0


if __name__ == "__main__":
    sys.exit(try_out(*sys.argv[1:]))
