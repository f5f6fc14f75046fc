"""The occlusion scan: cover a patch, look at the score, move on.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014 (arXiv:1311.2901), section
4.2.

Definition: patches of full size stand at 0, stride, 2 * stride, ... and one flush with the border, so every pixel is
covered. The fill is in raw-image units and is applied after resizing and before preprocessing. Importance of a
position is score(image) - score(occluded image); importance of a pixel is the mean over the patches that cover it.
Signed, never stretched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, trace
from reportgen.analysis.occlusion.engines import Outcome, run_engine
from reportgen.analysis.occlusion.patches import Geometry, pixel_importance, plan_scan
from reportgen.report.evidence import OcclusionMap, StrongestPatch
from reportgen.settings.report import OcclusionSettings
from reportgen.system.errors import SettingsError

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Scan:
    """A scan of one case.

    Attributes
    ----------
    geometry
        The positions.
    fill
        What covers the image, ``(H, W, C)`` in raw-image units.
    scores
        ``(rows, columns)`` raw scores of the target class.
    base_score
        Score of the untouched image.
    importance
        ``(H, W)`` map over pixels.
    summary
        The same as part of a report.
    """

    geometry: Geometry
    fill: NDArray[np.float32]
    scores: Scores
    base_score: float
    importance: Scores
    summary: OcclusionMap


def make_fill(
    pixels: NDArray[np.generic], settings: OcclusionSettings
) -> tuple[NDArray[np.float32], tuple[float, ...] | None]:
    """Return what covers an image, ``(H, W, C)`` in raw-image units, and its colour where it has one.

    Raises
    ------
    SettingsError
        When the colour has a number of values other than 1 or 3.
    """
    image = pixels.astype(np.float32)
    channels = image.shape[2]
    if settings.fill == "blur":
        return _blurred(image), None
    if settings.fill == "mean":
        colour = image.mean(axis=(0, 1), dtype=np.float64)
    else:
        colour = np.asarray(settings.fill, np.float64)
        if len(colour) not in (1, 3):
            raise SettingsError(f"occlusion.fill has {len(colour)} values", "give [r, g, b] or [gray], 0 to 255")
        if len(colour) == 3 and channels == 1:
            colour = np.array([colour @ (0.299, 0.587, 0.114)])
        colour = np.broadcast_to(colour, channels)
    return np.broadcast_to(colour.astype(np.float32), image.shape), tuple(float(value) for value in colour)


def scan(
    model: Any,
    images: Sequence[NDArray[np.generic]],
    *,
    prepare: Callable[[NDArray[np.generic]], NDArray[np.float32]],
    scores_of: Callable[[NDArray[np.floating]], Scores],
    targets: Sequence[Sequence[int]],
    class_names: Sequence[str],
    settings: OcclusionSettings,
    on_progress: Callable[[int], object] | None = None,
    outputs: NDArray[np.float32] | None = None,
    graph: Graph | None = None,
) -> list[tuple[Scan, ...]]:
    """Scan several images with one model.

    Parameters
    ----------
    model
        Keras model, ``(N, H, W, C)`` to ``(N, K)``.
    images
        Each ``(H, W, C)`` at the model's size, in raw-image units.
    prepare
        From raw-image units to model units (preprocessing).
    scores_of
        From raw outputs to scores of classes ``(N, classes)``.
    targets
        For each image the numbers of the classes to follow: the passes are the same however many there are.
    class_names
        Names of the classes.
    settings
        Patch, stride, fill, engine, memory.
    on_progress
        Told the number of positions done since it was last told.
    graph
        The model, traced; None: it is traced now.

    Returns
    -------
    list of tuple of Scan
        In the order of ``images``; one for each class to follow.

    Raises
    ------
    SettingsError
        When patch, stride or fill don't fit.
    """
    geometry = plan_scan((int(images[0].shape[0]), int(images[0].shape[1])), settings)
    fills = [make_fill(image, settings) for image in images]
    outcome = run_engine(
        model,
        graph or trace(model),
        images,
        fills=[fill for fill, _ in fills],
        geometry=(geometry.rows, geometry.columns, geometry.patch),
        prepare=prepare,
        settings=settings,
        on_progress=on_progress or (lambda _: None),
        outputs=outputs,
    )
    scans = []
    for table, (fill, colour), followed in zip(outcome.tables, fills, targets, strict=True):
        scores, found = scores_of(table), []
        for target in followed:
            base, *rest = scores[:, target]
            grid = np.reshape(rest, (len(geometry.rows), len(geometry.columns)))
            importance = pixel_importance(base - grid, geometry, (images[0].shape[0], images[0].shape[1]))
            summary = _summary(geometry, settings, colour, class_names[target], grid, float(base), importance, outcome)
            found.append(Scan(geometry, fill, grid, float(base), importance, summary))
        scans.append(tuple(found))
    return scans


def _summary(
    geometry: Geometry,
    settings: OcclusionSettings,
    colour: tuple[float, ...] | None,
    target: str,
    grid: Scores,
    base: float,
    importance: Scores,
    outcome: Outcome,
) -> OcclusionMap:
    change = np.where(np.isfinite(grid), base - grid, 0)
    strongest = int(np.abs(change).argmax())
    known = importance[np.isfinite(importance)]
    top, left = geometry.position(strongest)
    row, column = divmod(strongest, len(geometry.columns))
    return OcclusionMap(
        patch=geometry.patch,
        stride=geometry.stride,
        fill=settings.fill,
        fill_colour=colour,
        target_class=target,
        rows=len(geometry.rows),
        columns=len(geometry.columns),
        row_starts=geometry.rows,
        column_starts=geometry.columns,
        scores=tuple(tuple(float(score) for score in line) for line in grid),
        base_score=base,
        importance_minimum=float(known.min()) if known.size else 0.0,
        importance_maximum=float(known.max()) if known.size else 0.0,
        strongest=StrongestPatch(row=row, column=column, top=top, left=left, importance=float(change.flat[strongest])),
        engine=outcome.engine,
        estimated_speedup=outcome.estimated_speedup,
        arithmetic_bound=outcome.arithmetic_bound,
        checked_positions=outcome.checked,
        largest_difference=outcome.largest_difference,
    )


def _blurred(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over a window of a fifth of each side, twice: close to a Gaussian, borders mirrored."""
    for axis in (0, 1):
        for _ in range(2):
            image = _box_mean(image, axis, max(1, image.shape[axis] // 10))
    return image


def _box_mean(image: NDArray[np.float32], axis: int, reach: int) -> NDArray[np.float32]:
    widths = [(0, 0)] * image.ndim
    widths[axis] = (reach + 1, reach)
    sums = np.cumsum(np.pad(image, widths, mode="symmetric"), axis=axis, dtype=np.float64)
    size, window = image.shape[axis], 2 * reach + 1
    high, low = (np.take(sums, np.arange(start, start + size), axis=axis) for start in (window, 0))
    return ((high - low) / window).astype(np.float32)
