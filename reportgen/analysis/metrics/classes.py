"""Each class of a classifier against the rest, and averages over them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.calibration import measure_calibration
from reportgen.analysis.metrics.curves import precision_recall_points, roc_points
from reportgen.analysis.metrics.ranking import GRID, WANTED_SHARE, Ranking
from reportgen.analysis.metrics.resampling import (
    Floats,
    Resampled,
    mean_of_known,
    percentile_interval,
    proportion_estimate,
    resample,
    share,
)
from reportgen.analysis.metrics.scored import Scored
from reportgen.report.estimates import Resampling
from reportgen.report.evaluation import MACRO, MICRO, Average, ClassMeasures, Curve, OperatingPoint
from reportgen.system.language import mark, say

OWN_POINT = mark("as the model decides")
AT_SPECIFICITY = mark("specificity at least {share} %")
AT_SENSITIVITY = mark("sensitivity at least {share} %")
_RATES = ("sensitivity", "specificity", "precision")
RankMeasures = dict[str, Resampled]


def measure_class(scored: Scored, number: int, resampling: Resampling) -> tuple[ClassMeasures, RankMeasures]:
    """Measure how well the score of one class tells the images that show it from the rest.

    Parameters
    ----------
    scored
        All images.
    number
        Of the class.
    resampling
        For the intervals.

    Returns
    -------
    tuple
        The measures, and AUC and average precision of each resample, for averages and differences.
    """
    scores, positive, said = scored.scores[:, number], scored.shown[:, number], scored.said[:, number]
    ranking = Ranking(scores, positive)

    def measure(weights: Floats) -> dict[str, Floats]:
        steps = ranking.steps(weights)
        at_specificity, at_sensitivity = steps.at_specificity(), steps.at_sensitivity()
        own = _rates(weights, positive, said)
        return {
            "auc": steps.auc(), "average_precision": steps.average_precision(),
            "roc": steps.sensitivities(), "precisions": steps.precisions(),
            **{f"own {name}": rate for name, rate in zip(_RATES, own, strict=True)},
            "high specificity": at_specificity[1], "its sensitivity": at_specificity[0],
            "high sensitivity": at_sensitivity[0], "its specificity": at_sensitivity[1],
        }  # fmt: skip

    found = resample(measure, scored.groups, resampling)
    whole = ranking.steps(np.ones((1, len(scores))))
    own = _point(say(OWN_POINT), scored.threshold(number), said, scored, number, resampling)
    points = [own]
    if positive.any() and not positive.all():
        for name, (_, _, places), sensitivity, specificity in (
            (AT_SPECIFICITY, whole.at_specificity(), "its sensitivity", "high specificity"),
            (AT_SENSITIVITY, whole.at_sensitivity(), "high sensitivity", "its specificity"),
        ):
            threshold = float(ranking.thresholds[places[0]]) if places[0] >= 0 else math.inf
            intervals = {"sensitivity": found[sensitivity], "specificity": found[specificity]}
            title = say(name, share=f"{100 * WANTED_SHARE:.0f}")
            points.append(_point(title, threshold, scores >= threshold, scored, number, resampling, intervals))
    measures = ClassMeasures(
        class_name=scored.head.class_names[number],
        number=number,
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        auc=found["auc"].estimate,
        average_precision=found["average_precision"].estimate,
        roc=_curve(roc_points(scores, positive), found["roc"]),
        precision_recall=_curve(precision_recall_points(scores, positive), found["precisions"]),
        points=tuple(points),
        calibration=measure_calibration(scores, positive, scored.groups, resampling),
    )
    return measures, {name: found[name] for name in ("auc", "average_precision", *(f"own {rate}" for rate in _RATES))}


def measure_averages(scored: Scored, classes: list[RankMeasures], resampling: Resampling) -> tuple[Average, ...]:
    """Average AUC and average precision over classes.

    Macro: the mean over the classes that have both positives and negatives, in each resample, too. Micro: every pair of
    image and class is one of a single ranking, positive where the image shows the class.
    """
    macro = {name: _mean([one[name] for one in classes]).estimate for name in ("auc", "average_precision")}
    width = scored.scores.shape[1]
    ranking = Ranking(scored.scores.ravel(), scored.shown.ravel())

    def measure(weights: Floats) -> dict[str, Floats]:
        steps = ranking.steps(np.repeat(weights, width, axis=1))
        return {"auc": steps.auc(), "average_precision": steps.average_precision()}

    micro = {name: found.estimate for name, found in resample(measure, scored.groups, resampling, width).items()}
    return Average(name=MACRO, **macro), Average(name=MICRO, **micro)


def _mean(found: list[Resampled]) -> Resampled:
    """Return the mean of a measure over classes; a class without it is left out."""
    known = [one for one in found if math.isfinite(float(one.value))] or found[:1]
    value, drawn = np.stack([one.value for one in known]), np.stack([one.drawn for one in known])
    return Resampled(mean_of_known(value), mean_of_known(drawn))


def _rates(weights: Floats, positive: NDArray[np.bool_], said: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return sensitivity, specificity and precision, each ``(b,)``."""
    true, false = weights @ (said & positive), weights @ (said & ~positive)
    positives, negatives = weights @ positive, weights @ ~positive
    return share(true, positives), share(negatives - false, negatives), share(true, true + false)


def _point(
    name: str, threshold: float, said: NDArray[np.bool_], scored: Scored, number: int, resampling: Resampling,
    intervals: RankMeasures | None = None,
) -> OperatingPoint:  # fmt: skip
    """Return counts and rates of one decision; where its threshold was chosen on the data, so it is in each resample.

    ``intervals`` are then those rates of the resamples.
    """
    positive, groups = scored.shown[:, number], scored.groups
    rates = resample(
        lambda weights: dict(zip(_RATES, _rates(weights, positive, said), strict=True)), groups, resampling
    ) | (intervals or {})
    of = {"sensitivity": positive, "specificity": ~positive, "precision": said}
    patients = {rate: len(np.unique(groups[chosen])) for rate, chosen in of.items()}
    return OperatingPoint(
        name=name,
        threshold=threshold,
        **{rate: proportion_estimate(rates[rate], patients[rate]) for rate in _RATES},
        true_positives=int((said & positive).sum()),
        false_positives=int((said & ~positive).sum()),
        true_negatives=int((~said & ~positive).sum()),
        false_negatives=int((~said & positive).sum()),
    )


def _curve(points: tuple[Floats, Floats], band: Resampled) -> Curve:
    x, y = points
    if not len(x):
        return Curve(x=(), y=())
    low, high = percentile_interval(band.drawn)
    return Curve(
        x=tuple(x.tolist()), y=tuple(y.tolist()), band_x=tuple(GRID.round(10).tolist()),
        band_low=tuple(low.tolist()), band_high=tuple(high.tolist()),
    )  # fmt: skip
