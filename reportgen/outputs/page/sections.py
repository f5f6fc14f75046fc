"""The sections of a report: what they are called, and which are shown in what order."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.report import REGRESSION, Report
from reportgen.report.section import FurtherSection
from reportgen.system.language import mark, say

SECTIONS = {
    "summary": mark("At a glance"),
    "occlusion": mark("Where the model looked, and what decides"),
    "differs": mark("What differs inside"),
    "layers": mark("Feature maps, layer by layer"),
    "cases": mark("The cases, from file to score"),
    "model": mark("The model"),
    "reading": mark("How to read this report"),
    "methods": mark("Methods"),
    "provenance": mark("Provenance"),
}


@dataclass(frozen=True)
class Section:
    """A section by its name in settings and addresses, and its heading; with what stands in it where it's another's."""

    name: str
    title: str
    further: FurtherSection | None = None


def chosen_sections(report: Report) -> tuple[Section, ...]:
    """Return the sections that a report's settings ask for, in their order; all where they ask for none.

    Those of others come after the section that they name, or last where that isn't shown.
    """
    page = report.settings.get("page")
    asked = page.get("sections") if isinstance(page, dict) else None
    known = [name for name in asked if isinstance(name, str)] if isinstance(asked, list | tuple) else []
    names = [name for name in dict.fromkeys(known) if name in SECTIONS and is_there(report, name)]
    names = names or [name for name in SECTIONS if is_there(report, name)]
    further: dict[str, list[Section]] = {name: [] for name in names}
    for number, one in enumerate(report.further_sections, 1):
        place = one.after if one.after in further else names[-1]
        further[place].append(Section(f"section-{number}", one.title, one))
    return tuple(one for name in names for one in (Section(name, section_title(report, name)), *further[name]))


def section_title(report: Report, name: str) -> str:
    """Return what a section is called in a report: of numbers that are no scores, and where nothing is decided, too."""
    if name == "occlusion" and not any(case.decision for case in report.cases):
        return say("Where the model looked")
    if name == "cases" and report.model.head == REGRESSION:
        return say("The cases, from file to output")
    if name == "differs" and report.differences is None:
        decides = any(case.decision for case in report.cases)
        return say("Channels that speak for the decision") if decides else say("Channels that the output hangs on")
    return say(SECTIONS[name])


def is_there(report: Report, name: str) -> bool:
    """Return whether a report has what a section shows."""
    if name == "differs":
        return report.differences is not None or report.featured is not None
    return name != "occlusion" or report.cases[0].occlusion is not None


def steps_of(report: Report) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return for a section the parts that a contents list leads to: what a reader asks for, by address and in words."""
    drawn = {one.name.partition("-")[2] for one in report.pictures}
    measured = any(case.measures for case in report.cases)
    regions = any(case.regions and case.regions.regions for case in report.cases)
    known = any(case.known_regions and case.known_regions.regions for case in report.cases)
    card = report.model.card
    parts = {
        "occlusion": (
            ("regions", say("The strongest regions"), regions),
            ("decides", say("What decides"), any(case.decision for case in report.cases)),
            ("map-test", say("Better than chance?"), "occlusion-test" in drawn),
            ("known-regions", say("Inside known regions"), known),
            ("measures", say("The map in measures"), measured),
        ),
        "model": (("network", say("The network"), True), ("card", say("Training, results, limits"), card is not None)),
        "methods": (("again", say("To make it again"), True),),
    }
    return {name: tuple((anchor, words) for anchor, words, there in of if there) for name, of in parts.items()}
