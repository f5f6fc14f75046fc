from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.errors import ImageError
from reportgen.inputs.images import decode_image
from reportgen.settings import LimitSettings

Y, X = np.mgrid[0:20, 0:36]
GRAY = (Y * 36 + X).astype(np.uint16)  # 0 to 719
COLOUR = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], axis=-1).copy()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def scaled(values: np.ndarray) -> np.ndarray:
    real = values.astype(np.float64)
    return (real - real.min()) / (real.max() - real.min()) * 255


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(pixels, -1, 0).copy()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "kind", ["int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]
)
def test_gray_of_every_type(kind, order):
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max) if "int" in kind else (-1000, 3000)
    values = np.linspace(float(low) * 0.999, float(high) * 0.999, 720).reshape(20, 36).astype(kind)
    found = decode_image(tiff(values, photometric="minisblack", byteorder=order), "x")
    assert found.pixels.dtype == np.float32
    np.testing.assert_allclose(found.pixels, scaled(values), atol=2e-3)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_white_is_zero(kind):
    values = (GRAY % 256).astype(kind)
    found = decode_image(tiff(values, photometric="miniswhite"), "x")
    np.testing.assert_allclose(found.pixels, 255 - (values if kind == "uint8" else scaled(values)), atol=2e-3)


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
def test_packed_bits(bits):
    values = (GRAY % (1 << bits)).astype(np.uint16 if bits > 8 else np.uint8)
    found = decode_image(tiff(values, photometric="minisblack", bitspersample=bits), "x")
    np.testing.assert_allclose(found.pixels, scaled(values), atol=1)


LAYOUTS = [
    {}, {"compression": "zlib", "predictor": True}, {"compression": "lzw"}, {"tile": (16, 16)},
    {"tile": (16, 16), "compression": "zlib"}, {"compression": "zstd"}, {"compression": "packbits"},
    {"bigtiff": True}, {"rowsperstrip": 3},
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_colour_in_every_layout(layout, order, planar, kind):
    colour = (COLOUR % 256 if kind == "uint8" else COLOUR * 3).astype(kind)
    stored = planes(colour) if planar == "separate" else colour
    found = decode_image(tiff(stored, photometric="rgb", planarconfig=planar, byteorder=order, **layout), "x")
    np.testing.assert_allclose(found.pixels, colour if kind == "uint8" else scaled(colour), atol=1e-3)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_alpha(kind):
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    colour = (COLOUR % 200 / 200 * full).astype(kind)
    alpha = np.full((20, 36, 1), full, kind)
    alpha[:, :9] = 0
    data = tiff(np.concatenate([colour, alpha], axis=-1), photometric="rgb", extrasamples=["unassalpha"])
    found = decode_image(data, "x")
    shown = colour.astype(float) * (alpha > 0)
    np.testing.assert_allclose(found.pixels, shown if kind == "uint8" else scaled(shown), atol=1)
    assert "Transparent parts were composited on black." in found.notes


def test_gray_with_alpha_of_16_bits():
    stored = np.stack([GRAY * 60, np.full_like(GRAY, 65535)], axis=-1)
    found = decode_image(
        tiff(stored, photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig"), "x"
    )
    np.testing.assert_allclose(found.pixels, scaled(GRAY), atol=1e-3)


@pytest.mark.parametrize("frame", [1, 2, 3])
@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_pages(frame, kind):
    pages = np.stack([(GRAY % 251).astype(kind), np.full(GRAY.shape, 7, kind), (GRAY[::-1] % 241).astype(kind)])
    data = tiff(pages, photometric="minisblack", metadata=None)
    found = decode_image(data, "x", frame=frame)
    page = pages[frame - 1]
    expected = page if kind == "uint8" else np.zeros_like(page) if frame == 2 else scaled(page)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3)
    assert found.notes[0] == f"The file holds 3 frames; frame {frame} is used."
    with pytest.raises(ImageError, match="has no frame 4, it holds 3"):
        decode_image(data, "x", frame=4)
    with pytest.raises(ImageError, match="more than 2 frames"):
        decode_image(data, "x", limits=LimitSettings(frames=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_the_same_by_either_library(orientation):
    small = (GRAY % 251).astype(np.uint8)
    by_pillow, by_tifffile = (
        decode_image(tiff(pixels, extratags=[(274, 3, 1, orientation, True)], photometric="minisblack"), "x")
        for pixels in (small, small.astype(np.float64))
    )
    np.testing.assert_allclose(by_tifffile.pixels, scaled(by_pillow.pixels), atol=1e-3)


@pytest.mark.parametrize(
    ("pixels", "options", "told"),
    [
        (np.zeros((5, 7, 5), np.uint16), {"photometric": "minisblack", "planarconfig": "contig"}, "5 channels"),
        (np.zeros((5, 7, 3), np.uint16), {"photometric": "cielab"}, "3 channels (CIELAB), 16 bits each"),
        (np.zeros((5, 7), np.complex64), {}, "not real"),
        (COLOUR[:5, :7].astype(np.uint8), {"photometric": "rgb", "compression": "jpeg2000"}, "compression (34712)"),
    ],
)
def test_what_can_not_be_read(pixels, options, told):
    with pytest.raises(ImageError) as caught:
        decode_image(tiff(pixels, **options), "odd.tif")
    assert told in str(caught.value)
    assert "odd.tif" in str(caught.value)


def test_limits_come_before_decoding():
    with pytest.raises(ImageError, match=r"larger than 700 pixels \(36 x 20 pixels\)"):
        decode_image(tiff(GRAY.astype(np.float64)), "x", limits=LimitSettings(pixels=700))


@pytest.mark.parametrize("missing", ["tifffile", "imagecodecs"])
def test_without_the_extra(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImageError, match="more libraries; pip install 'imagecodecs>="):
        decode_image(tiff(GRAY.astype(np.float64)), "x")
    assert decode_image(tiff(GRAY), "x").pixels.shape == GRAY.shape  # Pillow's own


SAMPLES = [
    tiff(GRAY[:6, :9].astype(np.float64), compression="zlib"),
    tiff(planes(COLOUR[:6, :9]), photometric="rgb", planarconfig="separate"),
    tiff(COLOUR[:20, :20].astype(np.float32), photometric="rgb", tile=(16, 16), compression="lzw"),
    tiff(GRAY[:6, :9], bitspersample=10),
]


@settings(deadline=None, max_examples=200)
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
    cut=st.none() | st.integers(0, 2000),
)
def test_any_damage_to_a_valid_file(sample, changes, cut):
    damaged = bytearray(sample)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    try:
        found = decode_image(bytes(damaged[:cut]), "x", limits=LimitSettings(pixels=1_000_000))
    except ImageError as refusal:
        assert "\n" not in str(refusal)
    else:
        assert np.isfinite(found.pixels).all()
