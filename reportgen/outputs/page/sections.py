"""The sections of a report: what they are called, and which are shown in what order."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.report import Report

SECTIONS = {
    "summary": "At a glance",
    "cases": "Cases and predictions",
    "occlusion": "Where the model looked",
    "layers": "Feature maps, layer by layer",
    "model": "The model",
    "reading": "How to read this report",
    "provenance": "Provenance",
}


@dataclass(frozen=True)
class Section:
    """A section by its name in settings and addresses, and its heading."""

    name: str
    title: str


def chosen_sections(report: Report) -> tuple[Section, ...]:
    """Return the sections that a report's settings ask for, in their order; all where they ask for none."""
    page = report.settings.get("page")
    asked = page.get("sections") if isinstance(page, dict) else None
    names = (
        [name for name in asked if isinstance(name, str) and name in SECTIONS]
        if isinstance(asked, list | tuple)
        else []
    )
    return tuple(Section(name, SECTIONS[name]) for name in dict.fromkeys(names or SECTIONS))
