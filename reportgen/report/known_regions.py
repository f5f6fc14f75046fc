"""How the evidence of a case lies to regions that are known beforehand, and to the border, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.numbers import Number

BORDER = 0.1  # width of the border at each side, as a share of the side
BORDER_LIMIT = 2.0  # times its area, from which on a share of evidence in the border is warned of
CHANCE = (0.8, 1.25)  # times the area between which a share of evidence is no more and no less than chance


@dataclass(frozen=True, kw_only=True)
class EvidenceShare:
    """How much of the evidence lies in a part of the image.

    Attributes
    ----------
    area
        Share of the pixels of the model's input, 0 to 1.
    evidence
        Share of the evidence for what the model says, 0 to 1; not a number where there is none.
    """

    area: Number
    evidence: Number

    @property
    def times(self) -> float:
        """How many times its area the share is; 1 is what chance gives. Not a number where that can't be said."""
        return self.evidence / self.area if self.area > 0 and math.isfinite(self.evidence) else math.nan


@dataclass(frozen=True, kw_only=True)
class KnownRegion:
    """One region of an image, and the map of importance against it.

    Attributes
    ----------
    name
        As given.
    inside
        Share of the area, and of the evidence inside.
    peak_inside
        Whether the highest place of the map is in the region, or within the tolerance of it; None without such a place.
    auc
        Area under the ROC curve of the map against the region, pixel by pixel: 0.5 is chance.
    average_precision
        Area under the precision-recall curve; chance is the region's share of the area.
    evidence_alone
        Evidence for what the model says when all but the region is blurred.
    evidence_without
        The same when the region is blurred.
    """

    name: str
    inside: EvidenceShare
    peak_inside: bool | None
    auc: Number
    average_precision: Number
    evidence_alone: Number
    evidence_without: Number


@dataclass(frozen=True, kw_only=True)
class KnownRegions:
    """The evidence of one case against the border of its image, and against known regions.

    Attributes
    ----------
    followed
        What the evidence is for: what the model says of the case.
    unit
        ``bits`` or ``output``.
    evidence
        For that, of the untouched image.
    evidence_blurred
        The same of the wholly blurred image; not a number where there are no regions.
    border
        Share in the border: a tenth of the height above and below, a tenth of the width left and right.
    tolerance
        Pixels of the model's input that a peak may lie outside of a region: half of the smallest patch.
    regions
        In the order given.
    """

    followed: str
    unit: str
    evidence: Number
    evidence_blurred: Number
    border: EvidenceShare
    tolerance: Number
    regions: tuple[KnownRegion, ...] = ()

    @property
    def at_border(self) -> bool:
        """Whether far more of the evidence lies at the border than its area would have."""
        return self.border.times >= BORDER_LIMIT
