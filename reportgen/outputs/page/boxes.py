"""Boxes of a diagram of a network, to scale, and the lines between them; numbers and paths that a template draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reportgen.report.blocks import MERGING, POOLING, Block
from reportgen.report.model import LayerSummary
from reportgen.report.numbers import grouped
from reportgen.system.language import say

GAP, MARGIN = 24.0, 12.0  # pixels between boxes of a lane; between lanes
_HEIGHT, _WIDTH, _SLANT = 84.0, 40.0, 16.0  # pixels of the largest map: height, channels, width drawn slanting
_LEAST, _SLIM, _RADIUS, APART = 2.5, 4.0, 8.0, 3.0
_SYMBOLS = {"Add": "+", "Subtract": "−", "Multiply": "×", "Concatenate": "‖", "Average": "ø"}


@dataclass(frozen=True)
class Box:
    """One block, as it is drawn.

    Attributes
    ----------
    kind
        ``maps``, ``vector``, ``merge`` or ``pool``.
    x, y
        Of its left border and of its middle, in pixels of the unit.
    width, height, slant
        By channels and by height and width of its maps; a merge is a circle as wide as high.
    place
        Of the layer in the model's summary that it stands for.
    shown
        Place of the layer among those whose maps are shown; None where none is.
    words
        What it is.
    symbol
        Of a merge.
    """

    kind: str
    x: float
    y: float
    width: float
    height: float
    slant: float
    place: int
    shown: int | None
    words: str
    symbol: str = ""

    @property
    def faces(self) -> tuple[tuple[str, str], ...]:
        """Path of the front, of the top and of the side."""
        left, right = self.x, self.x + self.width
        top, bottom, slant = self.y - self.height / 2, self.y + self.height / 2, self.slant
        front = path("M", left, top, "H", right, "V", bottom, "H", left, "Z")
        if not slant:
            return (("front", front),)
        return (
            ("top", path("M", left, top, "l", slant, -slant, "H", right + slant, "L", right, top, "Z")),
            ("side", path("M", right, top, "l", slant, -slant, "V", bottom - slant, "L", right, bottom, "Z")),
            ("front", front),
        )


@dataclass(frozen=True)
class Scale:
    """Pixels per square root of a size."""

    side: float
    channels: float
    numbers: float


# --- how large it is


def find_scale(layers: Sequence[LayerSummary], input_shape: Sequence[int]) -> Scale:
    """Return the scale in which the largest map, the most channels and the longest vector have their full size."""
    shapes = [tuple(max(1, side) for side in input_shape), *(_sides(layer) for layer in layers)]
    maps = [shape for shape in shapes if len(shape) == 3]
    numbers = [shape[-1] for shape in shapes if len(shape) != 3]
    return Scale(
        _HEIGHT / math.sqrt(max(max(shape[:2]) for shape in maps)),
        _WIDTH / math.sqrt(max(shape[2] for shape in maps)),
        _HEIGHT / math.sqrt(max(numbers, default=1)),
    )


def _sides(layer: LayerSummary) -> tuple[int, ...]:
    """Sides of what comes out, at least 1 each; an open side counts as 1."""
    return tuple(max(1, side or 1) for side in layer.output_shape[1:]) or (1,)


def block_boxes(
    block: Block, layers: Sequence[LayerSummary], shown: dict[str, int], scale: Scale
) -> tuple[Box, ...]:  # fmt: skip
    """Return a block's boxes, standing at 0: that of its head, and one for a pooling behind it."""
    pools = [place for place in block.layers if layers[place].type in POOLING and place > block.head]
    before_pool = [place for place in block.layers if place >= block.head and (not pools or place < pools[0])]
    boxes = [_box(block.head, before_pool, layers, shown, scale)]
    boxes += [_box(place, [place], layers, shown, scale) for place in pools]
    return tuple(boxes)


def _box(
    place: int, stands_for: Sequence[int], layers: Sequence[LayerSummary], shown: dict[str, int], scale: Scale
) -> Box:  # fmt: skip
    layer = layers[place]
    sides = _sides(layers[stands_for[-1]])
    found = [shown[layers[one].name] for one in stands_for if layers[one].name in shown]
    also = [layers[one].type for one in stands_for if one != place]
    size, parameters = " × ".join(map(str, sides)), sum(layers[one].parameters for one in stands_for)
    words = say(
        "{layer}: {types}, {size}, {parameters} parameters", layer=layer.name, types=" + ".join((layer.type, *also)),
        size=size, parameters=grouped(parameters),
    )  # fmt: skip
    to = (place, found[-1] if found else None, words)
    if layer.type in MERGING:
        return Box("merge", 0, 0, 2 * _RADIUS, 2 * _RADIUS, 0, *to, _SYMBOLS.get(layer.type, "•"))
    width, height, slant = box_size(sides, scale)
    if layer.type in POOLING:
        return Box("pool", 0, 0, _SLIM, height, slant, *to)
    return Box("maps" if len(sides) == 3 else "vector", 0, 0, width, height, slant, *to)


def seen_in_any(drawn: Sequence[Box], alike: Sequence[Box]) -> tuple[Box, ...]:
    """Return boxes that lead to the maps of those alike where their own aren't shown."""
    pairs = itertools.zip_longest(drawn, alike[: len(drawn)], fillvalue=None)
    return tuple(
        replace(box, shown=other.shown, words=say("{box}; shown: {other}", box=box.words, other=other.words))
        if box and other and box.shown is None and other.shown is not None
        else box
        for box, other in pairs
        if box
    )


def box_size(sides: Sequence[int], scale: Scale) -> tuple[float, float, float]:
    """Return width, height and slant of a box."""
    sides = [max(1, side) for side in sides]
    if len(sides) != 3:
        return 7.0, max(_LEAST, scale.numbers * math.sqrt(sides[-1])), 0.0
    width, height = scale.channels * math.sqrt(sides[2]), scale.side * math.sqrt(sides[0])
    slant = scale.side * math.sqrt(sides[1]) * _SLANT / _HEIGHT
    return max(_LEAST, width), max(_LEAST, height), slant


def extent(boxes: Sequence[Box]) -> tuple[float, float]:
    """Return width and height of boxes side by side, about their middle."""
    across = sum(box.width for box in boxes) + APART * (len(boxes) - 1) + boxes[-1].slant
    return across, max(box.height + 2 * box.slant for box in boxes)


def placed_at(box: Box, x: float, y: float) -> Box:
    """Return a box with its left border and its middle there, in tenths of pixels."""
    width, height, slant = round(box.width, 1), round(box.height, 1), round(box.slant, 1)
    return replace(box, x=round(x, 1), y=round(y, 1), width=width, height=height, slant=slant)


# --- what flows


def way_between(start: tuple[float, float], end: tuple[float, float], turn: float) -> str:
    """Return the path from one block to the next, which changes lanes behind ``turn``."""
    (x, y), (to_x, to_y) = start, end
    if abs(y - to_y) < 0.1:
        return path("M", x, y, "H", to_x)
    turn = max(x, min(turn, to_x))
    bend = min(turn + GAP, to_x)
    half = (turn + bend) / 2
    return path("M", x, y, "H", turn, "C", half, y, half, to_y, bend, to_y, "H", to_x)


def way_over(start: tuple[float, float], end: tuple[float, float], level: float) -> str:
    """Return the path over what lies between, at a level above it."""
    (x, y), (to_x, to_y) = start, end
    up, down = x + 8, to_x - 8
    return path(
        "M", x, y, "H", up, "V", level + 6, "q", 0, -6, 6, -6, "H", down - 6, "q", 6, 0, 6, 6, "V", to_y, "H", to_x
    )


def path(*parts: str | float) -> str:
    """Return a path of SVG: letters and numbers in tenths of pixels."""
    return " ".join(part if isinstance(part, str) else f"{part:.1f}".removesuffix(".0") for part in parts)
