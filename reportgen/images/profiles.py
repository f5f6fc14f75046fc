"""Colour spaces -> RGB as Pillow's own conversion gives it, and colour profiles (ICC) -> sRGB where that is wanted.

What trains models never applies profiles: a model knows the stored values. Browsers and viewers do apply them.
"""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageCms

from reportgen.system.language import mark, say

ColourProfiles = Literal["ignore", "apply"]

IGNORED = mark(
    "It has a colour profile other than sRGB, which was not applied, as Keras's and Pillow's loaders don't apply it "
    "(--colour-profiles apply does)."
)
UNUSABLE = mark("Its colour profile can't be read or used, so it was left out of account.")
# of 255: what two descriptions of the same space may differ by
_ROUNDING = 2
_BLOCK = 1 << 18


class Profile:
    """A file's colour profile, and what it would do to a picture of one mode.

    Parameters
    ----------
    content
        The ICC profile as it stands in the file; None or empty: there's none.
    mode
        L, RGB, CMYK or LAB: what the picture is stored as.
    """

    def __init__(self, content: bytes | None, mode: str) -> None:
        self._what = {"L": "Gray values", "CMYK": "CMYK"}.get(mode, "Colours")
        self._curve: NDArray[np.uint8] | None = None
        self._transform: ImageCms.ImageCmsTransform | None = None
        self.is_usable = True
        # Lab says itself what its colours are
        if not content or mode == "LAB":
            return
        try:
            if mode == "L":
                self._curve = _curve(content)
            else:
                self._transform = _changing(content, mode)
        except Exception:  # noqa: BLE001 - a damaged profile is no reason to refuse the pixels
            self.is_usable = False

    @property
    def matters(self) -> bool:
        """Whether applying it makes other pixels."""
        return self._curve is not None or self._transform is not None

    def notes(self, how: ColourProfiles) -> list[str]:
        """Say what was done about it; nothing where there's none, or just sRGB."""
        if not self.is_usable:
            return [UNUSABLE]
        if not self.matters:
            return []
        return [
            say("{what} converted from the file's colour profile to sRGB.", what=self._what)
            if how == "apply"
            else IGNORED
        ]

    def applied(self, picture: PillowImage.Image) -> PillowImage.Image:
        """Convert a picture of the mode that it was made for; L stays L, all else becomes RGB."""
        if self._curve is not None:
            return picture.point(self._curve.tolist())
        return as_loaders_do(picture) if self._transform is None else _applied(self._transform, picture)

    def applied_to_values(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert pixels ``(H, W)`` or ``(H, W, 3)`` from 0 to 255 that have fractions; colours lose theirs."""
        if self._curve is not None:
            result = np.empty_like(pixels)
            rows = max(1, _BLOCK // pixels.shape[1])
            for start in range(0, len(pixels), rows):
                result[start : start + rows] = np.interp(pixels[start : start + rows], np.arange(256), self._curve)
            return result
        if self._transform is None:
            return pixels
        return np.asarray(self.applied(PillowImage.fromarray(np.rint(pixels).astype(np.uint8)))).astype(np.float32)


def as_loaders_do(picture: PillowImage.Image) -> PillowImage.Image:
    """Return a picture as L (where it's gray) or RGB, just as Pillow converts it, whatever its profile."""
    if picture.mode in ("L", "RGB"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _curve(profile: bytes) -> NDArray[np.uint8] | None:
    """Return what becomes of each gray value from 0 to 255; None where that's hardly another."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    # a gray picture may well carry the profile of the colour one it was made of
    mode = "RGB" if source.profile.xcolor_space.strip() == "RGB" else "L"
    # what makes it faster makes it wrong by up to 10 of 255 where a curve is steep
    transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB", flags=ImageCms.Flags.NOOPTIMIZE)
    before = np.arange(256, dtype=np.uint8)
    after = np.asarray(_applied(transform, PillowImage.fromarray(before[None]).convert(mode)).convert("L"))[0]
    return after if _differ(before, after) else None


def _changing(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return how to get to RGB from RGB or CMYK; None where that changes hardly any colour."""
    transform = ImageCms.buildTransform(ImageCms.ImageCmsProfile(io.BytesIO(profile)), _srgb(), mode, "RGB")
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    tried = PillowImage.fromarray(grid).convert(mode)
    return transform if _differ(np.asarray(tried.convert("RGB")), np.asarray(_applied(transform, tried))) else None


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _differ(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    return bool(np.abs(before.astype(int) - after).max() > _ROUNDING)


def _applied(transform: ImageCms.ImageCmsTransform, picture: PillowImage.Image) -> PillowImage.Image:
    converted = ImageCms.applyTransform(picture, transform)
    if converted is None:
        raise ValueError("nothing came out")
    return converted
