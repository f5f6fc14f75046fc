"""The lines around a part of an image, along the sides of its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corner = tuple[int, int]  # x, y


def trace_contour(mask: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """Return the lines around all parts of a mask, and around the holes in them.

    Parameters
    ----------
    mask
        ``(H, W)``.

    Returns
    -------
    tuple of tuple of int
        The corners of each closed line, x and y in turn, in pixels; sides are level or upright. A pixel belongs to the
        mask where a ray from it crosses the lines an odd number of times.
    """
    # a side between a pixel in the mask and one outside is a step from corner to corner, the mask always at its right
    framed = np.pad(mask.astype(np.int8), 1)
    level, upright = np.diff(framed, axis=0)[:, 1:-1], np.diff(framed, axis=1)[1:-1]
    sides = [((x, y), (x + 1, y), level[y, x] > 0) for y, x in np.argwhere(level).tolist()]
    sides += [((x, y + 1), (x, y), upright[y, x] > 0) for y, x in np.argwhere(upright).tolist()]
    steps: dict[Corner, list[Corner]] = {}
    for first, last, enters in sides:
        start, end = (first, last) if enters else (last, first)
        steps.setdefault(start, []).append(end)
    lines = []
    while steps:
        start = min(steps)
        line, at = [start], _step(steps, start, None)
        while at != start:
            line.append(at)
            at = _step(steps, at, line[-2])
        lines.append(_corners(line))
    return tuple(lines)


def inner_place(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Return x and y of the middle of the pixel of a mask ``(H, W)`` that is nearest to the middle of all of them."""
    down, across = np.nonzero(mask)
    nearest = np.argmin((down - down.mean()) ** 2 + (across - across.mean()) ** 2)
    return float(across[nearest]) + 0.5, float(down[nearest]) + 0.5


def _step(steps: dict[Corner, list[Corner]], at: Corner, before: Corner | None) -> Corner:
    """Take a step away; where two pixels touch by a corner alone, the turn that stays at the same pixel."""
    ends = steps[at]
    if len(ends) > 1 and before is not None:
        came = (at[0] - before[0], at[1] - before[1])
        ends.sort(key=lambda end: came[0] * (end[1] - at[1]) - came[1] * (end[0] - at[0]))
    end = ends.pop()
    if not ends:
        del steps[at]
    return end


def _corners(line: list[Corner]) -> tuple[int, ...]:
    """Leave out the places at which a closed line goes straight on."""
    around = [line[-1], *line, line[0]]
    turns = [
        at
        for before, at, after in zip(around, line, around[2:], strict=False)
        if (before[0] == at[0]) != (at[0] == after[0])
    ]
    return tuple(place for corner in turns for place in corner)
