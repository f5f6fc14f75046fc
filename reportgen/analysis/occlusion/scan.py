"""The occlusion scan: cover a patch, look at the evidence, move on.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014 (arXiv:1311.2901), section
4.2.

Definition: patches of full size stand at 0, stride, 2 * stride, ... and one flush with the border, so every pixel is
covered. The fill is in raw-image units and is applied after resizing and before preprocessing. Importance of a
position is evidence(image) - evidence(occluded image); importance of a pixel in a scan is the mean over the patches
that cover it. A case has a scan for each patch and fill; its map is their weighted mean. Signed, never stretched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph
from reportgen.analysis.occlusion.combine import (
    BLOCK_SIZES,
    GIVEN,
    SINGLE,
    Combination,
    Tried,
    choose_combinations,
    random_coverings,
)
from reportgen.analysis.occlusion.engines import Outcome, Work, differs, run_engine
from reportgen.analysis.occlusion.full import batch_size, run_batches
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.occlusion.patches import Geometry, plan_scans
from reportgen.analysis.predictions import Head
from reportgen.analysis.weight_of_evidence import Readout
from reportgen.report.evidence import OcclusionMap, OcclusionScan, StrongestPatch
from reportgen.report.importance import combined_importance, scan_importance
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.settings.values import Fill
from reportgen.system.errors import SettingsError
from reportgen.system.language import say

_FAR = 80  # of 255, the mean over the channels
FEW = 16  # images run whole at once: what stays in the processor's cache is faster
Scores = NDArray[np.float64]
Colour = tuple[float, ...]


@dataclass(frozen=True)
class Scan:
    """The scans of one case for one class, and the map they make.

    Attributes
    ----------
    geometries
        The positions of each patch.
    fills
        What covers the image, ``(H, W, C)`` in raw-image units, of each fill.
    importance
        ``(H, W)`` map over pixels, in the unit of the summary.
    summary
        The same as part of a report: scores and evidence of every position.
    readout
        How what came out was read: whether up to the logits.
    """

    geometries: tuple[Geometry, ...]
    fills: tuple[NDArray[np.float32], ...]
    importance: Scores
    summary: OcclusionMap
    readout: Readout


def make_fill(pixels: NDArray[np.generic], fill: Fill) -> tuple[NDArray[np.float32], Colour | None]:
    """Return what covers an image, ``(H, W, C)`` in raw-image units, and its colour where it has one.

    Raises
    ------
    SettingsError
        When the colour has a number of values other than 1 or 3.
    """
    image = pixels.astype(np.float32)
    channels = image.shape[2]
    if fill == "blur":
        return _blurred(image), None
    if fill == "mean":
        colour = image.mean(axis=(0, 1), dtype=np.float64)
    else:
        colour = np.asarray(fill, np.float64)
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
    head: Head,
    targets: Sequence[Sequence[int]],
    settings: OcclusionSettings,
    on_progress: Callable[[int], object] | None = None,
    outputs: NDArray[np.float32] | None = None,
    geometries: Sequence[Geometry] = (),
    weights: Sequence[tuple[float, ...]] = (),
) -> list[tuple[Scan, ...]]:
    """Scan several images with one model.

    What is prepared for a model is kept as long as the model itself, so that a second scan starts at once.

    Parameters
    ----------
    model
        Keras model, ``(N, H, W, C)`` to ``(N, K)``.
    images
        Each ``(H, W, C)`` at the model's size, in raw-image units.
    prepare
        From raw-image units to model units (preprocessing).
    head
        What the outputs are.
    targets
        For each image the numbers of the classes to follow: the passes are the same however many there are.
    settings
        Patches, strides, fills, engine, memory.
    on_progress
        Told the number of positions done since it was last told.
    outputs
        What the model gives for the untouched images ``(N, K)``; None: it is run.
    geometries
        Where the patches stand, one for each; none: as the settings say.
    weights
        For each image those of its scans in its maps; none: random coverings tell.

    Returns
    -------
    list of tuple of Scan
        In the order of ``images``; one for each class to follow.

    Raises
    ------
    SettingsError
        When patch, stride or fill don't fit.
    """
    size = (int(images[0].shape[0]), int(images[0].shape[1]))
    geometries = tuple(geometries) or plan_scans(size, settings)
    made = [[make_fill(image, fill) for fill in settings.fills] for image in images]
    work = Work(
        images,
        [[fill for fill, _ in fills] for fills in made],
        [(one.rows, one.columns, one.patch) for one in geometries],
        prepare,
    )
    if outputs is None:
        inputs = np.stack([prepare(image) for image in images])
        outputs = np.asarray(model(inputs, training=False), np.float32).reshape(len(images), -1)
    graph, readout, outcome = _run(model, work, head, settings, on_progress or (lambda _: None), outputs)
    readings = [
        _Reading(readout, tables, target, size, _notes_on_fills(image, settings.fills, fills))
        for image, fills, tables, followed in zip(images, made, outcome.tables, targets, strict=True)
        for target in followed
    ]
    owners = [number for number, followed in enumerate(targets) for _ in followed]
    colours = [[colour for _, colour in fills] for fills in made]
    scans = [
        _scans(reading, geometries, settings.fills, colours[owner])
        for reading, owner in zip(readings, owners, strict=True)
    ]
    combinations = [Combination(SINGLE, (1.0,)) for _ in readings]
    if weights:
        combinations = [Combination(GIVEN, weights[owner]) for owner in owners]
    elif len(scans[0]) > 1:
        coverings = _try_coverings(model, graph, work, min(FEW, batch_size(model, settings.memory // 2)))
        combinations = _combined(readings, scans, geometries, settings.fills, [coverings[owner] for owner in owners])
    found: list[list[Scan]] = [[] for _ in images]
    for owner, reading, own, combination in zip(owners, readings, scans, combinations, strict=True):
        summary, importance = _summary(reading, own, combination, outcome)
        found[owner].append(Scan(geometries, tuple(work.fills[owner]), importance, summary, readout))
    return [tuple(of_image) for of_image in found]


def _run(
    model: Any,
    work: Work,
    head: Head,
    settings: OcclusionSettings,
    on_progress: Callable[[int], object],
    outputs: NDArray[np.float32],
) -> tuple[Graph, Readout, Outcome]:
    """Run all positions up to the logits, or, where these aren't to be had, to the outputs."""
    known = known_model(model)
    cut = known.logits(head.kind)
    if cut is not None:
        readout = Readout(head, cut=True)
        outcome = run_engine(
            model, known, cut, work, readout=readout, settings=settings, on_progress=on_progress, outputs=outputs
        )
        found = np.stack([readout.outputs(of_image[0][:1])[0] for of_image in outcome.tables])
        if not differs(found, outputs):
            return cut, readout, outcome
        on_progress = lambda _: None  # noqa: E731 - all positions were told once
    readout = Readout(head)
    outcome = run_engine(
        model, known, known.graph, work, readout=readout, settings=settings, on_progress=on_progress, outputs=outputs
    )
    return known.graph, readout, outcome


def _try_coverings(model: Any, graph: Graph, work: Work, size: int) -> list[NDArray[np.float32]]:
    """Return for each image the raw outputs ``(N, K)`` under coverings, which take turns with its fills."""
    forward = known_model(model).forward(model, graph, (size, *work.images[0].shape))
    masks = random_coverings((int(work.images[0].shape[0]), int(work.images[0].shape[1])))
    found = []
    for image, fills in zip(work.images, work.fills, strict=True):
        under, over = work.prepare(image), [work.prepare(fill) for fill in fills]
        # blocks of three sizes take turns, too: each meets each fill
        covered = [
            np.where(mask[..., None], over[turn // BLOCK_SIZES % len(over)], under) for turn, mask in enumerate(masks)
        ]
        found.append(run_batches(forward, covered, size))
    return found


@dataclass(frozen=True)
class _Reading:
    """What came out for one image, read for one class: raw outputs ``(1 + positions, K)`` of each fill."""

    readout: Readout
    tables: Sequence[NDArray[np.float32]]
    target: int
    size: tuple[int, int]
    fill_notes: tuple[str, ...] = ()

    @property
    def base_score(self) -> float:
        return _short(self.readout.scores(self.tables[0][:1])[0, self.target])

    @property
    def base(self) -> float:
        return _short(self.readout.evidence(self.tables[0][:1])[0, self.target])


def _scans(
    reading: _Reading, geometries: Sequence[Geometry], fills: Sequence[Fill], colours: Sequence[Colour | None]
) -> list[OcclusionScan]:
    """Return the scans of one image and class, patch by patch, fill by fill."""
    readout, ends = reading.readout, np.cumsum([one.count for one in geometries])[:-1]
    by_fill = []
    for fill, colour, table in zip(fills, colours, reading.tables, strict=True):
        scores, evidence = readout.scores(table), readout.evidence(table[1:])[:, reading.target]
        parts = zip(geometries, np.split(scores[1:, reading.target], ends), np.split(evidence, ends), strict=True)
        made = [_one_scan(geometry, fill, colour, *numbers) for geometry, *numbers in parts]
        if readout.head.chooses:
            chosen = scores.argmax(axis=1) == reading.target
            turned = (chosen[1:] != chosen[0]) & np.isfinite(scores[1:]).all(axis=1)
            turns = [tuple(np.flatnonzero(part).tolist()) for part in np.split(turned, ends)]
            made = [replace(one, flipping=own) for one, own in zip(made, turns, strict=True)]
        by_fill.append(made)
    return [scan for of_patch in zip(*by_fill, strict=True) for scan in of_patch]


def _summary(
    reading: _Reading, scans: Sequence[OcclusionScan], combination: Combination, outcome: Outcome
) -> tuple[OcclusionMap, Scores]:
    """Return what a report says of one image and class, and the map of importance."""
    readout = reading.readout
    found = OcclusionMap(
        target_class=readout.head.class_names[reading.target],
        unit=readout.unit,
        size=reading.size,
        base_score=reading.base_score,
        base_evidence=reading.base,
        importance_minimum=0.0,
        importance_maximum=0.0,
        strongest=_strongest(scans, reading.base),
        scans=tuple(scans),
        weights=combination.weights,
        combination=combination.name,
        agreement=combination.agreement,
        engine=outcome.engine,
        estimated_speedup=outcome.estimated_speedup,
        arithmetic_bound=outcome.arithmetic_bound,
        checked_positions=outcome.checked,
        largest_difference=outcome.largest_difference,
        notes=(*readout.notes(np.concatenate(reading.tables)), *reading.fill_notes),
    )
    importance = combined_importance(found)
    known = importance[np.isfinite(importance)]
    if not known.size:
        return found, importance
    return replace(found, importance_minimum=float(known.min()), importance_maximum=float(known.max())), importance


def _one_scan(geometry: Geometry, fill: Fill, colour: Colour | None, scores: Scores, evidence: Scores) -> OcclusionScan:
    def grid(values: Scores) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(map(_short, line)) for line in values.reshape(len(geometry.rows), -1))

    return OcclusionScan(
        patch=geometry.patch,
        stride=geometry.stride,
        fill=fill,
        fill_colour=colour,
        row_starts=geometry.rows,
        column_starts=geometry.columns,
        scores=grid(scores),
        evidence=grid(evidence),
    )


def _short(value: float) -> float:
    """Return a number with as many digits as single precision has, and a few to spare."""
    return float(f"{value:.9g}")


def _combined(
    readings: Sequence[_Reading],
    scans: Sequence[Sequence[OcclusionScan]],
    geometries: Sequence[Geometry],
    fills: Sequence[Fill],
    coverings: Sequence[NDArray[np.float32]],
) -> list[Combination]:
    tried = [
        Tried(
            [scan_importance(one, reading.base, reading.size) for one in own],
            reading.base - reading.readout.evidence(outputs)[:, reading.target],
        )
        for reading, own, outputs in zip(readings, scans, coverings, strict=True)
    ]
    each = [geometry for geometry in geometries for _ in fills]
    return choose_combinations(tried, each, [one.fill for one in scans[0]], random_coverings(readings[0].size))


def _strongest(scans: Sequence[OcclusionScan], base: float) -> StrongestPatch:
    """Return the patch that changed the evidence most, among those of the smallest patch."""
    least = min(scan.patch[0] * scan.patch[1] for scan in scans)
    best: StrongestPatch | None = None
    for number, one in enumerate(scans):
        if one.patch[0] * one.patch[1] > least:
            continue
        evidence = np.asarray(one.evidence)
        change = np.where(np.isfinite(evidence), base - evidence, 0)
        row, column = divmod(int(np.abs(change).argmax()), one.columns)
        if best is None or abs(change[row, column]) > abs(best.importance):
            best = StrongestPatch(
                scan=number, row=row, column=column, top=one.row_starts[row], left=one.column_starts[column],
                importance=float(change[row, column]), score=one.scores[row][column],
            )  # fmt: skip
    assert best is not None  # noqa: S101 - there is a scan
    return best


def _notes_on_fills(
    image: NDArray[np.generic], fills: Sequence[Fill], made: Sequence[tuple[NDArray[np.float32], Colour | None]]
) -> tuple[str, ...]:
    """Warn of colours that are far from what they cover: a model may take them for something."""
    mean = image.astype(np.float32).mean(axis=(0, 1))
    far = [
        colour
        for fill, (_, colour) in zip(fills, made, strict=True)
        if not isinstance(fill, str) and colour is not None and float(np.abs(mean - colour).mean()) > _FAR
    ]
    return tuple(
        say(
            "The fill, {colour}, is far from the image's mean, {mean}: a patch of it may look like something to the "
            "model "
            "(black on an X-ray like clear lung), and the map may say the opposite of one made with mean or blur.",
            colour=", ".join(f"{value:.0f}" for value in colour),
            mean=", ".join(f"{value:.0f}" for value in mean),
        )
        for colour in far
    )


def _blurred(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over a window of a fifth of each side, twice: close to a Gaussian, borders mirrored."""
    for axis in (0, 1):
        for _ in range(2):
            image = box_mean(image, axis, max(1, image.shape[axis] // 10))
    return image


def box_mean(image: NDArray[np.float32], axis: int, reach: int) -> NDArray[np.float32]:
    """Return means over windows of ``2 * reach + 1`` along an axis, borders mirrored."""
    widths = [(0, 0)] * image.ndim
    widths[axis] = (reach + 1, reach)
    sums = np.cumsum(np.pad(image, widths, mode="symmetric"), axis=axis, dtype=np.float64)
    size, window = image.shape[axis], 2 * reach + 1
    high, low = (np.take(sums, np.arange(start, start + size), axis=axis) for start in (window, 0))
    return ((high - low) / window).astype(np.float32)
