"""A saved report back as data: from its page, which carries everything, or from report.json and its pictures.

Nothing is run and nothing is fetched. What is read is checked: that it is a report of this program, of a schema that is
known, whole, and that every picture is the one that was written.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import hashlib
import json
import math
import re
import types
import typing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from reportgen.errors import OutputError
from reportgen.outputs.html import page_digest, seal_of
from reportgen.outputs.sidecar import content_digest, report_digest
from reportgen.outputs.soundness import flaw
from reportgen.picture import ENDINGS
from reportgen.report import SCHEMA_VERSION, Report

DATA_ID = "report-data"
LARGEST = 512 << 20
_DEEPEST = 60
_DATA_URI = "data:image/"


@dataclasses.dataclass(frozen=True)
class SavedReport:
    """A report that was read, and the text of the file it was read from."""

    report: Report
    path: Path
    text: str
    is_page: bool

    @functools.cached_property
    def digest(self) -> str:
        """What the report is known by: the same for its page and its JSON."""
        return report_digest(self.report)


class _Problem(Exception):  # noqa: N818 - becomes an OutputError that names the file
    def __init__(self, what: str, advice: str = "give a report.html or report.json that reportgen wrote") -> None:
        self.advice = advice
        super().__init__(what)


def read_saved(path: Path, figures: Path | None = None) -> SavedReport:
    """Read a report that was written earlier.

    Parameters
    ----------
    path
        The HTML page, or report.json.
    figures
        For report.json: where its pictures are; default: beside it, or in ``figures`` there.

    Raises
    ------
    OutputError
        When there is no such file, or it's no report of this program, of an unknown schema, edited or cut off.
    """
    text = _text(path)
    is_page = text.lstrip()[:1] == "<"
    try:
        if is_page:
            page = _parsed(text)
            table, found = _loaded(page.data), page.pictures
            if seal_of(text) != page_digest(text):
                raise _Problem("was edited: it is not the page that was written")
        else:
            table = _loaded(text)
            found = _beside(table, figures or path.parent)
        return SavedReport(_report(table, found), path, text, is_page)
    except _Problem as problem:
        raise OutputError(f"{path} {problem}", problem.advice) from None


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise OutputError(f"{path} has {size:,} bytes", "it is no report")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise OutputError(f"report not found: {path}", "check the path") from None
    except UnicodeDecodeError:
        raise OutputError(f"{path} is no report", "give a report.html or report.json that reportgen wrote") from None
    except OSError as problem:
        raise OutputError(f"{path} can't be read ({problem.strerror})", "check it") from None


class _Page(HTMLParser):
    """Collects the data of a page and the pictures in it, by digest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.data = ""
        self.is_whole = False
        self.pictures: dict[str, bytes] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where data begin; take what a picture shows."""
        table = dict(attrs)
        if tag == "script" and table.get("id") == DATA_ID and not self.data:
            self._inside = True
        source = table.get("src") or ""
        if tag == "img" and source.startswith(_DATA_URI):
            try:
                picture = base64.b64decode(source.partition(",")[2], validate=True)
            except (binascii.Error, ValueError):
                return
            self.pictures[hashlib.sha256(picture).hexdigest()] = picture

    def handle_endtag(self, tag: str) -> None:
        """Note where data and the page end."""
        if tag == "script":
            self._inside = False
        self.is_whole = self.is_whole or tag == "html"

    def handle_data(self, data: str) -> None:
        """Take what stands between."""
        if self._inside:
            self.data += data


def _parsed(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    if not page.data:
        older = 'content="reportgen ' in text[:5000]
        raise _Problem("is a report without its data, cut off or of an older version" if older else "is no report")
    if not page.is_whole:
        raise _Problem("is cut off")
    return page


def _loaded(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise _Problem("holds no report, or a damaged one") from None
    if not isinstance(table, dict) or not isinstance(table.get("schema_version"), int) or "cases" not in table:
        raise _Problem("is no report")
    version = table["schema_version"]
    if version != SCHEMA_VERSION:
        age = "newer" if version > SCHEMA_VERSION else "older"
        raise _Problem(f"was written by {age} reportgen (schema {version}, this one reads {SCHEMA_VERSION})")
    if not isinstance(table.get("pictures"), list):
        raise _Problem("was edited: it has no list of pictures")
    if "content_sha256" not in table:
        raise _Problem("was edited, or written before reports had digests")
    if table["content_sha256"] != _digest(table):
        raise _Problem("was edited: what it says is not what was written")
    return table


def _digest(table: dict[str, Any]) -> str | None:
    try:
        return content_digest(table)
    except (ValueError, RecursionError):
        return None


def _beside(table: dict[str, Any], folder: Path) -> dict[str, bytes]:
    found = {}
    for described in table["pictures"]:
        name = described.get("file") if isinstance(described, dict) else None
        if not isinstance(name, str) or Path(name).name != name:
            raise _Problem("names a picture that is no plain file")
        try:
            places = (folder / name, folder / "figures" / name, _by_digest(folder, described))
            data = next((place for place in places if place.is_file()), places[0]).read_bytes()
        except (OSError, ValueError):
            raise _Problem(
                f"needs the picture {name:.100}, which is not in {folder}",
                "say with --figures where they are (build --figures writes them), or give the HTML page",
            ) from None
        found[hashlib.sha256(data).hexdigest()] = data
    return found


def _by_digest(folder: Path, described: dict[str, Any]) -> Path:
    """Return where a picture lies in a site: there it's called by its digest."""
    digest, ending = str(described.get("sha256")), ENDINGS.get(str(described.get("media_type")), "")
    return folder / digest[:2] / f"{digest[2:]}.{ending}" if re.fullmatch("[0-9a-f]{64}", digest) else folder


def _report(table: dict[str, Any], found: dict[str, bytes]) -> Report:
    pictures = []
    for described in table["pictures"]:
        if not isinstance(described, dict) or str(described.get("sha256")) not in found:
            name = described.get("name") if isinstance(described, dict) else "?"
            raise _Problem(f"was edited, or cut off: picture '{name!s:.60}' is not the one that was written")
        pictures.append({**described, "data": found[described["sha256"]]})
    report: Report = _made(Report, {**table, "pictures": pictures}, "report", 0)
    found_flaw = flaw(report)
    if found_flaw:
        raise _Problem(f"was edited: {found_flaw}")
    return report


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _made(kind: Any, value: Any, where: str, depth: int) -> Any:
    """Return a value as the type of a field asks: dataclasses from tables, tuples from lists, NaN from null."""
    if depth > _DEEPEST:
        raise _Problem(f"was edited: {where:.80} is nested too deeply")
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _table(kind, value, where, depth)
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(kind), value, where, depth)
    if origin is tuple and isinstance(value, list):
        kinds = typing.get_args(kind)
        many = len(kinds) == 2 and kinds[1] is Ellipsis
        if many or len(kinds) == len(value):
            asked = [kinds[0]] * len(value) if many else kinds
            return tuple(_made(k, v, where, depth + 1) for k, v in zip(asked, value, strict=True))
    elif origin is dict and isinstance(value, dict):
        return {key: _made(typing.get_args(kind)[1], item, where, depth + 1) for key, item in value.items()}
    elif kind is float and (value is None or (isinstance(value, int | float) and not isinstance(value, bool))):
        return math.nan if value is None else value
    elif kind in (object, Any) or (isinstance(kind, type) and type(value) is kind):
        return value
    raise _Problem(f"was edited: {where:.80} is not what it should be")


def _table(kind: type, value: Any, where: str, depth: int) -> Any:
    if not isinstance(value, dict):
        raise _Problem(f"was edited: {where:.80} is no table")
    given = {}
    for item in dataclasses.fields(kind):
        key = item.metadata.get("json", item.name)
        if key in value:
            given[item.name] = _made(_hints(kind)[item.name], value[key], f"{where}.{key}", depth + 1)
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise _Problem(f"was edited: {where:.80} has no {key}")
    return kind(**given)


def _one_of(kinds: tuple[Any, ...], value: Any, where: str, depth: int) -> Any:
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is not type(None):
            try:
                return _made(kind, value, where, depth + 1)
            except _Problem:
                continue
    raise _Problem(f"was edited: {where:.80} is not what it should be")
