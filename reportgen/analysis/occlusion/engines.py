"""The engines of the occlusion scan, behind one entry: which one is used, and how it is known to be right.

``full`` runs every occluded image through the whole model. ``incremental`` recomputes what the patch can change, and is
used where an estimate says that it pays; a few positions of every scan are then run through the whole model, too, and
the largest difference stands in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, compute_outputs
from reportgen.analysis.occlusion.full import Positions, batch_size, occlude_batch, score_positions
from reportgen.analysis.occlusion.incremental import IncrementalEngine
from reportgen.analysis.occlusion.window_plan import Layout, lay_out
from reportgen.settings.report import OcclusionSettings

CHECKED = 4  # positions a case
TOLERATED = 1e-4  # of the outputs' size; what is above is a fault, and the full engine then does it all again
# what planning and compiling take, in multiply-adds
_FIXED, _FIXED_BY_STEP = 8e9, 2e8
Array = NDArray[np.float32]
Prepare = Callable[[NDArray[np.generic]], Array]


@dataclass(frozen=True)
class Outcome:
    """What an engine gave.

    Attributes
    ----------
    tables
        For each image the raw outputs ``(1 + positions, K)``; the first is of the untouched image.
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

    tables: list[Array]
    engine: str
    estimated_speedup: float | None = None
    arithmetic_bound: float | None = None
    checked: int = 0
    largest_difference: float | None = None


def run_engine(
    model: Any,
    graph: Graph,
    images: Sequence[NDArray[np.generic]],
    *,
    fills: Sequence[Array],
    geometry: Positions,
    prepare: Prepare,
    settings: OcclusionSettings,
    on_progress: Callable[[int], object],
    outputs: NDArray[np.float32] | None = None,
) -> Outcome:
    """Score all positions of all images with the engine that the settings name, or the one that pays.

    Parameters
    ----------
    model, graph
        Keras model, ``(N, H, W, C)`` to ``(N, K)``, and its trace.
    images, fills
        ``(H, W, C)`` each, in raw-image units.
    geometry
        Tops of the rows, lefts of the columns, and (height, width) of the patch.
    prepare
        From raw-image units to model units.
    settings
        Engine and memory.
    on_progress
        Told the number of positions done since it was last told.
    outputs
        What the whole model gave for the untouched images ``(N, K)``, where that is known: to be compared with.
    """
    rows, columns, patch = geometry
    layout = None if settings.engine == "full" else _laid_out(graph, rows, columns, patch)

    def whole(told: Callable[[int], object]) -> list[Array]:
        return score_positions(
            model, images, fills=fills, geometry=geometry, prepare=prepare, memory=settings.memory, on_progress=told
        )

    if layout is None or not _use_windows(layout, len(images), settings.engine):
        return Outcome(whole(on_progress), "full", *_estimates(layout))
    try:
        engine = IncrementalEngine(graph, layout, settings.memory)
        prepared = [(prepare(image), prepare(fill)) for image, fill in zip(images, fills, strict=True)]
        tables = [engine.scores(image, fill, on_progress) for image, fill in prepared]
        # what the scan itself has taken may not have been given back
        chosen, size = _some_positions(layout.positions), batch_size(model, settings.memory // 4)
        differences = [
            _difference(graph, pair, table, geometry, chosen, size)
            for pair, table in zip(prepared, tables, strict=True)
        ]
    except Exception:  # noqa: BLE001 - a model that windows can't be cut out of is run whole; nothing is lost but time
        return Outcome(whole(lambda _: None), "full", *_estimates(layout))
    if outputs is not None:
        # by another way than the graph: a model whose graph was misread differs here
        differences += [_apart(table[0], one.reshape(-1)) for table, one in zip(tables, outputs, strict=True)]
    difference, checked = max(differences), len(chosen) * len(images)
    if not difference <= TOLERATED * max(1.0, *(float(np.abs(table).max()) for table in tables)):
        return Outcome(whole(lambda _: None), "full", *_estimates(layout), checked, difference)
    return Outcome(tables, "incremental", *_estimates(layout), checked, difference)


def _laid_out(graph: Graph, rows: Sequence[int], columns: Sequence[int], patch: tuple[int, int]) -> Layout | None:
    """Return the plan, or None where none can be made."""
    try:
        return lay_out(graph, rows, columns, patch)
    except Exception:  # noqa: BLE001 - as in the scan: the model is then run whole
        return None


def _use_windows(layout: Layout, images: int, wanted: str) -> bool:
    if wanted == "incremental":
        return bool(layout.steps)
    saved = (layout.full_cost - layout.cost) * layout.positions * images
    return layout.pays and saved > _FIXED + _FIXED_BY_STEP * len(layout.steps)


def _estimates(layout: Layout | None) -> tuple[float | None, float | None]:
    if layout is None or not layout.steps:
        return None, None
    return layout.full_cost / layout.cost, layout.bound


def _some_positions(count: int) -> list[int]:
    """Return a few positions, the same in every run: at random, so that none is spared."""
    return sorted(np.random.default_rng(count).choice(count, min(CHECKED, count), replace=False).tolist())


def _difference(
    graph: Graph, prepared: tuple[Array, Array], table: Array, geometry: Positions, chosen: Sequence[int], size: int
) -> float:
    """Return the largest difference of some rows of a table from passes over the whole image, so many at once."""
    rows, columns, patch = geometry
    corners = [None, *((rows[one // len(columns)], columns[one % len(columns)]) for one in chosen)]
    parts = []
    for first in range(0, len(corners), size):
        batch = occlude_batch([(*prepared, corner) for corner in corners[first : first + size]], patch)
        ((_, outputs),) = compute_outputs(graph, batch, [graph.output])
        parts.append(np.asarray(outputs, np.float32).reshape(len(batch), -1))
    whole, found = np.concatenate(parts), table[[0, *(1 + one for one in chosen)]]
    return _apart(found, whole)


def _apart(one: Array, other: Array) -> float:
    # a model that gives no numbers gives none in both
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return float(np.where(same, 0.0, np.abs(one - other)).max())
