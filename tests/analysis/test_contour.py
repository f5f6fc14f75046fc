"""The lines around a part of an image: each pixel is inside by the lines where it is in the mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reportgen.analysis.contour import inner_place, trace_contour


def filled(lines: tuple[tuple[int, ...], ...], shape: tuple[int, int]) -> np.ndarray:
    """Slowly: whether a ray to the right of a pixel's middle crosses an odd number of upright sides."""
    inside = np.zeros(shape, bool)
    for row in range(shape[0]):
        for column in range(shape[1]):
            crossed = 0
            for line in lines:
                corners = list(zip(line[::2], line[1::2], strict=True))
                for (x, y), (to_x, to_y) in zip(corners, [*corners[1:], corners[0]], strict=True):
                    crossed += x == to_x and x > column + 0.5 and min(y, to_y) < row + 0.5 < max(y, to_y)
            inside[row, column] = crossed % 2
    return inside


@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 9))))
def test_the_lines_go_around_the_mask(mask):
    lines = trace_contour(mask)
    np.testing.assert_array_equal(filled(lines, mask.shape), mask)
    for line in lines:
        steps = np.diff(np.reshape([*line, *line[:2]], (-1, 2)), axis=0)
        assert (np.count_nonzero(steps, axis=1) == 1).all()  # level or upright, and none of no length
        assert (np.diff(steps[:, 0] == 0)).all()  # a turn at each corner


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([[1, 1, 1]], ((0, 0, 3, 0, 3, 1, 0, 1),)),
        ([[0, 0], [0, 1]], ((1, 1, 2, 1, 2, 2, 1, 2),)),
        ([[0, 0, 0]], ()),
    ],
)
def test_by_hand(mask, expected):
    found = trace_contour(np.array(mask, bool))
    assert [sorted(zip(one[::2], one[1::2], strict=True)) for one in found] == [
        sorted(zip(one[::2], one[1::2], strict=True)) for one in expected
    ]


def test_pixels_that_touch_by_a_corner_have_a_line_each():
    assert len(trace_contour(np.eye(2, dtype=bool))) == 2


def test_the_number_stands_inside_even_of_a_hollow_part():
    mask = np.ones((5, 7), bool)
    mask[1:4, 1:6] = False
    x, y = inner_place(mask)
    assert mask[int(y), int(x)]
    assert inner_place(np.ones((3, 5), bool)) == (2.5, 1.5)
