"""The channels that a report shows by themselves: those that respond most differently, else those that decide most.

What a channel goes with is only said where it was measured, on maps large enough, and by no more than a correlation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from reportgen.analysis.headlines import tell_bits
from reportgen.report.channels import (
    BRIGHT,
    BY_CASE,
    CLEAR,
    DARK,
    DECISION,
    DIFFERENCE,
    EDGES,
    LEGIBLE,
    NEITHER,
    NOTICEABLE,
    ChannelOnCase,
    Differences,
    FeaturedChannel,
    FeaturedChannels,
)
from reportgen.report.evidence import BITS
from reportgen.report.layer import LayerReport
from reportgen.report.model import LayerSummary, ModelReport
from reportgen.report.numbers import grouped
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport, readable
from reportgen.report.traits import STRONG
from reportgen.system.language import say, say_count

SHOWN = 6
SECTION = "differs"
_LEAST = {True: 0.01, False: 1e-6}  # bits, or units of the output: what moves the evidence by less decides nothing


def feature_channels(
    cases: Sequence[CaseReport], model: ModelReport, differences: Differences | None, *, most: int = SHOWN
) -> FeaturedChannels | None:
    """Choose the channels to show by themselves; None where no channel stands out.

    Parameters
    ----------
    cases
        In the order in which they were given.
    model
        Tells what a place of a layer sees.
    differences
        Between two groups of the cases, as far as there are two.
    most
        How many channels there may be.

    Notes
    -----
    Where channels respond noticeably differently, those that do most. Else those that speak most for what was decided:
    by how much the evidence for it falls without the channel, in the mean over the cases. A channel that isn't among
    those that decide most of its layer in a case counts as 0 there. A colour of the image itself, which a layer only
    scales, is nothing that the model has made of it, and is left out.
    """
    input_itself = _before_weights(model.layers)
    unit, found = "", list(differences.strongest(most, NOTICEABLE, input_itself)) if differences else []
    reason = DIFFERENCE if found else DECISION
    if not found:
        unit, found = _deciding(cases, most, input_itself)
    if not found:
        return None
    rows = {row.name: row for row in model.layers}
    places = {name: place for place, name in enumerate(model.shown_layers)}
    return FeaturedChannels(
        reason=reason, unit=unit,
        channels=tuple(
            FeaturedChannel(
                layer=layer, channel=channel, effect=effect,
                cases=tuple(
                    channel_on_case(case.layers[places[layer]], channel, rows[layer], model.input_shape[:2])
                    for case in cases
                ),
            )
            for layer, channel, effect in found
        ),
    )  # fmt: skip


def _before_weights(layers: Sequence[LayerSummary]) -> set[str]:
    """Return the names of the layers that hold the input alone: nothing up to them has weights that mix it."""
    found: set[str] = set()
    for row in layers:
        scales = not row.parameters or row.type == "Normalization"
        if scales and row.inbound and all(not one or one in found for one in row.inbound):
            found.add(row.name)
    return found


def channel_on_case(layer: LayerReport, channel: int, row: LayerSummary, size: Sequence[int]) -> ChannelOnCase:
    """Return what a channel of a measured layer does on a case, for an input of a size (height, width)."""
    measured, peak = layer.statistics, layer.statistics.peak[channel]
    removed = layer.deciding.strongest if layer.deciding else ()
    return ChannelOnCase(
        mean=measured.mean[channel],
        maximum=measured.maximum[channel],
        seen=None if peak is None else row.seen_from(divmod(peak, layer.width), (size[0], size[1])),
        follows=what_it_follows(layer, channel),
        cost=next((one.effect for one in removed if one.channel == channel), None),
    )


def what_it_follows(layer: LayerReport, channel: int) -> str:
    """Return what a channel goes with, by a correlation of at least 0.5; empty where that can't be told.

    On a map of few places such a correlation is soon a matter of chance.
    """
    edges, light = layer.statistics.edge_correlation[channel], layer.statistics.input_correlation[channel]
    if layer.height * layer.width < LEGIBLE or edges is None or light is None:
        return ""
    if max(edges, abs(light)) < STRONG:
        return NEITHER
    if edges >= abs(light):
        return EDGES
    return BRIGHT if light > 0 else DARK


def channel_remarks(
    differences: Differences | None, featured: FeaturedChannels | None, cases: Sequence[CaseReport]
) -> tuple[Remark, ...]:
    """Say what stands on the first screen of single channels, and what of all of them.

    Parameters
    ----------
    differences, featured
        As far as there are any.
    cases
        In the order in which they were given.
    """
    first = _headline(differences, featured, cases)
    return (*([first] if first else []), *_difference_remarks(differences))


def _difference_remarks(differences: Differences | None) -> tuple[Remark, ...]:
    """Say how many channels respond differently, and in which direction; or that none does."""
    if differences is None or not (best := differences.strongest(1)):
        return ()
    first, second = group_names(differences)
    told = differences.told
    count = sum(len(layer.effects) for layer in told)
    layer, channel, effect = best[0]
    numbers = {"channel": float(channel), "effect": effect}
    if not differences.strongest(1, NOTICEABLE):
        chance = say(", no more than chance gives on maps so small") if abs(effect) >= NOTICEABLE else ""
        text = say(
            "No channel responds noticeably differently to {first} and {second}: the largest effect, of channel "
            "{channel} of {layer}, is {effect}{chance}.",
            first=first, second=second, channel=channel, layer=layer, effect=f"{effect:+.2f}", chance=chance,
        )  # fmt: skip
        return (Remark(section=SECTION, kind="alike", text=text, numbers=numbers),)
    more, less = (sum(one.clear(sign) for one in told) for sign in (1, -1))
    text = say_count(
        "Of {all} channels, {count} responds clearly more to {second} and {less} clearly more to {first} (effect of at "
        "least {clear}).",
        "Of {all} channels, {count} respond clearly more to {second} and {less} clearly more to {first} (effect of at "
        "least {clear}).",
        more,
        all=grouped(count),
        second=second,
        less=less,
        first=first,
        clear=CLEAR,
    )
    numbers = {"channels": float(count), "more": float(more), "less": float(less)}
    return (Remark(section=SECTION, kind="differs", text=text, numbers=numbers),)


def _headline(
    differences: Differences | None, featured: FeaturedChannels | None, cases: Sequence[CaseReport]
) -> Remark | None:
    """Return the sentence of the first screen: the largest difference, else what speaks most for the decision."""
    if featured is None:
        return None
    best = featured.channels[0]
    numbers = {"channel": float(best.channel), "effect": best.effect}
    if featured.reason == DIFFERENCE and differences is not None:
        low, high, (low_name, high_name) = differences.first, differences.second, group_names(differences)
        if best.effect < 0:
            low, high, low_name, high_name = high, low, high_name, low_name
        means = [
            readable(math.fsum(best.cases[one].mean for one in group.cases) / len(group.cases)) for group in (high, low)
        ]
        text = say(
            "What differs most inside: channel {channel} of {layer} responds more to {high} than to {low} (effect "
            "{effect} of 1; mean {more} against {less}).",
            channel=best.channel, layer=best.layer, high=high_name, low=low_name, effect=f"{abs(best.effect):.2f}",
            more=means[0], less=means[1],
        )  # fmt: skip
        kind = "difference"
    else:
        on = "" if len(cases) == 1 else say(", in the mean of {count} cases", count=len(cases))
        told = {"channel": best.channel, "layer": best.layer, "on": on}
        text = (
            say(
                "What counts most inside: without channel {channel} of {layer}, {bits} of the evidence for the "
                "decision "
                "are gone{on}.",
                **told,
                bits=tell_bits(best.effect),
            )
            if featured.unit == BITS
            else say(
                "What counts most inside: without channel {channel} of {layer}, the output changes by {amount}{on}.",
                **told,
                amount=readable(best.effect),
            )
        )
        kind = "decides"
    return Remark(section="headline", kind=kind, layer=best.layer, text=text, numbers=numbers, proof=SECTION)


def group_names(differences: Differences) -> tuple[str, str]:
    """Return what to call the groups in a sentence."""
    if differences.by == BY_CASE:
        return differences.first.name, differences.second.name
    first, second = (f"{len(one.cases)} × {one.name}" for one in (differences.first, differences.second))
    return first, second


def _deciding(
    cases: Sequence[CaseReport], most: int, besides: Collection[str]
) -> tuple[str, list[tuple[str, int, float]]]:
    """Return the unit, and the channels that speak most for what was decided: (layer, channel, mean effect)."""
    totals: dict[tuple[str, int], float] = {}
    units: list[str] = []
    for case in cases:
        for layer in case.layers:
            if layer.deciding is None or not layer.deciding.decides or layer.name in besides:
                continue
            units.append(layer.deciding.unit)
            for one in layer.deciding.strongest:
                key = (layer.name, one.channel)
                totals[key] = totals.get(key, 0.0) + _support(case, one.effect, layer.deciding.unit) / len(cases)
    if not units:
        return "", []
    order = sorted(totals, key=lambda key: -totals[key])
    return units[0], [(*key, totals[key]) for key in order[:most] if totals[key] > _LEAST[units[0] == BITS]]


def _support(case: CaseReport, effect: float, unit: str) -> float:
    """Return by how much the evidence for what was decided falls; of a plain output, by how much it changes."""
    if unit != BITS:
        return abs(effect)
    if case.findings:
        said = any(one.present and one.class_name == case.target_class for one in case.findings)
    else:
        said = case.predictions[0].class_name == case.target_class
    return effect if said else -effect
