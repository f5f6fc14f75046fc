"""What is said of a report, by where a page says it: warnings, headlines, remarks, and the user's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.outputs.page.frame import Frame
from reportgen.report.remark import Comment, Remark
from reportgen.report.report import Report
from reportgen.system.language import mark, say

_MATTERS = (
    mark("not finite"), mark("edges"), mark("bright"), mark("negatives"), mark("contrast change"),
    mark("sharpness change"), mark("contrast"), mark("contrast raised"), mark("sharpness"), mark("sharpness raised"),
    mark("dead"), mark("woken"), mark("compressed"), mark("difference"), mark("parting"), mark("deciding"),
    mark("unmoved"), mark("page size"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Remarked(Frame):
    """A page of a report, with lookups of what is said of it."""

    report: Report

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """Remarks that the reader should see first."""
        return tuple(remark for remark in self.report.remarks if remark.warning)

    @property
    def first_warnings(self) -> tuple[Remark, ...]:
        """Warnings at the top: one on a case's map stands with the case, one on a further map with that."""
        told = any(remark.section == "headline" and remark.kind == "doubt" for remark in self.report.remarks)
        return tuple(one for one in self.warnings if one.kind != "map_test" or not (told or one.target))

    def headlines(self, case: int | None = None) -> tuple[Remark, ...]:
        """Return what the first screen says of a case, or of all."""
        return tuple(one for one in self.report.remarks if one.section == "headline" and one.case == case)

    @staticmethod
    def matter(remark: Remark) -> str:
        """Return in words what a remark measured."""
        words = remark.kind.replace("_", " ")
        return say(words) if words in _MATTERS else words

    def map_warnings(self, target: int = 0) -> tuple[Remark, ...]:
        """Return the warnings that a map isn't to be read, or not as it is: they stand where the map is, too."""
        kinds = ("map_test", "border", "sanity", "fills")
        return tuple(one for one in self.warnings if one.kind in kinds and one.target == target)

    def remarks(self, section: str, layer: str | None = None, target: int = 0) -> tuple[Remark, ...]:
        """Return the remarks of a section (without a layer) or of a layer; of a class that the scan follows."""
        own = (one for one in self.report.remarks if one.section == section and one.layer == layer)
        return tuple(one for one in own if one.target == target and not one.warning)

    def remarks_of(self, section: str, kinds: Sequence[str], target: int = 0) -> tuple[Remark, ...]:
        """Return the remarks of a section that are of one of these kinds."""
        return tuple(remark for remark in self.remarks(section, target=target) if remark.kind in kinds)

    def remarks_besides(self, section: str, kinds: Sequence[str], target: int = 0) -> tuple[Remark, ...]:
        """Return the remarks of a section that are of none of these kinds."""
        return tuple(remark for remark in self.remarks(section, target=target) if remark.kind not in kinds)

    def comments(self, section: str, layer: str | None = None) -> tuple[Comment, ...]:
        """Return the user's commentary of a section or of a layer."""
        return tuple(c for c in self.report.comments if c.section == section and c.layer == layer)
