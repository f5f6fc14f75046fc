"""Reading bytes from disk with one clear line when that fails."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from reportgen.system.errors import ReportgenError

_BLOCK = 1 << 20


def read_bytes(
    path: Path,
    error: type[ReportgenError],
    what: str,
    *,
    limit: int | None = None,
    when_larger: str = "make it smaller, or raise the limit with --max-file-size",
) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    path
        The file.
    error
        The kind of error to raise.
    what
        What the file should be, for the message: ``"image"``, ``"model"``, ...
    limit
        How many bytes it may have; None: any number. No more are read, also of a pipe or a file that grows.
    when_larger
        What to do about a file that has more.

    Raises
    ------
    ReportgenError
        Of the given kind, when the file is missing, empty, too large, a folder, or can't be read.
    """
    try:
        data = path.read_bytes() if limit is None else _read_within(path, limit)
    except FileNotFoundError:
        raise error(f"{what} not found: {path}", "check the path") from None
    except IsADirectoryError:
        raise error(f"{path} is a folder, not {_article(what)}", "name a file in it") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error(f"{what} can't be read: {path} ({reason})", "check its permissions") from None
    if data is None:
        raise error(f"{path} has more than {limit:,} bytes", when_larger)
    if not data:
        raise error(f"{path} is empty (0 bytes), not {_article(what)}", "copy or download it again")
    return data


def _read_within(path: Path, limit: int) -> bytes | None:
    """Return the content of a file; None where it has more bytes than the limit."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > limit:
            return None
        read = bytearray()
        while block := file.read(min(_BLOCK, limit + 1 - len(read))):
            read += block
    return bytes(read) if len(read) <= limit else None


def is_same_file(path: Path, other: Path) -> bool:
    """Return whether two paths name the same file, which need not exist."""
    return path == other or (path.exists() and other.exists() and path.samefile(other))


def sha256(data: bytes) -> str:
    """Return the SHA-256 digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"
