"""Which Python a Lambda layer's code is of: nothing says so, but its layout and its first instructions tell.

Keras keeps Python's bytecode as ``marshal`` writes it. That is another in nearly every version of Python; run by a
wrong one it ends in an error, in another result, or in a crash. So it's looked at first, and not unmarshalled for that.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

EARLY, LATE = "3.7 or earlier", "3.14 or later"
_CODE, _STRING, _FLAGGED = ord("c"), ord("s"), 0x80
_LAYOUTS = {4: ("2",), 6: ("3.8", "3.9", "3.10")}  # by the numbers before the instructions; 5 stands for many versions
_RESUME = {151: ("3.11", "3.12"), 149: ("3.13",), 128: (LATE,)}
# what may stand before: cells, free variables, the beginning of a generator
_BEFORE_RESUME = {151: (1, 75, 135, 149), 149: (32, 35, 62, 94), 128: tuple(range(1, 128))}
# instructions with room for a cache behind them, which two versions have that else begin alike
_CACHES = {
    "3.11": {25: 4, 60: 1, 92: 1, 95: 4, 106: 4, 107: 2, 116: 5, 122: 1, 160: 10, 166: 1, 171: 4},
    "3.12": {25: 1, 60: 1, 92: 1, 93: 1, 95: 4, 106: 9, 107: 1, 116: 4, 122: 1, 123: 1, 141: 1, 171: 3},
}


def this_python() -> str:
    """Return the Python that runs here, such as ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def pythons_of(text: str) -> tuple[str, ...]:
    """Return the versions of Python that may have made a function.

    Parameters
    ----------
    text
        Its code as Keras keeps it, in base64; early versions of Keras kept it with escapes.

    Returns
    -------
    tuple of str
        Such as ``("3.8", "3.9", "3.10")``; empty where it is no code of any known layout.
    """
    for data in _decoded(text):
        if data and data[0] & ~_FLAGGED == _CODE:
            for numbers in (5, 6, 4):
                instructions = _string_at(data, 1 + 4 * numbers)
                if instructions is not None:
                    return _LAYOUTS.get(numbers) or _by_instructions(instructions)
    return ()


def other_python(config: Any) -> str:
    """Return which Python code in a Lambda layer's configuration is of, in words; empty where it may be this one."""
    here = this_python()
    for text in _texts(config):
        made_by = pythons_of(text)
        is_this = here in made_by or (LATE in made_by and sys.version_info >= (3, 14))
        if made_by and not is_this:
            return " or ".join([*([", ".join(made_by[:-1])] if made_by[:-1] else []), made_by[-1]])
    return ""


def _decoded(text: str) -> Iterator[bytes]:
    with contextlib.suppress(UnicodeEncodeError, binascii.Error):
        yield base64.b64decode(text.encode("ascii"), validate=False)
    with contextlib.suppress(UnicodeEncodeError):
        yield text.encode("raw_unicode_escape")


def _string_at(data: bytes, place: int) -> bytes | None:
    """Return the bytes that stand at a place with their length before them; None where none do."""
    if len(data) < place + 5 or data[place] & ~_FLAGGED != _STRING:
        return None
    length = int.from_bytes(data[place + 1 : place + 5], "little")
    found = data[place + 5 : place + 5 + length]
    return found if length and len(found) == length else None


def _by_instructions(code: bytes) -> tuple[str, ...]:
    first = code[0:16:2]
    for resume, versions in _RESUME.items():
        place = first.find(resume)
        if place >= 0 and all(one in _BEFORE_RESUME[resume] for one in first[:place]):
            fitting = tuple(one for one in versions if one not in _CACHES or _walks(code, _CACHES[one]))
            return fitting or versions
    return (EARLY,)


def _walks(code: bytes, caches: dict[int, int]) -> bool:
    """Whether instructions follow one another to the end, where each has the room behind it that it should have."""
    place = 0
    while place < len(code):
        room = 2 * caches.get(code[place], 0)
        behind = code[place + 2 : place + 2 + room]
        if code[place] == 0 or len(behind) < room or any(behind):
            return False
        place += 2 + room
    return place == len(code)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
