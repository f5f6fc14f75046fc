"""Real output, made comparable: what changes from machine to machine is taken out, numbers are compared as numbers.

Pictures, digests, sizes in bytes and versions are named and left out. Other processors add floating-point numbers up in
another order, so numbers count as the same when they agree to a part in a thousand.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

RELATIVE, ABSOLUTE = 2e-3, 2e-3
_LONG = 6  # numbers in a row that are told as a range
_NUMBER = re.compile(r"[-+−]?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:e[-+]?\d+)?")
_SCRUBBED = (
    (re.compile(r'<script type="application/json" id="report-data">.*?</script>', re.S), "<script>DATA</script>"),
    (re.compile(r"(<style>).*?(</style>)", re.S), r"\1STYLE\2"),
    (re.compile(r"(<script>)(?!DATA).*?(</script>)", re.S), r"\1SCRIPT\2"),
    (re.compile(r"data:image/(\w+);base64,[A-Za-z0-9+/=]+"), r"PICTURE.\1"),
    (re.compile(r"'sha256-[A-Za-z0-9+/=]+'"), "'sha256-DIGEST'"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b[0-9a-f]{2}/[0-9a-f]{62}\b"), "DIGEST"),
    (re.compile(r"(?<![.\w])(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{12})\b"), "DIGEST"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:kB|MB)\b"), "SIZE"),
    (re.compile(r"reportgen \d+\.\d+\.\d+\w*"), "reportgen VERSION"),
)


def scrub_text(text: str) -> str:
    """Take out of a page or message what isn't its words and structure."""
    for pattern, instead in _SCRUBBED:
        text = pattern.sub(instead, text)
    text = re.sub(r'(<tr><th scope="row">(?:reportgen|python|tensorflow|keras|numpy|pillow|matplotlib|jinja2)</th><td>)'
                  r"[^<]*", r"\1VERSION", text)  # fmt: skip
    return re.sub(r">\s*<", ">\n<", text)


def scrub_json(text: str) -> str:
    """Take out of report.json digests, versions and times; long rows of numbers are told as a range."""
    document = json.loads(text)
    for key in ("versions", "timings"):
        document[key] = sorted(document[key])
    return scrub_text(json.dumps(_brief(document), indent=1, ensure_ascii=False)) + "\n"


def _brief(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _brief(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if not isinstance(value, list):
        return value
    flat = [item for item in _flat(value) if item is not None]
    if len(value) >= _LONG and flat and all(isinstance(item, int | float) for item in flat):
        return f"{len(value)} from {min(flat):.6g} to {max(flat):.6g}, mean {sum(flat) / len(flat):.6g}"
    return [_brief(item) for item in value]


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list) else [value]


def differ(expected: str, found: str) -> str | None:
    """Return the first place where two texts differ in words, or in a number by more than rounding; None for none."""
    for number, (one, other) in enumerate(zip(expected.splitlines(), found.splitlines(), strict=False), 1):
        if one != other and not _alike(one, other):
            return f"line {number}:\n- {one:.300}\n+ {other:.300}"
    counts = len(expected.splitlines()), len(found.splitlines())
    return None if counts[0] == counts[1] else f"{counts[0]} lines, now {counts[1]}"


def _alike(one: str, other: str) -> bool:
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(a == b or math.isclose(_value(a), _value(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE) for a, b in pairs)


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


class Scrubbed(SingleFileSnapshotExtension):
    """A snapshot is a text file of its own."""

    _write_mode = WriteMode.TEXT
    file_extension = "snapshot"

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        """Whether an output is what it was."""
        return differ(snapshot_data, serialized_data) is None
