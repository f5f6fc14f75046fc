"""What one model says of one case, and how the classes of two models are brought together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.cases import CaseNumbers, patient_of
from reportgen.analysis.predictions import Head
from reportgen.analysis.runs import CaseRun
from reportgen.report.names import find_name
from reportgen.report.report import NOTHING_FOUND
from reportgen.system.errors import SettingsError

_SHOWN_NAMES = 10
Shrink = Callable[[NDArray[Any]], NDArray[np.float64]]


@dataclass(frozen=True)
class Answer:
    """What a model says of a case.

    Attributes
    ----------
    name, label, sha256, patient
        Of the case.
    scores
        ``(classes,)``.
    target
        Number of the class that the map is for.
    evidence
        ``(h, w)``, bits at each pixel, in the frame of the model's input; None without a scan.
    thumbnail
        ``(h, w)`` or ``(h, w, 3)``, the image as the model gets it.
    item
        Of a batch: where its report is; else empty.
    """

    name: str
    label: str | None
    sha256: str
    patient: str
    scores: NDArray[np.float64]
    target: int
    evidence: NDArray[Any] | None
    thumbnail: NDArray[np.uint8]
    item: str = ""


def answer_from_numbers(case: CaseNumbers) -> Answer:
    """Return what a batch kept of a case."""
    return Answer(
        case.name, case.label, case.sha256, patient_of(case), np.asarray(case.scores), case.target, case.evidence,
        case.thumbnail, case.item,
    )  # fmt: skip


def answer_from_run(run: CaseRun, patient: str, shrink: Shrink) -> Answer:
    """Return what a model says of a case that was run through it.

    Parameters
    ----------
    run
        With its scan, if there is one.
    patient
        Whose image it is.
    shrink
        Makes a map or an image as small as they are kept.
    """
    scan = run.scans[0] if run.scans else None
    image = np.clip(np.rint(shrink(run.image)), 0, 255).astype(np.uint8)
    return Answer(
        run.case.name, run.case.label, run.case.image.sha256, patient, run.scores, run.targets[0],
        shrink(scan.importance) if scan else None, image[..., 0] if image.shape[-1] == 1 else image,
    )  # fmt: skip


@dataclass(frozen=True)
class Matching:
    """How the classes of a second model stand in the order of a first.

    Attributes
    ----------
    head
        How the first model's scores are read.
    own, second
        How the second's are read as they are, and once they are in the order of the first.
    order
        For each class of the first its place among those of the second.
    """

    head: Head
    own: Head
    second: Head
    order: tuple[int, ...]

    def said_by_second(self, answer: Answer) -> tuple[int, ...]:
        """Return what the second model says, by its own order and threshold, as numbers of the first."""
        return tuple(sorted(self.order.index(number) for number in said_by(self.own, answer.scores)))

    def reorder(self, answer: Answer) -> Answer:
        """Return an answer of the second model with the classes in the order of the first."""
        return dataclasses.replace(
            answer, scores=answer.scores[list(self.order)], target=self.order.index(answer.target)
        )  # fmt: skip


def match_classes(first: Head, second: Head, names: tuple[str, str]) -> Matching:
    """Match the classes of two models by their names.

    Raises
    ------
    SettingsError
        When they don't say the same classes, or one says findings and the other a class, or gives numbers.
    """
    for head, name in zip((first, second), names, strict=True):
        if head.is_regression:
            raise SettingsError(
                f"{name} gives numbers, not classes (regression): what it says can't be compared", "give classifiers"
            )
    if bool(first.thresholds) != bool(second.thresholds):
        findings, one = names if first.thresholds else names[::-1]
        raise SettingsError(
            f"{findings} says any number of findings, and {one} one class", "compare models that say the same"
        )
    places = [find_name(name, second.class_names) for name in first.class_names]
    known = [place for place in places if place is not None]
    if len(known) < len(places) or sorted(known) != list(range(len(second.class_names))):
        told, others = (", ".join(head.class_names[:_SHOWN_NAMES]) for head in (first, second))
        raise SettingsError(
            f"{names[0]} tells {told} apart, and {names[1]} {others}: these aren't the same classes",
            "name those of a model without names with --class-names, or compare others",
        )
    return Matching(first, second, _reordered(second, first.class_names, known), tuple(known))


def _reordered(head: Head, class_names: tuple[str, ...], order: Sequence[int]) -> Head:
    """Return how scores are read once they stand in another order."""
    thresholds = tuple(head.thresholds[place] for place in order) if head.thresholds else ()
    flipped = head.single and list(order) == [1, 0]
    # from 0.7 on the second class is said: the first then, which now is the second, above 0.3
    threshold = float(np.nextafter(1 - head.threshold, 2)) if flipped else head.threshold
    return Head(head.kind, class_names, threshold, head.outputs, thresholds)


def said_by(head: Head, scores: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the numbers of the classes that are said of one row of scores: one, or any number of findings."""
    if head.thresholds:
        return tuple(np.flatnonzero(head.present(scores)).tolist())
    return (head.predicted(scores),)


def name_said(said: Sequence[int], class_names: Sequence[str]) -> str:
    """Name what is said."""
    return " + ".join(class_names[number] for number in said) or NOTHING_FOUND
