"""Known regions of a case in a cell of a table: files of masks, and boxes.

``lungs.png``, or by name ``lungs=lungs.png; opacity=op.dcm``; boxes as ``opacity=60 40 30 50; opacity=10 20 8 8``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from reportgen.settings.values import Box
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import ReportgenError

UNNAMED = "box"
# a name has no slash: what does is a file whose path has an equals sign in it
_NAME = r"[^;=/\\]*"
_NAMED = re.compile(rf"\s*({_NAME})=(.*)", re.DOTALL)
_NEXT = re.compile(rf";(?=\s*{_NAME}=)")
_BOX = re.compile(r"\s*(\d{1,9})[\s,]+(\d{1,9})[\s,]+(\d{1,9})[\s,]+(\d{1,9})\s*", re.ASCII)


def read_mask_cell(
    text: str, folder: Path | RemotePath, where: str
) -> tuple[str | None, tuple[tuple[str, str], ...]]:  # fmt: skip
    """Return (the file of a mask without a name, (name, file) of those with one) of a cell.

    Parameters
    ----------
    text
        The cell; a file that is there is taken whole, whatever its name holds.
    folder
        Where paths count from.
    where
        The table and line, for the message.

    Raises
    ------
    ReportgenError
        When a name is missing or stands twice.
    """
    if not _NAMED.fullmatch(text) or _is_there(folder, text):
        return text or None, ()
    named = [(found[1].strip(), found[2].strip()) for part in _NEXT.split(text) if (found := _NAMED.fullmatch(part))]
    if any(not name or not path for name, path in named):
        raise ReportgenError(f"{where}: '{text:.200}' in column 'mask' lacks a name or a file", _MASK_HINT)
    if len(dict(named)) < len(named):
        raise ReportgenError(f"{where}: two masks have the same name in '{text:.200}'", "give each a name of its own")
    return None, tuple(named)


def write_mask_cell(
    mask: str | None, masks: Sequence[tuple[str, str]], place: Callable[[str], str]
) -> str:  # fmt: skip
    """Return the cell for masks, whose files are named anew by ``place``; :func:`read_mask_cell` reads it."""
    if masks:
        return "; ".join(f"{name}={place(path)}" for name, path in masks)
    text = "" if mask is None else place(mask)
    return f"./{text}" if _NAMED.fullmatch(text) else text


def read_box_cell(text: str, where: str) -> tuple[tuple[str, tuple[Box, ...]], ...]:
    """Return the boxes of a cell by name, each (top, left, height, width) in pixels; one without a name is ``box``.

    Raises
    ------
    ReportgenError
        When a box isn't four whole numbers, or has no extent.
    """
    found: dict[str, list[Box]] = {}
    for part in text.split(";") if text else ():
        name, equals, numbers = part.rpartition("=")
        box = _BOX.fullmatch(numbers)
        if box is None or (equals and not name.strip()) or not (int(box[3]) and int(box[4])):
            raise ReportgenError(f"{where}: '{part.strip():.100}' in column 'box' is no box", _BOX_HINT)
        top, left, height, width = map(int, box.groups())
        found.setdefault(name.strip() or UNNAMED, []).append((top, left, height, width))
    return tuple((name, tuple(boxes)) for name, boxes in found.items())


_MASK_HINT = "write a file, or NAME=FILE; NAME=FILE"
_BOX_HINT = "write NAME=TOP LEFT HEIGHT WIDTH, in pixels of the image as stored; several with ';' between them"


def _is_there(folder: Path | RemotePath, text: str) -> bool:
    try:
        return isinstance(folder, Path) and (folder / text).exists()
    except (OSError, ValueError):
        return False
