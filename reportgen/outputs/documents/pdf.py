"""Report -> PDF, from a lean page of its own: to be printed, archived and attached.

WeasyPrint lays it out. Nothing is fetched: its pictures and fonts are handed to it, and any other address is refused.
The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reportgen.outputs.documents.letters import lacking_letters, tell_lacking
from reportgen.outputs.documents.pdf_palette import Indexed, put_in_place, read_indexed, stand_in
from reportgen.outputs.page.asset_words import ON_PAPER, translated_rules
from reportgen.outputs.page.assets import Asset, read_assets
from reportgen.outputs.page.brand import accent_style
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.outputs.page.page import Page
from reportgen.outputs.page.rendering import render
from reportgen.outputs.page.theme import Theme
from reportgen.outputs.saved.report_json import render_json
from reportgen.report.picture import Picture
from reportgen.report.report import Report
from reportgen.system.errors import OutputError
from reportgen.system.libraries import install_extra, pango_install
from reportgen.system.silence import load_weasyprint

PAPERS = {"a4": "A4", "letter": "Letter"}
VARIANTS = ("pdf/a-3u", "pdf/ua-1", "plain")
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf")
_PICTURE, _FONT = "picture:", "font:"
_EMBEDDED = re.compile(r"data:(image/(?:png|jpeg|svg\+xml));base64,")


@dataclass(frozen=True)
class Source:
    """What a PDF carries of the numbers behind it: a file's name and content."""

    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class PrintedPage(Page):
    """What the template of the paper page sees: as for the web page, with pictures by address."""

    def address(self, picture: Picture) -> str:
        """Return what the picture is asked for by; only this program understands it."""
        return printed_address(self._places[picture.name])

    def shared_caption(self, kind: str) -> str:
        """Return what all pictures of a kind have for a caption, to be said once; empty where they differ."""
        found = {shown.caption for index, _ in self.cases if (shown := self.picture(index, kind))}
        return found.pop() if len(found) == 1 and len(self.cases) > 1 else ""

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {picture.name: place for place, picture in enumerate(self.report.pictures)}


STEPS = 7  # that WeasyPrint tells of


def render_pdf(
    report: Report, *, paper: str = "a4", variant: str = "pdf/a-3u", done: Callable[[int], object] | None = None,
    warn: Callable[[str], object] | None = None, theme: Theme | None = None,
) -> bytes:  # fmt: skip
    """Return the report as PDF, tagged, with report.json attached as its source data.

    Parameters
    ----------
    report
        Made just now, or read with :func:`reportgen.outputs.saved.reader.read_saved`.
    paper
        ``a4`` or ``letter``.
    variant
        ``pdf/a-3u`` (to be kept), ``pdf/ua-1`` (for assistive technology) or ``plain``.
    done
        Is called with 1 after each of about ``STEPS`` steps.
    warn
        Is called with a line about letters that no font has: they are boxes in the PDF.
    theme
        Templates and styles that come before the program's own.

    Raises
    ------
    OutputError
        When paper or variant are unknown, WeasyPrint or the libraries that it needs are missing, or the report can't
        be laid out.
    """
    html = print_html(report, paper=paper, theme=theme)
    # how long it took to make is no part of what was measured: without it the same report gives the same bytes
    source = Source("report.json", render_json(replace(report, timings={})))
    return lay_out(html, report.pictures, source, report.created, variant=variant, done=done, warn=warn)


def print_html(report: Report, *, paper: str = "a4", theme: Theme | None = None) -> str:
    """Return the report as HTML for paper: what :func:`render_pdf` lays out, with pictures by their places.

    Raises
    ------
    OutputError
        When the paper is unknown, or the theme's templates have a fault.
    """
    style = print_style(paper, *(["assets/theme.css"] if theme else []), theme=theme)
    further = accent_style(report.brand) if report.brand else ""
    further += translated_rules(ON_PAPER, report.language)
    page = PrintedPage(report=report, style=Asset(SafeHtml(style.text.text + further)), script=Asset(SafeHtml("")))
    return render("print.html.j2", page, theme)


def print_style(paper: str, *further: str, theme: Theme | None = None) -> Asset:
    """Return the style of paper pages.

    Parameters
    ----------
    paper
        ``a4`` or ``letter``.
    further
        Style sheets that stand after the usual one.
    theme
        Whose files come before the program's own.

    Raises
    ------
    OutputError
        When the paper is unknown.
    """
    if paper not in PAPERS:
        raise OutputError(f"there is no paper '{paper}'", f"use {', '.join(PAPERS)}")
    sheets = read_assets("assets/print.css", *further, theme=theme)
    return Asset(SafeHtml(f"@page {{ size: {PAPERS[paper]}; }}\n{sheets.text.text}"))


def printed_address(place: int) -> str:
    """Return what a picture is asked for by, by its place among all; only this program understands it."""
    return f"{_PICTURE}{place}"


def lay_out(
    html: str, pictures: Sequence[Picture], source: Source, created: str, *, variant: str = "pdf/a-3u",
    done: Callable[[int], object] | None = None, warn: Callable[[str], object] | None = None,
) -> bytes:  # fmt: skip
    """Return a page as PDF, tagged, with the data behind it attached.

    Parameters
    ----------
    html
        Names pictures as :func:`printed_address` does.
    pictures
        All of them.
    source, created
        The data, and when it was made (ISO 8601).
    variant, done, warn
        As :func:`render_pdf` takes them.

    Raises
    ------
    OutputError
        As there.
    """
    if variant not in VARIANTS:
        raise OutputError(f"there is no variant '{variant}'", f"use {', '.join(VARIANTS)}")
    weasyprint = _weasyprint()
    indexed = {place: found for place, one in enumerate(pictures) if (found := read_indexed(one.data))}
    with _progress(done), lacking_letters() as lacking:
        written = _written(weasyprint, html, pictures, source, created, variant, indexed)
        # a picture that was asked for and isn't drawn would be missed: then all are left to WeasyPrint
        written = written or _written(weasyprint, html, pictures, source, created, variant, {}) or b""
    if lacking and warn is not None:
        warn(tell_lacking(lacking))
    return written


@contextmanager
def _progress(done: Callable[[int], object] | None) -> Iterator[None]:
    """Pass on what WeasyPrint tells of its progress: a line at each step, and one a page."""
    logger = logging.getLogger("weasyprint.progress")
    if done is None:
        yield
        return
    tell = done

    class Handler(logging.Handler):
        steps: set[str] = set()  # noqa: RUF012 - of this one alone

        def emit(self, record: logging.LogRecord) -> None:
            step = record.getMessage()[:6]
            if step not in self.steps:
                self.steps.add(step)
                tell(1)

    handler, level, passes_on = Handler(), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = passes_on


def _written(
    weasyprint: Any, html: str, pictures: Sequence[Picture], source: Source, created: str, variant: str,
    indexed: Mapping[int, Indexed],
) -> bytes | None:  # fmt: skip
    moment = datetime.fromisoformat(created)
    fetcher = _fetcher(pictures, {place: stand_in(picture, place) for place, picture in indexed.items()})
    attached = weasyprint.Attachment(
        string=source.data, name=source.name, description="everything measured", relationship="Source",
        created=moment, modified=moment, url_fetcher=fetcher,
    )  # fmt: skip
    placed: set[int] = set()
    document: Any = weasyprint.HTML(string=html, base_url=None, url_fetcher=fetcher, media_type="print")
    written: bytes = document.write_pdf(
        finisher=lambda _, pdf: placed.update(put_in_place(pdf, indexed)),
        pdf_variant=None if variant == "plain" else variant,
        pdf_identifier=hashlib.sha256(html.encode() + source.data).digest()[:16],
        attachments=[attached],
        pdf_tags=True,
        custom_metadata=False,
    )
    return written if placed == fetcher.used else None


def check_available() -> None:
    """Refuse, before anything is made, where what a PDF needs is missing.

    Raises
    ------
    OutputError
        With the command that installs it.
    """
    _weasyprint()


def _weasyprint() -> Any:
    try:
        return load_weasyprint()
    except ImportError:
        raise OutputError("PDF needs WeasyPrint", install_extra("pdf")) from None
    except OSError as problem:
        raise OutputError(
            f"PDF needs Pango, which can't be loaded ({str(problem).splitlines()[0][:120]})",
            f"{pango_install()}; reportgen doctor checks the rest",
        ) from None


def _fetcher(pictures: Sequence[Picture], stand_ins: Mapping[int, bytes] | None = None) -> Any:
    """Return what WeasyPrint asks for everything that the page names: the report's own, and nothing else.

    Where there is a stand-in for a picture, it's given instead, and noted in ``used``.
    """
    from weasyprint.urls import URLFetcher, URLFetcherResponse, URLFetchingError

    replaced = stand_ins or {}

    class Fetcher(URLFetcher):  # type: ignore[misc, unused-ignore]
        used: set[int] = set()  # noqa: RUF012 - of this one alone

        def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ARG002
            kind, _, name = url.partition(":")
            if f"{kind}:" == _PICTURE and name.isdecimal() and int(name) < len(pictures):
                place, picture = int(name), pictures[int(name)]
                self.used |= {place} & replaced.keys()
                data = replaced.get(place, picture.data)
                return URLFetcherResponse(url, data, headers={"Content-Type": picture.media_type})
            if f"{kind}:" == _FONT and name in FONTS:
                return URLFetcherResponse(url, _font(name), headers={"Content-Type": "font/ttf"})
            embedded = _EMBEDDED.match(url)
            if embedded:
                data = base64.b64decode(url[embedded.end() :])
                return URLFetcherResponse(url, data, headers={"Content-Type": embedded[1]})
            raise URLFetchingError(f"{url:.100} is not part of the report")

    return Fetcher(allowed_protocols=())


@functools.cache
def _font(name: str) -> bytes:
    """Return a font that comes with matplotlib, so that a report looks the same on every machine."""
    import matplotlib

    return (Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name).read_bytes()
