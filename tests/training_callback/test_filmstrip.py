"""Which epochs a strip shows."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.figures.filmstrip import MOST_FRAMES, choose_frames


def test_few_epochs_are_all_shown():
    assert choose_frames([1, 2, 4, 6]) == [0, 1, 2, 3]


def test_many_are_spread_and_keep_the_ends_and_what_is_wanted():
    chosen = choose_frames(list(range(1, 41)), [8, 9])
    assert chosen[0] == 0 and chosen[-1] == 39
    assert {7, 8} <= set(chosen)
    assert max(b - a for a, b in itertools.pairwise(chosen)) <= 9


@given(st.integers(1, 80), st.lists(st.integers(1, 80), max_size=30))
def test_any_number_fits(count, wanted):
    chosen = choose_frames(list(range(1, count + 1)), wanted)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, MOST_FRAMES)
    assert all(0 <= one < count for one in chosen)
    assert {0, count - 1} <= set(chosen)


@pytest.mark.parametrize("count", [11, 12])
def test_a_few_too_many(count):
    assert len(choose_frames(list(range(count)))) == MOST_FRAMES
