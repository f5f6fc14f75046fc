"""Reports in, site out: what hasn't changed is neither read nor written again, and a broken report stops no other."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from reportgen.outputs.saved.content import LARGEST
from reportgen.outputs.saved.reader import ReportError, SavedReport, read_saved
from reportgen.outputs.saved.report_json import render_json
from reportgen.outputs.site import pages
from reportgen.outputs.site.folder import MADE, SiteFolder
from reportgen.outputs.site.records import digest_file, picture_file, record_of, short
from reportgen.outputs.site.remote_folder import site_at
from reportgen.outputs.site.state import Source, State
from reportgen.report.picture import case_picture_name
from reportgen.report.report import Report
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError
from reportgen.system.remote import RemoteState, fetched, list_remote, state_of_remote

DEFAULT_TITLE = "Model reports"
_MARK = b'<meta name="generator" content="reportgen '
_HEAD = 16_384  # of a page: its style stands below
_ENDINGS = (".html", ".htm")
MOST_THUMBNAILS = 2
_THUMBNAIL, _QUALITY, _MOST_PIXELS = (144, 144), 78, 50_000_000


@dataclass(frozen=True)
class RemoteReport:
    """A page at an address, and what its server says of it."""

    place: RemotePath
    state: RemoteState

    @property
    def name(self) -> str:
        """The page's name."""
        return self.place.name

    def __str__(self) -> str:
        return str(self.place)


@dataclass(frozen=True)
class Built:
    """What became of a site: how many reports it shows, how many files changed, and which reports are broken."""

    reports: int
    read: int
    changed: int
    broken: tuple[pages.Broken, ...]


def find_reports(paths: Iterable[Path | RemotePath], site: Path | RemotePath) -> list[Path | RemoteReport]:
    """Return the reports among files and in folders, at any depth; the site itself is left out.

    In folders only pages count; a report.json has to be named, and be on this machine. At an address each page counts,
    as none is read to find them: one that is no report is listed as broken.

    Raises
    ------
    OutputError
        When a path is missing, or a file that can't be a report.
    """
    found: dict[str, Path | RemoteReport] = {}
    for path in paths:
        if isinstance(path, RemotePath):
            found |= {one.place.address: one for one in _at_address(path, site)}
            continue
        try:
            is_folder, is_there = path.is_dir(), os.path.lexists(path)
        except (OSError, ValueError):
            is_folder = is_there = False
        if not is_there:
            raise OutputError(f"report not found: {path!s:.200}", "check the path")
        if isinstance(site, Path) and _lies_in(path, site):
            raise OutputError(f"{path} lies in the site itself", "keep reports elsewhere: the site is made of them")
        if not is_folder and path.suffix.lower() not in (*_ENDINGS, ".json") and not _begins_as_one(path):
            raise OutputError(f"{path} is no report", "give report.html files, or folders with some")
        for one in _in_folder(path, site) if is_folder else (path,):
            found.setdefault(os.path.abspath(one), one)  # noqa: PTH100 - links are not followed
    return list(found.values())


def build_site(
    sources: Sequence[Path | RemoteReport], root: Path | RemotePath, *, title: str | None = None, add: bool = False,
    overwrite: bool = False, done: Callable[[int], object] | None = None,
) -> Built:  # fmt: skip
    """Make a site of reports, or bring it up to date.

    Parameters
    ----------
    sources
        Reports, as :func:`find_reports` gives them.
    root
        The folder that the site lies in.
    title
        Of the site; None: as it was.
    add
        Keep the reports that are there already; else those that are not among the sources go.
    overwrite
        Whether files that this program didn't write, or that were edited, may be replaced.
    done
        Is called with 1 for each source.

    Raises
    ------
    OutputError
        When the folder holds something else, or can't be written. Then nothing has changed.
    """
    with site_at(root, overwrite=overwrite).opened() as folder:
        return _Build(folder, title).run(sources, add=add, done=done)


def remove_reports(names: Sequence[str], root: Path | RemotePath, *, overwrite: bool = False) -> Built:
    """Take reports out of a site.

    Parameters
    ----------
    names
        Files of reports, or names of their pages.
    root, overwrite
        As for :func:`build_site`.

    Raises
    ------
    OutputError
        When there is no site, or a report is not in it.
    """
    with site_at(root, overwrite=overwrite).opened() as folder:
        found = [_named(folder.state, name) for name in names]
        digests, keys = (frozenset().union(*parts) for parts in zip(*found, strict=True))
        state = folder.state
        state.records = {key: one for key, one in state.records.items() if key not in digests}
        gone = keys | {key for key, one in state.sources.items() if one.digest in digests}
        state.sources = {key: one for key, one in state.sources.items() if key not in gone}
        return _Build(folder, None).run((), add=True, done=None)


class _Build:
    """One run: takes reports in, then lets the pages that lead to them follow."""

    def __init__(self, folder: SiteFolder, title: str | None) -> None:
        self._folder, self._state = folder, folder.state
        self._state.title = title or self._state.title or DEFAULT_TITLE
        # the site's name stands on every page
        look = hashlib.sha256(f"{pages.look()} {self._state.title}".encode(errors="replace")).hexdigest()
        self._is_new_look = look != self._state.look
        self._state.look = look
        self._files: dict[str, str] = {}
        self._drawn: set[str] = set()
        self._read = 0

    def run(self, sources: Sequence[Path | RemoteReport], *, add: bool, done: Callable[[int], object] | None) -> Built:
        """Take the sources in, draw what must be drawn anew, and let the lists follow."""
        for name, (address, content) in pages.asset_files().items():
            self._folder.add(address, content)
            self._files[name] = address
        if self._folder.is_damaged and add:
            self._take_back()
        known = self._state.sources
        taken: dict[str, Source] = {}
        for path in sources:
            key = _key(path)
            taken[key] = self._taken(path, known.get(key))
            if done is not None:
                done(1)
        if taken and self._state.records and not add and all(source.digest is None for source in taken.values()):
            raise OutputError(
                "none of what was given is a report that can be read, so the site stays as it was",
                f"{sources[0]} {next(iter(taken.values())).problem}",
            )
        self._state.sources = known | taken if add else taken
        if not add:
            given = {source.digest for source in taken.values()}
            self._state.records = {key: one for key, one in self._state.records.items() if key in given}
        self._draw_others_anew()
        return self._settled()

    def _taken(self, path: Path | RemoteReport, known: Source | None) -> Source:
        """Take a report in; what is known and unchanged isn't even read."""
        size, changed = _state(path)
        if known is not None and (known.size, known.changed) == (size, changed) and self._is_there(known.digest):
            return replace(known, name=short(path.name))
        self._read += 1
        try:
            saved = _read(path)
        except ReportError as error:
            return Source(size, changed, short(path.name), None, error.problem)
        self._draw(saved.report, saved.digest)
        return Source(size, changed, short(path.name), saved.digest)

    def _is_there(self, digest: str | None) -> bool:
        """Whether nothing needs to be drawn for a report; of a broken one there is nothing."""
        if digest is None or digest in self._drawn:
            return True
        record = self._state.records.get(digest)
        if record is None or self._is_new_look:
            return False
        return all(map(self._folder.has, (record.address, record.data_address, *record.pictures)))

    def _draw(self, report: Report, digest: str) -> None:
        """Write a report's pictures, page and data, which no page leads to yet."""
        if digest in self._drawn:
            return
        thumbnails = {}
        for index, _ in report.side_by_side[:MOST_THUMBNAILS]:
            small = _thumbnail(report, index)
            if small is not None:
                thumbnails[index] = digest_file(hashlib.sha256(small).hexdigest(), "jpeg")
                self._folder.add(thumbnails[index], small)
        record = record_of(report, digest, thumbnails)
        for picture in report.pictures:
            self._folder.add(picture_file(picture), picture.data)
        site = pages.Linked(self._state.title, "../", self._files)
        self._folder.add(record.address, pages.render_report_page(report, site, f"{record.name}.json"))
        self._folder.add(record.data_address, render_json(replace(report, timings={})))
        self._state.records[digest] = record
        self._drawn.add(digest)

    def _draw_others_anew(self) -> None:
        """Draw pages whose sources weren't given, and that must change, from the site's own data."""
        for record in list(self._state.records.values()):
            if not self._is_there(record.digest):
                try:
                    saved = self._folder.saved(record.data_address)
                except ReportError as problem:
                    raise OutputError(
                        f"the site can't draw {record.address} anew: its {record.data_address} {problem.problem}",
                        "give all its reports again, without --add",
                    ) from None
                self._draw(saved.report, saved.digest)

    def _take_back(self) -> None:
        """Take in what lies in the site itself, where it has lost what it knew."""
        for address in self._folder.data_addresses():
            with suppress(ReportError):
                saved = self._folder.saved(address)
                self._draw(saved.report, saved.digest)

    def _settled(self) -> Built:
        state = self._state
        records = tuple(sorted(state.records.values(), key=lambda one: one.order))
        broken = (pages.Broken(one.name, one.problem) for one in state.sources.values() if one.digest is None)
        contents = pages.Contents(state.title, records, tuple(sorted(broken, key=lambda one: one.name)))
        written = pages.render_lists(contents, self._files) | pages.render_models(contents, self._files)
        written |= {"feed.xml": pages.render_feed(contents), ".nojekyll": b""}
        wanted = {address for one in records for address in (one.address, one.data_address, *one.pictures)}
        changed = self._folder.settle(written, wanted.union(self._files.values()))
        return Built(len(records), self._read, changed, contents.broken)


def _at_address(place: RemotePath, site: Path | RemotePath) -> Iterator[RemoteReport]:
    """Give the pages at an address, or the page that it names."""
    if isinstance(site, RemotePath) and place.is_below(site):
        raise OutputError(f"{place} lies in the site itself", "keep reports elsewhere: the site is made of them")
    if place.name.lower().endswith(_ENDINGS):
        state = state_of_remote(place)
        listed = {} if state is None else {place: state}
    else:
        listed = {place / name: state for name, state in list_remote(place).items() if name.lower().endswith(_ENDINGS)}
    if not listed:
        raise OutputError(f"report not found: {place}", "check the address")
    for one, state in listed.items():
        if not (isinstance(site, RemotePath) and one.is_below(site)):
            yield RemoteReport(one, state)


def _state(path: Path | RemoteReport) -> tuple[int, int]:
    """Return (bytes, what changes when the file does); zeros where it isn't there."""
    if isinstance(path, RemoteReport):
        return path.state.size, path.state.mark
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _read(path: Path | RemoteReport) -> SavedReport:
    if isinstance(path, Path):
        return read_saved(path)
    with fetched(path.place, LARGEST) as copy:
        return read_saved(copy)


def _in_folder(folder: Path, site: Path | RemotePath) -> Iterator[Path]:
    """Give the pages of reports in a folder, told by what they begin with."""
    left_out = os.path.realpath(str(site))
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if os.path.realpath(os.path.join(place, name)) != left_out)  # noqa: PTH118
        for name in sorted(names):
            path = Path(place) / name
            if name.lower().endswith(_ENDINGS) and not path.is_symlink() and _begins_as_one(path):
                yield path


def _lies_in(path: Path, folder: Path) -> bool:
    """Whether a path is a folder, or lies in it, by whatever links."""
    inside, outside = os.path.realpath(path), os.path.realpath(folder)
    return inside == outside or inside.startswith(os.path.join(outside, ""))  # noqa: PTH118


def _begins_as_one(path: Path) -> bool:
    with suppress(OSError):
        if stat.S_ISREG(path.stat().st_mode):  # a pipe may never give anything
            with path.open("rb") as file:
                head = file.read(_HEAD)
                return _MARK in head and MADE not in head
    return False


def _thumbnail(report: Report, case: int) -> bytes | None:
    """Return a small picture of a case; None where there is none, or it can't be read."""
    kinds = ("occlusion-glance", "occlusion-importance", "input")  # the first is an earlier report's
    names = (case_picture_name(case, kind) for kind in kinds)
    picture = next((found for name in names if (found := report.picture(name))), None)
    if picture is None:
        return None
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(picture.data)) as large:
            warnings.simplefilter("ignore")
            if large.width * large.height > _MOST_PIXELS:
                return None
            small = large.convert("RGB")
        small.thumbnail(_THUMBNAIL)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
        return buffer.getvalue()
    except Exception:  # noqa: BLE001 - Pillow meets damaged pictures with every kind of exception
        return None


def _key(path: Path | RemoteReport) -> str:
    """Return what a source is remembered by: a digest of its path, which itself is nobody's business."""
    if isinstance(path, RemoteReport):
        return hashlib.sha256(path.place.address.encode(errors="replace")).hexdigest()[:24]
    return hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:24]  # noqa: PTH100 - links are not followed


def _named(state: State, name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return what a name stands for in a site.

    A report by its file or its page's name: its digest. What is listed as broken, by its file or the name that is
    shown: its keys among the sources.
    """
    path = Path(name)
    unread = {key: one.name for key, one in state.sources.items() if one.digest is None}
    broken = frozenset(key for key, shown in unread.items() if key == _key(path) or shown == name)
    found = frozenset(one.digest for one in state.records.values() if path.stem == one.name)
    source = state.sources.get(_key(path))
    if not found and source is not None and source.digest is not None:
        found = frozenset({source.digest} & state.records.keys())
    if not found and not broken:
        with suppress(ReportError):
            found = frozenset({read_saved(path).digest} & state.records.keys())
    if not found and not broken:
        raise OutputError(f"{name:.200} is not in the site", "give a report's file, or the name of its page")
    return found, broken
