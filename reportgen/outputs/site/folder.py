"""The folder that a site lies in: what is there, what is added, and how it changes as a whole.

New files are added first, under names that no page leads to yet. Then the pages that lead to them take the place of the
old ones, all or none, and what nobody needs any more goes. So a reader always finds a whole site, and a run that fails
leaves the old one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from reportgen.outputs.saved.reader import SavedReport, read_saved
from reportgen.outputs.site.records import PICTURE
from reportgen.outputs.site.state import State, parse_manifest, render_manifest
from reportgen.system.addresses import RemotePath
from reportgen.system.atomic import is_workspace, replace_files, tell_write_errors, workspace, write_file
from reportgen.system.errors import OutputError
from reportgen.system.signals import hold_signals

MANIFEST = "site.json"
INNER = ("reports", "models", "assets", "pictures")
_ASSET = re.compile(r"assets/[a-z]+-[0-9a-f]{16}\.(css|js)")
# pages and assets whose names hold a digest: a run that was killed may have left one that no list has
_LEFT = re.compile(r"assets/[a-z]+-[0-9a-f]{16}\.(css|js)|reports/[a-z0-9-]*-[0-9a-f]{12}\.(html|json)")
MADE = b'<meta name="generator" content="reportgen site">'
_PAGE = re.compile(r"index\.html|page-\d{1,6}\.html|feed\.xml|\.nojekyll|(reports|models)/[a-z0-9-]{1,60}\.(html|json)")


class SiteFolder:
    """A site on disk, and the files that are being added to it.

    ``is_damaged``: what it says of itself couldn't be read, and is made anew.
    """

    def __init__(self, root: Path | RemotePath, *, overwrite: bool) -> None:
        self.root = root
        self.state = State()
        self.is_damaged = False
        self._overwrite = overwrite
        self._added: list[Path] = []
        self._staged: dict[str, Path] = {}
        self._shop = Path()
        self._count = 0  # of files that were added
        self._announced = False
        self._before: bytes | None = None
        self._was_empty = False
        self._either: dict[str, set[str]] = {}
        self._present: set[str] = set()

    @contextmanager
    def opened(self) -> Iterator[SiteFolder]:
        """Read what is there; when what follows fails, what was added goes again.

        Raises
        ------
        OutputError
            When the folder holds something else, is being built by another process, or can't be written.
        """
        with tell_write_errors(self.root):
            if self._folder.is_symlink():
                raise OutputError(f"{self.root} is a symbolic link", "name the folder it leads to")
            if self._folder.exists() and not self._folder.is_dir():
                raise OutputError(f"{self.root} is no folder", "name a folder for the site")
            made = [place for place in (self._folder, *self._folder.parents) if not place.exists()]
        with ExitStack() as stack:
            try:
                with tell_write_errors(self.root):
                    self._folder.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(_alone(self._folder))
                    self._read_state()
                    self._present = set(self._scanned())
                    self._shop = stack.enter_context(workspace(self._folder))
                    self._was_empty = self._before is None
                    if self._was_empty:
                        self._write_manifest(render_manifest(self.state))
                yield self
            except BaseException:
                with hold_signals():
                    stack.close()
                    self._undo(made)
                raise

    def has(self, address: str) -> bool:
        """Return whether a file is there."""
        return address in self._present

    @property
    def _folder(self) -> Path:
        return Path(str(self.root))

    def data_addresses(self) -> list[str]:
        """Return the addresses of the reports' data, in order."""
        return sorted(one for one in self._present if one.startswith("reports/") and one.endswith(".json"))

    def saved(self, address: str) -> SavedReport:
        """Return a report of the site, of its data and pictures.

        Raises
        ------
        ReportError
            When it's missing or damaged.
        """
        return read_saved(self._folder / address, self._folder / "pictures")

    def read(self, address: str) -> bytes:
        """Return a file's content."""
        with tell_write_errors(self.root / address):
            return (self._folder / address).read_bytes()

    def add(self, address: str, data: bytes) -> None:
        """Put a file where no page leads to yet; one that takes the place of another waits until all do."""
        if PICTURE.fullmatch(address) and self.has(address):
            return
        digest = hashlib.sha256(data).hexdigest()
        there = self.has(address)
        if there and self.state.files.get(address) == digest and not _ASSET.fullmatch(address):
            return
        if there and self._digest(address) == digest:
            self.state.files[address] = digest
            return
        self._spare(address)
        self._put(address, data, there=there)
        if not PICTURE.fullmatch(address):
            self.state.files[address] = digest
        self._present.add(address)
        self._count += 1

    def _put(self, address: str, data: bytes, *, there: bool) -> None:
        """Write a file that no page leads to; one that takes the place of another waits."""
        with tell_write_errors(self._folder / address):
            (self._folder / address).parent.mkdir(parents=True, exist_ok=True)
            new = self._shop / f"added-{len(self._staged)}"
            new.write_bytes(data)
            new.chmod(0o666 & ~_umask())
            if there:
                self._staged[address] = new
            else:
                self._added.append(self._folder / address)
                new.replace(self._folder / address)

    def settle(self, pages: Mapping[str, bytes], wanted: Collection[str]) -> int:
        """Let pages take the place of the old ones, and what is not wanted go; return how many files that changed.

        Parameters
        ----------
        pages
            Content by address.
        wanted
            Addresses of all other files that stay.
        """
        keep = {*pages, *wanted, MANIFEST}
        changed = {}
        for address, data in pages.items():
            digest = hashlib.sha256(data).hexdigest()
            if not self.has(address) or self.state.files.get(address) != digest or self.is_damaged:
                self._spare(address)
                changed[address] = data
            self.state.files[address] = digest
        stale = [address for address in sorted(self._present) if address not in keep and self._is_ours(address)]
        for address in stale:
            self._spare(address)
            self.state.files.pop(address, None)
        manifest = render_manifest(self.state)
        if changed or stale or self._count or manifest != (self._before or render_manifest(State())):
            self._announce(changed)
            self._exchange(changed | {MANIFEST: manifest}, stale)
            self._sweep()
        count = len(changed) + len(stale) + self._count
        self._added, self._staged, self._count = [], {}, 0
        return count

    def _announce(self, pages: Mapping[str, bytes]) -> None:
        """Write down what is about to be there: after a kill in between, the next run knows both for its own."""
        coming = {address: hashlib.sha256(data).hexdigest() for address, data in pages.items()}
        coming |= {address: self.state.files[address] for address in self._staged}
        told = self._before if self._before is not None and not self.is_damaged else render_manifest(State())
        table = json.loads(told) | {"coming": coming}
        self._announced = True
        self._write_manifest(json.dumps(table, separators=(",", ":")).encode())

    def _write_manifest(self, data: bytes) -> None:
        with tell_write_errors(self.root / MANIFEST):
            write_file(self._folder / MANIFEST, data)

    def _exchange(self, pages: Mapping[str, bytes], stale: Sequence[str]) -> None:
        """Let all new files take their places and the stale ones go: all of it, or nothing."""
        addresses = [*self._staged, *pages]
        for address in addresses:
            with tell_write_errors(self._folder / address):
                (self._folder / address).parent.mkdir(parents=True, exist_ok=True)
        with hold_signals(), replace_files(
            *(self._folder / address for address in addresses), remove=[self._folder / address for address in stale]
        ) as unfinished:  # fmt: skip
            for address, new in zip(addresses, unfinished, strict=True):
                with tell_write_errors(self._folder / address):
                    if address in self._staged:
                        self._staged[address].replace(new)
                    else:
                        new.write_bytes(pages[address])

    def _read_state(self) -> None:
        """Read what the site says of itself; refuse a folder that holds something else."""
        self._refuse_links()
        self._before = self._stored()
        if self._before is not None:
            found = parse_manifest(self._before, self.root / MANIFEST, overwrite=self._overwrite)
            self.is_damaged = found is None
            if found is not None:
                self.state, coming = found
                for address, digest in coming.items():
                    self._either[address] = {digest, self.state.files.get(address, digest)}
                    self.state.files[address] = ""  # one of the two: it's written again
        elif not self._overwrite and self._holds_others():
            raise OutputError(
                f"{self.root} is not empty and holds no site of this program",
                "choose another folder, or allow overwriting (-f): what is there stays, unless a page has its name",
            )

    def _refuse_links(self) -> None:
        for name in (MANIFEST, *INNER):
            if (self._folder / name).is_symlink():
                raise OutputError(
                    f"{self.root / name} is a symbolic link", "remove it: a site's files are in its folder"
                )

    def _stored(self) -> bytes | None:
        """Return what the site says of itself; None where there is nothing."""
        manifest = self._folder / MANIFEST
        return manifest.read_bytes() if manifest.is_file() else None

    def _holds_others(self) -> bool:
        return any(not is_workspace(path.name) for path in self._folder.iterdir())

    def _digest(self, address: str) -> str:
        return hashlib.sha256(self.read(address)).hexdigest()

    def _scanned(self) -> Iterator[str]:
        """Give the addresses of what may be a site's files."""
        for folder in ("", *INNER):
            place = self._folder / folder
            for entry in os.scandir(place) if place.is_dir() else ():
                address = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_file(follow_symlinks=False):
                    yield address
                elif folder == "pictures" and re.fullmatch("[0-9a-f]{2}", entry.name):
                    if entry.is_symlink():
                        raise OutputError(f"{entry.path} is a symbolic link", "remove it")
                    yield from (f"{address}/{one.name}" for one in os.scandir(entry.path) if one.is_file())

    def _is_ours(self, address: str) -> bool:
        """Whether a file may go: it is called by its digest, or listed among the pages that were written."""
        if PICTURE.fullmatch(address):
            return True
        if not (_PAGE.fullmatch(address) or _ASSET.fullmatch(address)):
            return False
        return address in self.state.files or self._was_made_here(address)

    def _was_made_here(self, address: str) -> bool:
        """Whether a file that no list has was written for a site, by what stands in it: a killed run left it."""
        if not (_LEFT.fullmatch(address) or self.is_damaged):
            return False
        data = self.read(address)
        if _ASSET.fullmatch(address):
            return hashlib.sha256(data).hexdigest()[:16] in address
        if address.endswith(".json"):
            told = re.search(rb'"content_sha256": "([0-9a-f]{12})', data[-200:])
            return told is not None and told[1].decode() in address
        return MADE in data[:4096]

    def _spare(self, address: str) -> None:
        """Refuse to replace or remove what somebody else wrote or edited, unless it's allowed."""
        files = self.state.files
        if self._overwrite or not self.has(address) or PICTURE.fullmatch(address):
            return
        if address not in files and self._was_made_here(address):
            return
        known = {files.get(address), *self._either.get(address, ())}
        if self._digest(address) not in known:
            raise OutputError(
                f"{self.root / address} is not as it was written", "keep it elsewhere, or allow overwriting (-f)"
            )

    def _sweep(self) -> None:
        """Remove folders that nothing is left in."""
        pictures = self._folder / "pictures"
        inner = [Path(entry.path) for entry in os.scandir(pictures)] if pictures.is_dir() else []
        for place in (*inner, pictures, self._folder / "reports", self._folder / "models"):
            with suppress(OSError):
                place.rmdir()

    def _undo(self, made: Iterable[Path]) -> None:
        if self._shop != Path():
            self._take_away()
        for place in made:
            with suppress(OSError):
                place.rmdir()

    def _take_away(self) -> None:
        """Remove what was added, and say of the site what was said before."""
        for path in self._added:
            with suppress(OSError):
                path.unlink()
        manifest = self._folder / MANIFEST
        with suppress(OSError, OutputError):
            if self._before is None and self._was_empty:
                manifest.unlink()
            elif self._before is not None and manifest.read_bytes() != self._before:
                write_file(manifest, self._before)
        with suppress(OSError):
            self._sweep()
        with suppress(OSError):
            (self._folder / "assets").rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from building the same site; where folders can't be locked, nothing does."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"another process is building {folder}", "wait until it's done") from None
        except OSError:
            pass  # this file system has no locks
        yield
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Return the permissions that new files don't get."""
    found = os.umask(0o077)
    os.umask(found)
    return found
