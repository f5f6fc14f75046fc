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
from reportgen.report.evidence import OcclusionMap, StrongestPatch
from reportgen.settings.report import OcclusionSettings
from reportgen.system.errors import SettingsError

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """Where the patch stands: its (height, width), the stride, and the first row and column of every position."""

    patch: tuple[int, int]
    stride: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.rows) * len(self.columns)

    def position(self, index: int) -> tuple[int, int]:
        """Return (top, left) of a position, counted row by row."""
        return self.rows[index // len(self.columns)], self.columns[index % len(self.columns)]


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


def plan_scan(size: tuple[int, int], settings: OcclusionSettings) -> Geometry:
    """Lay out the positions.

    Parameters
    ----------
    size
        (height, width) of the model's input.
    settings
        Patch and stride; defaults: a tenth of each side, a third of the patch.

    Raises
    ------
    SettingsError
        When the patch is larger than the image, or the stride larger than the patch (pixels would be left out).
    """
    patch = _pair(settings.patch) or (max(1, round(size[0] / 10)), max(1, round(size[1] / 10)))
    stride = _pair(settings.stride) or (max(1, round(patch[0] / 3)), max(1, round(patch[1] / 3)))
    if patch[0] > size[0] or patch[1] > size[1]:
        raise SettingsError(
            f"occlusion.patch {patch[0]} x {patch[1]} is larger than the model's input {size[0]} x {size[1]}",
            "choose a smaller patch",
        )
    if stride[0] > patch[0] or stride[1] > patch[1]:
        raise SettingsError(
            f"occlusion.stride {stride[0]} x {stride[1]} is larger than the patch {patch[0]} x {patch[1]}",
            "choose a stride up to the patch, so that every pixel is covered",
        )
    starts = (_starts(size[0], patch[0], stride[0]), _starts(size[1], patch[1], stride[1]))
    return Geometry(patch, stride, *starts)


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


def pixel_importance(importance: Scores, geometry: Geometry, size: tuple[int, int]) -> Scores:
    """Spread importance from positions to pixels: the mean over the patches that cover a pixel.

    Parameters
    ----------
    importance
        ``(rows, columns)``; what isn't finite is left out of the means.
    geometry
        The positions.
    size
        (height, width) of the image.

    Returns
    -------
    ndarray
        ``(H, W)``; NaN where no patch that covers the pixel gave a number.
    """
    # positions form a product of rows and columns, so the sums over covering patches are two matrix products
    down = _coverage(geometry.rows, geometry.patch[0], size[0])
    across = _coverage(geometry.columns, geometry.patch[1], size[1])
    known = np.isfinite(importance)
    if known.all():
        return np.asarray(down.T @ importance @ across / np.outer(down.sum(axis=0), across.sum(axis=0)))
    counts = down.T @ known.astype(np.float64) @ across
    with np.errstate(invalid="ignore"):
        return np.asarray(down.T @ np.where(known, importance, 0) @ across / counts)


def occlude(
    pixels: NDArray[np.generic], fill: NDArray[np.float32], position: tuple[int, int], patch: tuple[int, int]
) -> NDArray[np.float32]:
    """Return an image with one patch covered, in raw-image units."""
    image = pixels.astype(np.float32)
    window = np.s_[position[0] : position[0] + patch[0], position[1] : position[1] + patch[1]]
    image[window] = fill[window]
    return image


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


def _pair(value: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (value, value) if isinstance(value, int) else value


def _starts(side: int, patch: int, stride: int) -> tuple[int, ...]:
    last = side - patch
    starts = list(range(0, last + 1, stride))
    return tuple(starts if starts[-1] == last else [*starts, last])


def _coverage(starts: Sequence[int], patch: int, side: int) -> Scores:
    pixels = np.arange(side)
    first = np.asarray(starts)[:, None]
    return ((pixels >= first) & (pixels < first + patch)).astype(np.float64)


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
