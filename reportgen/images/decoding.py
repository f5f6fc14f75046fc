"""What every reader of images shares: what it is asked for, what it gives back, and what is refused beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError
from reportgen.system.language import mark, say

SMALLEST_SIDE = 4
# Getting at a frame of an animation means drawing all before it: so many times the pixels of the largest image.
MOST_DRAWN = 20
CUT_OFF = mark(
    "The file is cut off or damaged: a part of the image, mostly the lower one, is missing (filled with gray or black)."
)
WRONG_CHECKSUM = mark("The file is damaged: its checksums don't fit, so parts of the image may be wrong or missing.")
ON_BLACK = mark("Transparent parts were composited on black.")
LEFT_OUT = mark("It has another channel, which was left out.")
INVERTED = mark("The file stores white as 0; it was turned round.")
UPRIGHT = mark("Turned upright as its EXIF orientation says.")

_BLOCK = 1 << 18


class DamagedError(Exception):
    """A file is of a kind that can be read, and isn't whole."""


class UnknownKindError(Exception):
    """A reader doesn't know what a file is, or doesn't take it; ``advice`` is what to do about that."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.advice = advice


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which image is wanted, and what may be done to get it.

    Attributes
    ----------
    name
        What to call the file in messages.
    frame
        Which frame of several, the first being 1; None: the first.
    images
        How it is read.
    limits
        What is refused before it's decoded.
    """

    name: str
    frame: int | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)

    @property
    def allow_truncated(self) -> bool:
        """Whether to use what decodes of a file that is cut off or damaged."""
        return self.images.allow_truncated


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a reader found: see :class:`reportgen.images.reader.Image`, most of whose fields these are.

    ``profiled`` is whether it has a colour profile that makes other pixels of it.
    """

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    kind: str
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    profiled: bool = False


def check_pixels(width: int, height: int, request: Request) -> None:
    """Raise an ImageError when an image is too small to be one, or has more pixels than the limit."""
    if width * height > request.limits.pixels:
        raise too_large(request, f"{width} x {height} pixels")
    if min(width, height) < SMALLEST_SIDE:
        raise ImageError(
            f"{request.name} has only {width} x {height} pixels",
            f"an image needs at least {SMALLEST_SIDE} x {SMALLEST_SIDE}",
        )


def too_large(request: Request, found: str) -> ImageError:
    """Return the refusal of an image with more pixels than the limit."""
    return ImageError(
        f"{request.name} is larger than {request.limits.pixels:,} pixels ({found})",
        "make it smaller first, or raise the limit with --max-pixels",
    )


def choose_frame(frames: int, request: Request) -> tuple[int, list[str]]:
    """Return the number of the frame to use, counted from 0, and a note where there are several.

    Raises
    ------
    ImageError
        When there are more than the limit, or not as many as the one that is wanted.
    """
    if frames > request.limits.frames:
        raise ImageError(
            f"{request.name} holds more than {request.limits.frames:,} frames",
            "take out the one you need, or raise the limit with --max-frames",
        )
    wanted = request.frame or 1
    if wanted > frames:
        raise ImageError(
            f"{request.name} has no frame {wanted}, it holds {frames}", f"choose a frame from 1 to {frames}"
        )
    if frames == 1:
        return 0, []
    if request.frame is None:
        return 0, [say("The file holds {count} frames; the first is used.", count=frames)]
    return wanted - 1, [say("The file holds {count} frames; frame {frame} is used.", count=frames, frame=wanted)]


def is_one_value(pixels: NDArray[Any]) -> bool:
    """Whether all pixels ``(H, W, ...)`` are the same."""
    return bool((pixels == pixels[0, 0]).all())


def turn_upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn pixels ``(H, W, ...)`` upright that are stored in an EXIF orientation, 1 to 8."""
    if orientation > 4:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def spread_values(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.float32]:
    """Return float32 values of which ``low`` becomes 0 and ``high`` 255; what lies outside is clipped.

    It goes a block of rows at a time: only the result is as large as the image, however many bits a value has.
    """
    # half of each, so that not even the widest range of 64-bit floats overflows
    span = (high / 2 - low / 2) or 0.5
    whole = values.dtype.kind in "iu"
    work = np.float32 if whole and values.dtype.itemsize < 4 else np.float64
    result = np.empty(values.shape, np.float32)
    rows = max(1, _BLOCK // max(1, values[0].size))
    for start in range(0, len(values), rows):
        block: NDArray[Any] = values[start : start + rows].astype(work)
        block /= 2
        block -= low / 2
        block *= 255 / span
        np.clip(block, 0, 255, out=block)
        result[start : start + rows] = block if whole else np.nan_to_num(block, copy=False, nan=0.0)
    return result
