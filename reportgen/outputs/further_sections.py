"""Sections of others: what is handed in is made harmless and becomes part of the report."""

from __future__ import annotations

import functools
import io
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from PIL import Image

from reportgen.outputs.page.markdown import clean_html, render_markdown
from reportgen.outputs.page.sections import SECTIONS
from reportgen.report.picture import Picture
from reportgen.report.remark import Remark
from reportgen.report.report import Report
from reportgen.report.section import FurtherSection, section_picture_name
from reportgen.system.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUP = "reportgen.sections"
_MOST_PIXELS = 25_000_000
_LONGEST_TITLE, _LONGEST_WORDS, _MOST = 200, 90_000, 50
_DOTS_PER_INCH = 144  # of a drawn figure: one and a half to each pixel of the page
R = TypeVar("R", bound=Report)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section to add to a report: words as Markdown or HTML, a figure, or both.

    Attributes
    ----------
    title
        Its heading, 1 to 200 characters.
    markdown, html
        Its words, one of the two; of HTML only what Markdown could say is kept.
    figure
        A matplotlib figure, the bytes of a PNG or JPEG, or a Picture.
    alt
        What the figure shows, for those who can't see it; needed with a figure.
    after
        The section of the report that it follows: ``summary``, ``cases``, ``occlusion``, ``layers``, ``model``,
        ``reading``, ``methods`` or ``provenance``; where that isn't shown, it comes last.
    """

    title: str
    markdown: str = ""
    html: str = ""
    figure: Figure | bytes | Picture | None = None
    alt: str = ""
    after: str = "occlusion"


def add_to(report: R, section: Section, source: str = "") -> R:
    """Return a report with a section more.

    Parameters
    ----------
    report
        Stays as it is.
    section
        What to add.
    source
        What made it.

    Raises
    ------
    SettingsError
        When it has no title, no content or too much, a figure without alternative text, or follows no section.
    """
    _check(section, report)
    place = len(report.further_sections)
    words = render_markdown(section.markdown) if section.markdown else clean_html(section.html)
    pictures = () if section.figure is None else (_picture(section, section_picture_name(place)),)
    added = FurtherSection(
        title=section.title.strip(), after=section.after, html=words.text,
        pictures=tuple(one.name for one in pictures), source=source,
    )  # fmt: skip
    return replace(report, further_sections=(*report.further_sections, added), pictures=(*report.pictures, *pictures))


def add_installed(report: R) -> R:
    """Return a report with the sections that installed packages make of it, in the order of their names.

    One that fails becomes a warning. Its message isn't told: it may name files or people.
    """
    for point in _installed(tuple(sys.path)):
        try:
            made = point.load()(report)
            if made is None:
                continue
            if not isinstance(made, Section):
                raise TypeError(f"gave {type(made).__name__}, not a Section")
            report = add_to(report, made, point.name)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - code of others: whatever it is, the report is made
            why = problem.what if isinstance(problem, SettingsError) else type(problem).__name__
            text = f"The section '{point.name:.80}', which another package adds, could not be made: {why}."
            report = replace(
                report, remarks=(*report.remarks, Remark(section="model", kind="section", text=text, warning=True))
            )
    return report


@functools.lru_cache(maxsize=4)
def _installed(path: tuple[str, ...]) -> tuple[metadata.EntryPoint, ...]:
    """Return what installed packages bring, looked up once for a search path: that takes as long as a small page."""
    del path
    return tuple(sorted(metadata.entry_points(group=GROUP), key=lambda one: (one.name, one.value)))


def _check(section: Section, report: Report) -> None:
    named = f"section '{section.title:.60}'"
    if not 1 <= len(section.title.strip()) <= _LONGEST_TITLE:
        raise SettingsError("a section has no title, or a long one", f"give one of 1 to {_LONGEST_TITLE} characters")
    if section.after not in SECTIONS:
        raise SettingsError(f"{named} follows no section of a report", f"sections: {', '.join(SECTIONS)}")
    if section.markdown and section.html:
        raise SettingsError(f"{named} has its words twice", "give Markdown or HTML")
    if not (section.markdown or section.html or section.figure is not None):
        raise SettingsError(f"{named} is empty", "give words or a figure")
    if len(section.markdown) + len(section.html) > _LONGEST_WORDS:
        raise SettingsError(f"{named} has more than {_LONGEST_WORDS:,} characters", "shorten it")
    if section.figure is not None and not section.alt.strip():
        raise SettingsError(f"{named} has a figure without alternative text", "say in alt what is to be seen")
    if len(report.further_sections) >= _MOST:
        raise SettingsError(f"a report has at most {_MOST} sections of others", "leave some out")


def _picture(section: Section, name: str) -> Picture:
    """Return a figure as PNG or JPEG, with nothing but its pixels: files may tell of people and places."""
    figure: Any = section.figure
    if isinstance(figure, Picture):
        density, data, caption = figure.density, figure.data, figure.caption
    elif isinstance(figure, bytes):
        density, data, caption = 1.0, figure, ""
    elif hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
        density, data, caption = _DOTS_PER_INCH / 96, buffer.getvalue(), ""
    else:
        raise SettingsError(
            f"section '{section.title:.60}' has a figure that is none", "give a matplotlib figure, PNG or JPEG"
        )
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as read:
            if read.width * read.height > _MOST_PIXELS:
                raise ValueError("too large")
            kind, plain = read.format or "PNG", io.BytesIO()
            pixels = read.convert("L" if read.mode in ("1", "L") else "RGB" if kind == "JPEG" else "RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise SettingsError(
            f"section '{section.title:.60}' has a figure that can't be read",
            f"give a PNG or JPEG of at most {_MOST_PIXELS:,} pixels",
        ) from None
    pixels.save(plain, kind, quality=92) if kind == "JPEG" else pixels.save(plain, kind, optimize=True)
    return Picture(
        name=name, media_type=f"image/{kind.lower()}", width=pixels.width, height=pixels.height,
        alt=section.alt.strip(), caption=caption, density=density, data=plain.getvalue(),
    )  # fmt: skip
