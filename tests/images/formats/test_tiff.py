from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError

FULL, CUT = ImageSettings(depth="full"), ImageSettings(allow_truncated=True)
Y, X = np.mgrid[0:20, 0:36]
GRAY = (Y * 36 + X).astype(np.uint16)  # 0 to 719
COLOUR = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], axis=-1).copy()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def full(values: np.ndarray) -> np.ndarray:
    """What the whole range of their type makes of values; floats are fractions."""
    if values.dtype.kind == "f":
        return values.astype(np.float64) * 255
    low, high = (np.iinfo(values.dtype).min if values.min() < 0 else 0), np.iinfo(values.dtype).max
    return (values.astype(np.float64) - low) / (float(high) - low) * 255


def fractions(pixels: np.ndarray, kind: str) -> np.ndarray:
    """Values up to 719 as they are, or divided by 719 where the type is of floats."""
    return (pixels / 719).astype(kind) if "float" in kind else pixels.astype(kind)


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(pixels, -1, 0).copy()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "kind", ["int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]
)
def test_gray_of_every_type(kind, order):
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max) if "int" in kind else (0, 1)
    values = np.linspace(float(low) * 0.999, float(high) * 0.999, 720).reshape(20, 36).astype(kind)
    found = decode_image(tiff(values, photometric="minisblack", byteorder=order), "x", FULL)
    assert found.pixels.dtype == np.float32
    np.testing.assert_allclose(found.pixels, full(values), atol=2e-3)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_white_is_zero(kind):
    values = fractions(GRAY % 256, kind)
    found = decode_image(tiff(values, photometric="miniswhite"), "x", FULL)
    np.testing.assert_allclose(found.pixels, 255 - full(values), atol=2e-3)


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
def test_packed_bits(bits):
    values = (GRAY % (1 << bits)).astype(np.uint16 if bits > 8 else np.uint8)
    found = decode_image(tiff(values, photometric="minisblack", bitspersample=bits), "x", FULL)
    np.testing.assert_allclose(found.pixels, values.astype(float) / ((1 << bits) - 1) * 255, atol=0.01)


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
    colour = fractions(COLOUR % 256 if kind == "uint8" else COLOUR, kind)
    stored = planes(colour) if planar == "separate" else colour
    found = decode_image(tiff(stored, photometric="rgb", planarconfig=planar, byteorder=order, **layout), "x", FULL)
    np.testing.assert_allclose(found.pixels, full(colour), atol=1e-3)


ON_BLACK, LEFT_OUT = "Transparent parts were composited on black.", "It has another channel, which was left out."


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint32", "float32"])
@pytest.mark.parametrize("meaning", ["unassalpha", "assocalpha", "unspecified"])
def test_alpha(kind, channels, meaning):
    """The left quarter isn't there, the next one is half there; uint32 and floats are read by tifffile."""
    whole = 1 if kind == "float32" else np.iinfo(kind).max
    colour = (COLOUR[..., :channels] / 719 * whole * 0.999).astype(kind)
    share = np.ones((20, 36, 1))
    share[:, :9], share[:, 9:18] = 0, 0.5
    alpha = (share * whole).astype(kind)
    shown = full(colour) * share
    # what is associated was multiplied in when it was stored
    stored = (shown / 255 * whole).astype(kind) if meaning == "assocalpha" else colour
    layout = {"photometric": "rgb" if channels == 3 else "minisblack", "planarconfig": "contig"}
    found = decode_image(tiff(np.concatenate([stored, alpha], axis=-1), extrasamples=[meaning], **layout), "x", FULL)
    expected = full(colour) if meaning == "unspecified" else shown
    np.testing.assert_allclose(found.pixels, expected.squeeze(), atol=1.01)
    assert (ON_BLACK in found.notes, LEFT_OUT in found.notes) == (meaning != "unspecified", meaning == "unspecified")


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("meaning", ["unassalpha", "assocalpha"])
def test_alpha_that_is_opaque_everywhere_is_no_news(kind, meaning):
    whole = 1 if kind == "float32" else np.iinfo(kind).max
    stored = np.concatenate([COLOUR / 719 * whole, np.full((20, 36, 1), whole)], axis=-1).astype(kind)
    found = decode_image(tiff(stored, photometric="rgb", extrasamples=[meaning]), "x", FULL)
    np.testing.assert_allclose(found.pixels, full(stored[..., :3]), atol=1)
    assert ON_BLACK not in found.notes


@pytest.mark.parametrize("frame", [1, 2, 3])
@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_pages(frame, kind):
    pages = np.stack([GRAY % 251, np.full(GRAY.shape, 7), GRAY[::-1] % 241]).astype(kind)
    pages = pages / 719 if kind == "float64" else pages
    data = tiff(pages, photometric="minisblack", metadata=None)
    found = decode_image(data, "x", FULL, frame=frame)
    np.testing.assert_allclose(found.pixels, full(pages[frame - 1]), atol=1e-3)
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
    # from 0 to 250: floats like these are used as they are
    np.testing.assert_array_equal(by_tifffile.pixels, by_pillow.pixels)


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


# --- damaged


def part(data: bytes, number: int) -> tuple[int, int]:
    """Where a strip or tile of the first page is stored."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        return page.dataoffsets[number], page.databytecounts[number]


def spoiled(data: bytes, number: int) -> bytes:
    """The same with one strip or tile overwritten."""
    at, count = part(data, number)
    return data[:at] + bytes(range(255, -1, -1)) * (count // 256) + b"\xff" * (count % 256) + data[at + count :]


@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64"])
def test_of_a_damaged_strip_the_others_are_left(kind, compression):
    """The first two kinds are Pillow's, which gives up on the whole; what is left is read by tifffile."""
    noise = np.random.default_rng(4).integers(0, 200, (20, 36))
    values = (noise / 200 if kind == "float64" else noise).astype(kind)
    data = spoiled(tiff(values, photometric="minisblack", compression=compression, rowsperstrip=5), 2)
    with pytest.raises(ImageError, match=r"damaged or truncated .* use what is left of it with --allow-truncated"):
        decode_image(data, "x", FULL)
    found = decode_image(data, "x", ImageSettings(depth="full", allow_truncated=True))
    assert found.cautions[0].startswith("The file is cut off or damaged")
    np.testing.assert_allclose(found.pixels[:10], full(values)[:10], atol=1e-3)
    np.testing.assert_allclose(found.pixels[15:], full(values)[15:], atol=1e-3)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_what_is_left_of_a_file_that_was_cut_off(kind, planar):
    colour = fractions(COLOUR % 256 if kind == "uint8" else COLOUR, kind)
    layout = {"photometric": "rgb", "planarconfig": planar, "rowsperstrip": 4}
    whole = tiff(planes(colour) if planar == "separate" else colour, **layout)
    cut = whole[: len(whole) * 3 // 4]
    with pytest.raises(ImageError, match="--allow-truncated"):
        decode_image(cut, "x", FULL)
    found = decode_image(cut, "x", ImageSettings(depth="full", allow_truncated=True))
    assert found.cautions[0].startswith("The file is cut off or damaged")
    # stored together, each row has all colours; in planes, the last one is what is missing
    left = (slice(0, 12), slice(None)) if planar == "contig" else (slice(None), slice(None), slice(0, 2))
    np.testing.assert_allclose(found.pixels[left], full(colour)[left], atol=1e-3)


def test_tiles_that_are_damaged_are_black():
    values = GRAY / 719
    data = spoiled(tiff(values, tile=(16, 16), compression="zlib"), 1)
    found = decode_image(data, "x", CUT)
    expected = full(values)
    expected[:16, 16:32] = 0
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3)


@pytest.mark.parametrize("compression", [None, "jpeg", "tiff_lzw", "tiff_adobe_deflate"])
def test_a_damaged_ycbcr_tiff_is_called_damaged(compression):
    """Only Pillow reads these; libtiff goes on without a word after a strip of them that it can't unpack."""
    colour = PillowImage.fromarray((COLOUR % 256).astype(np.uint8)).convert("YCbCr")
    buffer = io.BytesIO()
    colour.save(buffer, "TIFF", compression=compression)
    whole = buffer.getvalue()
    cut = whole[: len(whole) // 2]
    # of what isn't packed, any bytes are pixels
    for data in (cut, spoiled(whole, 0)) if compression else (cut,):
        with pytest.raises(ImageError, match="is damaged or truncated"):
            decode_image(data, "x")
    assert decode_image(whole, "x").kind.startswith("TIFF")


def test_a_tiff_whose_directory_is_cut_off():
    whole = tiff(GRAY, photometric="minisblack")
    start = int.from_bytes(whole[4:8], "little")
    with pytest.raises(ImageError, match="is damaged or truncated") as caught:
        decode_image(whole[: start + 1], "x")
    assert "--allow-truncated" not in str(caught.value)


def test_libtiff_says_nothing_of_its_own(capfd):
    data = spoiled(tiff(GRAY, photometric="minisblack", compression="zlib"), 0)
    with pytest.raises(ImageError):
        decode_image(data, "x")
    assert capfd.readouterr().err == ""


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
