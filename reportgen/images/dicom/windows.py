"""Which range of a DICOM file's gray values is shown, from black to white.

The file's own table or window, where it leaves something to be seen; else percentiles of what the picture holds; or
what the user asks for. The formulae are pydicom's (PS3.3, C.11.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import spread_values
from reportgen.images.dicom.elements import UnusableError, dataset_with, numbers_of, value_of
from reportgen.system.language import mark, say

if TYPE_CHECKING:
    from pydicom import Dataset

PERCENTILES = (0.5, 99.5)
# what a window must leave of 255 gray levels, and how much of the picture it may turn into black and white
FEWEST_LEVELS = 16
MOST_SATURATED = 0.9
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True)
class Gray:
    """Gray values of a picture, before a window.

    Attributes
    ----------
    stored
        ``(H, W)``, of any real type.
    real
        ``(H, W)``: rescaled, in the units of the file's windows.
    padding
        ``(H, W)``: where there's no image; None: nowhere.
    full
        The ends of what the stored bits can hold, rescaled; None where they have none, as floats.
    """

    stored: NDArray[Any]
    real: NDArray[Any]
    padding: NDArray[np.bool_] | None
    full: tuple[float, float] | None

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(H, W)``: where there are values, finite and no padding."""
        finite: NDArray[np.bool_] = np.isfinite(self.real)
        return finite if self.padding is None else finite & ~self.padding

    @property
    def as_they_are(self) -> NDArray[np.uint8] | None:
        """``(H, W)``: stored values that are 0 to 255 already; None where they are anything else."""
        plain = self.stored.dtype == np.uint8 and self.real is self.stored
        return self.stored if plain and self.full is not None and self.full[1] == 255 else None


@dataclass(frozen=True)
class Shown:
    """A picture from 0 to 255, what was done to get it, and what a reader must be warned of."""

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Range:
    """One way to show a picture: what to call it, and what it does."""

    name: str
    pixels: NDArray[np.float32]
    done: str


def show(gray: Gray, dataset: Dataset, wanted: str | tuple[float, float]) -> Shown:
    """Bring gray values to 0 to 255.

    Parameters
    ----------
    gray
        The values.
    dataset
        With the tables and windows of the file.
    wanted
        ``auto``: the file's first table or window that leaves something to be seen, else percentiles (of 8 bits
        without a window: nothing is done). ``file``: its first in any case. ``percentile``, ``full``: from percentile
        to percentile, or over the whole range of the stored bits. (centre, width): that window.

    Raises
    ------
    UnusableError
        When there's no finite value to be shown.
    """
    if wanted == "percentile":
        pixels, done = _by_percentiles(gray)
        return Shown(pixels, (say("{values} are spread over 0..255, as asked for.", values=done),))
    if wanted == "full":
        return _full(gray)
    if not isinstance(wanted, str):
        return _asked_for(gray, *wanted)
    return _as_the_file_says(gray, dataset, always=wanted == "file")


def _as_the_file_says(gray: Gray, dataset: Dataset, *, always: bool) -> Shown:
    notes: list[str] = []
    flaws: list[str] = []
    for found in _ranges(gray.real, dataset, notes.append):
        flaw = _flaw(found.pixels, gray)
        if flaw is None or always:
            doubt = (say("That {flaw}.", flaw=flaw),) if flaw else ()
            return Shown(found.pixels, (*notes, found.done, *doubt))
        flaws.append(say("{range} {flaw}", range=found.name, flaw=flaw))
        named = f"{found.name[0].upper()}{found.name[1:]}"
        notes.append(say("{range} was not believed: it {flaw}.", range=named, flaw=flaw))
    if flaws:
        pixels, done = _by_percentiles(gray)
        caution = say(
            "The file's own brightness was not believed ({flaw}), and percentiles were used instead. --window file, "
            "full "
            "or CENTRE/WIDTH chooses.",
            flaw=flaws[0],
        )
        return Shown(pixels, (*notes, say("{values} are spread over 0..255 instead.", values=done)), (caution,))
    none = say("The file names no window that can be used") if notes else say("The file names no window")
    if gray.as_they_are is not None:
        return Shown(gray.as_they_are, (*notes, say("{none}; its 8-bit values are used as they are.", none=none)))
    pixels, done = _by_percentiles(gray)
    return Shown(
        pixels,
        (*notes, say("{none}; {values} are spread over 0..255.", none=none, values=f"{done[0].lower()}{done[1:]}")),
    )


def _ranges(real: NDArray[Any], dataset: Dataset, note: Callable[[str], object]) -> Iterator[_Range]:
    """Give the tables and windows of a file in their order; of those that can't be used, only a note."""
    for number in range(len(value_of(dataset, "VOILUTSequence") or ())):
        try:
            pixels, bits = _tabled(real, dataset, number)
        except Exception:  # noqa: BLE001 - pydicom meets damaged tables with every kind of exception
            note(say("Its table of values of interest can't be used."))
            continue
        yield _Range(
            say("its table of values of interest ({bits} bit)", bits=bits),
            pixels,
            say("Its table of values of interest ({bits} bit) was applied.", bits=bits),
        )
    function = str(value_of(dataset, "VOILUTFunction") or "LINEAR").strip().upper()
    for centre, width in zip(numbers_of(dataset, "WindowCenter"), numbers_of(dataset, "WindowWidth"), strict=False):
        if centre is None or width is None:
            continue
        told = say("centre {centre}, width {width}", centre=f"{centre:g}", width=f"{width:g}")
        if function not in _FUNCTIONS or width <= 0 or (function == "LINEAR" and width < 1):
            note(say("Its window ({window}) can't be used.", window=told))
            continue
        yield _Range(
            say("its window ({window})", window=told),
            _windowed(real, centre, width, function),
            say("Shown in the window of the file: {window} ({function}).", window=told, function=function),
        )


def _flaw(pixels: NDArray[np.float32], gray: Gray) -> str | None:
    """Say why a range leaves nothing to be seen of a picture that has something to show; None where it does.

    A background of one value counts for little, however much it takes of the picture: black or white, it is what it
    was.
    """
    known = gray.known
    values, levels = gray.real[known], pixels[known]
    if not values.size or values.min() == values.max():
        return None
    black, white = levels < 0.5, levels > 254.5
    dark_ground, light_ground = black & (values == values.min()), white & (values == values.max())
    low = np.percentile(levels[~light_ground], PERCENTILES[0]) if not light_ground.all() else 255.0
    high = np.percentile(levels[~dark_ground], PERCENTILES[1]) if not dark_ground.all() else 0.0
    if high - low < FEWEST_LEVELS:
        return say("leaves the picture within {levels} of 255 gray levels", levels=f"{max(0.0, high - low):.2g}")
    pictured = ~(dark_ground | light_ground)
    saturated = float((black | white)[pictured].mean()) if pictured.any() else 0.0
    if saturated > MOST_SATURATED:
        return say("turns {share} of the picture into black or white", share=f"{saturated:.0%}")
    return None


def _asked_for(gray: Gray, centre: float, width: float) -> Shown:
    """Show the window that the user asks for, by the standard's usual formula where it has one for such a width."""
    pixels = _windowed(gray.real, centre, width, "LINEAR" if width >= 1 else "LINEAR_EXACT")
    flaw = _flaw(pixels, gray)
    done = say(
        "Shown in the window that was asked for: centre {centre}, width {width}.", centre=f"{centre:g}",
        width=f"{width:g}",
    )  # fmt: skip
    return Shown(pixels, (done,), (say("The window that was asked for {flaw}.", flaw=flaw),) if flaw else ())


def _full(gray: Gray) -> Shown:
    known = gray.real[gray.known]
    if not known.size:
        raise UnusableError("it holds no value but padding")
    low, high = gray.full or (float(known.min()), float(known.max()))
    told = {"low": f"{low:g}", "high": f"{high:g}"}
    done = (
        say("The full range of its stored bits ({low} to {high}) is spread over 0..255, as asked for.", **told)
        if gray.full
        else say(
            "The full range of its values, which are not whole numbers ({low} to {high}) is spread over 0..255, as "
            "asked for.",
            **told,
        )
    )
    return Shown(spread_values(gray.real, low, high) if gray.as_they_are is None else gray.as_they_are, (done,))


def _by_percentiles(gray: Gray) -> tuple[NDArray[np.float32], str]:
    known = gray.real[gray.known]
    if not known.size:
        raise UnusableError("it holds no value but padding")
    low, high = (float(value) for value in np.percentile(known, PERCENTILES))
    told = mark("Values from the {first}th to the {last}th percentile ({low} to {high})")
    if low == high:
        low, high = float(known.min()), float(known.max())
        told = mark("Values of the whole range ({low} to {high})")
    first, last = PERCENTILES
    return spread_values(gray.real, low, high), say(told, first=first, last=last, low=f"{low:g}", high=f"{high:g}")


def _tabled(real: NDArray[Any], dataset: Dataset, number: int) -> tuple[NDArray[np.float32], int]:
    """Apply a table of values of interest; return how many bits it has, too."""
    from pydicom.pixels.processing import apply_voi

    item = dataset.VOILUTSequence[number]
    bits = int(item.LUTDescriptor[2])
    # pydicom counts the entries of an 8-bit table in 8 bits, and has no more than 256 then
    item.LUTDescriptor = [*list(item.LUTDescriptor)[:2], 16 if bits == 8 else bits]
    try:
        whole = real if real.dtype.kind in "iu" else np.rint(real).astype(np.int32)
        return spread_values(apply_voi(whole.astype(np.int32), dataset, index=number), 0, 2**bits - 1), bits
    finally:
        item.LUTDescriptor = [*list(item.LUTDescriptor)[:2], bits]


def _windowed(real: NDArray[Any], centre: float, width: float, function: str) -> NDArray[np.float32]:
    from pydicom.pixels.processing import apply_windowing

    # as if of 8 bits: then 0 to 255 is what comes out
    window: Any = dataset_with(
        WindowCenter=centre, WindowWidth=width, VOILUTFunction=function, PhotometricInterpretation="MONOCHROME2",
        BitsStored=8, PixelRepresentation=0,
    )  # fmt: skip
    result = np.empty(real.shape, np.float32)
    with np.errstate(over="ignore"):
        for row, values in enumerate(real):
            result[row] = apply_windowing(values, window)
    if not np.isfinite(result).all():
        raise UnusableError("it holds values that are not finite")
    return result
