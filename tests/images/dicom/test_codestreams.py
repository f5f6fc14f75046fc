from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from reportgen.images.dicom.codestreams import jpeg_2000_shape, jpeg_shape

GRAY = np.arange(24 * 36, dtype=np.uint8).reshape(24, 36)
COLOUR = np.stack([GRAY] * 3, axis=-1).copy()


@pytest.mark.parametrize(("pixels", "channels"), [(GRAY, 1), (COLOUR, 3)])
def test_shapes(pixels, channels):
    for encode in (imagecodecs.jpeg8_encode, imagecodecs.jpegls_encode):
        assert jpeg_shape(encode(pixels)) == (24, 36, channels)
    for form in ("j2k", "jp2"):
        assert jpeg_2000_shape(imagecodecs.jpeg2k_encode(pixels, codecformat=form)) == (24, 36, channels)


def test_lossless():
    assert jpeg_shape(imagecodecs.ljpeg_encode(GRAY.astype(np.uint16))) == (24, 36, 1)


@pytest.mark.parametrize("cut", [0, 1, 2, 10, 40, 90])
def test_what_is_too_short(cut):
    assert jpeg_shape(imagecodecs.jpeg8_encode(GRAY)[:cut]) is None
    assert jpeg_2000_shape(imagecodecs.jpeg2k_encode(GRAY, codecformat="j2k")[: min(cut, 41)]) is None


def test_a_second_frame_or_a_height_that_comes_later():
    whole = imagecodecs.jpeg8_encode(GRAY)
    at = whole.index(b"\xff\xc0")
    frame = whole[at : at + 2 + int.from_bytes(whole[at + 2 : at + 4], "big")]
    assert jpeg_shape(whole[:at] + frame + whole[at:]) is None
    assert jpeg_shape(whole[:-2] + frame + whole[-2:]) is None
    assert jpeg_shape(whole[:-2] + b"\xff\xdc\x00\x04\xff\xff" + whole[-2:]) is None
    assert jpeg_shape(whole.replace(frame, frame[:5] + b"\0\0" + frame[7:])) is None


def test_two_headers_in_one_jp2():
    whole = imagecodecs.jpeg2k_encode(GRAY, codecformat="jp2")
    assert jpeg_2000_shape(whole + b"\xff\x4f\xff\x51" + bytes(60)) is None


def test_tiles_without_number():
    stream = bytearray(imagecodecs.jpeg2k_encode(GRAY, codecformat="j2k"))
    at = stream.index(b"\xff\x51")
    stream[at + 22 : at + 30] = (0).to_bytes(4, "big") * 2
    assert jpeg_2000_shape(bytes(stream)) is None
