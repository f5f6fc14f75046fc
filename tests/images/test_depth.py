from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from reportgen.images.depth import scale_by_depth
from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings
from reportgen.system.errors import ImageError

SHARES = np.linspace(0, 1, 24 * 36).reshape(24, 36)  # evenly from nothing to all
CUT = "Keras's and Pillow's loaders would show all above 255 as white."
AS_THEY_ARE = "Keras's and Pillow's loaders would take them as they are, white being 255."


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("highest", "white", "told"),
    [
        (65535, 65535, "taken over their full range (0 to 65535 became 0 to 255)"),
        (40000, 65535, "taken over their full range (0 to 65535 became 0 to 255)"),
        (16600, 65535, "taken over their full range (0 to 65535 became 0 to 255)"),
        (4095, 4095, "taken as 12 bits (0 to 4095 became 0 to 255)"),
        (1100, 4095, "taken as 12 bits (0 to 4095 became 0 to 255)"),
        (255, 255, "used as they are (0 to 255)"),
        (80, 255, "used as they are (0 to 255)"),
    ],
)
def test_the_range_that_fits(highest, white, told):
    values = np.rint(SHARES * highest).astype(np.uint16)
    found = decode_image(png(values), "x")
    np.testing.assert_allclose(found.pixels, values / white * 255, atol=1e-3)
    assert found.notes[0].startswith(f"16-bit values {told}, since they go up to ")
    assert found.notes[0].endswith(CUT) == (highest > 255)


@pytest.mark.parametrize(
    ("highest", "empty"), [(16383, "their full range"), (9000, "their full range"), (1023, "12 bits"), (50, "8 bits")]
)
def test_what_fills_no_range_is_stretched(highest, empty):
    """14 and 10 bits, and labels; at either end 4 of 864 values are left out of account."""
    values = np.rint(SHARES * highest).astype(np.uint16)
    ordered = np.sort(values, axis=None)
    low, high = float(ordered[4]), float(ordered[-5])
    found = decode_image(png(values), "x")
    np.testing.assert_allclose(found.pixels, np.clip((values - low) / (high - low) * 255, 0, 255), atol=1e-3)
    assert found.notes[0].startswith(
        f"16-bit values stretched for this image alone ({low:g} to {high:g} became 0 to 255), "
        f"since they go up to {high:g}, which leaves most of {empty} empty."
    )
    assert found.notes[0].endswith(CUT if highest > 255 else AS_THEY_ARE)


@pytest.mark.parametrize("highest", [255, 1023, 4000, 9000])
@pytest.mark.parametrize("shape", [(24, 36), (6, 9)])
def test_one_bright_pixel_decides_nothing(highest, shape):
    values = np.rint(np.linspace(0, 1, shape[0] * shape[1]).reshape(shape) * highest).astype(np.uint16)
    bright = values.copy()
    bright[-1, -1] = 65535  # where the brightest was
    without, with_it = decode_image(png(values), "x"), decode_image(png(bright), "x")
    np.testing.assert_array_equal(with_it.pixels[:-1], without.pixels[:-1])
    assert with_it.pixels[-1, -1] == 255
    assert "outside became 0 or 255" in with_it.notes[0]


def test_marks_of_a_few_pixels_decide_nothing():
    values = np.rint(SHARES * 4000).astype(np.uint16)
    marked = values.copy()
    marked[0, :4] = 65535
    np.testing.assert_array_equal(decode_image(png(marked), "x").pixels[1:], decode_image(png(values), "x").pixels[1:])
    assert " 4 values outside became 0 or 255." in decode_image(png(marked), "x").notes[0]


@pytest.mark.parametrize(
    ("depth", "white", "told"),
    [
        ("full", 65535, "taken over their full range (0 to 65535 became 0 to 255), as was set."),
        ("12", 4095, "taken as 12 bits (0 to 4095 became 0 to 255), as was set. 431 values outside became 0 or 255."),
    ],
)
def test_a_range_that_is_set(depth, white, told):
    values = np.rint(SHARES * 8175).astype(np.uint16)
    found = decode_image(png(values), "x", ImageSettings(depth=depth))
    np.testing.assert_allclose(found.pixels, np.clip(values / white * 255, 0, 255), atol=1e-3)
    assert told in found.notes[0]


def test_stretching_that_is_set():
    values = np.rint(100 + SHARES * 60000).astype(np.uint16)
    found = decode_image(png(values), "x", ImageSettings(depth="stretch"))
    assert (found.pixels.min(), found.pixels.max()) == (0, 255)
    assert "stretched for this image alone" in found.notes[0]
    assert "as was set" in found.notes[0]


def test_8_bits_have_no_depth_to_choose():
    gray = np.rint(SHARES * 50).astype(np.uint8)
    for depth in ("auto", "full", "12", "stretch"):
        found = decode_image(png(gray), "x", ImageSettings(depth=depth))
        np.testing.assert_array_equal(found.pixels, gray)
        assert found.notes == ()


@pytest.mark.parametrize("kind", ["int16", "int32", "uint32", "int64"])
@pytest.mark.parametrize(("highest", "white"), [(4000, 4095), (200, 255)])
def test_other_whole_numbers_have_the_same_ranges(kind, highest, white):
    values = np.rint(SHARES * highest).astype(kind)
    pixels, _ = scale_by_depth(values, "x", "auto")
    np.testing.assert_allclose(pixels, values / white * 255, atol=1e-3)


def test_16_bits_in_32():
    values = np.rint(SHARES * 60000).astype(np.int32)
    pixels, note = scale_by_depth(values, "x", "auto")
    np.testing.assert_allclose(pixels, values / 257, atol=1e-3)
    assert "32-bit values taken as 16 bits (0 to 65535 became 0 to 255)" in note


@pytest.mark.parametrize(("bits", "white"), [(10, 1023), (12, 4095), (14, 16383)])
def test_a_file_that_states_its_bits_is_believed(bits, white):
    values = np.rint(SHARES * white * 0.9).astype(np.uint16)
    pixels, note = scale_by_depth(values, "x", "auto", bits=bits)
    np.testing.assert_allclose(pixels, values / white * 255, atol=1e-3)
    assert note.startswith(f"{bits}-bit values taken over their full range (0 to {white} became 0 to 255)")


@pytest.mark.parametrize(
    ("highest", "white", "told"),
    [
        (1, 1, "Floats taken as fractions (0 to 1 became 0 to 255)"),
        (0.4, 1, "Floats taken as fractions (0 to 1 became 0 to 255)"),
        (255, 255, "Floats used as they are (0 to 255)"),
        (90, 255, "Floats used as they are (0 to 255)"),
    ],
)
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_floats(kind, highest, white, told):
    values = (SHARES * highest).astype(kind)
    for depth in ("auto", "full"):
        pixels, note = scale_by_depth(values, "x", depth)
        np.testing.assert_allclose(pixels, values / white * 255, atol=1e-3)
        assert note.startswith(told)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 0.1), (0, 20), (0, 3000), (1000, 3000)])
def test_floats_that_fill_no_range_are_stretched(low, high):
    values = low + SHARES * (high - low)
    ordered = np.sort(values, axis=None)
    pixels, note = scale_by_depth(values, "x", "auto")
    expected = (values - ordered[4]) / (ordered[-5] - ordered[4]) * 255
    np.testing.assert_allclose(pixels, np.clip(expected, 0, 255), atol=1e-3)
    assert note.startswith("Floats stretched for this image alone")


def test_floats_have_no_full_range():
    _, note = scale_by_depth(SHARES * 3000, "x", "full")
    assert "since floats like these have no full range" in note


def test_one_value_everywhere():
    assert not scale_by_depth(np.full((4, 6), 777, np.uint16), "x", "auto")[0].any()
    assert not scale_by_depth(np.full((4, 6), -3.5), "x", "auto")[0].any()


def test_no_finite_value():
    with pytest.raises(ImageError, match="x holds no finite value"):
        scale_by_depth(np.full((4, 6), np.nan), "x", "auto")


@given(
    values=st.lists(st.integers(-(2**31), 2**31 - 1) | st.floats(width=32), min_size=16, max_size=40),
    kind=st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64", "bool"]),
    depth=st.sampled_from(["auto", "full", "12", "stretch"]),
)
def test_whatever_the_values_pixels_are_from_0_to_255(values, kind, depth):
    with np.errstate(all="ignore"):
        array = np.array(values[: len(values) // 4 * 4], np.float64).astype(kind).reshape(4, -1)
    try:
        pixels, note = scale_by_depth(array, "x", depth)
    except ImageError:
        assert not np.isfinite(array).any()
        return
    assert pixels.dtype == np.float32
    assert pixels.shape == array.shape
    assert pixels.min() >= 0
    assert pixels.max() <= 255
    assert note.endswith(".")
