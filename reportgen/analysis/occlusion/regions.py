"""Which rectangle of a layer's output a changed rectangle of its input can reach, and what is needed to recompute it.

One axis at a time, since a rectangle is a product of two intervals. Intervals are half open, ``[low, high)``, in pixels
of a tensor, and come as arrays, one for each position of the patch.

An output ``o`` of a window operation (kernel k, stride s, dilation d, padding p before the first pixel) is computed
from the inputs ``o * s - p + d * i`` for i from 0 to k - 1. So a changed interval [low, high) reaches

    first = ceil((low + p - (k - 1) * d) / s),  last = floor((high - 1 + p) / s)

cut to the output, and to recompute the outputs [a, b) the inputs from ``a * s - p`` up to, and without,
``(b - 1) * s - p + (k - 1) * d + 1`` are needed; those outside of the input are padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """A window operation along one axis.

    Attributes
    ----------
    kernel, stride, dilation
        In pixels.
    padding
        Pixels of padding before the first input; negative where the first ones are cut off.
    before, after
        Sides of input and output.
    """

    kernel: int
    stride: int
    dilation: int
    padding: int
    before: int
    after: int

    @property
    def span(self) -> int:
        """Inputs from the first to the last of one window."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def is_padded(self) -> bool:
        """Whether some outputs are computed from padding."""
        return self.padding > 0 or (self.after - 1) * self.stride - self.padding + self.span > self.before

    def reached(self, low: Whole, high: Whole) -> tuple[Whole, Whole]:
        """Return the outputs ``[first, end)`` that a changed input interval can reach; empty ones have end <= first."""
        first = -((-(low + self.padding - self.span + 1)) // self.stride)
        end = (high - 1 + self.padding) // self.stride + 1
        return np.clip(first, 0, self.after), np.clip(end, 0, self.after)

    def inputs(self, size: int) -> int:
        """Return how many inputs so many neighbouring outputs are computed from."""
        return (size - 1) * self.stride + self.span


@dataclass(frozen=True)
class TransposedAxis:
    """A transposed window operation along one axis: each input spreads over ``kernel`` outputs, ``stride`` apart.

    Output ``o`` gets from the inputs i with ``0 <= o + padding - i * stride < kernel``.
    """

    kernel: int
    stride: int
    padding: int
    before: int
    after: int

    @property
    def overlap(self) -> int:
        """Outputs that neighbouring inputs share."""
        return max(self.kernel - self.stride, 0)

    def reached(self, low: Whole, high: Whole) -> tuple[Whole, Whole]:
        """Return the outputs ``[first, end)`` that a changed input interval can reach."""
        first, end = (
            low * self.stride - self.padding,
            (high - 1) * self.stride - self.padding + max(self.kernel, self.stride),
        )
        return np.clip(first, 0, self.after), np.clip(end, 0, self.after)

    @property
    def margin(self) -> tuple[int, int]:
        """Inputs that are needed before and after the changed ones."""
        return -(-self.overlap // self.stride), -(-max(self.kernel, self.stride) // self.stride) - 1

    def inputs(self, size: int) -> int:
        """Return how many inputs are spread, of which so many give outputs of which all are needed."""
        return size // self.stride + sum(self.margin)

    def given(self, start: Whole, size: int) -> tuple[Whole, int]:
        """Return the outputs, as (start, size), that inputs ``[start, start + size)`` and their margin complete."""
        first = (start - self.margin[0]) * self.stride + self.overlap - self.padding
        return first, (size + sum(self.margin)) * self.stride - self.overlap


def same_padding(before: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return (padding before the first pixel, side of the output) of padding ``same`` as TensorFlow has it."""
    after = -(-before // stride)
    total = max((after - 1) * stride + (kernel - 1) * dilation + 1 - before, 0)
    return total // 2, after


def place_windows(low: Whole, high: Whole, side: int, multiple: int = 1) -> tuple[Whole, int]:
    """Return windows of one size that hold all these intervals: where each begins, and the size.

    Parameters
    ----------
    low, high
        Intervals within ``[0, side)``.
    side
        Of the tensor; windows stay inside.
    multiple
        Windows begin at multiples of it, and their size is one, as far as the side allows.
    """
    first = low // multiple
    end = -(-high // multiple)
    size = int(max((end - first).max(initial=0), 1))
    room = side // multiple
    size = min(size, max(room, 1))
    start = np.clip(np.minimum(first, room - size), 0, None)
    return start * multiple, min(size * multiple, side)
