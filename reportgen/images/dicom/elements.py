"""Elements of a DICOM file as Python's values, where they make sense."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset


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
    return next(iter(numbers_of(dataset, keyword)), None)


def numbers_of(dataset: Dataset, keyword: str) -> list[float | None]:
    """Return the values of an element as finite numbers, with None for those that are none."""
    value = value_of(dataset, keyword)
    several = not isinstance(value, str | bytes) and hasattr(value, "__getitem__")
    return [_finite(one) for one in (value if several else [value])]


def dataset_with(**values: object) -> Dataset:
    """Return a dataset of these elements."""
    from pydicom import Dataset

    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
