"""NumPy archives (.npz) of images and labels, divided or not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.pictures import StackedPictures
from reportgen.images.decoding import SMALLEST_SIDE
from reportgen.report.names import are_different
from reportgen.system.errors import ReportgenError
from reportgen.system.language import say

PARTS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (("x_val", "y_val"), ("x_validation", "y_validation"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
    "undivided": tuple((images, labels) for images in ("images", "x") for labels in ("labels", "y")),
}
_GROUPS = ("groups", "patients")
_SHORT = {"train": "train", "validation": "val", "test": "test"}
_KNOWN = {
    "class_names", *_GROUPS, *(f"{name}_{part}" for name in _GROUPS for part in _SHORT.values()),
    *(name for pairs in PARTS.values() for pair in pairs for name in pair),
}  # fmt: skip
_BLOCK = 1000
_MOST_CLASSES = 10_000
_HOLDS = "it needs x_train and y_train (x_val, y_val, x_test, y_test), or images and labels"


def read_npz(path: Path) -> Parts:
    """Read an archive of arrays; nothing in it that is not plain numbers or texts is opened.

    Parameters
    ----------
    path
        Holds images ``(N, H, W)``, ``(N, H, W, 1 or 3)`` or ``(N, 1 or 3, H, W)``: whole numbers from 0 to 255, or
        floats from 0 to 1 or to 255; labels as whole numbers from 0, one-hot, as texts, or ``(N, K)`` of 0 and 1 for
        findings; ``class_names``, and ``groups`` or ``patients``, where it has them (for a part: ``groups_train``).

    Raises
    ------
    ReportgenError
        When an array is missing, damaged, or not of this kind; the message names it.
    """
    arrays, others = _read_arrays(path)
    lower = {name.casefold(): name for name in arrays}
    keys = {part: _keys_of(lower, pairs, path) for part, pairs in PARTS.items()}
    found = {part: pair for part, pair in keys.items() if pair is not None}
    if not found:
        raise ReportgenError(f"{path} holds {', '.join([*arrays, *others]) or 'nothing'}", _HOLDS)
    notes: list[str] = []
    labels = {part: _as_labels(arrays[pair[1]], f"{path}, {pair[1]}") for part, pair in found.items()}
    names = _class_names(arrays, lower, labels, path)
    parts: dict[str, Labelled] = {}
    patients = False
    for part, (images, key) in found.items():
        pixels = _as_pixels(arrays.pop(images), f"{path}, {images}", notes)
        numbers = _numbered(labels[part], names, f"{path}, {key}")
        if len(pixels) != len(numbers):
            raise ReportgenError(f"{path} holds {len(pixels):,} in {images} and {len(numbers):,} in {key}", _HOLDS)
        places = tuple(f"{images}, image {number}" for number in range(len(pixels)))
        groups = _groups_of(arrays, lower, part, len(pixels), path)
        patients |= groups is not None
        parts[part] = Labelled(StackedPictures(pixels, "NumPy array"), numbers, names, groups or places, places)
    return Parts.of(parts, say("a NumPy archive"), list(dict.fromkeys(notes)), patients=patients)


def _read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the arrays that have a meaning here, and the names of the others, which aren't read."""
    arrays: dict[str, NDArray[Any]] = {}
    others = []
    name = ""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            for name in stored.files:
                found = stored[name] if name.casefold() in _KNOWN else None
                # what isn't stored as an array comes as bytes
                if isinstance(found, np.ndarray):
                    arrays[name] = found
                else:
                    others.append(name)
    except Exception as problem:  # noqa: BLE001 - damaged zip files and headers are met with every kind of exception
        if "allow_pickle" in str(problem):
            raise ReportgenError(
                f"{path}: {name} holds Python objects, which may run code when they're opened",
                "save numbers or texts: a list of arrays of different shapes is none",
            ) from None
        reason = " ".join(str(problem).split()) or type(problem).__name__
        raise ReportgenError(f"{path} is damaged at {name or 'its start'} ({reason})", "copy it again") from None
    return arrays, others


def _keys_of(lower: Mapping[str, str], pairs: tuple[tuple[str, str], ...], path: Path) -> tuple[str, str] | None:
    for images, labels in pairs:
        if images in lower and labels in lower:
            return lower[images], lower[labels]
    alone = next((images for images, _ in pairs if images in lower), None)
    if alone is not None:
        raise ReportgenError(f"{path} holds {lower[alone]} without labels", _HOLDS)
    return None


def _as_pixels(array: NDArray[Any], what: str, notes: list[str]) -> NDArray[np.uint8]:
    return _as_bytes(_channels_last(array, what), what, notes)


def _channels_last(array: NDArray[Any], what: str) -> NDArray[Any]:
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    fits = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))
    if not fits or min(array.shape[1:3]) < SMALLEST_SIDE or not len(array):
        raise ReportgenError(
            f"{what} has shape {array.shape}",
            f"images are (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W), with sides of at least {SMALLEST_SIDE}",
        )
    return array


def _as_bytes(array: NDArray[Any], what: str, notes: list[str]) -> NDArray[np.uint8]:
    """Return pixels as uint8; a block at a time, since floats take four or eight times as much."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "iuf":
        raise ReportgenError(f"{what} is of type {array.dtype}", "give whole numbers from 0 to 255, or floats")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 255):
        raise ReportgenError(
            f"{what} has values from {low:g} to {high:g}", "give 0 to 255, or floats from 0 to 1: undo a normalization"
        )
    factor = 255.0 if array.dtype.kind == "f" and high <= 1 else 1.0
    pixels = np.empty(array.shape, np.uint8)
    rounded = 0.0
    for start in range(0, len(array), _BLOCK):
        block = array[start : start + _BLOCK].astype(np.float64) * factor
        whole = np.rint(block)
        rounded = max(rounded, float(np.abs(block - whole).max()))
        pixels[start : start + _BLOCK] = whole
    if array.dtype.kind == "f":
        notes.append(_describe_floats(scaled=factor != 1, rounded=rounded > 0.01))
    return pixels


def _describe_floats(*, scaled: bool, rounded: bool) -> str:
    """Say what was done to floats to make them bytes."""
    if scaled and rounded:
        return say("The values are floats from 0 to 1: they were multiplied by 255 and rounded to whole numbers.")
    if scaled:
        return say("The values are floats from 0 to 1: they were multiplied by 255.")
    if rounded:
        return say("The values are floats from 0 to 255 and rounded to whole numbers.")
    return say("The values are floats from 0 to 255.")


def _as_labels(array: NDArray[Any], what: str) -> NDArray[Any]:
    """Return labels ``(N,)`` as whole numbers or texts, or ``(N, K)`` bool for findings."""
    if not array.size:
        raise ReportgenError(f"{what} has shape {array.shape}: there are no labels", _HOLDS)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 1 and array.dtype.kind in "iuUS":
        return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    if array.ndim == 1 and array.dtype.kind in "fb" and bool((array == np.rint(array)).all()):
        return array.astype(np.int64)
    if array.ndim == 2 and array.dtype.kind in "iufb" and bool(((array == 0) | (array == 1)).all()):
        found = array.astype(np.bool_)
        one_each = array.dtype.kind != "b" and bool((found.sum(axis=1) == 1).all())
        return found.argmax(axis=1).astype(np.int64) if one_each else found
    raise ReportgenError(
        f"{what} is of type {array.dtype} and shape {array.shape}",
        "labels are whole numbers (N,), one-hot (N, K), texts (N,), or 0 and 1 (N, K) for findings",
    )


def _class_names(
    arrays: Mapping[str, NDArray[Any]], lower: Mapping[str, str], labels: Mapping[str, NDArray[Any]], path: Path
) -> tuple[str, ...]:
    if "class_names" in lower:
        stored = arrays[lower["class_names"]]
        if stored.dtype.kind not in "US" or stored.ndim != 1 or len(stored) < 1:
            raise ReportgenError(f"{path}: class_names is of type {stored.dtype}", "give a row of texts")
        names = tuple(_as_text(name) for name in stored)
        if not are_different(names):
            raise ReportgenError(f"{path}: class_names has two that mean the same", "rename one")
        return names
    every = list(labels.values())
    if all(array.dtype.kind == "U" for array in every):
        names = tuple(sorted({str(name) for array in every for name in array}))
        if len(names) < 2 or not are_different(names):
            raise ReportgenError(f"{path} has the labels {', '.join(names)}", "give at least two that differ")
        return names
    widths = {array.shape[1] for array in every if array.ndim == 2}
    count = max(widths) if widths else 1 + max(int(array.max()) for array in every if array.dtype.kind in "iu")
    if not 2 - bool(widths) <= count <= _MOST_CLASSES:
        raise ReportgenError(f"{path} has labels up to {count - 1}", "number classes from 0, at least two")
    return tuple(str(number) for number in range(count))


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _numbered(labels: NDArray[Any], names: tuple[str, ...], what: str) -> NDArray[np.int64] | NDArray[np.bool_]:
    """Return labels as indices into the names, or as they are where they are findings; check that they fit."""
    if labels.ndim == 2:
        if labels.shape[1] != len(names):
            raise ReportgenError(f"{what} has {labels.shape[1]} columns for {len(names)} classes", "give one a class")
        return labels
    if labels.dtype.kind == "U":
        number = {name: at for at, name in enumerate(names)}
        unknown = next((str(name) for name in labels if str(name) not in number), None)
        if unknown is not None:
            raise ReportgenError(f"{what} has the label '{unknown}', which is no class", f"use {', '.join(names)}")
        return np.array([number[str(name)] for name in labels], np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= len(names)))
    if len(wrong):
        raise ReportgenError(
            f"{what} has label {labels[wrong[0]]} at image {wrong[0]}", f"number the {len(names)} classes from 0"
        )
    return labels.astype(np.int64)


def _groups_of(
    arrays: Mapping[str, NDArray[Any]], lower: Mapping[str, str], part: str, count: int, path: Path
) -> tuple[str, ...] | None:
    for name in _GROUPS:
        key = lower.get(f"{name}_{_SHORT[part]}" if part in _SHORT else name)
        if key is None:
            continue
        if arrays[key].shape != (count,):
            raise ReportgenError(f"{path}: {key} has shape {arrays[key].shape}", f"give one for each of {count} images")
        return tuple(_as_text(group) for group in arrays[key])
    return None
