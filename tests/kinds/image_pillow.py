"""Kinds of image files other than DICOM."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from .image_registry import MODEL, group, helpers

files, images, profiles = helpers("test_pillow"), helpers("test_reader"), helpers("test_profiles")
tiffs, deep = helpers("test_tiff"), helpers("test_sixteen_bit")
pngs, transfers = helpers("test_png"), helpers("test_transfer")
COLOUR, GRAY, FRAMES, ALLOWED = files.COLOUR, files.GRAY, files.FRAMES, {"images": {"allow_truncated": True}}
APPLY = {"images": {"colour_profiles": "apply"}}
UPRIGHT, TRANSPARENT = images.UPRIGHT, images.TRANSPARENT

formats, bits, tiff = group("Formats"), group("Bits and colours"), group("TIFF")
depths, clear, coloured = group("Depth"), group("Transparency"), group("Colour profiles")
frames, upright, aspect = group("Frames"), group("Orientation"), group("Aspect")
cut, copied = group("Truncated and damaged files"), group("Files copied as text")


def of(pixels: Any, kind: str, **options: Any) -> Callable[[], bytes]:
    """Return what gives a file of pixels."""
    return lambda: files.encoded(pixels, kind, **options)


def tiff_of(pixels: Any, **options: Any) -> Callable[[], bytes]:
    """Return what gives a TIFF as tifffile writes it."""
    return lambda: tiffs.tiff(pixels, **options)


def talkative() -> bytes:
    """Return a PNG with 100 MB of text in it."""
    texts = PngInfo()
    texts.add_text("workflow", " " * 2_000_000)
    for number in range(2):
        texts.add_text(f"prompt {number}", "nothing of interest " * 2_500_000, zip=True)
    return files.encoded(COLOUR, "PNG", pnginfo=texts)


def photoshop() -> bytes:
    """Return a PSD without layers."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 40, 64, 8, 3)
    return header + struct.pack(">IIIH", 0, 0, 0, 0) + np.moveaxis(COLOUR, -1, 0).tobytes()


def icon() -> bytes:
    """Return an ICNS of one size, 128 x 128."""
    picture = files.encoded(np.tile(COLOUR, (4, 2, 1))[:128, :128].copy(), "PNG")
    return b"icns" + struct.pack(">I", len(picture) + 16) + b"ic07" + struct.pack(">I", len(picture) + 8) + picture


for title, kind, options, tolerance in (
    ("PNG", "PNG", {}, 0),
    ("JPEG", "JPEG", {"quality": 100, "subsampling": 0}, 5),
    ("JPEG, progressive", "JPEG", {"quality": 100, "subsampling": 0, "progressive": True}, 5),
    ("BMP", "BMP", {}, 0),
    ("DIB", "DIB", {}, 0),
    ("WebP, lossless", "WEBP", {"lossless": True}, 0),
    ("AVIF", "AVIF", {"quality": 100, "subsampling": "4:4:4"}, 4),
    ("JPEG 2000, .jp2", "JPEG2000", {"irreversible": False}, 0),
    ("JPEG 2000, bare stream", "JPEG2000", {"no_jp2": True}, 0),
    ("PCX", "PCX", {}, 0),
    ("PPM", "PPM", {}, 0),
    ("SGI", "SGI", {}, 0),
    ("ICO", "ICO", {"sizes": [(64, 40)]}, 0),
    ("DDS", "DDS", {}, 0),
    ("TGA, told by its end", "TGA", {}, 0),
    ("TGA, packed", "TGA", {"compression": "tga_rle"}, 0),
):
    formats(title, of(COLOUR, kind, **options), like=lambda: COLOUR, tolerance=tolerance + 0.01)
formats("TGA, told by its name", lambda: files.encoded(COLOUR, "TGA")[:-26], file="picture.tga", like=lambda: COLOUR)
formats("PGM", of(GRAY, "PPM"), like=lambda: GRAY)
formats("PBM", of(GRAY > 100, "PPM"), like=lambda: (GRAY > 100) * 255)
formats("PFM", of(GRAY.astype(np.float32), "PPM"), like=lambda: GRAY, note="Floats used as they are")
formats("SUN raster", lambda: struct.pack(">8I", 0x59A66A95, 64, 40, 8, GRAY.size, 1, 0, 0) + GRAY.tobytes(),
        like=lambda: GRAY)  # fmt: skip
formats("PSD", photoshop, like=lambda: COLOUR)
formats("ICNS, which is square", icon, like=lambda: np.tile(COLOUR, (4, 2, 1))[:128, :128])
formats("A JPEG named .png", of(COLOUR, "JPEG", quality=100, subsampling=0), file="picture.png", like=lambda: COLOUR,
        tolerance=5)  # fmt: skip

RAMP = np.arange(24 * 36, dtype=np.uint16).reshape(24, 36) * 4 + 100  # 12 bits
INTEGERS, FLOATS = RAMP.astype(np.int32) - 500, RAMP.astype(np.float32) / 3552


def over(values: Any, white: float) -> Any:
    """Return what becomes of values when so much is white."""
    return np.clip(np.asarray(values, np.float64) / white * 255, 0, 255)


def stretched(values: Any) -> Any:
    """Return what becomes of 24 x 36 values, of which 4 at either end don't count."""
    ordered = np.sort(values, axis=None)
    return over(values - float(ordered[4]), float(ordered[-5]) - float(ordered[4]))


def holes() -> Any:
    """Return floats of which some are not finite."""
    pixels = FLOATS.copy()
    pixels[2, 3], pixels[3, 4] = np.nan, np.inf
    return pixels


def without_holes() -> Any:
    """Return what they become."""
    pixels = over(FLOATS, 1)
    pixels[2, 3] = pixels[3, 4] = 0
    return pixels


def layered(colour: Any, kind: str, **options: Any) -> Callable[[], bytes]:
    """Return what gives a file whose left half is opaque and whose right half is a fifth there."""
    alpha = np.full((*colour.shape[:2], 1), 255, np.uint8)
    alpha[:, colour.shape[1] // 2 :] = 51
    layers = np.concatenate([colour.reshape(*colour.shape[:2], -1), alpha], axis=-1)
    return of(PillowImage.fromarray(layers, "LA" if colour.ndim == 2 else "RGBA"), kind, **options)


def on_black(colour: Any) -> Any:
    """Return it on black."""
    shown = colour.astype(float)
    shown[:, colour.shape[1] // 2 :] /= 5
    return shown


def inks() -> PillowImage.Image:
    """Return red, cyan and black in inks."""
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[:, :2], pixels[:, 2:4], pixels[:, 4:] = (0, 255, 255, 0), (255, 0, 0, 0), (0, 0, 0, 255)
    return PillowImage.fromarray(pixels, "CMYK")


def from_inks() -> Any:
    """Return them in light."""
    pixels = np.zeros((4, 6, 3))
    pixels[:, :2], pixels[:, 2:4] = (255, 0, 0), (0, 255, 255)
    return pixels


def palette(*factors: float) -> Any:
    """Return red, green and blue columns, each as bright as said."""
    three = np.diag([255 * factor for factor in factors])
    return np.stack([three[[0, 1, 2, 0, 1]]] * 4)


def lab() -> PillowImage.Image:
    """Return gray of L* = 50.2."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[..., 0] = 128
    return PillowImage.frombytes("LAB", (6, 4), pixels.tobytes())


def deep_colour() -> Any:
    """Return 12 bits in 16."""
    values = np.random.default_rng(8).integers(0, 4096, (6, 9, 3)).astype(">u2")
    values[0, 0], values[0, 1] = 0, 4095
    return values


LINEAR = np.stack([profiles.RAMP, profiles.RAMP[::-1], profiles.RAMP[:, ::-1]], axis=-1).copy()
light = np.vectorize(profiles.srgb_of_linear)

bits("PNG, gray", of(GRAY, "PNG"), like=lambda: GRAY)
bits("PNG, 1 bit", of(GRAY > 100, "PNG"), like=lambda: (GRAY > 100) * 255)
formats("PNG with more text than pixels, packed and plain", talkative, like=lambda: COLOUR)
bits("PNG, 16 bit gray", of(RAMP * 18, "PNG"), like=lambda: over(RAMP * 18, 65535), note="over their full range")
for title, shown in (("PNG RGB", slice(None)), ("PNG RGBA", slice(None)), ("PNG gray and alpha", 0)):
    bits(f"{title}, 16 bit", lambda title=title: deep.sixteen_bits(title, deep_colour() * 16),
         like=lambda shown=shown: over(deep_colour()[..., shown] * 16, 65535))  # fmt: skip
bits("JPEG 2000, 16 bit gray", of(GRAY.astype(np.uint16) * 200, "JPEG2000"), like=lambda: over(GRAY * 200.0, 65535))
bits("PGM, 16 bit", of(GRAY.astype(np.uint16) * 200, "PPM"), like=lambda: over(GRAY * 200.0, 65535))
bits("TIFF, 12 bit packed", tiff_of(RAMP, photometric="minisblack", bitspersample=12), like=lambda: over(RAMP, 4095),
     note="12-bit values taken over their full range")  # fmt: skip
bits("TIFF, 16 bit signed", tiff_of((INTEGERS * 3).astype(np.int16)), like=lambda: stretched(INTEGERS),
     note="since they go from -1152 to")  # fmt: skip
bits("TIFF, 16 bit RGB", tiff_of(tiffs.COLOUR * 91, photometric="rgb"), like=lambda: over(tiffs.COLOUR * 91, 65535))
bits("TIFF, 32 bit signed", of(INTEGERS, "TIFF"), like=lambda: stretched(INTEGERS))
bits("TIFF, 32 bit unsigned", tiff_of(RAMP.astype(np.uint32) * 9999), like=lambda: stretched(RAMP))
bits("TIFF, floats from 0 to 1", of(FLOATS, "TIFF"), like=lambda: over(FLOATS, 1), note="Floats taken as fractions")
bits("TIFF, floats that are not all finite", lambda: files.encoded(holes(), "TIFF"), like=without_holes,
     note="2 values that are not finite were set to 0.")  # fmt: skip
bits("TIFF, half floats", tiff_of(FLOATS.astype(np.float16)), like=lambda: over(FLOATS.astype(np.float16), 1))
bits("TIFF, doubles", tiff_of(RAMP / 7), like=lambda: stretched(RAMP), note="Floats stretched for this image alone")
bits("TIFF, floats without a finite value", of(np.full((4, 6), np.nan, np.float32), "TIFF"),
     refused="holds no finite value")  # fmt: skip
bits("CMYK TIFF", lambda: files.encoded(inks(), "TIFF"), like=from_inks, note="Converted from CMYK to RGB.")
bits("CMYK JPEG", of(PillowImage.new("CMYK", (24, 16), (0, 255, 255, 0)), "JPEG", quality=100), tolerance=3,
     like=lambda: np.full((16, 24, 3), (255, 0, 0)))  # fmt: skip
bits("Lab TIFF", lambda: files.encoded(lab(), "TIFF"), like=lambda: np.full((4, 6, 3), 120), tolerance=2,
     note="Converted from Lab to RGB.")  # fmt: skip
bits("YCbCr TIFF", lambda: files.encoded(PillowImage.fromarray(COLOUR).convert("YCbCr"), "TIFF"), like=lambda: COLOUR,
     tolerance=3)  # fmt: skip
bits("Palette", lambda: files.encoded(images.palette_picture(), "PNG"), like=lambda: palette(1, 1, 1))

DEPTHS = np.rint(np.linspace(0, 1, 24 * 36).reshape(24, 36) * 8175).astype(np.uint16)  # 13 bits
BRIGHT = RAMP.copy()
BRIGHT[23, 35] = 65535

depths("12 bits in 16", of(RAMP, "PNG"), like=lambda: over(RAMP, 4095), note="16-bit values taken as 12 bits")
depths("12 bits in 16 and one bright pixel", of(BRIGHT, "PNG"), like=lambda: over(BRIGHT, 4095),
       note="1 value outside became 0 or 255.")  # fmt: skip
depths("12 bits in 16, TIFF", of(RAMP, "TIFF"), like=lambda: over(RAMP, 4095), note="16-bit values taken as 12 bits")
depths("12 bits in 16, colour", lambda: deep.sixteen_bits("PNG RGB", deep_colour()),
       like=lambda: over(deep_colour(), 4095), note="loaders would take the full range")  # fmt: skip
depths("16 bits of which all are used", of(RAMP * 18, "PNG"), like=lambda: over(RAMP * 18, 65535),
       note="taken over their full range")  # fmt: skip
depths("8 bits in 16", of(RAMP // 16, "PNG"), like=lambda: RAMP // 16, note="16-bit values used as they are")
depths("13 bits in 16", of(DEPTHS, "PNG"), like=lambda: stretched(DEPTHS), note="leaves most of their full range empty")
depths("10 bits in 16", of(RAMP // 4, "PNG"), like=lambda: stretched(RAMP // 4), note="leaves most of 12 bits empty")
for how, like in (("full", over(DEPTHS, 65535)), ("12", over(DEPTHS, 4095)), ("stretch", stretched(DEPTHS))):
    depths(f"13 bits in 16, with --depth {how}", of(DEPTHS, "PNG"), settings={"images": {"depth": how}},
           like=lambda like=like: like, note="as was set")  # fmt: skip

clear("Palette with transparency",
      lambda: files.encoded(images.palette_picture(), "PNG", transparency=b"\xff\x33\x00"),
      like=lambda: palette(1, 0.2, 0), note=TRANSPARENT)  # fmt: skip
clear("Gray with alpha", layered(GRAY, "PNG"), like=lambda: on_black(GRAY), tolerance=1, note=TRANSPARENT)
clear("Colour with alpha, PNG", layered(COLOUR, "PNG"), like=lambda: on_black(COLOUR), tolerance=1, note=TRANSPARENT)
clear("Colour with alpha, WebP", layered(COLOUR, "WEBP", lossless=True, exact=True), like=lambda: on_black(COLOUR),
      tolerance=1, note=TRANSPARENT)  # fmt: skip
for depth in (1, 2, 4, 8, 16):
    clear(f"One transparent gray, {depth} bit",
          lambda depth=depth: pngs.png(pngs.pattern(depth), depth, pngs.transparent((1 << depth) - 1)),
          like=lambda depth=depth: over(pngs.pattern(depth) % ((1 << depth) - 1), (1 << depth) - 1),
          note=TRANSPARENT)  # fmt: skip
for depth in (8, 16):
    clear(f"One transparent colour, {depth} bit",
          lambda depth=depth: pngs.png(pngs.pattern(depth, 3), depth, pngs.transparent(*[(1 << depth) - 1] * 3)),
          like=lambda depth=depth: over(pngs.pattern(depth, 3) % ((1 << depth) - 1), (1 << depth) - 1),
          note=TRANSPARENT)  # fmt: skip


def with_alpha(meaning: str, share: float) -> Callable[[], bytes]:
    """Return what gives a 16-bit TIFF whose fourth channel is a fifth everywhere."""
    colour = (tiffs.COLOUR * 91.0 * share).astype(np.uint16)
    stored = np.concatenate([colour, np.full((*colour.shape[:2], 1), 65535 // 5, np.uint16)], axis=-1)
    return tiff_of(stored, photometric="rgb", extrasamples=[meaning])


FULL = {"images": {"depth": "full"}}
clear("16-bit TIFF, alpha to be multiplied", with_alpha("unassalpha", 1), settings=FULL, note=TRANSPARENT,
      like=lambda: over(tiffs.COLOUR * 91 / 5, 65535))  # fmt: skip
clear("16-bit TIFF, alpha that was multiplied in", with_alpha("assocalpha", 0.2), settings=FULL, note=TRANSPARENT,
      like=lambda: over(tiffs.COLOUR * 91 / 5, 65535))  # fmt: skip
clear("16-bit TIFF, a channel that it says nothing of", with_alpha("unspecified", 1), settings=FULL,
      like=lambda: over(tiffs.COLOUR * 91, 65535), note="It has another channel, which was left out.")  # fmt: skip

NOT_APPLIED = "which was not applied, as Keras's and Pillow's loaders don't apply it"
coloured("sRGB", lambda: profiles.encoded(COLOUR, profiles.SRGB), like=lambda: COLOUR)
for title, pixels, space, like in (
    ("Linear RGB", LINEAR, b"RGB ", light(LINEAR)),
    ("Linear gray", profiles.RAMP, b"GRAY", light(profiles.RAMP)),
):
    coloured(title, lambda pixels=pixels, space=space: profiles.encoded(pixels, profiles.profile(space)),
             like=lambda pixels=pixels: pixels, note=NOT_APPLIED)  # fmt: skip
    coloured(f"{title}, with --colour-profiles apply", settings=APPLY, tolerance=3, like=lambda like=like: like,
             content=lambda pixels=pixels, space=space: profiles.encoded(pixels, profiles.profile(space)),
             note="converted from the file's colour profile to sRGB.")  # fmt: skip
coloured(
    "CMYK", lambda: files.encoded(inks(), "TIFF", icc_profile=profiles.ink_profile()), like=from_inks, note=NOT_APPLIED
)
coloured("Of 16-bit values", lambda: profiles.encoded(RAMP, profiles.profile(b"GRAY")), like=lambda: over(RAMP, 4095),
         note=NOT_APPLIED)  # fmt: skip
coloured("Of 16-bit values, with --colour-profiles apply", lambda: profiles.encoded(RAMP, profiles.profile(b"GRAY")),
         settings=APPLY, like=lambda: light(over(RAMP, 4095)), tolerance=3,
         note="Gray values converted from the file's colour profile to sRGB.")  # fmt: skip
coloured("Damaged", lambda: profiles.encoded(COLOUR, profiles.SRGB[:200]), like=lambda: COLOUR, note=profiles.UNUSABLE)

EIGHT = (tiffs.COLOUR % 256).astype(np.uint8)
for title, pixels, options in (
    ("Strips, LZW", EIGHT, {"compression": "lzw"}),
    ("Strips, deflate with predictor", EIGHT, {"compression": "zlib", "predictor": True}),
    ("Strips, zstd", EIGHT, {"compression": "zstd"}),
    ("Strips, PackBits", EIGHT, {"compression": "packbits"}),
    ("Tiles", EIGHT, {"tile": (16, 16)}),
    ("Tiles, 16 bit, deflate", tiffs.COLOUR, {"tile": (16, 16), "compression": "zlib"}),
    ("Big endian", tiffs.COLOUR, {"byteorder": ">"}),
    ("BigTIFF", EIGHT, {"bigtiff": True}),
    ("In planes, 8 bit", EIGHT, {"planarconfig": "separate"}),
    ("In planes, 16 bit", tiffs.COLOUR, {"planarconfig": "separate"}),
    (
        "In planes and tiles, floats",
        (tiffs.COLOUR / 719).astype(np.float32),
        {"planarconfig": "separate", "tile": (16, 16)},
    ),
):
    tiff(title, tiff_of(tiffs.planes(pixels) if "planarconfig" in options else pixels, photometric="rgb", **options),
         settings=FULL, like=lambda pixels=pixels: tiffs.full(pixels))  # fmt: skip
for title, compression in (("fax group 3", "group3"), ("fax group 4", "group4")):
    tiff(f"1 bit, {title}", of(GRAY > 100, "TIFF", compression=compression), like=lambda: (GRAY > 100) * 255)
tiff("White is 0", tiff_of(EIGHT[..., 0], photometric="miniswhite"), like=lambda: 255.0 - EIGHT[..., 0])
for title, pixels, options, told in (
    ("5 channels", np.zeros((5, 7, 5), np.uint16), {"photometric": "minisblack", "planarconfig": "contig"},
     "is a TIFF of 5 channels (MINISBLACK), 16 bits each"),
    ("Lab of 16 bit", np.zeros((5, 7, 3), np.uint16), {"photometric": "cielab"}, "is a TIFF of 3 channels (CIELAB)"),
    ("Complex numbers", np.zeros((5, 7), np.complex64), {}, "is a TIFF of numbers that are not real"),
    ("JPEG 2000 inside", EIGHT, {"photometric": "rgb", "compression": "jpeg2000"}, "a TIFF in a compression (34712)"),
):  # fmt: skip
    tiff(title, tiff_of(pixels, **options), refused=told)

ANIMATED = (
    ("GIF", "GIF", {}, 4),
    ("APNG", "PNG", {}, 0),
    ("WebP", "WEBP", {"lossless": True}, 0),
    ("AVIF", "AVIF", {"quality": 100, "subsampling": "4:4:4"}, 6),
    ("MPO", "MPO", {"quality": 100, "subsampling": 0}, 5),
    ("TIFF pages", "TIFF", {}, 0),
)
for title, kind, options, tolerance in ANIMATED:
    frames(f"{title}, no frame chosen", lambda kind=kind, options=options: files.animated(kind, **options),
           like=lambda: FRAMES[0], tolerance=tolerance + 0.01,
           note="The file holds 3 frames; the first is used.")  # fmt: skip
    frames(f"{title}, with --frame 2", lambda kind=kind, options=options: files.animated(kind, **options), frame=2,
           like=lambda: FRAMES[1], tolerance=tolerance + 0.01,
           note="The file holds 3 frames; frame 2 is used.")  # fmt: skip
frames("--frame 4 of 3", lambda: files.animated("GIF"), frame=4, refused="has no frame 4, it holds 3")
frames("--frame 2 of a file of one", of(COLOUR, "BMP"), frame=2, refused="has no frame 2, it holds 1")

for number, turn in images.UPRIGHT_FROM_STORED.items():
    upright(f"EXIF orientation {number}", of(COLOUR, "PNG", exif=images.oriented(number)),
            like=lambda turn=turn: turn(COLOUR), note=UPRIGHT if number > 1 else "")  # fmt: skip
upright("EXIF orientation 6, JPEG", of(COLOUR, "JPEG", quality=100, subsampling=0, exif=images.oriented(6)),
        like=lambda: np.rot90(COLOUR, -1), tolerance=5, note=UPRIGHT)  # fmt: skip
upright("EXIF orientation 8, TIFF of doubles", tiff_of(RAMP / 7, extratags=[(274, 3, 1, 8, True)]),
        like=lambda: np.rot90(stretched(RAMP)))  # fmt: skip
upright("EXIF orientation 9, which there is not", of(COLOUR, "PNG", exif=images.oriented(9)), like=lambda: COLOUR)

HEIGHT, WIDTH = MODEL
SMALL = COLOUR[:HEIGHT, :WIDTH]
LOW, NARROW = SMALL[:12], SMALL[:, :12]  # what of the model's input a wide and a tall image fill


def wider(pixels: Any, rows: int, columns: int) -> Any:
    """Repeat each pixel."""
    return pixels.repeat(rows, axis=0).repeat(columns, axis=1)


def padded(pixels: Any) -> Any:
    """Put it in the middle of black."""
    top, left = (HEIGHT - pixels.shape[0]) // 2, (WIDTH - pixels.shape[1]) // 2
    whole = np.zeros((*MODEL, 3), np.uint8)
    whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return whole


for title, how, pixels, like, told in (
    ("Wide image, stretched", "stretch", wider(SMALL, 1, 2), SMALL, "Stretched from 24 × 72 to 24 × 36"),
    ("Wide image, padded", "pad", wider(LOW, 2, 2), padded(LOW), "Padded with black: 6 rows above, 6 below."),
    ("Wide image, cropped", "crop", np.tile(SMALL, (1, 2, 1)), np.roll(SMALL, 18, axis=1),
     "Cropped: 50.0% of the width was left out."),
    ("Tall image, stretched", "stretch", wider(SMALL, 3, 1), SMALL, "Stretched from 72 × 36 to 24 × 36"),
    ("Tall image, padded", "pad", wider(NARROW, 3, 3), padded(NARROW), "Padded with black: 12 columns left, 12 right."),
    ("Tall image, cropped", "crop", np.tile(SMALL, (3, 1, 1)), SMALL, "Cropped: 66.7% of the height was left out."),
):  # fmt: skip
    aspect(title, of(pixels, "PNG"), like=lambda like=like: like, fitted=True, note=told,
           settings={"preprocessing": {"aspect": how, "resampling": "box"}})  # fmt: skip


def shortened(kind: str) -> bytes:
    """Return the first four fifths of a file."""
    whole = files.encoded(COLOUR, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return whole[: len(whole) * 8 // 10]


for kind in ("PNG", "JPEG", "BMP", "TIFF", "PPM"):
    cut(kind, lambda kind=kind: shortened(kind), refused="is damaged or truncated")
    cut(f"{kind}, allowed", lambda kind=kind: shortened(kind), settings=ALLOWED, like=lambda: COLOUR,
        rows=slice(34, 40) if kind == "BMP" else slice(0, 6), tolerance=12 if kind == "JPEG" else 0.01,
        note="The file is cut off or damaged")  # fmt: skip
for title, kind in (("GIF", "GIF"), ("WebP", "WEBP"), ("AVIF", "AVIF"), ("JPEG 2000", "JPEG2000")):
    cut(title, lambda kind=kind: shortened(kind), refused="is damaged or truncated")
cut("GIF, allowed", lambda: shortened("GIF"), settings=ALLOWED, like=lambda: COLOUR, rows=slice(0, 6), tolerance=4,
    note="The file is cut off or damaged")  # fmt: skip
cut("PNG of which no pixel is left, allowed", lambda: files.encoded(COLOUR, "PNG")[:44], settings=ALLOWED,
    refused="is damaged or truncated")  # fmt: skip
cut("The first 8 bytes of a PNG", lambda: b"\x89PNG\r\n\x1a\n", refused="begins as a PNG image and can't be read")
cut("A whole file, allowed", of(COLOUR, "PNG"), settings=ALLOWED, like=lambda: COLOUR)

WRONG_SUM = pngs.spoiled(files.encoded(COLOUR, "PNG"), b"IDAT")
STRIPS = tiffs.tiff(COLOUR / 255, photometric="rgb", compression="zlib", rowsperstrip=8)
cut("PNG whose checksum is wrong", lambda: WRONG_SUM, refused="(the checksum of its chunk IDAT is wrong)")
cut("PNG whose checksum is wrong, allowed", lambda: WRONG_SUM, settings=ALLOWED, like=lambda: COLOUR,
    note="The file is damaged: its checksums don't fit")  # fmt: skip
cut("TIFF of doubles, one strip damaged", lambda: tiffs.spoiled(STRIPS, 3), refused="with --allow-truncated")
cut("TIFF of doubles, one strip damaged, allowed", lambda: tiffs.spoiled(STRIPS, 3), settings=ALLOWED,
    like=lambda: COLOUR, rows=slice(0, 24), note="The file is cut off or damaged")  # fmt: skip
cut("YCbCr TIFF", refused="is damaged or truncated",
    content=lambda: files.encoded(PillowImage.fromarray(COLOUR).convert("YCbCr"), "TIFF")[:5000])  # fmt: skip

for kind, name in transfers.NAMES.items():
    copied(f"{kind}, LF to CR LF", lambda kind=kind: transfers.encoded(kind).replace(b"\n", b"\r\n"),
           refused=f"is {name} whose line ends were changed in transfer (LF became CR LF)")  # fmt: skip
    copied(f"{kind}, written as UTF-8", lambda kind=kind: transfers.encoded(kind).decode("utf-8", "replace").encode(),
           refused=f"is {name} whose bytes were taken for text in transfer")  # fmt: skip
copied("PNG, CR LF to LF", lambda: transfers.encoded("PNG").replace(b"\r\n", b"\n"),
       refused="whose line ends were changed in transfer (CR LF became LF)")  # fmt: skip
copied("PNG, cut to 7 bits", lambda: bytes(byte & 127 for byte in transfers.encoded("PNG")),
       refused="whose bytes were cut to 7 bits in transfer")  # fmt: skip
copied("PNG, written as UTF-16", lambda: transfers.encoded("PNG").decode("latin-1").encode("utf-16"),
       refused="whose bytes were taken for text in transfer")  # fmt: skip
