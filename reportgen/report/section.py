"""A section of someone else's, as it stands in a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FurtherSection:
    """A section that was added to the program's own.

    Attributes
    ----------
    title
        Its heading.
    after
        The section that it follows.
    html
        Its words; wherever they are shown, only a few harmless elements of them are.
    pictures
        Names of its pictures.
    source
        What made it: the name of an entry point; empty where it was added by hand.
    """

    title: str
    after: str = "occlusion"
    html: str = ""
    pictures: tuple[str, ...] = ()
    source: str = ""


def section_picture_name(place: int) -> str:
    """Return the name of the picture of a further section, counted from 0."""
    return f"section{place + 1}-figure"
