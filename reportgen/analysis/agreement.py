"""How far the scans of a case agree: what covers the image, and how large the patches are, should not decide.

Agreement is Spearman's rank correlation over the pixels of two maps; a map of several scans is their mean. Nothing is
run for it: it is arithmetic on what the scans found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.occlusion.combine import rank_correlation
from reportgen.analysis.remarks.words import listed
from reportgen.report.by_class import EvidenceOfClass
from reportgen.report.evidence import OcclusionMap, name_support
from reportgen.report.grid_shift import GridShift
from reportgen.report.importance import scan_importance
from reportgen.report.places import name_place, without_picture
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.system.language import say

STEADY = 0.8  # rank correlation from which on it hardly matters where the grid begins
LITTLE = 0.3  # rank correlation below which two maps hardly agree
OPPOSED = -0.1  # below which they say the opposite
TOP = 0.2  # of the pixels: what a scan counts among its strongest
_NAMED = 3  # places of what all agree on
Values = NDArray[np.float64]
Masks = NDArray[np.bool_]
Fill = str | tuple[float, ...]


@dataclass(frozen=True)
class Agreement:
    """How far the scans of one case agree.

    Attributes
    ----------
    fills
        Of the two fills that agree least, and by how much, -1 to 1; None with one fill.
    sizes
        The patch whose map agrees least with the mean of the others', and by how much; None with one patch.
    """

    fills: tuple[Fill, Fill, float] | None
    sizes: tuple[tuple[int, int], float] | None


def measure_agreement(found: OcclusionMap) -> Agreement:
    """Compare the maps of the scans of one case for one class."""
    maps = [scan_importance(scan, found.base_evidence, found.size).ravel() for scan in found.scans]
    known = np.isfinite(maps).all(axis=0)
    maps = [one[known] for one in maps]
    by_fill = {fill: _mean(maps, [scan.fill == fill for scan in found.scans]) for fill in found.fills}
    pairs = [
        (one, other, value)
        for at, one in enumerate(found.fills)
        for other in found.fills[at + 1 :]
        if (value := rank_correlation(by_fill[one], by_fill[other])) is not None
    ]
    sizes = []
    for patch in found.patches if len(found.patches) > 1 else ():
        own = [scan.patch == patch for scan in found.scans]
        value = rank_correlation(_mean(maps, own), _mean(maps, [not one for one in own]))
        if value is not None:
            sizes.append((patch, value))
    return Agreement(
        min(pairs, key=lambda pair: pair[2], default=None),
        min(sizes, key=lambda one: one[1], default=None),
    )


def agreed_pixels(found: OcclusionMap, sign: int) -> Masks | None:
    """Return the pixels ``(H, W)`` that every scan has among the strongest fifth of its own map.

    That is a fifth of the image where all agree, and next to nothing by chance. Pixels as strong as the last of the
    fifth don't count, nor do those that speak for the other side.

    Parameters
    ----------
    found
        The scans of one case for one class.
    sign
        1, or -1 where what counts is what speaks against the class.

    Returns
    -------
    ndarray or None
        None with a single scan, and where covering changes nothing beyond rounding.
    """
    if len(found.scans) < 2 or not found.tells:
        return None
    maps = [sign * scan_importance(scan, found.base_evidence, found.size) for scan in found.scans]
    strongest = [one > max(0.0, _quantile(one)) for one in maps]
    return np.asarray(np.logical_and.reduce(strongest))


def _quantile(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, 1 - TOP)) if known.size else 0.0


def _mean(maps: Sequence[Values], chosen: Sequence[bool]) -> Values:
    return np.asarray(np.mean([one for one, is_own in zip(maps, chosen, strict=True) if is_own], axis=0))


def agreement_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say of each case how far its scans agree, and what follows where they don't; opposed fills are a warning."""
    return tuple(
        replace(remark, target=one.place)
        for case in cases
        for one in case.evidence_by_class
        if one.found.tells
        for remark in (
            _agreement(one.title, measure_agreement(one.found)),
            _agreed(one),
            _shift(one, case.grid_shift) if one.place == 0 else None,
        )
        if remark is not None
    )


def _agreement(title: str, agreement: Agreement) -> Remark | None:
    texts, meaning, numbers = [], "", {}
    fills, sizes = agreement.fills, agreement.sizes
    if not fills and not sizes:
        return None
    if fills:
        numbers["fills"] = fills[2]
        first, second = (_named_fill(fill) for fill in fills[:2])
        told = {"first": first, "second": second, "value": f"{fills[2]:.2f}"}
        texts.append(
            say(
                "the maps with {first} and with {second} rank the pixels the other way round (rank correlation "
                "{value})",
                **told,
            )
            if fills[2] < OPPOSED
            else say("the maps with {first} and with {second} hardly agree (rank correlation {value})", **told)
            if fills[2] < LITTLE
            else say("the maps with {first} and with {second} agree (rank correlation {value})", **told)
        )
    if sizes:
        numbers["sizes"] = sizes[1]
        told = {"size": f"{sizes[0][0]} x {sizes[0][1]}", "value": f"{sizes[1]:.2f}"}
        texts.append(
            say("of the sizes, {size} pixels points elsewhere than the others ({value})", **told)
            if sizes[1] < LITTLE
            else say("of the sizes, {size} pixels agrees least with the others ({value})", **told)
        )
    opposed, text = fills is not None and fills[2] < OPPOSED, "; ".join(texts)
    if opposed:
        meaning = say(
            "What is laid over the image decides what looks important: the model takes one of the fills for something "
            "it knows. Trust only what all show."
        )
    elif fills and fills[2] < LITTLE:
        meaning = say("What is found depends on what covers it: trust only what all show.")
    elif sizes and sizes[1] < LITTLE:
        meaning = say(
            "Small and large patches point to different places: what counts is spread out, or counts only together."
        )
    return Remark(
        section="occlusion", kind="fills" if opposed else "agreement", text=f"{title}: {text[0].upper()}{text[1:]}.",
        interpretation=meaning, numbers=numbers, warning=opposed,
    )  # fmt: skip


def describe_agreed(mask: Masks) -> str:
    """Say of pixels ``(H, W)``, at least one, where in the picture they lie."""
    size = (mask.shape[0], mask.shape[1])
    by_place: dict[str, int] = {}
    for part in connected_parts(mask):
        place = without_picture(name_place((float(part[:, 0].mean()), float(part[:, 1].mean())), size))
        by_place[place] = by_place.get(place, 0) + len(part)
    named = sorted(by_place.items(), key=lambda one: -one[1])
    if len(named) == 1:
        return say("at the {places} of the picture", places=named[0][0])
    shares = [f"{place} ({100 * count / mask.size:.1f} %)" for place, count in named[:_NAMED]]
    if len(named) > _NAMED:
        return say("at the {places} of the picture and elsewhere", places=", ".join(shares))
    return say("at the {places} of the picture", places=listed(shares))


def connected_parts(mask: Masks) -> list[NDArray[np.intp]]:
    """Return the parts of a mask ``(H, W)`` that hang together by sides, each as pixels ``(N, 2)``: row and column."""
    left = dict.fromkeys(zip(*(axis.tolist() for axis in np.nonzero(mask)), strict=True))
    parts = []
    while left:
        found = [left.popitem()[0]]
        for row, column in found:  # grows meanwhile
            for beside in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if beside in left:
                    del left[beside]
                    found.append(beside)
        parts.append(np.array(found))
    return parts[::-1]  # items are popped from the end


def _agreed(one: EvidenceOfClass) -> Remark | None:
    found = one.found
    mask = agreed_pixels(found, 1 if one.supports_target else -1)
    if mask is None:
        return None
    support = name_support(one.followed, in_bits=found.in_bits)
    share = float(mask.mean())
    fields = {"case": one.title, "count": len(found.scans), "supports": support}
    text = (
        say(
            "{case}: {share} of the image is among the strongest fifth of all {count} scans, of what {supports}: "
            "{place}.",
            **fields,
            share=f"{100 * share:.1f} %",
            place=describe_agreed(mask),
        )
        if share
        else say("{case}: No place is among the strongest fifth of all {count} scans, of what {supports}.", **fields)
    )
    return Remark(
        section="occlusion", kind="agreed", numbers={"share": share}, text=text,
        interpretation="" if share else say("Each size or fill points elsewhere: read no single place off this map."),
    )  # fmt: skip


def _shift(one: EvidenceOfClass, shift: GridShift | None) -> Remark | None:
    found = one.found
    if shift is None or not found.has_order:
        return None
    unit, correlation = say(" bits") if found.in_bits else "", ""
    numbers = {"median": shift.median, "largest": shift.largest}
    if shift.correlation is not None:
        numbers["correlation"] = shift.correlation
        correlation = " " + (
            say("(rank correlation {value})", value=f"{shift.correlation:.2f}")
            if shift.grids == 2
            else say("(lowest rank correlation of two grids {value})", value=f"{shift.correlation:.2f}")
        )
    told = {
        "case": one.title, "median": f"{readable(shift.median)}{unit}", "largest": f"{readable(shift.largest)}{unit}",
        "low": readable(found.importance_minimum), "high": f"{readable(found.importance_maximum)}{unit}",
        "correlation": correlation,
    }  # fmt: skip
    text = (
        say(
            "{case}: Scanned again on a grid shifted by half a step, the importance of a pixel differs by {median} in "
            "the median, {largest} at most; the map goes from {low} to {high}{correlation}.",
            **told,
        )
        if shift.scanned
        else say(
            "{case}: On grids of twice the step, shifted by half of it, the importance of a pixel differs by {median} "
            "in the median, {largest} at most; the map goes from {low} to {high}{correlation}.",
            **told,
        )
    )
    depends = shift.correlation is not None and shift.correlation < STEADY
    return Remark(
        section="occlusion", kind="shift", text=text, numbers=numbers,
        interpretation=say("Where the patches happen to stand changes the map: read its broad shapes only.")
        if depends
        else "",
    )  # fmt: skip


def _named_fill(fill: Fill) -> str:
    if isinstance(fill, str):
        return say("the image's mean") if fill == "mean" else say("a blurred image")
    return say("the colour {colour}", colour=", ".join(f"{value:g}" for value in fill))
