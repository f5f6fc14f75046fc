from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image as PillowImage

from reportgen.images.formats.transfer import find_transfer_change
from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings
from reportgen.system.errors import ImageError

Y, X = np.mgrid[0:200, 0:320]
NOISE = np.random.default_rng(0).integers(0, 9, Y.shape)
GRAY = (Y + X // 2 + NOISE).astype(np.uint8)
ENDS, SEVEN, LETTERS = "whose line ends were changed in transfer", "cut to 7 bits in transfer", "taken for text"
NAMES = {"PNG": "a PNG image", "JPEG": "a JPEG image", "GIF": "a GIF image", "WEBP": "a WebP image",
         "BMP": "a BMP image", "TIFF": "a TIFF image", "PPM": "a PNM image", "AVIF": "an AVIF image",
         "JPEG2000": "a JPEG 2000 image"}  # fmt: skip


def encoded(kind: str, pixels: np.ndarray = GRAY, **options: object) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def refused(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode_image(data, "copied")
    message = str(caught.value)
    assert message.startswith("copied is ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("changed", "how"),
    [
        (lambda data: data.replace(b"\r\n", b"\n"), f"{ENDS} (CR LF became LF)"),
        (lambda data: data.replace(b"\r", b""), f"{ENDS} (CR LF became LF)"),
        (lambda data: data.replace(b"\n", b"\r\n"), f"{ENDS} (LF became CR LF)"),
        (lambda data: re.sub(rb"(?<!\r)\n", b"\r\n", data), f"{ENDS} (LF became CR LF)"),
        (lambda data: data.replace(b"\r", b"\n"), f"{ENDS} (CR became LF)"),
        (lambda data: data.replace(b"\n", b"\r"), f"{ENDS} (LF became CR)"),
        (lambda data: data.replace(b"\r\n", b"\r").replace(b"\n", b"\r"), f"{ENDS} (CR LF became CR)"),
        (lambda data: bytes(byte & 127 for byte in data), f"whose bytes were {SEVEN}"),
        (lambda data: data.decode("utf-8", "replace").encode(), LETTERS),
        (lambda data: data.decode("utf-8", "ignore").encode(), LETTERS),
        (lambda data: data.decode("latin-1").encode(), LETTERS),
        (lambda data: data.decode("cp1252", "replace").encode(), LETTERS),
        (lambda data: data.decode("latin-1").encode("utf-8-sig"), LETTERS),
        (lambda data: data.decode("latin-1").encode("utf-16"), LETTERS),
        (lambda data: data.decode("ascii", "replace").encode("ascii", "replace"), LETTERS),
    ],
)
@pytest.mark.parametrize("small", [False, True])
def test_a_png_tells_how_it_was_copied(changed: Callable[[bytes], bytes], how, small):
    message = refused(changed(encoded("PNG", GRAY[:12, :20] if small else GRAY)))
    assert message.startswith("copied is a PNG image whose ")
    assert how in message
    assert message.endswith("; copy it again in binary mode")


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("ends", [rb"\n", rb"(?<!\r)\n"])
def test_lf_that_became_cr_lf_is_told_for_every_format(kind, ends):
    """Without it, JPEG, BMP, TIFF and PPM are decoded to noise or stripes without a word."""
    changed = re.sub(ends, b"\r\n", encoded(kind))
    assert refused(changed) == f"copied is {NAMES[kind]} {ENDS} (LF became CR LF); copy it again in binary mode"


def test_also_for_a_small_jpeg():
    data = encoded("JPEG", GRAY[:12, :20])
    assert ENDS in refused(data.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_bytes_that_were_written_as_utf_8_are_told_for_every_format(kind, encoding):
    message = refused(encoded(kind).decode(encoding, "replace").encode())
    assert message == (
        f"copied is {NAMES[kind]} whose bytes were taken for text in transfer (it is UTF-8 now); "
        "copy it again in binary mode"
    )


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "WEBP", "AVIF"])
def test_cut_to_7_bits(kind):
    assert SEVEN in refused(bytes(byte & 127 for byte in encoded(kind)))


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_where_cr_alone_is_missing(kind):
    pixels = np.random.default_rng(1).integers(0, 255, (200, 320), np.uint8)
    data = encoded(kind, pixels)
    assert "CR is the only byte that isn't in it" in refused(data.replace(b"\r", b""))


def test_a_jpeg_2000_has_a_mark_of_its_own():
    assert "(CR LF became LF)" in refused(encoded("JPEG2000").replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_that_was_copied_well_is_not_accused(kind):
    for pixels in (GRAY, GRAY[:12, :20], np.full((40, 64), 13, np.uint8), np.zeros((40, 64), np.uint8)):
        assert find_transfer_change(encoded(kind, pixels.copy())) is None


@pytest.mark.parametrize("kind", ["BMP", "PPM", "TIFF"])
def test_a_colour_whose_bytes_are_cr_and_lf_is_no_accusation(kind):
    for colour in ((200, 13, 10), (10, 13, 200), (0xEF, 0xBF, 0xBD)):
        pixels = np.zeros((40, 64, 3), np.uint8)
        pixels[:, 10:] = colour
        data = encoded(kind, pixels)
        assert find_transfer_change(data) is None
        np.testing.assert_array_equal(decode_image(data, "x").pixels, pixels)


@pytest.mark.parametrize(
    "text",
    [
        b"name,value\r\n" * 40,
        "Größe;Wert\r\nÄpfel;größer\r\nöl;é\r\nß;ü\r\nà;ä\r\nñ;ö\r\n".encode() * 9,
        "é\r\nü\r\nö\r\nä\r\nß\r\nñ\r\nà\r\nç\r\nï\r\nô\r\n".encode("latin-1") * 9,
        "words in UTF-16\r\n".encode("utf-16") * 9,
    ],
)
def test_texts_are_not_called_images(text):
    assert find_transfer_change(text) is None
    assert "binary mode" not in refused(text)


def test_a_jpeg_with_a_long_text_of_cr_lf_is_no_accusation():
    packet = b"<x:xmpmeta>\r\n" + b" words \r\n" * 200 + b"</x:xmpmeta>"
    data = encoded("JPEG", GRAY[:12, :20], xmp=packet)
    assert find_transfer_change(data) is None
    assert decode_image(data, "x").size == (12, 20)


def test_a_dark_image_with_a_text_in_utf_8_is_no_accusation():
    """All its bytes are valid UTF-8: those of the pixels below 128, and the words."""
    words = "Größe 3 µm, Maß größer als 5 µm; Öl, Äther, naïve façade, señor, Ärmel, Übung".encode()
    data = b"P5\n# " + words + b"\n320 200\n255\n" + (GRAY % 100).tobytes()
    data.decode("utf-8")
    assert find_transfer_change(data) is None
    np.testing.assert_array_equal(decode_image(data, "x").pixels, GRAY % 100)


def test_it_can_be_used_all_the_same_and_is_marked():
    data = encoded("BMP").replace(b"\n", b"\r\n")
    found = decode_image(data, "x", ImageSettings(allow_truncated=True))
    assert found.cautions[0] == "The file looks as if it was copied as text, which damages it: the image may be wrong."
    assert "--allow-truncated" not in refused(data)


def test_dicom_too():
    pytest.importorskip("pydicom")
    from kinds.dicom_files import dicom_file

    data = dicom_file(np.random.default_rng(0).integers(0, 4096, (40, 64), np.uint16))
    assert f"a DICOM file {ENDS}" in refused(data.replace(b"\n", b"\r\n"))
