"""The second walk over the cases: with what the first one found, which of them are to be shown, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.cases import CaseNumbers, key_of
from reportgen.analysis.cohort.gather import Gathered, direction_of
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
    gathered
        What the first walk found.
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
    gathered: Gathered
    alike: Alikeness
    directions: Directions | None
    wanted: frozenset[str]
    features_layer: str = ""
    found: dict[str, Seen] = field(default_factory=dict)
    points: Sample[tuple[Seen, tuple[float, float]]] = field(default_factory=lambda: Sample(POINTS))
    pictured: Sample[Seen] = field(default_factory=lambda: Sample(PICTURED))
    surprising: Best[Seen] = field(default_factory=lambda: Best(SHOWN))

    def __post_init__(self) -> None:
        names = self.gathered.groups
        self.typical: Mapping[str, Best[Seen]] = {name: Best(SHOWN) for name in names}
        self.outlying: Mapping[str, Best[Seen]] = {name: Best(SHOWN) for name in names}

    def add(self, case: CaseNumbers) -> None:
        """Take a case, as the first walk took it."""
        group = self.gathered.group_of(case)
        if not group:
            return
        self.features_layer = self.features_layer or case.features_layer
        seen = see(case, group, self.head)
        if seen.key in self.wanted:
            self.found[seen.key] = seen
        bits = surprise(case.scores, case.label, self.head)
        self.surprising.add(bits if bits > 1 else math.nan, seen.key, seen)
        if case.evidence is not None and case.evidence.shape == self._frame:
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

    @property
    def _frame(self) -> tuple[int, int]:
        return self.gathered.layout.frame if self.gathered.layout else (0, 0)


def see(case: CaseNumbers, group: str, head: Head) -> Seen:
    """Return what is shown of a case."""
    number = case.predicted
    said, score = head.class_names[number], float(case.scores[number])
    if head.thresholds:
        present = np.flatnonzero(head.present(case.scores))
        said = " + ".join(head.class_names[at] for at in present) or NOTHING_FOUND
    return Seen(key_of(case), case.item, case.case, case.name, group, case.label, said, score, np.array(case.thumbnail))
