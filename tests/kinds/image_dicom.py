"""Kinds of DICOM files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from .image_registry import group, helpers

files, tests, frames = helpers("kinds.dicom_files"), helpers("test_dicom"), helpers("test_frames")
GRAY8, GRAY12, SIGNED, COLOUR, FRAMES = tests.GRAY8, tests.GRAY12, tests.SIGNED, tests.COLOUR, tests.FRAMES
WIDE = tests.WIDE
SMALL_INTS = (GRAY8.astype(np.int16) - 128).astype(np.int8)

values, colours, stored = group("DICOM: values"), group("DICOM: colour"), group("DICOM: how it is stored")
wrong = group("DICOM: wrong files")


def of(pixels: Any, **options: Any) -> Callable[[], bytes]:
    """Return what gives a file of pixels."""
    return lambda: files.dicom_file(pixels, **options)


def spread(pixels: Any) -> Any:
    """Return values from their 0.5th to their 99.5th percentile as 0 to 255."""
    low, high = np.percentile(pixels, [0.5, 99.5])
    return np.clip((pixels - low) / (high - low), 0, 1) * 255


def by(formula: Callable[..., float], pixels: Any, *window: float) -> Any:
    """Return what a formula of the standard gives for each value."""
    return np.vectorize(lambda value: formula(float(value), *window), otypes=[float])(pixels)


def windowed(pixels: Any) -> Any:
    """Return values of 0 to 4096 as 0 to 255."""
    return np.clip(pixels / 4096, 0, 1) * 255


def packed_bits() -> bytes:
    """Return a file of one bit a pixel."""
    dataset = files.dataset_of(GRAY8)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    dataset.PixelData = np.packbits((GRAY8 > 120).ravel(), bitorder="little").tobytes()
    return files.written(dataset)


def planes() -> bytes:
    """Return a file with one plane after another."""
    dataset = files.dataset_of(COLOUR, photometric="RGB")
    dataset.PlanarConfiguration = 1
    dataset.PixelData = np.moveaxis(COLOUR, -1, 0).tobytes()
    return files.written(dataset)


def ybr() -> Any:
    """Return stored values: gray of different brightness, without colour."""
    return np.stack([GRAY8, np.full_like(GRAY8, 128), np.full_like(GRAY8, 128)], axis=-1)


def padded() -> Any:
    """Return signed values whose left third is padding."""
    pixels = SIGNED.copy()
    pixels[:, :12] = -32000
    return pixels


def beside_padding() -> Any:
    """Return what they become."""
    return np.concatenate([np.zeros((24, 12)), spread(SIGNED[:, 12:])], axis=1)


PERCENTILE = "from the 0.5th to the 99.5th percentile"
values("8 bit unsigned, no window", of(GRAY8), like=lambda: GRAY8, note="its 8-bit values are used as they are")
values("8 bit signed", of(SMALL_INTS, WindowCenter=0, WindowWidth=256, VOILUTFunction="LINEAR_EXACT"),
       like=lambda: (SMALL_INTS / 256 + 0.5) * 255)  # fmt: skip
values("12 bit unsigned, no window: percentiles", of(GRAY12, bits=12), like=lambda: spread(GRAY12), note=PERCENTILE)
values("12 bit signed, no window: percentiles", of(SIGNED, bits=12), like=lambda: spread(SIGNED), note=PERCENTILE)
values("16 bit unsigned", of(GRAY12 * 4), like=lambda: spread(GRAY12 * 4), note=PERCENTILE)
values("16 bit signed", of(SIGNED * 4), like=lambda: spread(SIGNED * 4), note=PERCENTILE)
values("32 bit unsigned", of(GRAY12.astype(np.uint32) * 9999), like=lambda: spread(GRAY12.astype(float)))
values("Floats", of(GRAY12.astype(np.float32) / 1000), like=lambda: spread(GRAY12 / 1000))
values("Doubles", of(GRAY12.astype(np.float64) / 1000), like=lambda: spread(GRAY12 / 1000))
values("1 bit", packed_bits, like=lambda: (GRAY8 > 120) * 255)
for formula in (tests.linear, tests.linear_exact, tests.sigmoid):
    shape = formula.__name__.upper()
    values(f"VOI window, {shape}", of(GRAY12, bits=12, WindowCenter=1800, WindowWidth=3000, VOILUTFunction=shape),
           like=lambda formula=formula: by(formula, GRAY12, 1800, 3000),
           note=f"Shown in the window of the file: centre 1800, width 3000 ({shape})")  # fmt: skip
values("Several windows: the first", of(GRAY12, bits=12, WindowCenter=[1800, 40], WindowWidth=[3000, 80]),
       like=lambda: by(tests.linear, GRAY12, 1800, 3000), note="centre 1800, width 3000")  # fmt: skip
values("A window of width 0: percentiles", of(GRAY12, bits=12, WindowCenter=100, WindowWidth=0),
       like=lambda: spread(GRAY12), note="Its window (centre")  # fmt: skip
RISING = tests.table([min(4095, value * 4095 // 4000) for value in range(4096)], 12)
FALLING = tests.table([4095 - value for value in range(4096)], 16)
values("VOI table", of(GRAY12, bits=12, VOILUTSequence=[RISING]),
       like=lambda: np.minimum(4095, GRAY12.astype(int) * 4095 // 4000) * 255 / 4095,
       note="Its table of values of interest (12 bit) was applied.")  # fmt: skip
values("Rescale slope and intercept, then the window",
       of(SIGNED, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=40, WindowWidth=4000),
       like=lambda: by(tests.linear, 2.0 * SIGNED - 100, 40, 4000),
       note="Rescaled: stored value × 2 − 100.")  # fmt: skip
values(
    "Modality table", of(GRAY12, bits=12, ModalityLUTSequence=[FALLING], **WIDE), like=lambda: windowed(4095.0 - GRAY12)
)
values("MONOCHROME1", of(GRAY8, photometric="MONOCHROME1"), like=lambda: 255 - GRAY8,
       note="Stored inverted (MONOCHROME1: white is 0); it was turned round.")  # fmt: skip
values("MONOCHROME1 of 12 bit with a window", of(GRAY12, bits=12, photometric="MONOCHROME1", **WIDE),
       like=lambda: 255 - windowed(GRAY12), note="it was turned round")  # fmt: skip
values("Presentation shape INVERSE", of(GRAY8, PresentationLUTShape="INVERSE"), like=lambda: 255 - GRAY8)
values("Padding, which doesn't count", of(padded(), PixelPaddingValue=-32000), like=beside_padding)
values("One value everywhere", of(np.full((8, 9), 700, np.uint16)), like=lambda: np.zeros((8, 9)))

values("A window that leaves a few gray levels: percentiles",
       of(GRAY12, bits=12, WindowCenter=90000, WindowWidth=180000),
       like=lambda: spread(GRAY12), note="was not believed")  # fmt: skip
values("A window that leaves black and white: percentiles", of(GRAY12, bits=12, WindowCenter=1500, WindowWidth=20),
       like=lambda: spread(GRAY12), note="was not believed")  # fmt: skip
values("Such a window with --window file", of(GRAY12, bits=12, WindowCenter=1500, WindowWidth=20),
       settings={"images": {"window": "file"}}, like=lambda: by(tests.linear, GRAY12, 1500, 20))  # fmt: skip
values("Several windows: the first that can be believed",
       of(GRAY12, bits=12, WindowCenter=[90000, 1800], WindowWidth=[400, 3000]),
       like=lambda: by(tests.linear, GRAY12, 1800, 3000), note="centre 1800, width 3000")  # fmt: skip
values("--window percentile", of(GRAY8), settings={"images": {"window": "percentile"}}, like=lambda: spread(GRAY8))
values("--window full", of(SIGNED, bits=12, **WIDE), settings={"images": {"window": "full"}},
       like=lambda: (SIGNED + 2048.0) / 4095 * 255, note="(-2048 to 2047)")  # fmt: skip
values("--window=-600/1500", of(SIGNED, RescaleSlope=2, RescaleIntercept=-100),
       settings={"images": {"window": "-600/1500"}}, like=lambda: by(tests.linear, 2.0 * SIGNED - 100, -600, 1500),
       note="asked for: centre -600, width 1500")  # fmt: skip
values("12 bit at the top of 16", lambda: at_the_top(GRAY12), like=lambda: spread(GRAY12), note="shifted down by 4")
values("12 bit at the top of 16, signed", lambda: at_the_top(SIGNED, signed=True), like=lambda: spread(SIGNED),
       note="shifted down by 4")  # fmt: skip

colours("RGB", of(COLOUR, photometric="RGB"), like=lambda: COLOUR)
colours("RGB in planes", planes, like=lambda: COLOUR)
colours("YBR_FULL", of(ybr(), photometric="YBR_FULL"), like=lambda: np.stack([GRAY8] * 3, axis=-1), tolerance=1)
colours("YBR_FULL_422 in JPEG", of(np.stack([GRAY8] * 3, axis=-1), syntax=JPEGBaseline8Bit, photometric="YBR_FULL_422"),
        like=lambda: np.stack([GRAY8] * 3, axis=-1), tolerance=4)  # fmt: skip
colours("YBR_RCT in JPEG 2000", of(COLOUR, syntax=JPEG2000Lossless, photometric="YBR_RCT"), like=lambda: COLOUR)
colours("PALETTE COLOR", of(GRAY8, photometric="PALETTE COLOR", **tests.palette()),
        like=lambda: np.stack([GRAY8.astype(int) * factor % 256 for factor in (1, 2, 3)], axis=-1))  # fmt: skip

for title, syntax in (
    ("Implicit, little endian", ImplicitVRLittleEndian),
    ("Big endian", ExplicitVRBigEndian),
    ("Deflated", DeflatedExplicitVRLittleEndian),
    ("JPEG-LS", JPEGLSLossless),
    ("JPEG 2000", JPEG2000Lossless),
    ("RLE", RLELossless),
):
    stored(f"{title}, 12 bit", of(GRAY12, syntax=syntax, bits=12, **WIDE), like=lambda: windowed(GRAY12))
stored("JPEG lossless, 16 bit", of(GRAY12, syntax=JPEGLosslessSV1, **WIDE), like=lambda: windowed(GRAY12))
stored("JPEG extended, 12 bit", lambda: frames.dicom(frames.GRAY12, frames.jpeg12(), frames.JPEGExtended12Bit),
       like=lambda: spread(frames.GRAY12), tolerance=1)  # fmt: skip
stored("JPEG extended, 12 bit, with a head that one decoder minds",
       lambda: frames.dicom(frames.GRAY12, frames.last_coefficient(frames.jpeg12(), 0), frames.JPEGExtended12Bit),
       like=lambda: spread(frames.GRAY12), tolerance=1, note="Decoded by imagecodecs")  # fmt: skip
stored("HTJ2K, 12 bit of 16",
       lambda: frames.dicom(frames.GRAY12, frames.high_throughput(frames.GRAY12), frames.HTJ2KLossless),
       like=lambda: spread(frames.GRAY12))  # fmt: skip
stored("JPEG, 8 bit", of(GRAY8, syntax=JPEGBaseline8Bit), like=lambda: GRAY8, tolerance=4)
stored("RLE, colour", of(COLOUR, syntax=RLELossless, photometric="RGB"), like=lambda: COLOUR)
stored("RLE, 16 bit signed", of(SIGNED, syntax=RLELossless), like=lambda: spread(SIGNED))
stored("Big endian, 16 bit signed", of(SIGNED, syntax=ExplicitVRBigEndian), like=lambda: spread(SIGNED))
stored("Without preamble", of(GRAY12, bits=12, preamble=False, **WIDE), like=lambda: windowed(GRAY12))
stored("Without preamble and header", of(GRAY12, bits=12, preamble=False, meta=False, **WIDE),
       like=lambda: windowed(GRAY12))  # fmt: skip
stored("Several frames, none chosen: the first", of(FRAMES, frames=3, bits=12, **WIDE),
       like=lambda: windowed(FRAMES[0]), note="The file holds 3 frames; the first is used.")  # fmt: skip
for title, syntax in (("plain", ImplicitVRLittleEndian), ("JPEG-LS", JPEGLSLossless), ("RLE", RLELossless)):
    stored(f"Several frames, {title}, with --frame 3", of(FRAMES, frames=3, bits=12, syntax=syntax, **WIDE), frame=3,
           like=lambda: windowed(FRAMES[2]), note="The file holds 3 frames; frame 3 is used.")  # fmt: skip


def video() -> bytes:
    """Return a file that says it is a film."""
    dataset = files.dataset_of(GRAY8)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0"
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return files.written(dataset)


def other_size() -> bytes:
    """Return a file whose JPEG stream says another size than it does."""
    data = files.dicom_file(GRAY8, syntax=JPEGBaseline8Bit)
    place = data.index(struct.pack(">HH", 24, 36), data.index(b"\xe0\x7f\x10\x00"))
    return data[:place] + struct.pack(">HH", 60_000, 60_000) + data[place + 4 :]


def short_stream(syntax: Any) -> bytes:
    """Return a file that is whole, with a stream in it that isn't."""
    dataset = files.dataset_of(GRAY8, syntax=syntax)
    stream = frames.get_frame(dataset.PixelData, 0)
    dataset.PixelData = frames.encapsulate([stream[: len(stream) * 3 // 4]])
    return files.written(dataset)


def at_the_top(pixels: Any, signed: bool = False) -> bytes:
    """Return a file of 12 bits that are the highest of 16."""
    dataset = files.dataset_of((pixels.astype(np.int64) << 4).astype(np.int16 if signed else np.uint16), bits=12)
    dataset.HighBit = 15
    return files.written(dataset)


ALLOWED = {"images": {"allow_truncated": True}}
wrong("--frame 4 of 3", of(FRAMES, frames=3), frame=4, refused="has no frame 4, it holds 3; choose a frame from 1 to 3")
for title, sop_class in (
    ("Basic Text SR", "1.2.840.10008.5.1.4.1.1.88.11"),
    ("Encapsulated PDF", "1.2.840.10008.5.1.4.1.1.104.1"),
    ("Media Storage Directory", "1.2.840.10008.1.3.10"),
):
    wrong(f"No pixel data: {title}", lambda sop_class=sop_class: tests.without_pixels(SOPClassUID=sop_class),
          refused=f"is a DICOM file without an image ({title}")  # fmt: skip
wrong("No pixel data: an X-ray", tests.without_pixels, refused="is a DICOM file without an image (Digital X-Ray Image")
for count in (2, 4):
    wrong(f"{count} samples per pixel", of(GRAY12, SamplesPerPixel=count), refused=f"with {count} samples per pixel")
wrong("Truncated pixels", lambda: files.dicom_file(GRAY12)[:-600], refused="is a DICOM file whose pixels are cut off")
wrong("Truncated pixels, allowed", lambda: files.dicom_file(GRAY8)[:-300], settings=ALLOWED, like=lambda: GRAY8,
      rows=slice(0, 15), note="cut off")  # fmt: skip
for title, syntax in (("JPEG", JPEGBaseline8Bit), ("JPEG-LS", JPEGLSLossless), ("JPEG lossless", JPEGLosslessSV1)):
    wrong(f"Truncated {title}", lambda syntax=syntax: files.dicom_file(GRAY8, syntax=syntax)[:-60],
          refused="is a DICOM file whose pixels are cut off")  # fmt: skip
    wrong(f"Truncated {title}, allowed", lambda syntax=syntax: files.dicom_file(GRAY8, syntax=syntax)[:-60],
          settings=ALLOWED, like=lambda: GRAY8, rows=slice(0, 8), note="cut off", tolerance=4)  # fmt: skip
    wrong(f"{title} whose stream ends too early", lambda syntax=syntax: short_stream(syntax),
          refused="is a DICOM file whose pixels are cut off")  # fmt: skip
for title, syntax in (("JPEG 2000", JPEG2000Lossless), ("RLE", RLELossless)):
    wrong(f"Truncated {title}", lambda syntax=syntax: files.dicom_file(GRAY8, syntax=syntax)[:-200],
          refused="is a DICOM file that is damaged or truncated")  # fmt: skip
wrong("JPEG 2000 whose stream ends too early", lambda: short_stream(JPEG2000Lossless),
      refused="is a DICOM file that no decoder here can read (JPEG 2000")  # fmt: skip
wrong("States no rows", of(GRAY12, Rows=0), refused="states no rows or columns")
wrong("Colours of no standard", of(GRAY12, PhotometricInterpretation="SECRET"), refused="colours can't be read")
wrong("12 bits allocated, 99 stored", of(GRAY12, BitsAllocated=12, BitsStored=99), refused="damaged")
wrong(
    "An empty modality table", of(GRAY12, ModalityLUTSequence=[tests.Dataset()]), refused="modality table can't be read"
)
wrong("Video", video, refused="is a DICOM video (MPEG-4")
wrong("A stream of another size than the file says", other_size, refused="is a DICOM file that is damaged or truncated")
