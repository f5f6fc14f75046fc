"""Shared by the tests of the figures: layers and scans written down, and pictures decoded again."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from reportgen.report.evidence import OcclusionMap, OcclusionScan, StrongestPatch
from reportgen.report.layer import ChannelStatistics, LayerReport
from reportgen.report.picture import Picture


@pytest.fixture(scope="session")
def layer_of() -> Callable[..., LayerReport]:
    """Write down the layer that maps ``(H, W, C)`` belong to."""

    def make(maps: np.ndarray, dead: tuple[int, ...] = (), lost: tuple[int, ...] = ()) -> LayerReport:
        height, width, channels = maps.shape
        zeros, nothing = (0.0,) * channels, (None,) * channels
        return LayerReport(
            name="conv", channels=channels, height=height, width=width, minimum=float(maps.min()),
            maximum=float(maps.max()), dead_channels=dead, not_finite_channels=lost,
            statistics=ChannelStatistics(
                minimum=zeros, maximum=zeros, mean=zeros, standard_deviation=zeros, edge_correlation=nothing,
                input_correlation=nothing, contrast=nothing, sharpness=nothing,
            ),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def scan_of() -> Callable[..., OcclusionMap]:
    """Write down a scan of a 20 x 40 input with 2 x 3 positions of a patch 6 high and 10 wide."""

    def make(
        scores: tuple[tuple[float, ...], ...] = ((0.5, 0.6, 0.7), (0.8, 0.1, 0.9)),
        importance: tuple[float, float] = (-0.2, 0.6),
        target: str = "PNEUMONIA",
        unit: str = "bits",
        base: float = 0.7,
        count: int = 1,
    ) -> OcclusionMap:
        strongest = StrongestPatch(row=1, column=1, top=8, left=24, importance=importance[1], score=0.1)
        scan = OcclusionScan(
            patch=(6, 10), stride=(8, 12), fill="mean", fill_colour=(1.0,), row_starts=(0, 8),
            column_starts=(0, 24, 30), scores=scores,
            evidence=tuple(tuple(10 * one for one in line) for line in scores),
        )  # fmt: skip
        return OcclusionMap(
            target_class=target, unit=unit, size=(20, 40), base_score=0.7, base_evidence=base,
            importance_minimum=importance[0], importance_maximum=importance[1], strongest=strongest,
            scans=(scan,) * count, weights=(1 / count,) * count, engine="full",
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def decode() -> Callable[[Picture], np.ndarray]:
    """Decode a picture as RGB or RGBA and check that its size is the one it tells."""

    def decoded(picture: Picture, mode: str = "RGB") -> np.ndarray:
        with Image.open(io.BytesIO(picture.data)) as image:
            assert image.get_format_mimetype() == picture.media_type
            assert image.size == (picture.width, picture.height)
            # by way of RGBA: what is transparent in a palette has no RGB of its own
            return np.asarray(image.convert("RGBA").convert(mode))

    return decoded
