"""TIFF files that Pillow can't decode, by tifffile and imagecodecs, which are an extra.

They are 10, 14 or 64 bits, float colour, signed colour, planar 16-bit colour, and the like.
"""

from __future__ import annotations

import io
import itertools
import logging
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ImageError
from reportgen.inputs.decoding import ON_BLACK, Decoded, Request, check_size, choose_frame, scaled_to_255, upright
from reportgen.system import install_extra

if TYPE_CHECKING:
    from tifffile import TiffPage


_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# None, CCITT, LZW, deflate, PackBits, LZMA, Zstandard: none gives more than the size it is asked for, while those
# that are images themselves (JPEG, WebP, ...) may claim any size of their own
_COMPRESSIONS = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
_CHANNELS = {"MINISBLACK": (1, 2), "MINISWHITE": (1,), "RGB": (3, 4)}


def is_tiff(data: bytes) -> bool:
    """Return whether bytes begin as a TIFF, also one of more than 4 GB (BigTIFF)."""
    return data.startswith(_STARTS)


def read(data: bytes, request: Request) -> Decoded:
    """Decode a TIFF.

    Raises
    ------
    ImageError
        When it's damaged, of a kind that isn't supported, beyond the limits, or the extra isn't installed.
    """
    try:
        import imagecodecs  # noqa: F401 - tifffile asks for it when it meets something compressed
        import tifffile
    except ImportError:
        raise ImageError(
            f"{request.name} is damaged, or a TIFF of a kind that needs more libraries", install_extra("tiff")
        ) from None
    logger = logging.getLogger("tifffile")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with tifffile.TiffFile(io.BytesIO(data)) as file:
                frames = sum(1 for _ in itertools.islice(iter(file.pages), request.limits.frames + 1))
                index, notes = choose_frame(frames, request)
                page = file.pages[index]
                if not isinstance(page, tifffile.TiffPage):
                    page = page.aspage()
                _check(page, request)
                return _decoded(page.asarray(maxworkers=1), page, notes, request)
    except ImageError:
        raise
    except Exception as problem:
        # tifffile meets damaged files with every kind of exception
        raise ImageError(f"{request.name} is damaged or truncated", "copy or download it again") from problem
    finally:
        logger.setLevel(level)


def _check(page: TiffPage, request: Request) -> None:
    check_size(page.imagewidth, page.imagelength, request)
    if page.compression not in _COMPRESSIONS:
        raise ImageError(
            f"{request.name} is damaged, or a TIFF in a compression ({page.compression:d}) that can't be read here",
            "copy it again, or save it without compression",
        )
    name = _photometric(page)
    channels = page.samplesperpixel
    if channels not in _CHANNELS.get(name, ()) or page.imagedepth != 1 or page.dtype is None:
        raise ImageError(
            f"{request.name} is a TIFF of {channels} channels ({name}), {page.bitspersample} bits each",
            "gray and RGB can be read: convert it",
        )
    if page.dtype.kind not in "buif":
        raise ImageError(f"{request.name} is a TIFF of numbers that are not real", "save their size, for example")
    # a tile is decoded whole, however small the image
    if math.prod(page.chunks) > 4 * max(request.limits.pixels, 1):
        raise ImageError(f"{request.name} is a TIFF whose tiles are far too large", "copy or download it again")


def _decoded(values: NDArray[np.generic], page: TiffPage, notes: list[str], request: Request) -> Decoded:
    if values.ndim == 3 and page.axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    colour = _photometric(page) == "RGB"
    wanted = (page.imagelength, page.imagewidth, *((page.samplesperpixel,) if page.samplesperpixel > 1 else ()))
    if values.shape != wanted:
        raise ImageError(f"{request.name} is a TIFF whose pixels have an unexpected shape", "save it anew")
    if page.samplesperpixel in (2, 4):
        values = _on_black(values, page, notes)
    bits = f"{page.dtype} RGB" if colour else f"gray {page.dtype}"
    kind = f"TIFF, {bits}" if page.bitspersample in (8, 16, 32, 64) else f"TIFF, {bits} ({page.bitspersample} bits)"
    pixels: NDArray[np.uint8] | NDArray[np.float32]
    if values.dtype == np.uint8 and page.bitspersample == 8:
        pixels = values.astype(np.uint8, copy=False)
    else:
        pixels, note = scaled_to_255(values, request.name)
        notes.append(note)
    if _photometric(page) == "MINISWHITE":
        pixels = 255 - pixels
        notes.append("The file stores white as 0; it was turned round.")
    if 34675 in page.tags:
        notes.append("Its colour profile was not applied.")
    tag = page.tags.get("Orientation")
    orientation = tag.value if tag is not None and tag.value in range(2, 9) else 1
    if orientation > 1:
        notes.append("Turned upright as its EXIF orientation says.")
    return Decoded(pixels=upright(pixels, orientation), kind=kind, notes=tuple(notes))


def _photometric(page: TiffPage) -> str:
    """Return what the channels are; a number that stands for nothing has no name."""
    return str(getattr(page.photometric, "name", "unknown"))


def _on_black(values: NDArray[np.generic], page: TiffPage, notes: list[str]) -> NDArray[np.generic]:
    """Take off the last channel: alpha, which is composited on black, or something else."""
    seen, last = (values[..., 0] if page.samplesperpixel == 2 else values[..., :-1]), values[..., -1]
    kinds = [getattr(extra, "name", "") for extra in page.extrasamples]
    if "UNASSALPHA" not in kinds:
        # alpha that was multiplied in already is composited on black as it stands
        notes += [] if "ASSOCALPHA" in kinds else ["It has another channel, which was left out."]
        return seen
    full = 1.0 if last.dtype.kind == "f" else 2.0 ** (8 * last.dtype.itemsize) - 1
    notes.append(ON_BLACK)
    share = last.astype(np.float64) / full
    shown: NDArray[np.float64] = np.multiply(seen, share if seen.ndim == 2 else share[..., None], dtype=np.float64)
    return shown
