from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as PillowImage

from reportgen.images.reader import decode_image


@pytest.mark.parametrize("kind", ["PNG gray and alpha", "PNG RGB", "PNG RGBA", "TIFF RGB"])
def test_16_bit_colour_keeps_its_low_bytes(kind):
    """Twelve bits in sixteen: the high bytes alone would leave sixteen gray values."""
    rng = np.random.default_rng(8)
    values = rng.integers(0, 4096, (6, 9, 3)).astype(">u2")
    values[0, 0], values[0, 1] = 0, 4095
    read = decode_image(sixteen_bits(kind, values), "deep")
    wanted = values if "gray" not in kind else values[..., 0]
    np.testing.assert_allclose(read.pixels, wanted.astype(float) / 4095 * 255, atol=1e-3)
    assert "16-bit values taken as 12 bits (0 to 4095 became 0 to 255)" in read.notes[0]
    assert read.notes[0].endswith("Keras's and Pillow's loaders would take the full range.")


@pytest.mark.parametrize("kind", ["PNG gray and alpha", "PNG RGB", "PNG RGBA", "TIFF RGB"])
def test_the_full_range_is_what_pillow_gives_but_for_fractions(kind):
    values = np.random.default_rng(8).integers(0, 65536, (6, 9, 3)).astype(">u2")
    data = sixteen_bits(kind, values)
    read = decode_image(data, "deep")
    wanted = values if "gray" not in kind else values[..., 0]
    np.testing.assert_allclose(read.pixels, wanted.astype(float) / 257, atol=1e-3)
    assert read.notes[0].startswith("16-bit values taken over their full range (0 to 65535 became 0 to 255)")
    assert "loaders" not in read.notes[0]
    by_pillow = np.asarray(PillowImage.open(io.BytesIO(data)).convert("L" if "gray" in kind else "RGB"))
    assert np.abs(read.pixels - by_pillow).max() < 1


def sixteen_bits(kind: str, values: np.ndarray) -> bytes:
    """Write what Pillow can't: PNG by hand, TIFF as one raw strip."""
    height, width = values.shape[:2]
    if kind.startswith("TIFF"):
        pixels = values.astype("<u2").tobytes()
        entries = [(256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 2), (273, 4, 8),
                   (277, 3, 3), (278, 3, height), (279, 4, len(pixels))]  # fmt: skip
        table = b"".join(struct.pack("<HHII", tag, form, 1, value) for tag, form, value in entries)
        table = table.replace(struct.pack("<HHII", 258, 3, 1, 16), struct.pack("<HHII", 258, 3, 3, 0))
        start = 8 + len(pixels)
        depths = start + 2 + len(table) + 4
        table = table.replace(struct.pack("<HHII", 258, 3, 3, 0), struct.pack("<HHII", 258, 3, 3, depths))
        header = b"II*\0" + struct.pack("<I", start)
        return header + pixels + struct.pack("<H", len(entries)) + table + b"\0" * 4 + struct.pack("<3H", 16, 16, 16)
    opaque = np.full((height, width, 1), 65535, ">u2")
    layout = {"PNG gray and alpha": (4, [values[..., :1], opaque]), "PNG RGB": (2, [values]),
              "PNG RGBA": (6, [values, opaque])}  # fmt: skip
    colour, planes = layout[kind]
    rows = np.concatenate(planes, axis=-1).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def test_16_bit_colour_with_alpha():
    """Half transparent: half as bright."""
    values = np.zeros((6, 9, 3), ">u2")
    values[:, 1:] = 65535
    data = sixteen_bits("PNG RGBA", values)
    assert len(decode_image(data, "deep").notes) == 1
    rows = np.concatenate([values, np.full((6, 9, 1), 32768, ">u2")], axis=-1).astype(">u2")
    rows[:, 2, 3] = 65535
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    packed = zlib.compress(raw)
    chunk = struct.pack(">I", len(packed)) + b"IDAT" + packed + struct.pack(">I", zlib.crc32(b"IDAT" + packed))
    found = decode_image(data[:start] + chunk + data[end:], "deep")
    assert found.notes[0] == "Transparent parts were composited on black."
    assert found.pixels[0, 2, 0] == 255
    assert found.pixels[0, 3, 0] == pytest.approx(127.5, abs=0.01)


@pytest.mark.parametrize("orientation", [6, 8])
def test_16_bit_colour_is_turned_upright(orientation):
    values = np.arange(6 * 9 * 3, dtype=">u2").reshape(6, 9, 3) * 300
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    data = sixteen_bits("PNG RGB", values)
    at = data.index(b"IDAT") - 4
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    found = decode_image(data[:at] + chunk + data[at:], "deep")
    turned = np.rot90(values, -1 if orientation == 6 else 1)
    np.testing.assert_allclose(found.pixels, turned.astype(float) / 65535 * 255, atol=1e-3)
