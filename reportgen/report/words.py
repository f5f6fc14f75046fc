"""How shares and probabilities are put into words, everywhere the same."""

from __future__ import annotations

import math

from reportgen.report.estimates import Estimate
from reportgen.system.language import say


def describe_percent(share: float) -> str:
    """Return a share as whole per cent; what would be rounded to none or all is said so."""
    if not math.isfinite(share):
        return "–"
    if 0 < share < 0.01:
        return say("under 1 %")
    return say("over 99 %") if 0.99 < share < 1 else f"{100 * share:.0f} %"


def describe_share(estimate: Estimate | None) -> str:
    """Return a share with its interval, in whole per cent."""
    if estimate is None:
        return "–"
    if not math.isfinite(estimate.low):
        return describe_percent(estimate.value)
    ends = f"{100 * max(0.0, estimate.low):.0f}–{100 * min(1.0, estimate.high):.0f}"
    return f"{describe_percent(estimate.value)} [{ends}]"


def format_p(value: float, least: float = 0.001) -> str:
    """Return a p or q: three decimals, or one digit behind the point and a power of ten."""
    if value >= least or value == 0:
        return f"{value:.3f}"
    number, _, power = f"{value:.1e}".partition("e")
    return f"{number}e{int(power)}".replace("-", "−")
