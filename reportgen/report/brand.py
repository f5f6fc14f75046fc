"""Whose look a report has: it goes with the report, so that what is made of a saved one has it, too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

LOGO_TYPES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/svg+xml": b""}
LARGEST_LOGO = 200_000  # bytes
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ACTS = re.compile(r"<!DOCTYPE|<!ENTITY|<\s*(?:\w+:)?(?:script|foreignObject)\b|\son\w+\s*=|javascript:", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Brand:
    """Whose look a report has.

    Attributes
    ----------
    title
        Stands above the report's title; may be empty.
    footer
        Stands below the report; may be empty.
    accent, accent_dark
        Colours of links and marks on a light and on a dark page, ``#rrggbb``; empty: the usual ones.
    logo
        The file's bytes, as base64; empty: no logo.
    logo_type
        ``image/png`` or ``image/svg+xml``.
    """

    title: str = ""
    footer: str = ""
    accent: str = ""
    accent_dark: str = ""
    logo: bytes = b""
    logo_type: str = "image/png"


def brand_flaw(brand: Brand) -> str | None:
    """Return the first thing in a look that can't be, in words; None when it's sound."""
    if any(colour and not _COLOUR.fullmatch(colour) for colour in (brand.accent, brand.accent_dark)):
        return "its accent is no colour"
    return logo_flaw(brand.logo, brand.logo_type) if brand.logo else None


def logo_flaw(data: bytes, media_type: str) -> str | None:
    """Return why a logo can't stand in a page, in words; None when it can.

    An SVG stands there only as an image, where a browser neither runs nor fetches anything; what would act is refused
    all the same, since it may be opened by itself.
    """
    if media_type not in LOGO_TYPES or not data.startswith(LOGO_TYPES[media_type]):
        return "its logo is neither PNG nor SVG"
    if len(data) > LARGEST_LOGO:
        return f"its logo has more than {LARGEST_LOGO:,} bytes"
    return None if media_type == "image/png" else _svg_flaw(data)


def _svg_flaw(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
        if _ACTS.search(text):
            return "its logo holds what would act: a script, an event or a declaration"
        root = ElementTree.fromstring(text)  # noqa: S314 - without declarations there are no entities to grow
    except (ElementTree.ParseError, ValueError):
        return "its logo is no SVG in UTF-8"
    if root.tag.rpartition("}")[2] != "svg":
        return "its logo is no SVG"
    links = (value for one in root.iter() for key, value in one.attrib.items() if key.rpartition("}")[2] == "href")
    foreign = any(not link.startswith(("#", "data:image/")) for link in links)
    return "its logo names a file outside of itself" if foreign else None
