"""From what a model puts out to scores of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.report.names import find_name, plain_name
from reportgen.report.remark import Remark
from reportgen.report.report import Prediction, is_reference
from reportgen.system.errors import SettingsError
from reportgen.system.language import say

SHOWN_CLASSES = 5
SATURATED = 1e-4
IDENTICAL = 1e-6


@dataclass(frozen=True)
class Head:
    """How raw outputs become scores.

    Attributes
    ----------
    kind
        ``sigmoid``: one output is the score of the second class; several are scores of their own, which need not sum
        to 1. ``softmax``: scores that sum to 1. ``sigmoid logits``/``softmax logits``: the function is still to be
        applied. ``regression``: numbers of any size, no classes.
    class_names
        Two for one output, else one each.
    threshold
        From which score on the second class is said, for one output.
    outputs
        How many numbers come out: 1 for two classes told by one sigmoid.
    thresholds
        Of independent findings: from which score on each is said to be there; empty where one class is chosen.
    """

    kind: str
    class_names: tuple[str, ...]
    threshold: float
    outputs: int = 1
    thresholds: tuple[float, ...] = ()

    @property
    def is_regression(self) -> bool:
        """Whether the outputs are numbers that stand for no class."""
        return self.kind == "regression"

    @property
    def single(self) -> bool:
        """Whether there is one output for two classes."""
        return self.kind.startswith("sigmoid") and len(self.class_names) == 2 and self.outputs == 1

    @property
    def chooses(self) -> bool:
        """Whether the class with the best of several scores is said, so that one score alone doesn't tell."""
        return not (self.is_regression or self.single or self.thresholds) and len(self.class_names) > 1

    def scores(self, raw: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn raw outputs ``(N, K)`` into scores ``(N, classes)``, 0 to 1 (of a regression: as they are)."""
        values = np.asarray(raw, np.float64)
        if self.is_regression:
            return values
        if self.kind == "sigmoid logits":
            # an infinite logit is the end of a calculation that failed, no certainty
            values = np.where(np.isfinite(values), 1 / (1 + np.exp(-np.clip(values, -700, 700))), np.nan)
        elif self.kind == "softmax logits":
            exponentials = np.exp(values - values.max(axis=1, keepdims=True))
            values = exponentials / exponentials.sum(axis=1, keepdims=True)
        return np.concatenate([1 - values, values], axis=1) if values.shape[1] == 1 else values

    def predicted(self, scores: NDArray[np.float64]) -> int:
        """Return the class of one row of scores: by the threshold for one output, else the first in order."""
        if self.single:
            return int(scores[1] >= self.threshold)
        return self.order(scores)[0] if self.thresholds else int(scores.argmax())

    def present(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which independent findings are said to be there, of one row of scores."""
        return np.asarray(scores >= np.asarray(self.thresholds))

    def order(self, scores: NDArray[np.float64]) -> list[int]:
        """Return independent findings, those that are said first, each part by score."""
        ranked = [int(number) for number in np.argsort(-scores, kind="stable")]
        present = self.present(scores)
        return sorted(ranked, key=lambda number: not present[number])


def best_predictions(head: Head, scores: NDArray[np.float64]) -> tuple[Prediction, ...]:
    """Return the classes of one case, the predicted one first, then by score; of a regression in the model's order.

    At most five, but all of independent findings.
    """
    if head.thresholds:
        return tuple(
            Prediction(class_name=head.class_names[number], score=float(scores[number]))
            for number in head.order(scores)
        )
    if head.is_regression:
        pairs = zip(head.class_names, scores, strict=True)
        return tuple(Prediction(class_name=name, score=float(score)) for name, score in pairs)[:SHOWN_CLASSES]
    first = head.predicted(scores)
    order = [first, *(int(number) for number in np.argsort(-scores, kind="stable") if number != first)]
    return tuple(
        Prediction(class_name=head.class_names[number], score=float(scores[number])) for number in order[:SHOWN_CLASSES]
    )


def is_correct(label: str | None, predicted: str, class_names: Sequence[str]) -> bool | None:
    """Return whether a label is the predicted class, by their plain names; None when the label is no class."""
    if label is None or find_name(label, class_names) is None:
        return None
    return plain_name(label) == plain_name(predicted)


def is_right(head: Head, label: str | None, scores: NDArray[np.float64]) -> bool | None:
    """Return whether one row of scores says what a label does; None when the label is no class, or nothing is said.

    A regression names no class: its output may be called like a label, and says nothing of it.
    """
    if head.is_regression or not is_decided(head, scores):
        return None
    return is_correct(label, best_predictions(head, scores)[0].class_name, head.class_names)


def doubtful_scores(scores: NDArray[np.float64], what: str = "scores") -> tuple[Remark, ...]:
    """Warn when scores look as if the preprocessing were wrong.

    Parameters
    ----------
    scores
        ``(N, classes)`` of different images.
    what
        What to call them.

    Returns
    -------
    tuple of Remark
        For scores that are not numbers; for two or more images, when all are saturated at the same class, or all are
        the same whatever the image.
    """

    def warning(kind: str, text: str, numbers: dict[str, float]) -> tuple[Remark, ...]:
        return (Remark(section="predictions", kind=kind, text=text, numbers=numbers, warning=True,
                       interpretation="Often images are then not preprocessed as in training."),)  # fmt: skip

    lost = int((~np.isfinite(scores)).any(axis=1).sum())
    if lost:
        text = (
            say(
                "The model gives {what} that are not numbers (NaN or infinite), so there is no occlusion scan.",
                what=what,
            )
            if lost == len(scores)
            else say(
                "The model gives {what} that are not numbers (NaN or infinite) for {count} of {all} images, so there "
                "is no occlusion scan of those.",
                what=what,
                count=lost,
                all=len(scores),
            )
        )
        return (Remark(section="predictions", kind="not_finite", text=text, warning=True),)
    if len(scores) < 2:
        return ()
    spread = float(np.ptp(scores, axis=0).max())
    if spread < IDENTICAL:
        text = say(
            "{images} get the same {what} (largest difference {spread}).", images=_all(len(scores)), what=what,
            spread=f"{spread:.1g}",
        )  # fmt: skip
        return warning("identical", text, {"largest_difference": spread})
    best, winners = float(scores.max(axis=1).min()), set(scores.argmax(axis=1).tolist())
    if best > 1 - SATURATED and len(winners) == 1:
        text = say(
            "{images} get a score of at least {score} for the same class.", images=_all(len(scores)),
            score=f"{best:.5f}",
        )  # fmt: skip
        return warning("saturated", text, {"smallest_best_score": best})
    return ()


def _all(count: int) -> str:
    return say("Both images") if count == 2 else say("All {count} images", count=count)


def is_decided(head: Head, scores: NDArray[np.float64]) -> bool:
    """Return whether one row of scores says anything: all are numbers, and the best is not just as good as the next."""
    if not np.isfinite(scores).all():
        return False
    ordered = np.sort(scores)
    return (
        head.is_regression or bool(head.thresholds) or len(ordered) < 2 or bool(ordered[-1] - ordered[-2] > IDENTICAL)
    )


def find_class(text: str | int, class_names: Sequence[str]) -> int:
    """Return the number of a class given by name (by its plain form) or number.

    Raises
    ------
    SettingsError
        When there is no such class.
    """
    named = find_name(text, class_names) if isinstance(text, str) else None
    if named is not None:
        return named
    if str(text).isdecimal() and int(text) < len(class_names):
        return int(text)
    known = ", ".join(class_names[:10]) + (", ..." if len(class_names) > 10 else "")
    raise SettingsError(f"target class '{text}' is unknown", f"use one of {known}, or its number")


def positive_class(class_names: Sequence[str]) -> int:
    """Return the positive one of two classes: where the names don't tell, the second."""
    return 0 if [is_reference(name) for name in class_names] == [False, True] else 1
