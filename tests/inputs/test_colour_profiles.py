from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms

from reportgen.inputs.images import decode_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IGNORED = "Its colour profile can't be read or used, so it was left out of account."
RAMP = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


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


def srgb_of_linear(value: float) -> float:
    """IEC 61966-2-1."""
    share = value / 255
    return 255 * (12.92 * share if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055)


def test_srgb_changes_nothing_and_is_not_mentioned(picture):
    for pixels in (picture, picture[..., 0].copy()):
        found = decode_image(encoded(pixels, SRGB), "x")
        np.testing.assert_array_equal(found.pixels, pixels)
        assert found.notes == ()


def test_linear_gray_by_hand():
    found = decode_image(encoded(RAMP, profile(b"GRAY")), "x")
    assert found.pixels.shape == RAMP.shape
    expected = [[srgb_of_linear(float(value)) for value in row] for row in RAMP]
    assert np.abs(found.pixels - expected).max() <= 2
    assert found.notes == ("Gray values converted from the file's colour profile to sRGB.",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_linear_colour_by_hand(kind):
    pixels = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1).copy()
    found = decode_image(encoded(pixels, profile(b"RGB "), kind, **({"lossless": True} if kind == "WEBP" else {})), "x")
    expected = np.vectorize(srgb_of_linear)(pixels)
    assert np.abs(found.pixels - expected).max() <= 3
    assert found.notes == ("Colours converted from the file's colour profile to sRGB.",)


def test_primaries():
    pixels = np.zeros((6, 9, 3), np.uint8)
    pixels[..., 0] = 255
    found = decode_image(encoded(pixels, profile(b"RGB ", 2.2, swapped=True)), "x")
    assert np.abs(found.pixels.astype(int) - (0, 255, 0)).max() <= 3


def test_a_gray_image_with_the_profile_of_a_colour_one():
    found = decode_image(encoded(RAMP, profile(b"RGB ")), "x")
    assert found.pixels.ndim == 2
    assert np.abs(found.pixels - np.vectorize(srgb_of_linear)(RAMP)).max() <= 3


def test_alpha_is_composited_after_the_conversion():
    layers = np.zeros((4, 6, 4), np.uint8)
    layers[..., :3], layers[..., 3] = 100, 51
    found = decode_image(encoded(layers, profile(b"RGB ")), "x")
    assert abs(int(found.pixels[0, 0, 0]) - srgb_of_linear(100) / 5) <= 2


@pytest.mark.parametrize("icc", [b"no profile", SRGB[:200], SRGB[:128] + b"\xff" * 400, profile(b"GRAY")])
def test_a_profile_that_can_not_be_used_is_left_out_of_account(picture, icc):
    found = decode_image(encoded(picture, icc), "x")
    np.testing.assert_array_equal(found.pixels, picture)
    assert found.notes == (IGNORED,)


def test_more_than_8_bits_say_that_the_profile_was_not_applied():
    deep = RAMP.astype(np.uint16) * 100
    assert decode_image(encoded(deep, profile(b"GRAY")), "x").notes[-1] == (
        "Its colour profile was not applied, as its values have more than 8 bits."
    )
    assert "profile" not in " ".join(decode_image(encoded(deep, SRGB), "x").notes)


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
