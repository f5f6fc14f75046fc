"""A site in an object store, where nothing can be moved: the order in which files are written keeps it whole.

What no page leads to yet goes first, then the lists that lead to it, ``index.html`` after them, then what the site
says of itself; only then goes what nobody needs. So at each moment every link leads somewhere, and where something
fails, what was written is put back. What a run that was killed left is found by its lock, and cleared by the next.

Whether a file is as it was written is told by the SHA-256 in its metadata; where that is missing, by its content. ETags
are not used: they are no digests where a store encrypts, or a file was written in parts.

The lock is taken when something is to be written: a site that is up to date is only read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from reportgen.outputs.saved.reader import SavedReport, read_saved
from reportgen.outputs.site.folder import INNER, MANIFEST, SiteFolder
from reportgen.outputs.site.records import digest_file
from reportgen.outputs.site.state import render_manifest
from reportgen.report.picture import ENDINGS
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError
from reportgen.system.remote import (
    AT_ONCE,
    check_writable,
    list_remote,
    names_in_remote,
    read_remote,
    remote_digest,
    remove_remote,
    write_remote,
)
from reportgen.system.remote_lock import RemoteLock, remote_lock
from reportgen.system.signals import hold_signals

LOCK = ".reportgen-lock"
_WAITING = 64  # files that wait to be sent
_INDEX = "index.html"
_FOR_EVER, _ASK = "public, max-age=31536000, immutable", "no-cache"
_MEDIA = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".xml": "application/atom+xml; charset=utf-8", ".png": "image/png",
    ".jpeg": "image/jpeg",
}  # fmt: skip


class RemoteSite(SiteFolder):
    """A site in an object store, and the files that are being added to it."""

    def __init__(self, root: RemotePath, *, overwrite: bool) -> None:
        check_writable(root)
        super().__init__(root, overwrite=overwrite)
        self._place = root
        self._sent: list[str] = []
        self._pending: set[Future[None]] = set()
        self._lock: RemoteLock | None = None

    @contextmanager
    def opened(self) -> Iterator[SiteFolder]:
        """Read what is there; when what follows fails, what was added goes again.

        Raises
        ------
        OutputError
            When something else is there, another run builds the site, or it can't be reached or written.
        """
        with ExitStack() as stack:
            self._stack = stack
            self._shop = Path(stack.enter_context(TemporaryDirectory(prefix="reportgen-")))
            self._pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
            try:
                top = list_remote(self._place, deep=False)
                if LOCK in top:
                    self._lock_site()
                self._read_state()
                self._present = {*top, *self._listed()}
                self._was_empty = self._before is None
                if self._was_empty:
                    self._write_manifest(render_manifest(self.state))
                yield self
            except BaseException:
                with hold_signals():
                    self._take_away()
                raise

    def read(self, address: str) -> bytes:
        """Return a file's content."""
        try:
            return read_remote(self._place / address)
        except FileNotFoundError:
            raise OutputError(f"{self._place / address} is not there", "build the site again") from None

    def saved(self, address: str) -> SavedReport:
        """Return a report of the site, of its data and pictures."""
        with TemporaryDirectory(prefix="reportgen-") as folder:
            path = Path(folder) / PurePosixPath(address).name
            data = self.read(address)
            path.write_bytes(data)
            for picture in _pictures_in(data):
                if self.has(picture):
                    copy = Path(folder) / picture
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(self.read(picture))
            return read_saved(path, Path(folder) / "pictures")

    def _digest(self, address: str) -> str:
        found = remote_digest(self._place / address)
        return found or hashlib.sha256(self.read(address)).hexdigest()

    def _stored(self) -> bytes | None:
        try:
            return read_remote(self._place / MANIFEST)
        except FileNotFoundError:
            return None

    def _refuse_links(self) -> None:
        """Do nothing: there are none."""

    def _holds_others(self) -> bool:
        return any(name != LOCK for name in names_in_remote(self._place))

    def _lock_site(self) -> RemoteLock:
        """Keep others from building the site."""
        if self._lock is None:
            self._lock = self._stack.enter_context(remote_lock(self._place / LOCK, "building this site"))
        return self._lock

    def _begin_writing(self) -> None:
        """Lock the site before the first change, and see that it is still what was read."""
        if self._lock is None:
            self._lock_site()
            if self._stored() != self._before:
                raise OutputError(f"{self.root} was changed by another run meanwhile", "run this again")

    def _listed(self) -> Iterator[str]:
        """Give the addresses of the files in the site's folders.

        Pictures, most of all files, are listed only where the site doesn't know its own: it is new, damaged, or was
        left by a run that was killed.
        """
        was_left = self._lock is not None and self._lock.was_left
        is_known = self._before is not None and not (self.is_damaged or was_left or self._either)
        for folder in INNER:
            if folder != "pictures" or not is_known:
                yield from (f"{folder}/{name}" for name in list_remote(self._place / folder))
        if is_known:
            for record in self.state.records.values():
                yield from record.pictures

    def _put(self, address: str, data: bytes, *, there: bool) -> None:
        self._begin_writing()
        if there:
            new = self._shop / f"added-{len(self._staged)}"
            new.write_bytes(data)
            self._staged[address] = new
            return
        self._sent.append(address)
        self._send(partial(self._write, address, data))

    def _send(self, do: Callable[[], None]) -> None:
        """Let something be done beside; wait while too much does already."""
        while len(self._pending) >= _WAITING:
            self._finish(FIRST_COMPLETED)
        self._pending.add(self._pool.submit(do))

    def _finish(self, until: str = "ALL_COMPLETED") -> None:
        done, self._pending = wait(self._pending, return_when=until)
        for one in done:
            one.result()

    def _write(self, address: str, data: bytes) -> None:
        lasting = address.startswith(("pictures/", "assets/"))
        write_remote(
            self._place / address, data, media_type=_MEDIA.get(PurePosixPath(address).suffix, "text/plain"),
            cache=_FOR_EVER if lasting else _ASK, digest=hashlib.sha256(data).hexdigest(),
        )  # fmt: skip

    def _write_manifest(self, data: bytes) -> None:
        self._begin_writing()
        self._write(MANIFEST, data)

    def _exchange(self, pages: Mapping[str, bytes], stale: Sequence[str]) -> None:
        """Write pages over the old ones, the index last, and remove what is stale then; put back what fails."""
        self._finish()
        self._lock_site().check()
        old: dict[str, Path] = {}
        new: list[str] = []
        lists = [address for address in pages if address not in (_INDEX, MANIFEST)]
        try:
            for group in (list(self._staged), lists, [one for one in (_INDEX, MANIFEST) if one in pages]):
                for address in group:
                    self._send(partial(self._keep, address, old, new))
                self._finish()
                for address in group:
                    data = self._staged[address].read_bytes() if address in self._staged else pages[address]
                    self._send(partial(self._write, address, data))
                    if address in (_INDEX, MANIFEST):
                        self._finish()
                self._finish()
        except BaseException:
            with hold_signals():
                self._put_back(old, new)
            raise
        self._sent = []
        self._remove(stale)

    def _keep(self, address: str, old: dict[str, Path], new: list[str]) -> None:
        """Keep what a file holds, to be put back; ``site.json`` is put back by itself."""
        if address == MANIFEST:
            return
        if not self.has(address):
            new.append(address)
            return
        kept = self._shop / f"old-{hashlib.sha256(address.encode()).hexdigest()}"
        kept.write_bytes(self.read(address))
        old[address] = kept

    def _put_back(self, old: Mapping[str, Path], new: Iterable[str]) -> None:
        with suppress(Exception):
            wait(self._pending)
        self._pending = set()
        for address in sorted(old, key=lambda one: one != _INDEX):
            with suppress(OutputError, OSError):
                self._write(address, old[address].read_bytes())
        for address in new:
            with suppress(OutputError):
                remove_remote(self._place / address)

    def _remove(self, addresses: Iterable[str]) -> None:
        """Remove files that nothing leads to any more; what can't be removed harms nobody, and is tried again."""
        for address in addresses:
            self._send(partial(self._remove_one, address))
        self._finish()

    def _remove_one(self, address: str) -> None:
        with suppress(OutputError):
            remove_remote(self._place / address)

    def _sweep(self) -> None:
        """Do nothing: there are no folders."""

    def _take_away(self) -> None:
        """Remove what was added, and say of the site what was said before."""
        for one in self._pending:
            one.cancel()
        wait(self._pending)
        self._pending = set()
        with suppress(Exception):
            self._remove(self._sent)
        with suppress(OutputError):
            if self._before is not None:
                if self._announced:
                    self._write_manifest(self._before)
            elif self._was_empty:
                remove_remote(self._place / MANIFEST)


def site_at(root: Path | RemotePath, *, overwrite: bool) -> SiteFolder:
    """Return the site at a place."""
    return (
        RemoteSite(root, overwrite=overwrite) if isinstance(root, RemotePath) else SiteFolder(root, overwrite=overwrite)
    )


def _pictures_in(data: bytes) -> Iterator[str]:
    """Give the addresses of the pictures that a report's data names."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        for told in json.loads(data)["pictures"]:
            yield digest_file(str(told["sha256"]), ENDINGS[told["media_type"]])
