"""Numbers in a report's data, which JSON writes as null where they are not finite."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import PlainValidator

from reportgen.system.language import say_as


def _number(value: Any) -> float:
    """Return a number as it was written: a count stays whole, and gives the same JSON again."""
    if value is None:
        return math.nan
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    raise ValueError("not a number")


def grouped(number: int) -> str:
    """Return a whole number with its thousands apart, as the language of the report writes them."""
    return f"{number:,}".replace(",", say_as("between thousands", ","))


Number = Annotated[float, PlainValidator(_number)]
