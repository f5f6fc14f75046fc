"""The engines of the occlusion scan, behind one entry: which one is used, and how it is known to be right.

``full`` runs every occluded image through the whole model. ``incremental`` recomputes what the patch can change, and is
used where an estimate says that it pays; a few positions of every scan are then run through the whole model, too, and
the largest difference stands in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph
from reportgen.analysis.occlusion.full import batch_size, run_batches, score_positions
from reportgen.analysis.occlusion.incremental import IncrementalEngine
from reportgen.analysis.occlusion.known_models import KnownModel
from reportgen.analysis.occlusion.patches import occlude
from reportgen.analysis.occlusion.window_plan import Layout, Positions
from reportgen.analysis.weight_of_evidence import Readout
from reportgen.settings.occlusion import OcclusionSettings

CHECKED = 4  # positions a case
TOLERATED = 1e-4  # of the outputs' size; what is above is a fault, and the full engine then does it all again
# what planning and compiling take, in multiply-adds
_FIXED, _FIXED_BY_STEP = 8e9, 2e8
Array = NDArray[np.float32]
Prepare = Callable[[NDArray[np.generic]], Array]


@dataclass(frozen=True)
class Work:
    """What is to be scanned.

    Attributes
    ----------
    images
        ``(H, W, C)`` each, in raw-image units.
    fills
        For each image what shows where it's covered, ``(H, W, C)`` each in the same units.
    positions
        For each patch the tops of the rows, the lefts of the columns, and its (height, width).
    prepare
        From raw-image units to model units.
    """

    images: Sequence[NDArray[np.generic]]
    fills: Sequence[Sequence[Array]]
    positions: Sequence[Positions]
    prepare: Prepare

    @property
    def corners(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Corner and patch of every position, in the order of the tables."""
        return [((top, left), patch) for rows, columns, patch in self.positions for top in rows for left in columns]


@dataclass(frozen=True)
class Outcome:
    """What an engine gave.

    Attributes
    ----------
    tables
        For each image and fill the raw outputs ``(1 + positions, K)``; the first is of the untouched image.
    engine
        ``full`` or ``incremental``.
    estimated_speedup
        How many times less the incremental engine was estimated to cost than the full one; None where it can't be used.
    arithmetic_bound
        The same by multiply-adds alone.
    checked, largest_difference
        Positions that were run through the whole model as well, and the largest difference of an output; None and 0
        for the full engine itself.
    """

    tables: list[list[Array]]
    engine: str
    estimated_speedup: float | None = None
    arithmetic_bound: float | None = None
    checked: int = 0
    largest_difference: float | None = None


def run_engine(
    model: Any,
    known: KnownModel,
    graph: Graph,
    work: Work,
    *,
    readout: Readout,
    settings: OcclusionSettings,
    on_progress: Callable[[int], object],
    outputs: NDArray[np.float32] | None = None,
) -> Outcome:
    """Score all positions of all images with the engine that the settings name, or the one that pays.

    Parameters
    ----------
    model, known
        Keras model, ``(N, H, W, C)`` to ``(N, K)``, and what is known of it.
    graph
        What is run: the model's trace, or the part of it that ends in the logits.
    work
        Images, fills and patches.
    readout
        What the graph's outputs stand for.
    settings
        Engine and memory.
    on_progress
        Told the number of positions done since it was last told.
    outputs
        What the whole model gave for the untouched images ``(N, K)``, where that is known: to be compared with.
    """
    layout = None if settings.engine == "full" else known.plan(graph, work.positions)
    scans = sum(map(len, work.fills))

    def whole(told: Callable[[int], object]) -> list[list[Array]]:
        return score_positions(
            model, work.images, fills=work.fills, positions=work.positions, prepare=work.prepare,
            memory=settings.memory, on_progress=told, forward=lambda shape: known.forward(model, graph, shape),
        )  # fmt: skip

    if layout is None or not _use_windows(layout, scans, settings.engine):
        return Outcome(whole(on_progress), "full", *_estimates(layout))
    try:
        engine = IncrementalEngine(graph, layout, settings.memory, known.program(graph, layout))
        prepared = [
            (work.prepare(image), [work.prepare(fill) for fill in fills])
            for image, fills in zip(work.images, work.fills, strict=True)
        ]
        tables = [engine.scores(image, fills, on_progress) for image, fills in prepared]
        # what the scan itself has taken may not have been given back
        chosen, size = _some_positions(layout.positions), min(CHECKED + 1, batch_size(model, settings.memory // 4))
        forward = known.forward(model, graph, (size, *prepared[0][0].shape))
        pairs = [
            _beside(forward, pair, found, work.corners, chosen, size)
            for pair, found in zip(prepared, tables, strict=True)
        ]
    except Exception:  # noqa: BLE001 - a model that windows can't be cut out of is run whole; nothing is lost but time
        return Outcome(whole(lambda _: None), "full", *_estimates(layout))
    differences = [_apart(readout.outputs(found), readout.outputs(right)) for found, right in pairs]
    # logits may be of any size: what is lost of them counts by that
    relative = max(_apart(found, right) / max(1.0, _largest(right)) for found, right in pairs)
    if outputs is not None:
        # by another way than the graph: a model whose graph was misread differs here
        differences += [
            _apart(readout.outputs(of_image[0][:1])[0], one.reshape(-1))
            for of_image, one in zip(tables, outputs, strict=True)
        ]
    difference, checked = max(differences), len(chosen) * len(work.images)
    largest = max(1.0, *(_largest(readout.outputs(table)) for of_image in tables for table in of_image))
    if not (difference <= TOLERATED * largest and relative <= TOLERATED):
        return Outcome(whole(lambda _: None), "full", *_estimates(layout), checked, difference)
    return Outcome(tables, "incremental", *_estimates(layout), checked, difference)


def differs(found: NDArray[np.floating], right: NDArray[np.floating]) -> bool:
    """Return whether outputs ``(N, K)`` differ by more than what may be rounding."""
    return not _apart(found, right) <= TOLERATED * max(1.0, _largest(right))


def _use_windows(layout: Layout, scans: int, wanted: str) -> bool:
    if wanted == "incremental":
        return bool(layout.steps)
    saved = (layout.full_cost - layout.cost) * layout.positions * scans
    return layout.pays and saved > _FIXED + _FIXED_BY_STEP * len(layout.steps)


def _estimates(layout: Layout | None) -> tuple[float | None, float | None]:
    if layout is None or not layout.steps:
        return None, None
    return layout.full_cost / layout.cost, layout.bound


def _some_positions(count: int) -> list[int]:
    """Return a few positions, the same in every run: at random, so that none is spared."""
    return sorted(np.random.default_rng(count).choice(count, min(CHECKED, count), replace=False).tolist())


def _beside(
    forward: Callable[[Any], Any],
    prepared: tuple[Array, Sequence[Array]],
    tables: Sequence[Array],
    corners: Sequence[tuple[tuple[int, int], tuple[int, int]]],
    chosen: Sequence[int],
    size: int,
) -> tuple[Array, Array]:
    """Return some rows of the tables of an image, and what comes out of passes over the whole image there.

    The positions take turns with the fills.
    """
    image, fills = prepared

    def turns() -> Iterator[tuple[int, int]]:
        return ((place % len(fills), one) for place, one in enumerate(chosen))

    covered = [image, *(occlude(image, fills[fill], *corners[one]) for fill, one in turns())]
    found = [tables[0][0], *(tables[fill][1 + one] for fill, one in turns())]
    return np.stack(found), run_batches(forward, covered, size)


def _apart(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    # a model that gives no numbers gives none in both
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        return float(np.where(same, 0.0, np.abs(one - other)).max())


def _largest(values: NDArray[np.floating]) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
