"""Image files that Pillow decodes.

``FORMATS`` are the formats that are told by their first bytes and decoded in C, by decoders that much is thrown at.
Not among them are those that run another program (EPS), that only point at one (WMF, BUFR, GRIB, HDF5), that hold no
picture as such (MPEG, FITS tables), whose first bytes say too little (IM, FLI, MSP, SPIDER, XBM, XPM), and those of
games (BLP, FTEX, QOI), which Pillow decodes in Python, a pixel at a time. TGA has no first bytes to be told by: it's
read where the end of the file says TGA, or its name does.
"""

from __future__ import annotations

import dataclasses
import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageChops, ImageFile, UnidentifiedImageError

from reportgen.errors import ImageError
from reportgen.inputs.colour_profiles import is_srgb, to_srgb
from reportgen.inputs.decoding import (
    CUT_OFF,
    MOST_DRAWN,
    ON_BLACK,
    Decoded,
    Request,
    check_size,
    choose_frame,
    scaled_to_255,
    too_large,
    upright,
)
from reportgen.inputs.deep_colour import check_modes, has_16_bit_colour, read_16_bit_colour

FORMATS = (
    "PNG", "JPEG", "TIFF", "BMP", "DIB", "WEBP", "GIF", "PPM", "JPEG2000", "AVIF", "PCX", "SGI", "SUN", "ICO",
    "ICNS", "DDS", "PSD",
)  # fmt: skip

_WITH_FRAMES = ("GIF", "PNG", "WEBP", "AVIF", "MPO", "TIFF")  # what PSD and ICO call frames are layers and sizes
_DRAWN_IN_TURN = ("GIF", "PNG", "WEBP", "AVIF")
# A block of 8 x 8 pixels takes 1 bit at least in a JPEG
_JPEG_PIXELS_A_BYTE = 512
_MOST_SCANS = 500
# JPEG 2000 and AVIF have no such bound; but it's no picture that is packed so well and so large
_PIXELS_A_BYTE, _LARGE = 1_000, 16_000_000
_SAMPLE_FORMAT, _PHOTOMETRIC, _BITS, _PLANAR = 339, 262, 258, 284
_PNG, _TEXT = b"\x89PNG\r\n\x1a\n", (b"tEXt", b"zTXt", b"iTXt")
_NEEDED_TEXT = (b"Raw profile type exif", b"XML:com.adobe.xmp")  # which may say how an image is turned
_PILLOW = threading.RLock()


class UnreadableError(Exception):
    """Pillow can't read it; ``known`` says whether it knew the format."""

    def __init__(self, problem: str, *, known: bool) -> None:
        super().__init__(problem)
        self.known = known


def read(data: bytes, request: Request) -> Decoded:
    """Decode an image.

    Raises
    ------
    UnreadableError
        When Pillow can't.
    ImageError
        When it's too small or beyond the limits, or has no such frame.
    """
    try:
        return _attempt(data, request)
    except UnreadableError as problem:
        if not (request.allow_truncated and problem.known):
            raise
        found = _attempt(data, request, truncated=True)
        if found.pixels.min() == found.pixels.max():
            raise
        return dataclasses.replace(found, cautions=(*found.cautions, CUT_OFF))


def _attempt(data: bytes, request: Request, *, truncated: bool = False) -> Decoded:
    data = _without_text(data)
    formats = (*FORMATS, "TGA") if _says_tga(data, request.name) else FORMATS
    try:
        with _pillow_set(request, truncated=truncated), PillowImage.open(io.BytesIO(data), formats=formats) as picture:
            return _read_opened(picture, data, request, truncated=truncated)
    except PillowImage.DecompressionBombError:
        raise too_large(request, "as its file says") from None
    except (ImageError, UnreadableError):
        raise
    except UnidentifiedImageError:
        raise UnreadableError("no known format", known=False) from None
    except Exception as problem:
        # Pillow's decoders meet damaged files with every kind of exception
        raise UnreadableError(str(problem), known=True) from problem


@contextmanager
def _pillow_set(request: Request, *, truncated: bool) -> Iterator[None]:
    """Set what Pillow keeps for the whole program, and put it back; one thread at a time."""
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = PillowImage.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # it refuses more than twice of this, also for images within others as in ICO
        PillowImage.MAX_IMAGE_PIXELS = max(1, (request.limits.pixels + 1) // 2)
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated
        try:
            yield
        finally:
            PillowImage.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = kept


def _without_text(data: bytes) -> bytes:
    """Return a PNG without the texts in it, which may be too long for Pillow and say nothing of the pixels."""
    if not data.startswith(_PNG):
        return data
    parts, at, kept = [], len(_PNG), 0
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in _TEXT and not data.startswith(_NEEDED_TEXT, at + 8):
            parts.append(data[kept:at])
            kept = end
        at = end
    return b"".join([*parts, data[kept:]]) if parts else data


def _says_tga(data: bytes, name: str) -> bool:
    return data[-18:].startswith(b"TRUEVISION-XFILE") or name.lower().endswith((".tga", ".icb", ".vda", ".vst"))


def _read_opened(picture: ImageFile.ImageFile, data: bytes, request: Request, *, truncated: bool) -> Decoded:
    check_size(*picture.size, request)
    if not truncated:
        _check_claim(picture, data)
    index, notes = _go_to_frame(picture, request)
    _check_depth(picture)
    # before the pixels are loaded: then a picture forgets how its file was laid out
    deep = read_16_bit_colour(picture, data, index) if has_16_bit_colour(picture) else None
    # Pillow turns TIFF files itself when it loads them, and forgets then what they said
    turns_itself = picture.format == "TIFF"
    orientation = _orientation(picture) if turns_itself else 1
    whole, inverted = _sample_type(picture), _white_is_zero(picture)
    picture.load()
    check_size(*picture.size, request)
    orientation = orientation if turns_itself else _orientation(picture)
    kind = f"{picture.format}, {_mode_name(picture)}"
    if orientation > 1:
        notes.append("Turned upright as its EXIF orientation says.")
    turn = 1 if turns_itself else orientation
    if deep is not None:
        values, composited = deep
        kind = f"{picture.format}, {'gray' if values.ndim == 2 else 'RGB'} 16 bit"
        notes += [ON_BLACK] if composited else []
        return _deep(upright(values, turn), picture, kind, notes, request)
    if _is_deep(picture.mode) or whole is not None:
        numbers = upright(np.asarray(picture), turn)
        return _deep(
            numbers if whole is None else numbers.view(whole), picture, kind, notes, request, inverted=inverted
        )
    return Decoded(pixels=upright(_gray_or_rgb(picture, notes), turn), kind=kind, notes=tuple(notes))


def _go_to_frame(picture: ImageFile.ImageFile, request: Request) -> tuple[int, list[str]]:
    """Make the wanted frame the current one; return its number from 0, and a note where there are several."""
    index, notes = choose_frame(_count_frames(picture, request), request)
    if index:
        drawn = index * picture.width * picture.height if picture.format in _DRAWN_IN_TURN else 0
        if drawn > MOST_DRAWN * request.limits.pixels:
            raise ImageError(
                f"{request.name}: frame {index + 1} comes after too many others that must be drawn first",
                "take it out of the file",
            )
        picture.seek(index)
        check_size(*picture.size, request)
    return index, notes


def _deep(
    values: NDArray[np.generic],
    picture: PillowImage.Image,
    kind: str,
    notes: list[str],
    request: Request,
    *,
    inverted: bool = False,
) -> Decoded:
    """Scale values of more than 8 bits, or signed ones."""
    pixels, note = scaled_to_255(values, request.name)
    notes.append(note)
    if inverted:
        pixels = 255 - pixels
        notes.append("The file stores white as 0; it was turned round.")
    profile = picture.info.get("icc_profile")
    if profile and not is_srgb(profile, "L" if values.ndim == 2 else "RGB"):
        notes.append("Its colour profile was not applied, as its values have more than 8 bits.")
    return Decoded(pixels=pixels, kind=kind, notes=tuple(notes))


def _check_claim(picture: PillowImage.Image, data: bytes) -> None:
    """Refuse at once what claims many more pixels than its bytes can hold, where decoding would go on over nothing."""
    pixels, claim = picture.width * picture.height, f"{picture.width} x {picture.height} pixels"
    if picture.format in ("JPEG", "MPO"):
        if pixels > _JPEG_PIXELS_A_BYTE * len(data):
            raise UnreadableError(f"it claims {claim} and holds {len(data):,} bytes", known=True)
        if picture.info.get("progressive") and data.count(b"\xff\xda") > _MOST_SCANS:
            raise UnreadableError(f"it claims more than {_MOST_SCANS} passes over the image", known=True)
    if picture.format in ("JPEG2000", "AVIF") and pixels > max(_LARGE, _PIXELS_A_BYTE * len(data)):
        raise UnreadableError(f"it claims {claim} and holds {len(data):,} bytes", known=True)


def _check_depth(picture: PillowImage.Image) -> None:
    """Give up on a TIFF of which Pillow would hand out the high bytes alone, where they can't be put together."""
    tags = getattr(picture, "tag_v2", {})
    if picture.mode in ("RGB", "RGBA", "RGBX", "LA") and max(tags.get(_BITS, (8,))) > 8:
        if tags.get(_PLANAR, 1) != 1:
            raise UnreadableError("16-bit colour in planes", known=True)
        try:
            check_modes(picture)
        except ValueError as problem:
            raise UnreadableError(str(problem), known=True) from None


def _count_frames(picture: ImageFile.ImageFile, request: Request) -> int:
    """Return how many frames there are; one more than the limit where there are more.

    Pillow's own count follows a GIF or TIFF to its end, however long that takes.
    """
    if picture.format not in _WITH_FRAMES:
        return 1
    if picture.format not in ("GIF", "TIFF"):
        return int(getattr(picture, "n_frames", 1))
    count = 1
    try:
        while count <= request.limits.frames:
            if picture.format == "GIF":
                picture._seek(count, False)  # type: ignore[attr-defined]  # its seek would draw each
            else:
                picture.seek(count)
            count += 1
    except Exception:  # noqa: BLE001, S110 - the end, or a frame that is damaged: those before it are none the worse
        pass
    picture.seek(0)
    return count


def _orientation(picture: PillowImage.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or none that can be read."""
    try:
        orientation = picture.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001 - a damaged EXIF block is no reason to refuse the pixels
        return 1
    return orientation if orientation in range(1, 9) else 1


def _sample_type(picture: PillowImage.Image) -> type[np.generic] | None:
    """Return the real type of a TIFF's numbers where Pillow takes it for another: signed bytes, unsigned 32 bits."""
    tags = getattr(picture, "tag_v2", None)
    if tags is None:
        return None
    form, bits = tags.get(_SAMPLE_FORMAT, (1,))[0], tags.get(_BITS, (1,))[0]
    if picture.mode == "L" and form == 2:
        return np.int8
    return np.uint32 if picture.mode == "I" and (form, bits) == (1, 32) else None


def _white_is_zero(picture: PillowImage.Image) -> bool:
    """Whether a TIFF stores white as 0 with more than 8 bits; Pillow turns only smaller ones round itself."""
    tags = getattr(picture, "tag_v2", {})
    return bool(tags) and tags.get(_PHOTOMETRIC) == 0 and _is_deep(picture.mode)


def _is_deep(mode: str) -> bool:
    return mode in ("I", "F") or mode.startswith("I;")


def _gray_or_rgb(picture: PillowImage.Image, notes: list[str]) -> NDArray[np.uint8]:
    alpha = None
    if picture.has_transparency_data:
        rgba = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        alpha = rgba.getchannel("A")
        opaque = rgba.convert("RGB")
        base = opaque.getchannel("R") if picture.mode in ("L", "LA", "La", "1") else opaque
    elif picture.mode in ("1", "L"):
        base = picture.convert("L")
    else:
        base = picture if picture.mode in ("RGB", "CMYK", "LAB") else picture.convert("RGB")
    base, done = to_srgb(base, picture.info.get("icc_profile"))
    notes += done
    if alpha is not None and alpha.getextrema() != (255, 255):
        notes.append(ON_BLACK)
        # in place: each copy of a large image is one that must be held
        base.paste(0 if base.mode == "L" else (0, 0, 0), mask=ImageChops.invert(alpha))
    return np.asarray(base)


def _mode_name(picture: PillowImage.Image) -> str:
    names = {"1": "1 bit", "L": "gray 8 bit", "LA": "gray 8 bit with alpha", "P": "palette", "RGB": "RGB",
             "RGBA": "RGB with alpha", "CMYK": "CMYK", "LAB": "Lab", "I": "gray 32 bit", "F": "gray float"}  # fmt: skip
    return names.get(picture.mode, "gray 16 bit" if picture.mode.startswith("I;16") else picture.mode)
