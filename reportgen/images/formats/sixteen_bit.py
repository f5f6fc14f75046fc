"""16-bit colour, which Pillow hands out with its low bytes cut off.

Pillow has no mode for more than 8 bits a channel of colour: it keeps the high byte of each value. The decoder can as
well be told that bytes stand in the other order, and then gives the low byte. Both together are the whole value.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage


def has_16_bit_colour(picture: PillowImage.Image) -> bool:
    """Return whether an opened, not yet loaded image has colour (or gray with alpha) of 16 bits a channel."""
    return picture.mode in ("RGB", "RGBA", "LA", "RGBX") and any(";16" in mode for mode in _raw_modes(picture))


def check_modes(picture: PillowImage.Image) -> None:
    """Raise a ValueError unless :func:`read_16_bit_colour` can put a picture's channels together."""
    for mode in _raw_modes(picture):
        if mode != "LA;16B":
            _other_order(mode)


def read_16_bit_colour(picture: PillowImage.Image, data: bytes, frame: int) -> tuple[NDArray[np.uint16], bool]:
    """Read the values of an image for which :func:`has_16_bit_colour` holds.

    Parameters
    ----------
    picture
        The image, opened and not loaded; it stays so.
    data
        The bytes of its file.
    frame
        Which frame it stands at, from 0.

    Returns
    -------
    tuple
        ``(H, W)`` or ``(H, W, 3)``, 0 to 65535, and whether any of it was transparent and was composited on black.

    Raises
    ------
    ValueError
        When its channels are stored in a way that can't be put together.
    """
    modes, formats = _raw_modes(picture), (str(picture.format),)
    if modes == ["LA;16B"]:
        # the four bytes of gray and alpha, one by one
        loaded = _loaded(data, formats, frame, {modes[0]: "RGBA"}, mode="RGBA")
        gray, alpha = _joined(loaded[..., 0], loaded[..., 1]), _joined(loaded[..., 2], loaded[..., 3])
        return _on_black(gray, alpha)
    other = {mode: _other_order(mode) for mode in modes}
    values = _joined(_loaded(data, formats, frame, {}), _loaded(data, formats, frame, other))
    return _on_black(values[..., :3], values[..., 3:]) if picture.mode == "RGBA" else (values[..., :3], False)


def _loaded(
    data: bytes, formats: tuple[str, ...], frame: int, raw_modes: dict[str, str], mode: str | None = None
) -> NDArray[np.uint8]:
    """Decode with other raw modes than the file's."""
    with PillowImage.open(io.BytesIO(data), formats=formats) as picture:
        if frame:
            picture.seek(frame)
        if mode is not None:
            picture._mode = mode
        picture.tile = [tile._replace(args=_with_raw_mode(tile[3], raw_modes)) for tile in picture.tile]
        return np.asarray(picture)


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    values = high.astype(np.uint16)
    values <<= 8
    values |= low
    return values


def _on_black(values: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> tuple[NDArray[np.uint16], bool]:
    if (alpha == 65535).all():
        return values, False
    return np.rint(values * (alpha / np.float32(65535))).astype(np.uint16), True


def _raw_modes(picture: PillowImage.Image) -> list[str]:
    tiles = getattr(picture, "tile", ())
    return list(dict.fromkeys(tile[3] if isinstance(tile[3], str) else str(tile[3][0]) for tile in tiles))


def _with_raw_mode(args: str | tuple[Any, ...] | None, raw_modes: dict[str, str]) -> str | tuple[Any, ...] | None:
    if args is None or isinstance(args, str):
        return raw_modes.get(args or "", args)
    return (raw_modes.get(str(args[0]), args[0]), *args[1:])


def _other_order(mode: str) -> str:
    layout, _, order = mode.partition(";16")
    if layout not in ("RGB", "RGBA", "RGBX") or order not in ("L", "B", "N"):
        raise ValueError(f"16-bit colour stored as {mode}: convert it to 16-bit gray or 8-bit colour")
    return f"{layout};16{'L' if order == 'B' else 'B'}"
