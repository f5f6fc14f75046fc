"""Sentences of what a cohort shows, each with its numbers; what goes together is not said to be a cause."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from reportgen.analysis.cohort.summaries import share_estimate
from reportgen.analysis.known_regions import in_words
from reportgen.report.cohort import FEW, SIGNIFICANT, CohortGroup, Finding
from reportgen.report.cohort_cases import Notable
from reportgen.report.cohort_channels import Contrast, SeparatingChannel
from reportgen.report.cohort_maps import Likenesses, RegionInGroup
from reportgen.report.estimates import Estimate, describe_estimate, with_interval
from reportgen.report.known_regions import BORDER_LIMIT, CHANCE
from reportgen.report.numbers import grouped
from reportgen.report.words import describe_percent, describe_share, format_p
from reportgen.system.language import say, say_count

_GAP = 0.01
_FIRST_REGIONS = 3  # of which the top of the page tells
_FEW_GROUPS = 3  # that a sentence tells of one by one


def find_all(
    groups: Sequence[CohortGroup], by: str, chosen: bool, contrasts: Sequence[Contrast],
    separating: Sequence[SeparatingChannel], alike: Likenesses | None, border_area: float,
    notable: Sequence[Notable], ungrouped: int, repeated: int, regions_cut: bool,
) -> tuple[Finding, ...]:  # fmt: skip
    """Return all sentences, in the order of the page."""
    return (
        *_of_groups(groups, by, chosen, ungrouped, repeated),
        *_of_channels(contrasts, separating),
        *_of_maps(groups, alike),
        *_of_regions(groups, regions_cut),
        *_of_border(groups, border_area),
        *_of_chance(groups),
        *_of_notable(notable),
    )


def _of_groups(
    groups: Sequence[CohortGroup], by: str, chosen: bool, ungrouped: int, repeated: int
) -> Iterator[Finding]:
    if ungrouped and chosen:
        yield Finding(
            section="summary", first=True,
            text=say_count(
                "{count} case of another group (by {by}), or of none, is left out.",
                "{count} cases of other groups (by {by}), or of none, are left out.",
                ungrouped, count=grouped(ungrouped), by=by,
            ),
        )  # fmt: skip
    elif ungrouped:
        yield Finding(
            section="summary", first=True,
            text=say_count(
                "{count} case of no group (by {by}) is left out.", "{count} cases of no group (by {by}) are left out.",
                ungrouped, count=grouped(ungrouped), by=by,
            ),
        )  # fmt: skip
    if repeated:
        yield Finding(
            section="summary", first=True, warning=True,
            text=say_count(
                "{count} case has the same image as another: it counts as one more, and intervals are too narrow.",
                "{count} cases have the same images as others: each counts as one more, and intervals are too narrow.",
                repeated, count=grouped(repeated),
            ),
        )  # fmt: skip
    if len(groups) == 1:
        yield Finding(
            section="channels", first=True,
            text=say(
                "There is one group only ({name}): nothing can be compared. Group by something that the cases differ "
                "in, with --by.",
                name=groups[0].name,
            ),
        )  # fmt: skip
    small = [group for group in groups if group.cases < FEW]
    if small:
        listed = [f"{group.name} ({group.cases})" for group in small]
        named = say(" and ").join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
        yield Finding(
            section="summary", first=True, warning=True,
            text=say(
                "Fewer than {count} cases: {groups}. Intervals are wide, and what isn't found here may well be there.",
                count=FEW, groups=named,
            ),
        )  # fmt: skip


def _of_channels(contrasts: Sequence[Contrast], separating: Sequence[SeparatingChannel]) -> Iterator[Finding]:
    if not contrasts:
        return
    tested = sum(len(contrast.channels) for contrast in contrasts)
    clear = sum(contrast.clear for contrast in contrasts)
    rate = f"{100 * SIGNIFICANT:.0f} %"
    first = contrasts[0]
    if len(contrasts) > 1:
        text = say(
            "{clear} of {count} comparisons of a channel differ between a group and the others after correction for "
            "testing so many (false discovery rate {rate}).",
            clear=grouped(clear), count=grouped(tested), rate=rate,
        )  # fmt: skip
    else:
        text = say(
            "{clear} of {count} channels differ between {one} and {other} after correction for testing so many (false "
            "discovery rate {rate}).",
            clear=grouped(clear), count=grouped(tested), one=first.there, other=first.here, rate=rate,
        )  # fmt: skip
    yield Finding(section="channels", first=True, text=text)
    if separating:
        one = separating[0]
        contrast = contrasts[one.contrast]
        higher, lower = (contrast.there, contrast.here) if one.is_lower else (contrast.here, contrast.there)
        told = say(
            "Channel {channel} of {layer} separates best: its mean is higher in {higher} than in {lower} in {share} of "
            "all pairs (AUC {auc}; d {difference}).",
            channel=one.effect.channel, layer=one.effect.layer, higher=higher, lower=lower,
            share=describe_percent(one.separation.value), auc=describe_estimate(one.separation),
            difference=describe(one.difference),
        )  # fmt: skip
        if not clear:
            chance = say("Of {count} the best one may separate so well by chance alone.", count=grouped(tested))
            told = f"{told} {chance}"
        yield Finding(section="channels", first=bool(clear), text=told)
    for contrast in contrasts:
        if contrast.smallest_p * tested > SIGNIFICANT:
            yield Finding(
                section="channels", warning=True,
                text=say(
                    "{one} against {other}: with {first} and {second} cases no p can be below {p}, so that no single "
                    "channel among {count} could pass the correction by itself, however large its effect.",
                    one=contrast.here, other=contrast.there, first=contrast.ranked_here, second=contrast.ranked_there,
                    p=f"{contrast.smallest_p:.2g}", count=grouped(tested),
                ),
            )  # fmt: skip


def _of_maps(groups: Sequence[CohortGroup], alike: Likenesses | None) -> Iterator[Finding]:
    if alike is None:
        return
    targets = {name for group in groups for name in group.targets}
    if len(targets) > 1:
        yield Finding(
            section="maps", warning=True,
            text=say(
                "The maps are of the evidence for different classes ({classes}): their means mix them. A scan of one "
                "class for all (--target) can be compared.",
                classes=", ".join(sorted(targets)),
            ),
        )  # fmt: skip
    if not math.isfinite(alike.across):
        if math.isfinite(alike.inside):
            yield Finding(
                section="maps",
                text=say(
                    "Two maps of a group have a mean correlation of {correlation}.",
                    correlation=describe(alike.pairs[0].correlation),
                ),
            )  # fmt: skip
        return
    told = say(
        "Two maps of one group have a mean correlation of {inside}, of different groups {across}",
        inside=_signed(alike.inside), across=_signed(alike.across),
    )  # fmt: skip
    if not math.isfinite(alike.p):
        text = f"{told}."
    elif alike.p < SIGNIFICANT and alike.inside - alike.across > _GAP:
        text = say(
            "{maps}: groups put together at random differ as much in {share} of the tries.",
            maps=told, share=describe_percent(alike.p),
        )  # fmt: skip
    else:
        text = say("{maps}: no more alike than groups put together at random (p {p}).", maps=told, p=format_p(alike.p))
    yield Finding(section="maps", text=text, first=True)
    if math.isfinite(alike.smallest_p) and alike.smallest_p > SIGNIFICANT:
        yield Finding(
            section="maps", warning=True,
            text=say(
                "With so few cases no p can be below {p}: that maps differ can't be shown.",
                p=f"{alike.smallest_p:.2g}",
            ),
        )  # fmt: skip


def _of_regions(groups: Sequence[CohortGroup], cut: bool) -> Iterator[Finding]:
    """Tell of the first regions in sentences; the table has all."""
    names = sorted({region.name for group in groups for region in group.regions})
    for number, name in enumerate(names):
        found = [(group.name, region) for group in groups for region in group.regions if region.name == name]
        if number < _FIRST_REGIONS:
            yield from _of_region(name, found)
        if len(found) == 2 and apart(found[0][1].evidence, found[1][1].evidence):
            yield Finding(
                section="places",
                text=say(
                    "The intervals of the two groups don't overlap: how much of the evidence lies inside {name} goes "
                    "with the group.",
                    name=name,
                ),
            )  # fmt: skip
    if cut:
        yield Finding(
            section="places",
            text=say(
                "The known regions have more than {count} different names: only the first of them, in the order of the "
                "alphabet, are told of.",
                count=len(names),
            ),
        )  # fmt: skip


def _of_region(name: str, found: Sequence[tuple[str, RegionInGroup]]) -> Iterator[Finding]:
    if len(found) <= _FEW_GROUPS:
        told = "; ".join(_share_told(group, region) for group, region in found)
    else:
        told = say(
            "{shares} ({area} of the image)",
            area=describe_percent(sum(region.area for _, region in found) / len(found)),
            shares=_shares_told([(group, region.evidence) for group, region in found]),
        )  # fmt: skip
    yield Finding(
        section="places", first=True,
        text=say("Of the evidence for what is said, this share lies inside {name}: {shares}.", name=name, shares=told),
    )  # fmt: skip
    pointed = [(group, region.hits) for group, region in found if region.hits is not None]
    if pointed:
        yield Finding(
            section="places",
            text=say(
                "The strongest place of the map lies in {name} in this share of the cases: {shares}.", name=name,
                shares=_shares_told(pointed),
            ),
        )  # fmt: skip


def _shares_told(shares: Sequence[tuple[str, Estimate]]) -> str:
    """Say each group's share; of many groups the least and the most."""
    if len(shares) <= _FEW_GROUPS:
        return "; ".join(f"{group} {describe_share(share)}" for group, share in shares)
    ordered = sorted(shares, key=lambda one: one[1].value)
    (least, low), (most, high) = ordered[0], ordered[-1]
    return say(
        "from {low} ({least}) to {high} ({most})", low=describe_share(low), least=least, high=describe_share(high),
        most=most,
    )  # fmt: skip


def _share_told(group: str, region: RegionInGroup) -> str:
    return say(
        "{group} {share} ({area} of the image: {words})", group=group, share=describe_share(region.evidence),
        area=describe_percent(region.area), words=in_words(region.inside),
    )  # fmt: skip


def _of_border(groups: Sequence[CohortGroup], area: float) -> Iterator[Finding]:
    known = [(group, group.border) for group in groups if group.border is not None]
    if not known or not area:
        return
    times = [share.value / area for _, share in known]
    yield Finding(
        section="places", first=True, warning=max(times) >= BORDER_LIMIT,
        text=say(
            "Of the evidence for what is said, this share lies in the outer tenth at each side ({area} of the image): "
            "{shares}; {judged}.",
            area=describe_percent(area), judged=_judged(times),
            shares=_shares_told([(group.name, share) for group, share in known]),
        ),
    )  # fmt: skip
    if len(known) == 2 and apart(known[0][1], known[1][1]):
        yield Finding(
            section="places",
            text=say(
                "The intervals of the two groups don't overlap: how much of the evidence lies in the border goes with "
                "the group."
            ),
        )  # fmt: skip


def _judged(times: Sequence[float]) -> str:
    low, high = CHANCE
    if all(low <= one <= high for one in times):
        return say("that is no more and no less than its area")
    if max(times) < low:
        return say("that is less than its area")
    if min(times) > high:
        return say("that is more than its area")
    if max(times) > high:
        return say("that is up to {times} times its area", times=f"{max(times):.1f}")
    return say("that is in some less than its area")


def _of_chance(groups: Sequence[CohortGroup]) -> Iterator[Finding]:
    tested = sum(group.tested for group in groups)
    if not tested:
        return
    both = sum(group.beats.get("both", 0) for group in groups)
    share = share_estimate(both, tested)
    text = say(
        "The map beats chance in both ways in {count} of {tested} tested cases: {share}.",
        count=grouped(both), tested=grouped(tested), share=describe_share(share),
    )  # fmt: skip
    yield Finding(section="chance", text=text, first=True, warning=share.high < 0.5)


def _of_notable(notable: Sequence[Notable]) -> Iterator[Finding]:
    for one in notable:
        if one.kind == "surprising" and one.cases:
            first = one.cases[0]
            yield Finding(
                section="notable",
                text=say(
                    "The most surprising case, {name}, is labelled {label} and said to be {said}: {bits} bits of "
                    "surprise, a score of {score} for its label.",
                    name=first.name, label=first.label, said=first.said, bits=f"{first.value:.1f}",
                    score=f"{2**-first.value:.2g}",
                ),
            )  # fmt: skip


def apart(first: Estimate, second: Estimate) -> bool:
    """Return whether two intervals don't overlap."""
    return first.low > second.high or second.low > first.high


def describe(estimate: Estimate) -> str:
    """Return a number with its interval, two decimals each."""
    if not math.isfinite(estimate.low):
        return _signed(estimate.value)
    return with_interval(estimate, 2)


def _signed(number: float) -> str:
    return f"{number:z.2f}".replace("-", "−") if math.isfinite(number) else "–"
