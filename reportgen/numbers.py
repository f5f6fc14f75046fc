"""Numbers in a report's data, which JSON writes as null where they are not finite."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator


def _from_null(value: Any) -> Any:
    return math.nan if value is None else value


Number = Annotated[float, BeforeValidator(_from_null)]
