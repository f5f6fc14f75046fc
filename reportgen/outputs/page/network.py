"""The model's layers -> where each stands in a diagram of the network: numbers that a template draws.

The network is cut where everything flows through one block; what lies between two cuts is a unit and is drawn by itself
with its branches, so that a page can break the line of units anywhere. Units that follow each other alike are drawn
once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportgen.outputs.page.boxes import (
    APART,
    GAP,
    MARGIN,
    Box,
    Scale,
    block_boxes,
    box_size,
    extent,
    find_scale,
    path,
    placed_at,
    seen_in_any,
    way_between,
    way_over,
)  # fmt: skip
from reportgen.report.blocks import MERGING, Block, gather_blocks
from reportgen.report.model import LayerSummary, ModelReport
from reportgen.system.language import say

SHOWN_ONE_BY_ONE = 24  # blocks up to which nothing is drawn once for several
LONGEST_PERIOD = 6
_NARROWEST = 88.0  # pixels: a name goes below
Point = tuple[float, float]


@dataclass(frozen=True)
class Unit:
    """A part of the network between two places through which everything flows.

    Attributes
    ----------
    boxes
        Its blocks, in order of execution.
    flows
        Paths of what flows between them.
    width, height
        In pixels; what flows in and out does so in the middle of the height.
    count
        How many follow each other that are alike: drawn once.
    name
        Of its last layer that makes values.
    last
        The same of the last of those alike.
    shape
        What comes out: height, width and channels, or numbers.
    layers
        How many layers it stands for, in all that are alike.
    branches
        How many ways lead through it side by side, at most.
    """

    boxes: tuple[Box, ...]
    flows: tuple[str, ...]
    width: float
    height: float
    count: int
    name: str
    last: str
    shape: tuple[int | None, ...]
    layers: int
    branches: int


@dataclass(frozen=True)
class _Seat:
    """Where a block stands in a unit.

    ``depth`` is how far from the unit's entry, ``until`` where the last block that it feeds stands; the main way is
    ``lane`` 0.
    """

    depth: int
    until: int
    lane: int


def network_units(model: ModelReport) -> tuple[Unit, ...]:
    """Return the units of a model's network, in the order of execution; the first is the input."""
    layers = model.layers
    blocks = gather_blocks(layers)
    shown = {name: place for place, name in enumerate(model.shown_layers)}
    scale = find_scale(layers, model.input_shape)
    units = [_input_unit(model.input_shape, scale)]
    segments = _segments(blocks)
    for first, period, count in _runs(segments, blocks, layers):
        drawn = [block for segment in segments[first : first + period] for block in segment]
        all_alike = [block for segment in segments[first : first + period * count] for block in segment]
        units.append(_unit(drawn, all_alike, count, blocks, layers, shown, scale))
    return tuple(units)


# --- what belongs together


def _segments(blocks: Sequence[Block]) -> list[tuple[int, ...]]:
    """Cut the blocks behind each one through which everything flows."""
    reach = [-1] * len(blocks)
    from_input = 0
    for number, block in enumerate(blocks):
        for before in block.inbound:
            if before < 0:
                from_input = number
            else:
                reach[before] = number
    segments, current, furthest = [], [], from_input
    for number in range(len(blocks)):
        current.append(number)
        if furthest <= number:
            segments.append(tuple(current))
            current = []
        furthest = max(furthest, reach[number])
    if current:
        segments.append(tuple(current))
    return segments


def _runs(
    segments: Sequence[tuple[int, ...]], blocks: Sequence[Block], layers: Sequence[LayerSummary]
) -> list[tuple[int, int, int]]:
    """Return (first segment, how many make a period, how often it stands there) for all, in order."""
    if len(blocks) <= SHOWN_ONE_BY_ONE:
        return [(place, 1, 1) for place in range(len(segments))]
    looks = [_look(segment, blocks, layers) for segment in segments]
    runs, at = [], 0
    while at < len(looks):
        period, count = max(
            ((period, _repeats(looks, at, period)) for period in range(1, LONGEST_PERIOD + 1)),
            key=lambda run: (run[0] * (run[1] - 1), -run[0]),
        )
        runs.append((at, period if count > 1 else 1, count))
        at += runs[-1][1] * count
    return runs


def _repeats(looks: Sequence[object], at: int, period: int) -> int:
    count = 1
    while looks[at + count * period : at + (count + 1) * period] == looks[at : at + period]:
        count += 1
    return count


def _look(segment: Sequence[int], blocks: Sequence[Block], layers: Sequence[LayerSummary]) -> tuple[object, ...]:
    """Return what makes two segments alike: kinds, shapes and ties; what is joined may grow in channels."""
    found = []
    for number in segment:
        block = blocks[number]
        shape = layers[block.layers[-1]].output_shape[1:]
        grows = layers[block.head].type == "Concatenate"
        ties = tuple(max(before - segment[0], -1) for before in block.inbound)
        # what stands behind a joint alone differs where nothing but the next block takes its values
        told = [block.head] if layers[block.head].type in MERGING else block.layers
        found.append((tuple(layers[place].type for place in told), shape[:-1] if grows else shape, ties))
    return tuple(found)


# --- where it stands


def _feeds(drawn: Sequence[int], blocks: Sequence[Block]) -> dict[int, list[int]]:
    """Return which blocks of the unit feed each; -1 stands for the unit's entry."""
    inside = set(drawn)
    return {number: sorted({one if one in inside else -1 for one in blocks[number].inbound}) for number in drawn}


def _seats(drawn: Sequence[int], feeds: Mapping[int, Sequence[int]]) -> dict[int, _Seat]:
    """Return where each block sits; -1 is the unit's entry."""
    depth = {-1: 0}
    for number in drawn:
        depth[number] = 1 + max(depth[before] for before in feeds[number])
    until = {number: at + 1 for number, at in depth.items()}
    for number in drawn:
        for before in feeds[number]:
            until[before] = max(until[before], depth[number])
    seats, at = {-1: _Seat(0, 1, 0)}, drawn[-1]
    while at >= 0:
        seats[at] = _Seat(depth[at], until[at], 0)
        at = max(feeds[at], key=depth.__getitem__)
    taken = {0: {seat.depth for seat in seats.values()}}
    for number in drawn:
        if number in seats:
            continue
        needed = set(range(depth[number], until[number]))
        wanted = [seats[before].lane for before in feeds[number] if seats[before].lane]
        lane = next(lane for lane in itertools.chain(wanted, _lanes()) if not taken.get(lane, set()) & needed)
        taken.setdefault(lane, set()).update(needed)
        seats[number] = _Seat(depth[number], until[number], lane)
    return seats


def _lanes() -> Iterator[int]:
    """Yield lanes in the order of taking: below and above the main way in turn."""
    for lane in itertools.count(1):
        yield lane
        yield -lane


def _unit(
    drawn: Sequence[int], alike: Sequence[int], count: int, blocks: Sequence[Block], layers: Sequence[LayerSummary],
    shown: dict[str, int], scale: Scale,
) -> Unit:  # fmt: skip
    feeds = _feeds(drawn, blocks)
    seats = _seats(drawn, feeds)
    parts = {number: block_boxes(blocks[number], layers, shown, scale) for number in drawn}
    for place, number in enumerate(alike[len(drawn) :]):
        stands_for = drawn[place % len(drawn)]
        parts[stands_for] = seen_in_any(parts[stands_for], block_boxes(blocks[number], layers, shown, scale))
    columns, width = _columns(parts, seats)
    heights = {seats[one].lane: 0.0 for one in drawn}
    for number in drawn:
        heights[seats[number].lane] = max(heights[seats[number].lane], extent(parts[number])[1])
    middle = _middles(heights)
    over = _ways_over(feeds, seats)
    edge = max(height / 2 - middle[lane] for lane, height in heights.items())
    half = max(edge + MARGIN * min(len(over), 3), *(middle[lane] + height / 2 for lane, height in heights.items()))
    half += MARGIN / 2

    boxes: list[Box] = []
    starts: dict[int, Point] = {}
    ends: dict[int, Point] = {-1: (0.0, half)}
    for number in drawn:
        (left, wide), y = columns[seats[number].depth], half + middle[seats[number].lane]
        row = _in_a_row(parts[number], left + (wide - extent(parts[number])[0]) / 2, y)
        starts[number], ends[number] = (row[0].x, y), (row[-1].x + row[-1].width, y)
        boxes += row
    flows = [path("M", *ends[drawn[-1]], "H", width)]
    for before, number in ((before, number) for number, ones in feeds.items() for before in ones):
        if (before, number) in over:
            level = half - edge - MARGIN * (1 + over[before, number] % 3)
            flows.append(way_over(ends[before], starts[number], level))
        else:
            early = seats[before].lane == 0
            turn = ends[before][0] if early else columns[seats[number].depth][0] - GAP
            flows.append(way_between(ends[before], starts[number], turn))
    last = blocks[alike[-1]]
    side_by_side = [seats[one] for one in drawn if seats[one].lane]
    branches = max(1 + sum(seat.depth <= depth < seat.until for seat in side_by_side) for depth in columns)
    return Unit(
        tuple(boxes), tuple(flows), round(width, 1), round(2 * half, 1), count, layers[blocks[drawn[-1]].head].name,
        layers[last.head].name, layers[last.layers[-1]].output_shape[1:],
        sum(len(blocks[number].layers) for number in alike), branches + bool(over),
    )  # fmt: skip


def _columns(
    parts: Mapping[int, Sequence[Box]], seats: Mapping[int, _Seat]
) -> tuple[dict[int, tuple[float, float]], float]:
    """Return left border and width of the column of each depth, and the width of all."""
    wide: dict[int, float] = {}
    for number, boxes in parts.items():
        depth = seats[number].depth
        wide[depth] = max(wide.get(depth, 0.0), extent(boxes)[0])
    whole = sum(wide.values()) + GAP * (len(wide) + 1)
    left = GAP + max(0.0, _NARROWEST - whole) / 2
    columns = {}
    for depth in sorted(wide):
        columns[depth] = (left, wide[depth])
        left += wide[depth] + GAP
    return columns, max(whole, _NARROWEST)


def _middles(heights: Mapping[int, float]) -> dict[int, float]:
    """Return how far below the main way the middle of each lane lies."""
    middle = {0: 0.0}
    for sign in (1, -1):
        edge = heights[0] / 2
        for lane in sorted((lane for lane in heights if lane * sign > 0), key=abs):
            middle[lane] = sign * (edge + MARGIN + heights[lane] / 2)
            edge += MARGIN + heights[lane]
    return middle


def _ways_over(feeds: Mapping[int, Sequence[int]], seats: Mapping[int, _Seat]) -> dict[tuple[int, int], int]:
    """Return the ties within the main way that pass over blocks, numbered."""
    found: dict[tuple[int, int], int] = {}
    for number, before in ((number, one) for number, all_before in feeds.items() for one in all_before):
        in_main = seats[number].lane == seats[before].lane == 0
        if in_main and seats[number].depth - seats[before].depth > 1:
            found[before, number] = len(found)
    return found


def _in_a_row(boxes: Sequence[Box], x: float, y: float) -> list[Box]:
    placed: list[Box] = []
    for box in boxes:
        placed.append(placed_at(box, x, y))
        x = placed[-1].x + placed[-1].width + APART
    return placed


def _input_unit(input_shape: Sequence[int], scale: Scale) -> Unit:
    width, height, slant = box_size(input_shape, scale)
    half = height / 2 + slant + MARGIN / 2
    words = say("the input, {shape}", shape=" × ".join(map(str, input_shape)))
    box = Box("input", 0, 0, width, height, slant, -1, None, words)
    box = placed_at(box, (_NARROWEST - width - slant) / 2, half)
    out = path("M", box.x + box.width, half, "H", _NARROWEST)
    return Unit((box,), (out,), _NARROWEST, round(2 * half, 1), 1, say("input"), say("input"), tuple(input_shape), 0, 1)
