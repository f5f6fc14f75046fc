"""What a model that scores several findings independently says of one of them, and what the label says."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.numbers import Number

LABEL_SEPARATOR = "+"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One of several findings, each with a score of its own.

    Attributes
    ----------
    class_name
        What is found.
    score
        0 to 1; of one finding, not shared with the others.
    threshold
        From which score on it is said to be there.
    present
        Whether the score reaches the threshold.
    labelled
        Whether the label names it; None where there is no label, or none that names a class.
    correct
        Whether ``present`` is what the label says; None where that can't be said.
    """

    class_name: str
    score: Number
    threshold: Number
    present: bool
    labelled: bool | None
    correct: bool | None


def label_parts(label: str) -> tuple[str, ...]:
    """Return the names in a label ``A+B``, each once."""
    parts = (part.strip() for part in label.split(LABEL_SEPARATOR))
    return tuple(dict.fromkeys(part for part in parts if part))
