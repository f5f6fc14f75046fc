"""The layers of a model gathered into blocks: a convolution with what belongs to it, and which block feeds which.

A network is told and drawn by what it does, not by what its code is made of: padding, normalization, activation and
pooling stand with the convolution that they serve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.model import LayerSummary

MERGING = frozenset((
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot",
))  # fmt: skip
# what works on a block's values and makes no new ones: it stands before or behind what does
_SERVING = frozenset((
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "Activation", "ReLU",
    "LeakyReLU", "PReLU", "ELU", "Softmax", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
    "AlphaDropout", "ActivityRegularization", "ZeroPadding2D", "Cropping2D", "Rescaling", "Normalization", "Identity",
    "TrueDivide", "Divide", "Relu", "Relu6", "Sigmoid", "Tanh", "Elu", "Gelu", "Silu", "LeakyRelu", "HardSwish",
))  # fmt: skip
POOLING = frozenset(("MaxPooling2D", "AveragePooling2D"))
_OPENING = frozenset(("Flatten", "Reshape", "Permute"))  # belongs to what comes next


@dataclass(frozen=True)
class Block:
    """Layers that are one step of a model.

    Attributes
    ----------
    layers
        Places in the model's summary, in order of execution.
    head
        The place of the layer that makes the block's values: a convolution, a dense or a merging layer.
    inbound
        Which blocks feed it; -1 is the model's input.
    """

    layers: tuple[int, ...]
    head: int
    inbound: tuple[int, ...]


def inbound_places(layers: Sequence[LayerSummary]) -> list[tuple[int, ...]]:
    """Return for each layer the places of those that feed it, -1 for the input: always earlier ones.

    Of a summary that doesn't tell (of an older report), each layer is fed by the one before.
    """
    if not any(layer.inbound for layer in layers):
        return [(place - 1,) for place in range(len(layers))]
    places: dict[str, int] = {"": -1}
    found = []
    for place, layer in enumerate(layers):
        before = dict.fromkeys(places[name] for name in layer.inbound if name in places)
        found.append(tuple(before) or (-1,))
        places.setdefault(layer.name, place)
    return found


def gather_blocks(layers: Sequence[LayerSummary]) -> tuple[Block, ...]:
    """Return the blocks of a model, in order of execution.

    Parameters
    ----------
    layers
        The model's summary.
    """
    inbound = inbound_places(layers)
    uses = [0] * len(layers)
    for places in inbound:
        for place in places:
            if place >= 0:
                uses[place] += 1
    members: list[list[int]] = []
    heads: list[int | None] = []
    block_of: list[int] = []
    for place, layer in enumerate(layers):
        before = inbound[place]
        joined = None
        if len(before) == 1 and before[0] >= 0 and uses[before[0]] == 1:
            candidate = block_of[before[0]]
            if members[candidate][-1] == before[0] and _joins(layer.type, heads[candidate]):
                joined = candidate
        if joined is None:
            joined = len(members)
            members.append([])
            heads.append(None)
        members[joined].append(place)
        block_of.append(joined)
        if heads[joined] is None and layer.type not in _SERVING | _OPENING:
            heads[joined] = place
    # a layer that comes later in execution can close a block that began early; blocks stand in order of their ends
    order = sorted(range(len(members)), key=lambda one: members[one][-1])
    rank = {block: number for number, block in enumerate(order)}
    return tuple(
        Block(
            tuple(members[one]),
            members[one][0] if heads[one] is None else int(heads[one] or 0),
            tuple(sorted(dict.fromkeys(-1 if p < 0 else rank[block_of[p]] for p in inbound[members[one][0]]))),
        )
        for one in order
    )


def shown_blocks(
    layers: Sequence[LayerSummary], shown: Sequence[str], *, apart: bool = False
) -> tuple[tuple[int, ...], ...]:
    """Return the shown layers by block: their places among the shown ones, of which the last stands for the block.

    Parameters
    ----------
    layers
        The model's summary.
    shown
        Names of the shown layers, in order of execution.
    apart
        Whether each stands by itself.
    """
    if apart:
        return tuple((place,) for place in range(len(shown)))
    block_of = {layers[place].name: at for at, one in enumerate(gather_blocks(layers)) for place in one.layers}
    found: dict[int, list[int]] = {}
    for place, name in enumerate(shown):
        found.setdefault(block_of[name], []).append(place)
    return tuple(sorted((tuple(places) for places in found.values()), key=lambda places: places[-1]))


def _joins(kind: str, head: int | None) -> bool:
    """Whether a layer goes into the block before it, which has a head or none yet."""
    if kind in _OPENING or kind in MERGING:
        return False
    return head is None or kind in _SERVING | POOLING
