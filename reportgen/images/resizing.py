"""Pixels to another size and number of channels."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

Resampling = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
Aspect = Literal["stretch", "pad", "crop"]


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


def fit_image(
    pixels: NDArray[np.generic], size: tuple[int, int], resampling: Resampling, aspect: Aspect
) -> NDArray[np.generic]:
    """Resize gray or RGB pixels in one of three ways.

    Parameters
    ----------
    pixels
        ``(H, W)`` or ``(H, W, 3)``, uint8 or float32.
    size
        Wanted (height, width).
    resampling
        See :func:`resize`.
    aspect
        ``stretch``: each axis on its own. ``pad``: as large as fits, in the middle of black. ``crop``: the largest
        middle part that has the wanted aspect.

    Returns
    -------
    ndarray
        Same type and number of dimensions, at the wanted size.
    """
    if aspect == "crop":
        rows, columns = cropped_size(_size(pixels), size)
        top, left = (pixels.shape[0] - rows) // 2, (pixels.shape[1] - columns) // 2
        return resize(pixels[top : top + rows, left : left + columns], size, resampling)
    if aspect == "pad":
        rows, columns = padded_size(_size(pixels), size)
        top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
        padded = np.zeros((*size, *pixels.shape[2:]), pixels.dtype)
        padded[top : top + rows, left : left + columns] = resize(pixels, (rows, columns), resampling)
        return padded
    return resize(pixels, size, resampling)


def cropped_size(source: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows and columns of an image ``crop`` keeps, from its size and the wanted one."""
    height, width = source
    if height * size[1] > width * size[0]:
        return max(1, round(width * size[0] / size[1])), width
    return height, max(1, round(height * size[1] / size[0]))


def padded_size(source: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows and columns of the wanted size ``pad`` fills with the image."""
    height, width = source
    if height * size[1] > width * size[0]:
        return size[0], max(1, round(width * size[0] / height))
    return max(1, round(height * size[1] / width)), size[1]


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


def _size(pixels: NDArray[np.generic]) -> tuple[int, int]:
    return int(pixels.shape[0]), int(pixels.shape[1])


def average_areas(values: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float64]:
    """Return an array averaged over areas to so many rows and columns.

    Parameters
    ----------
    values
        ``(H, W)`` or ``(H, W, C)``; what isn't a number makes what it is part of no number.
    size
        (rows, columns), none more than the array has.

    Returns
    -------
    ndarray
        ``(rows, columns)`` or ``(rows, columns, C)``. A pixel on the border of two areas counts for each by its share.
    """
    found = np.asarray(values, np.float64)
    for axis, parts in enumerate(size):
        length = found.shape[axis]
        if length > parts:
            found = np.moveaxis(np.tensordot(_area_shares(length, parts), found, (1, axis)), 0, axis)
    return found


def _area_shares(length: int, parts: int) -> NDArray[np.float64]:
    """Return how much each of ``length`` pixels counts for each of ``parts`` areas, ``(parts, length)``."""
    edges = np.linspace(0, length, parts + 1)
    pixels = np.arange(length)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(covered, 0, None) * parts / length)
