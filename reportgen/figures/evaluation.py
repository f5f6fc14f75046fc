"""Charts of an evaluation: ROC and precision-recall curves, calibration, and how the scores are spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reportgen.figures.canvas import encode_figure, escape_formulas, grid_of_axes, new_figure, style_axes
from reportgen.figures.colours import INK, SERIES
from reportgen.report.estimates import Estimate, describe_estimate
from reportgen.report.evaluation import (
    FINDINGS,
    TWO_CLASSES,
    Calibration,
    ClassifierEvaluation,
    ClassMeasures,
    Curve,
    EvaluationComparison,
)
from reportgen.report.picture import Picture
from reportgen.system.language import mark, say

MOST_PANELS = 12
ROC, PRECISION_RECALL, CALIBRATION, SCORES = "roc", "precision-recall", "calibration", "scores"
_BINS = 20
_LONGEST_TITLE = 24
Draw = Callable[[Any, ClassMeasures, int], None]


def evaluation_pictures(
    evaluation: ClassifierEvaluation, comparison: EvaluationComparison | None = None
) -> tuple[Picture, ...]:
    """Draw all charts of an evaluation; with another laid over it, each curve twice."""
    other = comparison.other if comparison else None
    classes, others = evaluation.classes, other.classes if other else ()
    pictures = [
        roc_picture(classes, others),
        _curves(
            PRECISION_RECALL,
            (mark("Precision-recall curve"), mark("Precision-recall curves")),
            mark("recall (sensitivity)"),
            mark("precision"),
            classes,
            others,
        ),
        _calibration(evaluation, other),
    ]
    if evaluation.task == TWO_CLASSES:
        pictures.append(score_histogram(evaluation))
    return tuple(pictures)


def roc_picture(classes: Sequence[ClassMeasures], others: Sequence[ClassMeasures] = ()) -> Picture:
    """Draw the ROC curve of each class, with its band; those of another evaluation dashed."""
    title = (mark("ROC curve"), mark("ROC curves"))
    return _curves(ROC, title, mark("1 − specificity"), mark("sensitivity"), classes, others)


def shown_classes(classes: Sequence[ClassMeasures]) -> tuple[ClassMeasures, ...]:
    """Return the classes that charts have room for: of very many, those with the lowest AUC, in the model's order."""
    if len(classes) <= MOST_PANELS:
        return tuple(classes)
    worst = sorted(
        classes, key=lambda one: (not math.isfinite(one.auc.value), one.auc.value)
    )[:MOST_PANELS]  # fmt: skip
    return tuple(sorted(worst, key=lambda one: one.number))


def score_histogram(evaluation: ClassifierEvaluation) -> Picture:
    """Show how the scores of the positive class are spread, for each class by its label, and the threshold."""
    one = evaluation.classes[0]
    names = evaluation.model.class_names
    figure, axes = new_figure((0.65, 3.9, 0.15), (0.55, 3.1, 0.45))
    edges = np.linspace(0, 1, _BINS + 1)
    for number, colour, hatch in ((1 - one.number, SERIES[0], ""), (one.number, SERIES[1], "////")):
        scores = [image.scores[one.number] for image in evaluation.images if number in image.labels]
        axes.hist(
            scores, bins=edges, weights=np.full(len(scores), 100 / max(1, len(scores))), histtype="stepfilled",
            facecolor=f"{colour}55", edgecolor=colour, hatch=hatch, linewidth=1.2,
            label=escape_formulas(f"{_short(names[number])} ({len(scores):,})"),
        )  # fmt: skip
    threshold = one.points[0].threshold
    if math.isfinite(threshold):
        axes.axvline(threshold, color=INK, linewidth=1, linestyle="--")
        axes.text(
            threshold,
            0.97,
            f" {say('threshold')}",
            color=INK,
            fontsize=8,
            va="top",
            transform=axes.get_xaxis_transform(),
        )
    axes.set_xlim(0, 1)
    axes.set_xlabel(escape_formulas(say("score of {name}", name=one.class_name)), color=INK, fontsize=9)
    axes.set_ylabel(say("% of the images with that label"), color=INK, fontsize=9)
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, ncol=2, loc="lower left", bbox_to_anchor=(-0.02, 1.0))
    ends = sum(1 for image in evaluation.images if not 0.02 < image.scores[one.number] < 0.98)
    alt = say(
        "Histogram of the scores of {name} by label. {ends} of {count} images have a score below 0.02 or above 0.98.",
        name=one.class_name, ends=ends, count=len(evaluation.images),
    )  # fmt: skip
    caption = say("Scores by label, in {bins} bins, each label's images making 100 %.", bins=_BINS)
    return encode_figure(SCORES, figure, alt, caption)


def standing_strip(
    name: str, title: str, class_name: str, score: float, among: Sequence[tuple[str, Sequence[float]]], data: str
) -> Picture:
    """Show where a case's score stands among those of images with known labels: a strip for each label.

    Parameters
    ----------
    name, title
        Of the picture, of the case.
    class_name, score
        The class whose score it is.
    among
        (label, scores) of the images.
    data
        Which images, in words.
    """
    margin = 0.3 + 0.075 * max(len(_short(label)) for label, _ in among)
    figure, axes = new_figure((margin, 4.2, 0.2), (0.5, 0.48 * len(among), 0.1))
    edges = np.linspace(0, 1, 2 * _BINS + 1)
    for row, (_, scores) in enumerate(among):
        counts, _ = np.histogram(scores, bins=edges)
        heights = 0.8 * counts / max(1, counts.max())
        axes.bar(edges[:-1], heights, width=np.diff(edges), bottom=row, align="edge", color=SERIES[row], alpha=0.6)
    axes.axvline(score, color=INK, linewidth=1.6)
    axes.plot(score, len(among) - 0.05, "v", color=INK, markersize=7, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, len(among))
    axes.set_yticks([row + 0.4 for row in range(len(among))], [escape_formulas(_short(label)) for label, _ in among])
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(escape_formulas(say("score of {name}", name=class_name)), color=INK, fontsize=9)
    below = say(" and ").join(
        say("{share} of those labelled {label}", share=f"{np.mean(np.asarray(scores) < score):.0%}", label=label)
        for label, scores in among
    )
    alt = say(
        "{case}: its score of {name}, {score}, is above {below}.", case=title, name=class_name, score=f"{score:.3f}",
        below=below,
    )  # fmt: skip
    caption = say("The line: this case; bars: scores of {data} by label, each row by itself.", data=data)
    return encode_figure(name, figure, alt, caption)


def _curves(
    name: str,
    title: tuple[str, str],
    across: str,
    up: str,
    classes: Sequence[ClassMeasures],
    others: Sequence[ClassMeasures],
) -> Picture:
    """Draw a curve for each class, with its band; that of another evaluation dashed."""
    is_roc = name == ROC
    theirs = {one.number: one for one in others}

    def curve_of(one: ClassMeasures) -> tuple[Curve, Estimate]:
        return (one.roc, one.auc) if is_roc else (one.precision_recall, one.average_precision)

    def draw(axes: Any, one: ClassMeasures, _: int) -> None:
        whole = one.positives + one.negatives
        chance = [0, 1] if is_roc else [one.positives / whole] * 2
        axes.plot([0, 1], chance, ":", color=INK, linewidth=1, label=say("chance"))
        mine = curve_of(one)[0]
        label = say("this") if others else None
        _draw_curve(axes, mine, SERIES[0], "-", label, stepped=not is_roc)
        if one.number in theirs:
            _draw_curve(axes, curve_of(theirs[one.number])[0], SERIES[1], "--", say("other"), stepped=not is_roc)
        own = one.points[0]
        place = (1 - own.specificity.value, own.sensitivity.value) if is_roc else (
            own.sensitivity.value, own.precision.value
        )  # fmt: skip
        if all(map(math.isfinite, place)):
            axes.plot(*place, "o", color=SERIES[0], markersize=6, markeredgecolor="white", label=say("as it decides"))

    shown = shown_classes(classes)
    figure = _panels(shown, say(across), say(up), draw, "lower right" if is_roc else "lower left")
    measure = "AUC" if is_roc else say("average precision")
    told = "; ".join(f"{one.class_name} {describe_estimate(curve_of(one)[1])}" for one in shown)
    if others:
        numbers = {one.number for one in shown}
        both = [one for one in others if one.number in numbers]
        second = [f"{one.class_name} {describe_estimate(curve_of(one)[1])}" for one in both]
        told += f"; {say('the other {values}', values='; '.join(second))}"
    alt = f"{say(title[len(shown) > 1])}: {measure} {told}."
    band = say("Band: 95 % interval by patient; dot: as the model decides; dotted: chance.")
    first = say("Solid: this evaluation; dashed: the other.") if others else say("Line: the images as they are.")
    return encode_figure(name, figure, alt, f"{first} {band}{_left_out(classes, shown)}")


def _draw_curve(axes: Any, curve: Curve, colour: str, line: str, label: str | None, *, stepped: bool) -> None:
    # at a recall of 0 the precision is that of a single image: nothing to be drawn
    bands = (np.array(values[int(stepped) :], float) for values in (curve.band_x, curve.band_low, curve.band_high))
    axes.fill_between(*bands, color=colour, alpha=0.18, linewidth=0, step="pre" if stepped else None)
    # precision between two recalls isn't on the line between them (Davis and Goadrich 2006): it is drawn in steps
    axes.plot(
        curve.x, curve.y, line, color=colour, linewidth=1.6, label=label,
        drawstyle="steps-pre" if stepped else "default",
    )  # fmt: skip


def _calibration(evaluation: ClassifierEvaluation, other: ClassifierEvaluation | None) -> Picture:
    """Draw share against mean score, bin by bin."""
    theirs = {one.number: one.calibration for one in other.classes} if other else {}
    pooled = evaluation.confidence if evaluation.task not in (TWO_CLASSES, FINDINGS) else None

    def draw(axes: Any, calibration: Calibration, second: Calibration | None) -> None:
        axes.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label=say("perfect"))
        _draw_bins(axes, calibration, SERIES[0], "o", say("this") if other else None)
        if second is not None:
            _draw_bins(axes, second, SERIES[1], "s", say("other"))

    if pooled is not None:
        shown: tuple[ClassMeasures, ...] = ()
        figure, axes = new_figure((0.65, 3.4, 0.3), (0.55, 3.4, 0.2))
        draw(axes, pooled, other.confidence if other else None)
        _frame(axes, say("mean score of the class that is said"), say("share that is right"))
        _legend(axes, "upper left")
        alt = say(
            "Calibration of the score of the class that is said, in ten bins: expected calibration error {values}.",
            values=describe_estimate(pooled.expected_error),
        )
    else:
        shown = shown_classes(evaluation.classes)
        figure = _panels(
            shown, say("mean score"), say("share that has it"),
            lambda axes, one, _: draw(axes, one.calibration, theirs.get(one.number)), "upper left",
        )  # fmt: skip
        told = "; ".join(f"{one.class_name} {describe_estimate(one.calibration.expected_error)}" for one in shown)
        alt = say(
            "Calibration of the scores in ten bins: expected calibration error {values}.", values=told
        ) if len(shown) > 1 else say(
            "Calibration of the score of {name} in ten bins: expected calibration error {value}.",
            name=shown[0].class_name, value=describe_estimate(shown[0].calibration.expected_error),
        )  # fmt: skip
    caption = say("Marks above the dotted line: scores are too low; below it: too high. Larger marks: more images.")
    return encode_figure(CALIBRATION, figure, alt, f"{caption}{_left_out(evaluation.classes, shown)}")


def _draw_bins(axes: Any, calibration: Calibration, colour: str, marker: str, label: str | None) -> None:
    """Draw each bin's distance from the diagonal, with a mark whose area grows with its images."""
    there = [one for one in calibration.bins if one.images]
    x, y = [one.mean_score for one in there], [one.share for one in there]
    most = max((one.images for one in there), default=1)
    axes.vlines(x, x, y, color=colour, linewidth=1.4, linestyle="--" if marker == "s" else "-")
    sizes = [14 + 110 * one.images / most for one in there]
    axes.scatter(x, y, s=sizes, color=colour, marker=marker, alpha=0.85, linewidths=0, label=label)


def _panels(shown: Sequence[ClassMeasures], across: str, up: str, draw: Draw, legend: str = "lower left") -> Any:
    """Draw one panel for each class, a large one with a legend where there is only one."""
    if len(shown) == 1:
        figure, axes = new_figure((0.65, 3.4, 0.3), (0.55, 3.4, 0.2))
        draw(axes, shown[0], 0)
        _frame(axes, across, up)
        _legend(axes, legend)
        return figure
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure, panels = grid_of_axes(rows, columns, side=(1.7, 1.7), gap=(0.45, 0.5), below=0.5, right=0.08)
    for place, (axes, one) in enumerate(zip(panels, shown, strict=False)):
        style_axes(axes)
        draw(axes, one, place)
        last = place + columns >= len(shown)
        _frame(axes, across if last else "", up if place % columns == 0 else "")
        axes.set_title(escape_formulas(_short(one.class_name)), color=INK, fontsize=9)
        for set_ticks in (axes.set_xticks, axes.set_yticks):
            set_ticks([0, 0.5, 1], ["0", "0.5", "1"])
    for axes in panels[len(shown) :]:
        axes.axis("off")
    return figure


def _frame(axes: Any, across: str, up: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(across, color=INK, fontsize=9)
    axes.set_ylabel(up, color=INK, fontsize=9)


def _legend(axes: Any, place: str) -> None:
    axes.legend(fontsize=8, frameon=False, labelcolor=INK, loc=place)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_TITLE else f"{name[: _LONGEST_TITLE - 1]}…"


def _left_out(classes: Sequence[ClassMeasures], shown: Sequence[ClassMeasures]) -> str:
    if not shown or len(shown) == len(classes):
        return ""
    return " " + say(
        "The {shown} of {count} classes with the lowest AUC; the table has all.", shown=len(shown), count=len(classes)
    )
