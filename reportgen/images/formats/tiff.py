"""TIFF files that Pillow can't decode, by tifffile and imagecodecs, which are an extra.

They are 10, 14 or 64 bits, float colour, signed colour, planar 16-bit colour, and the like.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import (
    CUT_OFF,
    INVERTED,
    LEFT_OUT,
    ON_BLACK,
    UPRIGHT,
    DamagedError,
    Decoded,
    Request,
    UnknownKindError,
    check_pixels,
    choose_frame,
    turn_upright,
)
from reportgen.images.depth import scale_by_depth
from reportgen.images.profiles import Profile
from reportgen.system.errors import ImageError
from reportgen.system.libraries import install_extra
from reportgen.system.silence import silence_loggers

if TYPE_CHECKING:
    from tifffile import TiffPage


_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# None, CCITT, LZW, deflate, PackBits, LZMA, Zstandard: none gives more than the size it is asked for, while those
# that are images themselves (JPEG, WebP, ...) may claim any size of their own
_COMPRESSIONS = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
# bytes of a value, by the number of its type
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_PACKED = (5, 8, 32773, 32946, 34925, 50000)
_PROFILE = 34675
_CHANNELS = {"MINISBLACK": (1, 2), "MINISWHITE": (1,), "RGB": (3, 4)}


def is_tiff(data: bytes) -> bool:
    """Return whether bytes begin as a TIFF, also one of more than 4 GB (BigTIFF)."""
    return data.startswith(_STARTS)


def read_tiff(data: bytes, request: Request) -> Decoded:
    """Decode a TIFF.

    Raises
    ------
    DamagedError
        When it isn't whole.
    UnknownKindError
        When it's of a kind that isn't supported, or the extra isn't installed; says which.
    ImageError
        When it's beyond the limits, or has no such frame.
    """
    try:
        import imagecodecs  # noqa: F401 - tifffile asks for it when it meets something compressed
        import tifffile
    except ImportError:
        raise UnknownKindError(
            "damaged, or a TIFF of a kind that needs more libraries", install_extra("tiff")
        ) from None
    try:
        with silence_loggers("tifffile"), tifffile.TiffFile(io.BytesIO(data)) as file:
            frames = sum(1 for _ in itertools.islice(iter(file.pages), request.limits.frames + 1))
            if not frames:
                raise DamagedError("its directory is missing")
            index, notes = choose_frame(frames, request)
            page = file.pages[index]
            if not isinstance(page, tifffile.TiffPage):
                page = page.aspage()
            _check(page, data, request)
            values, is_whole = _values(page, data, request)
            found = _decoded(values, page, notes, request)
            return found if is_whole else dataclasses.replace(found, cautions=(*found.cautions, CUT_OFF))
    except (ImageError, DamagedError, UnknownKindError):
        raise
    except Exception as problem:
        # tifffile meets damaged files with every kind of exception, and may quote them
        raise DamagedError("its pixels can't be unpacked") from problem


def check_parts(data: bytes, frame: int) -> None:
    """Raise a DamagedError when a strip or tile of a TIFF can't be unpacked.

    Of YCbCr, libtiff goes on without a word after a part that it can't unpack. Nothing is looked at without the extra,
    nor what isn't packed or is an image itself.
    """
    try:
        import imagecodecs  # noqa: F401 - as above
        import tifffile
    except ImportError:
        return
    with silence_loggers("tifffile"), tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[frame]
        if not isinstance(page, tifffile.TiffPage) or page.compression not in _PACKED:
            return
        for number, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
            try:
                page.decode(data[offset : offset + count], number)
            except Exception as problem:
                raise DamagedError("its pixels can't be unpacked") from problem


def _values(page: TiffPage, data: bytes, request: Request) -> tuple[NDArray[np.generic], bool]:
    """Return a page's values, and whether they're all there: where it's allowed, what can't be decoded is 0."""
    try:
        return page.asarray(maxworkers=1), True
    except Exception:
        if not request.allow_truncated:
            raise
        values = np.zeros(page.shaped, page.dtype)
        if not sum([_fill(values, page, data, number) for number in range(len(page.dataoffsets))]):
            raise
        return values.reshape(page.shape), False


def _fill(values: NDArray[np.generic], page: TiffPage, data: bytes, number: int) -> bool:
    """Decode a strip or tile into its place among values ``(planes, depth, rows, columns, channels)``, if it can be."""
    offset, count = page.dataoffsets[number], page.databytecounts[number]
    stored = data[offset : offset + count]
    if not stored:
        return False
    if page.compression == 1:
        stored += bytes(min(count, math.prod(page.chunks) * values.itemsize) - len(stored))
    try:
        segment, (plane, depth, row, column, _), _ = page.decode(stored, number)
    except Exception:  # noqa: BLE001 - as above
        return False
    if segment is None:
        return False
    place = values[plane, depth:, row:, column:]
    size = tuple(min(pair) for pair in zip(segment.shape[:3], place.shape[:3], strict=True))
    place[: size[0], : size[1], : size[2]] = segment[: size[0], : size[1], : size[2]]
    return True


def _check(page: TiffPage, data: bytes, request: Request) -> None:
    check_pixels(page.imagewidth, page.imagelength, request)
    try:
        _check_kind(page)
    except UnknownKindError:
        # what is missing may be what would make it known
        if _is_cut_off(page, data):
            raise DamagedError("its end is missing") from None
        raise
    # a tile is decoded whole, however small the image
    if math.prod(page.chunks) > 4 * max(request.limits.pixels, 1):
        raise ImageError(f"{request.name} is a TIFF whose tiles are far too large", "copy or download it again")


def _is_cut_off(page: TiffPage, data: bytes) -> bool:
    """Whether the directory of a page, or what it points at, goes on beyond the end of the file."""
    form = page.parent.tiff
    order: Literal["little", "big"] = "little" if form.byteorder == "<" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    # an entry: tag, type, how many values, and the values, or where they are
    start, width = page.offset + form.tagnosize, form.offsetsize
    entries = [start + place * form.tagsize for place in range(number(page.offset, form.tagnosize))]
    ends = [entry + form.tagsize for entry in entries[-1:]]
    for entry in entries:
        size = _SIZES.get(number(entry + 2, 2), 0) * number(entry + 4, width)
        ends += [number(entry + 4 + width, width) + size] if size > width else []
    ends += [offset + size for offset, size in zip(page.dataoffsets, page.databytecounts, strict=False)]
    return max(ends, default=0) > len(data)


def _check_kind(page: TiffPage) -> None:
    if page.compression not in _COMPRESSIONS:
        raise UnknownKindError(
            f"damaged, or a TIFF in a compression ({page.compression:d}) that can't be read here",
            "copy it again, or save it without compression",
        )
    name = _photometric(page)
    channels = page.samplesperpixel
    if channels not in _CHANNELS.get(name, ()) or page.imagedepth != 1 or page.dtype is None:
        raise UnknownKindError(
            f"a TIFF of {channels} channels ({name}), {page.bitspersample} bits each",
            "gray and RGB can be read: convert it",
        )
    if page.dtype.kind not in "buif":
        raise UnknownKindError("a TIFF of numbers that are not real", "save their size, for example")


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
        pixels, note = scale_by_depth(values, request.name, request.images.depth, bits=page.bitspersample)
        notes.append(note)
    if _photometric(page) == "MINISWHITE":
        pixels = 255 - pixels
        notes.append(INVERTED)
    tag = page.tags.get(_PROFILE)
    profile, how = (
        Profile(tag.value if tag is not None else None, "RGB" if colour else "L"),
        request.images.colour_profiles,
    )
    notes += profile.notes(how)
    if how == "apply" and profile.matters:
        pixels = profile.applied_to_values(pixels.astype(np.float32, copy=False))
    tag = page.tags.get("Orientation")
    orientation = tag.value if tag is not None and tag.value in range(2, 9) else 1
    notes += [UPRIGHT] if orientation > 1 else []
    return Decoded(pixels=turn_upright(pixels, orientation), kind=kind, notes=tuple(notes), profiled=profile.matters)


def _photometric(page: TiffPage) -> str:
    """Return what the channels are; a number that stands for nothing has no name."""
    return str(getattr(page.photometric, "name", "unknown"))


def _on_black(values: NDArray[Any], page: TiffPage, notes: list[str]) -> NDArray[np.generic]:
    """Take off the last channel: alpha, which is composited on black, or something else."""
    seen, last = (values[..., 0] if page.samplesperpixel == 2 else values[..., :-1]), values[..., -1]
    kinds = [getattr(extra, "name", "") for extra in page.extrasamples]
    if not {"UNASSALPHA", "ASSOCALPHA"} & set(kinds):
        notes.append(LEFT_OUT)
        return seen
    full = 1.0 if last.dtype.kind == "f" else 2.0**page.bitspersample - 1
    if (last >= full).all():
        return seen
    notes.append(ON_BLACK)
    if "ASSOCALPHA" in kinds:
        # it was multiplied in already, which is the same
        return seen
    share = last.astype(np.float32) / np.float32(full)
    shown: NDArray[np.float64] = np.multiply(seen, share if seen.ndim == 2 else share[..., None], dtype=np.float64)
    return shown if last.dtype.kind == "f" else np.rint(shown).astype(seen.dtype)
