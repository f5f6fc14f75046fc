from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as PillowImage

from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings
from reportgen.system.errors import ImageError

CUT = ImageSettings(allow_truncated=True)
ON_BLACK = "Transparent parts were composited on black."
DAMAGED = "The file is damaged: its checksums don't fit, so parts of the image may be wrong or missing."
HEIGHT, WIDTH = 12, 20
GRAY, RGB = 0, 2


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(values: np.ndarray, depth: int, *extra: bytes, after: bytes = b"") -> bytes:
    """Write gray ``(H, W)`` or colour ``(H, W, 3)`` of so many bits, with other chunks before or after the pixels."""
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in values]
    else:
        bits = (values.reshape(len(values), -1)[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        rows = [row.tobytes() for row in np.packbits(bits.reshape(len(values), -1).astype(np.uint8), axis=1)]
    kind = GRAY if values.ndim == 2 else RGB
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", pixels), after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def transparent(*values: int) -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def pattern(depth: int, channels: int = 1) -> np.ndarray:
    """Every value of so many bits, or of 16 bits many, with the largest in the first two rows."""
    count, full = HEIGHT * WIDTH * channels, (1 << depth) - 1
    values = np.linspace(0, full - 1, count).round().astype(np.uint16)
    values[: 2 * WIDTH * channels] = full
    return values.reshape((HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels))


# --- transparency


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_gray_is_black(depth):
    full = (1 << depth) - 1
    values = pattern(depth)
    found = decode_image(png(values, depth, transparent(full)), "x")
    assert found.pixels.ndim == 2
    assert found.notes[0] == ON_BLACK
    expected = np.where(values == full, 0, values / full * 255)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3 if depth == 16 else 0)


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_is_black(depth):
    full = (1 << depth) - 1
    values = pattern(depth, 3)
    values[3, 4] = full, full, 0  # this isn't the one
    found = decode_image(png(values, depth, transparent(full, full, full)), "x")
    assert found.notes[0] == ON_BLACK
    gone = (values == full).all(axis=-1, keepdims=True)
    np.testing.assert_allclose(found.pixels, np.where(gone, 0, values / full * 255), atol=1e-3 if depth == 16 else 0)


@pytest.mark.parametrize(("depth", "value"), [(2, 1), (4, 6), (8, 100), (16, 300)])
def test_only_the_value_itself_is_transparent(depth, value):
    full = (1 << depth) - 1
    values = np.resize([value - 1, value, value + 1, full], (HEIGHT, WIDTH))
    found = decode_image(png(values, depth, transparent(value)), "x", ImageSettings(depth="full"))
    np.testing.assert_allclose(found.pixels, np.where(values == value, 0, values / full * 255), atol=1e-3)


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_bits_above_those_of_a_value_say_nothing(depth):
    values = pattern(depth)
    strange = transparent(((1 << depth) - 1) | 0x4000)
    np.testing.assert_array_equal(
        decode_image(png(values, depth, strange), "x").pixels,
        decode_image(png(values, depth, transparent((1 << depth) - 1)), "x").pixels,
    )


@pytest.mark.parametrize("depth", [4, 8, 16])
def test_a_transparent_value_that_is_nowhere_is_no_news(depth):
    values = np.resize([1, 2, (1 << depth) - 1], (HEIGHT, WIDTH))
    found = decode_image(png(values, depth, transparent(3)), "x", ImageSettings(depth="full"))
    np.testing.assert_allclose(found.pixels, values / ((1 << depth) - 1) * 255, atol=1e-3)
    assert ON_BLACK not in found.notes


def test_what_is_transparent_has_no_say_in_the_depth():
    values = pattern(12)
    values[:3] = 65535
    found = decode_image(png(values, 16, transparent(65535)), "x")
    assert found.notes[1].startswith("16-bit values taken as 12 bits")
    np.testing.assert_allclose(found.pixels[3:], values[3:] / 4095 * 255, atol=1e-3)
    assert not found.pixels[:3].any()


# --- checksums


def spoiled(data: bytes, name: bytes) -> bytes:
    """The same with another checksum of one chunk."""
    at = data.index(name)
    end = at + 4 + int.from_bytes(data[at - 4 : at], "big")
    return data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :]


VALUES = pattern(8)
PHYSICAL, TIME = chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)), chunk(b"tIME", bytes(7))
TEXT, EXIF = chunk(b"tEXt", b"Comment\0words"), chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0")
WHOLE = png(VALUES, 8, PHYSICAL, TEXT, after=EXIF + TIME)


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND", b"eXIf", b"pHYs"])
def test_a_wrong_checksum_is_damage(name):
    with pytest.raises(ImageError) as caught:
        decode_image(spoiled(WHOLE, name), "file.png")
    assert str(caught.value) == (
        f"file.png is damaged or truncated (the checksum of its chunk {name.decode()} is wrong); "
        "copy or download it again, or use what is left of it with --allow-truncated"
    )
    found = decode_image(spoiled(WHOLE, name), "file.png", CUT)
    np.testing.assert_array_equal(found.pixels, VALUES)
    assert found.cautions == (DAMAGED,)


@pytest.mark.parametrize("name", [b"tEXt", b"tIME"])
def test_a_wrong_checksum_of_what_is_not_seen_is_none(name):
    """Pillow doesn't look at what comes after the pixels; texts aren't even given to it."""
    found = decode_image(spoiled(WHOLE, name), "x")
    np.testing.assert_array_equal(found.pixels, VALUES)
    assert found.cautions == ()


def test_checksums_that_fit_are_no_news():
    for settings in (None, CUT):
        found = decode_image(WHOLE, "x", settings)
        np.testing.assert_array_equal(found.pixels, VALUES)
        assert (found.notes, found.cautions) == ((), ())


def test_damaged_pixels_whose_checksum_is_wrong():
    at = WHOLE.index(b"IDAT") + 4 + 30
    damaged = WHOLE[:at] + bytes([WHOLE[at] ^ 0xFF]) + WHOLE[at + 1 :]
    with pytest.raises(ImageError, match="the checksum of its chunk IDAT is wrong"):
        decode_image(damaged, "x")


def test_the_second_of_several_chunks_of_pixels():
    raw = zlib.compress(b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in VALUES), 0)
    start, end = WHOLE.index(b"IDAT") - 4, WHOLE.index(b"eXIf") - 4
    split = WHOLE[:start] + chunk(b"IDAT", raw[:50]) + chunk(b"IDAT", raw[50:]) + WHOLE[end:]
    np.testing.assert_array_equal(decode_image(split, "x").pixels, VALUES)
    at = split.rindex(b"IDAT") + 4 + 60
    damaged = split[:at] + bytes([split[at] ^ 0x40]) + split[at + 1 :]
    with pytest.raises(ImageError, match="the checksum of its chunk IDAT is wrong"):
        decode_image(damaged, "x")


def test_pixels_that_fail_their_own_sum():
    """The checksum of the chunk was made after the damage; zlib has one of its own."""
    raw = bytearray(zlib.compress(b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in VALUES), 0))
    raw[60] ^= 0x40
    start, end = WHOLE.index(b"IDAT") - 4, WHOLE.index(b"eXIf") - 4
    with pytest.raises(ImageError, match="is damaged or truncated"):
        decode_image(WHOLE[:start] + chunk(b"IDAT", bytes(raw)) + WHOLE[end:], "x")


@pytest.mark.parametrize("frame", [1, 2])
def test_frames_of_an_animation(frame):
    pictures = [PillowImage.fromarray(values.astype(np.uint8)) for values in (VALUES, VALUES[::-1].copy())]
    buffer = io.BytesIO()
    pictures[0].save(buffer, "PNG", save_all=True, append_images=pictures[1:])
    decode_image(buffer.getvalue(), "x", frame=frame)
    with pytest.raises(ImageError, match="the checksum of its chunk fdAT is wrong"):
        decode_image(spoiled(buffer.getvalue(), b"fdAT"), "x", frame=frame)


@pytest.mark.parametrize("kind", ["ICO", "ICNS"])
def test_a_png_within_another_file(kind):
    buffer = io.BytesIO()
    scene = np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8)
    PillowImage.fromarray(scene).save(buffer, kind, **({"sizes": [(64, 64)]} if kind == "ICO" else {}))
    decode_image(buffer.getvalue(), "x")
    with pytest.raises(ImageError, match="the checksum of its chunk IDAT is wrong"):
        decode_image(spoiled(buffer.getvalue(), b"IDAT"), "x")


def test_a_file_without_its_last_chunk_has_all_its_pixels():
    found = decode_image(WHOLE[: WHOLE.index(b"IEND") - 4], "x")
    np.testing.assert_array_equal(found.pixels, VALUES)
