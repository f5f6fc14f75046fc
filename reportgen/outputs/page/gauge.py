"""A gauge of evidence: how far on which side of the threshold a case lies, in bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.model import ModelReport
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import say

_LEAST = 4.0  # bits to either side: a small lead looks small
_PLACE = 0.1
WIDTH = 200.0  # of the drawing, in its own units


@dataclass(frozen=True)
class Gauge:
    """Where a case lies between two ends.

    Attributes
    ----------
    low, high
        What is said at either end.
    evidence
        In bits, for ``high``.
    middle, end
        Of the threshold, and of the evidence, on a scale of :data:`WIDTH`.
    """

    low: str
    high: str
    evidence: float
    middle: float
    end: float

    @property
    def start(self) -> float:
        """Where the bar begins at the left."""
        return min(self.middle, self.end)

    @property
    def length(self) -> float:
        """How long it is."""
        return abs(self.end - self.middle)

    @property
    def told(self) -> str:
        """The evidence in words: with its sign, and never as 0.0 where it isn't."""
        sign, size = "-" if self.evidence < 0 else "+", abs(self.evidence)
        number = f"{size:.1f}" if size >= _PLACE or not size else readable(size)
        return say("{number} bits", number=f"{sign}{number}")

    @property
    def is_high(self) -> bool:
        """Whether it goes to the right."""
        return self.end > self.middle


def gauge_of(case: CaseReport, cases: Sequence[CaseReport], model: ModelReport) -> Gauge | None:
    """Return the gauge of a case, on a scale that all cases of the report share; None where there are no bits.

    Parameters
    ----------
    case
        The one to show.
    cases
        All of the report.
    model
        Tells the classes and the threshold.
    """
    found = case.occlusion
    if found is None or not found.in_bits or not math.isfinite(found.base_evidence):
        return None
    threshold = _threshold(model, found.target_class)
    known = [one.occlusion.base_evidence for one in cases if one.occlusion]
    limit = max(_LEAST, *(abs(bits - threshold) for bits in known if math.isfinite(bits))) * 1.08
    shift = max(-limit, min(limit, found.base_evidence - threshold)) / limit
    end = WIDTH / 2 * (1 + shift)
    others = [name for name in model.class_names if name != found.target_class]
    low = others[0] if len(others) == 1 and not model.thresholds else say("not {name}", name=found.target_class)
    return Gauge(low, found.target_class, found.base_evidence, WIDTH / 2, end)


def _threshold(model: ModelReport, target: str) -> float:
    """Return the evidence from which on the target class is said, in bits; 0 where the highest score decides."""
    limit = 0.5
    if model.thresholds:
        limit = model.thresholds[model.class_names.index(target)]
    elif model.threshold is not None:
        limit = model.threshold if target == model.class_names[-1] else 1 - model.threshold
    return math.log2(limit / (1 - limit)) if 0 < limit < 1 else 0.0
