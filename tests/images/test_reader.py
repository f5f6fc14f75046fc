from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from reportgen.images.reader import decode_image, image_from_array, read_image
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError
from reportgen.workflows.pipeline import build_report

SCENE = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
TRANSPARENT = "Transparent parts were composited on black."
UPRIGHT = "Turned upright as its EXIF orientation says."


def encoded(picture: PillowImage.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = PillowImage.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(orientation: int) -> PillowImage.Exif:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    return exif


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


def refused(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# --- formats and modes


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("BMP", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 100, "subsampling": 0}, 4),
    ],
)
def test_formats_of_colour(picture, kind, options, tolerance):
    read = decode_image(encoded(picture, kind, **options), "x")
    assert read.size == (24, 36)
    assert read.pixels.dtype == np.uint8
    assert np.abs(read.pixels.astype(int) - picture).max() <= tolerance
    assert read.kind == f"{kind}, RGB"
    assert read.notes == ()


def test_webp_with_loss():
    halves = np.zeros((16, 32, 3), np.uint8)
    halves[:, 16:] = (200, 100, 50)
    read = decode_image(encoded(halves, "WEBP", quality=90), "x")
    assert np.abs(read.pixels[:, 20:].astype(int) - (200, 100, 50)).max() <= 6
    assert read.pixels[:, :12].max() <= 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "JPEG"])
def test_gray_stays_gray(kind):
    gray = np.array([[0, 50, 100, 150, 200], [255, 9, 8, 7, 6], [1, 2, 3, 4, 5], [90, 91, 92, 93, 94]], np.uint8)
    read = decode_image(encoded(gray, kind, **({"quality": 100} if kind == "JPEG" else {})), "x")
    assert read.pixels.shape == (4, 5)
    assert np.abs(read.pixels.astype(int) - gray).max() <= (3 if kind == "JPEG" else 0)
    assert read.kind == f"{kind}, gray 8 bit"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_twelve_bits_in_sixteen(kind):
    stored = np.full((4, 5), 100, np.uint16)
    stored[1], stored[3, 4] = 4000, 2050
    read = decode_image(encoded(stored, kind), "x")
    assert read.pixels.dtype == np.float32
    np.testing.assert_allclose(read.pixels, stored.astype(float) / 4095 * 255, atol=1e-4)
    assert read.kind == f"{kind}, gray 16 bit"
    assert read.notes == (
        "16-bit values taken as 12 bits (0 to 4095 became 0 to 255), since they go up to 4000. "
        "Keras's and Pillow's loaders would show all above 255 as white.",
    )


def test_32_bit_integers_with_negative_values():
    stored = np.full((4, 6), -500, np.int32)
    stored[0], stored[3, 0] = 1500, 500
    read = decode_image(encoded(stored, "TIFF"), "x")
    assert read.kind == "TIFF, gray 32 bit"
    assert read.pixels[0, 5] == 255
    assert read.pixels[3, 0] == 127.5
    assert read.pixels[1, 1] == 0
    assert read.notes[0].startswith(
        "32-bit values stretched for this image alone (-500 to 1500 became 0 to 255), since they go from -500 to 1500."
    )


def test_float_with_values_that_are_not_finite():
    stored = np.full((4, 6), -1, np.float32)
    stored[0], stored[3, 0] = 3, 1
    stored[2, 2], stored[2, 3] = np.nan, np.inf
    read = decode_image(encoded(stored, "TIFF"), "x")
    assert read.kind == "TIFF, gray float"
    assert read.pixels[0, 5] == 255
    assert read.pixels[3, 0] == 127.5
    assert read.pixels[2, 2] == read.pixels[2, 3] == 0
    assert read.notes[0].startswith("Floats stretched for this image alone (-1 to 3 became 0 to 255)")
    assert read.notes[0].endswith(" 2 values that are not finite were set to 0.")


def test_no_finite_value_at_all_names_the_file(tmp_path):
    path = tmp_path / "all-nan.tiff"
    path.write_bytes(encoded(np.full((4, 6), np.nan, np.float32), "TIFF"))
    assert "no finite value" in refused(path)


def test_one_bit():
    bits = np.zeros((5, 7), bool)
    bits[1, 2] = bits[4, 6] = True
    read = decode_image(encoded(PillowImage.fromarray(bits), "PNG"), "x")
    assert read.kind == "PNG, 1 bit"
    np.testing.assert_array_equal(read.pixels, bits.astype(np.uint8) * 255)


def test_cmyk_by_hand():
    inks = np.zeros((4, 6, 4), np.uint8)
    inks[:, :2] = (0, 255, 255, 0)  # magenta and yellow: red
    inks[:, 2:4] = (255, 0, 0, 0)  # cyan
    inks[:, 4:] = (0, 0, 0, 255)  # black
    read = decode_image(encoded(PillowImage.fromarray(inks, "CMYK"), "TIFF"), "x")
    assert read.kind == "TIFF, CMYK"
    assert read.notes == ("Converted from CMYK to RGB.",)
    for column, colour in ((0, (255, 0, 0)), (2, (0, 255, 255)), (4, (0, 0, 0))):
        assert tuple(read.pixels[3, column]) == colour


def test_cmyk_jpeg():
    red = PillowImage.new("CMYK", (24, 16), (0, 255, 255, 0))
    read = decode_image(encoded(red, "JPEG", quality=100), "x")
    assert np.abs(read.pixels.astype(int) - (255, 0, 0)).max() <= 3


def palette_picture() -> PillowImage.Image:
    picture = PillowImage.fromarray(np.array([[0, 1, 2, 0, 1]] * 4, np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    return picture


def test_palette():
    read = decode_image(encoded(palette_picture()), "x")
    assert read.kind == "PNG, palette"
    assert read.notes == ()
    np.testing.assert_array_equal(read.pixels[2], [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 0), (0, 255, 0)])


def test_palette_with_transparency_on_black():
    read = decode_image(encoded(palette_picture(), transparency=b"\xff\x33\x00"), "x")
    # index 0 is opaque, 1 a fifth (51 / 255), 2 not there at all
    np.testing.assert_array_equal(read.pixels[2, :3], [(255, 0, 0), (0, 51, 0), (0, 0, 0)])
    assert read.notes == (TRANSPARENT,)


def test_gray_with_alpha_on_black_stays_gray():
    layers = np.zeros((4, 5, 2), np.uint8)
    layers[:, 0], layers[:, 1], layers[:, 2] = (200, 255), (200, 51), (200, 0)
    read = decode_image(encoded(PillowImage.fromarray(layers, "LA")), "x")
    assert read.pixels.shape == (4, 5)
    assert list(read.pixels[0, :3]) == [200, 40, 0]
    assert read.notes == (TRANSPARENT,)


def test_gray_with_one_transparent_value():
    gray = np.array([[7, 8, 9, 10, 11]] * 4, np.uint8)
    read = decode_image(encoded(gray, transparency=8), "x")
    assert list(read.pixels[3]) == [7, 0, 9, 10, 11]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_colour_with_alpha_on_black(kind):
    layers = np.zeros((4, 5, 4), np.uint8)
    layers[:, 0], layers[:, 1] = (100, 200, 50, 255), (100, 200, 50, 51)
    read = decode_image(encoded(layers, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {})), "x")
    np.testing.assert_array_equal(read.pixels[1, :3], [(100, 200, 50), (20, 40, 10), (0, 0, 0)])
    assert read.notes == (TRANSPARENT,)


def test_opaque_alpha_changes_nothing():
    layers = np.concatenate([SCENE, np.full((6, 9, 1), 255, np.uint8)], axis=-1)
    read = decode_image(encoded(layers), "x")
    np.testing.assert_array_equal(read.pixels, SCENE)
    assert read.notes == ()


# --- orientation and frames

UPRIGHT_FROM_STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_every_orientation_is_made_upright(orientation, kind):
    read = decode_image(encoded(SCENE, kind, exif=oriented(orientation)), "x")
    np.testing.assert_array_equal(read.pixels, UPRIGHT_FROM_STORED[orientation](SCENE))
    assert read.notes == ((UPRIGHT,) if orientation > 1 else ())


def test_orientation_of_a_photograph():
    blocks = np.zeros((16, 32, 3), np.uint8)
    blocks[:8, :8] = 255  # upper left
    read = decode_image(encoded(blocks, "JPEG", quality=95, exif=oriented(6)), "x")
    assert read.size == (32, 16)
    assert read.pixels[:8, 8:].mean() > 250  # a quarter turn clockwise sends it to the upper right
    assert read.pixels[8:].mean() < 5


def test_orientation_of_16_bit():
    stored = np.arange(4 * 6, dtype=np.uint16).reshape(4, 6) * 1000
    read = decode_image(encoded(stored, "PNG", exif=oriented(8)), "x")
    np.testing.assert_allclose(read.pixels, np.rot90(stored) / 257, rtol=1e-5)


@pytest.mark.parametrize("orientation", [0, 9])
def test_an_orientation_that_does_not_exist_turns_nothing_and_says_nothing(orientation):
    read = decode_image(encoded(SCENE, exif=oriented(orientation)), "x")
    np.testing.assert_array_equal(read.pixels, SCENE)
    assert read.notes == ()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG", "WEBP", "MPO"])
def test_the_first_of_several_frames(kind):
    first, second = PillowImage.new("RGB", (18, 12), (250, 0, 0)), PillowImage.new("RGB", (18, 12), (0, 0, 250))
    read = decode_image(encoded(first, kind, save_all=True, append_images=[second]), "x")
    assert read.size == (12, 18)
    assert np.abs(read.pixels.astype(int) - (250, 0, 0)).max() <= 4
    assert read.notes == ("The file holds 2 frames; the first is used.",)


# --- files that are no images


def test_missing(tmp_path):
    assert "not found" in refused(tmp_path / "nowhere.png")


def test_folder(tmp_path):
    assert "is a folder, not an image" in refused(tmp_path)


def test_empty(tmp_path):
    path = tmp_path / "empty.png"
    path.touch()
    assert "0 bytes" in refused(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated(tmp_path, picture, kind, share):
    path = tmp_path / f"cut.{kind.lower()}"
    whole = encoded(picture, kind)
    path.write_bytes(whole[: int(len(whole) * share)])
    assert refused(path)


def test_truncation_is_told(tmp_path, picture):
    path = tmp_path / "cut.jpeg"
    path.write_bytes(encoded(picture, "JPEG")[:-100])
    assert "damaged or truncated" in refused(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"These are words, not pixels.\n", "a text file"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n", "git lfs pull"),
        (b"\x00\x01\x02\x03" * 50, "not an image"),
        (b"\x89PNG\r\n\x1a\n", "begins as a PNG image and can't be read"),
        (b"GIF89a\x00", "begins as a GIF image and can't be read"),
        (b"II*\x00", "damaged or truncated"),
    ],
)
def test_named_png_but_something_else(tmp_path, content, told):
    path = tmp_path / "named.png"
    path.write_bytes(content)
    assert told in refused(path)


def test_a_line_break_in_the_name_still_gives_one_line(tmp_path):
    path = tmp_path / "two\nlines.png"
    path.write_bytes(b"words")
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (40, 3)])
def test_too_small(tmp_path, size):
    path = tmp_path / "tiny.png"
    path.write_bytes(encoded(PillowImage.new("L", size)))
    assert f"{size[0]} x {size[1]} pixels" in refused(path)


def test_smallest_size_that_is_taken():
    assert decode_image(encoded(np.zeros((4, 4), np.uint8)), "x").size == (4, 4)


@pytest.mark.parametrize("side", [10_001, 60_000, 2**31 - 1])
def test_a_header_that_claims_a_huge_size(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    assert "larger than 100,000,000 pixels" in refused(path)


def test_formats_that_are_not_wanted_are_refused():
    with pytest.raises(ImageError, match="give a PNG, JPEG, TIFF, BMP, WebP or DICOM"):
        decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n\x80", "x.eps")


def test_not_readable(tmp_path, save_image):
    path = save_image()
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads everything")
    assert "can't be read" in refused(path)


def test_digest_is_of_the_file(save_image):
    path = save_image("image.png")
    assert read_image(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_path_may_be_a_string(save_image, picture):
    np.testing.assert_array_equal(read_image(str(save_image("image.png"))).pixels, picture)


# --- damaged bytes


def _samples() -> list[bytes]:
    turned = oriented(6)
    turned[0x010E] = "words"
    return [
        encoded(SCENE, "PNG", exif=turned),
        encoded(palette_picture(), "PNG", transparency=b"\xff\x33"),
        encoded(SCENE, "JPEG", exif=turned),
        encoded(SCENE, "JPEG", progressive=True),
        encoded(SCENE, "MPO", save_all=True, append_images=[PillowImage.fromarray(SCENE[::-1])]),
        encoded(SCENE, "TIFF", exif=turned),
        encoded(SCENE, "TIFF", compression="tiff_lzw"),
        encoded(SCENE, "TIFF", save_all=True, append_images=[PillowImage.fromarray(SCENE[::-1])]),
        encoded(SCENE[..., 0].astype(np.float32), "TIFF"),
        encoded(SCENE[..., 0].astype(np.uint16), "PNG"),
        encoded(SCENE, "BMP"),
        encoded(SCENE, "WEBP", lossless=True, exif=turned),
        encoded(SCENE, "GIF", save_all=True, append_images=[PillowImage.fromarray(SCENE[::-1])]),
        encoded(SCENE, "PPM"),
    ]


SAMPLES = _samples()


def survives(data: bytes) -> None:
    """Whatever the bytes are: an image, or an ImageError of one line that names the file, and no flag in vain."""
    # a lower limit, since a header of a few bytes may claim 100 million pixels, which takes seconds to fill
    limits = LimitSettings(pixels=100_000)
    try:
        read = decode_image(data, "file.png", limits=limits)
    except ImageError as refusal:
        message = str(refusal)
        assert "file.png" in message
        assert "\n" not in message
        helps = True
        try:
            assert decode_image(data, "file.png", ImageSettings(allow_truncated=True), limits).cautions
        except ImageError as again:
            helps = False
            assert "--allow-truncated" not in str(again)
        # where a copy as text is told of, that isn't what should be done about it
        assert ("--allow-truncated" in message) == helps or "binary mode" in message
    else:
        assert min(read.size) >= 4
        assert read.pixels.shape[2:] in ((), (3,))
        assert read.pixels.min() >= 0
        assert read.pixels.max() <= 255


@settings(deadline=None, max_examples=150)
@given(
    data=st.binary(max_size=300), start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"BM"])
)
def test_any_bytes(start, data):
    survives(start + data)


@settings(deadline=None, max_examples=400)
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
    cut=st.none() | st.integers(0, 2000),
)
def test_any_damage_to_a_valid_file(sample, changes, cut):
    damaged = bytearray(sample)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    survives(bytes(damaged[:cut]))


@pytest.mark.parametrize("frame", [0, 1])
def test_a_tiff_whose_compression_is_unknown(frame):
    whole = encoded(SCENE, "TIFF", save_all=True, append_images=[PillowImage.fromarray(SCENE[::-1])])
    entry = struct.pack("<HHI", 259, 3, 1)  # tag Compression, type SHORT, one value
    assert whole.count(entry) == 2
    place = (whole.index(entry) if frame == 0 else whole.rindex(entry)) + len(entry)
    survives(whole[:place] + struct.pack("<H", 48442) + whole[place + 2 :])


def test_a_gif_whose_second_frame_is_cut_off():
    first, second = PillowImage.fromarray(SCENE).quantize(), PillowImage.fromarray(SCENE[::-1]).quantize()
    whole = encoded(first, "GIF", save_all=True, append_images=[second])
    descriptor = whole.rindex(b"\x21\xf9\x04") + 8 + 1  # a graphic control block of 8 bytes, then ","
    survives(whole[: descriptor + 3])


def test_a_photograph_whose_exif_is_damaged():
    exif = oriented(6)
    exif[0x010E] = "words"
    whole = encoded(SCENE, "JPEG", exif=exif)
    entry = bytes.fromhex("010e 0002 00000006")  # ImageDescription: ASCII, 6 letters
    assert whole.count(entry) == 1
    # now it says that the words are six numbers
    survives(whole.replace(entry, bytes.fromhex("0201 0002 00000006")))


# --- arrays


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3)])
def test_arrays_as_images(shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    made = image_from_array(pixels, kind="phantom", notes=("Drawn.",))
    np.testing.assert_array_equal(made.pixels, pixels.squeeze())
    assert (made.kind, made.notes, made.size) == ("phantom", ("Drawn.",), (4, 6))


def test_float_arrays_stay_float():
    made = image_from_array(np.full((4, 6), 12.25))
    assert made.pixels.dtype == np.float32
    assert (made.pixels == 12.25).all()


def test_equal_arrays_have_equal_digests_others_not():
    zeros = np.zeros((4, 6), np.uint8)
    other = zeros.copy()
    other[3, 5] = 1
    assert image_from_array(zeros).sha256 == image_from_array(zeros.copy()).sha256
    assert image_from_array(zeros).sha256 != image_from_array(other).sha256


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros(6),
        np.zeros((4, 6, 2)),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((1, 4, 6, 3)),
        np.zeros((3, 60)),
        np.full((4, 6), 256.0),
        np.full((4, 6), -1),
        np.full((4, 6), np.nan),
        np.full((4, 6), np.inf),
    ],
)
def test_arrays_that_are_no_images(pixels):
    with pytest.raises(ImageError, match="an image"):
        image_from_array(pixels)


def test_what_was_cut_off_is_warned_of_first_in_a_report(save_image, small_model):
    path = save_image("image.jpeg", quality=95)
    path.write_bytes(path.read_bytes()[:-300])
    settings_of = {"occlusion": {"enabled": False}, "images": {"allow_truncated": True}}
    report = build_report(small_model, [f"PNEUMONIA={path}"], settings_of)
    first = report.remarks[0]
    assert first.warning
    assert first.text.startswith("PNEUMONIA: The file is cut off or damaged")
    with pytest.raises(ImageError, match="--allow-truncated"):
        build_report(small_model, [path], {"occlusion": {"enabled": False}})


def test_what_is_done_to_the_aspect_stands_with_the_case(save_image, small_model, picture):
    path = save_image("tall.png", np.tile(picture, (3, 1, 1)))
    notes = {}
    for aspect in ("stretch", "pad", "crop"):
        chosen = {"occlusion": {"enabled": False}, "preprocessing": {"aspect": aspect}}
        notes[aspect] = build_report(small_model, [path], chosen).cases[0].notes
    assert notes["stretch"] == ("Stretched from 72 × 36 to 24 × 36 (height × width): its aspect is not kept.",)
    assert notes["pad"] == ("Padded with black: 12 columns left, 12 right.",)
    assert notes["crop"] == ("Cropped: 66.7% of the height was left out.",)


@pytest.mark.parametrize(
    "values",
    [np.ones((8, 12), complex), np.full((8, 12), "a"), np.full((8, 12), "a", object), np.zeros((8, 12), "M8[s]")],
)
def test_an_array_of_no_real_numbers_is_refused(values):
    with pytest.raises(ImageError, match="must hold real numbers"):
        image_from_array(values)


def test_objects_that_are_numbers_are_taken():
    assert image_from_array(np.full((8, 12), 7, object)).pixels.tolist() == [[7.0] * 12] * 8
