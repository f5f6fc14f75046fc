"""An encoded picture with the words that belong to it, and what pictures are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reportgen.report.numbers import Number

ENDINGS = {"image/png": "png", "image/jpeg": "jpeg"}
SCALED = "_scale.svg"  # how the name of a picture's file ends that shows what its colours stand for
_FILE = re.compile(
    r"(case\d+-(input|occlusion\d*-\w+|layer\d+-.+|single-channels|through-layers|standing|backdrop|channel\d+)|model-\w+|section\d+-figure)\.(png|jpeg|svg)"
)


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """How tiles stand in a picture, row by row.

    Attributes
    ----------
    count
        How many there are.
    columns
        How many stand in a row.
    height, width
        Of each, in pixels of the picture.
    gap
        Pixels between two of them.
    """

    count: int
    columns: int
    height: int
    width: int
    gap: int

    @property
    def words(self) -> str:
        """All of it in a line, as a page's script reads it."""
        return f"{self.count} {self.columns} {self.height} {self.width} {self.gap}"


@dataclass(frozen=True, kw_only=True)
class ColourScale:
    """What the colours of a picture stand for.

    Attributes
    ----------
    low, high
        The values of the first and of the last colour.
    label
        What is shown, with its unit.
    colours
        ``#rrggbb`` in equal steps of the value.
    """

    low: Number
    high: Number
    label: str
    colours: tuple[str, ...]

    @property
    def middle(self) -> str:
        """What stands at the middle of its bar."""
        return f"0 · {self.label}" if self.low == -self.high else self.label


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An encoded picture and the words that belong to it.

    Attributes
    ----------
    name
        What it is found by, without an ending.
    media_type
        ``image/png`` or ``image/jpeg``.
    width, height
        In pixels.
    alt
        Tells what is to be seen to those who can't see it.
    caption
        How to read it.
    pixelated
        Whether each of its pixels is a measured value, and must not be smoothed when it's enlarged.
    density
        How many of its pixels make one of the page.
    tiles
        Where each channel is, of a grid; else None.
    scale
        What its colours stand for, where they carry numbers: told beside it, not drawn in it.
    data
        The file's bytes.
    """

    name: str
    media_type: str
    width: int
    height: int
    alt: str
    caption: str = ""
    pixelated: bool = False
    density: float = 1.0
    tiles: Tiles | None = None
    scale: ColourScale | None = None
    data: bytes

    @property
    def page_width(self) -> int:
        """Width on a page in CSS pixels."""
        return round(self.width / self.density)

    @property
    def page_height(self) -> int:
        """Height on a page in CSS pixels."""
        return round(self.height / self.density)

    @property
    def file_name(self) -> str:
        """Name for a file of it."""
        return f"{self.name}.{ENDINGS[self.media_type]}"

    @property
    def scaled_name(self) -> str:
        """Name for a file that shows its scale, too."""
        return f"{self.name}{SCALED}"


def layer_picture_name(case: int, layer: int, name: str) -> str:
    """Return the name of a feature-map grid: case and layer counted from 0, the layer's name made safe for a file."""
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-.") else "-" for letter in name)
    return f"case{case + 1}-layer{layer + 1:02d}-{safe[:60]}"


def case_picture_name(case: int, kind: str) -> str:
    """Return the name of a picture of a case, counted from 0."""
    return f"case{case + 1}-{kind}"


def occlusion_kind(kind: str, place: int = 0) -> str:
    """Return the kind of an occlusion picture: of the first class that the scan follows, or of a further one."""
    return f"occlusion{place + 1 if place else ''}-{kind}"


def channel_kind(number: int) -> str:
    """Return the kind of the picture of a channel that is shown by itself, counted from 0."""
    return f"channel{number + 1}"


def is_picture_file(name: str) -> bool:
    """Return whether a file is called as a picture of a report is."""
    return _FILE.fullmatch(name) is not None
