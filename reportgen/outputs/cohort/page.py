"""Cohort -> one self-contained HTML page, in the frame of the report's."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from urllib.parse import quote

from reportgen.outputs.cohort.scatter import Scatter, make_scatter
from reportgen.outputs.page.asset_words import script_in
from reportgen.outputs.page.assets import read_assets
from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.frame import Frame
from reportgen.report.cohort import Cohort, CohortGroup, Finding
from reportgen.report.cohort_cases import Example, Notable
from reportgen.report.cohort_channels import SeparatingChannel
from reportgen.report.cohort_maps import RegionInGroup
from reportgen.report.numbers import grouped
from reportgen.report.picture import Picture
from reportgen.report.words import describe_percent
from reportgen.system.language import mark, say, speaking

KINDS = {
    "typical": mark("Most typical"), "outlying": mark("Farthest from their group"),
    "surprising": mark("Most surprising"),
}  # fmt: skip
KIND_WORDS = {
    "typical": mark("nearest to the middle of their group, and not told wrong"), "outlying": "",
    "surprising": mark("the lowest scores for their labels"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CohortPage(Frame):
    """What the templates of a cohort see.

    Attributes
    ----------
    cohort
        All numbers and pictures.
    reports
        The folder of the reports, seen from the page; empty: they can't be linked.
    """

    cohort: Cohort
    reports: str

    @functools.cached_property
    def pictures(self) -> dict[str, Picture]:
        """Pictures by name."""
        return {picture.name: picture for picture in self.cohort.pictures}

    @property
    def headlines(self) -> tuple[Finding, ...]:
        """What stands at the top."""
        return tuple(one for one in self.cohort.findings if one.first and not one.warning)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the reader is warned of at the top."""
        return tuple(one for one in self.cohort.findings if one.first and one.warning)

    def further(self, section: str) -> tuple[Finding, ...]:
        """Return what is said in a section and not at the top."""
        return tuple(one for one in self.cohort.findings if one.section == section and not one.first)

    @functools.cached_property
    def scatter(self) -> Scatter | None:
        """The map of the cases."""
        found = self.cohort.case_map
        if found is None or not found.points:
            return None
        return make_scatter(found.points, [group.name for group in self.cohort.groups], self.pictures)

    def link(self, case: Example) -> str:
        """Return where a case's report is, seen from the page; empty where it can't be linked."""
        return f"{self.reports}{quote(case.item)}.html" if self.reports else ""

    def notable(self, kind: str) -> tuple[Notable, ...]:
        """Return the cases that stand out in a way, group by group."""
        return tuple(one for one in self.cohort.notable if one.kind == kind and one.cases)

    def place(self, name: str) -> int:
        """Return the place of a group among the groups, for its colour and mark."""
        return next(number for number, group in enumerate(self.cohort.groups) if group.name == name)

    @property
    def mapped(self) -> tuple[CohortGroup, ...]:
        """The groups with evidence."""
        return tuple(group for group in self.cohort.groups if group.evidence or group.border or group.beats)

    @property
    def kinds(self) -> dict[str, str]:
        """How cases stand out, and what that is called."""
        return {kind: say(words) for kind, words in KINDS.items()}

    @property
    def kind_words(self) -> dict[str, str]:
        """What each way to stand out means."""
        return {kind: words and say(words) for kind, words in KIND_WORDS.items()}

    @staticmethod
    def value_of(case: Example, kind: str) -> str:
        """Say how far a case stands out."""
        value = f"{case.value:.2f}"
        return say("{value} bits", value=value) if kind == "surprising" else say("{value} deviations", value=value)

    @property
    def regions(self) -> list[tuple[str, str, RegionInGroup]]:
        """The known regions: (name, group, numbers), name by name."""
        return [
            (name, group.name, region)
            for name in self.cohort.regions
            for group in self.cohort.groups
            for region in group.regions
            if region.name == name
        ]

    @property
    def any_notable(self) -> bool:
        """Whether any case stands out."""
        return any(one.cases for one in self.cohort.notable)

    @property
    def judged(self) -> bool:
        """Whether it is known of any group how many are told right."""
        return any(group.accuracy for group in self.cohort.groups)

    @property
    def several(self) -> bool:
        """Whether there are several comparisons."""
        return len(self.cohort.contrasts) > 1

    @property
    def exact(self) -> bool:
        """Whether any p comes from all orders."""
        return any(contrast.exact for contrast in self.cohort.contrasts)

    @property
    def sampled(self) -> bool:
        """Whether some group has more cases than are kept at once."""
        return any(group.cases > self.cohort.sample for group in self.cohort.groups)

    @property
    def plane_words(self) -> str:
        """Where the groups lie on the map of the cases, in words."""
        found = self.cohort.case_map
        if found is None:
            return ""
        middles = []
        for group in self.cohort.groups:
            own = [(point.x, point.y) for point in found.points if point.example.group == group.name]
            if own:
                x, y = (sum(values) / len(own) for values in zip(*own, strict=True))
                middles.append(
                    say("{group} around {x} across and {y} up", group=group.name, x=f"{x:.1f}", y=f"{y:.1f}")
                )
        return f"{'; '.join(middles)}."

    @property
    def plane_told(self) -> str:
        """What the map of the cases shows, and how much of the variance."""
        found = self.cohort.case_map
        if found is None:
            return ""
        told = say(
            "Each mark is a case; cases that lie near each other look alike to the model's last layers ({method} of "
            "the {count} numbers that go into its head).",
            method=found.method, count=grouped(found.features),
        )  # fmt: skip
        if not found.explained:
            return told
        shares = [describe_percent(share) for share in found.explained]
        if len(shares) == 1:
            return f"{told} {say('Of their variance {across} lies across.', across=shares[0])}"
        return f"{told} {say('Of their variance {across} lies across and {up} up.', across=shares[0], up=shares[1])}"

    def higher(self, one: SeparatingChannel) -> str:
        """Return the side on which a channel is higher."""
        contrast = self.cohort.contrasts[one.contrast]
        return contrast.there if one.is_lower else contrast.here

    def lower(self, one: SeparatingChannel) -> str:
        """Return the other side."""
        contrast = self.cohort.contrasts[one.contrast]
        return contrast.here if one.is_lower else contrast.there


def render_cohort_html(cohort: Cohort, reports: str) -> str:
    """Return the page. The same cohort gives the same text.

    Parameters
    ----------
    cohort
        All numbers and pictures.
    reports
        The folder of the reports, seen from the page, with a slash at its end; empty: no links.
    """
    page = CohortPage(
        cohort=cohort, reports=reports,
        style=read_assets("assets/tokens.css", "assets/report.css", "assets/evaluation.css", "assets/cohort.css"),
        script=script_in(cohort.language, "assets/report.js"), generator=cohort.versions["reportgen"],
    )  # fmt: skip
    with speaking(cohort.language):
        return environment().get_template("cohort.html.j2").render(page=page, cohort=cohort) + "\n"
