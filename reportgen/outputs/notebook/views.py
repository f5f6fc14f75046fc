"""A report in a notebook: it shows itself, and so do its cases and their evidence, with arrays and tables behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.outputs.notebook.html import ShownPicture, SmallView, embed_page, render_view
from reportgen.outputs.notebook.layers import LayerView, LayerViews, MapSource
from reportgen.outputs.notebook.tables import case_row, make_table, position_rows
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.report_files import SavableReport
from reportgen.report.evidence import OcclusionMap
from reportgen.report.picture import Picture, case_picture_name, layer_picture_name, occlusion_kind
from reportgen.report.report import CaseReport, readable, said
from reportgen.system.errors import ReportgenError

if TYPE_CHECKING:
    from pandas import DataFrame

_COLOURS = "Red: covering this place lowers the evidence; blue: it raises it."
_SIDE = 220


@dataclass(frozen=True)
class EvidenceView:
    """The evidence of one case: where the model looked.

    Attributes
    ----------
    case
        The case that it is of.
    found
        The scans and how they make one map.
    pictures
        Those of the report that show it.
    """

    case: CaseReport
    found: OcclusionMap
    pictures: tuple[Picture, ...]

    def importance_map(self) -> NDArray[np.float64]:
        """Return how much each pixel matters to the target class, ``(H, W)``, as :class:`CaseReport` gives it."""
        return self.case.importance_map()

    def table(self) -> DataFrame:
        """Return each position of each scan, with its score, evidence and importance.

        Raises
        ------
        ReportgenError
            When pandas isn't installed.
        """
        return make_table(position_rows(self.found))

    def _repr_html_(self) -> str:
        found = self.found
        unit = " bits" if found.in_bits else ""
        line = (
            f"{found.followed}: {readable(found.base_evidence)}{unit}; map from {readable(found.importance_minimum)} "
            f"to {readable(found.importance_maximum)}{unit}, {found.positions:,} positions in {len(found.scans)} scan"
            + "s"
            * (len(found.scans) > 1)
        )
        shown = tuple(ShownPicture(picture=one, caption=one.caption) for one in self.pictures)
        return render_view(SmallView(title=f"Evidence: {self.case.title}", lines=(line, _COLOURS), pictures=shown))

    def __repr__(self) -> str:
        return f"<evidence of {self.case.title!r} for {self.found.target_class!r}>"


class CaseView(CaseReport):
    """A case of a report that shows itself, see :class:`CaseReport`."""

    _pictures: dict[str, Picture]
    _source: MapSource

    @classmethod
    def of(cls, case: CaseReport, pictures: Mapping[str, Picture], source: MapSource) -> CaseView:
        """Return a case with its pictures, by the kind of each, and what computes its activations."""
        view = cls(**{item.name: getattr(case, item.name) for item in fields(case)})
        # no fields: they aren't part of the report that is saved
        object.__setattr__(view, "_pictures", dict(pictures))
        object.__setattr__(view, "_source", source)
        return view

    @property
    def evidence(self) -> EvidenceView:
        """Where the model looked.

        Raises
        ------
        ReportgenError
            When the report was made without an occlusion scan.
        """
        if self.occlusion is None:
            raise ReportgenError(f"the report has no occlusion scan of '{self.title}'", "explain with occlusion")
        kinds = (occlusion_kind("importance"), occlusion_kind("strongest"))
        return EvidenceView(self, self.occlusion, tuple(self._pictures[one] for one in kinds if one in self._pictures))

    def table(self) -> DataFrame:
        """Return the predictions: class and score.

        Raises
        ------
        ReportgenError
            When pandas isn't installed.
        """
        return make_table([{"class": one.class_name, "score": one.score} for one in self.predictions])

    def _repr_html_(self) -> str:
        found = self.occlusion
        told = "" if self.correct is None else ", as labelled" if self.correct else ", not as labelled"
        lines = [f"{said(self)} {readable(self.predictions[0].score)}{told}"]
        if found:
            unit = " bits" if found.in_bits else ""
            lines.append(f"{found.followed}: {readable(found.base_evidence)}{unit}")
        kinds = (
            ("input", "as the model gets it"),
            (occlusion_kind("importance"), f"where the model looked. {_COLOURS}"),
        )
        shown = tuple(
            ShownPicture(picture=self._pictures[kind], caption=caption, side=_SIDE)
            for kind, caption in kinds
            if kind in self._pictures
        )
        rows = tuple((one.class_name, readable(one.score)) for one in self.predictions)
        return render_view(
            SmallView(title=self.title, lines=tuple(lines), pictures=shown, header=("class", "score"), rows=rows)
        )

    def __repr__(self) -> str:
        return f"<case {self.title!r}: {said(self)} {readable(self.predictions[0].score)}>"


class ExplainedReport(SavableReport):
    """A report in a notebook: shows itself, and gives arrays and tables of all that it shows.

    What it holds: everything that a report holds, the images as the model gets them, and the model itself, so that
    activations can be computed again; of these, one layer's at most stay in memory.
    """

    cases: tuple[CaseView, ...]

    @classmethod
    def of(cls, report: SavableReport, source: MapSource) -> ExplainedReport:
        """Return a report whose parts show themselves."""
        values = {item.name: getattr(report, item.name) for item in fields(report)}
        kept = {picture.name: picture for picture in report.pictures}
        values["cases"] = tuple(
            CaseView.of(case, {name.removeprefix(start): kept[name] for name in kept if name.startswith(start)}, source)
            for number, case in enumerate(report.cases)
            for start in [case_picture_name(number, "")]
        )
        return cls(**values)

    @property
    def layers(self) -> LayerViews:
        """The shown layers, by name."""
        views = []
        case = self.cases[0]
        for place, first in enumerate(case.layers):
            grids = [self.picture(layer_picture_name(at, place, first.name)) for at in range(len(self.cases))]
            reports, titles = zip(*((one.layers[place], one.title) for one in self.cases), strict=True)
            views.append(LayerView(first.name, reports, titles, tuple(grids), case._source))
        return LayerViews(views)

    def table(self) -> DataFrame:
        """Return what the model says of each case.

        Raises
        ------
        ReportgenError
            When pandas isn't installed.
        """
        return make_table([case_row(case) for case in self.cases])

    def show(self, height: int) -> FramedPage:
        """Return the page at a height in CSS pixels, for a cell where its own doesn't suit."""
        return FramedPage(self, height)


@dataclass(frozen=True)
class FramedPage:
    """A report's page in a frame of a given height."""

    report: SavableReport
    height: int

    def _repr_html_(self) -> str:
        return embed_page(render_html(self.report, embedded=True), self.report.title, self.height)

    def __repr__(self) -> str:
        return repr(self.report)
