from __future__ import annotations

import io
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageFile

from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError

CUT = ImageSettings(allow_truncated=True)
Y, X = np.mgrid[0:40, 0:64]
GRAY = (Y * 6 + X % 7).astype(np.uint8)
COLOUR = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], axis=-1).copy()


def encoded(pixels: np.ndarray | PillowImage.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    (PillowImage.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def refused(data: bytes, name: str = "file.png", **options: object) -> str:
    with pytest.raises(ImageError) as caught:
        decode_image(data, name, **options)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    return str(caught.value)


# --- formats


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG2000", {"irreversible": False}, 0),
        ("JPEG2000", {"no_jp2": True}, 0),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, 4),
        ("TGA", {}, 0),
        ("TGA", {"compression": "tga_rle"}, 0),
        ("PCX", {}, 0),
        ("SGI", {}, 0),
        ("PPM", {}, 0),
        ("DDS", {}, 0),
        ("DIB", {}, 0),
        ("ICO", {"sizes": [(64, 40)]}, 0),
    ],
)
def test_formats(kind, options, tolerance):
    found = decode_image(encoded(COLOUR, kind, **options), "x.tga" if kind == "TGA" else "x")
    assert np.abs(found.pixels.astype(int) - COLOUR).max() <= tolerance
    assert found.kind.startswith(kind)


def test_tga_is_told_by_its_end_or_its_name():
    with_footer = encoded(COLOUR, "TGA")
    assert with_footer.endswith(b"TRUEVISION-XFILE.\0")
    assert decode_image(with_footer, "x").pixels.shape == COLOUR.shape
    without = with_footer[:-26]
    assert decode_image(without, "x.TGA").pixels.shape == COLOUR.shape
    assert "not an image" in refused(without, "x")


@pytest.mark.parametrize(
    "head",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"\xd7\xcd\xc6\x9a" + bytes(100),  # WMF
        b"GRIB" + bytes(3) + b"\x01" + bytes(100),
        b"BUFR" + bytes(100),
        b"\x89HDF\r\n\x1a\n" + bytes(100),
        b"SIMPLE  =                    T" + b" " * 3000,
        b"\x00\x00\x01\xb3" + bytes(100),  # MPEG
        b"qoif" + struct.pack(">IIBB", 8, 8, 3, 0) + bytes(100),
    ],
)
def test_formats_that_are_left_out(head):
    refused(head)


def test_16_bit_gray_of_other_formats():
    deep = GRAY.astype(np.uint16) * 200
    for data in (encoded(deep, "JPEG2000"), encoded(deep, "PPM")):
        found = decode_image(data, "x")
        assert found.notes[0].startswith("16-bit values taken over their full range (0 to 65535 became 0 to 255)")
        np.testing.assert_allclose(found.pixels, deep.astype(float) / 257, atol=1e-3)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_of_few_bits(bits):
    values = np.arange(8 * 16).reshape(8, 16) % (1 << bits)
    packed = np.packbits(
        ((values[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(8, -1).astype(np.uint8), axis=1
    )

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 16, 8, bits, 0, 0, 0, 0)
    raw = b"".join(b"\0" + row.tobytes() for row in packed)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(decode_image(data, "x").pixels, values * 255 // ((1 << bits) - 1))


@pytest.mark.parametrize("compression", ["group3", "group4", None])
def test_bilevel_tiff(compression):
    bits = GRAY > 100
    found = decode_image(encoded(bits, "TIFF", compression=compression), "x")
    np.testing.assert_array_equal(found.pixels, bits * 255)


def test_ycbcr_tiff():
    data = encoded(PillowImage.fromarray(COLOUR).convert("YCbCr"), "TIFF")
    assert np.abs(decode_image(data, "x").pixels.astype(int) - COLOUR).max() <= 3


# --- frames

FRAMES = [COLOUR, COLOUR[::-1], COLOUR[:, ::-1]]


def animated(kind: str, **options: object) -> bytes:
    others = [PillowImage.fromarray(frame.copy()) for frame in FRAMES[1:]]
    return encoded(COLOUR, kind, save_all=True, append_images=others, **options)


@pytest.mark.parametrize("frame", [None, 1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("TIFF", {}, 0),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("MPO", {"quality": 100, "subsampling": 0}, 5),
        ("GIF", {}, 90),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, 6),
    ],
)
def test_the_frame_that_is_wanted(kind, options, tolerance, frame):
    data = animated(kind, **options)
    found = decode_image(data, "x", frame=frame)
    assert np.abs(found.pixels.astype(int) - FRAMES[(frame or 1) - 1]).max() <= tolerance
    which = f"frame {frame}" if frame else "the first"
    assert found.notes == (f"The file holds 3 frames; {which} is used.",)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP", "MPO", "GIF", "AVIF"])
def test_frames_that_are_not_there_or_too_many(kind):
    data = animated(kind)
    assert "has no frame 4, it holds 3; choose a frame from 1 to 3" in refused(data, frame=4)
    assert "holds more than 2 frames" in refused(data, limits=LimitSettings(frames=2))


def test_one_frame_has_no_second():
    assert "has no frame 2, it holds 1" in refused(encoded(COLOUR, "BMP"), frame=2)


def test_a_frame_of_the_settings_and_of_the_call():
    data = animated("TIFF")
    second = decode_image(data, "x", ImageSettings(frame=2))
    np.testing.assert_array_equal(second.pixels, FRAMES[1])
    np.testing.assert_array_equal(decode_image(data, "x", ImageSettings(frame=2), frame=3).pixels, FRAMES[2])


def test_a_frame_that_takes_long_to_draw_is_refused():
    others = [PillowImage.fromarray(FRAMES[1 + number % 2].copy()) for number in range(40)]
    animation = encoded(COLOUR, "GIF", save_all=True, append_images=others)
    assert decode_image(animation, "x", frame=30).size == (40, 64)
    small = LimitSettings(pixels=40 * 64)
    assert decode_image(animation, "x", limits=small, frame=20).size == (40, 64)
    assert "comes after too many others" in refused(animation, limits=small, frame=30)


def test_counting_stops_at_the_limit():
    """Frames without number are not followed to their end."""
    first = encoded(PillowImage.new("L", (4, 4)), "GIF")
    start = first.index(b",\0\0\0\0")
    many = first[:start] + first[start:-1] * 5000 + first[-1:]
    assert "holds more than 10 frames" in refused(many, limits=LimitSettings(frames=10))


# --- cut off


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "PPM", "TGA"])
def test_what_is_left_is_used_and_marked(kind):
    whole = encoded(COLOUR, kind, **({"quality": 95} if kind == "JPEG" else {}))
    cut = whole[: len(whole) * 8 // 10]
    name = "x.tga" if kind == "TGA" else "x"
    refused(cut, name)
    if kind == "TGA":
        assert "cut off" in decode_image(cut, name, CUT).cautions[0]
        return
    found = decode_image(cut, name, CUT)
    assert found.size == (40, 64)
    assert found.cautions == (
        "The file is cut off or damaged: a part of the image, mostly the lower one, is missing "
        "(filled with gray or black).",
    )
    rows = slice(34, 40) if kind == "BMP" else slice(0, 6)  # BMP begins at the bottom
    assert np.abs(found.pixels[rows].astype(int) - COLOUR[rows]).mean() < 12


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_a_whole_file_is_not_marked(kind):
    data = encoded(COLOUR, kind)
    assert decode_image(data, "x", CUT).cautions == ()
    np.testing.assert_array_equal(decode_image(data, "x", CUT).pixels, decode_image(data, "x").pixels)


def test_when_nothing_is_left():
    whole = encoded(COLOUR, "PNG")
    assert "damaged or truncated" in refused(whole[: whole.index(b"IDAT") + 6], settings=CUT)


def test_what_pillow_keeps_is_put_back():
    before = ImageFile.LOAD_TRUNCATED_IMAGES, PillowImage.MAX_IMAGE_PIXELS
    cut = encoded(COLOUR, "JPEG", quality=95)[:-300]
    decode_image(cut, "x", CUT, LimitSettings(pixels=5000))
    refused(encoded(COLOUR, "PNG")[:40], settings=CUT)
    assert before == (ImageFile.LOAD_TRUNCATED_IMAGES, PillowImage.MAX_IMAGE_PIXELS)


def test_threads_do_not_disturb_each_other():
    cut, whole, wrong = encoded(COLOUR, "JPEG", quality=95)[:-300], encoded(COLOUR, "PNG"), []

    def work(allowed: bool) -> None:
        for _ in range(30):
            try:
                decode_image(cut, "x", ImageSettings(allow_truncated=allowed))
                wrong.extend([] if allowed else ["used"])
            except ImageError:
                wrong.extend(["refused"] if allowed else [])
            decode_image(whole, "x")

    threads = [threading.Thread(target=work, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- limits


def test_the_limit_of_pixels():
    data = encoded(COLOUR, "PNG")
    assert decode_image(data, "x", limits=LimitSettings(pixels=2560)).size == (40, 64)
    message = refused(data, limits=LimitSettings(pixels=2559))
    assert "larger than 2,559 pixels" in message
    assert "--max-pixels" in message


def test_the_limit_may_be_above_pillows_own(monkeypatch):
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 100)
    assert decode_image(encoded(COLOUR, "PNG"), "x").size == (40, 64)


def claiming(kind: str, side: int) -> bytes:
    """A small file whose header says that it is large."""
    data = encoded(COLOUR, kind, **({"no_jp2": True} if kind == "JPEG2000" else {}))
    if kind == "JPEG":
        place = data.index(b"\xff\xc0") + 5
        return data[:place] + struct.pack(">HH", side, side) + data[place + 4 :]
    place = data.index(struct.pack(">II", 64, 40))
    return data[:place] + struct.pack(">II", side, side) + data[place + 8 :]


@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000"])
def test_a_claim_that_so_few_bytes_can_not_hold(kind):
    assert "it claims 9999 x 9999 pixels and holds" in refused(claiming(kind, 9999))


def test_a_photograph_of_one_colour_is_no_bomb():
    data = encoded(PillowImage.new("L", (4000, 3000), 90), "JPEG", quality=1, optimize=True)
    assert decode_image(data, "x").size == (3000, 4000)


def test_passes_without_number():
    whole = encoded(COLOUR, "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    assert "more than 500 passes" in refused(whole[:-2] + whole[last:-2] * 600 + whole[-2:])
