"""The evidence of a case, class by class."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.decision import Decision
from reportgen.report.evidence import OcclusionMap
from reportgen.report.maptest import MapTest


@dataclass(frozen=True)
class EvidenceOfClass:
    """What was found for one of the classes that a case's scan follows.

    Attributes
    ----------
    place
        Which of them it is, counted from 0.
    title
        What to call it: the case, and the class where there are several.
    found, map_test, decision
        Its map, the map's test, and what decides; None where that was not tried, or isn't there.
    """

    place: int
    title: str
    found: OcclusionMap
    map_test: MapTest | None
    decision: Decision | None
