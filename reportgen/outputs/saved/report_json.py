"""report.json: everything measured, and each picture as a file of its own."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from reportgen.report.model import ModelReport
from reportgen.report.picture import Picture, is_picture_file
from reportgen.report.report import JSON_NAMES, Report
from reportgen.system.atomic import check_target
from reportgen.system.errors import OutputError


def render_json(report: Report) -> bytes:
    """Return a report as indented JSON; pictures are named with their digests, not included."""
    return encode_json(_document(report))


def embedded_json(report: Report) -> str:
    """Return the same in one line for inside a page: without timings, so that the same report gives the same page.

    Nothing in it can end the element that it stands in, nor act in any other way: all but plain letters is escaped.
    """
    return _inert(_compact(_document(report) | {"timings": {}}))


def channel_numbers(report: Report) -> str:
    """Return in one line for inside a page what its channel viewer tells of channels, where the rest lies elsewhere.

    The same fields as in the whole, of four significant digits.
    """
    layers = [
        [
            {
                "minimum": layer.minimum, "maximum": layer.maximum, "dead_channels": layer.dead_channels,
                "not_finite_channels": layer.not_finite_channels,
                "statistics": {
                    name: getattr(layer.statistics, name)
                    for name in ("minimum", "maximum", "mean", "standard_deviation", "edge_correlation",
                                 "input_correlation", "peak")
                },
            }
            for layer in case.layers
        ]
        for case in report.cases
    ]  # fmt: skip
    effects = [{"effects": layer.effects} for layer in report.differences.layers] if report.differences else None
    told = {"cases": [{"layers": of} for of in layers], "differences": effects and {"layers": effects}}
    return _inert(_compact(_rounded(to_plain(told))))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _inert(text: str) -> str:
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def content_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 digest of a report as a table, however its JSON is laid out.

    It is over everything but itself and the timings, so that a page and a report.json of the same report have the same.
    """
    left = {key: value for key, value in document.items() if key not in ("content_sha256", "timings")}
    return hashlib.sha256(_compact(left, sort_keys=True).encode()).hexdigest()


def report_digest(report: Report) -> str:
    """Return the digest of a report's content: what it's known by, wherever it lies."""
    return str(_document(report)["content_sha256"])


def _document(report: Report) -> dict[str, Any]:
    fields = {item.name: getattr(report, item.name) for item in dataclasses.fields(report)}
    document: dict[str, Any] = to_plain(fields | {"pictures": [_described(picture) for picture in report.pictures]})
    return document | {"content_sha256": content_digest(document)}


def _compact(value: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=sort_keys)


def render_model_json(model: ModelReport) -> bytes:
    """Return a model's summary as indented JSON."""
    return encode_json(model)


def encode_json(value: Any) -> bytes:
    """Return dataclasses, tables and plain values as indented JSON."""
    text = json.dumps(to_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # a file name that is no UTF-8 has lone surrogates; JSON writes them just as Python's escapes look
    return text.encode(errors="backslashreplace")


def _described(picture: Picture) -> dict[str, Any]:
    described = {item.name: getattr(picture, item.name) for item in dataclasses.fields(picture) if item.name != "data"}
    return described | {"file": picture.file_name, "sha256": hashlib.sha256(picture.data).hexdigest()}


def to_plain(value: Any) -> Any:
    """Return dataclasses as tables under their JSON names; bytes become base64, numbers that are not finite null."""
    if dataclasses.is_dataclass(value):
        return {
            JSON_NAMES.get(item.name, item.name): to_plain(getattr(value, item.name))
            for item in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def figure_files(
    report: Report, folder: Path, *, overwrite: bool, further: Mapping[str, bytes] | None = None
) -> dict[Path, bytes]:  # fmt: skip
    """Return path and content of every picture, and of further files by their names.

    Raises
    ------
    OutputError
        When a file in the folder exists and must not be replaced, or a picture's name would lead out of it.
    """
    for picture in report.pictures:
        if re.search(r"[/\\\0]", picture.file_name):
            raise OutputError(f"picture '{picture.name}' has no name for a file", "leave slashes out of it")
    files = {folder / picture.file_name: picture.data for picture in report.pictures}
    files |= {folder / name: data for name, data in (further or {}).items()}
    for path in files:
        check_target(path, overwrite=overwrite)
    return files


def stale_figures(folder: Path, *, keep: Container[Path]) -> list[Path]:
    """Return the pictures that an earlier report left in a folder, known by their names; nothing else, and no links."""
    return [
        path
        for path in sorted(folder.iterdir())
        if is_picture_file(path.name) and path not in keep and path.is_file() and not path.is_symlink()
    ]
