"""How far the scans of a case agree: what covers the image, and how large the patches are, should not decide.

Agreement is Spearman's rank correlation over the pixels of two maps; a map of several scans is their mean. Nothing is
run for it: it is arithmetic on what the scans found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.occlusion.combine import rank_correlation
from reportgen.report.evidence import OcclusionMap
from reportgen.report.importance import scan_importance
from reportgen.report.report import CaseReport, Remark

LITTLE = 0.3  # rank correlation below which two maps hardly agree
OPPOSED = -0.1  # below which they say the opposite
TOP = 0.2  # of the pixels: what a scan counts among its strongest
Values = NDArray[np.float64]
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
    shared
        Share of the image that every scan has among its strongest fifth, for what the map speaks for; 0.2 where all
        agree, next to nothing by chance.
    scans
        How many there are.
    """

    fills: tuple[Fill, Fill, float] | None
    sizes: tuple[tuple[int, int], float] | None
    shared: float
    scans: int


def measure_agreement(found: OcclusionMap, sign: int = 1) -> Agreement:
    """Compare the maps of a case's scans.

    Parameters
    ----------
    found
        The scans of one case for one class.
    sign
        1, or -1 where what counts is what speaks against the class.
    """
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
        _shared([sign * one for one in maps]),
        len(maps),
    )


def _mean(maps: Sequence[Values], chosen: Sequence[bool]) -> Values:
    return np.asarray(np.mean([one for one, is_own in zip(maps, chosen, strict=True) if is_own], axis=0))


def _shared(maps: Sequence[Values]) -> float:
    if not maps or not maps[0].size:
        return 0.0
    strongest = [one > np.quantile(one, 1 - TOP) for one in maps]
    return float(np.logical_and.reduce(strongest).mean())


def agreement_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say of each case how far its scans agree, and what follows where they don't; opposed fills are a warning."""
    found = [
        _remark(case.title, agreement)
        for case in cases
        for measured in case.occlusion_maps
        if len(measured.scans) > 1
        if (agreement := measure_agreement(measured, _sign(case))).fills or agreement.sizes
    ]
    return tuple(found)


def _sign(case: CaseReport) -> int:
    return -1 if case.map_test and not case.map_test.supports_target else 1


def _remark(title: str, agreement: Agreement) -> Remark:
    texts, meaning, numbers = [], "", {"shared": agreement.shared}
    fills, sizes = agreement.fills, agreement.sizes
    if fills:
        numbers["fills"] = fills[2]
        first, second = (_named_fill(fill) for fill in fills[:2])
        how = "rank the pixels the other way round" if fills[2] < OPPOSED else (
            "hardly agree" if fills[2] < LITTLE else "agree"
        )  # fmt: skip
        texts.append(f"the maps with {first} and with {second} {how} (rank correlation {fills[2]:.2f})")
    if sizes:
        numbers["sizes"] = sizes[1]
        patch = f"{sizes[0][0]} x {sizes[0][1]} pixels"
        how = "points elsewhere than the others" if sizes[1] < LITTLE else "agrees least with the others"
        texts.append(f"of the sizes, {patch} {how} ({sizes[1]:.2f})")
    texts.append(
        f"{100 * agreement.shared:.0f} % of the image is among the strongest fifth of all {agreement.scans} scans"
    )
    opposed = fills is not None and fills[2] < OPPOSED
    if opposed:
        meaning = (
            "What is laid over the image decides what looks important: the model takes one of the fills for something "
            "it knows. Trust only what all show."
        )
    elif fills and fills[2] < LITTLE:
        meaning = "What is found depends on what covers it: trust only what all show."
    elif sizes and sizes[1] < LITTLE:
        meaning = (
            "Small and large patches point to different places: what counts is spread out, or counts only together."
        )
    return Remark(
        section="occlusion", kind="fills" if opposed else "agreement", text=f"{title}: {'; '.join(texts)}.",
        interpretation=meaning, numbers=numbers, warning=opposed,
    )  # fmt: skip


def _named_fill(fill: Fill) -> str:
    if isinstance(fill, str):
        return "the image's mean" if fill == "mean" else "a blurred image"
    return f"the colour {', '.join(f'{value:g}' for value in fill)}"
