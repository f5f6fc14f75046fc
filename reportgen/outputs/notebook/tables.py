"""Numbers of a report as pandas data frames: the same numbers as on the page and in report.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reportgen.report.evidence import OcclusionMap
from reportgen.report.layer import LayerReport
from reportgen.report.report import CaseReport, said
from reportgen.system.errors import ReportgenError
from reportgen.system.libraries import install_extra

if TYPE_CHECKING:
    from pandas import DataFrame

_STATISTICS = (
    "minimum", "maximum", "mean", "standard_deviation", "edge_correlation", "input_correlation", "contrast",
    "sharpness",
)  # fmt: skip


def make_table(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Return rows as a data frame.

    Raises
    ------
    ReportgenError
        When pandas isn't installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ReportgenError("tables need pandas, which isn't installed", install_extra("notebook")) from None
    return pd.DataFrame(list(rows))


def case_row(case: CaseReport) -> dict[str, Any]:
    """Return what a table of cases says of one."""
    found = case.occlusion
    return {
        "case": case.title,
        "label": case.label,
        "predicted": said(case),
        "score": case.predictions[0].score,
        "correct": case.correct,
        "target": case.target_class,
        "evidence": found.base_evidence if found else None,
        "unit": found.unit if found else None,
    }


def position_rows(found: OcclusionMap) -> list[dict[str, Any]]:
    """Return each position of each scan: patch, fill, place, score, evidence, importance."""
    return [
        {
            "patch_height": scan.patch[0],
            "patch_width": scan.patch[1],
            "fill": scan.fill if isinstance(scan.fill, str) else ", ".join(f"{part:g}" for part in scan.fill),
            "top": top,
            "left": left,
            "score": scan.scores[row][column],
            "evidence": scan.evidence[row][column],
            "importance": found.base_evidence - scan.evidence[row][column],
        }
        for scan in found.scans
        for row, top in enumerate(scan.row_starts)
        for column, left in enumerate(scan.column_starts)
    ]


def channel_rows(case: str, layer: LayerReport, channels: Sequence[int]) -> list[dict[str, Any]]:
    """Return what was measured of some channels of a layer on a case."""
    return [
        {"case": case, "layer": layer.name, "channel": channel}
        | {name: getattr(layer.statistics, name)[channel] for name in _STATISTICS}
        | {"dead": channel in layer.dead_channels}
        for channel in channels
    ]
