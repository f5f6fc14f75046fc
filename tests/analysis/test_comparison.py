"""Two cases in one layer, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.comparison import compare_layer
from reportgen.report.layer import ChannelStatistics, LayerReport


def layer(means, deviations):
    count = len(means)
    nothing = (None,) * count
    return LayerReport(
        name="layer", channels=count, height=4, width=6, minimum=0, maximum=1, dead_channels=(),
        statistics=ChannelStatistics(
            minimum=(0.0,) * count, maximum=(1.0,) * count, mean=tuple(map(float, means)),
            standard_deviation=tuple(map(float, deviations)),
            edge_correlation=nothing, input_correlation=nothing, contrast=nothing, sharpness=nothing,
        ),
    )  # fmt: skip


def test_effect_by_hand():
    # the root of (3² + 1²) / 2 is √5; of (6² + 8²) / 2 it is √50
    found = compare_layer(layer([1, 10], [3, 6]), layer([3, 0], [1, 8]))
    assert [(d.channel, d.first_mean, d.second_mean) for d in found.largest] == [(1, 10, 0), (0, 1, 3)]
    assert [d.effect for d in found.largest] == pytest.approx([-10 / 50**0.5, 2 / 5**0.5])
    assert (found.first_mean, found.second_mean) == (5.5, 1.5)


def test_the_largest_come_first_and_no_more_than_asked():
    first, second = layer([0, 0, 0, 0, 0], [1] * 5), layer([1, -3, 0.5, 2, 0], [1] * 5)
    assert [d.channel for d in compare_layer(first, second).largest] == [1, 3, 0]
    assert [d.channel for d in compare_layer(first, second, most=1).largest] == [1]
    assert [d.channel for d in compare_layer(first, second, most=9).largest] == [1, 3, 0, 2]


def test_swapping_the_cases_turns_the_signs():
    first, second = layer([0, 4, 1], [1, 2, 3]), layer([1, 1, 1], [2, 1, 0.5])
    there, back = compare_layer(first, second), compare_layer(second, first)
    assert [d.channel for d in there.largest] == [d.channel for d in back.largest] == [1, 0]
    assert [d.effect for d in there.largest] == [-d.effect for d in back.largest]


def test_correlation_of_channel_means():
    means = ([0.0, 1, 2, 5], [1.0, 1, 3, 4])
    found = compare_layer(layer(means[0], [1] * 4), layer(means[1], [1] * 4))
    assert found.correlation == pytest.approx(np.corrcoef(*means)[0, 1])


def test_a_case_compared_with_itself():
    same = layer([0.5, 1, 3], [1, 1, 1])
    found = compare_layer(same, same)
    assert found.correlation == pytest.approx(1)
    assert found.largest == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [([1, 2], [2, 1]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4])],
)
def test_correlation_is_left_open_for_few_channels_and_for_equal_means(first, second):
    assert compare_layer(layer(first, [1] * len(first)), layer(second, [1] * len(second))).correlation is None


def test_channels_that_vary_in_neither_case_have_no_effect():
    found = compare_layer(layer([0, 0, 1], [0, 1, 0]), layer([5, 1, 1], [0, 1, 0]))
    assert [d.channel for d in found.largest] == [1]


def test_a_channel_dead_in_one_case_has_an_effect():
    found = compare_layer(layer([0], [0]), layer([2], [2]))
    assert found.largest[0].effect == pytest.approx(2**0.5)


def test_only_channels_that_are_numbers_in_both_cases_are_compared():
    nan = float("nan")
    found = compare_layer(layer([1, nan, 5, 3], [1, nan, 1, 1]), layer([2, 4, nan, 7], [1, 1, nan, 1]))
    assert found.compared == 2
    assert (found.first_mean, found.second_mean) == (2.0, 4.5)
    assert [(d.channel, d.effect) for d in found.largest] == [(3, 4.0), (0, 1.0)]


def test_nothing_is_compared_where_nothing_is_a_number():
    nan = float("nan")
    found = compare_layer(layer([nan, nan], [nan, nan]), layer([1, 2], [1, 1]))
    assert (found.compared, found.largest, found.correlation) == (0, (), None)
