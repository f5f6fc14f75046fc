"""Cases as marks on a plane, for inline SVG: places in the drawing, marks by group, what is said where one points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.cohort_cases import Example, MapPoint
from reportgen.report.picture import Picture
from reportgen.system.language import say

WIDTH, PANEL, EDGE = 1000, 190, 14
MANY = 400  # marks from which on they aren't stops of the tab key
_LEAST_HEIGHT, _MOST_HEIGHT = 300, 800


@dataclass(frozen=True)
class Mark:
    """One case in the drawing.

    Attributes
    ----------
    x, y
        Its place, in units of the drawing.
    group
        Its group's place in the order of groups.
    words
        What it is, in a line.
    example
        The case.
    picture
        Shown beside the marks while one points at it; None: nothing is.
    """

    x: str
    y: str
    group: int
    words: str
    example: Example
    picture: Picture | None


@dataclass(frozen=True)
class Scatter:
    """All marks, and how large the drawing is."""

    height: int
    marks: tuple[Mark, ...]

    @property
    def width(self) -> int:
        """Of the drawing with the place for thumbnails."""
        return WIDTH

    @property
    def panel(self) -> tuple[int, int]:
        """Left edge and side of the place for thumbnails."""
        return WIDTH - PANEL + EDGE, PANEL - 2 * EDGE

    @property
    def many(self) -> bool:
        """Whether there are too many marks to step through."""
        return len(self.marks) > MANY


def make_scatter(points: Sequence[MapPoint], groups: Sequence[str], pictures: dict[str, Picture]) -> Scatter:
    """Return marks for cases, both axes on one scale."""
    xs, ys = [point.x for point in points], [point.y for point in points]
    leftmost, lowest = min(xs), min(ys)
    across, down = max(xs) - leftmost, max(ys) - lowest
    room = WIDTH - PANEL - 2 * EDGE
    height = min(_MOST_HEIGHT, max(_LEAST_HEIGHT, room * down / across if across else _LEAST_HEIGHT))
    scale = min(room / across if across else math.inf, (height - 2 * EDGE) / down if down else math.inf)
    scale = scale if math.isfinite(scale) else 1.0
    left, top = (room - across * scale) / 2 + EDGE, (height - down * scale) / 2
    return Scatter(
        round(height),
        tuple(
            Mark(
                f"{left + (point.x - leftmost) * scale:.1f}", f"{height - top - (point.y - lowest) * scale:.1f}",
                groups.index(point.example.group), describe_case(point.example), point.example,
                pictures.get(point.example.picture),
            )
            for point in points
        ),
    )  # fmt: skip


def describe_case(case: Example) -> str:
    """Say in a line what a case is and what the model says of it."""
    score = f"{case.score:.2f}"
    if case.label:
        return say(
            "{name}: labelled {label}, said {said} ({score})",
            name=case.name,
            label=case.label,
            said=case.said,
            score=score,
        )
    return say("{name}: said {said} ({score})", name=case.name, said=case.said, score=score)
