"""Stored values of a DICOM image -> gray or RGB from 0 to 255, in the order of the standard (PS3.4, N.2).

Modality rescale or table, then the values of interest (a table, or a window: PS3.3, C.11.2), then the inversion of
what stores white as 0. The formulae are pydicom's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.inputs.decoding import spread

if TYPE_CHECKING:
    from pydicom import Dataset

Pixels = NDArray[np.uint8] | NDArray[np.float32]

PERCENTILES = (0.5, 99.5)
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
# a palette has 2^16 colours at most
_MOST_COLOURS = 1 << 16
_DISCRETE, _LINEAR = 0, 1


class UnusableError(Exception):
    """Values, or what should be done to them, make no sense; says what, and never quotes the file."""


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an element; None where it's absent, empty, or can't be read."""
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom meets damaged values with every kind of exception
        return None
    return None if value is None or (hasattr(value, "__len__") and len(value) == 0) else value


def number_of(dataset: Dataset, keyword: str) -> float | None:
    """Return the value of an element (the first of several) as a finite number, else None."""
    value = value_of(dataset, keyword)
    if not isinstance(value, str | bytes) and hasattr(value, "__getitem__"):
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def to_gray(stored: NDArray[np.generic], dataset: Dataset) -> tuple[Pixels, list[str]]:
    """Turn stored gray values into what a viewer shows.

    Parameters
    ----------
    stored
        ``(H, W)``, of any real type.
    dataset
        With the elements that say what they mean.

    Returns
    -------
    tuple
        ``(H, W)`` from 0 to 255: uint8 where 8-bit values are used as they are, else float32. And what was done.

    Raises
    ------
    UnusableError
        When there's no finite value left, or the tables can't be used.
    """
    real, notes = _rescaled(stored, dataset)
    shown: Pixels
    windowed = _tabled(real, dataset, notes) if value_of(dataset, "VOILUTSequence") else None
    windowed = _windowed(real, dataset, notes) if windowed is None else windowed
    if windowed is not None:
        shown = windowed
    elif stored.dtype == np.uint8 and real is stored and number_of(dataset, "BitsStored") == 8:
        shown = stored.astype(np.uint8, copy=False)
        notes.append("The file names no window; its 8-bit values are used as they are.")
    else:
        shown = _by_percentiles(real, _padding(stored, dataset), notes)
    photometric, shape = value_of(dataset, "PhotometricInterpretation"), value_of(dataset, "PresentationLUTShape")
    if photometric == "MONOCHROME1" or shape == "INVERSE":
        # the standard has both say the same of one image: it's turned round once
        shown = 255 - shown
        why = "MONOCHROME1: white is 0" if photometric == "MONOCHROME1" else "presentation shape INVERSE"
        notes.append(f"Stored inverted ({why}); it was turned round.")
    return shown, notes


def to_rgb(stored: NDArray[np.generic], dataset: Dataset) -> tuple[Pixels, list[str]]:
    """Turn stored colour values ``(H, W, 3)``, already RGB, into 0 to 255."""
    bits = int(number_of(dataset, "BitsStored") or 8)
    if stored.dtype == np.uint8 and bits == 8:
        return stored.astype(np.uint8, copy=False), []
    return spread(stored, 0, 2**bits - 1), [f"Values from 0 to {2**bits - 1} scaled to 0..255."]


def from_palette(stored: NDArray[np.generic], dataset: Dataset) -> tuple[Pixels, list[str]]:
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
        return colours, ["Colours taken from its palette."]
    return spread(colours, 0, 65535), ["Colours taken from its palette of 16 bits."]


def _rescaled(stored: NDArray[np.generic], dataset: Dataset) -> tuple[NDArray[np.generic], list[str]]:
    from pydicom.pixels.processing import apply_modality_lut

    if value_of(dataset, "ModalityLUTSequence"):
        try:
            item = dataset.ModalityLUTSequence[0]
            bits = int(item.LUTDescriptor[2])
            # 8 or 16 by the standard, but what's between is met with
            item.LUTDescriptor = [*list(item.LUTDescriptor)[:2], 16 if 8 < bits < 16 else bits]
            return apply_modality_lut(stored, dataset), ["Its modality table was applied."]
        except Exception:  # noqa: BLE001 - as above
            raise UnusableError("its modality table can't be read") from None
    slope, intercept = number_of(dataset, "RescaleSlope"), number_of(dataset, "RescaleIntercept")
    if slope is None or intercept is None or (slope, intercept) == (1, 0):
        return stored, []
    return apply_modality_lut(stored, _only(RescaleSlope=slope, RescaleIntercept=intercept)), [
        f"Rescaled: stored value × {slope:g} {'−' if intercept < 0 else '+'} {abs(intercept):g}."
    ]


def _tabled(real: NDArray[np.generic], dataset: Dataset, notes: list[str]) -> NDArray[np.float32] | None:
    """Apply the table of values of interest; None where it can't be used."""
    from pydicom.pixels.processing import apply_voi

    try:
        item = dataset.VOILUTSequence[0]
        bits = int(item.LUTDescriptor[2])
        # pydicom counts the entries of an 8-bit table in 8 bits, and has no more than 256 then
        item.LUTDescriptor = [*list(item.LUTDescriptor)[:2], 16 if bits == 8 else bits]
        whole = real if real.dtype.kind in "iu" else np.rint(real).astype(np.int32)
        shown = spread(apply_voi(whole.astype(np.int32), dataset), 0, 2**bits - 1)
    except Exception:  # noqa: BLE001 - as above
        notes.append("Its table of values of interest can't be used.")
        return None
    notes.append(f"Its table of values of interest ({bits} bit) was applied.")
    return shown


def _windowed(real: NDArray[np.generic], dataset: Dataset, notes: list[str]) -> NDArray[np.float32] | None:
    """Apply the first window of the file; None where there's none that can be used."""
    from pydicom.pixels.processing import apply_windowing

    centre, width = number_of(dataset, "WindowCenter"), number_of(dataset, "WindowWidth")
    if centre is None or width is None:
        return None
    function = str(value_of(dataset, "VOILUTFunction") or "LINEAR").strip().upper()
    if function not in _FUNCTIONS or width <= 0 or (function == "LINEAR" and width < 1):
        notes.append(f"Its window (centre {centre:g}, width {width:g}) can't be used.")
        return None
    # as if of 8 bits: then 0 to 255 is what comes out
    window = _only(
        WindowCenter=centre, WindowWidth=width, VOILUTFunction=function, PhotometricInterpretation="MONOCHROME2",
        BitsStored=8, PixelRepresentation=0,
    )  # fmt: skip
    result = np.empty(real.shape, np.float32)
    with np.errstate(over="ignore"):
        for row, values in enumerate(real):
            result[row] = apply_windowing(values, window)
    if not np.isfinite(result).all():
        raise UnusableError("it holds values that are not finite")
    notes.append(f"Shown in the window of the file: centre {centre:g}, width {width:g} ({function}).")
    return result


def _by_percentiles(
    real: NDArray[np.generic], padding: NDArray[np.bool_] | None, notes: list[str]
) -> NDArray[np.float32]:
    known = real[np.isfinite(real)] if padding is None else real[np.isfinite(real) & ~padding]
    if not known.size:
        raise UnusableError("it holds no value but padding")
    low, high = (float(value) for value in np.percentile(known, PERCENTILES))
    which = f"from the {PERCENTILES[0]}th to the {PERCENTILES[1]}th percentile"
    if low == high:
        low, high, which = float(known.min()), float(known.max()), "of the whole range"
    notes.append(f"The file names no window; values {which} ({low:g} to {high:g}) are spread over 0..255.")
    return spread(real, low, high)


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


def _only(**values: object) -> Dataset:
    """Return a dataset of these elements."""
    from pydicom import Dataset

    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset
