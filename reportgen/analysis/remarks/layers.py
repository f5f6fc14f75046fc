"""What is particular to the layers of a model on these images.

Each thing that can be said holds for some of the layers, or for none. Of a single one it is said there; of several it
is said once, with their names. So no sentence stands twice in a report, however many layers there are, and a layer of
which nothing particular was measured has no sentence. A layer has at most three, those with the largest effects.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reportgen.analysis.remarks.matters import MATTERS, Found, Matter, Step
from reportgen.analysis.remarks.words import listed
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport
from reportgen.report.traits import traits_of
from reportgen.system.language import say

MOST = 3  # sentences of a layer
NAMED_LAYERS = 6


def layer_remarks(
    cases: Sequence[CaseReport], told: Sequence[int], *, noise: Collection[str] = ()
) -> tuple[Remark, ...]:
    """Say what is particular to layers, comparing each with the layer before and the cases with each other.

    Parameters
    ----------
    cases
        In the order in which they're to be named.
    told
        Places of the layers to speak of, among those that were measured.
    noise
        Titles of cases whose image has no structure: no map of theirs is said to follow any.
    """
    steps = _steps(cases, told, noise)
    shared: list[tuple[float, Remark]] = []
    own: dict[str, list[tuple[float, Remark]]] = {step.name: [] for step in steps}
    for matter in MATTERS:
        found = [(step, one) for step in steps if (one := matter.find(step))]
        if matter.once or len(found) == 1:
            for step, one in sorted(found, key=lambda pair: -pair[1].effect)[:1]:
                # what it has become says what it is
                if not any(said.kind == f"{matter.kind}_change" for _, said in own[step.name]):
                    own[step.name].append((one.effect, _alone(matter, step, one)))
        elif found:
            effect = max(one.effect for _, one in found)
            shared.append((effect, _together(matter, found, len(steps))))
    for ranked in (shared, *own.values()):
        ranked.sort(key=lambda pair: -pair[0])
    return (*(one for _, one in shared), *(one for ranked in own.values() for _, one in ranked[:MOST]))


def _steps(cases: Sequence[CaseReport], told: Sequence[int], noise: Collection[str]) -> list[Step]:
    steps: list[Step] = []
    for place in told:
        layers = tuple(case.layers[place] for case in cases)
        steps.append(
            Step(
                layers[0].name, tuple(case.title for case in cases), layers, tuple(map(traits_of, layers)),
                tuple(case.title not in noise for case in cases), steps[-1] if steps else None,
            )
        )  # fmt: skip
    return steps


def _said_of(matter: Matter) -> str:
    return say(matter.interpretation) if matter.interpretation else ""


def _alone(matter: Matter, step: Step, found: Found) -> Remark:
    return Remark(
        section="layers", layer=step.name, kind=matter.kind, text=found.text, interpretation=_said_of(matter),
        numbers=found.numbers, proof="layer-numbers",
    )  # fmt: skip


def _together(matter: Matter, found: Sequence[tuple[Step, Found]], count: int) -> Remark:
    names = [step.name for step, _ in found]
    if len(names) == count:
        where = say("all {count} layers", count=count) if count > 2 else say("both layers")
    elif len(names) <= NAMED_LAYERS:
        where = listed(names)
    else:
        where = say(
            "{some} of {count} layers, from {first} to {last}", some=len(names), count=count, first=names[0],
            last=names[-1],
        )  # fmt: skip
    low, high = min(one.low for _, one in found), max(one.high for _, one in found)
    most, best = max(found, key=lambda pair: pair[1].effect)
    pairs = {one.cases for _, one in found}
    first, second = pairs.pop() if len(pairs) == 1 else (say("one case"), say("another"))
    what = say(matter.together, range=_between(low, high, matter.unit), first=first, second=second)
    text = (
        say("In {layers}, {what}.", layers=where, what=what)
        if len(names) <= 2
        else say("In {layers}, {what}, most in {most}.", layers=where, what=what, most=most.name)
        if matter.unit
        else say("In {layers}, {what}, most clearly in {most}.", layers=where, what=what, most=most.name)
    )
    return Remark(
        section="layers", kind=matter.kind, text=text, interpretation=_said_of(matter), proof="layer-numbers",
        numbers={"layers": len(names), "lowest": low, "highest": high, "effect": best.effect},
    )  # fmt: skip


def _between(low: float, high: float, unit: str) -> str:
    first, last = (f"{100 * one:.0f}" if unit else f"{one:.2f}" for one in (low, high))
    suffix = " %" if unit else ""
    return f"{first}{suffix}" if first == last else say("{low} to {high}", low=first, high=f"{last}{suffix}")
