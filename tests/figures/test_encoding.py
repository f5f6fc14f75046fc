from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from reportgen.figures.colours import colour_table
from reportgen.figures.encoding import chart_png, jpeg, palette_png, png
from reportgen.system.errors import SettingsError

PALETTE = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 8, 7)], np.uint8)
INDEXES = np.array([[0, 1, 2, 3, 3], [3, 3, 0, 0, 1]], np.uint8)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_indexes_and_palette_come_back():
    image = opened(palette_png(INDEXES, PALETTE))
    assert (image.format, image.mode, image.size) == ("PNG", "P", (5, 2))
    np.testing.assert_array_equal(np.asarray(image), INDEXES)
    np.testing.assert_array_equal(np.reshape(image.getpalette()[:12], (4, 3)), PALETTE)
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), PALETTE[INDEXES])


def test_one_index_is_transparent():
    colours = np.asarray(opened(palette_png(INDEXES, PALETTE, transparent=2)).convert("RGBA"))
    np.testing.assert_array_equal(colours[..., 3], np.where(INDEXES == 2, 0, 255))
    np.testing.assert_array_equal(colours[INDEXES != 2][:, :3], PALETTE[INDEXES[INDEXES != 2]])


@settings(deadline=None)
@given(
    indexes=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    palette=hnp.arrays(np.uint8, (256, 3)),
    transparent=st.none() | st.integers(0, 255),
)
def test_any_palette_picture_comes_back(indexes, palette, transparent):
    colours = np.asarray(opened(palette_png(indexes, palette, transparent=transparent)).convert("RGBA"))
    np.testing.assert_array_equal(colours[..., :3], palette[indexes])
    np.testing.assert_array_equal(colours[..., 3], np.where(indexes == transparent, 0, 255))


def test_a_sheet_larger_than_one_chunk(random):
    indexes = random.integers(0, 256, (300, 700), dtype=np.uint8)
    data = palette_png(indexes, random.integers(0, 256, (256, 3), dtype=np.uint8))
    assert data.count(b"IDAT") > 1
    np.testing.assert_array_equal(np.asarray(opened(data)), indexes)


@pytest.mark.parametrize("shape", [(5, 9), (5, 9, 3), (5, 9, 4)])
def test_png_is_without_loss(random, shape):
    pixels = random.integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(png(pixels))), pixels)


@pytest.mark.parametrize("shape", [(16, 32), (16, 32, 3)])
def test_jpeg_is_close(shape):
    pixels = np.full(shape, 200, np.uint8)
    pixels[:, 16:] = 40
    image = opened(jpeg(pixels))
    assert image.format == "JPEG"
    assert np.abs(np.asarray(image).astype(int) - pixels).max() <= 6


def test_the_same_array_gives_the_same_bytes(picture):
    for encode in (png, jpeg, lambda pixels: palette_png(pixels[..., 0], np.arange(768).reshape(256, 3) % 256)):
        assert encode(picture) == encode(picture.copy())


def test_ends_of_viridis():
    table = colour_table("viridis", 253)
    assert table.shape == (253, 3)
    assert tuple(table[0]) == (68, 1, 84)
    assert tuple(table[-1]) == (253, 231, 36)


def test_gray_goes_from_black_to_white():
    np.testing.assert_allclose(colour_table("gray"), np.repeat(np.arange(256)[:, None], 3, axis=1), atol=1)


@pytest.mark.parametrize(("name", "told"), [("virdis", "did you mean 'viridis'?"), ("zzzzzz", "for example viridis")])
def test_unknown_colour_maps(name, told):
    with pytest.raises(SettingsError) as caught:
        colour_table(name)
    assert f"'{name}'" in str(caught.value)
    assert told in str(caught.value)


def seen(image: Image.Image, behind: int) -> np.ndarray:
    """What is seen of a picture before black or white, in floating point."""
    colours = np.asarray(image.convert("RGBA"), np.float64)
    opacity = colours[..., 3:] / 255
    return colours[..., :3] * opacity + behind * (1 - opacity)


def test_a_chart_of_few_colours_is_without_loss(random):
    few = random.integers(0, 256, (200, 4), dtype=np.uint8)
    few[:, 3] = 255
    pixels = few[random.integers(0, 200, (30, 50))]
    image = opened(chart_png(pixels))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), pixels)


def test_a_chart_of_many_near_colours_shifts_none_visibly():
    down, across = np.mgrid[0:80, 0:120]
    pixels = np.stack([2 * down, down, across, 255 - across], axis=-1).astype(np.uint8)
    image, original = opened(chart_png(pixels)), Image.fromarray(pixels)
    assert image.mode == "P"
    for behind in (0, 255):
        assert np.abs(seen(image, behind) - seen(original, behind)).max() <= 2 * 12.5


def test_a_chart_of_too_many_colours_keeps_them_all(random):
    pixels = random.integers(0, 256, (40, 60, 4), dtype=np.uint8)
    image = opened(chart_png(pixels))
    assert image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(image), pixels)
