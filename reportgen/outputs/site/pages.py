"""Records -> the pages of a site, its feed and the data that its search works on.

Nothing stands inside a page that would have to be allowed there: styles, scripts and pictures are files that are called
by their digests, so a server can forbid everything inline. All addresses are relative.
"""

from __future__ import annotations

import functools
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.outputs.page import rendering
from reportgen.outputs.page.assets import Asset, read_assets
from reportgen.outputs.page.environment import asset, environment, format_score
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.outputs.page.page import Page
from reportgen.outputs.saved.report_json import channel_numbers
from reportgen.outputs.site.confusion import confusion, finding_confusions
from reportgen.outputs.site.records import ModelRecord, Record, picture_file
from reportgen.report.picture import Picture
from reportgen.report.report import DISCLAIMER, Report
from reportgen.system.language import FOLDER, speaking

PAGE_SIZE = 100
FEED_SIZE = 50
SHOWN_CASES = 4  # in a row of the list
STYLES, SCRIPTS = ("report.css", "site.css"), ("report.js", "site.js")
_PARTS = {
    "report.css": rendering.STYLES, "report.js": rendering.SCRIPTS,
    "site.css": ("assets/site.css", "assets/confusion.css"),
}  # fmt: skip
_POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; script-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Broken:
    """A report that can't be shown: its file's name, and why."""

    name: str
    problem: str


@dataclass(frozen=True)
class Contents:
    """All that a site shows: records oldest first, and what is broken."""

    title: str
    records: tuple[Record, ...]
    broken: tuple[Broken, ...] = ()

    @functools.cached_property
    def models(self) -> dict[str, ModelRecord]:
        """Models by identity, in the order of their names: each as its newest report calls it."""
        found = {record.model.identity: record.model for record in self.records}
        return dict(sorted(found.items(), key=lambda item: (item[1].name.casefold(), item[0])))

    def model_of(self, record: Record) -> ModelRecord:
        """Return the model of a report, as its newest report calls it."""
        return self.models[record.model.identity]

    @functools.cached_property
    def pages(self) -> tuple[tuple[Record, ...], ...]:
        """Static pages of the list: all but the last are full and stay as they are when reports are added."""
        chunks = [self.records[at : at + PAGE_SIZE] for at in range(0, len(self.records), PAGE_SIZE)] or [()]
        return tuple(tuple(reversed(chunk)) for chunk in chunks)


@dataclass(frozen=True)
class Linked:
    """What the site's templates see: where they are (``root`` leads to the index), and which files they need."""

    title: str
    root: str
    files: Mapping[str, str]

    @property
    def policy(self) -> str:
        """Content-Security-Policy of every page."""
        return _POLICY

    def file(self, name: str) -> str:
        """Return the address of a style or script."""
        return f"{self.root}{self.files[name]}"


@dataclass(frozen=True, kw_only=True)
class SitePage(Page):
    """What the report's template sees in a site: as in one file, with addresses instead of content."""

    site: Linked | None = None  # type: ignore[assignment]
    data_address: str = ""

    @property
    def policy(self) -> str:
        """Content-Security-Policy of the page."""
        return _POLICY

    @property
    def numbers(self) -> SafeHtml:
        """What the channel viewer tells of channels, as JSON: the page can't fetch the rest of the data."""
        return SafeHtml(channel_numbers(self.report))

    def address(self, picture: Picture) -> str:
        """Where a picture is, seen from the page."""
        return f"../{picture_file(picture)}"


def asset_files() -> dict[str, tuple[str, bytes]]:
    """Return where each style and script lies in a site, under its digest, and its content."""
    found = {}
    for name in (*STYLES, *SCRIPTS):
        content = read_assets(*_PARTS.get(name, (f"assets/{name}",))).text.text.encode()
        stem, _, ending = name.partition(".")
        found[name] = (f"assets/{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{ending}", content)
    return found


def look() -> str:
    """Return a digest of all that shapes a report's page besides the report: when it changes, pages are drawn anew."""
    digest = hashlib.sha256()
    for name in environment().list_templates():
        if name.endswith((".j2", ".css", ".js")):
            digest.update(f"{name}\n{asset(name)}\n".encode())
    for path in sorted(FOLDER.glob("*.po")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def render_report_page(report: Report, site: Linked, data_address: str) -> bytes:
    """Return the page of a report; ``data_address`` is where its JSON is, seen from it."""
    empty = Asset(SafeHtml(""))
    page = SitePage(report=report, style=empty, script=empty, generator="site", site=site, data_address=data_address)
    with speaking(report.language):
        return _rendered("report.html.j2", page=page, report=report)


def render_lists(contents: Contents, files: Mapping[str, str]) -> dict[str, bytes]:
    """Return the static pages of the list, index.html with the newest reports among them, and the search's data."""
    rows = _search_data(contents)
    data = f"assets/rows-{hashlib.sha256(rows).hexdigest()[:16]}.js"
    site = Linked(contents.title, "", dict(files) | {"rows.js": data})
    pages = contents.pages
    # the newest page alone may hold a single report; the one before it then stands with it
    newest = pages[-1] + (pages[-2] if len(pages) > 1 else ())
    found = {data: rows}
    for number, page in enumerate(pages, 1):
        found[f"page-{number}.html"] = _rendered(
            "site/list.html.j2", site=site, contents=contents, shown=page, number=number, count=len(pages),
            searchable=False,
        )  # fmt: skip
    found["index.html"] = _rendered(
        "site/list.html.j2", site=site, contents=contents, shown=newest, number=max(1, len(pages) - 1),
        count=len(pages), searchable=True,
    )  # fmt: skip
    if len(pages) == 1:
        del found["page-1.html"]
    return found


def render_models(contents: Contents, files: Mapping[str, str]) -> dict[str, bytes]:
    """Return a page for each model, with a confusion matrix over its reports."""
    site = Linked(contents.title, "../", files)
    of: dict[str, list[Record]] = {identity: [] for identity in contents.models}
    for record in contents.records:
        of[record.model.identity].append(record)
    return {
        model.address: _rendered(
            "site/model.html.j2", site=site, model=model, records=tuple(reversed(of[identity])), most=PAGE_SIZE,
            confusion=confusion(of[identity], model.classes),
            findings=finding_confusions(of[identity], model.classes) if model.thresholds else (),
        )
        for identity, model in contents.models.items()
    }  # fmt: skip


def render_feed(contents: Contents) -> bytes:
    """Return an Atom feed (RFC 4287) of the newest reports."""
    newest = tuple(reversed(contents.records[-FEED_SIZE:]))
    entries = [(record, _urn(record.digest), summary(record)) for record in newest]
    return _rendered(
        "site/feed.xml.j2", contents=contents, entries=entries, identity=_urn(f"site {contents.title}"),
        updated=newest[0].created if newest else "1970-01-01T00:00:00Z",
    )  # fmt: skip


def summary(record: Record) -> str:
    """Say in a sentence what a report found."""
    said = "; ".join(f"{case.title}: {case.predicted}{format_score(case.score)}" for case in record.cases)
    return f"{said}. {DISCLAIMER}"


def _urn(seed: str) -> str:
    return uuid.UUID(hashlib.sha256(seed.encode(errors="replace")).hexdigest()[:32], version=5).urn


def _search_data(contents: Contents) -> bytes:
    """Return all rows as a script, newest first, in a form that is quickly read: a page of a file can't load JSON."""
    models = list(contents.models)
    place = {identity: at for at, identity in enumerate(models)}
    table = {
        "models": [[contents.models[one].name, contents.models[one].address] for one in models],
        "reports": [
            [
                record.address, record.title, record.created[:10], place[record.model.identity], record.warnings,
                [
                    [one.title, one.label or "", one.predicted, one.score, one.correct, one.verdict, one.thumbnail]
                    for one in record.cases
                ],
            ]
            for record in reversed(contents.records)
        ],
    }  # fmt: skip
    text = json.dumps(json.dumps(table, separators=(",", ":")))
    return f"window.reportgenSite = JSON.parse({text});\n".encode()


def _rendered(template: str, **values: object) -> bytes:
    return f"{environment().get_template(template).render(**values, most_cases=SHOWN_CASES).strip()}\n".encode(
        errors="replace"
    )
