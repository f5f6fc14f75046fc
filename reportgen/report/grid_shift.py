"""How far a case's map depends on where the grid of patches begins, as data."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class GridShift:
    """What the importance of a pixel ranges over when the grid is shifted by half a stride.

    Attributes
    ----------
    median, largest
        Of the ranges of all pixels (highest less lowest importance), in the unit of the map.
    correlation
        Lowest rank correlation of two of the maps over the pixels, -1 to 1; None where a map is even.
    grids
        How many grids were compared.
    scanned
        Whether the image was scanned once more, on the shifted grid. Otherwise every second position of the scans
        was taken, in the four ways there are: grids of twice the stride, shifted by half of it.
    """

    median: Number
    largest: Number
    correlation: Number | None
    grids: int
    scanned: bool = False
