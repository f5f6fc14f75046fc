"""How many bytes each part of a page takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.outputs.page.sections import chosen_sections
from reportgen.report.report import Report

_PICTURE = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]*")
_APART = re.compile(r"<(?P<kind>style|script)\b[^>]*>.*?</(?P=kind)>", re.DOTALL)
_DATA = '<script type="application/json"'


@dataclass(frozen=True)
class Weight:
    """Bytes of a part of a page, and how many of them are pictures."""

    part: str
    total: int
    pictures: int


def weigh_page(text: str, report: Report) -> tuple[Weight, ...]:
    """Return what each section of a page weighs, in their order, then its frame, data, style and script.

    Parameters
    ----------
    text
        The page, as rendered.
    report
        What it is of.
    """
    apart = [one[0] for one in _APART.finditer(text)]
    left = _APART.sub("", text)
    names = [section.name for section in chosen_sections(report)]
    starts = [(left.find(f'<section id="{name}"'), name) for name in names]
    begun = sorted((start, name) for start, name in starts if start >= 0)
    end = max(left.find("</main>"), 0)
    ends = [*(start for start, _ in begun[1:]), end]
    sections = [_weight(name, left[start:stop]) for (start, name), stop in zip(begun, ends, strict=True)]
    frame = left[: begun[0][0] if begun else 0] + left[end if begun else 0 :]
    return (
        *sections,
        _weight("frame and contents", frame),
        _weight("data", "".join(one for one in apart if one.startswith(_DATA))),
        _weight("style and script", "".join(one for one in apart if not one.startswith(_DATA))),
    )


def _weight(part: str, text: str) -> Weight:
    return Weight(part, len(text.encode()), sum(len(found[0]) for found in _PICTURE.finditer(text)))


def tell_weights(weights: Sequence[Weight]) -> tuple[str, ...]:
    """Return a table of it, a line each, for a terminal."""
    width = max(len(one.part) for one in weights)
    return tuple(
        f"{one.part:<{width}}  {one.total:>11,} bytes"
        + (f", {one.pictures:,} of them pictures" if one.pictures else "")
        for one in (*weights, Weight("in all", sum(w.total for w in weights), sum(w.pictures for w in weights)))
    )
