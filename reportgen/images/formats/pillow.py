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
from contextlib import contextmanager, nullcontext

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageChops, ImageFile, UnidentifiedImageError

from reportgen.images.decoding import (
    CUT_OFF,
    INVERTED,
    LEFT_OUT,
    MOST_DRAWN,
    ON_BLACK,
    UPRIGHT,
    WRONG_CHECKSUM,
    DamagedError,
    Decoded,
    Request,
    UnknownKindError,
    check_pixels,
    choose_frame,
    is_one_value,
    too_large,
    turn_upright,
)
from reportgen.images.depth import Loaders, scale_by_depth
from reportgen.images.formats import png, tiff
from reportgen.images.formats.sixteen_bit import check_modes, has_16_bit_colour, read_16_bit_colour
from reportgen.images.profiles import Profile, as_loaders_do
from reportgen.system.errors import ImageError
from reportgen.system.silence import silence_standard_error

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
_SAMPLE_FORMAT, _PHOTOMETRIC, _BITS, _PLANAR, _COMPRESSION, _EXTRA_SAMPLES = 339, 262, 258, 284, 259, 338
# none, CCITT, LZW, JPEG, deflate, PackBits, LZMA, Zstandard: what libtiff surely decodes, if it's whole
_SURE_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000)
_YCBCR = 6
_PILLOW = threading.RLock()


def read_picture(data: bytes, request: Request) -> Decoded:
    """Decode an image.

    Raises
    ------
    DamagedError
        When it's of a kind that Pillow reads, and isn't whole.
    UnknownKindError
        When Pillow doesn't know it.
    ImageError
        When it's too small or beyond the limits, or has no such frame.
    """
    try:
        return _attempt(data, request)
    except (DamagedError, UnknownKindError) as problem:
        if not request.allow_truncated:
            raise
        try:
            found = _attempt(data, request, truncated=True)
        except (DamagedError, UnknownKindError):
            raise problem from None
        if is_one_value(found.pixels):
            raise
        caution = CUT_OFF if png.wrong_checksum(data) is None else WRONG_CHECKSUM
        return dataclasses.replace(found, cautions=(*found.cautions, caution))


def _attempt(data: bytes, request: Request, *, truncated: bool = False) -> Decoded:
    data = png.without_text(data)
    if truncated:
        data = png.with_right_checksums(data)
    elif (chunk := png.wrong_checksum(data)) is not None:
        raise DamagedError(f"the checksum of its chunk {chunk} is wrong")
    formats = (*FORMATS, "TGA") if _says_tga(data, request.name) else FORMATS
    picture = None
    try:
        with (
            pillow_set(request, truncated=truncated),
            # libtiff writes there what it finds wrong, and here it's told anyway
            silence_standard_error() if tiff.is_tiff(data) else nullcontext(),
            PillowImage.open(io.BytesIO(data), formats=formats) as picture,
        ):
            return _read_opened(picture, data, request, truncated=truncated)
    except PillowImage.DecompressionBombError:
        raise too_large(request, "as its file says") from None
    except (ImageError, DamagedError, UnknownKindError):
        raise
    except UnidentifiedImageError:
        raise UnknownKindError("no known format") from None
    except Exception as problem:
        # Pillow's decoders meet damaged files with every kind of exception
        error = DamagedError if picture is None or _is_sure(picture) else UnknownKindError
        raise error(str(problem)) from problem


@contextmanager
def pillow_set(request: Request, *, truncated: bool) -> Iterator[None]:
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


def _says_tga(data: bytes, name: str) -> bool:
    return data[-18:].startswith(b"TRUEVISION-XFILE") or name.lower().endswith((".tga", ".icb", ".vda", ".vst"))


def _is_sure(picture: PillowImage.Image) -> bool:
    """Whether Pillow reads what was opened if only it's whole."""
    tags = getattr(picture, "tag_v2", None)
    return tags is None or tags.get(_COMPRESSION, 1) in _SURE_COMPRESSIONS


def _read_opened(picture: ImageFile.ImageFile, data: bytes, request: Request, *, truncated: bool) -> Decoded:
    check_pixels(*picture.size, request)
    _check_claim(picture, data, truncated=truncated)
    index, notes = _go_to_frame(picture, request)
    _check_depth(picture)
    # before the pixels are loaded: then a picture forgets how its file was laid out
    deep = read_16_bit_colour(picture, data, index) if has_16_bit_colour(picture) else None
    # Pillow turns TIFF files itself when it loads them, and forgets then what they said
    turns_itself = picture.format == "TIFF"
    orientation = _orientation(picture) if turns_itself else 1
    stored, inverted = _stored_as(picture), _white_is_zero(picture)
    tags = getattr(picture, "tag_v2", {})
    notes += [LEFT_OUT] if 0 in tags.get(_EXTRA_SAMPLES, ()) else []
    if tags.get(_PHOTOMETRIC) == _YCBCR and not truncated:
        tiff.check_parts(data, index)
    picture.load()
    check_pixels(*picture.size, request)
    orientation = orientation if turns_itself else _orientation(picture)
    kind = f"{picture.format}, {_mode_name(picture)}"
    notes += [UPRIGHT] if orientation > 1 else []
    turn = 1 if turns_itself else orientation
    values: NDArray[np.generic]
    if deep is not None:
        values, composited = deep
        kind = f"{picture.format}, {'gray' if values.ndim == 2 else 'RGB'} 16 bit"
        notes += [ON_BLACK] if composited else []
    elif _is_deep(picture.mode) or stored.of is not None:
        values = stored.values(picture)
    else:
        pixels, profiled = _gray_or_rgb(picture, data, request, notes)
        return Decoded(pixels=turn_upright(pixels, turn), kind=kind, notes=tuple(notes), profiled=profiled)
    scaled, profiled = _scaled(values, picture, data, request, notes, bits=stored.bits, inverted=inverted)
    return Decoded(pixels=turn_upright(scaled, turn), kind=kind, notes=tuple(notes), profiled=profiled)


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
        check_pixels(*picture.size, request)
    return index, notes


def _scaled(
    values: NDArray[np.generic],
    picture: PillowImage.Image,
    data: bytes,
    request: Request,
    notes: list[str],
    *,
    bits: int | None,
    inverted: bool,
) -> tuple[NDArray[np.float32], bool]:
    """Scale values of more than 8 bits, or signed ones; return also whether a colour profile makes others of them."""
    see_through = png.transparent_value(data)
    if see_through is not None and picture.mode in ("I;16", "I", "RGB"):
        there = (values == see_through).all(axis=-1) if values.ndim == 3 else values == see_through[0]
        if there.any():
            values = values.copy()
            values[there] = 0
            notes.append(ON_BLACK)
    loaders: Loaders = "high" if picture.mode in ("RGB", "RGBA", "LA") else "none" if picture.mode == "L" else "cut"
    pixels, note = scale_by_depth(values, request.name, request.images.depth, bits=bits, loaders=loaders)
    notes.append(note)
    if inverted:
        pixels = 255 - pixels
        notes.append(INVERTED)
    profile = Profile(picture.info.get("icc_profile"), "L" if values.ndim == 2 else "RGB")
    how = request.images.colour_profiles
    notes += profile.notes(how)
    return profile.applied_to_values(pixels) if how == "apply" else pixels, profile.matters


def _check_claim(picture: PillowImage.Image, data: bytes, *, truncated: bool) -> None:
    """Refuse at once what claims many more pixels than its bytes can hold, where decoding would go on over nothing.

    A file that is cut off may well claim more than it has: then only what has no end is refused.
    """
    pixels, claim = picture.width * picture.height, f"{picture.width} x {picture.height} pixels"
    if picture.format in ("JPEG", "MPO"):
        if pixels > _JPEG_PIXELS_A_BYTE * len(data) and not truncated:
            raise DamagedError(f"it claims {claim} and holds {len(data):,} bytes")
        if picture.info.get("progressive") and data.count(b"\xff\xda") > _MOST_SCANS:
            raise DamagedError(f"it claims more than {_MOST_SCANS} passes over the image")
    if picture.format in ("JPEG2000", "AVIF") and pixels > max(_LARGE, _PIXELS_A_BYTE * len(data)) and not truncated:
        raise DamagedError(f"it claims {claim} and holds {len(data):,} bytes")


def _check_depth(picture: PillowImage.Image) -> None:
    """Give up on a TIFF of which Pillow would hand out the high bytes alone, where they can't be put together."""
    tags = getattr(picture, "tag_v2", {})
    if picture.mode in ("RGB", "RGBA", "RGBX", "LA") and max(tags.get(_BITS, (8,))) > 8:
        if tags.get(_PLANAR, 1) != 1:
            raise UnknownKindError("16-bit colour in planes")
        try:
            check_modes(picture)
        except ValueError as problem:
            raise UnknownKindError(str(problem)) from None


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


@dataclasses.dataclass(frozen=True)
class _Stored:
    """What the numbers of a picture really are: their type where Pillow takes them for another, and their bits."""

    of: type[np.generic] | None = None
    bits: int | None = None

    def values(self, picture: PillowImage.Image) -> NDArray[np.generic]:
        """Return a loaded picture's numbers."""
        values = np.asarray(picture)
        if self.of is None:
            return values
        return values.view(self.of) if np.dtype(self.of).itemsize == values.itemsize else values.astype(self.of)


def _stored_as(picture: PillowImage.Image) -> _Stored:
    """Return what the file says of its numbers: signed bytes, 12 or 16 bits, unsigned 32 bits."""
    if picture.format in ("PPM", "PNG") and picture.mode == "I":
        return _Stored(np.uint16)
    tags = getattr(picture, "tag_v2", None)
    if tags is None:
        return _Stored()
    form, bits = tags.get(_SAMPLE_FORMAT, (1,))[0], tags.get(_BITS, (1,))[0]
    if picture.mode == "L" and form == 2:
        return _Stored(np.int8)
    if picture.mode == "I":
        return _Stored(np.uint32 if (form, bits) == (1, 32) else np.int16 if (form, bits) == (2, 16) else None)
    return _Stored(bits=bits if picture.mode.startswith("I;") and bits < 16 else None)


def _white_is_zero(picture: PillowImage.Image) -> bool:
    """Whether a TIFF stores white as 0 with more than 8 bits; Pillow turns only smaller ones round itself."""
    tags = getattr(picture, "tag_v2", {})
    return bool(tags) and tags.get(_PHOTOMETRIC) == 0 and _is_deep(picture.mode)


def _is_deep(mode: str) -> bool:
    return mode in ("I", "F") or mode.startswith("I;")


def _gray_or_rgb(
    picture: PillowImage.Image, data: bytes, request: Request, notes: list[str]
) -> tuple[NDArray[np.uint8], bool]:
    """Return pixels of 8 bits, and whether a colour profile makes others of them."""
    alpha = None
    _set_transparency(picture, data)
    if picture.has_transparency_data:
        rgba = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        alpha = rgba.getchannel("A")
        opaque = rgba.convert("RGB")
        base = opaque.getchannel("R") if picture.mode in ("L", "LA", "La", "1") else opaque
    else:
        base = picture if picture.mode in ("CMYK", "LAB") else as_loaders_do(picture)
    how = request.images.colour_profiles
    profile = Profile(picture.info.get("icc_profile"), base.mode)
    converted = how == "apply" and profile.matters
    if base.mode in ("CMYK", "LAB") and not converted:
        notes.append(f"Converted from {'Lab' if base.mode == 'LAB' else 'CMYK'} to RGB.")
    notes += profile.notes(how)
    base = profile.applied(base) if converted else as_loaders_do(base)
    if alpha is not None and alpha.getextrema() != (255, 255):
        notes.append(ON_BLACK)
        # in place: each copy of a large image is one that must be held
        base.paste(0 if base.mode == "L" else (0, 0, 0), mask=ImageChops.invert(alpha))
    return np.asarray(base), profile.matters


def _set_transparency(picture: PillowImage.Image, data: bytes) -> None:
    """Set which gray or colour of a PNG is transparent in the 8 bits that a picture has now."""
    stored = png.transparent_value(data)
    if stored is not None:
        full = (1 << png.bits(data)) - 1
        values = tuple(value * 255 // full for value in stored)
        picture.info["transparency"] = values[0] if len(values) == 1 else values


def _mode_name(picture: PillowImage.Image) -> str:
    names = {"1": "1 bit", "L": "gray 8 bit", "LA": "gray 8 bit with alpha", "P": "palette", "RGB": "RGB",
             "RGBA": "RGB with alpha", "CMYK": "CMYK", "LAB": "Lab", "I": "gray 32 bit", "F": "gray float"}  # fmt: skip
    return names.get(picture.mode, "gray 16 bit" if picture.mode.startswith("I;16") else picture.mode)
