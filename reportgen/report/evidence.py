"""What the occlusion scans of a case found, as data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.numbers import Number
from reportgen.system.language import say

ROUNDING = 1e-6  # as a share of a score, or of the evidence
BITS, OUTPUT = "bits", "output"
_FLAT = 0.1  # of a score from 0 to 1


@dataclass(frozen=True, kw_only=True)
class StrongestPatch:
    """The position whose occlusion changed the evidence most.

    Attributes
    ----------
    scan
        In which scan, counted from 0.
    row, column
        Which position it is, counted from 0.
    top, left
        Its first pixel row and column.
    importance
        By how much the evidence fell, in the unit of the map.
    score
        Score of the target class with the patch there.
    """

    scan: int = 0
    row: int
    column: int
    top: int
    left: int
    importance: Number
    score: Number


@dataclass(frozen=True, kw_only=True)
class OcclusionScan:
    """One patch with one fill, moved over one image.

    Attributes
    ----------
    patch, stride
        (height, width) in pixels of the model's input.
    fill
        ``mean``, ``blur`` or a colour, as set.
    fill_colour
        The colour used, in raw-image units 0 to 255; None for ``blur``.
    row_starts, column_starts
        The first pixel row or column of each position, in pixels of the model's input.
    scores
        ``rows x columns`` scores of the target class with the patch there.
    evidence
        The same of its evidence, in the unit of the map; importance is ``base_evidence - evidence``.
    flipping
        Where the best of several scores decides: the positions, counted from 0 row by row, at which the target class
        is chosen though it isn't without a patch, or the other way round. None where the score alone tells it.
    """

    patch: tuple[int, int]
    stride: tuple[int, int]
    fill: str | tuple[Number, ...]
    fill_colour: tuple[Number, ...] | None
    row_starts: tuple[int, ...]
    column_starts: tuple[int, ...]
    scores: tuple[tuple[Number, ...], ...]
    evidence: tuple[tuple[Number, ...], ...]
    flipping: tuple[int, ...] | None = None

    @property
    def rows(self) -> int:
        """How many positions there are down."""
        return len(self.row_starts)

    @property
    def columns(self) -> int:
        """How many positions there are across."""
        return len(self.column_starts)

    @property
    def count(self) -> int:
        """How many positions there are."""
        return self.rows * self.columns

    @property
    def score_range(self) -> tuple[float, float]:
        """The lowest and the highest score that is a number; NaN where none is."""
        return _range(self.scores)

    @property
    def evidence_range(self) -> tuple[float, float]:
        """The same of the evidence."""
        return _range(self.evidence)


@dataclass(frozen=True, kw_only=True)
class OcclusionMap:
    """All scans of one case for one class, and how they make one map.

    Attributes
    ----------
    target_class
        The class whose score and evidence are kept.
    unit
        ``bits``: the evidence is the class's log-odds to the base 2; ``output``: it is the output itself, of a model
        that gives numbers.
    size
        (height, width) of the map: of the model's input.
    base_score, base_evidence
        Of the target class, on the untouched image.
    importance_minimum, importance_maximum
        Range of the combined map.
    strongest
        The patch with the largest importance by magnitude, among those of the smallest patch.
    scans
        One for each patch and fill: patch by patch, fill by fill.
    weights
        Of each scan in the combined map; not negative, 1 in all. The map is the weighted mean over the scans of the
        mean importance of the patches that cover a pixel.
    combination
        How the weights were found, in a word: ``single``, or the name of the chosen combination.
    agreement
        How well the combined map predicted coverings that no scan has seen: rank correlation, -1 to 1; None where that
        was not tried.
    engine
        Which engine computed it: ``full`` or ``incremental``; both give the same (see ``docs/occlusion.md``).
    estimated_speedup
        How many times less the incremental engine was estimated to cost in all; None where it can't be used or wasn't
        asked for.
    arithmetic_bound
        The same by multiply-adds alone.
    checked_positions
        How many positions (of all cases) were run through the whole model besides; 0 for the full engine, which needs
        no check.
    largest_difference
        The largest difference of an output from the whole model's there; None where nothing was checked.
    notes
        What a reader must know about the evidence, one sentence each.
    """

    target_class: str
    unit: str
    size: tuple[int, int]
    base_score: Number
    base_evidence: Number
    importance_minimum: Number
    importance_maximum: Number
    strongest: StrongestPatch
    scans: tuple[OcclusionScan, ...]
    weights: tuple[Number, ...]
    combination: str = "single"
    agreement: Number | None = None
    engine: str
    estimated_speedup: float | None = None
    arithmetic_bound: float | None = None
    checked_positions: int = 0
    largest_difference: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def smallest(self) -> OcclusionScan:
        """The scan with the smallest patch, the first of its fills: what pictures of single positions show."""
        return min(self.scans, key=lambda scan: scan.patch[0] * scan.patch[1])

    @property
    def strongest_scan(self) -> OcclusionScan:
        """The scan that the strongest patch belongs to."""
        return self.scans[self.strongest.scan]

    @property
    def positions(self) -> int:
        """How many positions there are in all scans."""
        return sum(scan.count for scan in self.scans)

    @property
    def patches(self) -> tuple[tuple[int, int], ...]:
        """The different patches, in order."""
        return tuple(dict.fromkeys(scan.patch for scan in self.scans))

    @property
    def fills(self) -> tuple[str | tuple[Number, ...], ...]:
        """The different fills, in order."""
        return tuple(dict.fromkeys(scan.fill for scan in self.scans))

    @property
    def in_bits(self) -> bool:
        """Whether the evidence is log-odds, and no plain output."""
        return self.unit == BITS

    @property
    def followed(self) -> str:
        """What covering lowers or raises, in words."""
        return name_followed(self.target_class, in_bits=self.in_bits)

    @property
    def rounding(self) -> float:
        """What single precision leaves uncertain in the evidence: below, there is nothing to be seen."""
        return ROUNDING * max(1.0, abs(self.base_evidence))

    @property
    def tells(self) -> bool:
        """Whether covering changes the evidence anywhere by more than rounding; in the map, scans may cancel out."""
        ends = [end for scan in self.scans for end in scan.evidence_range]
        return any(abs(self.base_evidence - end) > self.rounding for end in ends)

    @property
    def has_order(self) -> bool:
        """Whether the map's pixels differ by more than rounding; else none comes before another."""
        ends = [self.base_evidence, *(end for scan in self.scans for end in scan.evidence_range)]
        largest = max((abs(end) for end in ends if math.isfinite(end)), default=0.0)
        return self.importance_maximum - self.importance_minimum > ROUNDING * max(1.0, largest)

    @property
    def score_rounding(self) -> float:
        """What single precision leaves uncertain in a score."""
        return ROUNDING * max(1.0, abs(self.base_score))


def name_followed(name: str, *, in_bits: bool) -> str:
    """Name what covering lowers or raises: the evidence for a class, or the number that a model gives."""
    if in_bits:
        return say("the evidence for {name}", name=name)
    return say("the output") if name == "output" else name


def name_support(name: str, *, in_bits: bool) -> str:
    """Say what a map's positive values do: speak for a class, or raise the number that a model gives."""
    if in_bits:
        return say("speaks for {name}", name=name)
    return say("raises {what}", what=name_followed(name, in_bits=False))


def shows_evidence(maps: Sequence[OcclusionMap]) -> bool:
    """Return whether pictures of single positions show the evidence: scores that hardly move are one flat colour.

    One patch with one fill, as set by the user, keeps its scores; so does a model that gives numbers.
    """
    several = [found for found in maps if len(found.scans) > 1 and found.in_bits]
    spans = [high - low for low, high in (found.smallest.score_range for found in several)]
    return any(not span >= _FLAT for span in spans)


def _range(values: Sequence[Sequence[float]]) -> tuple[float, float]:
    known = [value for line in values for value in line if math.isfinite(value)]
    return (min(known), max(known)) if known else (math.nan, math.nan)
