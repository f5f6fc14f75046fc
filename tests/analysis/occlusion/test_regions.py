"""Which outputs a changed input can reach, against trying it out pixel by pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from reportgen.analysis.occlusion.regions import Axis, TransposedAxis, place_windows, same_padding


def window(axis: Axis, output: int) -> list[int]:
    """Inputs of one output, counted off one by one; those in the padding left out."""
    first = output * axis.stride - axis.padding
    inputs = [first + axis.dilation * tap for tap in range(axis.kernel)]
    return [one for one in inputs if 0 <= one < axis.before]


@st.composite
def axes(draw) -> Axis:
    kernel, stride, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    before = draw(st.integers(4, 30))
    if draw(st.booleans()):
        padding, after = same_padding(before, kernel, stride, dilation)
    else:
        span = (kernel - 1) * dilation + 1
        assume(span <= before)
        padding, after = 0, (before - span) // stride + 1
    return Axis(kernel, stride, dilation, padding, before, after)


@st.composite
def intervals(draw, side: int) -> tuple[int, int]:
    low = draw(st.integers(0, side - 1))
    return low, draw(st.integers(low + 1, side))


@given(st.data(), axes())
def test_reached_outputs(data, axis):
    low, high = data.draw(intervals(axis.before))
    changed = set(range(low, high))
    hit = [output for output in range(axis.after) if changed & set(window(axis, output))]
    first, end = axis.reached(np.array([low]), np.array([high]))
    inside = list(range(int(first[0]), int(end[0])))
    # with strides and dilation an output in between may look past the change: it is recomputed in vain, never missed
    assert set(hit) <= set(inside)
    if hit and axis.dilation == 1:
        assert (inside[0], inside[-1]) == (hit[0], hit[-1])


@given(axes(), st.integers(1, 6))
def test_padding_is_noticed(axis, size):
    lacks = any(len(window(axis, output)) < axis.kernel for output in range(axis.after))
    assert axis.is_padded == lacks
    assert axis.inputs(size) == (size - 1) * axis.stride + axis.span


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 4), st.integers(1, 3))
def test_same_padding_is_tensorflows(before, kernel, stride, dilation):
    import tensorflow as tf

    if stride > 1:
        dilation = 1
    image = tf.ones((1, before, 1, 1))
    found = tf.nn.conv2d(image, tf.ones((kernel, 1, 1, 1)), [1, stride, 1, 1], "SAME", dilations=[1, dilation, 1, 1])
    padding, after = same_padding(before, kernel, stride, dilation)
    axis = Axis(kernel, stride, dilation, padding, before, after)
    counted = [len(window(axis, output)) for output in range(after)]
    np.testing.assert_array_equal(np.asarray(found).ravel(), counted)


@given(st.data(), st.integers(1, 5), st.integers(1, 4), st.integers(3, 12), st.booleans())
def test_transposed(data, kernel, stride, before, same):
    padding = max(kernel - stride, 0) // 2 if same else 0
    after = before * stride if same else (before - 1) * stride + max(kernel, stride)
    axis = TransposedAxis(kernel, stride, padding, before, after)
    low, high = data.draw(intervals(before))
    reached = {
        output
        for one in range(low, high)
        for output in range(one * stride - padding, one * stride - padding + kernel)
        if 0 <= output < after
    }
    first, end = axis.reached(np.array([low]), np.array([high]))
    assert reached <= set(range(int(first[0]), int(end[0])))
    start, size = axis.given(np.array([low]), high - low)
    complete = set(range(int(start[0]), int(start[0]) + size))
    assert reached <= complete
    # every complete output gets from no input outside of those that were spread
    spread = set(range(low - axis.margin[0], high + axis.margin[1]))
    for output in complete & set(range(after)):
        givers = {one for one in range(before) if 0 <= output + padding - one * stride < kernel}
        assert givers <= spread


@given(st.data(), st.integers(4, 40), st.sampled_from([1, 2, 3]))
def test_windows_hold_their_intervals_and_stay_inside(data, side, multiple):
    pairs = [data.draw(intervals(side)) for _ in range(data.draw(st.integers(1, 5)))]
    usable = side // multiple * multiple
    low, high = (np.array(ends) for ends in zip(*pairs, strict=True))
    start, size = place_windows(low, high, side, multiple)
    assert (start >= 0).all()
    assert (start + size <= side).all()
    assert (start % multiple == 0).all()
    assert size % multiple == 0
    # what lies in the pixels that a pooling layer drops need not be held
    assert (start <= np.minimum(low, usable - 1)).all()
    assert (start + size >= np.minimum(high, usable)).all()
