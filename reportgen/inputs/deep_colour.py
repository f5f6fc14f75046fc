"""16-bit colour, which Pillow hands out with its low bytes cut off.

Pillow has no mode for more than 8 bits a channel of colour: it keeps the high byte of each value. The decoder can as
well be told that bytes stand in the other order, and then gives the low byte. Both together are the whole value.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage


def has_16_bit_colour(picture: PillowImage.Image) -> bool:
    """Return whether an opened, not yet loaded image has colour (or gray with alpha) of 16 bits a channel."""
    return picture.mode in ("RGB", "RGBA", "LA", "RGBX") and any(";16" in mode for mode in _raw_modes(picture))


def read_16_bit_colour(data: bytes, formats: tuple[str, ...]) -> NDArray[np.float64]:
    """Return ``(H, W, 3)`` values 0 to 65535 of an image for which :func:`has_16_bit_colour` holds, alpha on black.

    Raises
    ------
    ValueError
        When its channels are stored in a way that can't be put together.
    """
    with PillowImage.open(io.BytesIO(data), formats=formats) as picture:
        modes = _raw_modes(picture)
        if modes == ["LA;16B"]:
            # the four bytes of gray and alpha, one by one
            picture._mode = "RGBA"
            _set_raw_mode(picture, "RGBA")
            loaded = np.asarray(picture).astype(np.float64)
            gray, alpha = loaded[..., 0] * 256 + loaded[..., 1], loaded[..., 2] * 256 + loaded[..., 3]
            return np.repeat((gray * alpha / 65535)[..., None], 3, axis=-1)
        high = np.asarray(picture).astype(np.float64)
    swapped = {mode: _other_order(mode) for mode in modes}
    with PillowImage.open(io.BytesIO(data), formats=formats) as picture:
        for mode, other in swapped.items():
            _set_raw_mode(picture, other, only=mode)
        low = np.asarray(picture).astype(np.float64)
    values = high * 256 + low
    return values[..., :3] * values[..., 3:] / 65535 if picture.mode == "RGBA" else values[..., :3]


def _raw_modes(picture: PillowImage.Image) -> list[str]:
    tiles = getattr(picture, "tile", ())
    return list(dict.fromkeys(tile[3] if isinstance(tile[3], str) else str(tile[3][0]) for tile in tiles))


def _other_order(mode: str) -> str:
    layout, _, order = mode.partition(";16")
    if layout not in ("RGB", "RGBA", "RGBX") or order not in ("L", "B", "N"):
        raise ValueError(f"16-bit colour stored as {mode}: convert it to 16-bit gray or 8-bit colour")
    return f"{layout};16{'L' if order == 'B' else 'B'}"


def _set_raw_mode(picture: PillowImage.Image, mode: str, only: str | None = None) -> None:
    tiles = []
    for tile in picture.tile:  # type: ignore[attr-defined]
        args = tile[3]
        own = args if isinstance(args, str) else args[0]
        changed = mode if isinstance(args, str) else (mode, *args[1:])
        tiles.append(tile._replace(args=changed) if only in (None, own) else tile)
    picture.tile = tiles  # type: ignore[attr-defined]
