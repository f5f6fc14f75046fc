from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.figures.heatmaps import (
    Ranges,
    image_picture,
    importance_overlay,
    important_part,
    montage,
    montage_choice,
    score_map,
    shared_ranges,
    strongest_patch,
)

HEIGHT, WIDTH = 20, 40
RANGES = Ranges((0.0, 1.0), 0.6, 0.6)


@pytest.fixture(params=[1, 3], ids=["gray", "colour"])
def image(request) -> np.ndarray:
    """An even mid-gray image, as one channel or three."""
    return np.full((HEIGHT, WIDTH, request.param), 100, np.uint8)


@pytest.fixture
def importance() -> np.ndarray:
    """Importance that is 0.6 in the lower right, -0.6 in the upper left and 0 elsewhere."""
    values = np.zeros((HEIGHT, WIDTH))
    values[10:, 30:], values[:5, :10] = 0.6, -0.6
    return values


# --- ranges


def test_ranges_hold_all_cases(scan_of):
    first = scan_of(((0.2, 0.3, 0.4),) * 2, (-0.5, 0.1))
    second = scan_of(((0.1, 0.3, 0.9),) * 2, (-0.1, 0.3))
    assert shared_ranges([first, second]) == Ranges((0.1, 0.9), 0.5, 0.3)
    assert shared_ranges([second]) == Ranges((0.1, 0.9), 0.3, 0.3)


def test_several_scans_whose_scores_hardly_move_are_shown_by_their_evidence(scan_of, image):
    flat = scan_of(((0.98, 0.981, 0.982),) * 2, (-0.5, 0.1), count=2)
    moving = scan_of(((0.1, 0.3, 0.9),) * 2, (-0.5, 0.1), count=2)
    assert shared_ranges([flat, moving]) == Ranges((1.0, 9.82), 0.5, 0.1, True)
    assert not shared_ranges([moving]).evidence
    assert not shared_ranges([scan_of(((0.98, 0.981, 0.982),) * 2, (-0.5, 0.1))]).evidence  # one patch, as set
    picture = score_map("s", "NORMAL", flat, shared_ranges([flat, moving]), "viridis")
    assert "evidence of PNEUMONIA" in picture.alt
    assert "9.800 to 9.820 bits" in picture.alt


@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_next_to_no_spread_is_not_stretched(scan_of, noise):
    found = shared_ranges([scan_of(((0.5, 0.5, 0.5), (0.5, 0.5 + noise, 0.5)), (0.0, noise))])
    low, high = found.positions
    assert high - low >= 0.99e-6
    assert low < 0.5 < high
    assert found.importance == 1e-6


def test_pictures_of_next_to_no_importance_show_the_image(scan_of, image, decode):
    noise = np.zeros((HEIGHT, WIDTH))
    noise[10:, 30:] = 1e-10
    found = scan_of(((0.5,) * 3,) * 2, (0.0, 1e-10))
    ranges = shared_ranges([found])
    shown = decode(importance_overlay("g", "NORMAL", image, noise, found, ranges, "RdBu_r"))
    assert np.abs(shown.astype(int) - 100).max() <= 3
    left = decode(important_part("l", "NORMAL", image, noise, ranges))
    assert left.max() <= 3


# --- montage


@pytest.mark.parametrize("count", [1, 7, 32])
def test_a_montage_shows_all_up_to_32(count):
    assert montage_choice(count) == list(range(count))


@given(count=st.integers(33, 100_000))
def test_of_many_32_evenly_spread(count):
    chosen = montage_choice(count)
    assert len(set(chosen)) == 32
    assert chosen == sorted(chosen)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    steps = np.diff(chosen)
    assert steps.max() - steps.min() <= 1


def test_the_montage_is_read_row_by_row(decode):
    images = [np.full((HEIGHT, WIDTH, 3), 20 * number, np.uint8) for number in range(10)]
    picture = montage("m", "NORMAL", images, 25)
    shown = decode(picture)
    assert shown.shape[:2] == (2 * HEIGHT + 3, 8 * WIDTH + 7 * 3)
    for number in range(10):
        row, column = divmod(number, 8)
        middle = shown[row * (HEIGHT + 3) + HEIGHT // 2, column * (WIDTH + 3) + WIDTH // 2]
        assert np.abs(middle.astype(int) - 20 * number).max() <= 5
    assert shown[-HEIGHT // 2, -WIDTH // 2].min() >= 250  # no tile there: paper
    assert "10 of 25 occluded inputs" in picture.alt
    assert "all 10" in montage("m", "NORMAL", images, 10).alt


def test_the_tiles_of_a_montage_are_small_and_keep_their_aspect():
    picture = montage("m", "NORMAL", [np.zeros((200, 400, 1), np.uint8)] * 2, 2)
    assert (picture.height, picture.width) == (56, 2 * 112 + 3)


# --- pictures of the image


def test_the_input_is_shown_as_it_is(picture, decode):
    shown = image_picture("i", "NORMAL", picture)
    assert (shown.height % 24, shown.width % 36) == (0, 0)
    factor = shown.height // 24
    assert shown.height >= 300
    small = decode(shown)[factor // 2 :: factor, factor // 2 :: factor]
    assert np.abs(small.astype(int) - picture).mean() < 6
    assert "24 by 36 pixels" in shown.alt


def test_a_large_input_is_not_enlarged():
    shown = image_picture("i", "NORMAL", np.zeros((300, 500, 1), np.uint8))
    assert (shown.height, shown.width) == (300, 500)


def test_float_pixels_are_rounded_and_clipped(decode):
    pixels = np.full((HEIGHT, WIDTH, 1), 99.6, np.float32)
    pixels[:, 20:] = 300
    shown = decode(image_picture("i", "NORMAL", pixels))
    assert abs(int(shown[10, 10, 0]) - 100) <= 2
    assert shown[10, -10, 0] >= 253


@pytest.mark.parametrize("title", ["NORMAL", "PNEUMONIA"])
def test_strongest_patch_is_outlined_at_its_place(scan_of, image, decode, title):
    found = scan_of()
    picture = strongest_patch("s", title, image, found)
    shown = decode(picture).astype(int)
    factor = picture.height // HEIGHT
    assert picture.width == WIDTH * factor
    yellow = (shown[..., 0] > 200) & (shown[..., 2] < 110)
    rows, columns = np.flatnonzero(yellow.any(axis=1)), np.flatnonzero(yellow.any(axis=0))
    # the patch: rows 8 to 13 and columns 24 to 33; its frame lies inside, after one black line
    assert abs(rows[0] - 8 * factor) <= 3
    assert abs(rows[-1] - 14 * factor) <= 3
    assert abs(columns[0] - 24 * factor) <= 3
    assert abs(columns[-1] - 34 * factor) <= 3
    assert np.abs(shown[11 * factor, 29 * factor] - 100).max() <= 4  # the image shows inside
    assert np.abs(shown[: 7 * factor] - 100).max() <= 4  # and outside
    assert np.abs(shown[:, : 23 * factor] - 100).max() <= 4
    assert f"{title}: covering the outlined patch at row 8, column 24 lowers the evidence for PNEUMONIA" in picture.alt


def test_a_patch_that_raises_the_score_says_so(scan_of, image):
    assert (
        "raises the evidence for PNEUMONIA most, by 0.300 bits"
        in strongest_patch("s", "N", image, scan_of(importance=(0, -0.3))).alt
    )


def test_only_the_important_part_is_left(image, importance, decode):
    picture = important_part("l", "NORMAL", image, importance / 2, RANGES)
    shown, factor = decode(picture).astype(int), picture.height // HEIGHT
    # half of the largest importance: a quarter of the brightness
    assert np.abs(shown[11 * factor :, 31 * factor :] - 25).max() <= 4
    assert shown[: 8 * factor, : 28 * factor].max() <= 4  # negative and zero are gone
    assert important_part("l", "NORMAL", image, importance, RANGES).alt.endswith("12% of its area.")


def test_importance_lays_colours_where_they_belong(scan_of, image, importance, decode):
    picture = importance_overlay("g", "NORMAL", image, importance, scan_of(), RANGES, "RdBu_r")
    shown, factor = decode(picture).astype(int), picture.height // HEIGHT
    # at full magnitude: four fifths of the end of the colour map, one fifth of the image
    for rows, columns, end in ((12, 35, (103, 0, 31)), (2, 4, (5, 48, 97))):
        wanted = 0.8 * np.array(end) + 20
        assert np.abs(shown[rows * factor, columns * factor] - wanted).max() <= 6
    assert np.abs(shown[15 * factor, 10 * factor] - 100).max() <= 4
    # the first of two places of the same magnitude
    assert "strongest at row 0, column 0 of 20 by 40" in picture.alt
    assert "-0.200 to 0.600" in picture.alt
    scale = picture.scale
    assert (scale.low, scale.high, scale.label) == (-RANGES.importance, RANGES.importance, "importance (bits)")
    assert (scale.colours[0], scale.colours[16], scale.colours[-1]) == ("#053061", "#f7f6f6", "#67001f")
    assert scale.middle == "0 · importance (bits)"


# --- what the patch makes of the score at each position


def test_score_map_tells_the_lowest_place(scan_of, decode):
    picture = score_map("s", "NORMAL", scan_of(), RANGES, "viridis")
    assert decode(picture).shape[2] == 3
    assert "score of PNEUMONIA for 2 by 3 patch positions" in picture.alt
    assert "lowest with the patch at row 8, column 24" in picture.alt
    assert "untouched: 0.700" in picture.caption


def test_score_map_has_rows_down_and_columns_across(scan_of, decode):
    picture = score_map("s", "N", scan_of(((0.5, 0.5, 0.0), (0.5, 0.9, 0.5))), Ranges((0.0, 0.9), 1.0, 1.0), "viridis")
    shown = decode(picture)
    side = shown.shape[0] // 2
    assert shown.shape == (2 * side, 3 * side, 3)
    assert (shown[:side, 2 * side :] == (68, 1, 84)).all()  # the lowest: the upper row, the last column
    assert np.abs(shown[side:, side : 2 * side].astype(int) - (253, 231, 37)).max() <= 1  # the highest
    assert (shown[:side, :side] == shown[side:, 2 * side :]).all()
    assert (picture.scale.low, picture.scale.high, picture.scale.label) == (0.0, 0.9, "score of PNEUMONIA")


def test_colours_are_shared_by_cases(scan_of, decode):
    ranges = Ranges((0.0, 1.0), 1.0, 1.0)
    first = decode(score_map("s", "N", scan_of(((0.5,) * 3,) * 2), ranges, "viridis"))
    second = decode(score_map("s", "N", scan_of(((0.5, 0.5, 0.5), (1.0, 0.5, 0.5))), ranges, "viridis"))
    corner = first.shape[0] // 4, first.shape[1] // 3
    np.testing.assert_array_equal(first[corner], second[corner])


def test_no_importance_at_all_gives_a_picture_without_warnings(scan_of, image, decode):
    found = scan_of(((0.5,) * 3,) * 2, (0.0, 0.0))
    ranges = shared_ranges([found])
    nothing = np.zeros((HEIGHT, WIDTH))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = (
            score_map("s", "N", found, ranges, "viridis"),
            importance_overlay("i", "N", image, nothing, found, ranges, "RdBu_r"),
            important_part("l", "N", image, nothing, ranges),
            strongest_patch("p", "N", image, found),
        )
    for picture in pictures:
        assert decode(picture).size > 0
        assert "nan" not in picture.alt + picture.caption


@pytest.mark.parametrize("scores", [((0.5, math.nan, 0.7), (0.4, 0.6, 0.8)), ((math.nan,) * 3,) * 2])
def test_positions_without_a_number(scan_of, image, decode, scores):
    known = bool(np.isfinite(scores).any())
    found = scan_of(scores, (-0.1, 0.3) if known else (0.0, 0.0))
    ranges = shared_ranges([found])
    importance = np.full((HEIGHT, WIDTH), np.nan)
    importance[:5] = 0.2 if known else np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = (
            score_map("s", "N", found, ranges, "viridis"),
            importance_overlay("i", "N", image, importance, found, ranges, "RdBu_r"),
            important_part("l", "N", image, importance, ranges),
            strongest_patch("p", "N", image, found),
        )
    for picture in pictures:
        assert decode(picture).size > 0
        assert "nan" not in picture.alt + picture.caption
    lost = f"at {1 if known else 6} of them it is not a number, where nothing is drawn."
    assert pictures[0].alt.endswith(lost)
    assert ("0.400 to 0.800; lowest with the patch at row 8, column 0" in pictures[0].alt) is known


@pytest.mark.parametrize("target", ["a$b$c", "$\\frac{$", "50 $", "$$", "_{^", "<b>&amp;", "肺炎"])
def test_any_class_name_can_be_drawn(scan_of, decode, target):
    picture = score_map("s", "N", scan_of(target=target), RANGES, "viridis")
    assert decode(picture).size > 0
    assert f"score of {target} for" in picture.alt


def test_the_same_numbers_give_the_same_bytes(scan_of, image, importance):
    for draw in (
        lambda: score_map("s", "N", scan_of(), RANGES, "viridis"),
        lambda: importance_overlay("i", "N", image, importance, scan_of(), RANGES, "RdBu_r"),
        lambda: strongest_patch("p", "N", image, scan_of()),
    ):
        assert draw().data == draw().data
