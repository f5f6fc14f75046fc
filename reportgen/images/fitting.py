"""An image at a model's size and channels, and what has to be said about the way there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.images.reader import Image
from reportgen.images.resizing import Aspect, as_channels, cropped_size, fit_image, padded_size
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.language import mark, say

_SIDES = ("height", "width")


def prepare(image: Image, shape: tuple[int, int, int], settings: PreprocessingSettings) -> NDArray[np.generic]:
    """Return an image at the model's size and channels, still in raw-image units.

    Parameters
    ----------
    image
        As read.
    shape
        (height, width, channels) of the model's input.
    settings
        For the resampling filter, and what to do with an image of another aspect.

    Returns
    -------
    ndarray
        ``(H, W, C)``, 0 to 255; uint8 where the image has 8 bits, else float32.
    """
    channelled = as_channels(image.pixels, shape[2])
    plain = channelled.squeeze(-1) if shape[2] == 1 else channelled
    return fit_image(plain, shape[:2], settings.resampling, settings.aspect).reshape(shape)


def fit_mask(mask: NDArray[np.bool_], size: tuple[int, int], aspect: Aspect) -> NDArray[np.bool_]:
    """Return a mask of an image where :func:`prepare` puts the image.

    Parameters
    ----------
    mask
        ``(H, W)`` at the image's stored size.
    size
        (height, width) of the model's input.
    aspect
        ``stretch``, ``pad`` or ``crop``.

    Returns
    -------
    ndarray
        ``(H, W)`` at that size: a pixel is inside where at least half of what it stands for is.
    """
    shares = fit_image(mask.astype(np.uint8) * np.uint8(254), size, "box", aspect)
    return np.asarray(shares, np.uint8) >= 127


def aspect_notes(source: tuple[int, int], size: tuple[int, int], aspect: Aspect) -> list[str]:
    """Return what :func:`prepare` does to an image of another aspect than the model's, in a sentence.

    Parameters
    ----------
    source, size
        (height, width) of the image and of the model's input.
    aspect
        ``stretch``, ``pad`` or ``crop``.

    Returns
    -------
    list of str
        One sentence; none where nothing, or next to nothing, is done.
    """
    if aspect == "pad":
        rows, columns = (whole - part for whole, part in zip(size, padded_size(source, size), strict=True))
        if not rows and not columns:
            return []
        many = rows or columns
        told = {"before": many // 2, "after": many - many // 2}
        if rows:
            return [say("Padded with black: {before} rows above, {after} below.", **told)]
        return [say("Padded with black: {before} columns left, {after} right.", **told)]
    if aspect == "crop":
        shares = {
            side: 1 - part / whole for side, part, whole in zip(_SIDES, cropped_size(source, size), source, strict=True)
        }
        cropped = {
            _SIDES[0]: mark("Cropped: {share} of the height was left out."),
            _SIDES[1]: mark("Cropped: {share} of the width was left out."),
        }
        return [say(cropped[side], share=f"{share:.1%}") for side, share in shares.items() if share > 0]
    change = (size[0] / source[0]) / (size[1] / source[1])
    if 0.95 < change < 1.05:
        return []
    return [
        say(
            "Stretched from {source} to {size} (height × width): its aspect is not kept.",
            source=f"{source[0]} × {source[1]}",
            size=f"{size[0]} × {size[1]}",
        )
    ]


def aspect_cautions(source: tuple[int, int], size: tuple[int, int], aspect: Aspect) -> list[str]:
    """Return what a reader must know of an image whose aspect is far from the model's.

    Parameters
    ----------
    source, size, aspect
        As in :func:`aspect_notes`.

    Returns
    -------
    list of str
        One sentence where one side is stretched more than twice as much as the other, or more than half is cropped.
    """
    change = (size[0] / source[0]) / (size[1] / source[1])
    times = max(change, 1 / change)
    if aspect == "stretch" and times > 2:
        sentence = (
            mark(
                "Stretched {times} times more along its width than along its height: shapes are no longer what a model "
                "learns from; --aspect pad or crop keeps them."
            )
            if change < 1
            else mark(
                "Stretched {times} times more along its height than along its width: shapes are no longer what a model "
                "learns from; --aspect pad or crop keeps them."
            )
        )
        return [say(sentence, times=f"{times:.1f}")]
    share = 1 - np.prod(cropped_size(source, size)) / np.prod(source) if aspect == "crop" else 0
    if share > 0.5:
        return [
            say(
                "{share} of the image was cropped away before the model saw it; --aspect pad keeps it whole.",
                share=f"{share:.0%}",
            )
        ]
    return []
