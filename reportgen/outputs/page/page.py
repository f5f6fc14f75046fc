"""What the templates of a page and its PDF see: the report, with the lookups that they need."""

from __future__ import annotations

import base64
import functools
import math
from dataclasses import dataclass

from reportgen.outputs.page.assets import Asset
from reportgen.outputs.page.channel_views import ChannelViews, view_channels
from reportgen.outputs.page.gauge import Gauge, gauge_of
from reportgen.outputs.page.layer_views import BlockView, LayerNumbers, LayerView, gather_layers, layer_numbers
from reportgen.outputs.page.markdown import SafeHtml
from reportgen.outputs.page.methods import Methods, describe_methods
from reportgen.outputs.page.network import Unit, network_units
from reportgen.outputs.page.remarked import Remarked
from reportgen.outputs.page.sections import SECTIONS, Section, chosen_sections, is_there, steps_of
from reportgen.outputs.saved.report_json import embedded_json
from reportgen.outputs.saved.seal import SEAL
from reportgen.report.deciding import DecidingChannels
from reportgen.report.evidence import name_followed, shows_evidence
from reportgen.report.findings import Finding
from reportgen.report.measures import Measure, missing, name_class, side_by_side, why_missing
from reportgen.report.picture import ColourScale, Picture, case_picture_name, layer_picture_name, occlusion_kind
from reportgen.report.remark import Remark
from reportgen.report.report import REGRESSION, CaseReport, Report, readable, verdict
from reportgen.system.language import mark, say

CHANNEL_ROWS = 3000
FINDING_ROWS, BEST_ROWS = 40, 5


@dataclass(frozen=True, kw_only=True)
class Page(Remarked):
    """What the templates see: the report, with lookups that need no logic in a template."""

    seal: str = ""

    @property
    def sealed(self) -> SafeHtml:
        """The page's digest of itself."""
        return SafeHtml(SEAL.format(self.seal) if self.seal else "")

    @functools.cached_property
    def data(self) -> SafeHtml:
        """Everything measured, as JSON that can stand inside the page: other outputs are made from it."""
        return SafeHtml(embedded_json(self.report))

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections to show, in their order."""
        return chosen_sections(self.report)

    @property
    def shows_all(self) -> bool:
        """Whether no section is left out, so that whatever is linked to is there."""
        return {one.name for one in self.sections} >= {name for name in SECTIONS if is_there(self.report, name)}

    def title_of(self, name: str) -> str:
        """Return the heading of a section that is shown."""
        return next(one.title for one in self.sections if one.name == name)

    @property
    def steps(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """What the contents list under a section, by its name."""
        return steps_of(self.report)

    def has_section(self, name: str) -> bool:
        """Whether a section is shown."""
        return any(one.name == name for one in self.sections)

    @functools.cached_property
    def methods(self) -> Methods:
        """What was computed, in words for a paper."""
        return describe_methods(self.report)

    @property
    def logo(self) -> str:
        """Where the logo is; empty where there is none."""
        brand = self.report.brand
        if brand is None or not brand.logo:
            return ""
        return f"data:{brand.logo_type};base64,{base64.b64encode(brand.logo).decode()}"

    @property
    def cases(self) -> tuple[tuple[int, CaseReport], ...]:
        """(index, case) in the order of showing."""
        return self.report.side_by_side

    @property
    def regression(self) -> bool:
        """Whether the model gives numbers that are no scores of classes."""
        return self.report.model.head == REGRESSION

    @property
    def common_notes(self) -> tuple[str, ...]:
        """What was noted of the images of all cases, where there are several."""
        (_, first), *others = self.cases
        return tuple(one for one in first.notes if others and all(one in case.notes for _, case in others))

    def own_notes(self, case: CaseReport) -> tuple[str, ...]:
        """Return what was noted of a case's image and not of all of them."""
        return tuple(one for one in case.notes if one not in self.common_notes)

    @property
    def one_threshold(self) -> bool:
        """Whether all independent findings are said from the same score on."""
        return len(set(self.report.model.thresholds)) == 1

    @staticmethod
    def found(case: CaseReport) -> tuple[Finding, ...]:
        """Return the findings that are said to be there, the highest score first."""
        return tuple(sorted((one for one in case.findings if one.present), key=lambda one: -one.score))

    def listed_findings(self, case: CaseReport) -> tuple[Finding, ...]:
        """Return the findings to list, in the model's order: of very many, those that anything is said of."""
        if len(case.findings) <= FINDING_ROWS:
            return case.findings
        best = {one.class_name for one in case.predictions[:BEST_ROWS]}
        return tuple(one for one in case.findings if one.present or one.labelled or one.class_name in best)

    @property
    def further_targets(self) -> tuple[tuple[int, str], ...]:
        """(place, heading) of what the scan follows besides the first class, as far as any case has it."""
        maps = [case.occlusion_maps for _, case in self.cases]
        found = []
        for place in range(1, max(map(len, maps), default=0)):
            names = dict.fromkeys(of_case[place].target_class for of_case in maps if len(of_case) > place)
            found.append((place, " / ".join(names)))
        return tuple(found)

    @staticmethod
    def occlusion_kind(kind: str, place: int) -> str:
        """Return what a picture of a class that the scan follows is called."""
        return occlusion_kind(kind, place)

    @property
    def views(self) -> tuple[str, ...]:
        """Kinds of the pictures of other views than the scan, as far as any case has one."""
        kinds = (occlusion_kind(view.picture_kind) for case in self.report.cases for view in case.views)
        return tuple(kind for kind in dict.fromkeys(kinds) if self.shows(kind))

    @property
    def one_target(self) -> bool:
        """Whether the occlusion scan follows the same class in all cases."""
        return len({case.target_class for case in self.report.cases}) == 1

    @property
    def red_and_blue(self) -> bool:
        """Whether importance is shown in the usual colours, so that a key can name them."""
        occlusion = self.report.settings.get("occlusion")
        return isinstance(occlusion, dict) and occlusion.get("importance_colours") == "RdBu_r"

    @property
    def shows_key(self) -> bool:
        """Whether the pictures have colours to explain: the usual ones, and more of them than rounding makes."""
        maps = [one for case in self.report.cases for one in case.occlusion_maps]
        least = max((one.rounding for one in maps if math.isfinite(one.rounding)), default=0.0)
        return self.red_and_blue and bool(maps) and self.importance_limit > least

    @property
    def key(self) -> str:
        """What the colours over the pictures mean; empty where they aren't the usual ones."""
        if not self.shows_key:
            return ""
        told = {"what": self.followed, "amount": f"{readable(self.importance_limit)}{self.importance_unit}"}
        if len(self.cases) > 1:
            return say(
                "Red: covering this lowers {what}. Blue: raises it. Full colour stands for a change by {amount} in all "
                "cases.",
                **told,
            )
        return say(
            "Red: covering this lowers {what}. Blue: raises it. Full colour stands for a change by {amount}.", **told
        )

    @property
    def importance_unit(self) -> str:
        """What stands behind a number of importance: ``bits`` after a space, or nothing."""
        maps = [one for case in self.report.cases for one in case.occlusion_maps]
        return say(" bits") if any(one.in_bits for one in maps) else ""

    @property
    def followed(self) -> str:
        """What covering lowers: the evidence for a class, its score, or the number that the model gives."""
        name = self.cases[0][1].target_class if self.one_target else say("the case's target class")
        if self.regression or self.importance_unit:
            return name_followed(name, in_bits=bool(self.importance_unit))
        return say("the score for {name}", name=name)

    @property
    def shows_evidence(self) -> bool:
        """Whether the pictures of single positions show evidence, and not scores."""
        return shows_evidence([one for case in self.report.cases for one in case.occlusion_maps])

    @property
    def importance_limit(self) -> float:
        """The importance that full colour stands for."""
        found = [one for case in self.report.cases for one in case.occlusion_maps]
        return max((max(-one.importance_minimum, one.importance_maximum) for one in found), default=0.0)

    @functools.cached_property
    def pictures(self) -> dict[str, Picture]:
        """Pictures by name."""
        return {picture.name: picture for picture in self.report.pictures}

    @functools.cached_property
    def layers(self) -> tuple[LayerView, ...]:
        """The shown layers."""
        rows = {row.name: row for row in self.report.model.layers}
        return tuple(
            LayerView(index, name, rows[name], self.remarks("layers", name), self.comments("layers", name))
            for index, name in enumerate(self.report.model.shown_layers)
        )

    @functools.cached_property
    def layer_blocks(self) -> tuple[BlockView, ...]:
        """The shown layers, gathered by block; each by itself where they were asked for by name."""
        return gather_layers(self.report, self.layers)

    @functools.cached_property
    def channels(self) -> ChannelViews:
        """The channels that are shown by themselves."""
        return view_channels(self.report, self.pictures)

    @property
    def filters(self) -> tuple[str, str] | None:
        """The layer whose filters are drawn, and how their tiles stand in the picture; None without one."""
        shown = self.pictures.get("model-filters")
        first = next((row.name for row in self.report.model.layers if row.type == "Conv2D"), None)
        return (first, shown.tiles.words) if shown and shown.tiles and first else None

    def layer_anchor(self, name: str | None) -> str:
        """Return the part of the page that shows a layer."""
        return next((view.anchor for view in self.layers if view.name == name), "layers")

    @functools.cached_property
    def network(self) -> tuple[Unit, ...]:
        """The diagram of the network, unit by unit."""
        return network_units(self.report.model)

    @property
    def first_deciding(self) -> DecidingChannels | None:
        """What was found of channels that decide in the first layer of which it was; None where it was not tried."""
        found = (layer.deciding for _, case in self.cases for layer in case.layers)
        return next((one for one in found if one), None)

    @property
    def layer_numbers(self) -> tuple[LayerNumbers, ...]:
        """What was measured of the layers that stand for their blocks, as a whole."""
        return layer_numbers([block.main for block in self.layer_blocks], [case for _, case in self.cases])

    @property
    def channels_listed(self) -> bool:
        """Whether the page holds a row for each channel; the JSON always does."""
        return sum(layer.channels for case in self.report.cases for layer in case.layers) <= CHANNEL_ROWS

    def anchor(self, remark: Remark) -> str:
        """Return the part of the page that shows what a remark says."""
        if remark.proof == "layer-numbers" and remark.layer:
            return f"{self.layer_anchor(remark.layer)}-numbers"
        if remark.proof == "decides" and not any(case.decision for _, case in self.cases):
            return "occlusion"
        if remark.proof == "map-test" and not self.shows("occlusion-test"):
            return "occlusion"  # a map without an order has no curves; what is said of it stands at the map
        return remark.proof or self.layer_anchor(remark.layer)

    def gauge(self, case: CaseReport) -> Gauge | None:
        """Return how far the evidence of a case lies from the threshold."""
        return gauge_of(case, self.report.cases, self.report.model)

    def is_untested(self, target: int = 0) -> bool:
        """Return whether there are maps of a class that the scan follows, and none was put to the test."""
        found = [one.map_test for _, case in self.cases for one in case.evidence_by_class if one.place == target]
        return bool(found) and not any(found)

    @property
    def measures(self) -> tuple[tuple[Measure, tuple[Measure | None, ...]], ...]:
        """Measures of the maps, class by class, each with that of every case."""
        return side_by_side([case.measures for _, case in self.cases])

    @staticmethod
    def meanings(each: tuple[Measure | None, ...]) -> tuple[str, ...]:
        """Return what a measure means in the cases, in words that are the same said once."""
        return tuple(dict.fromkeys(one.meaning for one in each if one))

    @property
    def missing_measures(self) -> tuple[tuple[str, str], ...]:
        """The classes of measures that none was taken of, and what it would take."""
        occlusion = self.report.settings.get("occlusion")
        asked = [name for name, on in occlusion.items() if on is True] if isinstance(occlusion, dict) else []
        return tuple(
            (name_class(kind), why_missing(kind, asked)) for kind in missing([case.measures for _, case in self.cases])
        )

    def shows(self, kind: str) -> bool:
        """Whether any case has a picture of a kind."""
        return any(self.picture(index, kind) for index, _ in self.cases)

    def verdict(self, case: CaseReport) -> tuple[str, str]:
        """Return how a prediction compares with the label: a kind, and words."""
        return verdict(case, self.report.model)

    def picture(self, case: int, kind: str) -> Picture | None:
        """Return a picture of a case, by kind."""
        return self.pictures.get(case_picture_name(case, kind))

    def _drawn(self, setting: str) -> str:
        """Return a setting of the feature maps' drawing; empty where the report doesn't tell."""
        drawing = self.report.settings.get("feature_maps")
        return str(drawing.get(setting, "")) if isinstance(drawing, dict) else ""

    @property
    def grid_scale(self) -> str:
        """How grids are scaled: ``channel``, ``standardized`` or ``shared``."""
        return self._drawn("scale")

    @property
    def grid_scale_words(self) -> str:
        """The same in a word for the reader."""
        words = {"standardized": mark("standardized"), "shared": mark("shared")}
        return say(words[self.grid_scale]) if self.grid_scale in words else self.grid_scale

    @property
    def grid_range(self) -> str:
        """What their ranges are taken over: ``cases`` or ``case``."""
        return self._drawn("range")

    def overlay(self, case: int, place: int = 0) -> Picture | None:
        """Return the map of importance over a case's image; of a class that the scan follows."""
        # an earlier report has axes and a colour bar in the one, and the map alone in the other
        return self.picture(case, occlusion_kind("glance", place)) or self.picture(
            case, occlusion_kind("importance", place)
        )

    def common_scale(self, kind: str) -> ColourScale | None:
        """Return what the colours of a kind of picture stand for, where it is the same in all cases."""
        found = {shown.scale for index, _ in self.cases if (shown := self.picture(index, kind))}
        return found.pop() if len(found) == 1 else None

    @property
    def has_regions(self) -> bool:
        """Whether any case has strong regions."""
        return any(case.regions and case.regions.regions for case in self.report.cases)

    def grid(self, case: int, layer: LayerView) -> Picture:
        """Return the feature-map grid of a layer for a case."""
        return self.pictures[layer_picture_name(case, layer.index, layer.name)]


def bare_page(report: Report) -> Page:
    """Return what templates see that stand in no page of their own: without style and script."""
    nothing = Asset(SafeHtml(""))
    return Page(report=report, style=nothing, script=nothing)
