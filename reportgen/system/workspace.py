"""A private folder beside an output, where it is made before it is shown; what killed runs left is cleared away.

A folder in use is locked (``flock``) by the process that made it. The lock goes with the process, however it ends, so a
folder whose lock can be taken belongs to nobody any more. Where locks are not supported, leftovers stay.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reportgen.system.signals import undisturbed

PREFIX = ".reportgen-unfinished-"
_NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")


@dataclass(frozen=True)
class _Lock:
    """An open folder; ``held`` says whether it is locked, or can't be."""

    descriptor: int
    held: bool


@contextmanager
def workshop(beside: Path) -> Iterator[Path]:
    """Make a folder in ``beside`` that only this user can enter; at the end it goes with all that is in it.

    Parameters
    ----------
    beside
        The folder where the finished files go. Leftovers of killed runs in it are removed first.

    Raises
    ------
    OSError
        When it can't be made.
    """
    remove_leftovers(beside)
    made = None
    try:
        with undisturbed():
            made = _made(beside)
        yield made[0]
    finally:
        if made is not None:
            with undisturbed():
                _clear(*made)


def remove_leftovers(folder: Path) -> None:
    """Remove the workshops in a folder that belong to no process any more; anything else stays."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if is_workshop(path.name)]:
            with suppress(OSError):
                _remove_if_left(path)


def is_workshop(name: str) -> bool:
    """Return whether a file name is that of a workshop."""
    return _NAME.fullmatch(name) is not None


def _made(beside: Path) -> tuple[Path, _Lock | None]:
    """Make a folder and lock it, again if another process took it for a leftover in between."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=beside))
        try:
            lock = _locked(folder, wait=True)
        except FileNotFoundError:
            continue
        if lock is None or _still_there(folder, lock):
            return folder, lock
        os.close(lock.descriptor)


def _clear(folder: Path, lock: _Lock | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock.descriptor)


def _remove_if_left(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    lock = _locked(folder, wait=False)
    if lock is None:
        return
    try:
        if lock.held and _still_there(folder, lock):
            with undisturbed():
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock.descriptor)


def _locked(folder: Path, *, wait: bool) -> _Lock | None:
    """Open a folder and lock it; None where folders can't be opened (Windows)."""
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return _Lock(descriptor, held=False)
    except BaseException:
        os.close(descriptor)
        raise
    return _Lock(descriptor, held=True)


def _still_there(folder: Path, lock: _Lock) -> bool:
    """Return whether the path still names the folder that was opened."""
    try:
        return os.path.samestat(os.fstat(lock.descriptor), folder.lstat())
    except FileNotFoundError:
        return False
