"""The second walk over the cases: with what the first one found, which of them are to be shown, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.cases import CaseNumbers, Grouping, key_of
from reportgen.analysis.cohort.gather import direction_of
from reportgen.analysis.cohort.likeness import Alikeness
from reportgen.analysis.cohort.places import Directions
from reportgen.analysis.cohort.scores import surprise
from reportgen.analysis.predictions import Head
from reportgen.analysis.streaming import Best, Sample
from reportgen.report.report import NOTHING_FOUND

TYPICAL, SURPRISING, OUTLYING = "typical", "surprising", "outlying"
SHOWN = 6
POINTS, PICTURED = 5000, 400


@dataclass(frozen=True)
class Seen:
    """A case that may be shown.

    Attributes
    ----------
    item, case, name, group, label
        As in :class:`reportgen.report.cohort.Example`.
    said, score
        What the model says, and the score of it.
    thumbnail
        ``(h, w)`` or ``(h, w, 3)``; None where it isn't kept.
    """

    key: str
    item: str
    case: int
    name: str
    group: str
    label: str | None
    said: str
    score: float
    thumbnail: NDArray[np.uint8] | None


@dataclass
class Looked:
    """What the second walk finds.

    Attributes
    ----------
    head
        How scores are read.
    grouping
        What makes the groups.
    frame
        (height, width) of the maps.
    alike
        How alike maps are.
    directions
        Of the features; None where there are none.
    wanted
        Keys of the cases that are shown in any case.
    features_layer
        Whose output the features are.
    """

    head: Head
    grouping: Grouping
    frame: tuple[int, int]
    alike: Alikeness
    directions: Directions | None
    wanted: frozenset[str]
    features_layer: str = ""
    found: dict[str, Seen] = field(default_factory=dict)
    points: Sample[tuple[Seen, tuple[float, float]]] = field(default_factory=lambda: Sample(POINTS))
    pictured: Sample[Seen] = field(default_factory=lambda: Sample(PICTURED))
    surprising: Best[Seen] = field(default_factory=lambda: Best(SHOWN))

    def __post_init__(self) -> None:
        names = self.alike.names
        self.typical: dict[str, Best[Seen]] = {name: Best(SHOWN) for name in names}
        self.outlying: dict[str, Best[Seen]] = {name: Best(SHOWN) for name in names}

    def fresh(self) -> Looked:
        """Return the same without any case."""
        return Looked(self.head, self.grouping, self.frame, self.alike.fresh(), self.directions, self.wanted)

    def add(self, case: CaseNumbers) -> None:
        """Take a case, as the first walk took it."""
        group = self.grouping.group_of(case)
        if not group:
            return
        self.features_layer = self.features_layer or case.features_layer
        seen = see(case, group, self.head)
        if seen.key in self.wanted:
            self.found[seen.key] = seen
        bits = surprise(case.scores, case.label, self.head)
        self.surprising.add(bits if bits > 1 else math.nan, seen.key, seen)
        if case.evidence is not None and case.evidence.shape == self.frame:
            direction = direction_of(case.evidence)
            if direction is not None:
                self.alike.add(group, direction)
        if self.directions is None or not np.isfinite(case.features).all():
            return
        distance = self.directions.distance(group, case.features)
        self.outlying[group].add(distance, seen.key, seen)
        if case.correct is not False:
            self.typical[group].add(-distance, seen.key, seen)
        x, y = (*self.directions.locate(case.features)[:2].tolist(), 0.0)[:2]
        self.points.add(seen.key, (replace(seen, thumbnail=None), (x, y)))
        self.pictured.add(seen.key, seen)

    def standing_out(self, names: Sequence[str]) -> Iterator[tuple[str, str, list[tuple[float, Seen]]]]:
        """Give (kind, group, (value, case)) of the cases that stand out, groups in an order."""
        for kind, found in ((TYPICAL, self.typical), (OUTLYING, self.outlying)):
            yield from ((kind, name, list(found[name])) for name in names)
        yield SURPRISING, "", list(self.surprising)

    def merge(self, other: Looked) -> Looked:
        """Return what both parts of the walk found."""
        both = Looked(
            self.head, self.grouping, self.frame, self.alike.merge(other.alike), self.directions, self.wanted,
            self.features_layer or other.features_layer, self.found | other.found, self.points.merge(other.points),
            self.pictured.merge(other.pictured), self.surprising.merge(other.surprising),
        )  # fmt: skip
        both.typical = {name: best.merge(other.typical[name]) for name, best in self.typical.items()}
        both.outlying = {name: best.merge(other.outlying[name]) for name, best in self.outlying.items()}
        return both


def see(case: CaseNumbers, group: str, head: Head) -> Seen:
    """Return what is shown of a case."""
    number = case.predicted
    said, score = head.class_names[number], float(case.scores[number])
    if head.thresholds:
        present = np.flatnonzero(head.present(case.scores))
        said = " + ".join(head.class_names[at] for at in present) or NOTHING_FOUND
    return Seen(key_of(case), case.item, case.case, case.name, group, case.label, said, score, np.array(case.thumbnail))
