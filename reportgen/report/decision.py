"""What decides a case, as data: how much of the image must go for the decision to flip, and how much brings it back."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A share of the image at which the decision turns.

    Attributes
    ----------
    share
        Of the pixels, in the map's order: above 0, at most 1.
    score, evidence
        Of the target class there.
    """

    share: Number
    score: Number
    evidence: Number


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What decides one case.

    Attributes
    ----------
    followed
        What the model says of the case.
    blurred_score, blurred_evidence
        Of the target class, for the wholly blurred image.
    blurred_agrees
        Whether the wholly blurred image alone is said to be the same.
    flip
        The smallest share whose blurring flips the decision; None where none was found.
    restore
        The smallest share that restores it when put back into the blurred image; None where the blurred image says the
        same.
    flipping_patches
        How many positions of all scans flip it; None where the scans don't tell.
    smallest_flipping
        The smallest (height, width) of a patch that flips it.
    random_restores, random_orders
        Of so many random orders of blocks, how many restore the decision with no larger a share of the image than the
        map's order needs; 0 of 0 where that was not tried.
    """

    followed: str
    blurred_score: Number
    blurred_evidence: Number
    blurred_agrees: bool
    flip: Turn | None = None
    restore: Turn | None = None
    flipping_patches: int | None = None
    smallest_flipping: tuple[int, int] | None = None
    random_restores: int = 0
    random_orders: int = 0
