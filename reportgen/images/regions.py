"""Known regions of an image: masks from files, arrays and boxes, each ``(H, W)`` bool at the image's stored size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.images.decoding import Request
from reportgen.images.dicom.segmentation import is_segmentation, read_segments
from reportgen.images.reader import as_channels, decode_image
from reportgen.images.resizing import resize
from reportgen.settings.job import CaseSettings
from reportgen.settings.report import DEFAULTS, LimitSettings
from reportgen.settings.values import Box
from reportgen.system.errors import ImageError, SettingsError
from reportgen.system.files import read_bytes
from reportgen.system.text import visible

Mask = NDArray[np.bool_]
MaskLike = NDArray[np.generic] | str | Path
Size = tuple[int, int]
MOST_REGIONS = 8
LONGEST_NAME = 40
# values as they are stored: no window and no stretching decides what is inside
_AS_STORED = replace(DEFAULTS.images, depth="full", window="full")


def read_regions(case: CaseSettings, size: Size, limits: LimitSettings | None = None) -> dict[str, Mask]:
    """Return the known regions that the settings of a case name.

    Parameters
    ----------
    case
        With its mask, masks and boxes.
    size
        (height, width) of its image as stored, upright.
    limits
        How large a mask's file may be: those of images.

    Returns
    -------
    dict
        Masks ``(H, W)`` at that size by name: of ``mask`` the file's name without its ending, of a DICOM segmentation
        the labels of its segments.

    Raises
    ------
    ImageError, SettingsError
        When a mask can't be read, doesn't fit the image, is empty or covers all of it, or a name is used twice.
    """
    found: list[tuple[str, Mask]] = []
    if case.mask is not None:
        found += [(label or Path(case.mask).stem, mask) for label, mask in _read(Path(case.mask), size, limits)]
    found += _named(case.masks, size, limits)
    found += [(name, _boxes(name, boxes, size)) for name, boxes in case.boxes.items()]
    return _checked(found)


def regions_of(given: Mapping[str, MaskLike], size: Size, limits: LimitSettings | None = None) -> dict[str, Mask]:
    """Return known regions that are given as files or arrays; see :func:`read_regions`.

    Parameters
    ----------
    given
        Arrays ``(H, W)`` of numbers or bool, or paths, by name.
    size, limits
        As there.
    """
    return _checked(_named(given, size, limits))


def with_masks(cases: Sequence[CaseSettings], texts: Sequence[str]) -> tuple[CaseSettings, ...]:
    """Add masks that are given as ``[CASE:]NAME=FILE`` to cases; CASE is a label, or a number from 1.

    Raises
    ------
    SettingsError
        When a text is none, or it isn't clear which case is meant.
    """
    changed = list(cases)
    for text in texts:
        left, _, path = text.partition("=")
        named, _, name = left.rpartition(":")
        if not name.strip() or not path:
            raise SettingsError(f"'{text}' is no mask", "write NAME=FILE, or CASE:NAME=FILE, as in 2:lungs=lungs.png")
        place = _place(named.strip(), cases, text)
        known = changed[place].masks
        if name.strip() in known:
            raise SettingsError(f"two masks of a case are called '{name.strip()}'", "give each a name of its own")
        changed[place] = replace(changed[place], masks={**known, name.strip(): path})
    return tuple(changed)


def _place(named: str, cases: Sequence[CaseSettings], text: str) -> int:
    """Return the number of the case that is meant, from 0."""
    labelled = [number for number, case in enumerate(cases) if case.label == named]
    if not named and len(cases) == 1:
        return 0
    if len(labelled) == 1:
        return labelled[0]
    if named.isdecimal() and len(named) < 4 and 1 <= int(named) <= len(cases):
        return int(named) - 1
    what = f"mask '{text}' doesn't say of which case it is"
    if named:
        what = f"mask '{text}' is of case '{named}', and {'several are called so' if labelled else 'there is none'}"
    raise SettingsError(what, f"write its number, 1 to {len(cases)}, or its label: CASE:NAME=FILE")


def _named(given: Mapping[str, MaskLike], size: Size, limits: LimitSettings | None) -> list[tuple[str, Mask]]:
    found: list[tuple[str, Mask]] = []
    for name, one in given.items():
        if isinstance(one, str | Path):
            read = _read(Path(one), size, limits)
            found += [(name if len(read) == 1 else f"{name}: {label}", mask) for label, mask in read]
        else:
            found.append((name, _mask(np.asarray(one), size, f"mask '{name}'")))
    return found


def _read(path: Path, size: Size, limits: LimitSettings | None) -> list[tuple[str, Mask]]:
    """Return the masks of a file; with labels where it has some, else with an empty text."""
    limits = limits or DEFAULTS.limits
    data = read_bytes(path, ImageError, "mask", limit=limits.file_size)
    what, request = f"mask {path}", Request(name=str(path), limits=limits)
    if is_segmentation(data, request):
        segments = read_segments(data, request)
        return [(label, _mask(values, size, f"{what}, segment '{label}'")) for label, values in segments]
    image = decode_image(data, str(path), _AS_STORED, limits)
    return [("mask" if image.nameless else "", _mask(as_channels(image.pixels, 1)[..., 0], size, what))]


def _mask(values: NDArray[np.generic], size: Size, what: str) -> Mask:
    """Return where values are above half of their largest, at the image's size."""
    if values.ndim != 2 or values.dtype.kind not in "biuf" or 0 in values.shape:
        raise ImageError(f"{what} is not a table of numbers (height, width)", "give one value for each pixel")
    numbers = values.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ImageError(f"{what} holds values that are no numbers", "give 0 outside and 1 inside")
    inside = numbers > max(float(numbers.max()) / 2, 0.0)
    _check_extent(inside, what)
    if inside.shape == size:
        return inside
    if not _same_aspect((inside.shape[0], inside.shape[1]), size):
        raise ImageError(
            f"{what} has {inside.shape[0]} x {inside.shape[1]} pixels (height x width), its image {size[0]} x "
            f"{size[1]}",
            "give it at the size of the image as stored, or at its aspect",
        )
    scaled = resize(inside.astype(np.uint8), size, "nearest").astype(bool)
    _check_extent(scaled, what)
    return scaled


def _same_aspect(mask: Size, image: Size) -> bool:
    """Whether one is the other made larger or smaller, up to a pixel of rounding."""
    small, large = sorted((mask, image))
    return abs(small[0] * large[1] - small[1] * large[0]) <= max(large)


def _boxes(name: str, given: Box | tuple[Box, ...], size: Size) -> Mask:
    boxes = [given] if given and isinstance(given[0], int) else list(given)
    mask = np.zeros(size, bool)
    for top, left, height, width in boxes:
        if top + height > size[0] or left + width > size[1]:
            raise SettingsError(
                f"box [{top}, {left}, {height}, {width}] of '{name}' reaches beyond the image, which has "
                f"{size[0]} x {size[1]} pixels (height x width)",
                "boxes are [top, left, height, width] in pixels of the image as stored",
            )
        mask[top : top + height, left : left + width] = True
    _check_extent(mask, f"'{name}'")
    return mask


def _check_extent(mask: Mask, what: str) -> None:
    if not mask.any():
        raise ImageError(f"{what} is empty: no pixel is inside", "inside is what is above half of its largest value")
    if mask.all():
        raise ImageError(f"{what} covers all of its image: it is no region", "give one that has an outside")


def _checked(found: Sequence[tuple[str, Mask]]) -> dict[str, Mask]:
    named = dict(_with_plain_names(found))
    if len(named) < len(found):
        raise SettingsError("two masks of a case have the same name", "give each a name of its own")
    if len(found) > MOST_REGIONS:
        raise SettingsError(f"a case has {len(found)} masks", f"give at most {MOST_REGIONS}")
    return named


def _with_plain_names(found: Sequence[tuple[str, Mask]]) -> Iterator[tuple[str, Mask]]:
    for name, mask in found:
        plain = plain_name_of(name)
        if not plain:
            raise SettingsError("a mask has no name", "give it one: masks = { lungs = 'lungs.png' }")
        yield plain, mask


def plain_name_of(name: str) -> str:
    """Return the name of a region as it is shown: on one line, not too long, nothing invisible in it."""
    plain = " ".join(visible(name.encode("utf-8", "replace").decode()).split())
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"
