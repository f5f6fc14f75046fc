"""What an occlusion scan found, as data."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.numbers import Number

ROUNDING = 1e-6  # as a share of a score


@dataclass(frozen=True, kw_only=True)
class StrongestPatch:
    """The position whose occlusion changed the score most.

    Attributes
    ----------
    row, column
        Which position it is, counted from 0.
    top, left
        Its first pixel row and column.
    importance
        By how much the score fell.
    """

    row: int
    column: int
    top: int
    left: int
    importance: Number


@dataclass(frozen=True, kw_only=True)
class OcclusionMap:
    """Result of an occlusion scan.

    Attributes
    ----------
    patch, stride
        (height, width) in pixels of the model's input.
    fill
        ``mean``, ``blur`` or a colour, as set.
    fill_colour
        The colour used, in raw-image units 0 to 255; None for ``blur``.
    target_class
        The class whose score is kept.
    rows, columns
        How many positions there are down and across.
    row_starts, column_starts
        The first pixel row or column of each, in pixels of the model's input.
    scores
        ``rows x columns`` raw scores of the target class with the patch there; importance is ``base_score - score``.
    base_score
        Score of the target class on the untouched image.
    importance_minimum, importance_maximum
        Range of the pixel map: mean importance of the patches that cover a pixel.
    strongest
        The patch with the largest importance by magnitude.
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
    """

    patch: tuple[int, int]
    stride: tuple[int, int]
    fill: str | tuple[Number, ...]
    fill_colour: tuple[Number, ...] | None
    target_class: str
    rows: int
    columns: int
    row_starts: tuple[int, ...]
    column_starts: tuple[int, ...]
    scores: tuple[tuple[Number, ...], ...]
    base_score: Number
    importance_minimum: Number
    importance_maximum: Number
    strongest: StrongestPatch
    engine: str
    estimated_speedup: float | None = None
    arithmetic_bound: float | None = None
    checked_positions: int = 0
    largest_difference: float | None = None

    @property
    def rounding(self) -> float:
        """What single precision leaves uncertain in a score: below, there is nothing to be seen."""
        return ROUNDING * max(1.0, abs(self.base_score))
