"""Sentences of how two models differ, each with its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from reportgen.analysis.cohort.summaries import share_estimate
from reportgen.analysis.two_models.compare import Compared
from reportgen.report.cohort import SIGNIFICANT, Finding
from reportgen.report.evaluation import Difference, Estimate
from reportgen.report.two_models import Paired
from reportgen.report.words import describe_share, format_p

FEW_PAIRS = 6  # discordant cases below which no division of them gives p below 0.05


def find_all(
    compared: Compared, paired: Sequence[Paired], differences: Sequence[Difference], ranks: float,
    maps: Estimate | None, lone: int,
) -> tuple[Finding, ...]:  # fmt: skip
    """Return all sentences, in the order of the page."""
    return (
        *_of_cases(lone, compared.unsaid),
        *_of_decisions(compared, paired),
        *_of_measures(differences),
        *_of_scores(ranks),
        *_of_maps(compared, maps),
    )


def _of_cases(lone: int, unsaid: int) -> Iterator[Finding]:
    for count, why in ((lone, "since one of the models hasn't got it"), (unsaid, "since a score is not a number")):
        if count:
            cases = "1 case is" if count == 1 else f"{count:,} cases are"
            yield Finding(section="summary", text=f"{cases} left out, {why}.", first=True)


def _of_decisions(compared: Compared, paired: Sequence[Paired]) -> Iterator[Finding]:
    share = share_estimate(compared.flips, compared.cases)
    text = (
        f"The models say different things of {compared.flips:,} of {compared.cases:,} cases: {describe_share(share)}."
    )
    yield Finding(section="decisions", text=text, first=True)
    for one in paired:
        only = one.first + one.second
        what = "is right" if one.what == "right" else f"says {one.what}"
        if not only:
            yield Finding(section="decisions", text=f"There is no case of which only one model {what}.", first=True)
            continue
        text = f"Only A {what} on {one.first:,} cases, only B on {one.second:,}: "
        if only < FEW_PAIRS:
            text += f"so few that no division of them would show a difference (exact McNemar p {format_p(one.p)})."
        elif one.p < SIGNIFICANT:
            text += f"more uneven than chance gives (exact McNemar p {format_p(one.p)})."
        else:
            text += f"no more uneven than chance gives (exact McNemar p {format_p(one.p)})."
        yield Finding(section="decisions", text=text, first=True)


def _of_measures(differences: Sequence[Difference]) -> Iterator[Finding]:
    apart = [one for one in differences if one.difference.low > 0 or one.difference.high < 0]
    if differences:
        names = ", ".join(one.name for one in apart)
        text = f"Of {len(differences)} measures the paired interval leaves out 0 for {names}." if apart else (
            f"Of {len(differences)} measures none differs: each paired interval holds 0."
        )  # fmt: skip
        yield Finding(section="measures", text=text, first=True)


def _of_scores(ranks: float) -> Iterator[Finding]:
    if math.isfinite(ranks):
        text = f"The scores put the cases in much the same order: rank correlation {ranks:.2f}." if ranks >= 0.8 else (
            f"The scores put the cases in different orders: rank correlation {ranks:.2f}."
        )  # fmt: skip
        yield Finding(section="scores", text=text.replace("-", "−"), first=True)


def _of_maps(compared: Compared, maps: Estimate | None) -> Iterator[Finding]:
    if maps is not None:
        interval = f" [{maps.low:.2f} to {maps.high:.2f}]" if math.isfinite(maps.low) else ""
        text = f"The two evidence maps of a case have a mean correlation of {maps.value:.2f}{interval}."
        yield Finding(section="maps", text=text.replace("-", "−"), first=True)
    if compared.other_targets:
        many = f"{compared.other_targets:,} case{'' if compared.other_targets == 1 else 's'}"
        yield Finding(
            section="maps",
            text=f"Of {many} the maps are of the evidence for different classes, and aren't compared: --target names "
            "one class for all.",
        )  # fmt: skip
