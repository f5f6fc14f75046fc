"""Writing a file so that a reader finds either the old content or the whole new one, never a part."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from reportgen.errors import OutputError


def check_target(path: Path, *, overwrite: bool) -> None:
    """Say now, before hours of work, whether a file can be written later.

    Raises
    ------
    OutputError
        When the target exists and must not be replaced, is a folder, or its folder is missing or read-only.
    """
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"the folder of {path} does not exist", f"create {folder} first")
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise OutputError(f"{path!s:.200} can't be written ({reason})", "choose another name") from None
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "name a file")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or something else that is no file", "name a file")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", "choose another name, or allow overwriting (-f)")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} can't be written to", "choose another folder or change its permissions")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write to; on success it becomes ``path`` in one step.

    The temporary name ends as the real one does, for writers that go by the ending. On any failure nothing is left.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    folder: Path | None = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=".reportgen-", dir=path.parent))
        unfinished = folder / path.name
        yield unfinished
        unfinished.replace(path)
    except OSError as problem:
        raise OutputError(f"{path} can't be written ({problem.strerror or problem})", "choose another place") from None
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def making_folder(folder: Path) -> Iterator[None]:
    """Make a folder if it isn't there; when what follows fails, it goes again.

    Raises
    ------
    OutputError
        When it can't be made.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"{folder} can't be made a folder ({problem.strerror})", "choose another name") from None
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise


def write_file(path: Path, data: bytes) -> None:
    """Write bytes to a file, whole or not at all.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write several files; none is replaced before all are complete.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    with ExitStack() as stack:
        for path, data in contents.items():
            stack.enter_context(replacing(path)).write_bytes(data)
