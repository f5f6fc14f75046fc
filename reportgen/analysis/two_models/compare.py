"""Cases one after another through both models: counts are kept, the cases that matter most, and a sample.

McNemar (1947), exact: of the cases of which only one model says something, which of them says it is a toss of a coin if
neither is more inclined to.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.channels import correlate
from reportgen.analysis.cohort.gather import ScoredRow
from reportgen.analysis.cohort.scores import Labelled, label_numbers, with_known_labels
from reportgen.analysis.metrics.classes import measure_class
from reportgen.analysis.metrics.evaluation import compare_evaluations
from reportgen.analysis.predictions import Head, positive_class
from reportgen.analysis.streaming import Best, Moments, Sample
from reportgen.analysis.two_models.answers import Answer, Matching, said_by
from reportgen.images.resizing import average_areas
from reportgen.report.estimates import Difference, Estimate, Resampling
from reportgen.report.two_models import Paired

SAMPLE, LISTED, MOVED = 5000, 40, 6
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """What both models say of a case, classes in the order of the first.

    Attributes
    ----------
    here, there
        The answers of A and B.
    said
        Numbers of the classes that each says.
    number
        The class whose scores are compared: the positive of two; else the labelled one, else what A says.
    maps
        Both maps on one grid; None where there are none, or they are of different classes.
    """

    here: Answer
    there: Answer
    said: tuple[tuple[int, ...], tuple[int, ...]]
    number: int
    maps: tuple[Floats, Floats] | None

    @property
    def scores(self) -> tuple[float, float]:
        """Of the class that is compared, by A and B."""
        return float(self.here.scores[self.number]), float(self.there.scores[self.number])


@dataclass(frozen=True)
class Drawn:
    """What is kept of a case in the sample: the rows of both models, the scores that are compared, and of what."""

    here: ScoredRow
    there: ScoredRow
    scores: tuple[float, float]
    flipped: bool
    class_name: str


@dataclass
class Compared:
    """All cases that were compared so far.

    Attributes
    ----------
    matching
        How classes go together.
    cases, flips
        How many, and of how many they say different things.
    said
        How often (what A says, what B says).
    right
        How often (A is right, B is right), where that is known.
    correlations
        Of the maps.
    other_targets
        Cases whose maps are of different classes.
    disagreeing, moved
        Cases to be shown.
    drawn
        A sample of the cases.
    unsaid
        Cases that are left out, since a score is not a number.
    """

    matching: Matching
    cases: int = 0
    flips: int = 0
    other_targets: int = 0
    said: Counter[tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=Counter)
    right: Counter[tuple[bool, bool]] = field(default_factory=Counter)
    correlations: Moments = field(default_factory=lambda: Moments(()))
    disagreeing: Best[Pair] = field(default_factory=lambda: Best(LISTED))
    moved: Best[Pair] = field(default_factory=lambda: Best(MOVED))
    drawn: Sample[Drawn] = field(default_factory=lambda: Sample(SAMPLE))
    unsaid: int = 0

    def add(self, here: Answer, there: Answer) -> None:
        """Take a case: what A says, and what B says in its own order of classes."""
        if not (np.isfinite(here.scores).all() and np.isfinite(there.scores).all()):
            self.unsaid += 1
            return
        pair = pair_up(here, there, self.matching)
        key = f"{here.sha256}/{self.cases}"
        self.cases += 1
        self.said[pair.said] += 1
        flipped = pair.said[0] != pair.said[1]
        self.flips += flipped
        numbers = label_numbers(here.label, self.matching.head)
        if numbers is not None:
            truth = tuple(sorted(numbers))
            self.right[pair.said[0] == truth, pair.said[1] == truth] += 1
        if flipped:
            self.disagreeing.add(abs(pair.scores[0] - pair.scores[1]), key, pair)
        rows = [
            ScoredRow(one.name, one.sha256, here.patient, here.label or "", one.scores)
            for one in (pair.here, pair.there)
        ]
        name = self.matching.head.class_names[pair.number]
        self.drawn.add(key, Drawn(rows[0], rows[1], pair.scores, flipped, name))
        if pair.maps is not None:
            alike = _correlation(*pair.maps)
            self.correlations.add(np.asarray(alike))
            self.moved.add(-alike, key, pair)
        elif here.evidence is not None and pair.there.evidence is not None:
            self.other_targets += 1


def pair_up(here: Answer, there: Answer, matching: Matching) -> Pair:
    """Return what both say of a case, with maps on the coarser grid of the two; B's classes in its own order."""
    head = matching.head
    said = said_by(head, here.scores), matching.said_by_second(there)
    there = matching.reorder(there)
    maps = None
    if here.evidence is not None and there.evidence is not None and here.target == there.target:
        grid = (
            min(here.evidence.shape[0], there.evidence.shape[0]), min(here.evidence.shape[1], there.evidence.shape[1])
        )  # fmt: skip
        maps = average_areas(here.evidence, grid), average_areas(there.evidence, grid)
    return Pair(here, there, said, _compared_class(head, here, said[0]), maps)


def _compared_class(head: Head, here: Answer, said: tuple[int, ...]) -> int:
    if len(head.class_names) == 2 and not head.thresholds:
        return positive_class(head.class_names)
    numbers = label_numbers(here.label, head)
    return (*(numbers or ()), *said, int(np.argmax(here.scores)))[0]


def _correlation(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation of two maps; NaN where one is even or not finite."""
    a, b = first.ravel(), second.ravel()
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.nan
    return correlate(a, b) if np.ptp(a) > 1e-9 * np.abs(a).max() and np.ptp(b) > 1e-9 * np.abs(b).max() else math.nan


def paired_counts(compared: Compared) -> tuple[Paired, ...]:
    """Return what only one model says: right, where labels are known; else of two classes the positive one."""
    if compared.right:
        counts = {key: compared.right[key] for key in ((True, True), (True, False), (False, True), (False, False))}
        return (_paired("right", counts),)
    head = compared.matching.head
    if len(head.class_names) == 2 and not head.thresholds:
        number = positive_class(head.class_names)
        counts = Counter[tuple[bool, bool]]()
        for (a, b), count in compared.said.items():
            counts[number in a, number in b] += count
        return (_paired(head.class_names[number], counts),)
    return ()


def _paired(what: str, counts: dict[tuple[bool, bool], int]) -> Paired:
    first, second = counts.get((True, False), 0), counts.get((False, True), 0)
    return Paired(
        what=what, both=counts.get((True, True), 0), first=first, second=second,
        neither=counts.get((False, False), 0), p=mcnemar(first, second),
    )  # fmt: skip


def mcnemar(first: int, second: int) -> float:
    """Return the exact two-sided p of McNemar's test from both discordant counts; 1 without any."""
    from scipy.stats import binomtest

    return float(binomtest(first, first + second, 0.5).pvalue) if first + second else 1.0


@dataclass(frozen=True)
class LabelledMeasures:
    """What is measured of both where labels are known; rates are (class, sensitivity, specificity)."""

    cases: int
    rates: tuple[tuple[tuple[str, Estimate, Estimate], ...], ...]
    differences: tuple[Difference, ...]


def measure_labelled(compared: Compared, resampling: Resampling) -> LabelledMeasures | None:
    """Return measures of both models and their differences, A minus B; None without labels."""
    drawn, matching = list(compared.drawn), compared.matching
    sides: list[Labelled] = []
    for rows, head in (
        ([one.here for one in drawn], matching.head), ([one.there for one in drawn], matching.second)
    ):  # fmt: skip
        found = with_known_labels(rows, head)
        if found is None:
            return None
        sides.append(found)
    rates = []
    for side in sides:
        measured = [measure_class(side.scored, number, resampling)[0] for number in side.scored.measured]
        rates.append(tuple((one.class_name, one.points[0].sensitivity, one.points[0].specificity) for one in measured))
    differences = compare_evaluations(sides[0].scored, sides[1].scored, resampling)
    return LabelledMeasures(len(sides[0].rows), tuple(rates), differences)


def rank_correlation(compared: Compared) -> float:
    """Return Spearman's correlation of the scores; NaN where it isn't defined."""
    from scipy.stats import rankdata

    scores = np.array([one.scores for one in compared.drawn]).reshape(-1, 2)
    scores = scores[np.isfinite(scores).all(axis=1)]
    if len(scores) < 3 or not np.ptp(scores, axis=0).all():
        return math.nan
    return correlate(rankdata(scores[:, 0]), rankdata(scores[:, 1]))
