"""Colour profiles (ICC) -> sRGB, which is what models were trained on and what browsers show."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageCms

# of 255: what two descriptions of the same space may differ by
_ROUNDING = 2


def to_srgb(picture: PillowImage.Image, profile: bytes | None) -> tuple[PillowImage.Image, list[str]]:
    """Convert a picture to sRGB.

    Parameters
    ----------
    picture
        Of mode L, RGB, CMYK or LAB.
    profile
        The file's ICC profile; None: sRGB, or the usual way to get there.

    Returns
    -------
    tuple
        The picture as L (where it was gray) or RGB, and what was done to it; nothing where it was sRGB already. A
        profile that can't be read, or belongs to another kind of picture, is left out of account and this is said.
    """
    if picture.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        return _applied(transform, picture), ["Converted from Lab to RGB."]
    plain = picture.convert("RGB") if picture.mode == "CMYK" else picture
    notes = ["Converted from CMYK to RGB."] if picture.mode == "CMYK" else []
    if not profile:
        return plain, notes
    try:
        transform, mode = _transform(profile, picture.mode)
        if not _changes(transform, mode):
            return plain, notes
        converted = _applied(transform, picture.convert(mode))
    except Exception:  # noqa: BLE001 - a damaged profile is no reason to refuse the pixels
        return plain, [*notes, "Its colour profile can't be read or used, so it was left out of account."]
    what = "Gray values" if picture.mode == "L" else f"{'CMYK' if picture.mode == 'CMYK' else 'Colours'}"
    return (
        converted.convert("L") if picture.mode == "L" else converted,
        [f"{what} converted from the file's colour profile to sRGB."],
    )


def is_srgb(profile: bytes, mode: str) -> bool:
    """Return whether a profile changes nothing about pictures of mode L or RGB (or can't be read)."""
    try:
        return not _changes(*_transform(profile, mode))
    except Exception:  # noqa: BLE001 - a damaged profile is no reason to refuse the pixels
        return True


def _transform(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform, str]:
    """Return how to get to RGB, and the mode that a picture must have for it."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    # a gray picture may well carry the profile of the colour one it was made of
    own = "RGB" if mode == "L" and source.profile.xcolor_space.strip() == "RGB" else mode
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), own, "RGB"), own


def _changes(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform changes any colour noticeably; tried on all grays, or on a grid of colours."""
    if mode == "CMYK":
        return True
    if mode == "L":
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
        tried = PillowImage.fromarray(ramp)
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        tried = PillowImage.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3))
    before = np.asarray(tried.convert("RGB")).astype(int)
    return bool(np.abs(np.asarray(_applied(transform, tried)) - before).max() > _ROUNDING)


def _applied(transform: ImageCms.ImageCmsTransform, picture: PillowImage.Image) -> PillowImage.Image:
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:
        raise ValueError("nothing came out")
    return converted
