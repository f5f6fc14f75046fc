"""Limits of images, images made to harm, and files that are none."""

from __future__ import annotations

import pickle
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image as PillowImage
from pydicom.uid import DeflatedExplicitVRLittleEndian

from .image_registry import group, helpers

files, images, tiffs = helpers("test_pillow"), helpers("test_reader"), helpers("test_tiff")
dicom, scans = helpers("kinds.dicom_files"), helpers("test_dicom")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 12345\n"

limits, bombs, wrong = group("Limits"), group("Bombs"), group("Wrong files")


def limit(**values: int) -> dict[str, dict[str, int]]:
    """Return settings of limits."""
    return {"limits": values}


def plain() -> bytes:
    """Return a PNG of 64 x 40 pixels."""
    return files.encoded(files.COLOUR, "PNG")


def tiny(width: int, height: int) -> Callable[[], bytes]:
    """Return what gives a PNG of a size."""
    return lambda: files.encoded(PillowImage.new("L", (width, height)), "PNG")


limits("As many pixels as allowed", plain, settings=limit(pixels=2560), like=lambda: files.COLOUR)
limits("A pixel more", plain, settings=limit(pixels=2559), refused="is larger than 2,559 pixels (64 x 40 pixels); "
       "make it smaller first, or raise the limit with --max-pixels")  # fmt: skip
limits("Too many pixels, TIFF of doubles", lambda: tiffs.tiff(tiffs.GRAY / 7), settings=limit(pixels=700),
       refused="is larger than 700 pixels (36 x 20 pixels)")  # fmt: skip
limits("Too many pixels, DICOM", lambda: dicom.dicom_file(scans.GRAY12), settings=limit(pixels=500),
       refused="is larger than 500 pixels (36 x 24 pixels)")  # fmt: skip
limits("Too many bytes", plain, settings=limit(file_size=100), refused="has more than 100 bytes; ")
limits("As many frames as allowed", lambda: files.animated("PNG"), settings=limit(frames=3), like=lambda: files.COLOUR)
for kind in ("GIF", "PNG", "WEBP", "AVIF", "MPO", "TIFF"):
    limits(f"Too many frames, {'APNG' if kind == 'PNG' else kind}", lambda kind=kind: files.animated(kind),
           settings=limit(frames=2), refused="holds more than 2 frames")  # fmt: skip
limits("Too many frames, DICOM", lambda: dicom.dicom_file(scans.FRAMES, frames=3), settings=limit(frames=2),
       refused="holds more than 2 frames")  # fmt: skip
limits("4 x 4 pixels", lambda: files.encoded(np.eye(4, dtype=np.uint8) * 9, "PNG"), like=lambda: np.eye(4) * 9)
for size in ((1, 1), (3, 40), (40, 3)):
    limits(f"{size[0]} x {size[1]} pixels", tiny(*size), refused=f"has only {size[0]} x {size[1]} pixels")


def long_text() -> bytes:
    """Return a PNG whose EXIF, in a text, inflates to 64 MiB."""
    text = b"zTXt" + b"Raw profile type exif\0\0" + zlib.compress(bytes(64 << 20), 9)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    data = plain()
    return data[:33] + chunk + data[33:]


def passes() -> bytes:
    """Return a JPEG that passes over its image 600 times."""
    whole = files.encoded(files.COLOUR, "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * 600 + whole[-2:]


def endless() -> bytes:
    """Return a GIF of 5000 frames in few bytes."""
    first = files.encoded(PillowImage.new("L", (4, 4)), "GIF")
    start = first.index(b",\0\0\0\0")
    return first[:start] + first[start:-1] * 5000 + first[-1:]


def slow() -> bytes:
    """Return a GIF of 41 frames."""
    others = [PillowImage.fromarray(files.FRAMES[1 + number % 2].copy()) for number in range(40)]
    return files.encoded(files.COLOUR, "GIF", save_all=True, append_images=others)


def segments() -> bytes:
    """Return a DICOM file whose palette stands for gigabytes."""
    longest = struct.pack("<3H", 0, 1, 9) + struct.pack("<3H", 1, 65535, 200) * 50_000
    names = ("Red", "Green", "Blue")
    data = {f"Segmented{name}PaletteColorLookupTableData": longest for name in names}
    described = {f"{name}PaletteColorLookupTableDescriptor": [0, 0, 16] for name in names}
    return dicom.dicom_file(scans.GRAY8, photometric="PALETTE COLOR", **data, **described)


for side in (60_000, 2**31 - 1):
    bombs(f"PNG that claims {side:,} pixels a side", lambda side=side: images.png_header(side, side),
          refused="is larger than 100,000,000 pixels")  # fmt: skip
for title, kind in (("JPEG", "JPEG"), ("JPEG 2000", "JPEG2000")):
    bombs(f"{title} that claims more pixels than its bytes can hold", lambda kind=kind: files.claiming(kind, 9999),
          refused="it claims 9999 x 9999 pixels and holds")  # fmt: skip
bombs(
    "PNG with an EXIF that inflates to 64 MiB",
    long_text,
    refused="is damaged or truncated (Decompressed data too large",
)
bombs("JPEG with 600 passes", passes, refused="more than 500 passes")
bombs("GIF of 5,000 frames in few bytes", endless, settings=limit(frames=10), refused="holds more than 10 frames")
bombs("A frame after so many that drawing them takes long", slow,
      settings={"limits": {"pixels": 2560}, "images": {"frame": 30}},
      refused="frame 30 comes after too many others that must be drawn first")  # fmt: skip
bombs("Deflated DICOM that inflates too far",
      lambda: dicom.dicom_file(np.zeros((600, 900), np.uint16), syntax=DeflatedExplicitVRLittleEndian),
      settings=limit(file_size=100_000),
      refused="is a DICOM file that inflates to more than 100,000 bytes")  # fmt: skip
bombs("DICOM palette in segments that stand for gigabytes", segments, refused="segmented palette can't be read")

for title, content, told in (
    ("Nothing at that path", None, "image not found"),
    ("A folder", "folder", "is a folder, not an image"),
    ("0 bytes", b"", "is empty (0 bytes), not an image"),
    ("git-lfs pointer", POINTER, "is a git-lfs pointer (the real file was not fetched: run 'git lfs pull')"),
    ("Web page", b"<!DOCTYPE html>\n<html><body>404</body></html>", "is a web page"),
    ("Text", b"These are words, not pixels.\n", "is a text file"),
    ("Table in text", b"image,label\na.png,NORMAL\n", "is a text file"),
    ("Python source", b"import numpy as np\n\nprint(np.pi)\n", "is Python source"),
    ("JSON", b'{"image": "a.png"}', "is a JSON file"),
    ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>\n", "is an XML file"),
    ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF document"),
    ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100), "is an HDF5 file"),
    ("NumPy array", b"\x93NUMPY\x01\x00v\x00" + bytes(100), "is a NumPy array"),
    ("Python pickle", pickle.dumps([1, 2, 3]), "is a Python pickle"),
    ("zip", b"PK\x03\x04" + bytes(100), "is a zip file"),
    ("gzip", b"\x1f\x8b\x08" + bytes(100), "is a gzip file (unpack it first)"),
    ("MATLAB", b"MATLAB 5.0 MAT-file" + bytes(200), "is a MATLAB file"),
    ("Program", b"\x7fELF" + bytes(100), "is a program"),
    ("EPS", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is a text file"),
    ("EPS with a preview", b"\xc5\xd0\xd3\xc6" + bytes(200), "is not an image that can be read"),
    ("WMF", b"\xd7\xcd\xc6\x9a" + bytes(100), "is not an image that can be read"),
    ("GRIB", b"GRIB" + bytes(3) + b"\x01" + bytes(100), "is not an image that can be read"),
    ("FITS", b"SIMPLE  =                    T" + b" " * 3000, "is a text file"),
    ("MPEG", b"\x00\x00\x01\xb3" + bytes(100), "is not an image that can be read"),
    ("QOI", b"qoif" + struct.pack(">IIBB", 8, 8, 3, 0) + bytes(100), "is not an image that can be read"),
    ("Bytes of no kind", b"\x00\x01\x02\x03" * 50, "is not an image that can be read"),
):
    wrong(title, lambda content=content: content, file="picture.png", refused=told)
