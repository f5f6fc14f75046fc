from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reportgen.figures.colours import DEAD, NOT_A_NUMBER
from reportgen.figures.grids import cross_out, feature_map_grid, quantise_tiles, tile_ranges
from reportgen.figures.tiling import arrange_tiles

# the colour numbers after the 253 levels: crossed out, what lies between tiles, and not a number
MARK, GAP, LOST = 253, 254, 255


@pytest.fixture
def draw(layer_of):
    """Draw maps; every warning is an error."""

    def drawn(maps, *, scale="channel", dead=(), lost=(), others=(), **options):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ranges = tile_ranges([maps, *others], scale, shared_by_cases=bool(others))[0]
            options = {"colours": "viridis", **options}
            return feature_map_grid("grid", "NORMAL", maps, layer_of(maps, dead, lost), ranges, **options)

    return drawn


def numbers_in(picture) -> np.ndarray:
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.mode == "P"
        assert image.size == (picture.width, picture.height)
        return np.asarray(image)


def maps_of(channels: int, height: int = 2, width: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width, channels)).astype(np.float32)


# --- layout


def test_five_tiles_in_two_columns_by_hand():
    tiles = np.stack([np.full((2, 3), number, np.uint8) for number in range(5)])
    g = 9
    np.testing.assert_array_equal(
        arrange_tiles(tiles, 2, gap=1, blank=g),
        [
            [0, 0, 0, g, 1, 1, 1],
            [0, 0, 0, g, 1, 1, 1],
            [g, g, g, g, g, g, g],
            [2, 2, 2, g, 3, 3, 3],
            [2, 2, 2, g, 3, 3, 3],
            [g, g, g, g, g, g, g],
            [4, 4, 4, g, g, g, g],
            [4, 4, 4, g, g, g, g],
        ],
    )


def test_one_tile_has_no_gap():
    tile = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    np.testing.assert_array_equal(arrange_tiles(tile[None], 1, gap=4, blank=0), tile)


def test_tiles_in_colour():
    tiles = np.stack([np.full((1, 2, 3), number, np.uint8) for number in range(3)])
    sheet = arrange_tiles(tiles, 3, gap=1, blank=(7, 8, 9))
    np.testing.assert_array_equal(sheet[0, :, 2], [0, 0, 9, 1, 1, 9, 2, 2])


@settings(deadline=None)
@given(
    count=st.integers(1, 12), height=st.integers(1, 5), width=st.integers(1, 5), columns=st.integers(1, 12),
    gap=st.integers(0, 3),
)  # fmt: skip
def test_every_tile_is_found_where_it_belongs(count, height, width, columns, gap):
    tiles = np.stack([np.full((height, width), number + 1, np.uint8) for number in range(count)])
    sheet = arrange_tiles(tiles, columns, gap=gap, blank=0)
    assert sheet.shape == (-(-count // columns) * (height + gap) - gap, columns * (width + gap) - gap)
    for number in range(count):
        row, column = divmod(number, columns)
        part = sheet[row * (height + gap) :, column * (width + gap) :][:height, :width]
        np.testing.assert_array_equal(part, tiles[number])
    assert (sheet > 0).sum() == count * height * width


@pytest.mark.parametrize(
    ("channels", "columns", "size"),
    [
        (5, 2, (8, 7)),
        (1, 0, (2, 3)),
        (1, 4, (2, 3)),
        (5, 0, (5, 15)),
        (16, 0, (11, 15)),
        (3, 8, (2, 11)),
        (6, 4, (5, 15)),
    ],
)
def test_size_of_the_grid(draw, channels, columns, size):
    picture = draw(maps_of(channels), columns=columns)
    assert (picture.height, picture.width) == size
    assert numbers_in(picture).shape == size


def test_channels_stand_in_order(draw):
    maps = np.zeros((2, 3, 5), np.float32)
    for channel in range(5):
        maps.reshape(6, 5)[channel, channel] = 1  # the brightest pixel moves on with the channel
    grid = numbers_in(draw(maps, columns=2))
    for channel, corner in enumerate([(0, 0), (0, 4), (3, 0), (3, 4), (6, 0)]):
        tile = grid[corner[0] : corner[0] + 2, corner[1] : corner[1] + 3]
        np.testing.assert_array_equal(tile.ravel(), [252 if at == channel else 0 for at in range(6)])
    assert (grid[6:, 3:] == GAP).all()
    assert (grid[2] == GAP).all()


@pytest.mark.parametrize(("channels", "columns", "options"), [(5, 2, {}), (1, 1, {}), (9, 4, {"maximum_pixels": 100})])
def test_where_each_tile_is_told(draw, channels, columns, options):
    maps = np.zeros((20, 90, channels), np.float32)
    maps[:, 45:] = 1  # each tile is dark on the left, bright on the right
    picture = draw(maps, columns=columns, **options)
    tiles, grid = picture.tiles, numbers_in(picture)
    assert (tiles.count, tiles.columns) == (channels, columns)
    for number in range(channels):
        top, left = (number // columns) * (tiles.height + tiles.gap), (number % columns) * (tiles.width + tiles.gap)
        tile = grid[top : top + tiles.height, left : left + tiles.width]
        assert tile.shape == (tiles.height, tiles.width)
        assert (tile[:, 0] == 0).all()
        assert (tile[:, -1] == 252).all()
    assert (grid != GAP).sum() == channels * tiles.height * tiles.width


def test_only_the_first_channels(draw):
    picture = draw(maps_of(5), channels=3, columns=3)
    assert (picture.height, picture.width) == (2, 11)
    assert "Channels 0 to 2, 3 a row, of 5" in picture.caption
    np.testing.assert_array_equal(numbers_in(picture), numbers_in(draw(maps_of(5)[..., :3], columns=3)))


def test_more_channels_than_there_are(draw):
    assert numbers_in(draw(maps_of(5), channels=99)).shape == numbers_in(draw(maps_of(5))).shape


def test_gaps_are_transparent_and_tiles_are_not(draw, decode):
    alpha = decode(draw(maps_of(5), columns=2), "RGBA")[..., 3]
    assert (alpha[:2, :3] == 255).all()
    assert (alpha[2] == 0).all()
    assert (alpha[6:, 3:] == 0).all()


def test_ends_of_the_colours(draw, decode):
    maps = np.array([[[-3.0], [0.5], [4.0]]], np.float32)
    colours = decode(draw(maps))
    assert tuple(colours[0, 0]) == (68, 1, 84)
    assert tuple(colours[0, 2]) == (253, 231, 36)
    np.testing.assert_array_equal(decode(draw(maps, colours="gray"))[0], [[0] * 3, [128] * 3, [255] * 3])


def test_the_same_maps_give_the_same_bytes(draw):
    assert draw(maps_of(5)).data == draw(maps_of(5).copy()).data


def test_what_the_words_say(draw):
    maps = maps_of(5)
    picture = draw(maps, scale="shared", dead=(1, 3), others=[maps], columns=2)
    assert picture.alt.startswith("NORMAL, conv: 5 feature maps of 2 by 3, values ")
    assert "2 dead" in picture.alt
    assert "all channels on one scale, the same for all cases" in picture.caption
    assert "2 dead, crossed out" in picture.caption
    assert f"{maps.min():.4g} to {maps.max():.4g}" in picture.caption
    assert picture.pixelated


# --- values


def test_channel_scale_by_hand(draw):
    maps = np.zeros((1, 5, 2), np.float32)
    maps[0, :, 0], maps[0, :, 1] = [0, 1, 2, 3, 4], [-10, 10, 0, 5, -5]
    grid = numbers_in(draw(maps, columns=1))
    np.testing.assert_array_equal(grid[0], [0, 63, 126, 189, 252])
    np.testing.assert_array_equal(grid[2], [0, 252, 126, 189, 63])


def test_shared_scale_by_hand(draw):
    maps = np.zeros((1, 3, 2), np.float32)
    maps[0, :, 0], maps[0, :, 1] = [0, 1, 2], [4, 3, 2]
    grid = numbers_in(draw(maps, scale="shared", columns=1))
    np.testing.assert_array_equal(grid[0], [0, 63, 126])
    np.testing.assert_array_equal(grid[2], [252, 189, 126])


@pytest.mark.parametrize("shared_by_cases", [True, False])
def test_standardized_is_the_notebooks_formula(shared_by_cases):
    cases = [maps_of(3, 20, 30, seed) * (seed + 1) + seed for seed in range(2)]
    for maps in cases:
        maps[0, 0], maps[0, 1] = 50, -50  # far outside: clipped
    for at, ranges in enumerate(tile_ranges(cases, "standardized", shared_by_cases=shared_by_cases)):
        values = np.stack(cases) if shared_by_cases else cases[at][None]
        mean, deviation = values.mean(axis=(0, 1, 2)), values.std(axis=(0, 1, 2))
        wanted = np.clip((cases[at] - mean) / deviation * 64 + 128, 0, 255)
        drawn = quantise_tiles(cases[at], ranges, 3).transpose(1, 2, 0) / 252 * 255
        assert np.abs(drawn - wanted).max() <= 255 / 252 / 2 + 1e-3
        assert (drawn[0, 0] == 255).all()
        assert (drawn[0, 1] == 0).all()


def test_range_over_cases_makes_equal_values_equal():
    first = np.array([[[0.0], [1.0], [2.0]]], np.float32)
    second = np.array([[[2.0], [3.0], [4.0]]], np.float32)
    over_cases = tile_ranges([first, second], "channel", shared_by_cases=True)
    np.testing.assert_array_equal(quantise_tiles(first, over_cases[0], 1), [[[0, 63, 126]]])
    np.testing.assert_array_equal(quantise_tiles(second, over_cases[1], 1), [[[126, 189, 252]]])
    each = tile_ranges([first, second], "channel", shared_by_cases=False)
    for maps, ranges in zip((first, second), each, strict=True):
        np.testing.assert_array_equal(quantise_tiles(maps, ranges, 1), [[[0, 126, 252]]])
        assert "all cases" not in ranges.words
    assert "the same for all cases" in over_cases[0].words


@pytest.mark.parametrize("shared_by_cases", [True, False])
def test_one_case_is_shared_with_nobody(shared_by_cases):
    (ranges,) = tile_ranges([maps_of(2)], "channel", shared_by_cases=shared_by_cases)
    assert "all cases" not in ranges.words


def test_cases_of_different_size():
    ranges = tile_ranges([maps_of(2, 2, 3), maps_of(2, 5, 4)], "standardized", shared_by_cases=True)
    assert len(ranges) == 2
    assert ranges[0].low.shape == (2,)


@settings(deadline=None)
@given(
    seed=st.integers(0, 99), scale=st.sampled_from(["channel", "shared", "standardized"]), size=st.integers(1, 6),
    spread=st.sampled_from([1e-30, 1e-3, 1, 1e6, 1e30]),
)  # fmt: skip
def test_brighter_is_larger(seed, scale, size, spread):
    maps = maps_of(2, size, size + 1, seed) * np.float32(spread)
    (ranges,) = tile_ranges([maps], scale, shared_by_cases=True)
    for channel, tile in enumerate(quantise_tiles(maps, ranges, 2)):
        assert tile.max() <= 252
        order = np.argsort(maps[..., channel], axis=None)
        assert (np.diff(tile.ravel()[order].astype(int)) >= 0).all()


def test_a_very_small_range_is_still_a_range(draw):
    maps = np.array([[[0.0], [1e-38], [2e-38]]], np.float32)
    np.testing.assert_array_equal(numbers_in(draw(maps)), [[0, 126, 252]])


# --- dead channels


@pytest.mark.parametrize("scale", ["channel", "standardized", "shared"])
@pytest.mark.parametrize("value", [0, -1, 3e7, 0.1])
def test_dead_channels_are_crossed_out_and_only_they(draw, scale, value):
    maps = maps_of(3, 8, 12)
    maps[..., 1] = value
    grid = numbers_in(draw(maps, scale=scale, dead=(1,), columns=3))
    tiles = [grid[:, left : left + 12] for left in (0, 13, 26)]
    assert [MARK in tile for tile in tiles] == [False, True, False]
    cross = tiles[1] == MARK
    assert cross[0, 0]
    assert cross[7, 11]
    assert cross[0, 11]
    assert cross[7, 0]
    assert cross.sum() < cross.size / 2


def test_the_mark_has_its_own_colour(draw, decode):
    maps = np.zeros((8, 12, 1), np.float32)
    assert tuple(decode(draw(maps, dead=(0,)))[0, 0]) == DEAD


def test_a_dead_channel_that_is_not_drawn(draw):
    maps = maps_of(5)
    assert MARK not in numbers_in(draw(maps, dead=(4,), channels=2))


@pytest.mark.parametrize("scale", ["channel", "standardized", "shared"])
def test_all_dead(draw, scale):
    maps = np.full((4, 6, 3), 0.1, np.float32)
    assert (numbers_in(draw(maps, scale=scale, dead=(0, 1, 2))) == MARK).any()


# --- values that are not numbers


@pytest.mark.parametrize("scale", ["channel", "standardized", "shared"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.finfo(np.float32).min])
def test_what_is_not_a_number_has_its_own_colour_and_changes_no_other(draw, scale, value):
    maps = maps_of(3, 8, 12)
    maps[..., 1] = np.linspace(-1, 1, 96).reshape(8, 12)
    expected = numbers_in(draw(maps, scale=scale, columns=3))
    spoilt = maps.copy()
    spoilt[2:4, 3:8, 1] = value
    grid = numbers_in(draw(spoilt, scale=scale, lost=(1,), columns=3))
    tiles = [grid[:, left : left + 12] for left in (0, 13, 26)]
    assert [LOST in tile for tile in tiles] == [False, True, False]
    assert (tiles[1][2:4, 3:8] == LOST).all()
    assert (tiles[1] == LOST).sum() == 10
    for left in (0, 26):
        np.testing.assert_array_equal(grid[:, left : left + 12], expected[:, left : left + 12])
    if scale != "standardized":  # whose mean is that of what is left
        np.testing.assert_array_equal(tiles[1][tiles[1] != LOST], expected[:, 13:25][tiles[1] != LOST])


@pytest.mark.parametrize("scale", ["channel", "standardized", "shared"])
def test_a_grid_without_numbers(draw, decode, scale):
    maps = np.full((4, 6, 3), np.nan, np.float32)
    picture = draw(maps, scale=scale, lost=(0, 1, 2), maximum_pixels=20)
    assert tuple(decode(picture)[0, 0]) == NOT_A_NUMBER
    assert "nan" not in picture.alt + picture.caption
    assert "3 with values that are not numbers, drawn in purple; none dead" in picture.alt
    assert "no channel of numbers" in picture.caption


@settings(deadline=None)
@given(height=st.integers(1, 30), width=st.integers(1, 30))
def test_the_cross_reaches_all_rows_and_columns(height, width):
    tile = np.zeros((height, width), np.uint8)
    cross_out(tile)
    cross = tile == MARK
    assert cross.any(axis=0).all()
    assert cross.any(axis=1).all()
    np.testing.assert_array_equal(cross, cross[:, ::-1])


# --- large grids


def test_too_many_pixels_are_averaged_over_blocks(draw):
    # two channels of 4 x 6 are 48 pixels; at most 12 means blocks of 2 x 2
    maps = np.zeros((4, 6, 2), np.float32)
    maps[:2, :2, 0] = [[0, 4], [8, 4]]  # mean 4
    maps[2:, 4:, 0] = 8
    picture = draw(maps, scale="shared", columns=2, maximum_pixels=12)
    assert (picture.height, picture.width) == (2, 7)
    np.testing.assert_array_equal(numbers_in(picture)[:, :3], [[126, 0, 0], [0, 0, 252]])
    assert "drawn at 1/2 of its resolution" in picture.caption


def test_at_the_limit_nothing_is_reduced(draw):
    maps = maps_of(2, 4, 6)
    assert draw(maps, maximum_pixels=48).data == draw(maps).data
    assert draw(maps, maximum_pixels=0).data == draw(maps).data


def test_a_rest_at_the_border_is_left_out(draw):
    picture = draw(maps_of(1, 5, 7), maximum_pixels=9)
    assert (picture.height, picture.width) == (2, 3)


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 1, 64), (2, 3, 16), (1, 30, 8)])
def test_maps_smaller_than_the_blocks(draw, height, width, channels):
    picture = draw(maps_of(channels, height, width), maximum_pixels=4)
    assert numbers_in(picture).size > 0
