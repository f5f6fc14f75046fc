"""Arrays of a ``.npz``, read quickly: a cohort reads many thousands of small files whose arrays are of a few shapes."""

from __future__ import annotations

import functools
import io
import math
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC, _LENGTH = 8, 2  # bytes of what a .npy file of version 1 begins with, and of the length of its header


def read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a ``.npz`` by name, as :func:`numpy.load` would; they can't be written to.

    The header of an array is text that takes longer to be parsed than its numbers: equal ones are parsed once.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        When it's none, is cut off, or has Python objects in it.
    """
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for name in file.namelist():
            found[name.removesuffix(".npy")] = _parse(file.read(name))
    return found


def _parse(data: bytes) -> NDArray[Any]:
    start = _MAGIC + _LENGTH
    end = start + int.from_bytes(data[_MAGIC:start], "little")
    shape, columns_first, kind = _header(data[:end])
    values = np.frombuffer(data, kind, math.prod(shape), end)
    return values.reshape(shape, order="F" if columns_first else "C")


@functools.lru_cache(maxsize=256)
def _header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("arrays of another version of NumPy's format")
    shape, columns_first, kind = np.lib.format.read_array_header_1_0(stream)
    if kind.hasobject:
        raise ValueError("Python objects in an array")
    return shape, columns_first, kind
