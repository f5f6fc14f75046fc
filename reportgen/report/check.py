"""Expectations and whether they hold, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One expectation, and what was measured.

    Attributes
    ----------
    group
        What it is about: ``case NORMAL``, ``layer conv2d_1``, ``data test``.
    expected
        What was expected, in words.
    measured
        What was measured, with its number.
    holds
        Whether it is as expected.
    """

    group: str
    expected: str
    measured: str
    holds: bool


def count_failed(checked: tuple[Checked, ...]) -> int:
    """Return how many expectations don't hold."""
    return sum(not one.holds for one in checked)
