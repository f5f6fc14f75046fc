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


def test_correlation_of_channel_means():
    means = ([0.0, 1, 2, 5], [1.0, 1, 3, 4])
    found = compare_layer(layer(means[0], [1] * 4), layer(means[1], [1] * 4))
    assert found.correlation == pytest.approx(np.corrcoef(*means)[0, 1])


def test_a_case_compared_with_itself():
    same = layer([0.5, 1, 3], [1, 1, 1])
    found = compare_layer(same, same)
    assert found.correlation == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "second"),
    [([1, 2], [2, 1]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4])],
)
def test_correlation_is_left_open_for_few_channels_and_for_equal_means(first, second):
    assert compare_layer(layer(first, [1] * len(first)), layer(second, [1] * len(second))).correlation is None


def test_only_channels_that_are_numbers_in_both_cases_are_compared():
    nan = float("nan")
    found = compare_layer(layer([1, nan, 5, 3], [1, nan, 1, 1]), layer([2, 4, nan, 7], [1, 1, nan, 1]))
    assert found.compared == 2
    assert (found.first_mean, found.second_mean) == (2.0, 4.5)


def test_nothing_is_compared_where_nothing_is_a_number():
    nan = float("nan")
    found = compare_layer(layer([nan, nan], [nan, nan]), layer([1, 2], [1, 1]))
    assert (found.compared, found.correlation) == (0, None)
