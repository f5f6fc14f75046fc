"""Compressed frames: every decoder in turn, right values from each, and none that fills up what is missing."""

from __future__ import annotations

import io
import sys

import imagecodecs
import numpy as np
import pytest
from kinds.dicom_files import dataset_of, written
from PIL import Image, ImageFile
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from reportgen.images.dicom.codestreams import gone_on_with
from reportgen.images.dicom.frames import decoders_of
from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings
from reportgen.system.errors import ImageError

Y, X = np.mgrid[0:40, 0:72]
GRAY8 = (60 + 2 * X + 9 * np.sin(Y)).astype(np.uint8)
GRAY12 = GRAY8.astype(np.uint16) * 16 + (X % 16).astype(np.uint16)
COLOUR = np.stack([GRAY8, GRAY8[::-1], GRAY8[:, ::-1]], axis=-1).copy()


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def jpeg12(pixels: np.ndarray = GRAY12) -> bytes:
    return imagecodecs.jpeg8_encode(pixels, level=98, bitspersample=12)


def lossless(pixels: np.ndarray, bits: int = 16) -> bytes:
    kept = {"colorspace": "RGB", "outcolorspace": "RGB"} if pixels.ndim == 3 else {}
    return imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=bits, **kept)


def jpeg_2000(pixels: np.ndarray, bits: int | None = None) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, level=0, bitspersample=bits)


def jpeg_ls(pixels: np.ndarray, **options: object) -> bytes:
    return bytes(imagecodecs.jpegls_encode(pixels, out=bytearray(2 * pixels.nbytes + 4096), **options))


def rle(pixels: np.ndarray) -> bytes:
    dataset = dataset_of(pixels)
    dataset.compress(RLELossless, generate_instance_uid=False)
    return get_frame(dataset.PixelData, 0)


def high_throughput(pixels: np.ndarray) -> bytes:
    return bytes(imagecodecs.htj2k_encode(pixels, reversible=True))


def dicom(
    pixels: np.ndarray,
    stream: bytes,
    syntax: UID,
    *,
    bits: int = 12,
    photometric: str = "MONOCHROME2",
    **values: object,
) -> bytes:
    """Return a file that holds this stream."""
    dataset = dataset_of(pixels, photometric=photometric)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return written(dataset)


def read(data: bytes, **settings: object):
    """Read a file over the full range of its bits: 4,095 of 12 bits become 255."""
    return decode_image(data, "scan.dcm", ImageSettings(**{"window": "full", **settings}))


def refused(data: bytes, **settings: object) -> str:
    with pytest.raises(ImageError) as caught:
        read(data, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def only(monkeypatch):
    """Have all decoders but one fail."""

    def left(wanted: str, message: str = "made to fail") -> None:
        original = Decoder.as_array

        def as_array(self, source, *, decoding_plugin="", **options):
            if decoding_plugin != wanted:
                raise RuntimeError(
                    "Unable to decode as exceptions were raised by all available plugins:"
                    f"\n  {decoding_plugin}: {message}"
                )
            return original(self, source, decoding_plugin=decoding_plugin, **options)

        monkeypatch.setattr(Decoder, "as_array", as_array)

    return left


LOSSLESS = [
    (JPEGLossless, lossless(GRAY12, 12), GRAY12),
    (JPEGLosslessSV1, lossless(GRAY12, 12), GRAY12),
    (JPEGLosslessSV1, lossless(COLOUR, 8), COLOUR),
    (JPEGLSLossless, jpeg_ls(GRAY12), GRAY12),
    (JPEGLSLossless, jpeg_ls(COLOUR), COLOUR),
    (JPEG2000Lossless, jpeg_2000(GRAY12, 12), GRAY12),
    (JPEG2000Lossless, jpeg_2000(GRAY12), GRAY12),
    (JPEG2000Lossless, jpeg_2000(COLOUR), COLOUR),
    (HTJ2KLossless, high_throughput(GRAY12), GRAY12),
    (HTJ2KLossless, high_throughput(COLOUR), COLOUR),
    (RLELossless, rle(GRAY12), GRAY12),
]
EACH = [
    pytest.param(*one, name, id=f"{one[0].keyword}-{'colour' if one[2].ndim == 3 else 'gray'}-{name}")
    for one in LOSSLESS
    for name, _ in decoders_of(one[0])
]


@pytest.mark.parametrize(("syntax", "stream", "pixels", "name"), EACH)
def test_every_decoder_gives_the_stored_values(only, syntax, stream, pixels, name):
    colour = pixels.ndim == 3
    is_2000 = syntax in (JPEG2000Lossless, HTJ2KLossless)
    photometric = ("YBR_RCT" if is_2000 else "RGB") if colour else "MONOCHROME2"
    data = dicom(pixels, stream, syntax, bits=8 if colour else 12, photometric=photometric)
    only(name)
    found = read(data)
    np.testing.assert_allclose(found.pixels, pixels if colour else GRAY12 / 4095 * 255, atol=1e-3)
    tried = [decoder for decoder, _ in decoders_of(syntax)]
    others = ", ".join(tried[: tried.index(name)])
    assert found.notes[0].startswith(
        f"Decoded by {name}; {others} could not" if others else "The full" if not colour else "No"
    )


@pytest.mark.parametrize("name", ["pylibjpeg", "pillow", "imagecodecs"])
@pytest.mark.parametrize(
    ("photometric", "options"), [("YBR_FULL_422", {}), ("YBR_FULL", {}), ("RGB", {"keep_rgb": True})]
)
def test_colours_of_jpeg(only, name, photometric, options):
    only(name)
    stream = jpeg(COLOUR, quality=98, subsampling=0, **options)
    found = read(dicom(COLOUR, stream, JPEGBaseline8Bit, bits=8, photometric=photometric))
    assert np.abs(found.pixels.astype(int) - COLOUR).mean() < 2


@pytest.mark.parametrize("name", ["pylibjpeg", "imagecodecs"])
def test_twelve_bits_of_extended_jpeg(only, name):
    only(name)
    found = read(dicom(GRAY12, jpeg12(), JPEGExtended12Bit))
    assert np.abs(found.pixels - GRAY12 / 4095 * 255).max() < 1
    assert found.pixels.dtype == np.float32


def last_coefficient(stream: bytes, value: int) -> bytes:
    """Return a JPEG whose scan says that it ends at another coefficient than the last."""
    at = stream.rindex(b"\xff\xda")
    place = at + 4 + 1 + 2 * stream[at + 4] + 1
    return stream[:place] + bytes([value]) + stream[place + 1 :]


def test_a_stream_that_only_one_decoder_can_read():
    stream = jpeg12()
    found = read(dicom(GRAY12, last_coefficient(stream, 0), JPEGExtended12Bit))
    assert found.notes[0] == "Decoded by imagecodecs; pylibjpeg, pillow could not read it."
    np.testing.assert_allclose(found.pixels, imagecodecs.jpeg8_decode(stream) / 4095 * 255, atol=1e-3)


def test_eight_bits_in_a_file_of_sixteen():
    found = read(dicom(GRAY12, jpeg(GRAY8, quality=98), JPEGExtended12Bit, bits=8))
    assert np.abs(found.pixels - GRAY8).max() < 6


def test_when_all_fail_it_is_said_which_on_what():
    message = refused(dicom(GRAY12, last_coefficient(jpeg12(), 0)[:-2] + b"\xff\xda", JPEGExtended12Bit))
    assert "scan.dcm" in message
    stream = jpeg_2000(GRAY12)
    message = refused(dicom(GRAY12, stream[: len(stream) // 2], JPEG2000Lossless))
    assert "no decoder here can read (JPEG 2000 Image Compression (Lossless Only): pylibjpeg: " in message
    assert "; pillow: " in message
    assert "; imagecodecs: " in message
    assert len(message) < 500


def test_pillow_fills_nothing_up_whatever_others_set(only, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    only("pillow")
    stream = jpeg_2000(GRAY12)
    assert "broken data stream" in refused(dicom(GRAY12, stream[: len(stream) // 2], JPEG2000Lossless))
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_what_a_decoder_says_is_cleaned(only):
    only("", "it met \x1b[31m\n'DOE^SECRET'\u202e <b>SECRET</b> and said \"SECRET\" " + "so " * 200)
    message = refused(dicom(GRAY12, jpeg_ls(GRAY12), JPEGLSLossless))
    assert "pylibjpeg: it met " in message
    assert "SECRET'" not in message
    assert "DOE" not in message
    assert message.isprintable()
    assert len(message) < 500


def test_without_imagecodecs_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    message = refused(dicom(GRAY12, last_coefficient(jpeg12(), 0), JPEGExtended12Bit))
    assert "pylibjpeg: A misplaced marker segment was found" in message
    assert "one more decoder: pip install 'imagecodecs>=" in message


def test_decoders_of_others_in_this_process_stay_as_they_are():
    before = get_decoder(JPEGExtended12Bit).available_plugins
    read(dicom(GRAY12, jpeg12(), JPEGExtended12Bit))
    assert get_decoder(JPEGExtended12Bit).available_plugins == before
    assert "imagecodecs" not in before


# --- streams that are cut off

KINDS = {
    "baseline": (JPEGBaseline8Bit, jpeg(GRAY8, quality=95), GRAY8),
    "with restarts": (JPEGBaseline8Bit, jpeg(GRAY8, quality=95, restart_marker_blocks=5), GRAY8),
    "colour": (JPEGBaseline8Bit, jpeg(COLOUR, quality=95), COLOUR),
    "several scans": (JPEGBaseline8Bit, jpeg(GRAY8, quality=95, progressive=True), GRAY8),
    "extended": (JPEGExtended12Bit, jpeg12(), GRAY12),
    "lossless": (JPEGLosslessSV1, lossless(GRAY12, 12), GRAY12),
    "JPEG-LS": (JPEGLSLossless, jpeg_ls(GRAY12), GRAY12),
    "JPEG-LS, lossy": (JPEGLSNearLossless, jpeg_ls(GRAY12, level=2), GRAY12),
}


def file_of(kind: str, stream: bytes) -> bytes:
    syntax, _, pixels = KINDS[kind]
    photometric = "YBR_FULL_422" if pixels.ndim == 3 else "MONOCHROME2"
    return dicom(pixels, stream, syntax, bits=12 if pixels is GRAY12 else 8, photometric=photometric)


@pytest.mark.parametrize("ended", [b"", b"\xff\xd9", b"\xff\xd9\0"], ids=["no end", "an end", "an end and padding"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.97])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_is_cut_off(kind, share, ended):
    whole = KINDS[kind][1]
    start = whole.index(b"\xff\xda")
    left = whole[: start + int((len(whole) - start) * share)].rstrip(b"\xff") + ended
    message = refused(file_of(kind, left))
    assert "pixels are cut off" in message
    assert "--allow-truncated" in message
    found = read(file_of(kind, left), allow_truncated=True)
    assert "cut off" in found.cautions[0]
    if kind != "several scans":
        entire = read(file_of(kind, whole)).pixels.astype(float)
        np.testing.assert_allclose(found.pixels[:8, :24], entire[:8, :24], atol=1)


@pytest.mark.parametrize("name", ["pylibjpeg", "imagecodecs"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_whole_stream_is_taken_for_one_that_is_cut_off(kind, name, only):
    only(name)
    for padded in (KINDS[kind][1], KINDS[kind][1] + b"\0\0"):
        assert not read(file_of(kind, padded)).cautions


def test_parts_that_are_missing_at_the_end():
    stream = KINDS["with restarts"][1]
    places = [place for place in range(len(stream) - 1) if stream[place] == 0xFF and 0xD0 <= stream[place + 1] <= 0xD7]
    for place in places[-3:]:
        assert "cut off" in refused(file_of("with restarts", stream[:place] + b"\xff\xd9"))


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("size", [(4, 5), (8, 8), (9, 17), (33, 16)])
def test_flat_pictures_are_whole_too(size, value):
    for pixels, stream, syntax in (
        (np.full(size, value, np.uint8), jpeg(np.full(size, value, np.uint8)), JPEGBaseline8Bit),
        (np.full(size, value, np.uint16), lossless(np.full(size, value, np.uint16)), JPEGLosslessSV1),
        (np.full(size, value, np.uint16), jpeg_ls(np.full(size, value, np.uint16)), JPEGLSLossless),
    ):
        found = read(dicom(pixels, stream, syntax, bits=8))
        assert (found.pixels == value).all()


def test_what_goes_on_after_the_end_by_hand():
    scan = b"\xff\xda\x00\x03\x01"
    head = b"\xff\xd8\xff\xdd\x00\x04\x00\x02"
    changed = gone_on_with(head + scan + b"ab\xff\x00\xff\xd0c\xff\xff\xd9\0")
    first, rest = changed.split(b"ab\xff\x00")
    assert first == head + scan
    other = rest.split(b"\xff\xd0")[0]
    assert len(other) == 64
    assert rest == other + b"\xff\xd0c" + other + b"\xff\xd1" + other + b"\xff\xff\xd9"
    # half of an escaped byte at the end is no data
    assert gone_on_with(b"\xff\xd8" + scan + b"a\xff") == b"\xff\xd8" + scan + b"a" + other + b"\xff\xff\xd9"


# --- bits of compressed values


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (JPEGLosslessSV1, lossless(GRAY12 << 4)), (JPEGLSLossless, jpeg_ls(GRAY12 << 4)),
        (JPEG2000Lossless, jpeg_2000(GRAY12 << 4)), (HTJ2KLossless, high_throughput(GRAY12 << 4)),
        (RLELossless, rle(GRAY12 << 4)),
    ],
)  # fmt: skip
def test_twelve_bits_at_the_top_of_sixteen(syntax, stream):
    found = read(dicom(GRAY12, stream, syntax, HighBit=15))
    np.testing.assert_allclose(found.pixels, GRAY12 / 4095 * 255, atol=1e-3)
    assert "Its 12 bits are not the lowest ones (high bit 15): shifted down by 4." in found.notes


@pytest.mark.parametrize(
    ("syntax", "stream"), [(JPEGLosslessSV1, lossless(GRAY12, 12)), (JPEG2000Lossless, jpeg_2000(GRAY12, 12))]
)
def test_a_stream_of_twelve_bits_has_them_lowest_whatever_the_high_bit(syntax, stream):
    found = read(dicom(GRAY12, stream, syntax, HighBit=15))
    np.testing.assert_allclose(found.pixels, GRAY12 / 4095 * 255, atol=1e-3)
    assert not any("shifted" in note for note in found.notes)


@pytest.mark.parametrize("high", [11, 15])
def test_signed_values_in_compressed_frames(high):
    signed = GRAY12.astype(np.int32) - 2000
    moved = ((signed & 0xFFF) << (high - 11)).astype(np.uint16)
    kinds = [(JPEGLosslessSV1, lossless(moved)), (RLELossless, rle(moved))]
    if high == 15:
        kinds.append((JPEG2000Lossless, jpeg_2000(moved.view(np.int16))))
    for syntax, stream in kinds:
        found = read(dicom(GRAY12, stream, syntax, PixelRepresentation=1, HighBit=high))
        np.testing.assert_allclose(found.pixels, (signed + 2048) / 4095 * 255, atol=1e-3)
