"""Colour maps as tables; any of matplotlib's, by name."""

from __future__ import annotations

import difflib

import numpy as np
from numpy.typing import NDArray

from reportgen.report.picture import ColourScale
from reportgen.system.errors import SettingsError

DEAD = (128, 128, 128)  # seen on white and on black paper: nothing but the cross is drawn of a dead channel
NOT_A_NUMBER = (204, 121, 167)  # reddish purple of the same
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STEPS = 33  # of a colour bar: an odd number, so that one is the middle
INK = "#7a7a7a"  # readable on white (4.3:1) and on near-black (4.4:1), since charts have no background of their own


def colour_table(name: str, levels: int = 256) -> NDArray[np.uint8]:
    """Return a colour map as ``(levels, 3)`` RGB.

    Raises
    ------
    SettingsError
        When matplotlib has no such map.
    """
    import matplotlib as mpl

    if name not in mpl.colormaps:
        near = difflib.get_close_matches(name, list(mpl.colormaps), n=1)
        advice = f"did you mean '{near[0]}'?" if near else "for example viridis, gray, magma, Reds, RdBu_r"
        raise SettingsError(f"unknown colour map '{name}'", advice)
    return np.asarray(mpl.colormaps[name](np.linspace(0, 1, levels), bytes=True)[:, :3])


def colour_scale(name: str, ends: tuple[float, float], label: str) -> ColourScale:
    """Return what a colour map stands for that goes from one end to the other.

    Raises
    ------
    SettingsError
        When matplotlib has no such map.
    """
    colours = tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in colour_table(name, STEPS).tolist())
    return ColourScale(low=float(ends[0]), high=float(ends[1]), label=label, colours=colours)
