"""Counts of images by label and by what is said of them, as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_MATRIX = 20
MOST_PAIRS = 50


@dataclass(frozen=True)
class Confusion:
    """Counts of (true class, predicted class).

    Attributes
    ----------
    classes
        In the model's order where it is known, else by name.
    counts
        Images by (true class, predicted class).
    unlabelled
        Images that no label names a class of, or that got no decision: they are not counted.
    contradictory
        Images that different reports label differently: counted as the newest labels them.
    """

    classes: tuple[str, ...]
    counts: dict[tuple[str, str], int]
    unlabelled: int
    contradictory: int

    @property
    def total(self) -> int:
        """Images that are counted."""
        return sum(self.counts.values())

    @property
    def right(self) -> int:
        """Those predicted as labelled."""
        return sum(count for (truth, predicted), count in self.counts.items() if truth == predicted)

    @property
    def fits(self) -> bool:
        """Whether it can be shown as a matrix."""
        return len(self.classes) <= LARGEST_MATRIX

    def row(self, truth: str) -> tuple[tuple[str, int, int], ...]:
        """Return (predicted class, images, tenths of the row) of a true class."""
        counts = [(predicted, self.counts.get((truth, predicted), 0)) for predicted in self.classes]
        whole = max(1, sum(count for _, count in counts))
        return tuple((predicted, count, -(-10 * count // whole)) for predicted, count in counts)

    @property
    def pairs(self) -> tuple[tuple[str, str, int], ...]:
        """(true class, predicted class, images), most frequent first, where a matrix would be too large."""
        ordered = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple((truth, predicted, count) for (truth, predicted), count in ordered[:MOST_PAIRS])
