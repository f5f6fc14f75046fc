"""What the model answers for each case, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reportgen.analysis.remarks.words import listed, plural
from reportgen.report.report import CaseReport, Remark, readable

Cases = Sequence[CaseReport]


def prediction_remarks(cases: Cases, *, regression: bool = False) -> tuple[Remark, ...]:
    """Say what was predicted, and whether it is what the labels say; of a regression, which numbers came out."""
    if regression:
        given = [
            f"{case.title}: {listed([f'{one.class_name} {readable(one.score)}' for one in case.predictions])}"
            for case in cases
        ]
        numbers = {f"{case.title} {one.class_name}": one.score for case in cases for one in case.predictions}
        text = f"The model gives {'; '.join(given)}."
        return (Remark(section="predictions", kind="predictions", text=text, numbers=numbers),)
    said = [
        f"{case.title}: {case.predictions[0].class_name} ({readable(case.predictions[0].score)})"
        if math.isfinite(case.predictions[0].score)
        else f"{case.title}: nothing, as its scores are no numbers"
        for case in cases
    ]
    known = [case for case in cases if case.correct is not None]
    right = sum(bool(case.correct) for case in known)
    text = f"Predicted: {listed(said)}."
    if known:
        text += f" {right} of {len(known)} labelled {plural(len(known), 'case')} predicted as labelled."
    numbers = {case.title: case.predictions[0].score for case in cases}
    return (Remark(section="predictions", kind="predictions", text=text, numbers=numbers),)


def finding_remarks(cases: Cases) -> tuple[Remark, ...]:
    """Say how many independent findings a model found in each case, and where that isn't what the label says."""
    told: list[str] = []
    mistakes: dict[bool, list[str]] = {False: [], True: []}
    numbers: dict[str, float] = {}
    for case in cases:
        undefined = [one.class_name for one in case.findings if not math.isfinite(one.score)]
        without = f" ({listed(undefined)}: no number)" if undefined else ""
        told.append(f"{case.title} {sum(one.present for one in case.findings)}{without}")
        for present, told_of in mistakes.items():
            names = [one.class_name for one in case.findings if one.correct is False and one.present == present]
            if names:
                told_of.append(f"{listed(names)} ({case.title})")
        numbers |= {f"{case.title} {one.class_name}": one.score for one in case.findings}
    known = [one.correct for case in cases for one in case.findings if one.correct is not None]
    text = f"Findings said, of {len(cases[0].findings)}, each by its own threshold: {listed(told)}."
    if known:
        text += f" As labelled are {sum(known)} of {len(known)}."
    for kind, of_kind in zip(("Labelled and not found", "Found and not labelled"), mistakes.values(), strict=True):
        text += f" {kind}: {'; '.join(of_kind)}." if of_kind else ""
    return (Remark(section="predictions", kind="findings", text=text, numbers=numbers),)
