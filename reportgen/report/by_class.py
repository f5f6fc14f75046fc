"""The evidence of a case, class by class."""

from __future__ import annotations

from collections.abc import Sequence
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
    supports_target, followed
        Whether the model says the class, and the name of what it says: where it says another, what counts in the map is
        what speaks against the class.
    """

    place: int
    title: str
    found: OcclusionMap
    map_test: MapTest | None
    decision: Decision | None
    supports_target: bool = True
    followed: str = ""


def what_is_said(
    found: OcclusionMap, predicted: Sequence[str], present: Sequence[str] | None
) -> tuple[bool, str]:  # fmt: skip
    """Return whether a model says the class of a map, and the name of what it says instead where it doesn't.

    Parameters
    ----------
    found
        The map; of a model that gives numbers there is only more or less.
    predicted
        The classes, the one that is said first.
    present
        Those that are said, where each is said or not by itself; else None.
    """
    target = found.target_class
    said = not found.in_bits or (target in present if present is not None else target in predicted[:1])
    if said:
        return True, target
    others = [name for name in predicted if name != target]
    return False, others[0] if present is None and len(predicted) == 2 and others else f"not {target}"
