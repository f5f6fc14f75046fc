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
from reportgen.system.text import visible

_FOLLOWS = {
    EDGES: "goes with the input's edges",
    BRIGHT: "goes with what is bright in the input",
    DARK: "goes with what is dark in the input",
    NEITHER: "goes with neither edges nor brightness",
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
        does = "decide" if any(case.decision for case in report.cases) else "matter"
        told.append(
            f"{known or 'None'} of them {'is' if known <= 1 else 'are'} among those that {does} most of "
            f"{'its' if known <= 1 else 'their'} layer."
        )
    coarse = dict.fromkeys(
        (layer.height, layer.width)
        for layer in (report.cases[0].layers[places[one.layer]] for one in report.featured.channels)
        if layer.height * layer.width < LEGIBLE
    )
    if coarse:
        sizes = " and ".join(f"{height} × {width}" for height, width in coarse)
        told.append(f"Maps of {sizes} places are too coarse to tell what they go with.")
    return tuple(told)


def _group_words(differences: Differences) -> tuple[str, str]:
    """Return what the two groups are called: a case by its title, others with how many there are."""
    if differences.by == BY_CASE:
        return differences.first.name, differences.second.name
    said = "said to be " if differences.by == BY_ANSWER else ""
    first, second = (f"{len(one.cases)} × {said}{one.name}" for one in (differences.first, differences.second))
    return first, second


def _why(report: Report, effect: float) -> tuple[str, str]:
    if report.featured is not None and report.featured.reason == DIFFERENCE and report.differences is not None:
        first, second = _group_words(report.differences)
        return f"{effect:+.2f}", f"more to {second if effect > 0 else first}"
    in_bits = report.featured is not None and report.featured.unit == BITS
    mean = f" in the mean of {len(report.cases)} cases" if len(report.cases) > 1 else ""
    if in_bits:
        return f"{effect:.2f} bits", f"for the decision{mean}"
    return readable(effect), f"change of the output{mean}"


def _view_case(
    report: Report, index: int, case: CaseReport, told: ChannelOnCase, layer: LayerReport,
    pictures: Mapping[str, Picture], number: int,
) -> CaseView:  # fmt: skip
    picture = pictures.get(case_picture_name(index, channel_kind(number)))
    numbers = [f"mean {readable(told.mean)}, up to {readable(told.maximum)}"]
    if told.seen is None and told.mean == told.maximum:
        numbers = [f"{readable(told.mean)} everywhere"]
    alone = report.featured is not None and report.featured.reason != DIFFERENCE and len(report.cases) == 1
    if told.cost is not None and layer.deciding and not alone:
        unit = " bits" if layer.deciding.in_bits else ""
        numbers.append(f"without it {layer.deciding.target_class} {-told.cost:+.2f}{unit}")
    size = (report.model.input_shape[0], report.model.input_shape[1])
    row = next(one for one in report.model.layers if one.name == layer.name)
    top, left, height, width = row.lies_over((layer.height, layer.width)) or (0, 0, *size)
    lies = (left, top, width, height)
    alt, box = picture.alt if picture else f"{case.title}: no picture.", None
    if told.seen:
        upper, start, lower, end = told.seen
        box = (start, upper, end - start, lower - upper)
        alt += (
            f" Its strongest place, at the {name_place(((upper + lower) / 2, (start + end) / 2), size)}, sees rows "
            f"{upper} to {lower - 1} and columns {start} to {end - 1}."
        )
    return CaseView(index, case.title, picture, lies, box, tuple(numbers), alt)


def _follows(cases: Sequence[tuple[str, str]]) -> str:
    """Return what a channel goes with: once where it's the same in all cases, else case by case."""
    known = [(title, _FOLLOWS[kind]) for title, kind in cases if kind in _FOLLOWS]
    told = dict.fromkeys(words for _, words in known)
    if len(told) == 1 and len(known) == len(cases):
        return next(iter(told))
    if len(cases) > 2:
        counts = {words: sum(one == words for _, one in known) for words in told}
        return "; ".join(f"{words} in {count} of {len(cases)} cases" for words, count in counts.items())
    return "; ".join(f"{words} in {title}" for title, words in known)
