"""Stored values of a DICOM image -> gray or RGB from 0 to 255, in the order of the standard (PS3.4, N.2).

Modality rescale or table, then the values of interest (a table, or a window: PS3.3, C.11.2), then the inversion of
what stores white as 0. The formulae are pydicom's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import spread_values
from reportgen.images.dicom.elements import UnusableError, dataset_with, number_of, value_of
from reportgen.images.dicom.windows import Gray, Shown, show
from reportgen.system.language import say

if TYPE_CHECKING:
    from pydicom import Dataset

# a palette has 2^16 colours at most
_MOST_COLOURS = 1 << 16
_DISCRETE, _LINEAR = 0, 1


def to_gray(stored: NDArray[np.generic], dataset: Dataset, window: str | tuple[float, float] = "auto") -> Shown:
    """Turn stored gray values into what a viewer shows.

    Parameters
    ----------
    stored
        ``(H, W)``, of any real type.
    dataset
        With the elements that say what they mean.
    window
        As :func:`reportgen.images.dicom.windows.show` wants it.

    Returns
    -------
    Shown
        ``(H, W)`` from 0 to 255: uint8 where 8-bit values are used as they are, else float32.

    Raises
    ------
    UnusableError
        When there's no finite value left, or the tables can't be used.
    """
    real, notes, full = _rescaled(stored, dataset)
    shown = show(Gray(stored, real, _padding(stored, dataset), full), dataset, window)
    photometric, shape = value_of(dataset, "PhotometricInterpretation"), value_of(dataset, "PresentationLUTShape")
    notes = [*notes, *shown.notes]
    if photometric != "MONOCHROME1" and shape != "INVERSE":
        return replace(shown, notes=tuple(notes))
    # the standard has both say the same of one image: it's turned round once
    note = (
        say("Stored inverted (MONOCHROME1: white is 0); it was turned round.")
        if photometric == "MONOCHROME1"
        else say("Stored inverted (presentation shape INVERSE); it was turned round.")
    )
    return replace(shown, pixels=255 - shown.pixels, notes=(*notes, note))


def to_rgb(stored: NDArray[np.generic], dataset: Dataset) -> Shown:
    """Turn stored colour values ``(H, W, 3)``, already RGB, into 0 to 255."""
    bits = int(number_of(dataset, "BitsStored") or 8)
    if stored.dtype == np.uint8 and bits == 8:
        return Shown(stored.astype(np.uint8, copy=False))
    return Shown(
        spread_values(stored, 0, 2**bits - 1), (say("Values from 0 to {high} scaled to 0..255.", high=2**bits - 1),)
    )


def from_palette(stored: NDArray[np.generic], dataset: Dataset) -> Shown:
    """Turn the numbers of a palette's colours ``(H, W)`` into RGB ``(H, W, 3)``, 0 to 255.

    Raises
    ------
    UnusableError
        When the palette is missing or can't be used.
    """
    from pydicom.pixels.processing import apply_color_lut

    for colour in ("Red", "Green", "Blue"):
        _check_segments(value_of(dataset, f"Segmented{colour}PaletteColorLookupTableData"), dataset)
    try:
        colours = apply_color_lut(stored, dataset)[..., :3]
    except Exception:  # noqa: BLE001 - pydicom meets damaged tables with every kind of exception
        raise UnusableError("its palette can't be read") from None
    if colours.dtype == np.uint8:
        return Shown(colours, (say("Colours taken from its palette."),))
    return Shown(spread_values(colours, 0, 65535), (say("Colours taken from its palette of 16 bits."),))


def _rescaled(
    stored: NDArray[np.generic], dataset: Dataset
) -> tuple[NDArray[np.generic], list[str], tuple[float, float] | None]:
    """Return values in the units of the file's windows, what was done, and the ends of what its bits can hold."""
    from pydicom.pixels.processing import apply_modality_lut

    if value_of(dataset, "ModalityLUTSequence"):
        try:
            item = dataset.ModalityLUTSequence[0]
            bits = int(item.LUTDescriptor[2])
            # 8 or 16 by the standard, but what's between is met with
            item.LUTDescriptor = [*list(item.LUTDescriptor)[:2], 16 if 8 < bits < 16 else bits]
            return apply_modality_lut(stored, dataset), [say("Its modality table was applied.")], (0, 2**bits - 1)
        except Exception:  # noqa: BLE001 - as above
            raise UnusableError("its modality table can't be read") from None
    full = _full_range(stored, dataset)
    slope, intercept = number_of(dataset, "RescaleSlope"), number_of(dataset, "RescaleIntercept")
    if slope is None or intercept is None or (slope, intercept) == (1, 0):
        return stored, [], full
    real = apply_modality_lut(stored, dataset_with(RescaleSlope=slope, RescaleIntercept=intercept))
    formula = f"{slope:g} {'−' if intercept < 0 else '+'} {abs(intercept):g}"
    note = say("Rescaled: stored value × {formula}.", formula=formula)
    if full is not None:
        low, high = sorted(slope * end + intercept for end in full)
        full = (low, high)
    return real, [note], full


def _full_range(stored: NDArray[np.generic], dataset: Dataset) -> tuple[float, float] | None:
    """Return the smallest and the largest value that the stored bits can hold; None for floats."""
    bits = number_of(dataset, "BitsStored")
    if stored.dtype.kind not in "iu" or not bits:
        return None
    if stored.dtype.kind == "i":
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1


def _padding(stored: NDArray[np.generic], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return where there's no image, only padding."""
    for keyword in ("PixelPaddingValue", "FloatPixelPaddingValue", "DoubleFloatPixelPaddingValue"):
        value = number_of(dataset, keyword)
        if value is not None:
            limit = number_of(dataset, keyword.replace("Value", "RangeLimit"))
            low, high = sorted((value, value if limit is None else limit))
            padding: NDArray[np.bool_] = np.greater_equal(stored, low) & np.less_equal(stored, high)
            return padding
    return None


def _check_segments(data: object, dataset: Dataset) -> None:
    """Refuse a segmented table of more entries than a table can have: a few bytes may stand for gigabytes."""
    if not isinstance(data, bytes):
        return
    form = "u1" if list(value_of(dataset, "RedPaletteColorLookupTableDescriptor") or (0, 0, 0))[2] == 8 else "u2"
    form = f"{'<' if dataset.original_encoding[1] else '>'}{form}"
    parts = np.frombuffer(data[: len(data) // 2 * 2], form).tolist()
    at = entries = 0
    while at + 1 < len(parts) and entries <= _MOST_COLOURS:
        kind, count = parts[at], parts[at + 1]
        if kind not in (_DISCRETE, _LINEAR):
            raise UnusableError("its segmented palette refers to itself, which isn't supported")
        entries += count
        at += 2 + (count if kind == _DISCRETE else 1)
    if entries > _MOST_COLOURS:
        raise UnusableError("its segmented palette can't be read")
