"""What can be said of layers, each matter with what must hold for a layer and with its sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reportgen.analysis.remarks.words import listed
from reportgen.report.layer import LayerReport
from reportgen.report.report import readable
from reportgen.report.traits import LayerTraits, correlation_of_means
from reportgen.system.language import mark, mark_count, say, say_count

SHARE = 0.1  # of a layer's maps: fewer are not worth a sentence
FLAT, RAISED = 0.8, 1.25  # of the input's contrast or sharpness
STEP = 1.25  # from one layer to the next, or from one case to another
FEW = 0.1  # of the channels: a layer in which so few hold half of the activity is compressed
MANY = 16  # channels, fewer than which can't be called compressed
ALIKE = 0.9  # the correlation of channel means from which cases excite the same channels
NAMED_CHANNELS, NAMED_CASES = 8, 3


@dataclass(frozen=True)
class Step:
    """One told layer: what was measured of it, case by case, and the layer before it."""

    name: str
    titles: tuple[str, ...]
    layers: tuple[LayerReport, ...]
    traits: tuple[LayerTraits, ...]
    structured: tuple[bool, ...]
    before: Step | None


@dataclass(frozen=True)
class Found:
    """Something that holds for a layer.

    Attributes
    ----------
    text
        What to say where it holds for no other layer.
    effect
        How much of it there is, 0 to 1: what has more is said first.
    low, high
        Between what it lies over the cases, to tell of several layers.
    numbers
        Behind the text.
    cases
        The two that are compared, where it compares two.
    """

    text: str
    effect: float
    low: float
    high: float
    numbers: dict[str, float] = field(default_factory=dict)
    cases: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Matter:
    """Something that can be said of layers.

    Attributes
    ----------
    kind
        Of the remark.
    find
        What holds for a layer; None where it doesn't.
    together
        What to say of several layers, behind their names; ``{range}`` is between what it lies, ``{first}`` and
        ``{second}`` are the cases that are compared.
    unit
        How that is told: ``%`` a share, a number otherwise.
    interpretation
        How it may be read.
    once
        Whether it is only said of the layer that has most of it.
    """

    kind: str
    find: Callable[[Step], Found | None]
    together: str = ""
    unit: str = ""
    interpretation: str = ""
    once: bool = False


def _by_case(titles: Sequence[str], values: Sequence[float], form: Callable[[float], str]) -> str:
    """Return one value, each with its case (where it is to be named), or between what they lie where there are many."""
    told = [form(value) for value in values]
    if len(set(told)) == 1:
        return told[0]
    if len(told) <= NAMED_CASES:
        pairs = zip(titles, told, strict=True) if titles else ()
        return listed([f"{value} ({title})" for title, value in pairs] or told)
    return say("{low} to {high}", low=form(min(values)), high=form(max(values)))


def _counted(titles: Sequence[str], counts: Sequence[float], forms: tuple[str, str], of: int) -> str:
    """Return a sentence on how many of a layer's maps or channels do something, by case."""
    told = {"all": of, "some": _by_case(titles, counts, _whole)}
    return say_count(*forms, 1 if set(counts) == {1} else 2, **told)


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


# ---- maps that follow what is in the image


def _following(which: str, forms: tuple[str, str]) -> Callable[[Step], Found | None]:
    def find(step: Step) -> Found | None:
        pairs = zip(step.titles, step.traits, step.structured, strict=True)
        known = [(title, getattr(of, which), of.channels) for title, of, structured in pairs if structured]
        known = [(title, count, channels) for title, count, channels in known if count is not None]
        if not known:
            return None
        shares = [count / channels for _, count, channels in known]
        if max(shares) < SHARE:
            return None
        titles, counts = [title for title, *_ in known], [float(count) for _, count, _ in known]
        text = _counted(titles, counts, forms, known[0][2])
        numbers = {f"{title} count": count for title, count in zip(titles, counts, strict=True)}
        return Found(text, max(shares), min(shares), max(shares), numbers)

    return find


# ---- what becomes of contrast and sharpness


def _values(step: Step, which: str) -> list[float]:
    """Return a measure of all cases; empty where one has none."""
    values = [getattr(one, which) for one in step.traits]
    return [] if any(value is None or not math.isfinite(value) for value in values) else values


def _against_input(which: str, words: str, *, below: bool) -> Callable[[Step], Found | None]:
    def find(step: Step) -> Found | None:
        values = _values(step, which)
        if not values or not all(value < FLAT if below else value > RAISED for value in values):
            return None
        effect = min(1.0, *(abs(math.log2(max(value, 1e-9))) for value in values))
        numbers = {f"{title} median": value for title, value in zip(step.titles, values, strict=True)}
        text = say(words, values=_by_case(step.titles, values, _two))
        return Found(text, effect, min(values), max(values), numbers)

    return find


def _change(which: str, up: str, down: str) -> Callable[[Step], Found | None]:
    """Find a rise or fall from the layer before, of the median map of all cases."""

    def find(step: Step) -> Found | None:
        if step.before is None:
            return None
        old, new = _values(step.before, which), _values(step, which)
        if not old or not new or min(*old, *new) <= 0:
            return None
        steps = [math.log2(after / before) for before, after in zip(old, new, strict=True)]
        rises = all(one >= math.log2(STEP) for one in steps)
        if not rises and not all(one <= -math.log2(STEP) for one in steps):
            return None
        text = say(
            up if rises else down, values=_by_case(step.titles, new, _two), old=_by_case((), old, _two),
            before=step.before.name,
        )  # fmt: skip
        numbers = {f"{title} median": value for title, value in zip(step.titles, new, strict=True)}
        numbers |= {f"{title} before": value for title, value in zip(step.titles, old, strict=True)}
        effect = min(1.0, *map(abs, steps))
        return Found(text, effect, min(new), max(new), numbers)

    return find


# ---- channels


def _dead(step: Step) -> Found | None:
    shares = [len(one.dead) / one.channels for one in step.traits]
    if not any(shares):
        return None
    counts = [float(len(one.dead)) for one in step.traits]
    text = _counted(
        step.titles,
        counts,
        mark_count("Of {all} channels, {some} is dead.", "Of {all} channels, {some} are dead."),
        step.traits[0].channels,
    )
    numbers = {f"{title} dead": count for title, count in zip(step.titles, counts, strict=True)}
    return Found(text, max(shares), min(shares), max(shares), numbers)


def _woken(step: Step) -> Found | None:
    """Find channels that are dead in some cases only."""
    dead = [one.dead for one in step.traits]
    differ = [
        channel for channel in range(step.traits[0].channels) if 0 < sum(channel in of for of in dead) < len(dead)
    ]
    if not differ:
        return None
    shown = ", ".join(map(str, differ[:NAMED_CHANNELS])) + (", ..." if len(differ) > NAMED_CHANNELS else "")
    text = (
        say_count(
            "Channel {shown} is dead in one case and not in the other.",
            "Channels {shown} are dead in one case and not in the other.",
            len(differ),
            shown=shown,
        )
        if len(dead) == 2
        else say_count(
            "Channel {shown} is dead in some cases and not in others.",
            "Channels {shown} are dead in some cases and not in others.",
            len(differ),
            shown=shown,
        )
    )
    share = len(differ) / step.traits[0].channels
    return Found(text, share, share, share, {"channels": len(differ)})


def _not_finite(step: Step) -> Found | None:
    counts = [float(len(one.not_finite)) for one in step.traits]
    if not any(counts):
        return None
    shares = [count / one.channels for count, one in zip(counts, step.traits, strict=True)]
    text = _counted(
        step.titles,
        counts,
        mark_count(
            "Of {all} channels, {some} holds values that are not numbers (NaN or infinite); nothing else is said of "
            "them.",
            "Of {all} channels, {some} hold values that are not numbers (NaN or infinite); nothing else is said of "
            "them.",
        ),
        step.traits[0].channels,
    )
    numbers = {f"{title} not finite": count for title, count in zip(step.titles, counts, strict=True)}
    return Found(text, 1.0 + max(shares), min(shares), max(shares), numbers)


def _compressed(step: Step) -> Found | None:
    counts, channels = _values(step, "half"), step.traits[0].channels
    if channels < MANY or not counts or max(counts) > FEW * channels:
        return None
    shares = [count / channels for count in counts]
    text = _counted(
        step.titles,
        counts,
        mark_count(
            "Of {all} channels, {some} holds half of the activity.",
            "Of {all} channels, {some} hold half of the activity.",
        ),
        channels,
    )
    numbers = {f"{title} half": count for title, count in zip(step.titles, counts, strict=True)}
    return Found(text, 1 - max(shares), min(shares), max(shares), numbers)


# ---- the cases against each other


def _stronger(step: Step) -> Found | None:
    means = _values(step, "mean")
    if len(means) < 2 or min(means) <= 0:
        return None
    low, high = min(means), max(means)
    times = high / low
    if times < STEP:
        return None
    first, second = step.titles[means.index(high)], step.titles[means.index(low)]
    text = say(
        "{first} excites it {times} times as strongly as {second} (mean activation {high} against {low}).",
        first=first, times=f"{times:.1f}", second=second, high=readable(high), low=readable(low),
    )  # fmt: skip
    numbers = {"times": times, "highest": high, "lowest": low}
    return Found(text, min(1.0, math.log2(times)), times, times, numbers, (first, second))


def _parting(step: Step) -> Found | None:
    correlation = _correlation(step)
    if correlation is None or correlation >= ALIKE:
        return None
    before = _correlation(step.before) if step.before else None
    text = say(
        "The cases excite different channels: the channels' means correlate with {value}.", value=f"{correlation:.2f}"
    )
    numbers = {"correlation": correlation}
    if before is not None and step.before:
        text = say(
            "The cases excite different channels: the channels' means correlate with {value}, in {layer} with "
            "{before}.",
            value=f"{correlation:.2f}", layer=step.before.name, before=f"{before:.2f}",
        )  # fmt: skip
        numbers["before"] = before
    return Found(text, min(1.0, 1 - correlation), correlation, correlation, numbers)


def _correlation(step: Step) -> float | None:
    """Return the lowest correlation of channel means of the first case with another's; None with one case."""
    compared = [correlation_of_means(step.layers[0], other) for other in step.layers[1:]]
    return min((one for one in compared if one is not None), default=None)


MATTERS = (
    Matter("not_finite", _not_finite,
           mark("{range} of the channels hold values that are not numbers (NaN or infinite)"), "%"),
    Matter("edges", _following("edges", mark_count("Of {all} maps, {some} follows the input's edges.",
                                                   "Of {all} maps, {some} follow the input's edges.")),
           mark("{range} of the maps follow the input's edges"), "%",
           mark("They may be read as outlines: of the body, of organs or ribs, as far as the image shows any.")),
    Matter("bright", _following("bright", mark_count("Of {all} maps, {some} goes with what is bright in the input.",
                                                     "Of {all} maps, {some} go with what is bright in the input.")),
           mark("{range} of the maps go with what is bright in the input"), "%",
           mark("In an X-ray that may be bone, and what else is dense or deep.")),
    Matter("negatives", _following("dark", mark_count("Of {all} maps, {some} runs against the input's brightness.",
                                                      "Of {all} maps, {some} run against the input's brightness.")),
           mark("{range} of the maps run against the input's brightness"), "%",
           mark("They may be read as negatives of the image.")),
    Matter("contrast_change", _change("contrast",
                                      mark("Contrast rises to {values} of the input's, from {old} in {before}."),
                                      mark("Contrast falls to {values} of the input's, from {old} in {before}.")),
           once=True),
    Matter("sharpness_change", _change("sharpness",
                                       mark("Sharpness rises to {values} of the input's, from {old} in {before}."),
                                       mark("Sharpness falls to {values} of the input's, from {old} in {before}.")),
           once=True),
    Matter("contrast", _against_input(
        "contrast", mark("The median map has {values} of the input's contrast: it is flattened."), below=True),
           mark("the median map's contrast is flattened to {range} of the input's")),
    Matter("contrast_raised", _against_input(
        "contrast", mark("The median map has {values} of the input's contrast: it is raised."), below=False),
           mark("the median map's contrast is raised to {range} of the input's")),
    Matter("sharpness", _against_input(
        "sharpness", mark("The median map has {values} of the input's sharpness: it is fuzzier."), below=True),
           mark("the median map is fuzzier than the input, with {range} of its sharpness")),
    Matter("sharpness_raised", _against_input(
        "sharpness", mark("The median map has {values} of the input's sharpness: it is sharper."), below=False),
           mark("the median map is sharper than the input, with {range} of its sharpness")),
    Matter("dead", _dead, mark("{range} of the channels are dead"), "%"),
    Matter("woken", _woken, mark("{range} of the channels are dead in some of the cases only"), "%"),
    Matter("compressed", _compressed, mark("{range} of the channels hold half of the activity"), "%",
           mark("The image may be said to be compressed to a few maps here.")),
    Matter("difference", _stronger, mark("{first} excites the channels {range} times as strongly as {second}")),
    Matter("parting", _parting,
           mark("the cases excite different channels: the channels' means correlate with {range}")),
)  # fmt: skip
