"""What values settings take: numbers with limits, and the few things that can be written in several ways."""

from __future__ import annotations

import contextlib
import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

LARGEST = 2**63 - 1  # of TOML's whole numbers
Count = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
CountOrNone = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Pair = tuple[Count, Count]
Box = tuple[CountOrNone, CountOrNone, Count, Count]
Colour = tuple[Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)], ...]
Fill = Literal["mean", "blur"] | Colour
Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ClassLike = str | Annotated[int, Field(ge=-LARGEST, le=LARGEST)]


def _window(value: object) -> object:
    """Read ``"-600/1500"`` as two numbers; leave all else to be judged as it is."""
    if isinstance(value, str) and value.count("/") == 1:
        with contextlib.suppress(ValueError):
            centre, width = value.split("/")
            return float(centre), float(width)
    return value


_WINDOWS = "'auto', 'file', 'percentile', 'full' or CENTRE/WIDTH such as -600/1500, with a width above 0"
Window = Annotated[
    Literal["auto", "file", "percentile", "full"] | tuple[Number, Annotated[Number, Field(gt=0)]],
    BeforeValidator(_window),
    _WINDOWS,
    WithJsonSchema({
        "anyOf": [
            {"enum": ["auto", "file", "percentile", "full"]},
            {"type": "string", "pattern": "^[^/]+/[^/]+$"},
            {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        ]
    }),
]  # fmt: skip


def _size(value: object) -> object:
    """Read ``"10MB"`` as bytes, in units of 1000; leave all else to be judged as it is."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?) ?(?:([kmg])b)?", value.strip().lower())
    return round(float(found[1]) * 1000 ** " kmg".index(found[2] or " ")) if found else value


Size = Annotated[
    Count,
    BeforeValidator(_size),
    "a size such as '10MB' (KB, MB or GB, of 1000 each), or bytes",
    WithJsonSchema({
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\s*[\d.]+ ?([kKmMgG][bB])?\s*$"}]
    }),
]  # fmt: skip
