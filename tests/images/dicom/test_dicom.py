from __future__ import annotations

import hashlib
import io
import logging
import math
import struct
import sys
import warnings

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds.dicom_files import DX, SECRETS, SOP_INSTANCE, dataset_of, dicom_file, written
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from reportgen.images.cases import as_case
from reportgen.images.dicom import reader as dicom
from reportgen.images.reader import decode_image
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError
from reportgen.workflows.pipeline import build_report

Y, X = np.mgrid[0:24, 0:36]
GRAY8 = (100 + 80 * np.sin(X / 5) + 2 * Y).astype(np.uint8)
GRAY12 = (GRAY8.astype(np.uint16) - 20) * 16
SIGNED = (GRAY12.astype(np.int32) - 2000).astype(np.int16)
COLOUR = np.stack([GRAY8, GRAY8[::-1], GRAY8[:, ::-1]], axis=-1).copy()
FRAMES = np.stack([GRAY12, GRAY12[::-1], GRAY12[:, ::-1]])
BELIEVED = ImageSettings(window="file")
WIDE = {"WindowCenter": 2048, "WindowWidth": 4096, "VOILUTFunction": "LINEAR_EXACT"}  # 0 to 4096


def read(data: bytes, **options: object):
    return decode_image(data, "scan.dcm", **options)


def refused(data: bytes, **options: object) -> str:
    with pytest.raises(ImageError) as caught:
        read(data, **options)
    message = str(caught.value)
    assert "scan.dcm" in message
    assert "\n" not in message
    assert not any(secret in message for secret in SECRETS.values())
    return message


# --- values: each against the formula of the standard, written out


def linear(value: float, centre: float, width: float) -> float:
    """PS3.3, C.11.2.1.2.1, with 0 and 255 as the ends."""
    if value <= centre - 0.5 - (width - 1) / 2:
        return 0
    if value > centre - 0.5 + (width - 1) / 2:
        return 255
    return ((value - (centre - 0.5)) / (width - 1) + 0.5) * 255


def linear_exact(value: float, centre: float, width: float) -> float:
    return float(np.clip((value - centre) / width + 0.5, 0, 1) * 255)


def sigmoid(value: float, centre: float, width: float) -> float:
    return 255 / (1 + math.exp(min(700, -4 * (value - centre) / width)))


@pytest.mark.parametrize("formula", [linear, linear_exact, sigmoid])
@pytest.mark.parametrize(("centre", "width"), [(1800, 3000), (1500.5, 77), (1600, 1)])
def test_windows_by_hand(formula, centre, width):
    name = formula.__name__.upper()
    data = dicom_file(GRAY12, bits=12, WindowCenter=centre, WindowWidth=width, VOILUTFunction=name)
    found = read(data, settings=BELIEVED)
    expected = [[formula(float(value), centre, width) for value in row] for row in GRAY12]
    assert found.pixels.dtype == np.float32
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3)
    assert found.notes[0] == f"Shown in the window of the file: centre {centre:g}, width {width:g} ({name})."
    assert not found.cautions


def test_the_first_of_several_windows_is_used():
    several = read(dicom_file(GRAY12, bits=12, WindowCenter=[1800, 40], WindowWidth=[3000, 80]))
    one = read(dicom_file(GRAY12, bits=12, WindowCenter=1800, WindowWidth=3000))
    np.testing.assert_array_equal(several.pixels, one.pixels)


def test_rescale_comes_before_the_window():
    data = dicom_file(SIGNED, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=40, WindowWidth=4000)
    expected = [[linear(2 * float(value) - 100, 40, 4000) for value in row] for row in SIGNED]
    found = read(data)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3)
    assert found.notes[0] == "Rescaled: stored value × 2 − 100."


def test_without_a_window_percentiles_are_spread():
    found = read(dicom_file(GRAY12, bits=12))
    low, high = np.percentile(GRAY12, [0.5, 99.5])
    expected = np.clip((GRAY12 - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3)
    assert "from the 0.5th to the 99.5th percentile" in found.notes[0]


def test_padding_does_not_count_among_the_percentiles():
    padded = SIGNED.copy()
    padded[:, :12] = -32000
    found = read(dicom_file(padded, PixelPaddingValue=-32000))
    low, high = np.percentile(SIGNED[:, 12:], [0.5, 99.5])
    np.testing.assert_allclose(
        found.pixels[:, 12:], np.clip((SIGNED[:, 12:] - low) / (high - low), 0, 1) * 255, atol=1e-3
    )
    assert not found.pixels[:, :12].any()


def test_eight_bits_without_a_window_stay_as_they_are():
    found = read(dicom_file(GRAY8))
    assert found.pixels.dtype == np.uint8
    np.testing.assert_array_equal(found.pixels, GRAY8)
    assert found.notes == ("The file names no window; its 8-bit values are used as they are.",)


@pytest.mark.parametrize("shape", [None, "INVERSE"])
def test_monochrome1_is_turned_round_once(shape):
    extra = {"PresentationLUTShape": shape} if shape else {}
    found = read(dicom_file(GRAY8, photometric="MONOCHROME1", **extra))
    np.testing.assert_array_equal(found.pixels, 255 - GRAY8)
    assert "Stored inverted (MONOCHROME1: white is 0); it was turned round." in found.notes


def test_a_presentation_that_is_inverse():
    np.testing.assert_array_equal(read(dicom_file(GRAY8, PresentationLUTShape="INVERSE")).pixels, 255 - GRAY8)
    np.testing.assert_array_equal(read(dicom_file(GRAY8, PresentationLUTShape="IDENTITY")).pixels, GRAY8)


def table(entries: list[int], bits: int, first: int = 0) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return item


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_table_of_values_of_interest(bits):
    full = 2**bits - 1
    entries = [min(full, value * full // 4000) for value in range(4096)]
    found = read(dicom_file(GRAY12, bits=12, VOILUTSequence=[table(entries, bits)], **WIDE))
    np.testing.assert_allclose(found.pixels, np.array(entries)[GRAY12] * 255 / full, atol=1e-3)
    assert found.notes == (f"Its table of values of interest ({bits} bit) was applied.",)


def test_a_modality_table():
    entries = [4095 - value for value in range(4096)]
    found = read(dicom_file(GRAY12, bits=12, ModalityLUTSequence=[table(entries, 16)], **WIDE))
    np.testing.assert_allclose(found.pixels, (4095 - GRAY12.astype(float)) / 4096 * 255, atol=1e-3)


@pytest.mark.parametrize("width", [0, -5])
def test_a_window_that_makes_no_sense_is_left_out_of_account(width):
    found = read(dicom_file(GRAY12, bits=12, WindowCenter=100, WindowWidth=width))
    assert found.notes[0] == f"Its window (centre 100, width {width}) can't be used."
    np.testing.assert_array_equal(found.pixels, read(dicom_file(GRAY12, bits=12)).pixels)


def test_one_value_everywhere():
    assert not read(dicom_file(np.full((8, 9), 700, np.uint16))).pixels.any()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_float_pixels(kind):
    stored = (GRAY12 / 1000).astype(kind)
    found = read(dicom_file(stored, WindowCenter=2, WindowWidth=3, VOILUTFunction="LINEAR_EXACT"))
    np.testing.assert_allclose(found.pixels, np.clip((stored - 2) / 3 + 0.5, 0, 1) * 255, atol=1e-3)
    assert f"{8 * np.dtype(kind).itemsize} bit float gray" in found.kind


def test_one_bit():
    bits = GRAY8 > 120
    dataset = dataset_of(GRAY8)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    np.testing.assert_array_equal(read(written(dataset)).pixels > 127, bits)


# --- colour


def test_rgb_and_its_planes():
    np.testing.assert_array_equal(read(dicom_file(COLOUR, photometric="RGB")).pixels, COLOUR)
    planes = dataset_of(COLOUR, photometric="RGB")
    planes.PlanarConfiguration = 1
    planes.PixelData = np.moveaxis(COLOUR, -1, 0).tobytes()
    np.testing.assert_array_equal(read(written(planes)).pixels, COLOUR)


def test_ybr_by_hand():
    stored = np.zeros((8, 9, 3), np.uint8)
    stored[:] = (100, 128, 128)  # no colour
    stored[0, 0] = (76, 85, 255)  # red, by ITU-R 601-2
    found = read(dicom_file(stored, photometric="YBR_FULL")).pixels
    assert np.abs(found[0, 0].astype(int) - (254, 0, 0)).max() <= 1
    assert tuple(found[5, 5]) == (100, 100, 100)


def palette(**values: object) -> dict[str, object]:
    names = {}
    for number, colour in enumerate(("Red", "Green", "Blue")):
        names[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        names[f"{colour}PaletteColorLookupTableData"] = bytes((value * (number + 1)) % 256 for value in range(256))
    return names | values


def test_palette():
    found = read(dicom_file(GRAY8, photometric="PALETTE COLOR", **palette()))
    expected = np.stack([GRAY8.astype(int) * factor % 256 for factor in (1, 2, 3)], axis=-1)
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.kind == "DICOM DX, PA view, 8 bit palette, 24 rows x 36 columns"


def test_a_segmented_palette_that_stands_for_gigabytes():
    longest = struct.pack("<3H", 0, 1, 9) + struct.pack("<3H", 1, 65535, 200) * 50_000
    segments = {f"Segmented{c}PaletteColorLookupTableData": longest for c in ("Red", "Green", "Blue")}
    described = {f"{c}PaletteColorLookupTableDescriptor": [0, 0, 16] for c in ("Red", "Green", "Blue")}
    assert "segmented palette can't be read" in refused(
        dicom_file(GRAY8, photometric="PALETTE COLOR", **segments, **described)
    )


# --- how it's stored


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian,
        JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1, RLELossless,
    ],
    ids=lambda syntax: syntax.name.replace(" ", "-"),
)  # fmt: skip
@pytest.mark.parametrize("pixels", [GRAY8, GRAY12, COLOUR], ids=["8", "12", "rgb"])
def test_every_lossless_syntax_gives_the_same(syntax, pixels):
    if syntax == JPEGLosslessSV1 and pixels is COLOUR:
        pytest.skip("the encoder at hand writes gray only")
    colour = pixels.ndim == 3
    photometric = ("YBR_RCT" if syntax == JPEG2000Lossless else "RGB") if colour else "MONOCHROME2"
    bits = 12 if pixels is GRAY12 and syntax != JPEGLosslessSV1 else None
    window = {} if colour else WIDE
    found = read(dicom_file(pixels, syntax=syntax, photometric=photometric, bits=bits, **window), settings=BELIEVED)
    expected = pixels if colour else np.clip(pixels.astype(float) / 4096, 0, 1) * 255
    np.testing.assert_allclose(found.pixels, expected, atol=1e-3)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless, ExplicitVRBigEndian])
def test_signed_values(syntax):
    if syntax == JPEG2000Lossless:
        pytest.skip("the encoder at hand writes unsigned values only")
    found = read(dicom_file(SIGNED, syntax=syntax, WindowCenter=0, WindowWidth=4096, VOILUTFunction="LINEAR_EXACT"))
    np.testing.assert_allclose(found.pixels, np.clip(SIGNED / 4096 + 0.5, 0, 1) * 255, atol=1e-3)


@pytest.mark.parametrize("pixels", [GRAY8, COLOUR], ids=["gray", "colour"])
def test_jpeg(pixels):
    photometric = "MONOCHROME2" if pixels.ndim == 2 else "YBR_FULL_422"
    found = read(dicom_file(pixels, syntax=JPEGBaseline8Bit, photometric=photometric))
    assert np.abs(found.pixels.astype(int) - pixels).mean() < 3
    assert found.pixels.shape == pixels.shape


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("meta", [True, False], ids=["meta", "bare"])
def test_files_without_preamble(syntax, meta):
    found = read(dicom_file(GRAY12, syntax=syntax, bits=12, preamble=False, meta=meta, **WIDE))
    np.testing.assert_allclose(found.pixels, GRAY12 / 4096 * 255, atol=1e-3)
    assert found.nameless


# --- frames


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("frame", [None, 1, 2, 3])
def test_the_frame_that_is_wanted(syntax, frame):
    found = read(dicom_file(FRAMES, syntax=syntax, frames=3, bits=12, **WIDE), frame=frame)
    np.testing.assert_allclose(found.pixels, FRAMES[(frame or 1) - 1] / 4096 * 255, atol=1e-3)
    which = f"frame {frame}" if frame else "the first"
    assert found.notes[0] == f"The file holds 3 frames; {which} is used."


def test_a_frame_that_is_not_there():
    assert "has no frame 4, it holds 3" in refused(dicom_file(FRAMES, frames=3), frame=4)


def test_windows_of_single_frames():
    def group(centre: int) -> Dataset:
        window, item = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth, window.VOILUTFunction = centre, 500, "LINEAR_EXACT"
        item.FrameVOILUTSequence = [window]
        return item

    shared, values = Dataset(), Dataset()
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 2, 1, "US"
    shared.PixelValueTransformationSequence = [values]
    data = dicom_file(
        FRAMES, frames=3, bits=12, SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[group(1000), group(2000), group(3000)],
    )  # fmt: skip
    expected = np.clip((FRAMES[1] * 2.0 + 1 - 2000) / 500 + 0.5, 0, 1) * 255
    np.testing.assert_allclose(read(data, frame=2, settings=BELIEVED).pixels, expected, atol=1e-3)


# --- what is refused


def test_limits_come_before_decoding():
    data = dicom_file(GRAY12, bits=12)
    assert "larger than 500 pixels (36 x 24 pixels)" in refused(data, limits=LimitSettings(pixels=500))
    many = dicom_file(FRAMES, frames=3)
    assert "more than 2 frames" in refused(many, limits=LimitSettings(frames=2))


def test_a_deflated_file_that_inflates_too_far():
    data = dicom_file(np.zeros((600, 900), np.uint16), syntax=DeflatedExplicitVRLittleEndian)
    assert len(data) < 10_000
    assert "inflates to more than 100,000 bytes" in refused(data, limits=LimitSettings(file_size=100_000))


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless])
def test_a_stream_that_claims_another_size_than_its_file(syntax):
    data = dicom_file(GRAY8, syntax=syntax)
    size = struct.pack(">II", 36, 24) if syntax == JPEG2000Lossless else struct.pack(">HH", 24, 36)
    place = data.index(size, data.index(b"\xe0\x7f\x10\x00"))
    for other in ((60_000, 60_000), (0, 36), (24, 0)):
        changed = struct.pack(">II", *other) if syntax == JPEG2000Lossless else struct.pack(">HH", *other)
        assert "damaged or truncated" in refused(data[:place] + changed + data[place + len(size) :])


@pytest.mark.parametrize("pixels", [GRAY12, COLOUR], ids=["gray", "colour"])
def test_pixels_that_are_cut_off(pixels):
    data = dicom_file(pixels, photometric="RGB" if pixels.ndim == 3 else "MONOCHROME2")[:-600]
    assert "pixels are cut off" in refused(data)
    found = read(data, settings=ImageSettings(allow_truncated=True))
    assert found.pixels.shape == pixels.shape
    assert "cut off" in found.cautions[0]


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_compressed_pixels_that_are_cut_off(syntax):
    data = dicom_file(GRAY8, syntax=syntax)[:-200]
    assert "damaged or truncated" in refused(data)
    assert "--allow-truncated" not in refused(data)
    refused(data, settings=ImageSettings(allow_truncated=True))


@pytest.mark.parametrize("cut", [3, 8, 9, 200])
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLSLossless, JPEGLosslessSV1])
def test_compressed_pixels_that_are_cut_off_and_filled_up(syntax, cut):
    pixels = np.tile(GRAY8, (4, 3)) + (np.arange(96 * 108) % 7).astype(np.uint8).reshape(96, 108)
    whole = dicom_file(pixels, syntax=syntax)
    assert "pixels are cut off" in refused(whole[:-cut])
    assert "--allow-truncated" in refused(whole[:-cut])
    found = read(whole[:-cut], settings=ImageSettings(allow_truncated=True))
    assert "cut off" in found.cautions[0]
    assert len(found.cautions) == 1
    np.testing.assert_array_equal(found.pixels[:8], read(whole).pixels[:8])


def test_frames_before_the_cut_and_after():
    whole = dicom_file(FRAMES, syntax=JPEGLSLossless, frames=3, bits=12, **WIDE)
    data = whole[: (whole.rindex(b"\xfe\xff\x00\xe0") + len(whole)) // 2]  # half of the last frame
    allowed = ImageSettings(allow_truncated=True)
    np.testing.assert_allclose(read(data, frame=1, settings=allowed).pixels, FRAMES[0] / 4096 * 255, atol=1e-3)
    assert "cut off" in read(data, frame=1, settings=allowed).cautions[0]
    assert read(data, frame=3, settings=allowed).pixels.shape == (24, 36)
    assert "cut off" in refused(data, frame=2)
    assert "damaged or truncated" in refused(data[: data.rindex(b"\xfe\xff\x00\xe0")], frame=3, settings=allowed)


def without_pixels(**values: object) -> bytes:
    dataset = dataset_of(GRAY8, **values)
    del dataset.PixelData
    return written(dataset)


@pytest.mark.parametrize(
    ("sop_class", "told"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.11", "without an image (Basic Text SR)"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "without an image (Encapsulated PDF)"),
        ("1.2.840.10008.1.3.10", "without an image (Media Storage Directory)"),
        ("1.2.3.4.5", "without an image;"),
        (DX, "without an image (Digital X-Ray Image"),
    ],
)
def test_no_pixel_data(sop_class, told):
    assert told in refused(without_pixels(SOPClassUID=sop_class))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"SamplesPerPixel": 4}, "with 4 samples per pixel"),
        ({"SamplesPerPixel": 2}, "with 2 samples per pixel"),
        ({"Rows": 0}, "states no rows or columns"),
        ({"Columns": None}, "states no rows or columns"),
        ({"Rows": 2}, "only 36 x 2 pixels"),
        ({"PhotometricInterpretation": "SECRET"}, "colours can't be read"),
        ({"PhotometricInterpretation": "RGB"}, "colours can't be read"),
        ({"BitsAllocated": 12}, "damaged"),
        ({"BitsStored": 99}, "damaged"),
        ({"ModalityLUTSequence": [Dataset()]}, "modality table can't be read"),
    ],
)
def test_what_makes_no_sense(changed, told):
    assert told in refused(dicom_file(GRAY12, **changed))


def test_a_video():
    dataset = dataset_of(GRAY8)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0"
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    assert "is a DICOM video (MPEG-4" in refused(written(dataset))


@pytest.mark.parametrize(("uid", "told"), [("1.2.840.10008.1.2.4.94", "JPIP"), ("1.2.3.4711", "(unknown)")])
def test_a_syntax_that_can_not_be_read(uid, told):
    dataset = dataset_of(GRAY8, syntax=RLELossless)
    dataset.file_meta.TransferSyntaxUID = uid
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    message = refused(buffer.getvalue())
    assert told in message
    assert "4711" not in message


def test_without_pydicom(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert "needs more libraries; pip install 'pydicom>=" in refused(dicom_file(GRAY8))


def test_without_the_decoder_of_this_compression(monkeypatch):
    from pydicom.pixels.decoders.base import Decoder

    monkeypatch.setattr(Decoder, "available_plugins", ())
    message = refused(dicom_file(GRAY8, syntax=JPEGLSLossless))
    assert "(JPEG-LS Lossless Image Compression) needs more libraries" in message
    assert "pip install 'pydicom>=" in message


def test_what_is_dicom_and_what_is_not():
    assert dicom.is_dicom(bytes(128) + b"DICM")
    assert not dicom.is_dicom(b"")
    assert not dicom.is_dicom(b"\x08\x00\x05\x00CS" + bytes(500))  # no rows in it
    assert not dicom.is_dicom(b"\x89PNG\r\n\x1a\n" + b"\x28\x00\x10\x00" + bytes(500))


# --- privacy


def test_the_case_is_named_by_a_digest(tmp_path):
    path = tmp_path / "DOE_JOHN_1901.dcm"
    path.write_bytes(dicom_file(GRAY8))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert as_case(path).name == f"DICOM {digest[:8]}"
    assert as_case((None, path), ImageSettings(keep_names=True)).name == "DOE_JOHN_1901.dcm"


def test_no_patient_in_a_report(tmp_path, small_model):
    path = tmp_path / "DOE_JOHN_1901.dcm"
    path.write_bytes(dicom_file(GRAY12, bits=12, **WIDE))
    report = build_report(small_model, [path, f"PNEUMONIA={path}"], {"occlusion": {"enabled": False}})
    report.save_all(html=tmp_path / "r.html", json=tmp_path / "r.json", figures=tmp_path / "figures")
    for file in (tmp_path / "r.html", tmp_path / "r.json", *(tmp_path / "figures").iterdir()):
        content = file.read_bytes()
        for secret in (*SECRETS.values(), SOP_INSTANCE, "DOE_JOHN", "DOE"):
            assert secret.encode() not in content, (file, secret)
    assert b"DICOM DX, PA view, 12 bit gray, 24 rows x 36 columns" in (tmp_path / "r.json").read_bytes()


@pytest.mark.parametrize("keyword", ["Modality", "ViewPosition"])
@pytest.mark.parametrize("text", ["DOE^SECRET", "DOE SECRET", "4711", "<b>PA</b>", "PA\\DOE"])
def test_terms_that_the_standard_does_not_know_are_not_repeated(keyword, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read(dicom_file(GRAY8, **{keyword: text}))
    assert "DOE" not in found.kind
    assert text not in found.kind


def test_nothing_is_said_aside(capfd, caplog):
    damaged = dicom_file(GRAY12, bits=12, RescaleSlope="1", RescaleIntercept="0").replace(b"19010203", b"SECRET!!")
    level = logging.getLogger("pydicom").level
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read(damaged)
        refused(dicom_file(GRAY8, syntax=JPEGLSLossless)[:-200])
        refused(dicom_file(GRAY12)[:-1000])
    assert not caught
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("pydicom").level == level


# --- damaged bytes

SAMPLES = [
    dicom_file(GRAY12[:8, :9], bits=12, **WIDE),
    dicom_file(SIGNED[:8, :9], RescaleSlope=2, RescaleIntercept=5, PixelPaddingValue=-2000),
    dicom_file(GRAY8[:8, :9], photometric="PALETTE COLOR", **palette()),
    dicom_file(GRAY12[:8, :9], bits=12, VOILUTSequence=[table(list(range(4096)), 12)]),
    dicom_file(FRAMES[:, :8, :9], frames=3),
    dicom_file(GRAY8[:8, :9], preamble=False, meta=False, syntax=ImplicitVRLittleEndian),
    dicom_file(GRAY12[:8, :9], syntax=DeflatedExplicitVRLittleEndian),
    *(
        dicom_file(GRAY8[:8, :9], syntax=syntax)
        for syntax in (JPEGBaseline8Bit, JPEGLSLossless, JPEGLosslessSV1, JPEG2000Lossless, RLELossless)
    ),
]


@settings(deadline=None, max_examples=300)
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8),
    cut=st.none() | st.integers(0, 4000),
    allow_truncated=st.booleans(),
)
def test_any_damage_to_a_valid_file(sample, changes, cut, allow_truncated):
    damaged = bytearray(sample)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    try:
        found = read(bytes(damaged[:cut]), settings=ImageSettings(allow_truncated=allow_truncated))
    except ImageError as refusal:
        assert "\n" not in str(refusal)
        assert "SECRET" not in str(refusal)
    else:
        assert np.isfinite(found.pixels).all()
        assert found.pixels.min() >= 0
        assert found.pixels.max() <= 255


def test_damaged_run_lengths_do_not_bring_down_the_program():
    data = dicom_file(GRAY12, syntax=RLELossless, bits=12)
    start = data.index(b"\xe0\x7f\x10\x00")
    for place in range(start, len(data), 7):
        for value in (0, 127, 129, 255):
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                read(changed)
            except ImageError:
                continue
