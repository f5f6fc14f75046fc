"""Numbered outlines on a picture, told apart without colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LINE = 3
_DASH = 6


def draw_outlines(
    image: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]], dashed: Sequence[bool]
) -> NDArray[np.uint8]:
    """Outline parts of an image, numbered from 1: white lines with a black edge, some of them dashed.

    Parameters
    ----------
    image
        ``(H, W, 3)``.
    masks
        The pixels of each part, ``(H, W)``.
    dashed
        For each part whether its line is dashed.
    """
    from PIL import Image, ImageDraw, ImageFont

    drawn = image
    for mask, with_gaps in zip(masks, dashed, strict=True):
        drawn = draw_outline(drawn, mask, dashed=with_gaps)
    canvas = Image.fromarray(drawn)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(max(14, min(image.shape[:2]) // 18))
    for number, mask in enumerate(masks, 1):
        down, across = np.nonzero(mask)
        nearest = np.argmin((down - down.mean()) ** 2 + (across - across.mean()) ** 2)
        place = (int(across[nearest]), int(down[nearest]))
        pen.text(place, str(number), fill="white", font=font, anchor="mm", stroke_width=2, stroke_fill="black")
    return np.asarray(canvas)


def draw_outline(image: NDArray[np.uint8], mask: NDArray[np.bool_], *, dashed: bool = False) -> NDArray[np.uint8]:
    """Outline one part ``(H, W)`` of an image ``(H, W, 3)``: a white line with a black edge."""
    drawn = image.copy()
    line, edge = _border(mask, _LINE), _border(mask, _LINE + 2)
    drawn[edge] = 0
    if dashed:
        rows, columns = np.indices(image.shape[:2])
        line &= (rows + columns) // _DASH % 2 == 1
    drawn[line] = 255
    return drawn


def _border(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Return the pixels of a part that lie within so many of its border."""
    inner = mask
    for _ in range(width):
        framed = np.pad(inner, 1)
        inner = inner & framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    return mask & ~inner
