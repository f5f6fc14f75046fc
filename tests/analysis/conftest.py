"""Shared by the tests of the analysis: feature maps measured without a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reportgen.analysis.channels import measure_layer, reference_of
from reportgen.report.evidence import OcclusionMap, OcclusionScan, StrongestPatch
from reportgen.report.layer import LayerReport
from reportgen.report.report import CaseReport, Prediction


@pytest.fixture(scope="session")
def measured(picture) -> Callable[..., LayerReport]:
    """Measure maps ``(H, W, C)`` as a layer of the picture."""

    def measure(maps: np.ndarray, name: str = "layer") -> LayerReport:
        return measure_layer(name, maps, reference_of(picture))

    return measure


@pytest.fixture(scope="session")
def make_case() -> Callable[..., CaseReport]:
    """Make a case of a 20 x 30 input whose scan has 2 x 3 positions of a patch 10 x 12."""

    def make(
        label: str | None = "NORMAL",
        *,
        score: float = 0.75,
        grid: tuple[tuple[float, ...], ...] | None = ((0.75, 0.75, 0.75), (0.75, 0.25, 0.5)),
        layers: tuple[LayerReport, ...] = (),
        correct: bool | None = True,
    ) -> CaseReport:
        found = None
        if grid is not None:
            with np.errstate(divide="ignore"):
                evidence, base = (np.log2(one) - np.log2(1 - one) for one in (np.asarray(grid), np.float64(score)))
            importance = np.nan_to_num(base - evidence)
            row, column = np.unravel_index(np.abs(importance).argmax(), importance.shape)
            scan = OcclusionScan(
                patch=(10, 12), stride=(10, 9), fill="mean", fill_colour=(0.0,), row_starts=(0, 10),
                column_starts=(0, 9, 18), scores=grid, evidence=tuple(map(tuple, evidence.tolist())),
            )  # fmt: skip
            found = OcclusionMap(
                target_class="PNEUMONIA", unit="bits", size=(20, 30), base_score=score, base_evidence=float(base),
                importance_minimum=float(importance.min()), importance_maximum=float(importance.max()),
                strongest=StrongestPatch(
                    row=int(row), column=int(column), top=10 * int(row), left=9 * int(column),
                    importance=float(importance[row, column]), score=grid[row][column],
                ),
                scans=(scan,), weights=(1.0,), engine="full",
            )  # fmt: skip
        return CaseReport(
            label=label, name="file.png", sha256="0", kind="PNG", height=20, width=30, notes=(),
            predictions=(Prediction(class_name="PNEUMONIA", score=score),), correct=correct, target_class="PNEUMONIA",
            tensors=(), occlusion=found, layers=layers,
        )  # fmt: skip

    return make
