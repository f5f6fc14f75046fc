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
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reportgen.errors import OutputError
from reportgen.interruption import undisturbed
from reportgen.outputs.site.records import ModelRecord, Record, model_from, record_from, to_table
from reportgen.outputs.workshop import is_workshop, workshop
from reportgen.outputs.writing import telling, write_all

MANIFEST = "site.json"
VERSION = 1
_PICTURE = re.compile(r"pictures/[0-9a-f]{2}/[0-9a-f]{62}\.(png|jpeg)")
_ASSET = re.compile(r"assets/[a-z]+-[0-9a-f]{16}\.(css|js)")
_PAGE = re.compile(r"index\.html|page-\d{1,6}\.html|feed\.xml|\.nojekyll|(reports|models)/[a-z0-9-]{1,60}\.(html|json)")


@dataclass(frozen=True)
class Source:
    """A report's file as it was when it was read: unchanged, it needn't be read again.

    ``digest`` is the report's, None where it's broken; then ``problem`` says why.
    """

    size: int
    changed: int
    name: str
    digest: str | None
    problem: str = ""


@dataclass
class State:
    """What a site holds. ``files`` are the digests of pages and assets, by address; ``look`` shaped them."""

    title: str = ""
    look: str = ""
    sources: dict[str, Source] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    models: dict[str, ModelRecord] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class SiteFolder:
    """A site on disk, and the files that are being added to it."""

    def __init__(self, root: Path, *, overwrite: bool) -> None:
        self.root = root
        self.state = State()
        self._overwrite = overwrite
        self._added: list[Path] = []
        self._shop: Path | None = None
        self._present: set[str] = set()

    @contextmanager
    def opened(self) -> Iterator[SiteFolder]:
        """Read what is there; when what follows fails, what was added goes again.

        Raises
        ------
        OutputError
            When the folder holds something else, or can't be written.
        """
        made = [place for place in (self.root, *self.root.parents) if not place.exists()]
        self._check()
        with ExitStack() as stack:
            try:
                with telling(self.root):
                    self.root.mkdir(parents=True, exist_ok=True)
                    self._shop = stack.enter_context(workshop(self.root))
                    self._present = set(self._scanned())
                yield self
            except BaseException:
                with undisturbed():
                    stack.close()
                    self._undo(made)
                raise

    def has(self, address: str) -> bool:
        """Return whether a file is there."""
        return address in self._present

    def read(self, address: str) -> bytes:
        """Return a file's content."""
        with telling(self.root / address):
            return (self.root / address).read_bytes()

    def add(self, address: str, data: bytes) -> None:
        """Put a file where no page leads to yet, or in the place of what the same run of the program would write."""
        digest = hashlib.sha256(data).hexdigest()
        if not _PICTURE.fullmatch(address):
            if self.has(address) and self.state.files.get(address) == digest:
                return
            self._spare(address)
            self.state.files[address] = digest
        elif self.has(address):
            return
        path = self.root / address
        with telling(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            new = (self._shop or self.root) / "added"
            new.write_bytes(data)
            new.chmod(0o666 & ~_umask())
            if not self.has(address):
                self._added.append(path)
            new.replace(path)
        self._present.add(address)

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
            if not self.has(address) or self.state.files.get(address) != digest:
                self._spare(address)
                changed[address] = data
            self.state.files[address] = digest
        stale = [address for address in sorted(self._present) if address not in keep and self._is_ours(address)]
        for address in stale:
            self._spare(address)
            self.state.files.pop(address, None)
        manifest = self._manifest()
        path = self.root / MANIFEST
        same = path.is_file() and path.read_bytes() == manifest
        if changed or stale or not same or self._added:
            for address in changed:
                with telling(self.root / address):
                    (self.root / address).parent.mkdir(parents=True, exist_ok=True)
            with undisturbed():
                contents = {self.root / address: data for address, data in changed.items()}
                write_all(contents | {path: manifest}, remove=[self.root / address for address in stale])
            self._sweep()
        added = len(self._added)
        self._added = []
        return len(changed) + len(stale) + added

    def _check(self) -> None:
        if self.root.is_symlink():
            raise OutputError(f"{self.root} is a symbolic link", "name the folder it leads to")
        if self.root.exists() and not self.root.is_dir():
            raise OutputError(f"{self.root} is no folder", "name a folder for the site")
        manifest = self.root / MANIFEST
        if manifest.is_file():
            with telling(manifest):
                data = manifest.read_bytes()
            self.state = _state_from(data, manifest, overwrite=self._overwrite)
        elif self.root.is_dir() and not self._overwrite and any(not is_workshop(p.name) for p in self.root.iterdir()):
            raise OutputError(
                f"{self.root} is not empty and holds no site of this program",
                "choose another folder, or allow overwriting (-f): what is there stays, unless a page has its name",
            )

    def _scanned(self) -> Iterator[str]:
        """Give the addresses of what may be a site's files."""
        for folder in ("", "reports", "models", "assets", "pictures"):
            place = self.root / folder
            if not place.is_dir() or (folder and place.is_symlink()):
                continue
            for entry in os.scandir(place):
                address = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_file(follow_symlinks=False):
                    yield address
                elif folder == "pictures" and entry.is_dir(follow_symlinks=False):
                    yield from (f"{address}/{one.name}" for one in os.scandir(entry.path))

    def _is_ours(self, address: str) -> bool:
        """Whether a file may go: it is called by its digest, or listed among the pages that were written."""
        if _PICTURE.fullmatch(address):
            return True
        return address in self.state.files and bool(_PAGE.fullmatch(address) or _ASSET.fullmatch(address))

    def _spare(self, address: str) -> None:
        """Refuse to replace or remove what somebody else wrote or edited, unless it's allowed."""
        if self._overwrite or not self.has(address) or _PICTURE.fullmatch(address):
            return
        if hashlib.sha256(self.read(address)).hexdigest() != self.state.files.get(address):
            raise OutputError(
                f"{self.root / address} is not as it was written", "keep it elsewhere, or allow overwriting (-f)"
            )

    def _manifest(self) -> bytes:
        state = self.state
        table = {
            "reportgen_site": VERSION, "title": state.title, "look": state.look,
            "models": {key: to_table(one) for key, one in sorted(state.models.items())},
            "reports": [to_table(one) for one in sorted(state.records.values(), key=lambda one: one.order)],
            "sources": {key: list(vars(one).values()) for key, one in sorted(state.sources.items())},
            "files": dict(sorted(state.files.items())),
        }  # fmt: skip
        return (json.dumps(table, separators=(",", ":")) + "\n").encode()

    def _sweep(self) -> None:
        """Remove folders that nothing is left in."""
        pictures = self.root / "pictures"
        inner = [Path(entry.path) for entry in os.scandir(pictures)] if pictures.is_dir() else []
        for place in (*inner, pictures, self.root / "reports", self.root / "models"):
            with suppress(OSError):
                place.rmdir()

    def _undo(self, made: Iterable[Path]) -> None:
        for path in self._added:
            with suppress(OSError):
                path.unlink()
        self._sweep()
        for place in (self.root / "assets", *made):
            with suppress(OSError):
                place.rmdir()


def _state_from(data: bytes, path: Path, *, overwrite: bool) -> State:
    """Read what a site says of itself; where that can't be read and overwriting is allowed, start anew."""
    try:
        table: dict[str, Any] = json.loads(data)
        if table["reportgen_site"] != VERSION:
            raise OutputError(f"{path} is of another version of reportgen", "build the site anew in another folder")
        return State(
            title=str(table["title"]), look=str(table["look"]),
            sources={str(key): Source(*one) for key, one in table["sources"].items()},
            records={one["digest"]: record_from(one) for one in table["reports"]},
            models={str(key): model_from(one) for key, one in table["models"].items()},
            files={str(key): str(one) for key, one in table["files"].items()},
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if overwrite:
            return State()
        raise OutputError(f"{path} is damaged", "allow overwriting (-f) to build the site anew") from None


def _umask() -> int:
    """Return the permissions that new files don't get."""
    found = os.umask(0o077)
    os.umask(found)
    return found
