"""What covering a single patch does, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from reportgen.report.evidence import OcclusionMap
from reportgen.report.numbers import grouped
from reportgen.report.places import name_place
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import say

SMALL_CHANGE = 0.05  # as a share of an output that stands for no class
SMALL_BITS = 0.5  # the odds change by less than 1.4 times
Cases = Sequence[CaseReport]


def occlusion_remarks(cases: Cases, *, regression: bool = False) -> tuple[Remark, ...]:
    """Say for each case where covering the image changed the evidence most, and by how much.

    Where the outputs stand for no class, what counts as a small change is a share of the output itself.
    """
    remarks: list[Remark] = []
    for one in [of_class for case in cases for of_class in case.evidence_by_class]:
        found, title = one.found, one.title
        lost = sum(not math.isfinite(value) for scan in found.scans for line in scan.scores for value in line)
        if lost:
            remarks.append(
                replace(_lost_positions(title, lost, found.positions, regression=regression), target=one.place)
            )
        if lost < found.positions:
            remarks.append(replace(_strongest(title, found, regression=regression), target=one.place))
        remarks += [
            Remark(section="occlusion", kind="evidence", text=f"{title}: {note}", target=one.place, warning=True)
            for note in found.notes
        ]
    return tuple(remarks)


def _strongest(title: str, found: OcclusionMap, *, regression: bool) -> Remark:
    best, scan = found.strongest, found.strongest_scan
    share = abs(best.importance) / max(abs(found.base_score), 1e-12)
    told = found.followed if regression else found.target_class
    untouched = _untouched(title, told, found, regression=regression)
    patch = f"{scan.patch[0]} x {scan.patch[1]}"
    if not abs(best.importance) > found.rounding:
        told_of = {"untouched": untouched, "size": patch, "count": scan.count}
        text = (
            say(
                "{untouched}, and covering {size} pixels changes its evidence nowhere by more than rounding ({count} "
                "positions).",
                **told_of,
            )
            if found.in_bits
            else say(
                "{untouched}, and covering {size} pixels changes it nowhere by more than rounding ({count} positions).",
                **told_of,
            )
        )
        meaning = say("The model does not react to any patch of this size.")
    else:
        text = f"{untouched}. {_moved(found, patch)}" + _range_told(told, found, regression=regression)
        meaning = "" if regression else say("Where covering changes most need not be where a finding is.")
        if share < SMALL_CHANGE if regression else abs(best.importance) < SMALL_BITS:
            meaning = (
                say("No single patch of this size matters much here: the output rests on more than a patch covers.")
                if regression
                else say("No single patch of this size matters much here: the score rests on more than a patch covers.")
            )
    low, high = scan.score_range
    numbers = {
        "base_score": found.base_score, "base_evidence": found.base_evidence, "strongest_importance": best.importance,
        "share_of_score": share, "lowest_score": low, "highest_score": high,
    }  # fmt: skip
    return Remark(section="occlusion", kind="occlusion", text=text, interpretation=meaning, numbers=numbers)


def _untouched(title: str, told: str, found: OcclusionMap, *, regression: bool) -> str:
    """Say what comes out of the untouched image: the beginning of a sentence."""
    fields = {"case": title, "name": told, "score": readable(found.base_score)}
    text = say("{case}: the score for {name} is {score}", **fields)
    if regression:
        text = say("{case}: {name} is {score}", **fields)
    if found.in_bits:
        text += say(", its evidence {number} bits", number=readable(found.base_evidence))
    return text


def _moved(found: OcclusionMap, patch: str) -> str:
    """Say where covering changes most, and what."""
    best, scan = found.strongest, found.strongest_scan
    centre = (best.top + scan.patch[0] / 2, best.left + scan.patch[1] / 2)
    before, after = readable(found.base_score), readable(best.score)
    fields = {
        "size": patch, "place": name_place(centre, found.size), "row": best.top, "column": best.left, "before": before,
        "after": after, "amount": readable(abs(best.importance)),
    }  # fmt: skip
    if not found.in_bits:
        if best.importance > 0:
            return say(
                "Covering {size} pixels lowers it most at the {place} (row {row}, column {column}), from {before} to "
                "{after}.",
                **fields,
            )
        return say(
            "Covering {size} pixels raises it most at the {place} (row {row}, column {column}), from {before} to "
            "{after}.",
            **fields,
        )
    goes = (
        say("; to three places the score stays {after}", **fields)
        if before == after
        else say(": the score goes from {before} to {after}", **fields)
    )
    if best.importance > 0:
        return say(
            "Covering {size} pixels lowers the evidence most at the {place} (row {row}, column {column}), by {amount} "
            "bits{goes}.",
            **fields,
            goes=goes,
        )
    return say(
        "Covering {size} pixels raises the evidence most at the {place} (row {row}, column {column}), by {amount} "
        "bits{goes}.",
        **fields,
        goes=goes,
    )


def _range_told(told: str, found: OcclusionMap, *, regression: bool) -> str:
    """Say between what a score lies over all positions, where that is more than one number."""
    scan = found.strongest_scan
    low, high = (readable(end) for end in scan.score_range)
    if low == high:
        return ""
    fields = {"count": grouped(scan.count), "low": low, "high": high}
    if regression:
        return " " + say("Over {count} positions {name} lies between {low} and {high}.", **fields, name=told)
    return " " + say("Over {count} positions the score lies between {low} and {high}.", **fields)


def _lost_positions(title: str, lost: int, count: int, *, regression: bool) -> Remark:
    fields = {
        "case": title, "what": say("the output") if regression else say("the score"), "lost": lost, "count": count,
    }  # fmt: skip
    text = (
        say("{case}: at all {count} positions of the patch {what} is not a number; they are left out.", **fields)
        if lost == count
        else say(
            "{case}: at {lost} of {count} positions of the patch {what} is not a number; they are left out.", **fields
        )
    )
    return Remark(section="occlusion", kind="not_finite", text=text, numbers={f"{title} lost": lost}, warning=True)
