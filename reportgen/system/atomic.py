"""Writing files so that a reader finds either the old content or the whole new one, never a part.

A file is made in a private folder beside its place, brought to disk, and moved to its place in one step. Of several
files none is moved before all are complete; if moving fails half-way, the old ones return. Symbolic links are never
written through.

A private folder in use is locked (``flock``) by the process that made it. The lock goes with the process, however it
ends, so a folder whose lock can be taken belongs to nobody any more: what killed runs left is cleared away. Where locks
are not supported, leftovers stay.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reportgen.system.errors import OutputError
from reportgen.system.signals import hold_signals

PREFIX = ".reportgen-unfinished-"
_NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")


def check_target(path: Path, *, overwrite: bool) -> None:
    """Say now, before hours of work, whether a file can be written later.

    Raises
    ------
    OutputError
        When the target exists and must not be replaced, is a folder, a symbolic link or a device, or its folder is
        missing or read-only.
    """
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"the folder of {path} does not exist", f"create {folder} first")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        mode = None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise OutputError(f"{path!s:.200} can't be written ({reason})", "choose another name") from None
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "name a file")
    _refuse_link(path)
    if mode is not None and not stat.S_ISREG(mode):
        raise OutputError(f"{path} is a device or something else that is no file", "name a file")
    if mode is not None and not overwrite:
        raise OutputError(f"{path} exists already", "choose another name, or allow overwriting (-f)")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} can't be written to", "choose another folder or change its permissions")


@contextmanager
def replace_files(*paths: Path, remove: Iterable[Path] = ()) -> Iterator[tuple[Path, ...]]:
    """Give temporary names to write to; on success they become ``paths``, all of them or none.

    A temporary name ends as the real one does, for writers that go by the ending. On any failure nothing is left and
    nothing has changed. Only a kill between two moves can leave some files new and others old, each of them whole.

    Parameters
    ----------
    paths
        The files to be.
    remove
        Files that go when the new ones come.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    with ExitStack() as stack:
        with tell_write_errors(paths[0] if paths else Path()):
            shops = {}
            for path in (*paths, *remove):
                if path.parent not in shops:
                    with tell_write_errors(path):
                        shops[path.parent] = stack.enter_context(workspace(path.parent))
                        (shops[path.parent] / "new").mkdir()
                        (shops[path.parent] / "old").mkdir()
            made = tuple(shops[path.parent] / "new" / path.name for path in paths)
            yield made
        for path, new in zip(paths, made, strict=True):
            with tell_write_errors(path):
                _settle(new, path)
        with hold_signals():
            _move([(path, shops[path.parent], new) for path, new in zip(paths, made, strict=True)],
                  [(path, shops[path.parent]) for path in remove])  # fmt: skip


@contextmanager
def make_folder(folder: Path) -> Iterator[None]:
    """Make a folder if it isn't there, and those above it; when what follows fails, they go again.

    Raises
    ------
    OutputError
        When it can't be made.
    """
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise OutputError(f"{folder} can't be made a folder ({problem.strerror})", "choose another name") from None
        yield
    except BaseException:
        with hold_signals():
            for place in new:
                with suppress(OSError):
                    place.rmdir()
        raise


def write_file(path: Path, data: bytes) -> None:
    """Write bytes to a file, whole or not at all.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    write_all({path: data})


def write_all(contents: Mapping[Path, bytes], *, remove: Iterable[Path] = ()) -> None:
    """Write several files and remove others: all of it happens, or nothing does.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    with replace_files(*contents, remove=remove) as unfinished:
        for new, (path, data) in zip(unfinished, contents.items(), strict=True):
            with tell_write_errors(path):
                new.write_bytes(data)


def move_into_place(new: Path, path: Path) -> None:
    """Bring a finished file to disk and move it to its place, in one step.

    For many files that are written one after another from one :func:`workspace`, in the same file system.

    Raises
    ------
    OSError
        When the operating system refuses.
    OutputError
        When a symbolic link stands in its place.
    """
    _settle(new, path)
    _refuse_link(path)
    new.replace(path)


@contextmanager
def tell_write_errors(path: object) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the file."""
    try:
        yield
    except OSError as problem:
        raise OutputError(f"{path} can't be written ({problem.strerror or problem})", "choose another place") from None


def _settle(new: Path, path: Path) -> None:
    """Bring a new file to disk, with the permissions of the one it replaces; else those that new files usually get."""
    descriptor = os.open(new, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileNotFoundError):
        old = path.lstat().st_mode
        if stat.S_ISREG(old):
            new.chmod(old & 0o777)


def _move(new_files: Sequence[tuple[Path, Path, Path]], stale: Sequence[tuple[Path, Path]]) -> None:
    """Move each (place, workspace, new file) there and each stale (place, workspace) away; on failure put back."""
    alone = len(new_files) + len(stale) == 1
    with ExitStack() as undo:
        for path, shop, new in new_files:
            with tell_write_errors(path):
                _refuse_link(path)
                kept = shop / "old" / path.name
                there = os.path.lexists(path)
                if there and not alone:
                    _keep(path, kept)
                undo.callback(_put_back, path, kept if there else None, new)
                new.replace(path)
        for path, shop in stale:
            with tell_write_errors(path), suppress(FileNotFoundError):
                kept = shop / "old" / path.name
                undo.callback(_put_back, path, kept, None)
                path.replace(kept)
        undo.pop_all()


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise OutputError(f"{path} is a symbolic link", "name the file it leads to, or remove the link")


def _keep(path: Path, kept: Path) -> None:
    """Give a file a second name; where there are no hard links, copy it: moving would leave a moment without it."""
    try:
        kept.hardlink_to(path)
    except OSError:
        shutil.copy2(path, kept)


def _put_back(path: Path, kept: Path | None, new: Path | None) -> None:
    """Undo one move if it was made: then the new file is not where it was."""
    with suppress(OSError):
        if new is not None and new.exists():
            return
        if kept is None:
            path.unlink(missing_ok=True)
        elif kept.exists():
            kept.replace(path)


@dataclass(frozen=True)
class _Lock:
    """An open folder; ``held`` says whether it is locked, or can't be."""

    descriptor: int
    held: bool


@contextmanager
def workspace(beside: Path) -> Iterator[Path]:
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
        with hold_signals():
            made = _made(beside)
        yield made[0]
    finally:
        if made is not None:
            with hold_signals():
                _clear(*made)


def remove_leftovers(folder: Path) -> None:
    """Remove the workspaces in a folder that belong to no process any more; anything else stays."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if is_workspace(path.name)]:
            with suppress(OSError):
                _remove_if_left(path)


def is_workspace(name: str) -> bool:
    """Return whether a file name is that of a workspace."""
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
            with hold_signals():
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
