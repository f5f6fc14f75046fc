from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from reportgen.images.resizing import as_channels, cropped_size, fit_image, padded_size, resize


@pytest.mark.parametrize("how", ["nearest", "box", "bilinear", "bicubic", "lanczos"])
def test_resize_is_pillows_and_height_comes_first(picture, how):
    resized = resize(picture, (10, 50), how)
    wanted = PillowImage.fromarray(picture).resize((50, 10), PillowImage.Resampling[how.upper()])
    np.testing.assert_array_equal(resized, np.asarray(wanted))


def test_resize_by_hand():
    # each value is the mean of a block of 2 x 3
    pixels = np.zeros((4, 6), np.uint8)
    pixels[:2, :3], pixels[2:, 3:] = 60, 120
    np.testing.assert_array_equal(resize(pixels, (2, 2), "box"), [[60, 0], [0, 120]])


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)])
def test_resize_of_floats_keeps_fractions(shape):
    pixels = np.zeros(shape, np.float32)
    pixels[:2, :3] = 0.25
    pixels[0, 0] = 0.75
    resized = resize(pixels, (2, 2), "box")
    assert resized.dtype == np.float32
    assert resized.shape == (2, 2, *shape[2:])
    np.testing.assert_allclose(resized[0, 0], (5 * 0.25 + 0.75) / 6, rtol=1e-6)
    np.testing.assert_array_equal(resized[1], 0)


@pytest.mark.parametrize("how", ["bicubic", "lanczos"])
def test_resize_of_floats_does_not_overshoot(how):
    edge = np.zeros((8, 12), np.float32)
    edge[:, 6:] = 255
    resized = resize(edge, (20, 31), how)
    assert resized.min() == 0
    assert resized.max() == 255


def test_resize_to_the_same_size_changes_nothing(picture):
    np.testing.assert_array_equal(resize(picture, (24, 36), "lanczos"), picture)


def test_gray_is_repeated():
    gray = np.arange(24, dtype=np.uint8).reshape(4, 6)
    colour = as_channels(gray, 3)
    assert colour.shape == (4, 6, 3)
    for channel in range(3):
        np.testing.assert_array_equal(colour[..., channel], gray)
    np.testing.assert_array_equal(as_channels(gray, 1), gray[..., None])


@pytest.mark.parametrize(("kind", "tolerance"), [(np.uint8, 0.5), (np.float32, 1e-3)])
def test_luminance_by_hand(kind, tolerance):
    pixels = np.zeros((4, 6, 3), kind)
    pixels[0, 0], pixels[0, 1], pixels[0, 2], pixels[3, 5] = (200, 0, 0), (0, 200, 0), (0, 0, 200), (10, 20, 30)
    gray = as_channels(pixels, 1)
    assert gray.shape == (4, 6, 1)
    for (row, column), value in {(0, 0): 59.8, (0, 1): 117.4, (0, 2): 22.8, (3, 5): 18.15, (2, 2): 0}.items():
        assert gray[row, column, 0] == pytest.approx(value, abs=tolerance)


def test_colour_stays_colour(picture):
    np.testing.assert_array_equal(as_channels(picture, 3), picture)


# --- aspect

SIDE = st.integers(1, 90)
TALL = np.repeat(np.arange(1, 13, dtype=np.uint8)[:, None] * 20, 4, axis=1)  # 12 x 4: each row its own gray


def test_pad_by_hand():
    padded = fit_image(TALL, (6, 10), "box", "pad")
    assert padded.shape == (6, 10)
    # half as large: 2 columns, with 4 of black to each side
    assert not padded[:, :4].any()
    assert not padded[:, 6:].any()
    np.testing.assert_array_equal(padded[:, 4], [30, 70, 110, 150, 190, 230])


def test_crop_by_hand():
    cropped = fit_image(TALL, (4, 4), "box", "crop")
    # the middle 4 of 12 rows
    np.testing.assert_array_equal(cropped[:, 0], [100, 120, 140, 160])


@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_type_and_dimensions_stay(aspect, kind, channels):
    pixels = np.full((9, 30, *channels), 77, kind)
    fitted = fit_image(pixels, (20, 12), "bilinear", aspect)
    assert fitted.shape == (20, 12, *channels)
    assert fitted.dtype == kind
    assert set(np.unique(fitted)) == ({0, 77} if aspect == "pad" else {77})


@given(SIDE, SIDE, SIDE, SIDE)
def test_what_is_kept_and_filled_for_any_size(height, width, wanted_height, wanted_width):
    source, size = (height, width), (wanted_height, wanted_width)
    rows, columns = cropped_size(source, size)
    assert 1 <= rows <= height
    assert 1 <= columns <= width
    assert rows == height or columns == width
    inner = padded_size(source, size)
    assert 1 <= inner[0] <= wanted_height
    assert 1 <= inner[1] <= wanted_width
    assert inner[0] == wanted_height or inner[1] == wanted_width
    # as near to the aspect as whole pixels come
    assert abs(rows * wanted_width - columns * wanted_height) <= max(wanted_width, wanted_height)
    assert abs(inner[0] * width - inner[1] * height) <= max(width, height)


@pytest.mark.parametrize("aspect", ["stretch", "pad", "crop"])
def test_the_same_aspect_is_the_same_in_every_way(picture, aspect):
    np.testing.assert_array_equal(fit_image(picture, (12, 18), "box", aspect), resize(picture, (12, 18), "box"))
