"""Maps of importance against regions that are known beforehand, and against the border of the image.

Share of the evidence inside: Kohlbrenner et al., "Towards Best Practice in Explaining Neural Network Decisions with
LRP", IJCNN 2020 (arXiv:1910.09840). Pointing game: Zhang et al., "Top-down Neural Attention by Excitation Backprop",
ECCV 2016 (arXiv:1608.00507). Area under the precision-recall curve: Arun et al., "Assessing the Trustworthiness of
Saliency Maps for Localizing Abnormalities in Medical Imaging", Radiology: AI 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.covered import Covered, Passes, cover, is_said, said_instead
from reportgen.analysis.metrics.ranking import Ranking
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.images.fitting import fit_mask
from reportgen.images.resizing import Aspect
from reportgen.report.evidence import BITS, name_followed, name_support
from reportgen.report.known_regions import BORDER, CHANCE, EvidenceShare, KnownRegion, KnownRegions
from reportgen.report.maptest import NONE, UNKNOWN
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport
from reportgen.report.words import describe_percent
from reportgen.system.language import say

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def fitted_masks(run: CaseRun, size: tuple[int, int], aspect: Aspect) -> dict[str, Mask]:
    """Return the known regions of a case ``(H, W)`` at the model's size, by name."""
    return {name: fit_mask(np.asarray(mask, bool), size, aspect) for name, mask in run.case.masks.items()}


def measure_regions(
    subject: Subject, runs: Runs, aspect: Aspect, passes: Passes, advance: Callable[[int], object]
) -> list[KnownRegions | None]:
    """Measure the evidence of each case against its border and its known regions.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    aspect
        How images of another aspect are fitted: masks are fitted alike.
    passes
        Through the model, for these cases.
    advance
        Told the number of cases done.

    Returns
    -------
    list of KnownRegions or None
        None for a case without a scan.
    """
    found: list[KnownRegions | None] = []
    for run in runs:
        found.append(_measure(subject, passes, run, fitted_masks(run, subject.size, aspect)) if run.scans else None)
        advance(1)
    return found


def _measure(subject: Subject, passes: Passes, run: CaseRun, masks: dict[str, Mask]) -> KnownRegions:
    scan, target = run.scans[0], run.targets[0]
    sign = 1 if is_said(subject.head, run.scores, target) else -1
    # in a map that is even but for rounding nothing lies anywhere
    signed = sign * scan.importance if scan.summary.has_order else np.zeros_like(scan.importance)
    tolerance = min(scan.summary.smallest.patch) / 2
    alone, without, blurred = _partly_blurred(cover(subject, passes, run, target), masks)
    return KnownRegions(
        followed=said_instead(subject.head, target, sign),
        unit=scan.summary.unit,
        evidence=sign * scan.summary.base_evidence,
        evidence_blurred=blurred,
        border=share_inside(signed, border_of(subject.size)),
        tolerance=tolerance,
        regions=tuple(
            _region(name, signed, mask, tolerance, *evidence)
            for (name, mask), *evidence in zip(masks.items(), alone, without, strict=True)
        ),
    )


def _partly_blurred(covered: Covered, masks: dict[str, Mask]) -> tuple[list[float], list[float], float]:
    """Return the evidence when all but each region is blurred, when it alone is, and when everything is."""
    if not masks:
        return [], [], math.nan
    inside = np.stack(list(masks.values()))
    found = covered.blurred_evidence(np.concatenate([~inside, inside, np.ones_like(inside[:1])]))
    return found[: len(masks)].tolist(), found[len(masks) : -1].tolist(), float(found[-1])


def _region(name: str, signed: Values, mask: Mask, tolerance: float, alone: float, without: float) -> KnownRegion:
    auc, precision = rank_against(signed, mask)
    return KnownRegion(
        name=name, inside=share_inside(signed, mask), peak_inside=points_into(signed, mask, tolerance), auc=auc,
        average_precision=precision, evidence_alone=alone, evidence_without=without,
    )  # fmt: skip


def border_of(size: tuple[int, int]) -> Mask:
    """Return the border ``(H, W)``: a tenth of the height above and below, a tenth of the width left and right."""
    rows, columns = (max(1, round(BORDER * side)) for side in size)
    mask = np.ones(size, bool)
    mask[rows : size[0] - rows, columns : size[1] - columns] = False
    return mask


def share_inside(importance: Values, mask: Mask) -> EvidenceShare:
    """Return which share of the positive importance ``(H, W)`` lies in a mask, beside the mask's share of the area."""
    positive = np.clip(np.nan_to_num(importance, posinf=0, neginf=0), 0, None)
    total = float(positive.sum())
    return EvidenceShare(area=float(mask.mean()), evidence=float(positive[mask].sum()) / total if total else math.nan)


def points_into(importance: Values, mask: Mask, tolerance: float) -> bool | None:
    """Play the pointing game: whether the highest place of a map ``(H, W)`` is within a distance of a mask.

    Returns
    -------
    bool or None
        None where nothing is above 0, or the mask is empty.
    """
    known = np.where(np.isfinite(importance), importance, -np.inf)
    if not known.max() > 0 or not mask.any():
        return None
    row, column = np.unravel_index(int(known.argmax()), known.shape)
    rows, columns = np.nonzero(mask)
    return bool(np.hypot(rows - row, columns - column).min() <= tolerance)


def rank_against(importance: Values, mask: Mask) -> tuple[float, float]:
    """Return (area under the ROC curve, average precision) of a map ``(H, W)`` as a score for lying in a mask.

    Equal values count half, as by a rank sum; pixels without a number are left out. Not a number where no pixel, or
    every pixel, is inside.
    """
    known = np.isfinite(importance)
    values, inside = importance[known], mask[known]
    if not inside.any() or inside.all():
        return math.nan, math.nan
    steps = Ranking(values, inside).steps(np.ones((1, values.size)))
    return float(steps.auc()[0]), float(steps.average_precision()[0])


def region_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say for each case how much of the evidence lies in its known regions; warn where it lies at the border.

    Of a map that its test says not to read, or could not test, nothing is said of the border.
    """
    known = [(case.title, case.known_regions) for case in cases if case.known_regions]
    unread = {case.title for case in cases if case.map_test and case.map_test.outcome in (NONE, UNKNOWN)}
    at_border = [_border_remark(title, found) for title, found in known if found.at_border and title not in unread]
    return (*at_border, *(_regions_remark(title, found) for title, found in known if found.regions))


def _border_remark(title: str, found: KnownRegions) -> Remark:
    share = found.border
    return Remark(
        section="occlusion",
        kind="border",
        text=say(
            "{case}: The model looks at the border. {share} of {what} lies in the outer tenth at each side, which is "
            "{area} of the image: {times} times its area.",
            case=title,
            share=describe_percent(share.evidence),
            what=_what(found),
            area=describe_percent(share.area),
            times=f"{share.times:.1f}",
        ),
        interpretation=say("Marks, collimator edges or padding may be what counts here, and not what the image shows."),
        numbers={"share": share.evidence, "area": share.area},
        warning=True,
    )


def _regions_remark(title: str, found: KnownRegions) -> Remark:
    numbers: dict[str, float] = {}
    for region in found.regions:
        numbers |= {f"{region.name}: share": region.inside.evidence, f"{region.name}: area": region.inside.area}
    known = [region for region in found.regions if math.isfinite(region.inside.times)]
    texts = [
        say("nothing of {name} is in what the model gets", name=region.name)
        for region in found.regions
        if not region.inside.area
    ]
    if known:
        shares = ", ".join(_told(region.name, region.inside) for region in known)
        texts.insert(0, say("of {what}, {shares}", what=_what(found), shares=shares))
    elif len(texts) < len(found.regions):
        support = name_support(found.followed, in_bits=found.unit == BITS)
        texts.insert(0, say("nothing in the map {supports}, in known regions or elsewhere", supports=support))
    text = "; ".join(texts)
    return Remark(
        section="occlusion", kind="known_regions", text=f"{title}: {text[:1].upper()}{text[1:]}.",
        numbers={name: value for name, value in numbers.items() if math.isfinite(value)},
    )  # fmt: skip


def _told(name: str, share: EvidenceShare) -> str:
    return say(
        "{share} lies inside {name} ({area} of the image: {words})", share=describe_percent(share.evidence), name=name,
        area=describe_percent(share.area), words=in_words(share),
    )  # fmt: skip


def in_words(share: EvidenceShare) -> str:
    """Say how a share of the evidence compares with the share of the area."""
    low, high = CHANCE
    if share.times < low:
        return say("less than chance would put there")
    if share.times <= high:
        return say("no more than chance")
    return say("{times} times its area", times=f"{share.times:.1f}")


def _what(found: KnownRegions) -> str:
    in_bits = found.unit == BITS
    if in_bits:
        return name_followed(found.followed, in_bits=True)
    return say("what {supports}", supports=name_support(found.followed, in_bits=False))
