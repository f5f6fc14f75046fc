"""How far the channels respond differently to two groups of cases, and the channels that a report shows by themselves.

The effect is Cliff's delta: of all pairs of a place in a map of the second group and one in a map of the first, the
share in which the second responds more strongly, less the share in which the first does. It lies from -1 to 1, and is
0 where neither does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reportgen.report.numbers import Number

BY_CASE, BY_LABEL, BY_ANSWER = "case", "label", "answer"
DIFFERENCE, DECISION = "difference", "decision"
EDGES, BRIGHT, DARK, NEITHER = "edges", "bright", "dark", "neither"
LEGIBLE = 16 * 16  # places of a map below which a strong correlation is soon a matter of chance
NOTICEABLE, CLEAR = 0.147, 0.33  # what Romano et al. call small and medium


@dataclass(frozen=True, kw_only=True)
class CaseGroup:
    """Cases that are taken together.

    Attributes
    ----------
    name
        What to call them: the title of the only one, their label, or what the model says of them.
    cases
        Their numbers, from 0.
    """

    name: str
    cases: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class LayerEffects:
    """How far the channels of one layer respond differently.

    Attributes
    ----------
    name
        Of the layer.
    effects
        One a channel, -1 to 1: above 0, the second group responds more; None where a value is not a number.
    at
        The shown layer into which the channels go unmixed, where they are told of; else empty.
    chance
        The effect that the largest of all channels of all layers reaches by chance in one case of 20, if places were
        independent: large where maps have few places.
    """

    name: str
    effects: tuple[float | None, ...]
    at: str = ""
    chance: Number = 0.0

    def clear(self, sign: int) -> int:
        """Return how many channels have a clear effect, and more than chance gives, in a direction, 1 or -1."""
        return sum(sign * one >= max(CLEAR, self.chance) for one in self.effects if one is not None)

    @property
    def largest(self) -> tuple[int, float] | None:
        """The channel that differs most, and its effect; None where there is none."""
        known = [(number, one) for number, one in enumerate(self.effects) if one is not None]
        return max(known, key=lambda pair: abs(pair[1]), default=None)


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How far all channels respond differently to two groups of cases.

    Attributes
    ----------
    by
        What makes the groups: ``case`` (one each), ``label``, or ``answer`` (what the model says).
    first, second
        The groups; the first is what the second is compared with.
    layers
        The shown layers, in their order.
    """

    by: str
    first: CaseGroup
    second: CaseGroup
    layers: tuple[LayerEffects, ...]

    @property
    def told(self) -> tuple[LayerEffects, ...]:
        """The layers whose channels are told of: what goes unmixed into a later one is told of there."""
        return tuple(layer for layer in self.layers if not layer.at)

    def strongest(
        self, most: int, least: float = 0.0, besides: Collection[str] = ()
    ) -> tuple[tuple[str, int, float], ...]:
        """Return the channels that differ most, over all layers: (layer, channel, effect), the largest first.

        Where the effect must have a size, it must be more than chance gives, too. Layers of the names ``besides`` are
        left out.
        """
        found = [
            (layer.name, channel, effect)
            for layer in self.told
            if layer.name not in besides
            for channel, effect in enumerate(layer.effects)
            if effect is not None and effect != 0 and (not least or abs(effect) >= max(least, layer.chance))
        ]
        return tuple(sorted(found, key=lambda one: -abs(one[2]))[:most])


@dataclass(frozen=True, kw_only=True)
class ChannelOnCase:
    """What a channel does on one case.

    Attributes
    ----------
    mean, maximum
        Of its activations.
    seen
        (top, left, bottom, right) of what its strongest place sees, in pixels of the model's input, the last two
        exclusive; None where that isn't known.
    follows
        What it goes with: the input's ``edges``, what is ``bright`` or ``dark`` in it, or ``neither``; empty where its
        map is too small to tell.
    cost
        By how much the evidence for the case's target class falls without it; None where it isn't among those that
        decide most of its layer.
    """

    mean: Number
    maximum: Number
    seen: tuple[int, int, int, int] | None = None
    follows: str = ""
    cost: float | None = None


@dataclass(frozen=True, kw_only=True)
class FeaturedChannel:
    """A channel that is shown by itself.

    Attributes
    ----------
    layer, channel
        Which one.
    effect
        Why: how far it responds differently, or by how much it speaks for the decision.
    cases
        What it does on each case.
    """

    layer: str
    channel: int
    effect: Number
    cases: tuple[ChannelOnCase, ...]


@dataclass(frozen=True, kw_only=True)
class FeaturedChannels:
    """The channels that are shown by themselves.

    Attributes
    ----------
    reason
        ``difference``: they respond most differently to the cases; ``decision``: they speak most for what was decided.
    unit
        Of the effects: empty of differences, which have none; else ``bits`` or ``output``.
    channels
        The first has most of it.
    """

    reason: str
    unit: str = ""
    channels: tuple[FeaturedChannel, ...]
