"""How the channels that stand out are told of in the page and in its PDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reportgen.report.channels import (
    BRIGHT,
    BY_ANSWER,
    BY_CASE,
    DARK,
    DIFFERENCE,
    EDGES,
    LEGIBLE,
    NEITHER,
    ChannelOnCase,
    Differences,
)
from reportgen.report.evidence import BITS
from reportgen.report.layer import LayerReport
from reportgen.report.picture import Picture, case_picture_name, channel_kind
from reportgen.report.places import name_place
from reportgen.report.report import CaseReport, Report, readable
from reportgen.system.language import mark, say, say_count
from reportgen.system.text import visible

_FOLLOWS = {
    EDGES: mark("goes with the input's edges"),
    BRIGHT: mark("goes with what is bright in the input"),
    DARK: mark("goes with what is dark in the input"),
    NEITHER: mark("goes with neither edges nor brightness"),
}


@dataclass(frozen=True)
class CaseView:
    """A channel on one case.

    Attributes
    ----------
    index, title
        The case's number, and what it is called.
    picture
        The channel; None where there is no such picture.
    lies
        (left, top, width, height) of where it lies over the input.
    seen
        (left, top, width, height) of what its strongest place sees of the input; None where that isn't known.
    numbers
        What was measured, in a line.
    alt
        What is to be seen, in words.
    """

    index: int
    title: str
    picture: Picture | None
    lies: tuple[float, float, float, float]
    seen: tuple[int, int, int, int] | None
    numbers: tuple[str, ...]
    alt: str


@dataclass(frozen=True)
class ChannelView:
    """A channel that stands out.

    Attributes
    ----------
    layer, channel
        Which one.
    address
        What opens it in the channel viewer.
    effect, why
        The number and what it says.
    cases
        In the order of showing.
    follows
        What it goes with, in words; may be empty.
    """

    layer: str
    channel: int
    address: str
    effect: str
    why: str
    cases: tuple[CaseView, ...]
    follows: str


@dataclass(frozen=True)
class ChannelViews:
    """All channels that stand out.

    Attributes
    ----------
    shown
        The first has most of it.
    words
        What is said of them all together.
    groups
        What the two groups are called whose channels are compared; None where there are none.
    """

    shown: tuple[ChannelView, ...]
    words: tuple[str, ...]
    groups: tuple[str, str] | None

    @staticmethod
    def address(layer: str, channel: int) -> str:
        """Return the fragment that opens a channel in the viewer, as its script writes it."""
        return f"#{quote(visible(layer), safe='/')}/{channel}"


def view_channels(report: Report, pictures: Mapping[str, Picture]) -> ChannelViews:
    """Return the channels that stand out, as they're told of.

    Parameters
    ----------
    report
        Tells which they are.
    pictures
        Its pictures by name.
    """
    groups = _group_words(report.differences) if report.differences else None
    return ChannelViews(tuple(_view_each(report, pictures)), _further_words(report), groups)


def _view_each(report: Report, pictures: Mapping[str, Picture]) -> Iterator[ChannelView]:
    places = {name: place for place, name in enumerate(report.model.shown_layers)}
    for number, one in enumerate(report.featured.channels if report.featured else ()):
        layers = [(index, case, case.layers[places[one.layer]]) for index, case in report.side_by_side]
        effect, why = _why(report, one.effect)
        yield ChannelView(
            one.layer, one.channel, ChannelViews.address(one.layer, one.channel), effect, why,
            tuple(
                _view_case(report, index, case, one.cases[index], layer, pictures, number)
                for index, case, layer in layers
            ),
            _follows([(case.title, one.cases[index].follows) for index, case, _ in layers]),
        )  # fmt: skip


def _further_words(report: Report) -> tuple[str, ...]:
    """Return what is said of the channels that stand out, all together."""
    if report.featured is None:
        return ()
    told: list[str] = []
    places = {name: place for place, name in enumerate(report.model.shown_layers)}
    if report.featured.reason == DIFFERENCE and any(layer.deciding for layer in report.cases[0].layers):
        known = sum(any(of.cost is not None for of in one.cases) for one in report.featured.channels)
        told.append(_among_deciding(known, decides=any(case.decision for case in report.cases)))
    coarse = dict.fromkeys(
        (layer.height, layer.width)
        for layer in (report.cases[0].layers[places[one.layer]] for one in report.featured.channels)
        if layer.height * layer.width < LEGIBLE
    )
    if coarse:
        sizes = say(" and ").join(f"{height} × {width}" for height, width in coarse)
        told.append(say("Maps of {sizes} places are too coarse to tell what they go with.", sizes=sizes))
    return tuple(told)


def _among_deciding(known: int, *, decides: bool) -> str:
    """Say how many of the channels are among those that decide (or matter) most of their layer."""
    if not known:
        return (
            say("None of them is among those that decide most of its layer.")
            if decides
            else say("None of them is among those that matter most of its layer.")
        )
    if decides:
        return say_count(
            "{count} of them is among those that decide most of its layer.",
            "{count} of them are among those that decide most of their layer.",
            known,
        )
    return say_count(
        "{count} of them is among those that matter most of its layer.",
        "{count} of them are among those that matter most of their layer.",
        known,
    )


def _group_words(differences: Differences) -> tuple[str, str]:
    """Return what the two groups are called: a case by its title, others with how many there are."""
    if differences.by == BY_CASE:
        return differences.first.name, differences.second.name
    first, second = (
        say("{count} × said to be {name}", count=len(one.cases), name=one.name)
        if differences.by == BY_ANSWER
        else f"{len(one.cases)} × {one.name}"
        for one in (differences.first, differences.second)
    )
    return first, second


def _why(report: Report, effect: float) -> tuple[str, str]:
    if report.featured is not None and report.featured.reason == DIFFERENCE and report.differences is not None:
        first, second = _group_words(report.differences)
        return f"{effect:+.2f}", say("more to {name}", name=second if effect > 0 else first)
    in_bits = report.featured is not None and report.featured.unit == BITS
    several, count = len(report.cases) > 1, len(report.cases)
    if in_bits:
        why = say("for the decision in the mean of {count} cases", count=count) if several else say("for the decision")
        return say("{number} bits", number=f"{effect:.2f}"), why
    why = (
        say("change of the output in the mean of {count} cases", count=count)
        if several
        else say("change of the output")
    )
    return readable(effect), why


def _view_case(
    report: Report, index: int, case: CaseReport, told: ChannelOnCase, layer: LayerReport,
    pictures: Mapping[str, Picture], number: int,
) -> CaseView:  # fmt: skip
    picture = pictures.get(case_picture_name(index, channel_kind(number)))
    numbers = [say("mean {mean}, up to {maximum}", mean=readable(told.mean), maximum=readable(told.maximum))]
    if told.seen is None and told.mean == told.maximum:
        numbers = [say("{value} everywhere", value=readable(told.mean))]
    alone = report.featured is not None and report.featured.reason != DIFFERENCE and len(report.cases) == 1
    if told.cost is not None and layer.deciding and not alone:
        change = f"{-told.cost:+.2f}{say(' bits') if layer.deciding.in_bits else ''}"
        numbers.append(say("without it {name} {change}", name=layer.deciding.target_class, change=change))
    size = (report.model.input_shape[0], report.model.input_shape[1])
    row = next(one for one in report.model.layers if one.name == layer.name)
    top, left, height, width = row.lies_over((layer.height, layer.width)) or (0, 0, *size)
    lies = (left, top, width, height)
    alt, box = picture.alt if picture else say("{case}: no picture.", case=case.title), None
    if told.seen:
        upper, start, lower, end = told.seen
        box = (start, upper, end - start, lower - upper)
        alt += " " + say(
            "Its strongest place, at the {place}, sees rows {top} to {bottom} and columns {left} to {right}.",
            place=name_place(((upper + lower) / 2, (start + end) / 2), size), top=upper, bottom=lower - 1, left=start,
            right=end - 1,
        )  # fmt: skip
    return CaseView(index, case.title, picture, lies, box, tuple(numbers), alt)


def _follows(cases: Sequence[tuple[str, str]]) -> str:
    """Return what a channel goes with: once where it's the same in all cases, else case by case."""
    known = [(title, say(_FOLLOWS[kind])) for title, kind in cases if kind in _FOLLOWS]
    told = dict.fromkeys(words for _, words in known)
    if len(told) == 1 and len(known) == len(cases):
        return next(iter(told))
    if len(cases) > 2:
        counts = {words: sum(one == words for _, one in known) for words in told}
        return "; ".join(
            say("{follows} in {count} of {all} cases", follows=words, count=count, all=len(cases))
            for words, count in counts.items()
        )
    return "; ".join(say("{follows} in {case}", follows=words, case=title) for title, words in known)
