"""Each case's map put to its own test, and what came out, in sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from reportgen.analysis.covered import Passes, cover, said_instead
from reportgen.analysis.metrics.faithfulness import (
    SHARES,
    masks_of_curves,
    order_of,
    random_orders,
    read_curves,
    shared_masks,
)
from reportgen.analysis.remarks.words import listed
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.report.maptest import BLUR, BOTH, IMPUTED, NONE, ONE, UNKNOWN, MapTest, TestCurves
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import mark, say

__all__ = ["map_remarks", "put_to_test"]
STEPS = 2  # of progress, a case
_FOUND = mark("The map found what the model relies on.")


def put_to_test(
    subject: Subject, runs: Runs, passes: Passes, advance: Callable[[int], object]
) -> list[tuple[MapTest, ...]]:
    """Test the combined map of each case and class that its scan follows.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    passes
        Through the model, for these cases.
    advance
        Told the number of steps done; there are :data:`STEPS` for each case.

    Returns
    -------
    list of tuple of MapTest
        One for each map; none for a case without a scan.
    """
    return [_tests(subject, passes, run, advance) if run.scans else () for run in runs]


def _tests(subject: Subject, passes: Passes, run: CaseRun, advance: Callable[[int], object]) -> tuple[MapTest, ...]:
    """Test the maps of one case: the random orders are the same for all of its classes, and run once."""
    size, block = subject.size, run.scans[0].summary.smallest.patch
    followed = [cover(subject, passes, run, target) for target in run.targets]
    orders = [order_of(one.sign * scan.importance) for one, scan in zip(followed, run.scans, strict=True)]
    own = [masks_of_curves(order, size) for order in orders]
    shared = shared_masks(random_orders(size, block), size)
    ends = np.cumsum([len(shared), *map(len, own)])
    curves: list[list[TestCurves]] = [[] for _ in followed]
    for baseline, run_masks in ((BLUR, followed[0].blurred_outputs), (IMPUTED, followed[0].imputed_outputs)):
        outputs = np.split(run_masks(np.concatenate([shared, *own])), ends[:-1])
        for of_class, one, found in zip(curves, followed, outputs[1:], strict=True):
            of_class.append(read_curves(one.evidence_of(outputs[0]), one.evidence_of(found), baseline))
        advance(1)
    return tuple(
        MapTest(
            followed=said_instead(subject.head, target, one.sign),
            supports_target=one.sign > 0,
            unit=scan.summary.unit,
            shares=tuple(round(number / (SHARES - 1), 6) for number in range(SHARES)),
            block=block,
            curves=tuple(of_class),
            ordered=scan.summary.has_order,
        )
        for target, one, scan, of_class in zip(run.targets, followed, run.scans, curves, strict=True)
    )


def map_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say for each map whether it is better than chance; where it isn't, as a warning.

    Where several maps of a class are, that is said once, before the numbers of each.
    """
    tested = [(one.place, one.title, one.map_test) for case in cases for one in case.evidence_by_class if one.map_test]
    remarks: list[Remark] = []
    for place in sorted({place for place, *_ in tested}):
        of_place = [(title, test) for at, title, test in tested if at == place]
        good = [title for title, test in of_place if test.outcome == BOTH]
        if len(good) > 1:
            text = f"{listed(good)}: {say(_FOUND)}"
            remarks.append(
                Remark(section="occlusion", kind="map_test", text=text, numbers={"cases": len(good)}, target=place)
            )
        remarks += [
            replace(_remark(title, test, told=len(good) > 1 and test.outcome == BOTH), target=place)
            for title, test in of_place
        ]
    return tuple(remarks)


def _remark(title: str, test: MapTest, *, told: bool) -> Remark:
    blur = test.curves[0]
    numbers = {
        f"{curves.baseline} {name}": value
        for curves in test.curves
        for name, value in (
            ("deletion", curves.deletion_mean), ("deletion_margin", curves.deletion_margin),
            ("insertion", curves.insertion_mean), ("insertion_margin", curves.insertion_margin),
        )
        if test.ordered and math.isfinite(value)
    }  # fmt: skip
    outcome = test.outcome
    parts = [] if told else [_verdict(test, blur)]
    if outcome != UNKNOWN:
        parts.append(f"{_numbers(test, blur)}{_second(test)}")
    text = f"{title}: {' '.join(parts)}"
    return Remark(
        section="occlusion", kind="map_test", text=text, interpretation=_reading(outcome, test), numbers=numbers,
        warning=outcome in (NONE, UNKNOWN),
    )  # fmt: skip


def _verdict(test: MapTest, blur: TestCurves) -> str:
    outcome = test.outcome
    if outcome == BOTH:
        return say(_FOUND)
    if outcome == UNKNOWN:
        return _untested(test, blur)
    if outcome == ONE:
        if blur.beaten_by_deletion < blur.orders - 1:
            return say(
                "The map found part of what the model relies on: it is better than chance when putting back, not when "
                "blurring."
            )
        return say(
            "The map found part of what the model relies on: it is better than chance when blurring, not when putting "
            "back."
        )
    return say("On this case the map is no better than chance; don't read it.")


def _untested(test: MapTest, blur: TestCurves) -> str:
    if not all(map(math.isfinite, (*blur.deletion, *blur.insertion))):
        return say("The map could not be tested: the model gives no numbers for images that are blurred in part.")
    if blur.outcome != UNKNOWN:
        return say(
            "The map could not be tested: but for rounding, all its pixels have the same value, so none comes before "
            "another."
        )
    return say(
        "The map could not be tested: blurring, of a part or of all of the image, changes {what} by no more than "
        "rounding, so no map of this image can be right or wrong.",
        what=test.followed_text,
    )


def _numbers(test: MapTest, blur: TestCurves) -> str:
    unit = test.unit_text
    return say(
        "Blurring pixels in its order leaves {what} at {deletion} on average ({deletions} in random orders; lower than "
        "{below} of {orders}), putting them back into the blurred image brings it to {insertion} ({insertions}; higher "
        "than {above} of {orders}).",
        what=test.followed_text, deletion=f"{readable(blur.deletion_mean)}{unit}",
        deletions=_range(blur.random_deletion_means), below=blur.beaten_by_deletion, orders=blur.orders,
        insertion=f"{readable(blur.insertion_mean)}{unit}", insertions=_range(blur.random_insertion_means),
        above=blur.beaten_by_insertion,
    )  # fmt: skip


def _second(test: MapTest) -> str:
    """Say how it is with the other stand-in, where that tells something else."""
    others = [one for one in test.curves[1:] if one.outcome != test.outcome]
    if not others:
        return ""
    told = {
        BOTH: mark("With pixels guessed from their neighbours instead of blurred, it is better than chance both ways."),
        ONE: mark("With pixels guessed from their neighbours instead of blurred, it is better than chance one way."),
        NONE: mark(
            "With pixels guessed from their neighbours instead of blurred, it is better than chance neither way."
        ),
        UNKNOWN: mark("With pixels guessed from their neighbours instead of blurred, it is not to be tested."),
    }
    return f" {say(told[others[0].outcome])}"


def _range(values: Sequence[float]) -> str:
    return say("{low} to {high}", low=readable(min(values)), high=readable(max(values)))


def _reading(outcome: str, test: MapTest) -> str:
    if outcome == NONE:
        return say("What it colours matters to the model no more than blocks chosen at random.")
    if outcome == ONE:
        return say("Read it with caution.")
    if outcome == BOTH and not test.supports_target:
        return say("What counts here is what speaks for {name}: the map's lowest values.", name=test.followed)
    return ""
