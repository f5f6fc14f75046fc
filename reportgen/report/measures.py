"""Measures of a map, one or two of each class that Quantus names, as data.

Hedström et al., "Quantus: An Explainable AI Toolkit for Responsible Evaluation of Neural Network Explanations and
Beyond", JMLR 24 (2023), arXiv:2202.06861.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from reportgen.report.numbers import Number
from reportgen.system.language import mark, say

FAITHFULNESS, ROBUSTNESS, LOCALISATION = "faithfulness", "robustness", "localisation"
COMPLEXITY, RANDOMISATION, AXIOMS = "complexity", "randomisation", "axioms"
CLASSES = (FAITHFULNESS, ROBUSTNESS, LOCALISATION, COMPLEXITY, RANDOMISATION, AXIOMS)
_NAMES = {
    FAITHFULNESS: mark("faithfulness"), ROBUSTNESS: mark("robustness"), LOCALISATION: mark("localisation"),
    COMPLEXITY: mark("complexity"), RANDOMISATION: mark("randomisation"), AXIOMS: mark("axioms"),
}  # fmt: skip
FLAGS = {
    ROBUSTNESS: "robustness",
    RANDOMISATION: "sanity",
}  # what needs further scans, and the setting that asks for it


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure of one case's map.

    Attributes
    ----------
    kind
        Its class: ``faithfulness``, ``robustness``, ``localisation``, ``complexity``, ``randomisation`` or ``axioms``.
    name
        What is measured.
    value
        What came out.
    unit
        Of the value, such as ``bits``; empty for plain numbers.
    good
        Which values are good, in words.
    meaning
        What it means, in a line.
    note
        What the value is made of in this case; may be empty.
    """

    kind: str
    name: str
    value: Number
    unit: str = ""
    good: str
    meaning: str
    note: str = ""

    @property
    def kind_text(self) -> str:
        """Its class in the language of the report."""
        return name_class(self.kind)


def name_class(kind: str) -> str:
    """Return what a class of measures is called in the language of the report."""
    return say(_NAMES[kind]) if kind in _NAMES else kind


def side_by_side(cases: Sequence[Sequence[Measure]]) -> tuple[tuple[Measure, tuple[Measure | None, ...]], ...]:
    """Return each measure that any case has, class by class, with that of every case (None where it has none)."""
    first: dict[tuple[int, str], Measure] = {}
    for measures in cases:
        for one in measures:
            first.setdefault((CLASSES.index(one.kind), one.name), one)
    order = sorted(first, key=lambda key: (key[0], list(first).index(key)))
    return tuple(
        (first[key], tuple(next((one for one in of if (one.kind, one.name) == _key(first[key])), None) for of in cases))
        for key in order
    )


def missing(cases: Sequence[Sequence[Measure]]) -> tuple[str, ...]:
    """Return the classes that no case has a measure of."""
    found = {one.kind for measures in cases for one in measures}
    return tuple(kind for kind in CLASSES if kind not in found)


def why_missing(kind: str, asked: Container[str]) -> str:
    """Say why there is no measure of a class, when these settings of the occlusion are on."""
    if kind == LOCALISATION:
        return say("no region is known")
    if kind in FLAGS and FLAGS[kind] not in asked:
        return f"--{FLAGS[kind]}"
    if kind == FAITHFULNESS and "test" not in asked:
        return say("the map was not tested")
    return say("nothing in the map differs by more than rounding")


def _key(measure: Measure) -> tuple[str, str]:
    return measure.kind, measure.name
