"""Sentences of what a cohort shows, each with its numbers; what goes together is not said to be a cause."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from reportgen.analysis.cohort.summaries import share_estimate
from reportgen.report.cohort import (
    FEW,
    SIGNIFICANT,
    CohortGroup,
    Contrast,
    Finding,
    Likenesses,
    Notable,
    SeparatingChannel,
)
from reportgen.report.evaluation import Estimate, describe_estimate
from reportgen.report.known_regions import BORDER_LIMIT, CHANCE
from reportgen.report.words import describe_percent, describe_share, format_p

_GAP = 0.01


def find_all(
    groups: Sequence[CohortGroup], by: str, contrasts: Sequence[Contrast], separating: Sequence[SeparatingChannel],
    alike: Likenesses | None, border_area: float, notable: Sequence[Notable], ungrouped: int,
) -> tuple[Finding, ...]:  # fmt: skip
    """Return all sentences, in the order of the page."""
    return (
        *_of_groups(groups, by, ungrouped),
        *_of_channels(contrasts, separating),
        *_of_maps(groups, alike),
        *_of_border(groups, border_area),
        *_of_chance(groups),
        *_of_notable(notable),
    )


def _of_groups(groups: Sequence[CohortGroup], by: str, ungrouped: int) -> Iterator[Finding]:
    if ungrouped:
        yield Finding(
            section="summary", first=True,
            text=f"{_cases(ungrouped)} of no group (by {by}) {_is(ungrouped)} left out.",
        )  # fmt: skip
    if len(groups) == 1:
        yield Finding(
            section="channels", first=True,
            text=f"There is one group only ({groups[0].name}): nothing can be compared. Group by something that the "
            "cases differ in, with --by.",
        )  # fmt: skip
    small = [group for group in groups if group.cases < FEW]
    if small:
        named = " and ".join(f"{group.name} ({group.cases})" for group in small)
        yield Finding(
            section="summary", first=True, warning=True,
            text=f"Fewer than {FEW} cases: {named}. Intervals are wide, and what isn't found here may well be there.",
        )  # fmt: skip


def _of_channels(contrasts: Sequence[Contrast], separating: Sequence[SeparatingChannel]) -> Iterator[Finding]:
    if not contrasts:
        return
    tested = sum(len(contrast.channels) for contrast in contrasts)
    clear = sum(contrast.clear for contrast in contrasts)
    many = f"{tested:,} comparisons of a channel" if len(contrasts) > 1 else f"{tested:,} channels"
    first = contrasts[0]
    between = f"between {first.there} and {first.here}" if len(contrasts) == 1 else "between a group and the others"
    yield Finding(
        section="channels", first=True,
        text=f"{clear:,} of {many} differ {between} after correction for testing so many "
        f"(false discovery rate {SIGNIFICANT:.0%}).".replace("%", " %"),
    )  # fmt: skip
    if separating:
        one = separating[0]
        contrast = contrasts[one.contrast]
        higher, lower = (contrast.there, contrast.here) if one.is_lower else (contrast.here, contrast.there)
        yield Finding(
            section="channels", first=True,
            text=f"Channel {one.effect.channel} of {one.effect.layer} separates best: its mean is higher in {higher} "
            f"than in {lower} in {describe_percent(one.separation.value)} of all pairs "
            f"(AUC {describe_estimate(one.separation)}; d {describe(one.difference)}).",
        )  # fmt: skip
    for contrast in contrasts:
        if contrast.smallest_p * tested > SIGNIFICANT:
            yield Finding(
                section="channels", warning=True,
                text=f"{contrast.here} against {contrast.there}: with {contrast.ranked_here} and "
                f"{contrast.ranked_there} cases no p can be below {contrast.smallest_p:.2g}, so that no single channel "
                f"among {tested:,} could pass the correction by itself, however large its effect.",
            )  # fmt: skip


def _of_maps(groups: Sequence[CohortGroup], alike: Likenesses | None) -> Iterator[Finding]:
    if alike is None:
        return
    targets = {name for group in groups for name in group.targets}
    if len(targets) > 1:
        yield Finding(
            section="maps", warning=True,
            text=f"The maps are of the evidence for different classes ({', '.join(sorted(targets))}): their means mix "
            "them. A scan of one class for all (--target) can be compared.",
        )  # fmt: skip
    if not math.isfinite(alike.across):
        if math.isfinite(alike.inside):
            yield Finding(
                section="maps",
                text=f"Two maps of a group have a mean correlation of {describe(alike.pairs[0].correlation)}.",
            )  # fmt: skip
        return
    gap = alike.inside - alike.across
    text = f"Two maps of one group have a mean correlation of {_signed(alike.inside)}, of different groups " \
        f"{_signed(alike.across)}"  # fmt: skip
    if math.isfinite(alike.p):
        if alike.p < SIGNIFICANT and gap > _GAP:
            text += f": groups put together at random differ as much in {describe_percent(alike.p)} of the tries"
        else:
            text += f": no more alike than groups put together at random (p {format_p(alike.p)})"
    yield Finding(section="maps", text=f"{text}.", first=True)
    if math.isfinite(alike.smallest_p) and alike.smallest_p > SIGNIFICANT:
        yield Finding(
            section="maps", warning=True,
            text=f"With so few cases no p can be below {alike.smallest_p:.2g}: that maps differ can't be shown.",
        )  # fmt: skip


def _of_border(groups: Sequence[CohortGroup], area: float) -> Iterator[Finding]:
    known = [(group, group.border) for group in groups if group.border is not None]
    if not known or not area:
        return
    told = "; ".join(f"{group.name} {describe_share(share)}" for group, share in known)
    times = [share.value / area for _, share in known]
    low, high = CHANCE
    if all(low <= one <= high for one in times):
        judged = "no more and no less than its area"
    elif max(times) < low:
        judged = "less than its area"
    elif min(times) > high:
        judged = "more than its area"
    else:
        judged = "up to " + f"{max(times):.1f} times its area" if max(times) > high else "in some less than its area"
    yield Finding(
        section="places", first=True, warning=max(times) >= BORDER_LIMIT,
        text=f"Of the evidence for what is said, this share lies in the outer tenth at each side "
        f"({describe_percent(area)} of the image): {told}; that is {judged}.",
    )  # fmt: skip
    if len(known) == 2 and apart(known[0][1], known[1][1]):
        yield Finding(
            section="places",
            text="The intervals of the two groups don't overlap: how much of the evidence lies in the border goes with "
            "the group.",
        )  # fmt: skip


def _of_chance(groups: Sequence[CohortGroup]) -> Iterator[Finding]:
    tested = sum(group.tested for group in groups)
    if not tested:
        return
    both = sum(group.beats.get("both", 0) for group in groups)
    share = share_estimate(both, tested)
    text = f"The map beats chance in both ways in {both:,} of {tested:,} tested cases: {describe_share(share)}."
    yield Finding(section="chance", text=text, first=True, warning=share.high < 0.5)


def _of_notable(notable: Sequence[Notable]) -> Iterator[Finding]:
    for one in notable:
        if one.kind == "surprising" and one.cases:
            first = one.cases[0]
            yield Finding(
                section="notable",
                text=f"The most surprising case, {first.name}, is labelled {first.label} and said to be {first.said}: "
                f"{first.value:.1f} bits of surprise, a score of {2**-first.value:.2g} for its label.",
            )  # fmt: skip


def apart(first: Estimate, second: Estimate) -> bool:
    """Return whether two intervals don't overlap."""
    return first.low > second.high or second.low > first.high


def describe(estimate: Estimate) -> str:
    """Return a number with its interval, two decimals each."""
    if not math.isfinite(estimate.low):
        return _signed(estimate.value)
    between = "–" if estimate.low >= 0 else " to "
    return f"{estimate.value:.2f} [{estimate.low:.2f}{between}{estimate.high:.2f}]".replace("-", "−")


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", "−") if math.isfinite(number) else "–"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
