"""Other views of each case beside the occlusion scan, put to the same test, and which is to be believed, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.covered import Covered, Passes, cover
from reportgen.analysis.metrics.faithfulness import order_of, test_curves
from reportgen.analysis.occlusion.scan import box_mean, make_fill
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.analysis.views.grad_cam import grad_cam, last_maps
from reportgen.analysis.views.integrated_gradients import STEPS, integrated_gradients
from reportgen.analysis.views.rise import rise
from reportgen.analysis.views.slopes import NoViewError, Slopes
from reportgen.analysis.views.smoothgrad import NOISE, SAMPLES, smoothgrad
from reportgen.report.maptest import BLUR
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.report.views import GRAD_CAM, INTEGRATED_GRADIENTS, RISE, SMOOTHGRAD, TITLES, Standing, View
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.system.language import say, say_count

Values = NDArray[np.float64]
_GAP = 0.05  # of what integrated gradients have to sum to
_MOST_NAMED = 3


@dataclass(frozen=True)
class ViewMap:
    """One view of one case: its map, and what the report says of it.

    Attributes
    ----------
    values
        ``(H, W)``, on a scale of its own; where it has signs, positive is what speaks for the target class. None where
        there is none.
    summary
        As part of a report.
    """

    values: Values | None
    summary: View


@dataclass(frozen=True)
class _Made:
    """A map, how it was made, and in how many passes; ``for_said``: of evidence for what the model says of the case."""

    for_said: Values
    how: str
    passes: int
    signed: bool = True


@dataclass(frozen=True)
class _Work:
    """What a view is made from: one case, covered as its test needs it, and its slopes."""

    run: CaseRun
    covered: Covered
    slopes: Slopes
    settings: OcclusionSettings

    @property
    def size(self) -> tuple[int, int]:
        return (self.run.prepared.shape[0], self.run.prepared.shape[1])


def make_views(
    subject: Subject,
    runs: Runs,
    settings: OcclusionSettings,
    passes: Passes,
    name: str,
    advance: Callable[[int], object],
) -> list[ViewMap | None]:
    """Make one view of each case, for the first class that its scan follows, and put it to the test.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    settings
        Of the evidence.
    passes
        Through the model, for these cases.
    name
        Of the view.
    advance
        Told the number of cases done.

    Returns
    -------
    list of ViewMap or None
        None for a case without a scan.
    """
    found: list[ViewMap | None] = []
    for run in runs:
        found.append(_make_view(_work(subject, passes, run, settings), name) if run.scans else None)
        advance(1)
    return found


def _work(subject: Subject, passes: Passes, run: CaseRun, settings: OcclusionSettings) -> _Work:
    covered = cover(subject, passes, run, run.targets[0])
    slopes = Slopes(passes.graph, passes.readout, covered.target, covered.sign, settings.memory // 2)
    return _Work(run, covered, slopes, settings)


def _make_view(work: _Work, name: str) -> ViewMap:
    try:
        made = _MAKERS[name](work)
    except NoViewError as reason:
        return ViewMap(None, View(name=name, missing=str(reason)))
    # an order of single pixels would win or lose by its grain alone: all maps are as coarse as the scan
    for_said = average(made.for_said, work.run.scans[0].summary.smallest.patch)
    values = work.covered.sign * for_said if made.signed else for_said
    if not np.isfinite(values).all():
        return ViewMap(
            None, View(name=name, missing=say("the model gives no numbers for images that are hidden in part"))
        )
    summary = View(
        name=name, how=made.how, passes=made.passes, minimum=_short(values.min()), maximum=_short(values.max())
    )
    return ViewMap(values, _tested(work, summary, for_said))


def _tested(work: _Work, summary: View, for_said: Values) -> View:
    """Put a map to the test of the case's own map, with the same random orders, which are not run again."""
    if work.run.map_test is None:
        return summary
    others = work.run.map_test.curves[0]
    curves = test_curves(order_of(for_said), [], work.size, work.covered.blurred_evidence, BLUR)
    curves = replace(curves, random_deletion=others.random_deletion, random_insertion=others.random_insertion)
    return replace(
        summary,
        deletion=_short(curves.deletion_mean),
        insertion=_short(curves.insertion_mean),
        beaten_by_deletion=curves.beaten_by_deletion,
        beaten_by_insertion=curves.beaten_by_insertion,
        orders=curves.orders,
    )


def average(values: Values, block: tuple[int, int]) -> Values:
    """Return means of a map ``(H, W)`` over windows around each pixel about as large as a block (height, width)."""
    means = values.astype(np.float32)
    for axis, side in enumerate(block):
        means = box_mean(means, axis, side // 2)
    return means.astype(np.float64)


def _grad_cam(work: _Work) -> _Made:
    call, is_through = last_maps(work.slopes.graph)
    height, width, channels = call.map_shape or (0, 0, 0)
    past = "" if is_through else say("; branches of the model lead past it, and what they see is missing")
    how = say_count(
        "From the {count} channel of layer {layer}, {size}{past}.",
        "From the {count} channels of layer {layer}, {size}{past}.",
        channels,
        layer=call.path,
        size=f"{height} × {width}",
        past=past,
    )
    return _Made(grad_cam(work.slopes, work.run.prepared, call), how, 1)


def _integrated_gradients(work: _Work) -> _Made:
    black = work.settings.view_baseline == "black"
    fill = make_fill(work.run.image, (0.0,) if black else "blur")[0]
    found = integrated_gradients(work.slopes, work.run.prepared, work.covered.prepare(fill))
    unit = "" if work.slopes.readout.head.is_regression else say(" bits")
    told = {
        "steps": STEPS, "sum": f"{readable(float(found.values.sum()))}{unit}", "total": readable(found.total),
        "start": say("a black image") if black else say("the blurred image"),
    }  # fmt: skip
    how = (
        say(
            "{steps} steps from {start}; its pixels sum to {sum}, and between the two the model's own numbers differ "
            "by "
            "{total}: not the same, so steps this long don't follow the model.",
            **told,
        )
        if found.gap > _GAP * abs(found.total)
        else say(
            "{steps} steps from {start}; its pixels sum to {sum}, and between the two the model's own numbers differ "
            "by "
            "{total}.",
            **told,
        )
    )
    return _Made(found.values, how, found.passes)


def _smoothgrad(work: _Work) -> _Made:
    values = smoothgrad(work.slopes, work.run.prepared)
    how = say(
        "The magnitude of the slope, mean of {count} copies with noise of {noise} of the image's range.", count=SAMPLES,
        noise=f"{NOISE:.0%}",
    )  # fmt: skip
    return _Made(values, how, SAMPLES, signed=False)


def _rise(work: _Work) -> _Made:
    covered, count = work.covered, work.settings.rise_masks
    blurred = covered.prepare(covered.blurred)

    def evidence(masks: NDArray[np.float32]) -> Values:
        images = [blurred + mask[..., None] * (work.run.prepared - blurred) for mask in masks]
        raw = covered.passes.run(images)
        return covered.sign * covered.passes.readout.evidence(raw)[:, covered.target]

    values = rise(evidence, work.size, count, covered.passes.size)
    return _Made(values, say("{count} random masks, what they hide blurred.", count=count), count)


_MAKERS: dict[str, Callable[[_Work], _Made]] = {
    GRAD_CAM: _grad_cam,
    INTEGRATED_GRADIENTS: _integrated_gradients,
    SMOOTHGRAD: _smoothgrad,
    RISE: _rise,
}


def _short(value: float) -> float:
    return float(f"{value + 0.0:.7g}")  # no -0


def view_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say of each case which of its maps to believe, and which views could not be made, and why."""
    return (*(_remark(case, case.map_standings) for case in cases if len(case.map_standings) > 1), *_missing(cases))


def _remark(case: CaseReport, standings: Sequence[Standing]) -> Remark:
    unit = case.map_test.unit_text if case.map_test else ""
    known = [one for one in standings if math.isfinite(one.gap)]
    good = sorted((one for one in known if one.better_than_chance), key=lambda one: -one.gap)
    poor = [one.title for one in known if not one.better_than_chance]
    if not good:
        text = say(
            "{case}: None of the {count} maps is better than chance; believe none of them.", case=case.title,
            count=len(standings),
        )  # fmt: skip
    else:
        best, rest = good[0], good[1:]
        told = {
            "case": case.title, "count": len(standings), "best": best.title, "gap": f"{readable(best.gap)}{unit}",
            "rest": f" ({', '.join(f'{one.title} {readable(one.gap)}' for one in rest)})" if rest else "",
        }  # fmt: skip
        text = (
            say(
                "{case}: Of {count} maps, {best} is the one to believe: putting pixels back in its order leaves "
                "{gap} more "
                "evidence than taking them away{rest}.",
                **told,
            )
            if unit
            else say(
                "{case}: Of {count} maps, {best} is the one to believe: putting pixels back in its order leaves the "
                "output "
                "{gap} higher than taking them away{rest}.",
                **told,
            )
        )
        text += " " + say("No better than chance here: {names}.", names=", ".join(poor)) if poor else ""
    numbers = {f"{one.title} {name}": value for one in known for name, value in
               (("deletion", one.deletion), ("insertion", one.insertion))}  # fmt: skip
    return Remark(section="occlusion", kind="views", text=text, numbers=numbers)


def _missing(cases: Sequence[CaseReport]) -> list[Remark]:
    """Say once for all cases what they have in common."""
    found: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        for view in case.views:
            if view.missing:
                found.setdefault((view.missing, view.name), []).append(case.title)
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, name), titles in found.items():
        by_reason.setdefault((reason, tuple(titles)), []).append(say(TITLES[name]))
    remarks = []
    for (reason, of_cases), names in by_reason.items():
        told = {"names": say(" and ").join(names), "cases": ", ".join(of_cases[:_MOST_NAMED]), "reason": reason}
        if len(of_cases) == len(cases):
            text = say("{names} could not be made: {reason}.", **told)
        elif len(of_cases) > _MOST_NAMED:
            text = say(
                "{names} of {cases} and {count} more could not be made: {reason}.", **told,
                count=len(of_cases) - _MOST_NAMED,
            )  # fmt: skip
        else:
            text = say("{names} of {cases} could not be made: {reason}.", **told)
        remarks.append(Remark(section="occlusion", kind="views_missing", text=text))
    return remarks
