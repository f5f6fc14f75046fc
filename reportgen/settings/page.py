"""What a page shows and in what order, and whose look it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from reportgen.settings.values import Size

SectionName = Literal["summary", "cases", "occlusion", "differs", "layers", "model", "reading", "methods", "provenance"]
HexColour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), "a colour such as '#005a9c'"]
Line = Annotated[str, Field(max_length=300), "a text of at most 300 characters"]


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """What a page and its PDF show.

    Attributes
    ----------
    sections
        Which sections, in this order; empty: all. What none of them shows isn't computed either. Warnings, and the
        notice that it is no diagnosis, are always shown.
    others
        Whether installed packages may add sections (see ``docs/sections.md``).
    max_size
        How many bytes the page may have, such as ``"10MB"``: what is larger is made smaller, in the order of
        ``docs/page-size.md``, and refused where that isn't enough. None: any.
    """

    sections: tuple[SectionName, ...] = ()
    others: bool = True
    max_size: Size | None = None

    def shows(self, *names: SectionName) -> bool:
        """Return whether any of these sections is shown."""
        return not self.sections or any(name in self.sections for name in names)


@dataclass(frozen=True, kw_only=True)
class ThemeSettings:
    """Whose look a report has (see ``docs/themes.md``).

    Attributes
    ----------
    folder
        Templates and styles that come before the program's own. None: only those.
    logo
        A PNG or SVG file of at most 200 kB, which stands above the title. None: no logo.
    title
        Stands above the report's title, such as the name of an institute; empty: ``Model report``.
    footer
        Stands below the report; empty: nothing.
    accent
        Colour of links and marks on a light page, ``#rrggbb``; one that is hard to read there is refused. None: blue.
    accent_dark
        The same on a dark page. None: ``accent``, made lighter as far as is needed to be read.
    """

    folder: str | None = None
    logo: str | None = None
    title: Line = ""
    footer: Line = ""
    accent: HexColour | None = None
    accent_dark: HexColour | None = None
