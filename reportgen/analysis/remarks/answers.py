"""What the model answers for each case, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reportgen.analysis.remarks.words import listed
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import say, say_count

Cases = Sequence[CaseReport]


def prediction_remarks(cases: Cases, *, regression: bool = False) -> tuple[Remark, ...]:
    """Say what was predicted, and whether it is what the labels say; of a regression, which numbers came out."""
    if regression:
        given = [
            f"{case.title}: {listed([f'{one.class_name} {readable(one.score)}' for one in case.predictions])}"
            for case in cases
        ]
        numbers = {f"{case.title} {one.class_name}": one.score for case in cases for one in case.predictions}
        text = say("The model gives {numbers}.", numbers="; ".join(given))
        return (Remark(section="predictions", kind="predictions", text=text, numbers=numbers),)
    said = [
        f"{case.title}: {case.predictions[0].class_name} ({readable(case.predictions[0].score)})"
        if math.isfinite(case.predictions[0].score)
        else say("{case}: nothing, as its scores are no numbers", case=case.title)
        for case in cases
    ]
    known = [case for case in cases if case.correct is not None]
    right = sum(bool(case.correct) for case in known)
    text = say("Predicted: {cases}.", cases=listed(said))
    if known:
        text += " " + say_count(
            "{right} of {count} labelled case predicted as labelled.",
            "{right} of {count} labelled cases predicted as labelled.",
            len(known),
            right=right,
        )
    numbers = {case.title: case.predictions[0].score for case in cases}
    return (Remark(section="predictions", kind="predictions", text=text, numbers=numbers),)


def finding_remarks(cases: Cases) -> tuple[Remark, ...]:
    """Say how many independent findings a model found in each case, and where that isn't what the label says."""
    told: list[str] = []
    mistakes: dict[bool, list[str]] = {False: [], True: []}
    numbers: dict[str, float] = {}
    for case in cases:
        undefined = [one.class_name for one in case.findings if not math.isfinite(one.score)]
        without = " " + say("({names}: no number)", names=listed(undefined)) if undefined else ""
        told.append(f"{case.title} {sum(one.present for one in case.findings)}{without}")
        for present, told_of in mistakes.items():
            names = [one.class_name for one in case.findings if one.correct is False and one.present == present]
            if names:
                told_of.append(f"{listed(names)} ({case.title})")
        numbers |= {f"{case.title} {one.class_name}": one.score for one in case.findings}
    known = [one.correct for case in cases for one in case.findings if one.correct is not None]
    text = say(
        "Findings said, of {count}, each by its own threshold: {cases}.", count=len(cases[0].findings),
        cases=listed(told),
    )  # fmt: skip
    if known:
        text += " " + say("As labelled are {right} of {count}.", right=sum(known), count=len(known))
    if mistakes[False]:
        text += " " + say("Labelled and not found: {names}.", names="; ".join(mistakes[False]))
    if mistakes[True]:
        text += " " + say("Found and not labelled: {names}.", names="; ".join(mistakes[True]))
    return (Remark(section="predictions", kind="findings", text=text, numbers=numbers),)
