"""Files of an archive, or of the folder that it was unpacked to, one after another, without writing any.

A tar is read as a stream: each file is read where it comes, from a few buffers of fixed size. Only files that are asked
for are looked at. What links point to, where paths lead, and what else is in it, makes no difference.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

MOST_BYTES = 1 << 30  # of one file, and of the whole archive unpacked
_BLOCK = 1 << 18
_SMALL = 1 << 16
_GZIP = b"\x1f\x8b"
# what tarfile and gzip meet damage with
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError, OverflowError, MemoryError)


class DamagedError(Exception):
    """A file can't be read to its end, or isn't what it should be."""


class Source:
    """A file that is read once, from start to end; whoever asks for more than is left gets a DamagedError."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size
        self.left = size

    def read(self, size: int) -> bytes | bytearray:
        """Return just so many bytes."""
        if size > _SMALL:
            data = bytearray(min(size, self.left + 1))
            self.readinto(memoryview(data))
            return data
        self._take(size)
        found: bytes = _guarded(self._file.read, size)
        self._check(len(found), size)
        return found

    def readinto(self, view: memoryview) -> None:
        """Fill a buffer."""
        self._take(len(view))
        done = 0
        while done < len(view):
            count = _guarded(self._file.readinto, view[done : done + _BLOCK])  # type: ignore[attr-defined]
            self._check(count, 1)
            done += count

    def readline(self) -> bytes:
        """Return the bytes up to the end of the line, at most 64 KiB."""
        line: bytes = _guarded(self._file.readline, min(_SMALL, self.left))
        self.left -= len(line)
        return line

    def read_all(self) -> bytes:
        """Return all that is left."""
        return bytes(self.read(self.left))

    def _take(self, size: int) -> None:
        if size > self.left:
            raise DamagedError(f"it ends after {self.size:,} bytes, in the middle of something")
        self.left -= size

    def _check(self, found: int, wanted: int) -> None:
        if found < wanted:
            raise DamagedError(f"it ends before its {self.size:,} bytes do")


@dataclass(frozen=True)
class Member:
    """One file: its name without folders, and what is read of it."""

    name: str
    source: Source


class Archive:
    """A tar, packed by gzip or not, that is read once from start to end.

    Attributes
    ----------
    md5
        MD5 digest of the file in hexadecimal, as archives are published with; known when all was read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.md5 = ""

    def members(self, wanted: Callable[[str], bool]) -> Iterator[Member]:
        """Yield the files whose names without folders are wanted.

        Raises
        ------
        DamagedError
            When the archive is damaged between files, or a wanted one is a link, too large, or there twice.
        """
        seen: set[str] = set()
        with self._path.open("rb") as file:
            hashing = _Hashing(file)
            stream = _Limited(gzip.GzipFile(fileobj=hashing) if _is_gzip(file) else hashing)  # type: ignore[call-overload]
            # only read is used of it
            with _guarded(tarfile.open, fileobj=stream, mode="r|", bufsize=_BLOCK) as tar:
                while (info := _guarded(tar.next)) is not None:
                    tar.members = []  # else all are kept
                    name = PurePosixPath(info.name).name
                    if not wanted(name) or info.isdir():
                        continue
                    _check(name, info, seen)
                    seen.add(name)
                    inner = tar.extractfile(info)
                    if inner is not None:
                        yield Member(name, Source(inner, info.size))
            while _guarded(stream.read, _BLOCK):
                pass
            self.md5 = hashing.md5()


def folder_members(folder: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yield the files of a folder whose names are wanted, as those of an archive.

    Raises
    ------
    DamagedError
        When one is too large.
    """
    for path in sorted(folder.iterdir()):
        if wanted(path.name) and path.is_file():
            size = path.stat().st_size
            if size > MOST_BYTES:
                raise DamagedError(f"{path.name} has {size:,} bytes")
            with path.open("rb") as file:
                yield Member(path.name, Source(file, size))


def begins_as_tar(head: bytes) -> bool:
    """Return whether the first 512 bytes of a file, unpacked, are those of a tar."""
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def unpacked_head(path: Path, size: int = 512) -> bytes:
    """Return the first bytes of a file, unpacked where it is packed by gzip; fewer, or none, where it's damaged."""
    with path.open("rb") as file:
        packed = _is_gzip(file)
        try:
            return (gzip.GzipFile(fileobj=file) if packed else file).read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return b""


def unpack(path: Path) -> tuple[bytes, str]:
    """Return the content of a file, unpacked where it is packed by gzip, and the MD5 digest of the file as it is.

    Raises
    ------
    DamagedError
        When it is damaged, or has more than ``MOST_BYTES``.
    """
    with path.open("rb") as file:
        hashing = _Hashing(file)
        stream = _Limited(gzip.GzipFile(fileobj=hashing) if _is_gzip(file) else hashing)  # type: ignore[call-overload]
        blocks = list(iter(lambda: _guarded(stream.read, _BLOCK), b""))
        return b"".join(blocks), hashing.md5()


class _Hashing:
    """A file whose digest is taken while it's read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.md5(usedforsecurity=False)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data

    read1 = read

    def md5(self) -> str:
        return self._digest.hexdigest()


class _Limited:
    """A stream that may not have more than so many bytes, however small it was packed."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = MOST_BYTES

    def read(self, size: int) -> bytes:
        # no more than comes at once: what came before damage is used before it's met
        data: bytes = self._file.read1(size)
        self._left -= len(data)
        if self._left < 0:
            raise DamagedError(f"unpacked it has more than {MOST_BYTES:,} bytes")
        return data


def _is_gzip(file: IO[bytes]) -> bool:
    start = file.read(2)
    file.seek(0)
    return start == _GZIP


def _guarded(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return what a call returns; what it says of damage as a DamagedError."""
    try:
        return call(*given, **named)
    except _BROKEN as problem:
        raise DamagedError(" ".join(str(problem).split()) or type(problem).__name__) from None


def _check(name: str, info: tarfile.TarInfo, seen: set[str]) -> None:
    if not info.isreg() or info.issparse():
        raise DamagedError(f"{name} is a link, or no file at all")
    if not 0 <= info.size <= MOST_BYTES:
        raise DamagedError(f"{name} is said to have {info.size:,} bytes")
    if name in seen:
        raise DamagedError(f"{name} is there twice")
