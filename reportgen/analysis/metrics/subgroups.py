"""How a classifier does on parts of the images, by what a manifest says of them: sex, view, scanner, hospital."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.ranking import Ranking
from reportgen.analysis.metrics.resampling import Floats, mean_of_known, proportion_estimate, resample, share
from reportgen.analysis.metrics.scored import Scored
from reportgen.report.estimates import Estimate, Resampling
from reportgen.report.evaluation import SEVERAL_CLASSES, TWO_CLASSES, Subgroup

MOST_VALUES = 12
FEWEST_IMAGES = 10


def measure_subgroups(
    scored: Scored, columns: Mapping[str, tuple[str, ...]], resampling: Resampling
) -> tuple[Subgroup, ...]:
    """Measure each part of the images, column by column.

    Parameters
    ----------
    scored
        All images.
    columns
        ``(N,)`` values by name of the column.
    resampling
        For the intervals.

    Returns
    -------
    tuple of Subgroup
        Of columns with 2 to 12 different values, in the order of the columns, values sorted; not of a column in which
        no value is shared by two patients: it would name them.
    """
    found = []
    for column, values in columns.items():
        if is_grouping(values, scored.groups):
            given = np.array(values, object)
            found += [_subgroup(scored, column, value, given == value, resampling) for value in sorted(set(values))]
    return tuple(found)


def is_grouping(values: tuple[str, ...], groups: NDArray[np.int64]) -> bool:
    """Return whether a column divides patients into groups: 2 to 12 values, of which one at least has several."""
    if not 2 <= len(set(values)) <= MOST_VALUES:
        return False
    pairs = set(zip(values, groups.tolist(), strict=True))
    return len(pairs) > len(set(values))


def _subgroup(
    scored: Scored, column: str, value: str, chosen: NDArray[np.bool_], resampling: Resampling
) -> Subgroup:  # fmt: skip
    part = scored.take(chosen)
    images, groups = int(chosen.sum()), int(part.groups.max()) + 1
    two = scored.task == TWO_CLASSES
    positive = np.asarray(part.shown[:, part.measured[0]] if two else part.shown.any(axis=1))
    positives = 0 if scored.task == SEVERAL_CLASSES else int(positive.sum())
    counted = Subgroup(column=column, value=value, images=images, groups=groups, positives=positives)
    if images < FEWEST_IMAGES:
        return counted
    accuracy = resample(lambda weights: {"": weights @ part.correct / weights.sum(axis=1)}, part.groups, resampling)
    rates: dict[str, Estimate | None] = {}
    if two:
        said = part.said[:, part.measured[0]]
        rates = {
            "sensitivity": _rate(said, positive, part, resampling),
            "specificity": _rate(~said, ~positive, part, resampling),
        }
    return Subgroup(
        **vars(counted) | {"accuracy": proportion_estimate(accuracy[""], groups), "auc": _auc(part, resampling)} | rates
    )


def _rate(
    right: NDArray[np.bool_], wanted: NDArray[np.bool_], part: Scored, resampling: Resampling
) -> Estimate | None:  # fmt: skip
    """Return the share of some images that are told right; None where there are none."""
    if not wanted.any():
        return None

    def measure(weights: Floats) -> dict[str, Floats]:
        return {"": share(weights @ (right & wanted), weights @ wanted)}

    return proportion_estimate(resample(measure, part.groups, resampling)[""], len(np.unique(part.groups[wanted])))


def _auc(part: Scored, resampling: Resampling) -> Estimate | None:
    """Return AUC of the positive class, or the mean over classes that have both sides; None where none has."""
    numbers = [number for number in part.measured if 0 < part.shown[:, number].sum() < len(part.shown)]
    if not numbers:
        return None
    rankings = [Ranking(part.scores[:, number], part.shown[:, number]) for number in numbers]

    def measure(weights: Floats) -> dict[str, Floats]:
        return {"": mean_of_known(np.stack([ranking.steps(weights).auc() for ranking in rankings]))}

    return resample(measure, part.groups, resampling)[""].estimate
