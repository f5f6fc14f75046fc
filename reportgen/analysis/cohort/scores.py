"""How well the model's scores go with the labels of a cohort: what ``reportgen evaluate`` measures, anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import ScoredRow
from reportgen.analysis.findings import labelled_findings
from reportgen.analysis.metrics.classes import measure_class
from reportgen.analysis.metrics.resampling import number_groups
from reportgen.analysis.metrics.scored import Scored
from reportgen.analysis.predictions import Head
from reportgen.report.estimates import Resampling
from reportgen.report.evaluation import ClassMeasures
from reportgen.report.names import find_name


@dataclass(frozen=True)
class Labelled:
    """The cases whose labels are classes of the model."""

    scored: Scored
    rows: tuple[ScoredRow, ...]


def with_known_labels(rows: Sequence[ScoredRow], head: Head) -> Labelled | None:
    """Return the cases whose labels are classes of the model; None where there are none, or it gives no classes."""
    if head.is_regression:
        return None
    kept, shown = [], []
    for row in rows:
        numbers = label_numbers(row.label, head)
        if numbers is not None and np.isfinite(row.scores).all():
            kept.append(row)
            shown.append(numbers)
    if not kept:
        return None
    truth = np.zeros((len(kept), len(head.class_names)), bool)
    for place, numbers in enumerate(shown):
        truth[place, list(numbers)] = True
    groups = number_groups(tuple(row.patient for row in kept))
    return Labelled(Scored(np.stack([row.scores for row in kept]), truth, groups, head), tuple(kept))


def label_numbers(label: str | None, head: Head) -> tuple[int, ...] | None:
    """Return the numbers of the classes that a label names; None where it names another, or nothing is known."""
    if head.thresholds:
        found = labelled_findings(label, head.class_names)
        return found.present if found.known else None
    number = None if label is None else find_name(label, head.class_names)
    return None if number is None else (number,)


def surprise(scores: NDArray[np.float64], label: str | None, head: Head) -> float:
    """Return by how many bits a label surprises the model: minus the binary logarithm of its score; NaN if unknown.

    Of independent findings those that are labelled and those that aren't are added up.
    """
    numbers = None if head.is_regression else label_numbers(label, head)
    if numbers is None or not np.isfinite(scores).all():
        return math.nan
    if head.thresholds:
        shown = np.isin(np.arange(len(scores)), numbers)
        scores = np.where(shown, scores, 1 - scores)
    else:
        scores = scores[list(numbers)]
    return float(-np.log2(np.clip(scores, 1e-12, 1)).sum())


def measure_scores(labelled: Labelled, resampling: Resampling) -> tuple[ClassMeasures, ...]:
    """Measure each class against the rest: of two the positive one."""
    return tuple(measure_class(labelled.scored, number, resampling)[0] for number in labelled.scored.measured)
