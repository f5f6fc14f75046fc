"""Image files -> pixels in raw-image units, 0 to 255.

Whatever the file holds (8 or 16 bit or float gray, RGB, CMYK, palette, alpha), what comes out is one thing: gray
``(H, W)`` or colour ``(H, W, 3)`` from 0 to 255, upright, with notes that say what was done to get there.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from reportgen.errors import ImageError
from reportgen.inputs.deep_colour import has_16_bit_colour, read_16_bit_colour
from reportgen.inputs.files import read_bytes, sha256
from reportgen.inputs.signatures import looks_like

MAX_PIXELS = 100_000_000
SMALLEST_SIDE = 4
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM")  # what JPEG opens includes MPO

_UPRIGHT = {
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_270,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_90,
}

Resampling = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]


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
    """

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    sha256: str
    kind: str
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])


def read_image(path: str | Path) -> Image:
    """Read an image file.

    Alpha is composited on black, EXIF orientation is applied, of several frames the first is used, and data with more
    than 8 bits is scaled by its own minimum and maximum to 0..255.

    Raises
    ------
    ImageError
        When the file is missing, empty, truncated, no image, smaller than 4 x 4 or larger than 100 million pixels.
    """
    path = Path(path)
    return decode_image(read_bytes(path, ImageError, "image"), str(path))


def decode_image(data: bytes, name: str) -> Image:
    """Decode an image from its bytes; ``name`` stands in messages. See :func:`read_image`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PillowImage.open(io.BytesIO(data), formats=FORMATS) as picture:
                _check_size(picture, name)
                # before anything loads the pixels, which asking for frames or EXIF may do
                deep = read_16_bit_colour(data, FORMATS) if has_16_bit_colour(picture) else None
                frames = getattr(picture, "n_frames", 1)
                orientation = _orientation(picture)
                inverted = _white_is_zero(picture)
                picture.load()
                return _decoded(picture, frames, orientation, deep, sha256(data), name, inverted=inverted)
    except PillowImage.DecompressionBombError:
        raise _too_large(name, "more than that") from None
    except UnidentifiedImageError:
        found = looks_like(data)
        raise ImageError(
            f"{name} is {found or 'not an image that can be read'}", "give a PNG, JPEG, TIFF, BMP or WebP file"
        ) from None
    except ImageError:
        raise
    except Exception as problem:
        # Pillow's decoders meet damaged files with every kind of exception
        raise ImageError(f"{name} is damaged or truncated ({problem})", "copy or download it again") from problem


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
        array = array.astype(np.float32)
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 255:
            raise ImageError("an image array must hold finite values from 0 to 255")
    return Image(pixels=array, sha256=sha256(array.tobytes()), kind=kind, notes=notes)


def resize(pixels: NDArray[np.generic], size: tuple[int, int], resampling: Resampling) -> NDArray[np.generic]:
    """Resize gray or RGB pixels, each axis on its own (the aspect is not kept).

    Parameters
    ----------
    pixels
        ``(H, W)`` or ``(H, W, 3)``, uint8 or float32.
    size
        Wanted (height, width).
    resampling
        Pillow's filters; all but nearest average over the area when shrinking.

    Returns
    -------
    ndarray
        Same type and number of dimensions, at the wanted size.
    """
    target, how = (size[1], size[0]), PillowImage.Resampling[resampling.upper()]
    if pixels.shape[:2] == size:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(PillowImage.fromarray(pixels).resize(target, how))
    planes = pixels.astype(np.float32).reshape(*pixels.shape[:2], -1)
    resized = [np.asarray(PillowImage.fromarray(planes[..., c]).resize(target, how)) for c in range(planes.shape[-1])]
    # lanczos and bicubic overshoot at edges; 8-bit data is clipped by Pillow itself
    together = np.clip(np.stack(resized, axis=-1), pixels.min(), pixels.max())
    return np.asarray(together[..., 0] if pixels.ndim == 2 else together)


def as_channels(pixels: NDArray[np.generic], channels: int) -> NDArray[np.generic]:
    """Return pixels as ``(H, W, channels)``: gray repeated to RGB, or RGB as luminance (ITU-R 601-2).

    Parameters
    ----------
    pixels
        ``(H, W)`` or ``(H, W, 3)``.
    channels
        1 or 3.
    """
    if channels == 3:
        return np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels
    if pixels.ndim == 2:
        return pixels[..., None]
    if pixels.dtype == np.uint8:
        return np.asarray(PillowImage.fromarray(pixels).convert("L"))[..., None]
    luminance: NDArray[np.generic] = (pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[..., None]
    return luminance


def _check_size(picture: PillowImage.Image, name: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")
    if min(width, height) < SMALLEST_SIDE:
        raise ImageError(
            f"{name} has only {width} x {height} pixels", f"an image needs at least {SMALLEST_SIDE} x {SMALLEST_SIDE}"
        )


def _too_large(name: str, found: str) -> ImageError:
    return ImageError(f"{name} is larger than {MAX_PIXELS:,} pixels ({found})", "make it smaller first")


def _orientation(picture: PillowImage.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or none that can be read."""
    try:
        orientation = picture.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001 - a damaged EXIF block is no reason to refuse the pixels
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _white_is_zero(picture: PillowImage.Image) -> bool:
    """Whether a TIFF stores white as 0 with more than 8 bits; Pillow turns only smaller ones round itself."""
    tags = getattr(picture, "tag_v2", {})
    return bool(tags) and tags.get(262) == 0 and (picture.mode in ("I", "F") or picture.mode.startswith("I;"))


def _decoded(
    picture: PillowImage.Image,
    frames: int,
    orientation: int,
    deep: NDArray[np.float64] | None,
    digest: str,
    name: str,
    *,
    inverted: bool,
) -> Image:
    notes: list[str] = []
    if frames > 1:
        notes.append(f"The file holds {frames} frames; the first is used.")
    kind = f"{picture.format}, {_mode_name(picture)}"
    turned: PillowImage.Image = picture
    if orientation in _UPRIGHT:
        notes.append("Turned upright as its EXIF orientation says.")
        # Pillow turns TIFF files itself when it loads them
        turned = picture if picture.format == "TIFF" else picture.transpose(_UPRIGHT[orientation])
    if deep is not None:
        pixels, note = _to_8_bit_range(_turned(deep, picture, orientation), name)
        notes += ["Composited on black where it is transparent."] if picture.mode == "RGBA" else []
        kind = f"{picture.format}, RGB 16 bit"
        return Image(pixels=pixels, sha256=digest, kind=kind, notes=(*notes, note))
    if turned.mode in ("I", "F") or turned.mode.startswith("I;"):
        pixels, note = _to_8_bit_range(np.asarray(turned).astype(np.float64), name)
        notes.append(note)
        if inverted:
            pixels = 255 - pixels
            notes.append("The file stores white as 0; it was turned round.")
        return Image(pixels=pixels, sha256=digest, kind=kind, notes=tuple(notes))
    return Image(pixels=_to_gray_or_rgb(turned, notes), sha256=digest, kind=kind, notes=tuple(notes))


def _turned(values: NDArray[np.float64], picture: PillowImage.Image, orientation: int) -> NDArray[np.float64]:
    """Turn an array upright as Pillow's transpose turns pictures."""
    if picture.format == "TIFF" or orientation not in _UPRIGHT:
        return values
    planes = [PillowImage.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(values, -1, 0)]
    return np.stack([np.asarray(plane.transpose(_UPRIGHT[orientation])) for plane in planes], axis=-1, dtype=np.float64)


def _to_8_bit_range(values: NDArray[np.float64], name: str) -> tuple[NDArray[np.float32], str]:
    finite = np.isfinite(values)
    if not finite.any():
        raise ImageError(f"{name} holds no finite value", "check how it was made")
    low, high = float(values[finite].min()), float(values[finite].max())
    span = high - low if high > low else 1.0
    scaled = np.where(finite, (np.where(finite, values, low) - low) / span * 255, 0.0)
    note = f"Values from {low:g} to {high:g} scaled to 0..255."
    if not finite.all():
        note += f" {int((~finite).sum())} values that are not finite were set to 0."
    return scaled.astype(np.float32), note


def _to_gray_or_rgb(picture: PillowImage.Image, notes: list[str]) -> NDArray[np.uint8]:
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            notes.append("Transparent parts were composited on black.")
        black = PillowImage.new("RGBA", rgba.size, (0, 0, 0, 255))
        picture = PillowImage.alpha_composite(black, rgba).convert("L" if picture.mode in ("L", "LA", "La") else "RGB")
    elif picture.mode in ("1", "L"):
        picture = picture.convert("L")
    elif picture.mode != "RGB":
        if picture.mode == "CMYK":
            notes.append("Converted from CMYK to RGB.")
        picture = picture.convert("RGB")
    return np.asarray(picture)


def _mode_name(picture: PillowImage.Image) -> str:
    names = {"1": "1 bit", "L": "gray 8 bit", "LA": "gray 8 bit with alpha", "P": "palette", "RGB": "RGB",
             "RGBA": "RGB with alpha", "CMYK": "CMYK", "I": "gray 32 bit", "F": "gray float"}  # fmt: skip
    return names.get(picture.mode, "gray 16 bit" if picture.mode.startswith("I;16") else picture.mode)
