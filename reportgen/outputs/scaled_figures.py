"""Pictures whose colours carry numbers, each as a file that shows its colour bar: outside a page nothing else does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.page import bare_page
from reportgen.report.picture import Picture, case_picture_name, occlusion_kind
from reportgen.report.report import CaseReport, Report


@dataclass(frozen=True)
class _Figure:
    """What the template sees: a picture, and the case whose regions are outlined on it."""

    picture: Picture
    index: int
    case: CaseReport | None

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def height(self) -> int:
        return self.picture.height

    @property
    def data(self) -> str:
        return base64.b64encode(self.picture.data).decode()


def scaled_figures(report: Report) -> dict[str, bytes]:
    """Return for each picture with a scale an SVG of it, its colour bar and the outlines of regions, by file name."""
    template = environment().get_template("standalone.svg.j2")
    page = bare_page(report)
    return {
        figure.picture.scaled_name: template.render(figure=figure, page=page, report=report).encode()
        for figure in _figures(report)
    }


def _figures(report: Report) -> Iterator[_Figure]:
    maps = {case_picture_name(index, occlusion_kind("importance")): index for index in range(len(report.cases))}
    for picture in report.pictures:
        if picture.scale is not None:
            index = maps.get(picture.name)
            case = None if index is None else report.cases[index]
            outlined = case is not None and case.regions is not None and case.occlusion is not None
            yield _Figure(picture, index or 0, case if outlined else None)
