"""Pickles of plain data, read without running anything that they name.

Python's own reader calls whatever a pickle asks for. This one knows lists, dicts, numbers, texts and NumPy's arrays of
whole numbers, for which it has stand-ins of its own, and refuses the rest. It is built on the reader in Python, not the
one in C, which fills any amount of memory that a few bytes ask for.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

_TYPE = re.compile(r"[<>|=]?([biu])([1248])")
_ORDERS = {"<": "<", ">": ">", "|": "=", "=": "="}


class Readable(Protocol):
    """What a pickle is read from; raises when less is left than is asked for."""

    def read(self, size: int) -> bytes | bytearray:
        """Return just so many bytes."""
        ...

    def readline(self) -> bytes:
        """Return the bytes up to the end of the line."""
        ...


class RefusedError(Exception):
    """A pickle asks for something that plain data has no need of."""


class BrokenError(Exception):
    """A pickle makes no sense."""


def load_plain(file: Readable, passing: type[Exception]) -> object:
    """Return what a pickle holds; texts of Python 2 as bytes.

    Parameters
    ----------
    file
        Where it is read from.
    passing
        What ``file`` raises, to be passed on as it is.

    Raises
    ------
    RefusedError
        When it asks for anything but plain data; the message names what.
    BrokenError
        When it is damaged.
    """
    reader = _Reader(file, encoding="bytes")  # type: ignore[arg-type]
    try:
        return _plain(reader.load())
    except (passing, RefusedError):
        raise
    except Exception as problem:  # noqa: BLE001 - damaged pickles are met with every kind of exception
        raise BrokenError(" ".join(str(problem).split()) or type(problem).__name__) from None


class _Type:
    """Stands for ``numpy.dtype``: whole numbers only."""

    def __init__(self, name: object = "", *_: object) -> None:
        found = _TYPE.fullmatch(name.decode("ascii") if isinstance(name, bytes) else str(name))
        if found is None:
            raise RefusedError(f"an array of type {str(name)[:20]!r}")
        self._kind, self._order = found[1] + found[2], "="

    def set_state(self, state: Any) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        self._order = _ORDERS[order]

    def numpy(self) -> np.dtype[Any]:
        return np.dtype(np.bool_ if self._kind == "b1" else self._order + self._kind.replace("b", "i"))


class _Array:
    """Stands for ``numpy.ndarray`` until its content is known."""

    def __init__(self, *_: object) -> None:
        self.values: NDArray[Any] | None = None

    def set_state(self, state: Any) -> None:
        shape, kind, fortran, data = state[-4:]
        self.values = _array(data, kind, shape, "F" if fortran else "C").values


def _array(data: Any, kind: Any, shape: Any, order: Any = "C") -> _Array:
    made = _Array()
    made.values = np.frombuffer(data, kind.numpy()).reshape(shape, order="F" if order in ("F", b"F") else "C")
    return made


def _encode(text: str, encoding: object = "latin1") -> bytes:
    """Stands for ``codecs.encode``, in which Python 3 hides the bytes of old protocols."""
    if encoding not in ("latin1", b"latin1"):
        raise RefusedError(f"the encoding {str(encoding)[:20]!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array for core in ("core", "_core")},
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
    **{(module, "bytes"): _no_bytes for module in ("__builtin__", "builtins")},
}


class _Reader(pickle._Unpickler):
    """Python's reader with its own list of what may be called, and without the ways round it."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is None:
            raise RefusedError(f"{module}.{name}"[:80])
        return known

    def _build(self) -> None:
        state = self.stack.pop()  # type: ignore[attr-defined]
        made = self.stack[-1]  # type: ignore[attr-defined]
        if type(made) not in (_Array, _Type):
            raise RefusedError("changing something that is no array")
        made.set_state(state)

    def _refuse(self) -> None:
        raise RefusedError("making objects")

    dispatch[pickle.BUILD[0]] = _build
    for _code in (
        pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.PERSID, pickle.BINPERSID, pickle.EXT1,
        pickle.EXT2, pickle.EXT4, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
    ):  # fmt: skip
        dispatch[_code[0]] = _refuse


def _plain(value: object) -> object:
    """Return a value with arrays instead of what stands for them, at the top and one level below."""
    if isinstance(value, dict):
        return {key: item.values if isinstance(item, _Array) else item for key, item in value.items()}
    return value.values if isinstance(value, _Array) else value
