"""Independent findings: what the model says of each, against what the label names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head
from reportgen.report.findings import Finding, label_parts
from reportgen.report.names import find_name
from reportgen.report.report import is_reference
from reportgen.system.language import say


@dataclass(frozen=True)
class LabelledFindings:
    """What a label says of a model's findings.

    Attributes
    ----------
    known
        Whether it says anything: it names a finding, or that there is none.
    present
        Numbers of the findings that it names, in its order.
    unknown
        What else it names.
    """

    known: bool
    present: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()


def labelled_findings(label: str | None, class_names: Sequence[str]) -> LabelledFindings:
    """Read a label such as ``Mass+Nodule`` or ``No Finding``: what it doesn't name isn't there.

    Parameters
    ----------
    label
        Of a case; a name with the separator in it is taken whole where a finding is called so.
    class_names
        Of the model.
    """
    if label is None:
        return LabelledFindings(known=False)
    parts = (label,) if find_name(label, class_names) is not None else label_parts(label)
    places = [(part, find_name(part, class_names)) for part in parts]
    present = tuple(dict.fromkeys(place for _, place in places if place is not None))
    unknown = tuple(part for part, place in places if place is None and not is_reference(part))
    return LabelledFindings(bool(present) or (bool(parts) and not unknown), present, unknown)


def label_notes(label: str | None, class_names: Sequence[str]) -> tuple[str, ...]:
    """Say what a label names besides the model's findings."""
    unknown = labelled_findings(label, class_names).unknown
    return (
        (say("Named by its label, and none of the model's findings: {names}.", names=", ".join(unknown)),)
        if unknown
        else ()
    )


def judge_findings(head: Head, label: str | None, scores: NDArray[np.float64]) -> tuple[Finding, ...]:
    """Return each finding of one row of scores in the model's order; none where classes exclude each other."""
    if not head.thresholds:
        return ()
    found = labelled_findings(label, head.class_names)
    given = zip(head.class_names, scores, head.thresholds, head.present(scores), strict=True)
    return tuple(
        _judged(name, float(score), threshold, bool(present), number in found.present if found.known else None)
        for number, (name, score, threshold, present) in enumerate(given)
    )


def _judged(name: str, score: float, threshold: float, present: bool, labelled: bool | None) -> Finding:
    decided = labelled is not None and bool(np.isfinite(score))
    return Finding(
        class_name=name, score=score, threshold=threshold, present=present, labelled=labelled,
        correct=present == labelled if decided else None,
    )  # fmt: skip


def all_correct(findings: Sequence[Finding]) -> bool | None:
    """Return whether every finding is as labelled; None where that can't be said of any."""
    known = [one.correct for one in findings if one.correct is not None]
    return all(known) if known else None
