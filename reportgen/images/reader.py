"""Image files -> pixels in raw-image units, 0 to 255.

Whatever the file holds (DICOM, 8 or 16 bit or float gray, RGB, CMYK, palette, alpha), what comes out is one thing:
gray ``(H, W)`` or colour ``(H, W, 3)`` from 0 to 255, upright, with notes that say what was done to get there. What a
file is is told by its content, never by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import SMALLEST_SIDE, DamagedError, Decoded, Request, UnknownKindError, is_one_value
from reportgen.images.dicom import reader as dicom
from reportgen.images.formats import pillow, tiff
from reportgen.images.formats.transfer import find_transfer_change, perhaps_changed_in_transfer
from reportgen.images.resizing import as_channels, resize
from reportgen.settings.report import DEFAULTS, ImageSettings, LimitSettings
from reportgen.system.errors import ImageError
from reportgen.system.files import read_bytes, sha256
from reportgen.system.language import mark, say
from reportgen.system.signatures import looks_like

__all__ = ["Image", "as_channels", "decode_image", "image_from_array", "read_image", "resize"]


_AGAIN = "copy or download it again"
_CHANGED = mark("The file looks as if it was copied as text, which damages it: the image may be wrong.")


@dataclass(frozen=True)
class Image:
    """One picture, decoded.

    Attributes
    ----------
    pixels
        ``(H, W)`` gray or ``(H, W, 3)`` RGB, 0 to 255: uint8 where the file has 8 bits, float32 where it has more.
    sha256
        Digest of the file's bytes (or of the pixels where there was no file).
    kind
        Format and mode as stored, such as ``"JPEG, gray 8 bit"``.
    notes
        What was done on the way, one sentence each.
    cautions
        What a reader must know before anything about it is believed, one sentence each.
    nameless
        Whether its file's name stays out of reports: DICOM files are often named after patients.
    read_otherwise
        Reads the file again with its colour profile treated the other way, applied instead of ignored or the reverse;
        None where that makes no other pixels.
    """

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    sha256: str
    kind: str
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    nameless: bool = False
    read_otherwise: Callable[[], Image] | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])


def read_image(
    path: str | Path,
    settings: ImageSettings | None = None,
    limits: LimitSettings | None = None,
    frame: int | None = None,
) -> Image:
    """Read an image file.

    Pixels are those that Pillow's own conversion gives, colour profiles left alone, but: alpha is composited on black,
    EXIF orientation is applied, of several frames the first is used unless another is named, and data with more than 8
    bits is scaled to 0..255 by the range that fits its values (see ``settings.depth``), DICOM by its window.

    Parameters
    ----------
    path
        The file.
    settings
        How to read it; default: ``ImageSettings()``.
    limits
        How large it may be; default: ``LimitSettings()``.
    frame
        Which frame of several, the first being 1; None: as the settings say.

    Raises
    ------
    ImageError
        When the file is missing, empty, truncated, no image, smaller than 4 x 4 or larger than the limits.
    """
    limits = limits or DEFAULTS.limits
    path = Path(path)
    data = read_bytes(path, ImageError, "image", limit=limits.file_size)
    return decode_image(data, str(path), settings, limits, frame)


def decode_image(
    data: bytes,
    name: str,
    settings: ImageSettings | None = None,
    limits: LimitSettings | None = None,
    frame: int | None = None,
) -> Image:
    """Decode an image from its bytes; ``name`` stands in messages. See :func:`read_image`."""
    settings = settings or DEFAULTS.images
    request = Request(name=name, frame=frame or settings.frame, images=settings, limits=limits or DEFAULTS.limits)
    if len(data) > request.limits.file_size:
        raise ImageError(
            f"{name} has more than {request.limits.file_size:,} bytes", "raise the limit with --max-file-size"
        )
    changed = find_transfer_change(data)
    if changed is not None and not settings.allow_truncated:
        raise _changed(request, changed)
    is_dicom = dicom.is_dicom(data)
    try:
        found = dicom.read_dicom(data, request) if is_dicom else _read(data, request)
    except ImageError:
        changed = changed or perhaps_changed_in_transfer(data)
        if changed is None:
            raise
        raise _changed(request, changed) from None
    return Image(
        pixels=found.pixels,
        sha256=sha256(data),
        kind=found.kind,
        notes=tuple(map(say, found.notes)),
        cautions=(
            *([] if changed is None else [say(_CHANGED)]),
            *map(say, found.cautions),
            *_emptiness(found.pixels),
        ),
        nameless=is_dicom,
        read_otherwise=partial(decode_image, data, name, _otherwise(settings), limits, frame)
        if found.profiled
        else None,
    )


def image_from_array(pixels: NDArray[np.generic], *, kind: str = "array", notes: tuple[str, ...] = ()) -> Image:
    """Make an :class:`Image` of an array.

    Parameters
    ----------
    pixels
        ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``. uint8 is taken as it is; any other type must be finite and is
        taken as raw-image units, 0 to 255.
    kind
        What to call its origin.
    notes
        What was done to get it, one sentence each.

    Raises
    ------
    ImageError
        When shape or range don't fit.
    """
    array = np.asarray(pixels)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] != 3):
        raise ImageError(f"an image array must be (H, W) or (H, W, 3), got {array.shape}")
    if min(array.shape[:2]) < SMALLEST_SIDE:
        raise ImageError(f"an image needs at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels, got {array.shape[:2]}")
    if array.dtype != np.uint8:
        try:
            array = array.astype(np.float32, casting="unsafe" if array.dtype.kind in "biufO" else "safe")
        except (TypeError, ValueError):
            raise ImageError(f"an image array must hold real numbers, got {array.dtype}") from None
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 255:
            raise ImageError("an image array must hold finite values from 0 to 255")
    digest = sha256(array.tobytes())
    return Image(pixels=array, sha256=digest, kind=kind, notes=notes, cautions=_emptiness(array))


def _emptiness(pixels: NDArray[np.generic]) -> tuple[str, ...]:
    return (
        (say("All its pixels have the same value: there is nothing to be seen in it."),) if is_one_value(pixels) else ()
    )


def _otherwise(settings: ImageSettings) -> ImageSettings:
    return replace(settings, colour_profiles="ignore" if settings.colour_profiles == "apply" else "apply")


def _changed(request: Request, changed: str) -> ImageError:
    return ImageError(f"{request.name} is {changed}", "copy it again in binary mode")


def _read(data: bytes, request: Request) -> Decoded:
    """Read what is not DICOM, or say what is wrong with it."""
    try:
        return _decoded(data, request)
    except DamagedError as problem:
        what = f"{request.name} is damaged or truncated ({problem})"
        raise ImageError(what, _advice(data, request)) from problem
    except UnknownKindError as problem:
        if problem.advice:
            raise ImageError(f"{request.name} is {problem}", problem.advice) from None
    found = looks_like(data)
    if found is not None and found.endswith("image"):
        raise ImageError(f"{request.name} begins as {found} and can't be read", _advice(data, request))
    raise ImageError(
        f"{request.name} is {found or 'not an image that can be read'}",
        "give a PNG, JPEG, TIFF, BMP, WebP or DICOM file",
    )


def _decoded(data: bytes, request: Request) -> Decoded:
    """Decode by Pillow, and where it gives up on a TIFF, by tifffile."""
    try:
        return pillow.read_picture(data, request)
    except (DamagedError, UnknownKindError) as problem:
        if not tiff.is_tiff(data):
            raise
        try:
            return tiff.read_tiff(data, request)
        except (ImageError, UnknownKindError):
            # what only Pillow knows isn't of an unknown kind for that
            if isinstance(problem, DamagedError):
                raise problem from None
            raise


def _advice(data: bytes, request: Request) -> str:
    """Say what to do about a damaged file; using what is left of it is named where that works."""
    if request.allow_truncated:
        return _AGAIN
    try:
        _decoded(data, replace(request, images=replace(request.images, allow_truncated=True)))
    except (ImageError, DamagedError, UnknownKindError):
        return _AGAIN
    return f"{_AGAIN}, or use what is left of it with --allow-truncated"
