"""Reading bytes from disk with one clear line when that fails."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reportgen.errors import ReportgenError


def read_bytes(path: Path, error: type[ReportgenError], what: str) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    path
        The file.
    error
        The kind of error to raise.
    what
        What the file should be, for the message: ``"image"``, ``"model"``, ...

    Raises
    ------
    ReportgenError
        Of the given kind, when the file is missing, empty, a folder, or can't be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise error(f"{what} not found: {path}", "check the path") from None
    except IsADirectoryError:
        raise error(f"{path} is a folder, not {_article(what)}", "name a file in it") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error(f"{what} can't be read: {path} ({reason})", "check its permissions") from None
    if not data:
        raise error(f"{path} is empty (0 bytes), not {_article(what)}", "copy or download it again")
    return data


def sha256(data: bytes) -> str:
    """Return the SHA-256 digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"
