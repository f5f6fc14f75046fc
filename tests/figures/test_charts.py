from __future__ import annotations

import warnings

import numpy as np
import pytest

from reportgen.figures.charts import channel_through_layers, filter_grid, history_chart, shape_chart, single_channels
from reportgen.figures.colours import NOT_A_NUMBER
from reportgen.report.model import LayerSummary

HOSTILE = ["a$b$c", "$\\frac{$", "_{^", "conv/1:0", "x" * 200]


def summary(name: str, *shape: int) -> LayerSummary:
    return LayerSummary(
        name=name, type="Layer", output_shape=(None, *shape), parameters=1, trainable=True, activation=None,
        receptive_field=None,
    )  # fmt: skip


# --- shapes


def test_shapes_are_told(decode):
    layers = [summary("conv", 22, 34, 8), summary("pool", 11, 17, 8), summary("flat", 1496), summary("score", 1)]
    picture = shape_chart(layers, (24, 36, 3))
    assert decode(picture, "RGBA").size > 0
    assert "from 24 × 36 × 3 at the input to 11 × 17 × 8 in the smallest feature map and 1 at the output" in picture.alt
    assert "over 4 layers" in picture.alt


@pytest.mark.parametrize("count", [0, 1, 27, 28, 200])
def test_few_and_many_layers(decode, count):
    picture = shape_chart([summary(f"layer_{number}", 4, 6, 2) for number in range(count)], (8, 12, 3))
    assert decode(picture, "RGBA")[..., 3].any()


def test_the_background_is_transparent(decode):
    alpha = decode(shape_chart([summary("conv", 4, 6, 2)], (8, 12, 3)), "RGBA")[..., 3]
    assert alpha[0, 0] == alpha[-1, -1] == 0
    assert alpha.max() == 255


def test_the_same_layers_give_the_same_bytes():
    layers = [summary("conv", 4, 6, 2)]
    assert shape_chart(layers, (8, 12, 3)).data == shape_chart(layers, (8, 12, 3)).data


@pytest.mark.parametrize("name", HOSTILE)
def test_any_layer_name_can_be_drawn(decode, name):
    assert decode(shape_chart([summary(name, 4, 6, 2)], (8, 12, 3)), "RGBA").size > 0


def test_a_page_pixel_is_a_96th_of_an_inch(decode):
    picture = shape_chart([summary("conv", 4, 6, 2)], (8, 12, 3))
    assert picture.page_width == round(picture.width / picture.density)
    assert picture.page_width < 800


# --- history


def test_the_end_of_the_training_is_told(decode):
    history = {"accuracy": (0.5, 0.75), "val_accuracy": (0.25, 0.5), "loss": (2.0, 1.0)}
    picture = history_chart(history)
    assert decode(picture, "RGBA").size > 0
    assert picture.alt == ("Training history over 2 epochs; at the end loss 1.000; accuracy 0.750 (validation 0.500).")


@pytest.mark.parametrize("history", [{}, {"loss": (1.0,)}, {"val_loss": (1.0, 2.0)}, {"loss": ()}])
def test_no_history_no_chart(history):
    assert history_chart(history) is None


@pytest.mark.parametrize("last", [float("nan"), float("inf")])
@pytest.mark.filterwarnings("ignore")
def test_a_training_that_went_astray(last):
    told = history_chart({"loss": (1.0, last), "val_loss": (2.0, last)}).alt
    assert "at the end loss not a number (validation not a number)" in told


@pytest.mark.parametrize("history", [{"loss": (1.0, 2.0), "val_loss": ()}, {"loss": (float("nan"),) * 3}])
@pytest.mark.filterwarnings("ignore")
def test_a_history_with_holes(decode, history):
    assert decode(history_chart(history), "RGBA").size > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_any_measure_can_be_drawn(decode, name):
    assert decode(history_chart({name: (1.0, 2.0)}), "RGBA").size > 0


# --- channels


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
def test_a_channel_through_the_layers(decode, count):
    maps = [(f"layer {number}", np.eye(3, 5, dtype=np.float32)) for number in range(count - 1)]
    picture = channel_through_layers("t", "NORMAL", 2, [*maps, ("last", None)], "viridis")
    assert f"NORMAL: channel 2 in {count - 1} layers" in picture.alt
    assert decode(picture, "RGBA").size > 0


def test_single_channels_have_their_own_range(decode):
    bright, dark = np.full((3, 5), 7, np.float32), np.full((3, 5), -7, np.float32)
    bright[0, 0], dark[0, 0] = 8, -8
    picture = single_channels("c", "NORMAL", "conv", [(0, bright), (4, dark)], "viridis")
    assert picture.alt == "NORMAL: conv, 2 single channels: 0, 4."
    shown = decode(picture)
    for end in ((68, 1, 84), (253, 231, 36)):  # both panels reach both ends of the colours
        found = np.flatnonzero((np.abs(shown.astype(int) - end).max(axis=2) <= 2).any(axis=0))
        assert found.min() < shown.shape[1] / 2 < found.max()


def test_a_channel_that_is_not_there(decode):
    assert decode(single_channels("c", "N", "conv", [(9, None)], "viridis"), "RGBA").size > 0


def test_an_even_map_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert single_channels("c", "N", "conv", [(0, np.ones((3, 5), np.float32))], "viridis").data


@pytest.mark.parametrize("value", [np.nan, np.inf, np.finfo(np.float32).min])
def test_channels_that_are_not_numbers(decode, value):
    lost, partly = np.full((3, 5), value, np.float32), np.eye(3, 5, dtype=np.float32)
    partly[1, 3] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = decode(single_channels("c", "N", "conv", [(0, lost), (1, partly)], "viridis")).astype(int)
    # most of the left panel, and a fifteenth of the right one
    purple = (np.abs(shown - NOT_A_NUMBER).max(axis=2) <= 2).sum(axis=0)
    middle = shown.shape[1] // 2
    assert purple[:middle].sum() == pytest.approx(15 * purple[middle:].sum(), rel=0.05)
    assert decode(channel_through_layers("c", "N", 0, [("one", lost), ("two", partly)], "viridis"), "RGBA").size > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_any_layer_can_be_named_over_its_channel(decode, name):
    even = np.zeros((3, 5), np.float32)
    assert decode(single_channels("c", "N", name, [(0, even)], "viridis"), "RGBA").size > 0
    assert decode(channel_through_layers("c", "N", 0, [(name, even)], "viridis"), "RGBA").size > 0


# --- filters


def test_filters_by_hand(decode):
    # 2 high, 3 wide, one channel, two filters; the largest magnitude is 2
    kernels = np.zeros((2, 3, 1, 2), np.float32)
    kernels[0, 0, 0, 0], kernels[1, 2, 0, 0], kernels[0, 1, 0, 1] = 2, -2, 1
    picture = filter_grid("conv", kernels)
    shown = decode(picture, "RGBA")
    enlarged, gap = 12, 4
    assert shown.shape[:2] == (2 * enlarged, 2 * 3 * enlarged + gap)
    first, second = shown[:, : 3 * enlarged], shown[:, 3 * enlarged + gap :]
    small = first[enlarged // 2 :: enlarged, enlarged // 2 :: enlarged, 0]
    np.testing.assert_array_equal(small, [[255, 128, 128], [128, 128, 0]])
    assert second[0, enlarged + 2, 0] == 191  # half of the way from mid-gray to white
    assert (shown[:, 3 * enlarged : 3 * enlarged + gap, 3] == 0).all()
    assert "2 filters of conv, 2 by 3, weights -2.000 to 2.000" in picture.alt


def test_channels_of_a_filter_are_red_green_and_blue(decode):
    kernels = np.zeros((1, 1, 3, 2), np.float32)
    kernels[0, 0, :, 0] = (1, -1, 0)
    assert tuple(decode(filter_grid("conv", kernels))[0, 0]) == (255, 0, 128)


@pytest.mark.parametrize(("count", "rows"), [(16, 1), (17, 2), (64, 4)])
def test_sixteen_filters_a_row(count, rows):
    picture = filter_grid("conv", np.ones((3, 3, 3, count), np.float32))
    assert picture.width == 16 * 36 + 15 * 4
    assert picture.height == rows * 36 + (rows - 1) * 4


def test_filters_of_zeros_are_mid_gray(decode):
    assert (decode(filter_grid("conv", np.zeros((3, 5, 1, 1), np.float32))) == 128).all()


def test_weights_of_a_filter_that_are_not_numbers(decode):
    kernels = np.ones((2, 3, 1, 2), np.float32)
    kernels[0, 1, 0, 1], kernels[1, 2, 0, 1] = np.nan, np.inf
    picture = filter_grid("conv", kernels)
    shown = decode(picture, "RGBA")[..., :3]
    lost = (shown == NOT_A_NUMBER).all(axis=2)
    assert lost[6, 36 + 4 + 18]
    assert lost[18, 36 + 4 + 30]
    assert lost.sum() == 2 * 12 * 12
    for told in (picture.alt, picture.caption):
        assert "2 of 12 are not numbers, drawn in purple" in told
    assert "weights 1.000 to 1.000" in picture.alt
