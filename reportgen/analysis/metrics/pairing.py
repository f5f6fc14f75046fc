"""Two evaluations of the same images, laid over each other."""

from __future__ import annotations

import dataclasses

from reportgen.analysis.metrics.evaluation import compare_evaluations
from reportgen.analysis.metrics.scored import head_of, scored_from
from reportgen.report.evaluation import ClassifierEvaluation, EvaluatedImage, EvaluationComparison
from reportgen.report.names import are_the_same
from reportgen.system.errors import SettingsError

_SHOWN_NAMES = 10
Pairs = list[tuple[EvaluatedImage, EvaluatedImage]]


def compare(first: ClassifierEvaluation, second: ClassifierEvaluation) -> EvaluationComparison:
    """Return what a first evaluation has more than a second.

    Raises
    ------
    SettingsError
        When they are of other classes, images or labels.
    """
    if first.task != second.task or not are_the_same(first.model.class_names, second.model.class_names):
        names, others = (", ".join(one.model.class_names[:_SHOWN_NAMES]) for one in (first, second))
        raise SettingsError(
            f"the other evaluation tells other classes apart: {others}, not {names}",
            "compare models of the same classes",
        )
    pairs = _pair(first, second)
    mine = scored_from([one for one, _ in pairs], head_of(first.model))
    theirs = scored_from([other for _, other in pairs], head_of(second.model))
    right = [(one.correct, other.correct) for one, other in pairs]
    return EvaluationComparison(
        other=second,
        # patients of the first, whatever the second took for one
        differences=compare_evaluations(mine, dataclasses.replace(theirs, groups=mine.groups), first.resampling),
        changed=(right.count((True, False)), right.count((False, True))),
    )


def _pair(first: ClassifierEvaluation, second: ClassifierEvaluation) -> Pairs:
    """Pair images by their digests and labels, in the order of the first."""
    waiting: dict[tuple[str, tuple[int, ...]], list[EvaluatedImage]] = {}
    for image in reversed(second.images):
        waiting.setdefault((image.sha256, image.labels), []).append(image)
    pairs = [
        (image, same.pop()) for image in first.images if (same := waiting.get((image.sha256, image.labels), []))
    ]  # fmt: skip
    if not len(pairs) == len(first.images) == len(second.images):
        raise SettingsError(
            f"the other evaluation is of other images or labels: of {len(first.images):,} here, {len(pairs):,} are "
            f"among its {len(second.images):,}",
            "evaluate both models on the same data",
        )
    return pairs
