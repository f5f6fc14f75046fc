"""What covering a single patch does, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from reportgen.report.evidence import OcclusionMap
from reportgen.report.places import name_place
from reportgen.report.report import CaseReport, Remark, readable

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
    verb = "lowers" if best.importance > 0 else "raises"
    unit = " bits" if found.in_bits else ""
    patch = f"{scan.patch[0]} x {scan.patch[1]} pixels"
    centre = (best.top + scan.patch[0] / 2, best.left + scan.patch[1] / 2)
    low, high = scan.score_range
    told = found.followed if regression else found.target_class
    what = "output" if regression else "score"
    untouched = f"{title}: {'' if regression else 'the score for '}{told} is {readable(found.base_score)}"
    if found.in_bits:
        untouched += f", its evidence {readable(found.base_evidence)} bits"
    if not abs(best.importance) > found.rounding:
        changed = "its evidence" if found.in_bits else "it"
        text = (
            f"{untouched}, and covering {patch} changes {changed} nowhere by more than rounding "
            f"({scan.count} positions)."
        )
        meaning = "The model does not react to any patch of this size."
    else:
        before, after = readable(found.base_score), readable(best.score)
        moved = f"from {before} to {after}"
        if found.in_bits:
            kept = before == after
            goes = f"; to three places the score stays {after}" if kept else f": the score goes {moved}"
            moved = f"by {readable(abs(best.importance))}{unit}{goes}"
        text = (
            f"{untouched}. Covering {patch} {verb} {'the evidence' if found.in_bits else 'it'} most "
            f"at the {name_place(centre, found.size)} (row {best.top}, column {best.left}), {moved}."
        )
        if readable(low) != readable(high):
            text += (
                f" Over {scan.count} positions {told if regression else 'the score'} lies between {readable(low)} and "
                f"{readable(high)}."
            )
        is_small = share < SMALL_CHANGE if regression else abs(best.importance) < SMALL_BITS
        meaning = (
            f"No single patch of this size matters much here: the {what} rests on more than a patch covers."
            if is_small
            else ""
            if regression
            else "Where covering changes most need not be where a finding is."
        )
    numbers = {
        "base_score": found.base_score, "base_evidence": found.base_evidence, "strongest_importance": best.importance,
        "share_of_score": share, "lowest_score": low, "highest_score": high,
    }  # fmt: skip
    return Remark(section="occlusion", kind="occlusion", text=text, interpretation=meaning, numbers=numbers)


def _lost_positions(title: str, lost: int, count: int, *, regression: bool) -> Remark:
    which = "all" if lost == count else f"{lost} of"
    what = "output" if regression else "score"
    text = f"{title}: at {which} {count} positions of the patch the {what} is not a number; they are left out."
    return Remark(section="occlusion", kind="not_finite", text=text, numbers={f"{title} lost": lost}, warning=True)
