"""Values of more than 8 bits -> 0 to 255: which range of them, and why.

What trains models mostly sees 8 bits, and of deeper files Pillow's and Keras's loaders make something poor: of gray
they cut off all above 255, of 16-bit colour they keep the high bytes. So a range is chosen, by what nearly all of the
values say; a few bright pixels don't count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import spread_values
from reportgen.report.numbers import grouped
from reportgen.system.errors import ImageError
from reportgen.system.language import mark, say, say_count

Depth = Literal["auto", "full", "12", "stretch"]
Loaders = Literal["cut", "high", "none"]

_BLOCK = 1 << 20
# of all values, at either end: what doesn't count
_STRAY = 0.005
# a range that isn't filled beyond this share is too large for the values
_LEAST_FILLED = 0.25


@dataclass(frozen=True)
class _Range:
    """Values from ``low`` to ``high`` become 0 to 255; ``name`` is what that range is called."""

    low: float
    high: float
    name: str


_EIGHT, _TWELVE, _SIXTEEN = (
    _Range(0, 255, mark("8 bits")),
    _Range(0, 4095, mark("12 bits")),
    _Range(0, 65535, mark("16 bits")),
)
_FRACTIONS = _Range(0, 1, mark("fractions"))
_FULL, _STRETCHED = mark("their full range"), mark("this image alone")


def scale_by_depth(
    values: NDArray[Any], name: str, depth: Depth, *, bits: int | None = None, loaders: Loaders = "none"
) -> tuple[NDArray[np.float32], str]:
    """Scale values to 0..255.

    Parameters
    ----------
    values
        ``(H, W)`` or ``(H, W, 3)``, of any real type.
    name
        What to call the file in messages.
    depth
        ``full``: the whole range of so many bits (of floats: 0 to 1, or 0 to 255 where they go beyond 1). ``12``: 0 to
        4095. ``stretch``: from the smallest to the largest value of this image. ``auto``: see ``docs/images.md``. The
        smallest and the largest are those without the 0.5 % at either end, and without one value at least.
    bits
        How many bits of a whole number the file uses, where that isn't what the type has.
    loaders
        What Pillow's and Keras's loaders would make of such a file: ``cut`` off above 255, keep the ``high`` bytes, or
        ``none``: they don't read it.

    Returns
    -------
    tuple
        Pixels of the same shape from 0 to 255, and what was done, in sentences. What isn't finite became 0.

    Raises
    ------
    ImageError
        When no value is finite.
    """
    whole = values.dtype.kind != "f"
    finite = None if whole else np.isfinite(values)
    known = values.reshape(-1) if finite is None or finite.all() else values[finite]
    if not known.size:
        raise ImageError(f"{name} holds no finite value", "check how it was made")
    low, high = _ends(known)
    chosen, why = _chosen(depth, _ranges(values.dtype, bits, low, high), low, high)
    scaled = spread_values(values, chosen.low, chosen.high)
    note = say("{values} {done}, {why}.", values=_kind(values.dtype, bits), done=_told(chosen), why=why)
    outside = sum(int(np.count_nonzero((some < chosen.low) | (some > chosen.high))) for some in _blocks(known))
    if outside:
        note += " " + say_count(
            "{count} value outside became 0 or 255.",
            "{count} values outside became 0 or 255.",
            outside,
            count=grouped(outside),
        )
    note += _of_loaders(loaders, chosen, high)
    if finite is not None and known.size < values.size:
        note += " " + say("{count} values that are not finite were set to 0.", count=values.size - known.size)
        scaled[~finite] = 0
    return scaled, note


def _ends(known: NDArray[Any]) -> tuple[float, float]:
    """Return the smallest and the largest value without stray ones; with them where nothing else is left."""
    stray = min(max(1, int(known.size * _STRAY)), (known.size - 1) // 2)
    places = (stray, known.size - 1 - stray)
    if known.dtype.kind in "iu" and known.dtype.itemsize <= 2:
        low, high = _ordered(known, places)
    else:
        low, high = (float(value) for value in np.partition(known, places)[list(places)])
    return (low, high) if low < high else (float(known.min()), float(known.max()))


def _ordered(known: NDArray[Any], places: tuple[int, int]) -> tuple[float, float]:
    """Return which values of 8 or 16 bits would stand at two places in order; they're counted, not copied."""
    lowest = np.iinfo(known.dtype).min
    counts = np.zeros(1 << (8 * known.dtype.itemsize), np.int64)
    for some in _blocks(known):
        counts += np.bincount(some.astype(np.int64) - lowest, minlength=counts.size)
    low, high = np.searchsorted(np.cumsum(counts), places, side="right")
    return float(low + lowest), float(high + lowest)


def _blocks(known: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (known[start : start + _BLOCK] for start in range(0, known.size, _BLOCK))


def _ranges(kind: np.dtype[np.generic], bits: int | None, low: float, high: float) -> tuple[_Range, ...]:
    """Return the ranges that values may have been meant for, the smallest first; the last one is the full range."""
    if kind.kind == "f":
        return () if low < 0 or high > 255 else (_FRACTIONS,) if high <= 1 else (_EIGHT,)
    if kind.kind == "b":
        return (_Range(0, 1, _FULL),)
    count = bits or 8 * kind.itemsize
    if kind.kind == "i":
        half = 2.0 ** (count - 1)
        full = _Range(-half if low < 0 else 0, half - 1, _FULL)
    else:
        full = _Range(0, 2.0**count - 1, _FULL)
    if low < 0 or count not in (16, 32, 64):
        # a file of 10, 12 or 14 bits means what it says
        return (full,)
    return (_EIGHT, _TWELVE, *((_SIXTEEN,) if count > 16 else ()), full)


def _chosen(depth: Depth, ranges: tuple[_Range, ...], low: float, high: float) -> tuple[_Range, str]:
    """Return the range to use, and why."""
    if depth == "auto":
        return _fitting(ranges, low, high)
    if depth == "12":
        return _TWELVE, say("as was set")
    if depth == "full" and ranges:
        return ranges[-1], say("as was set")
    why = say("as was set") if depth == "stretch" else say("since floats like these have no full range")
    return _Range(low, high, _STRETCHED), why


def _fitting(ranges: tuple[_Range, ...], low: float, high: float) -> tuple[_Range, str]:
    """Return the smallest range that values fit into, unless they leave most of it empty, and why."""
    stretched, reach = _Range(low, high, _STRETCHED), say("since they go up to {high}", high=f"{high:g}")
    if low < 0:
        return stretched, say("since they go from {low} to {high}", low=f"{low:g}", high=f"{high:g}")
    fitting = next((one for one in ranges if high <= one.high), None)
    if fitting is None:
        return stretched, reach
    if high <= _LEAST_FILLED * fitting.high:
        return stretched, say("{reach}, which leaves most of {range} empty", reach=reach, range=say(fitting.name))
    return fitting, reach


def _kind(kind: np.dtype[np.generic], bits: int | None) -> str:
    return say("Floats") if kind.kind == "f" else say("{bits}-bit values", bits=bits or 8 * kind.itemsize)


def _told(chosen: _Range) -> str:
    if chosen is _EIGHT:
        return say("used as they are (0 to 255)")
    told = {"range": say(chosen.name), "low": f"{chosen.low:g}", "high": f"{chosen.high:g}"}
    if chosen.name == _STRETCHED:
        return say("stretched for this image alone ({low} to {high} became 0 to 255)", **told)
    if chosen.name == _FULL:
        return say("taken over their full range ({low} to {high} became 0 to 255)", **told)
    return say("taken as {range} ({low} to {high} became 0 to 255)", **told)


def _of_loaders(loaders: Loaders, chosen: _Range, high: float) -> str:
    """Say where the usual loaders give something else."""
    if loaders == "high" and chosen.name != _FULL:
        return " " + say("Keras's and Pillow's loaders would take the full range.")
    if loaders == "cut" and chosen is not _EIGHT:
        return " " + (
            say("Keras's and Pillow's loaders would show all above 255 as white.")
            if high > 255
            else say("Keras's and Pillow's loaders would take them as they are, white being 255.")
        )
    return ""
