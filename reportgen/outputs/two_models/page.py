"""Comparison of two models -> one self-contained HTML page, in the frame of the report's."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from urllib.parse import quote

from reportgen.outputs.page.asset_words import script_in
from reportgen.outputs.page.assets import read_assets
from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.evaluation_page import verdict_of
from reportgen.outputs.page.frame import Frame
from reportgen.report.cohort import Finding
from reportgen.report.estimates import Difference
from reportgen.report.picture import Picture
from reportgen.report.two_models import ComparedCase, TwoModels
from reportgen.system.language import say, speaking

LARGEST_TABLE = 12


@dataclass(frozen=True, kw_only=True)
class TwoModelsPage(Frame):
    """What the templates of a comparison see.

    Attributes
    ----------
    found
        All numbers and pictures.
    reports
        The folders of the reports of A and B, seen from the page; empty: they can't be linked.
    """

    found: TwoModels
    reports: tuple[str, str]

    @functools.cached_property
    def pictures(self) -> dict[str, Picture]:
        """Pictures by name."""
        return {picture.name: picture for picture in self.found.pictures}

    @property
    def headlines(self) -> tuple[Finding, ...]:
        """What stands at the top."""
        return tuple(one for one in self.found.findings if one.first)

    def further(self, section: str) -> tuple[Finding, ...]:
        """Return what is said in a section and not at the top."""
        return tuple(one for one in self.found.findings if one.section == section and not one.first)

    def link(self, case: ComparedCase, side: int) -> str:
        """Return where a case's report by A (0) or B (1) is, seen from the page; empty where it can't be linked."""
        folder, item = self.reports[side], case.pages[side]
        return f"{folder}{quote(item)}.html" if folder and item else ""

    @property
    def table(self) -> bool:
        """Whether what both say fits a table."""
        return 0 < len(self.found.said) <= LARGEST_TABLE

    @staticmethod
    def verdict(one: Difference) -> str:
        """Say what a paired difference shows."""
        return verdict_of(one, say("higher in A"), say("higher in B"))


def render_two_models_html(found: TwoModels, reports: tuple[str, str]) -> str:
    """Return the page. The same comparison gives the same text.

    Parameters
    ----------
    found
        All numbers and pictures.
    reports
        The folders of the reports of A and B, seen from the page, each with a slash at its end; empty: no links.
    """
    page = TwoModelsPage(
        found=found, reports=reports,
        style=read_assets("assets/tokens.css", "assets/report.css", "assets/evaluation.css", "assets/cohort.css"),
        script=script_in(found.language, "assets/report.js"), generator=found.versions["reportgen"],
    )  # fmt: skip
    with speaking(found.language):
        return environment().get_template("two_models.html.j2").render(page=page, found=found) + "\n"
