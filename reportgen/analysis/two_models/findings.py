"""Sentences of how two models differ, each with its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from reportgen.analysis.cohort.findings import describe
from reportgen.analysis.cohort.summaries import share_estimate
from reportgen.analysis.two_models.compare import Compared
from reportgen.report.cohort import SIGNIFICANT, Finding
from reportgen.report.estimates import Difference, Estimate
from reportgen.report.numbers import grouped
from reportgen.report.two_models import Paired
from reportgen.report.words import describe_share, format_p
from reportgen.system.language import say, say_count

_ALIKE = 0.8  # rank correlation
FEW_PAIRS = 6  # discordant cases below which no division of them gives p below 0.05


def find_all(
    compared: Compared, paired: Sequence[Paired], differences: Sequence[Difference], ranks: float,
    maps: Estimate | None, left_out: tuple[int, int], *, same: bool,
) -> tuple[Finding, ...]:  # fmt: skip
    """Return all sentences, in the order of the page.

    Parameters
    ----------
    compared, paired, differences, ranks, maps
        What was measured.
    left_out
        Cases that only one model has, and such whose image can't be read.
    same
        Whether both models are one and the same file.
    """
    return (
        *_of_models(same=same),
        *_of_cases(*left_out, compared.unsaid),
        *_of_decisions(compared, paired),
        *_of_measures(differences),
        *_of_scores(ranks),
        *_of_maps(compared, maps),
    )


def _of_models(*, same: bool) -> Iterator[Finding]:
    if same:
        text = say("A and B are the same file (SHA-256): a model was compared with itself.")
        yield Finding(section="summary", text=text, first=True)


def _of_cases(lone: int, unreadable: int, unsaid: int) -> Iterator[Finding]:
    if lone:
        text = say_count(
            "{count} case is left out, since one of the models hasn't got it.",
            "{count} cases are left out, since one of the models hasn't got them.", lone, count=grouped(lone),
        )  # fmt: skip
        yield Finding(section="summary", text=text, first=True)
    if unreadable:
        text = say_count(
            "{count} case is left out, since its image can't be read.",
            "{count} cases are left out, since their images can't be read.", unreadable, count=grouped(unreadable),
        )  # fmt: skip
        yield Finding(section="summary", text=text, first=True)
    if unsaid:
        text = say_count(
            "{count} case is left out, since a score is not a number.",
            "{count} cases are left out, since a score is not a number.", unsaid, count=grouped(unsaid),
        )  # fmt: skip
        yield Finding(section="summary", text=text, first=True)


def _of_decisions(compared: Compared, paired: Sequence[Paired]) -> Iterator[Finding]:
    share = share_estimate(compared.flips, compared.cases)
    text = say(
        "The models say different things of {flips} of {count} cases: {share}.", flips=grouped(compared.flips),
        count=grouped(compared.cases), share=describe_share(share),
    )  # fmt: skip
    yield Finding(section="decisions", text=text, first=True)
    yield from (Finding(section="decisions", text=_pair_told(one), first=True) for one in paired)


def _pair_told(one: Paired) -> str:
    """Say on how many cases only one model is right, or says a class."""
    only, of_class = one.first + one.second, one.what != "right"
    if not only:
        if of_class:
            return say("There is no case of which only one model says {name}.", name=one.what)
        return say("There is no case of which only one model is right.")
    counts = {"first": grouped(one.first), "second": grouped(one.second)}
    if of_class:
        told = say("Only A says {name} on {first} cases, only B on {second}", name=one.what, **counts)
    else:
        told = say("Only A is right on {first} cases, only B on {second}", **counts)
    p = format_p(one.p)
    if only < FEW_PAIRS:
        return say(
            "{told}: so few that no division of them would show a difference (exact McNemar p {p}).", told=told, p=p
        )
    if one.p < SIGNIFICANT:
        return say("{told}: more uneven than chance gives (exact McNemar p {p}).", told=told, p=p)
    return say("{told}: no more uneven than chance gives (exact McNemar p {p}).", told=told, p=p)


def _of_measures(differences: Sequence[Difference]) -> Iterator[Finding]:
    if not differences:
        return
    apart = [one for one in differences if one.difference.low > 0 or one.difference.high < 0]
    count = len(differences)
    if apart:
        names = "; ".join(one.name for one in apart)
        text = say("Of {count} measures the paired interval leaves out 0 for {names}.", count=count, names=names)
    else:
        text = say("Of {count} measures none differs: each paired interval holds 0.", count=count)
    yield Finding(section="measures", text=text, first=True)


def _of_scores(ranks: float) -> Iterator[Finding]:
    if math.isfinite(ranks):
        number = f"{ranks:z.2f}".replace("-", "−")
        if ranks >= _ALIKE:
            text = say("The scores put the cases in much the same order: rank correlation {number}.", number=number)
        else:
            text = say("The scores put the cases in different orders: rank correlation {number}.", number=number)
        yield Finding(section="scores", text=text, first=True)


def _of_maps(compared: Compared, maps: Estimate | None) -> Iterator[Finding]:
    if maps is not None:
        text = say("The two evidence maps of a case have a mean correlation of {number}.", number=describe(maps))
        yield Finding(section="maps", text=text, first=True)
    if compared.other_targets:
        text = say_count(
            "Of {count} case the maps are of the evidence for different classes, and aren't compared: --target names "
            "one class for all.",
            "Of {count} cases the maps are of the evidence for different classes, and aren't compared: --target names "
            "one class for all.",
            compared.other_targets, count=grouped(compared.other_targets),
        )  # fmt: skip
        yield Finding(section="maps", text=text)
