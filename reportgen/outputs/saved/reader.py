"""A saved report back as data: from its page, which carries everything, or from report.json and its pictures.

Nothing is run and nothing is fetched. What is read is checked: that it is a report of this program, of a schema that is
known, whole, and that every picture is the one that was written.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import functools
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from reportgen.outputs.saved.content import LARGEST, Problem, read_content
from reportgen.outputs.saved.integrity import flaw
from reportgen.outputs.saved.older import OLDEST, brought_up_to_date
from reportgen.outputs.saved.report_json import content_digest, report_digest
from reportgen.outputs.saved.schema import MisfitError, from_plain
from reportgen.outputs.saved.seal import DATA_START, page_digest, seal_of
from reportgen.report.picture import ENDINGS
from reportgen.report.report import SCHEMA_VERSION, Report
from reportgen.system.errors import OutputError
from reportgen.system.text import visible

_REPORT = "a report.html or report.json"
_LARGEST_PICTURE = 64 << 20
_PICTURE = re.compile(r'(?:src|href)="data:image/[a-z]{1,10};base64,([A-Za-z0-9+/=]*)"')


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


class ReportError(OutputError):
    """A file can't be read as a report; ``problem`` says why, without the name of any file or folder."""

    def __init__(self, what: str, advice: str, problem: str) -> None:
        self.problem = visible(" ".join(problem.split()))
        super().__init__(what, advice)


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
    ReportError
        When there is no such file, or it's no report of this program, of an unknown schema, edited or cut off.
    """
    try:
        text = _text(path)
        is_page = text.lstrip()[:1] == "<"
        if is_page:
            data, found = _parsed(text)
            table = _loaded(data)
            if seal_of(text) != page_digest(text):
                raise Problem("was edited: it is not the page that was written")
        else:
            table = _loaded(text)
            found = _beside(table, figures or path.parent)
        return SavedReport(_report(table, found), path, text, is_page)
    except Problem as problem:
        raise ReportError(
            f"{path} {problem}", problem.advice or f"give {_REPORT} that reportgen wrote", str(problem)
        ) from None


def _text(path: Path) -> str:
    try:
        return read_content(path, LARGEST, wanted=_REPORT).decode("utf-8-sig")
    except FileNotFoundError:
        raise ReportError(f"report not found: {path}", "check the path", "is not there") from None
    except UnicodeDecodeError:
        raise Problem("is no report") from None
    except OSError as problem:
        raise Problem(f"can't be read ({problem.strerror})", "check it") from None


def _parsed(text: str) -> tuple[str, dict[str, bytes]]:
    """Return the data of a page, and the pictures in it by digest.

    They are looked for as this program writes them, in time that grows with the text alone: a parser of HTML can be
    kept busy for hours by a text that is made for that.
    """
    start = text.find(DATA_START)
    end = text.find("</script>", start)
    if start < 0 or end < 0:
        older = 'content="reportgen ' in text[:5000]
        raise Problem("is a report without its data, cut off or of an older version" if older else "is no report")
    if not text.rstrip().endswith("</html>"):
        raise Problem("is cut off")
    pictures = {}
    for found in _PICTURE.finditer(text, 0, start):
        with contextlib.suppress(binascii.Error, ValueError):
            picture = base64.b64decode(found[1], validate=True)
            pictures[hashlib.sha256(picture).hexdigest()] = picture
    return text[start + len(DATA_START) : end], pictures


def _loaded(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise Problem("holds no report, or a damaged one") from None
    if not isinstance(table, dict) or not isinstance(table.get("schema_version"), int) or "cases" not in table:
        raise Problem("is no report")
    version = table["schema_version"]
    if not OLDEST <= version <= SCHEMA_VERSION:
        age = "newer" if version > SCHEMA_VERSION else "older"
        known = f"{OLDEST} to {SCHEMA_VERSION}"
        raise Problem(f"was written by {age} reportgen (schema {version}, this one reads {known})")
    if not isinstance(table.get("pictures"), list):
        raise Problem("was edited: it has no list of pictures")
    if "content_sha256" not in table:
        raise Problem("was edited, or written before reports had digests")
    if table["content_sha256"] != _digest(table):
        raise Problem("was edited: what it says is not what was written")
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
        if not isinstance(name, str) or not name or Path(name).name != name:
            raise Problem("names a picture that is no plain file")
        try:
            places = (folder / name, folder / "figures" / name, _by_digest(folder, described))
            found_at = next((place for place in places if place.is_file()), places[0])
            data = read_content(found_at, _LARGEST_PICTURE, wanted=_REPORT)
        except (OSError, ValueError, Problem):
            raise Problem(
                f"needs the picture {name:.100}, which is not beside it",
                "say with --figures where they are (build --figures writes them), or give the HTML page",
            ) from None
        found[hashlib.sha256(data).hexdigest()] = data
    return found


def _by_digest(folder: Path, described: dict[str, Any]) -> Path:
    """Return where a picture lies in a site: there it's called by its digest."""
    digest, ending = str(described.get("sha256")), ENDINGS.get(str(described.get("media_type")), "")
    return folder / digest[:2] / f"{digest[2:]}.{ending}" if re.fullmatch("[0-9a-f]{64}", digest) else folder


def _report(table: dict[str, Any], found: dict[str, bytes]) -> Report:
    data = []
    for described in table["pictures"]:
        if not isinstance(described, dict) or str(described.get("sha256")) not in found:
            name = described.get("name") if isinstance(described, dict) else "?"
            raise Problem(f"was edited, or cut off: picture '{name!s:.60}' is not the one that was written")
        data.append(found[described["sha256"]])
    current = brought_up_to_date(table, SCHEMA_VERSION)
    plain = {key: value for key, value in current.items() if key != "content_sha256"}
    plain["pictures"] = [
        {**{key: value for key, value in described.items() if key not in ("file", "sha256")}, "data": ""}
        for described in table["pictures"]
    ]
    try:
        report = from_plain(Report, plain, "report")
    except MisfitError as misfit:
        raise Problem(f"was edited, or written by a newer reportgen: {misfit}") from None
    pictures = zip(report.pictures, data, strict=True)
    report = dataclasses.replace(
        report, pictures=tuple(dataclasses.replace(picture, data=found) for picture, found in pictures)
    )
    found_flaw = flaw(report)
    if found_flaw:
        raise Problem(f"was edited: {found_flaw}")
    return report
