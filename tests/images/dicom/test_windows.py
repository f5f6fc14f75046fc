"""Which gray values are shown: in the window of the file if it leaves something to be seen, or otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from kinds.dicom_files import dataset_of, dicom_file, written
from pydicom.dataset import Dataset

from reportgen.cli.main import main
from reportgen.images.reader import decode_image
from reportgen.settings.file import settings_from
from reportgen.settings.report import ImageSettings
from reportgen.system.errors import SettingsError

Y, X = np.mgrid[0:40, 0:60]
RAMP8 = (30 + 2 * X + Y).astype(np.uint8)  # 30 to 187
RAMP12 = RAMP8.astype(np.uint16) * 16  # 480 to 2992


def read(data: bytes, window: str | tuple[float, float] = "auto", **settings: object):
    return decode_image(data, "scan.dcm", ImageSettings(window=window, **settings))


def linear(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3, C.11.2.1.2.1, with 0 and 255 as the ends."""
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255


def between_percentiles(values: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    low, high = np.percentile(values if known is None else known, [0.5, 99.5])
    return np.clip((values - low) / (high - low), 0, 1) * 255


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, atol=2e-3)


# --- windows that are not believed


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize(("pixels", "bits"), [(RAMP8, 8), (RAMP12, 12), (RAMP12.astype(np.int16) - 1500, 12)])
def test_a_window_that_leaves_a_few_gray_levels(pixels, bits, photometric):
    data = dicom_file(pixels, bits=bits, photometric=photometric, WindowCenter=262144, WindowWidth=524287)
    expected = between_percentiles(pixels)
    found = read(data)
    same(found.pixels, 255 - expected if photometric == "MONOCHROME1" else expected)
    assert found.notes[0].startswith("Its window (centre 262144, width 524287) was not believed: it leaves the picture")
    assert "0.5th to the 99.5th percentile" in found.notes[1]
    assert len(found.cautions) == 1
    assert "was not believed" in found.cautions[0]
    assert "--window" in found.cautions[0]
    seen = linear(pixels, 262144, 524287)
    same(read(data, "file").pixels, 255 - seen if photometric == "MONOCHROME1" else seen)


@pytest.mark.parametrize(("centre", "width"), [(-5000, 100), (9000, 100), (1700, 50)], ids=["white", "black", "both"])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_that_leaves_black_and_white(centre, width, function):
    data = dicom_file(RAMP12, bits=12, WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    found = read(data)
    same(found.pixels, between_percentiles(RAMP12))
    assert len(found.cautions) == 1
    assert (
        read(data, "file").notes[0] == f"Shown in the window of the file: centre {centre}, width {width} ({function})."
    )


def test_at_ninety_percent_a_window_is_still_believed():
    values = np.arange(2400, dtype=np.uint16).reshape(40, 60)
    narrow = dicom_file(values, bits=12, WindowCenter=1200, WindowWidth=200)  # 92 % black or white
    wide = dicom_file(values, bits=12, WindowCenter=1200, WindowWidth=300)  # 87.5 %
    assert read(narrow).cautions
    assert "turns 92% of the picture into black or white" in read(narrow).notes[0]
    assert not read(wide).cautions
    same(read(wide).pixels, linear(values, 1200, 300))


def test_padding_is_no_part_of_the_picture():
    padded = RAMP12.astype(np.int16)
    padded[:, :56] = -2000  # 93 %
    window = {"WindowCenter": 1700, "WindowWidth": 3000}
    found = read(dicom_file(padded, PixelPaddingValue=-2000, **window))
    assert not found.cautions
    same(found.pixels, linear(padded, 1700, 3000))
    # and what is left of a picture besides its padding is too little for this window
    found = read(dicom_file(padded, PixelPaddingValue=-2000, WindowCenter=0, WindowWidth=200))
    same(found.pixels[:, 56:], between_percentiles(padded, padded[:, 56:])[:, 56:])
    assert found.cautions


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("ground", [0, 4095])
def test_a_background_of_one_value_is_no_reason_to_doubt_a_window(ground, photometric):
    values = np.full((40, 60), ground, np.uint16)
    values[15:20, 20:40] = RAMP12[15:20, 20:40]  # 4 %
    found = read(dicom_file(values, bits=12, photometric=photometric, WindowCenter=2048, WindowWidth=4096))
    assert not found.cautions
    seen = linear(values, 2048, 4096)
    same(found.pixels, 255 - seen if photometric == "MONOCHROME1" else seen)
    # but the object must be seen
    found = read(dicom_file(values, bits=12, photometric=photometric, WindowCenter=3500, WindowWidth=300))
    assert found.cautions


def test_a_mask_of_two_values_is_shown_as_the_file_says():
    mask = (X > 30).astype(np.uint8)
    found = read(dicom_file(mask, WindowCenter=0.5, WindowWidth=1, VOILUTFunction="LINEAR_EXACT"))
    assert not found.cautions
    same(found.pixels, mask * 255.0)


def test_one_bright_pixel_doesnt_vouch_for_a_window():
    values = RAMP8.astype(np.uint16)
    values[3, 4] = 65535
    found = read(dicom_file(values, WindowCenter=32768, WindowWidth=65535))
    assert found.cautions
    same(found.pixels, between_percentiles(values))


def test_a_picture_of_one_value_is_no_fault_of_its_window():
    found = read(dicom_file(np.full((8, 9), 700, np.uint16), WindowCenter=700, WindowWidth=400))
    same(found.pixels, linear(np.full((8, 9), 700.0), 700, 400))
    assert found.cautions == ("All its pixels have the same value: there is nothing to be seen in it.",)


def test_the_first_of_several_windows_that_can_be_believed():
    data = dicom_file(RAMP12, bits=12, WindowCenter=[90000, 1700, 1800], WindowWidth=[400, 3000, 3600])
    found = read(data)
    same(found.pixels, linear(RAMP12, 1700, 3000))
    assert found.notes[0].startswith("Its window (centre 90000, width 400) was not believed")
    assert found.notes[1] == "Shown in the window of the file: centre 1700, width 3000 (LINEAR)."
    assert not found.cautions
    assert not read(data, "file").pixels.any()  # the first is all black


def test_a_second_window_where_the_first_makes_no_sense():
    found = read(dicom_file(RAMP12, bits=12, WindowCenter=[1700, 1700], WindowWidth=[0, 3000]))
    same(found.pixels, linear(RAMP12, 1700, 3000))
    assert found.notes[0] == "Its window (centre 1700, width 0) can't be used."


def table(entries: list[int], bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), 0, bits]
    item.LUTData = entries
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return item


def test_tables_that_leave_nothing():
    nothing, good = table([7] * 4096, 12), table(list(range(4096)), 12)
    found = read(dicom_file(RAMP12, bits=12, VOILUTSequence=[nothing, good]))
    same(found.pixels, RAMP12 / 4095 * 255)
    assert not found.cautions
    found = read(dicom_file(RAMP12, bits=12, VOILUTSequence=[nothing], WindowCenter=1700, WindowWidth=3000))
    same(found.pixels, linear(RAMP12, 1700, 3000))
    only = dicom_file(RAMP12, bits=12, VOILUTSequence=[nothing])
    found = read(only)
    same(found.pixels, between_percentiles(RAMP12))
    assert "Its table of values of interest (12 bit) was not believed" in found.notes[0]
    assert found.cautions
    same(read(only, "file").pixels, np.full(RAMP12.shape, 7 / 4095 * 255))


def test_each_frame_is_judged_by_its_own_window():
    def group(centre: int, width: int) -> Dataset:
        window, item = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, width
        item.FrameVOILUTSequence = [window]
        return item

    groups = [group(1700, 3000), group(99000, 3000)]
    data = dicom_file(np.stack([RAMP12, RAMP12[::-1]]), frames=2, bits=12, PerFrameFunctionalGroupsSequence=groups)
    first, second = (decode_image(data, "scan.dcm", frame=frame) for frame in (1, 2))
    same(first.pixels, linear(RAMP12, 1700, 3000))
    assert not first.cautions
    same(second.pixels, between_percentiles(RAMP12[::-1]))
    assert second.cautions


# --- what can be asked for


def test_percentiles_even_of_eight_bits_and_in_spite_of_a_window():
    same(read(dicom_file(RAMP8), "percentile").pixels, between_percentiles(RAMP8))
    data = dicom_file(RAMP12, bits=12, WindowCenter=1700, WindowWidth=3000)
    same(read(data, "percentile").pixels, between_percentiles(RAMP12))
    assert not read(data, "percentile").cautions


def test_the_full_range_is_what_the_stored_bits_can_hold():
    ignored = {"WindowCenter": 1700, "WindowWidth": 3000}
    np.testing.assert_array_equal(read(dicom_file(RAMP8, **ignored), "full").pixels, RAMP8)
    same(read(dicom_file(RAMP12, bits=12, **ignored), "full").pixels, RAMP12 / 4095 * 255)
    same(read(dicom_file(RAMP12, **ignored), "full").pixels, RAMP12 / 65535 * 255)
    signed = RAMP12.astype(np.int16) - 1500
    same(read(dicom_file(signed, bits=12), "full").pixels, (signed + 2048.0) / 4095 * 255)
    turned = read(dicom_file(RAMP12, bits=12, photometric="MONOCHROME1"), "full")
    same(turned.pixels, 255 - RAMP12 / 4095 * 255)


@pytest.mark.parametrize(("slope", "intercept"), [(2, -1024), (-0.5, 100)])
def test_the_full_range_of_rescaled_values(slope, intercept):
    found = read(dicom_file(RAMP12, bits=12, RescaleSlope=slope, RescaleIntercept=intercept), "full")
    expected = RAMP12 / 4095 * 255
    same(found.pixels, expected if slope > 0 else 255 - expected)
    low, high = sorted((intercept, slope * 4095 + intercept))
    assert f"({low:g} to {high:g})" in found.notes[-1]


def test_floats_have_no_full_range_but_their_own():
    stored = (RAMP12 / 1000).astype(np.float32)
    expected = (stored - stored.min()) / (stored.max() - stored.min()) * 255
    same(read(dicom_file(stored), "full").pixels, expected)


def test_a_window_in_numbers_comes_after_rescaling():
    signed = RAMP12.astype(np.int16) - 1500
    data = dicom_file(signed, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=40, WindowWidth=400)
    found = read(data, (-600.0, 1500.0))
    same(found.pixels, linear(2.0 * signed - 100, -600, 1500))
    assert found.notes[1] == "Shown in the window that was asked for: centre -600, width 1500."
    assert not found.cautions


def test_a_window_in_numbers_is_used_though_it_leaves_nothing_but_not_without_a_word():
    found = read(dicom_file(RAMP12, bits=12), (90000.0, 10.0))
    assert not found.pixels.any()
    assert "The window that was asked for leaves the picture within 0 of 255 gray levels." in found.cautions


def test_a_narrow_window_in_numbers():
    stored = (RAMP12 / 4096).astype(np.float32)
    same(read(dicom_file(stored), (0.25, 0.5)).pixels, np.clip(stored / 0.5, 0, 1) * 255)


def test_colours_have_no_window():
    colour = np.stack([RAMP8, RAMP8[::-1], RAMP8[:, ::-1]], axis=-1).copy()
    data = dicom_file(colour, photometric="RGB")
    assert not any("window" in note for note in read(data).notes)
    found = read(data, (100.0, 50.0))
    np.testing.assert_array_equal(found.pixels, colour)
    assert found.notes == ("No window was applied: it's a picture in colour.",)


@pytest.mark.parametrize(
    ("given", "set_to"),
    [("auto", "auto"), ("full", "full"), ("-600/1500", (-600.0, 1500.0)), ([40, 400], (40.0, 400.0)),
     (" 0.5 / 1e3", (0.5, 1000.0))],
)  # fmt: skip
def test_settings(given, set_to):
    assert settings_from({"images": {"window": given}}).images.window == set_to


@pytest.mark.parametrize(
    "given", ["wide", "40", "40/0", "40/-3", "nan/4", "40/inf", "1/2/3", "/", 40, [40], [1, 0], ""]
)
def test_settings_that_make_no_sense(given):
    with pytest.raises(SettingsError, match="CENTRE/WIDTH such as -600/1500, with a width above 0") as caught:
        settings_from({"images": {"window": given}})
    assert "images.window" in str(caught.value)


@pytest.mark.parametrize("flag", [["--window=-600/0"], ["--window", "-600/0"]])
def test_the_flag(tmp_path, capsys, flag):
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom_file(RAMP12, bits=12))
    assert main(["build", str(path), "-o", str(tmp_path / "r.html"), *flag]) == 2
    assert "'images.window' must be" in capsys.readouterr().err


@pytest.mark.parametrize("flag", [["--window=-600/1500"], ["--window", "-600/1500"]])
def test_the_flag_is_followed(tmp_path, flag):
    signed = RAMP12.astype(np.int16) - 1500
    path, target = tmp_path / "scan.dcm", tmp_path / "r.json"
    path.write_bytes(dicom_file(signed))
    out = ["-o", str(tmp_path / "r.html"), "--json", str(target), "--no-occlusion", "--first-layers", "1"]
    assert main(["build", str(path), *flag, *out]) == 0
    assert "Shown in the window that was asked for: centre -600, width 1500." in target.read_text()


# --- bits that are not the lowest ones


def stored_at(pixels: np.ndarray, bits: int, high: int, *, noise: bool = False) -> Dataset:
    """Return a dataset of 16 bits a value, of which ``bits`` up to the high bit are the picture."""
    moved = (pixels.astype(np.int64) & (2**bits - 1)) << (high + 1 - bits)
    if noise:
        other = np.random.default_rng(3).integers(0, 1 << 16, pixels.shape)
        moved |= other & ~((2**bits - 1) << (high + 1 - bits))
    kind = np.int16 if pixels.dtype.kind == "i" else np.uint16
    dataset = dataset_of(moved.astype(np.uint16).view(kind), bits=bits)
    dataset.HighBit = high
    return dataset


@pytest.mark.parametrize("noise", [False, True], ids=["clean", "other bits in use"])
@pytest.mark.parametrize(("bits", "high"), [(12, 15), (12, 13), (12, 11), (10, 12), (14, 15)])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_are_taken_from_where_they_lie(bits, high, noise, signed):
    values = (RAMP12 >> max(0, 12 - bits)).astype(np.int16) - (1500 >> max(0, 12 - bits) if signed else 0)
    pixels = values if signed else values.astype(np.uint16)
    found = read(written(stored_at(pixels, bits, high, noise=noise)), "full")
    low = -(2 ** (bits - 1)) if signed else 0
    same(found.pixels, (values - low) / (2**bits - 1) * 255)
    note = f"Its {bits} bits are not the lowest ones (high bit {high}): shifted down by {high + 1 - bits}."
    assert (note in found.notes) == (high != bits - 1)


@pytest.mark.parametrize("high", [3, 99, None])
def test_a_high_bit_that_makes_no_sense_is_left_out_of_account(high):
    dataset = dataset_of(RAMP12, bits=12)
    dataset.HighBit = high
    if high == 99:
        dataset.HighBit = 16
    same(read(written(dataset), "full").pixels, RAMP12 / 4095 * 255)


def test_four_bits_at_the_top_of_eight():
    dataset = dataset_of((RAMP8 >> 4) << 4, bits=4)
    dataset.HighBit = 7
    same(read(written(dataset), "full").pixels, (RAMP8 >> 4) / 15 * 255)
