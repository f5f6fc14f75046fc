"""Fonts of this machine for letters that matplotlib's own font hasn't: names of classes may be in any script."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OWN = "DejaVu Sans"


def choose_fonts(figure: Any) -> None:
    """Draw every text of a matplotlib figure in fonts that have its letters, as far as there are any."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        lacking = _lacking(text.get_text())
        if lacking:
            # each for what those before it lack
            text.set_family(list(dict.fromkeys([_OWN, *filter(None, map(_family_with, lacking))])))


def _lacking(text: str) -> list[int]:
    if text.isascii():
        return []
    return sorted({ord(letter) for letter in text if not letter.isspace()} - _own_letters())


@functools.cache
def _own_letters() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset(_letters(font_manager.findfont(_OWN)).tolist())


@functools.cache
def _family_with(letter: int) -> str | None:
    """Return a family that has a letter, and let matplotlib know its font: its own list may be older than the font."""
    from matplotlib import font_manager

    # upright ones of usual weight first
    for path in sorted(font_manager.findSystemFonts(), key=lambda path: ("Regular" not in path, Path(path).name)):
        if letter in _letters(path):
            font_manager.fontManager.addfont(path)
            return str(font_manager.get_font(path).family_name)
    return None


@functools.cache
def _letters(path: str) -> NDArray[np.uint32]:
    """Return the letters of a font that matplotlib can draw at any size."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
        found = list(font.get_charmap()) if font.scalable else []
    except (OSError, RuntimeError):  # not every file in such a folder is a font that it can read
        found = []
    return np.array(sorted(found), np.uint32)
