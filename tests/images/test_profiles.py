from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import ImageCms

from reportgen.images.profiles import IGNORED, UNUSABLE
from reportgen.images.reader import decode_image
from reportgen.images.resizing import as_channels
from reportgen.settings.report import ImageSettings

APPLY = ImageSettings(colour_profiles="apply")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RAMP = np.concatenate([np.arange(12), np.arange(15, 255, 20)]).astype(np.uint8).reshape(4, 6)


def profile(space: bytes, gamma: float = 1.0, *, swapped: bool = False) -> bytes:
    """A profile written by hand: gray with a gamma, or the primaries of sRGB (two of them swapped) with one."""

    def curve() -> bytes:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    if swapped:
        red, green = green, red
    words = b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(79 - 1)
    tags = [(b"desc", words), (b"wtpt", xyz(0.9642, 1, 0.8249)), (b"cprt", b"text" + bytes(4) + b"x\0\0\0")]
    if space == b"GRAY":
        tags.append((b"kTRC", curve()))
    else:
        tags += [(b"rXYZ", xyz(*red)), (b"gXYZ", xyz(*green)), (b"bXYZ", xyz(*blue))]
        tags += [(name, curve()) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags:
        table += name + struct.pack(">II", at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    content = struct.pack(">I", len(tags)) + table + body
    head = struct.pack(">I4sI4s4s4s", 128 + len(content), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + content


def encoded(pixels: np.ndarray, icc: bytes, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, kind, icc_profile=icc, **options)
    return buffer.getvalue()


def ink_profile() -> bytes:
    """A profile of CMYK written by hand: L* falls evenly with the black ink, and the other inks do nothing."""
    table = bytes(value for corner in range(16) for value in (0 if corner & 1 else 255, 128, 128))
    identity = bytes(range(256))
    matrix = b"".join(struct.pack(">i", 65536 if place in (0, 4, 8) else 0) for place in range(9))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + table + identity * 3
    tags = [(b"A2B0", lut), (b"wtpt", b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)),
            (b"desc", b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78)),
            (b"cprt", b"text" + bytes(4) + b"x\0\0\0")]  # fmt: skip
    parts, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags:
        parts += name + struct.pack(">II", at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    content = struct.pack(">I", len(tags)) + parts + body
    head = struct.pack(">I4sI4s4s4s", 128 + len(content), b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + content


def srgb_of_linear(value: float) -> float:
    """IEC 61966-2-1."""
    share = value / 255
    return 255 * (12.92 * share if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055)


def test_srgb_changes_nothing_and_is_not_mentioned(picture):
    for pixels in (picture, picture[..., 0].copy()):
        found = decode_image(encoded(pixels, SRGB), "x")
        np.testing.assert_array_equal(found.pixels, pixels)
        assert found.notes == ()


INKS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1], RAMP // 4], axis=-1).copy()
COLOURS = INKS[..., :3].copy()
STORED = {
    "gray": (PillowImage.fromarray(RAMP), "PNG", profile(b"GRAY", 1.8)),
    "gray, JPEG": (PillowImage.fromarray(RAMP), "JPEG", profile(b"GRAY", 1.8)),
    "gray with the profile of a colour image": (PillowImage.fromarray(RAMP), "TIFF", profile(b"RGB ")),
    "1 bit": (PillowImage.fromarray(RAMP > 100), "PNG", profile(b"GRAY")),
    "RGB": (PillowImage.fromarray(COLOURS), "PNG", profile(b"RGB ")),
    "RGB, JPEG": (PillowImage.fromarray(COLOURS), "JPEG", profile(b"RGB ", 2.2, swapped=True)),
    "RGB, WebP": (PillowImage.fromarray(COLOURS), "WEBP", profile(b"RGB ")),
    "RGB, TIFF": (PillowImage.fromarray(COLOURS), "TIFF", profile(b"RGB ")),
    "RGB, AVIF": (PillowImage.fromarray(COLOURS), "AVIF", profile(b"RGB ")),
    "palette": (PillowImage.fromarray(COLOURS).quantize(), "PNG", profile(b"RGB ")),
    "opaque RGBA": (PillowImage.fromarray(COLOURS).convert("RGBA"), "PNG", profile(b"RGB ")),
    "opaque gray with alpha": (PillowImage.fromarray(RAMP).convert("LA"), "PNG", profile(b"GRAY")),
    "CMYK": (PillowImage.fromarray(INKS, "CMYK"), "TIFF", ink_profile()),
    "CMYK, JPEG": (PillowImage.fromarray(INKS, "CMYK"), "JPEG", ink_profile()),
    "YCbCr": (PillowImage.fromarray(COLOURS).convert("YCbCr"), "TIFF", profile(b"RGB ")),
    "Lab": (PillowImage.fromarray(COLOURS).convert("LAB"), "TIFF", profile(b"RGB ")),
}


@pytest.mark.parametrize("mode", STORED)
@pytest.mark.parametrize("with_profile", [False, True])
def test_pixels_are_those_that_the_usual_loaders_give(mode, with_profile):
    """What Keras's load_img does is to open a file with Pillow, and to convert it to RGB, or to L for gray models."""
    image, kind, icc = STORED[mode]
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"icc_profile": icc} if with_profile else {}))
    found = decode_image(buffer.getvalue(), "x")
    for channels, wanted in ((3, "RGB"), (1, "L")) if mode != "Lab" else ((3, "RGB"),):  # of Lab, Pillow makes no gray
        by_pillow = np.asarray(PillowImage.open(io.BytesIO(buffer.getvalue())).convert(wanted))
        # the brightness that YCbCr stores, and that of its RGB, are rounded apart
        tolerance = 1 if (mode, wanted) == ("YCbCr", "L") else 0
        np.testing.assert_allclose(as_channels(found.pixels, channels).squeeze().astype(int), by_pillow, atol=tolerance)


def test_keras_gives_the_same(tmp_path):
    keras = pytest.importorskip("keras")
    path = tmp_path / "scanned.jpeg"
    path.write_bytes(encoded(RAMP.repeat(3, axis=1), profile(b"GRAY", 1.8), "JPEG"))
    found = decode_image(path.read_bytes(), "x")
    for channels, wanted in ((3, "rgb"), (1, "grayscale")):
        by_keras = np.asarray(keras.utils.load_img(path, color_mode=wanted))
        np.testing.assert_array_equal(as_channels(found.pixels, channels).squeeze(), by_keras)


@pytest.mark.parametrize("mode", ["gray", "gray, JPEG", "RGB", "RGB, WebP", "palette", "opaque RGBA", "YCbCr"])
def test_a_profile_that_is_not_applied_is_told_of_and_can_be(mode):
    image, kind, icc = STORED[mode]
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=icc)
    ignored, applied = decode_image(buffer.getvalue(), "x"), decode_image(buffer.getvalue(), "x", APPLY)
    assert ignored.notes == (IGNORED,)
    assert "converted from the file's colour profile to sRGB" in applied.notes[0]
    assert (ignored.pixels != applied.pixels).any()
    np.testing.assert_array_equal(ignored.read_otherwise().pixels, applied.pixels)
    np.testing.assert_array_equal(applied.read_otherwise().pixels, ignored.pixels)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_a_profile_of_inks(kind):
    """Half of the black ink is 127 as Pillow converts it, and 119 at L* = 50; other inks do nothing by this profile."""
    inks = np.zeros((16, 24, 4), np.uint8)
    inks[..., 3] = 128
    inks[:, 12:, 0] = 255
    buffer = io.BytesIO()
    PillowImage.fromarray(inks, "CMYK").save(buffer, kind, icc_profile=ink_profile())
    ignored, applied = decode_image(buffer.getvalue(), "x"), decode_image(buffer.getvalue(), "x", APPLY)
    by_pillow = np.asarray(PillowImage.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    np.testing.assert_array_equal(ignored.pixels, by_pillow)
    assert ignored.notes == ("Converted from CMYK to RGB.", IGNORED)
    assert np.abs(applied.pixels.astype(int) - 119).max() <= 2
    assert applied.notes == ("CMYK converted from the file's colour profile to sRGB.",)
    np.testing.assert_array_equal(ignored.read_otherwise().pixels, applied.pixels)


def test_an_image_without_a_profile_or_with_srgb_is_read_in_one_way_only(picture):
    assert decode_image(encoded(picture, SRGB), "x").read_otherwise is None
    assert decode_image(encoded(picture, b""), "x", APPLY).read_otherwise is None


def test_reading_otherwise_keeps_frame_and_limits():
    pages = [PillowImage.fromarray(page) for page in (COLOURS, COLOURS[::-1].copy())]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], icc_profile=profile(b"RGB "))
    found = decode_image(buffer.getvalue(), "x", frame=2)
    again = found.read_otherwise()
    np.testing.assert_array_equal(found.pixels, COLOURS[::-1])
    assert np.abs(again.pixels - np.vectorize(srgb_of_linear)(COLOURS[::-1])).max() <= 3


def test_linear_gray_by_hand():
    found = decode_image(encoded(RAMP, profile(b"GRAY")), "x", APPLY)
    assert found.pixels.shape == RAMP.shape
    expected = [[srgb_of_linear(float(value)) for value in row] for row in RAMP]
    assert np.abs(found.pixels - expected).max() <= 0.6
    assert found.notes == ("Gray values converted from the file's colour profile to sRGB.",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_linear_colour_by_hand(kind):
    pixels = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1).copy()
    found = decode_image(
        encoded(pixels, profile(b"RGB "), kind, **({"lossless": True} if kind == "WEBP" else {})), "x", APPLY
    )
    expected = np.vectorize(srgb_of_linear)(pixels)
    assert np.abs(found.pixels - expected).max() <= 3
    assert found.notes == ("Colours converted from the file's colour profile to sRGB.",)


def test_primaries():
    pixels = np.zeros((6, 9, 3), np.uint8)
    pixels[..., 0] = 255
    found = decode_image(encoded(pixels, profile(b"RGB ", 2.2, swapped=True)), "x", APPLY)
    assert np.abs(found.pixels.astype(int) - (0, 255, 0)).max() <= 3


def test_a_gray_image_with_the_profile_of_a_colour_one():
    found = decode_image(encoded(RAMP, profile(b"RGB ")), "x", APPLY)
    assert found.pixels.ndim == 2
    assert np.abs(found.pixels - np.vectorize(srgb_of_linear)(RAMP)).max() <= 3


def test_alpha_is_composited_after_the_conversion():
    layers = np.zeros((4, 6, 4), np.uint8)
    layers[..., :3], layers[..., 3] = 100, 51
    found = decode_image(encoded(layers, profile(b"RGB ")), "x", APPLY)
    assert abs(int(found.pixels[0, 0, 0]) - srgb_of_linear(100) / 5) <= 2


@pytest.mark.parametrize("icc", [b"no profile", SRGB[:200], SRGB[:128] + b"\xff" * 400, profile(b"GRAY")])
@pytest.mark.parametrize("how", ["ignore", "apply"])
def test_a_profile_that_can_not_be_used_is_left_out_of_account(picture, icc, how):
    found = decode_image(encoded(picture, icc), "x", ImageSettings(colour_profiles=how))
    np.testing.assert_array_equal(found.pixels, picture)
    assert found.notes == (UNUSABLE,)
    assert found.read_otherwise is None


DEEP = np.arange(0, 65536, 2731, dtype=np.uint16).reshape(4, 6)


def test_16_bit_gray_with_a_profile_keeps_its_fractions():
    data = encoded(DEEP, profile(b"GRAY"))
    ignored, applied = decode_image(data, "x"), decode_image(data, "x", APPLY)
    np.testing.assert_allclose(ignored.pixels, DEEP / 257, atol=1e-3)
    assert ignored.notes[-1] == IGNORED
    # between two of 256 points, near black, a straight line is a little below the curve
    expected = [[srgb_of_linear(float(value)) for value in row] for row in DEEP / 257]
    assert np.abs(applied.pixels - expected).max() <= 1
    assert (applied.pixels != np.rint(applied.pixels)).any()
    assert applied.notes[-1] == "Gray values converted from the file's colour profile to sRGB."
    assert "profile" not in " ".join(decode_image(encoded(DEEP, SRGB), "x").notes)


def test_16_bit_colour_of_a_tiff_with_a_profile():
    colour = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=-1).copy()
    for planar in (None, "separate"):  # by Pillow, and by tifffile
        buffer = io.BytesIO()
        stored = colour if planar is None else np.moveaxis(colour, -1, 0).copy()
        tifffile.imwrite(buffer, stored, photometric="rgb", planarconfig=planar, iccprofile=profile(b"RGB "))
        ignored, applied = decode_image(buffer.getvalue(), "x"), decode_image(buffer.getvalue(), "x", APPLY)
        np.testing.assert_allclose(ignored.pixels, colour / 257, atol=1e-3)
        assert ignored.notes[-1] == IGNORED
        assert np.abs(applied.pixels - np.vectorize(srgb_of_linear)(colour / 257)).max() <= 3


def test_lab_by_hand():
    lab = np.zeros((4, 6, 3), np.uint8)
    lab[..., 0] = 128
    lab[:, :2, 0] = 255
    picture = PillowImage.frombytes("LAB", (6, 4), lab.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF")
    found = decode_image(buffer.getvalue(), "x")
    assert found.kind == "TIFF, Lab"
    assert found.notes == ("Converted from Lab to RGB.",)
    assert np.abs(found.pixels[0, 0].astype(int) - 255).max() <= 2
    # L* = 50.2 is a luminance of 18.6 %, which sRGB writes as 120
    assert np.abs(found.pixels[0, 5].astype(int) - 120).max() <= 2


@pytest.mark.parametrize("how", ["ignore", "apply"])
def test_profiles_in_dicom_files_are_left_alone(how):
    pytest.importorskip("pydicom")
    from kinds.dicom_files import dicom_file

    colour = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1).copy()
    for icc, told in ((profile(b"RGB "), True), (SRGB, False)):
        data = dicom_file(colour, photometric="RGB", ICCProfile=icc + b"\0" * (len(icc) % 2))
        found = decode_image(data, "x", ImageSettings(colour_profiles=how))
        np.testing.assert_array_equal(found.pixels, colour)
        assert ("Its colour profile was not applied." in found.notes) == told
        assert found.read_otherwise is None
