"""All that is measured of a classifier on labelled images, each number with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reportgen.analysis.metrics.calibration import measure_calibration
from reportgen.analysis.metrics.classes import RankMeasures, measure_averages, measure_class
from reportgen.analysis.metrics.curves import count_confusions
from reportgen.analysis.metrics.resampling import Floats, Resampled, proportion_estimate, resample
from reportgen.analysis.metrics.scored import Scored
from reportgen.analysis.metrics.subgroups import measure_subgroups
from reportgen.report.estimates import Difference, Estimate, Resampling
from reportgen.report.evaluation import (
    FINDINGS,
    SEVERAL_CLASSES,
    TWO_CLASSES,
    Average,
    Calibration,
    ClassMeasures,
    Subgroup,
)
from reportgen.system.language import mark, say

ACCURACY, BRIER = mark("accuracy"), mark("Brier score")


@dataclass(frozen=True)
class Measured:
    """The numbers of an evaluation; see :class:`reportgen.report.evaluation.ClassifierEvaluation`."""

    classes: tuple[ClassMeasures, ...]
    accuracy: Estimate
    averages: tuple[Average, ...]
    confusion: tuple[tuple[int, ...], ...]
    confidence: Calibration | None
    brier: Estimate
    subgroups: tuple[Subgroup, ...]


def measure_all(
    scored: Scored, columns: Mapping[str, tuple[str, ...]], resampling: Resampling, done: Callable[[int], object]
) -> Measured:
    """Measure everything.

    Parameters
    ----------
    scored
        Scores and labels.
    columns
        What else is known of each image, by column, for subgroups.
    resampling
        For the intervals.
    done
        Is called with 1 after each class.
    """
    classes, ranks = [], []
    for number in scored.measured:
        measures, rank = measure_class(scored, number, resampling)
        classes.append(measures)
        ranks.append(rank)
        done(1)
    overall = _resample_overall(scored, resampling)
    findings = scored.task == FINDINGS
    confidence = None
    if not findings:
        confidence = measure_calibration(scored.confidence, scored.correct, scored.groups, resampling)
    return Measured(
        classes=tuple(classes),
        accuracy=proportion_estimate(overall[ACCURACY], int(scored.groups.max()) + 1),
        averages=() if scored.task == TWO_CLASSES else measure_averages(scored, ranks, resampling),
        confusion=() if findings else _confusion(scored),
        confidence=confidence,
        brier=overall[BRIER].estimate,
        subgroups=measure_subgroups(scored, columns, resampling),
    )


def compare_evaluations(here: Scored, there: Scored, resampling: Resampling) -> tuple[Difference, ...]:
    """Return what a model has more than another on the same images in the same order.

    Both get the same resamples, so that what they have in common cancels out: the intervals are of the paired
    difference.
    """
    rows: list[tuple[str, Resampled, Resampled]] = []
    ranks: tuple[list[RankMeasures], list[RankMeasures]] = ([], [])
    for number in here.measured:
        name = here.head.class_names[number]
        for one, found in zip((here, there), ranks, strict=True):
            found.append(measure_class(one, number, resampling)[1])
        for measure, title in (
            ("auc", "AUC"), ("average_precision", say("average precision")), ("own sensitivity", say("sensitivity")),
            ("own specificity", say("specificity")),
        ):  # fmt: skip
            if here.task != SEVERAL_CLASSES or measure in ("auc", "own sensitivity"):
                rows.append((f"{title}, {name}", ranks[0][-1][measure], ranks[1][-1][measure]))
    both = [_resample_overall(one, resampling) for one in (here, there)]
    rows = [*((say(name), both[0][name], both[1][name]) for name in both[0]), *rows]
    return tuple(
        Difference(
            name=name, here=float(a.value), there=float(b.value),
            difference=Resampled(a.value - b.value, a.drawn - b.drawn).estimate,
        )
        for name, a, b in rows
    )  # fmt: skip


def _resample_overall(scored: Scored, resampling: Resampling) -> dict[str, Resampled]:
    squares = _brier(scored)

    def measure(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        return {ACCURACY: weights @ scored.correct / total, BRIER: weights @ squares / total}

    return resample(measure, scored.groups, resampling)


def _brier(scored: Scored) -> Floats:
    """Return each image's part of the Brier score, ``(N,)``."""
    squares = (scored.scores - scored.shown) ** 2
    if scored.task == TWO_CLASSES:
        return np.asarray(squares[:, scored.measured[0]])
    return np.asarray(squares.mean(axis=1) if scored.task == FINDINGS else squares.sum(axis=1))


def _confusion(scored: Scored) -> tuple[tuple[int, ...], ...]:
    counts = count_confusions(scored.shown.argmax(axis=1), scored.said.argmax(axis=1), scored.scores.shape[1])
    return tuple(tuple(row) for row in counts.tolist())
