"""What a model would say of the same files, had their colour profiles been treated the other way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import SHOWN_CLASSES, Head
from reportgen.analysis.runs import Runs
from reportgen.report.remark import Remark
from reportgen.system.language import mark, say

# of a regression: a share of its size that makes it another number
_NOTICEABLE = 0.01


def profile_remarks(
    runs: Runs, head: Head, otherwise: Mapping[int, NDArray[np.float64]], treated: Literal["ignore", "apply"]
) -> list[Remark]:
    """Warn where the treatment of a colour profile decides what is predicted.

    Parameters
    ----------
    runs
        The cases as they are reported.
    head
        Names the classes.
    otherwise
        By the number of a case, its scores ``(classes,)`` with its profile treated the other way.
    treated
        What was done about profiles in what is reported.
    """
    sentence = (
        mark(
            "{case}: its colour profile was applied, and that decides what is predicted: {now}. Left alone, as Keras's "
            "and Pillow's loaders leave it, it is {instead} (--colour-profiles chooses)."
        )
        if treated == "apply"
        else mark(
            "{case}: its colour profile was not applied, and that decides what is predicted: {now}. Applied, it is "
            "{instead} (--colour-profiles chooses)."
        )
    )
    texts = [
        say(sentence, case=run.title, now=_told(head, run.scores), instead=_told(head, otherwise[run.number]))
        for run in runs
        if run.number in otherwise and _differ(head, run.scores, otherwise[run.number])
    ]
    return [Remark(section="model", kind="caution", text=text, warning=True) for text in texts]


def _differ(head: Head, scores: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    if head.is_regression:
        return bool((np.abs(scores - other) > _NOTICEABLE * np.maximum(np.abs(scores), np.abs(other))).any())
    return _said(head, scores) != _said(head, other)


def _said(head: Head, scores: NDArray[np.float64]) -> list[int]:
    """Return the numbers of what is said of a case: its class, or its findings, if any; of a regression all outputs."""
    if head.is_regression:
        return list(range(len(scores)))[:SHOWN_CLASSES]
    return np.flatnonzero(head.present(scores)).tolist() if head.thresholds else [head.predicted(scores)]


def _told(head: Head, scores: NDArray[np.float64]) -> str:
    said = _said(head, scores)
    return ", ".join(f"{head.class_names[number]} ({scores[number]:.3g})" for number in said) or say("no finding")
