"""Cases through a model: one object carries a case from its picture to its scores and scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.activations import choose_layers
from reportgen.analysis.layer_graph import Graph, LayerCall
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.occlusion.scan import Scan, scan
from reportgen.analysis.predictions import Head
from reportgen.analysis.targets import target_classes
from reportgen.images.cases import Case, find_distinct
from reportgen.images.fitting import prepare
from reportgen.models.loader import LoadedModel
from reportgen.report.decision import Decision
from reportgen.report.grid_shift import GridShift
from reportgen.report.known_regions import KnownRegions
from reportgen.report.maptest import MapTest
from reportgen.report.measures import Measure
from reportgen.report.regions import Regions
from reportgen.report.sanity import SanityTest
from reportgen.settings.report import Settings

if TYPE_CHECKING:
    from reportgen.analysis.other_views import ViewMap

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Subject:
    """The model, traced, with the layers to show and what to say about the choice."""

    loaded: LoadedModel
    graph: Graph
    layers: tuple[LayerCall, ...]
    head: Head
    notes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of the layers to show."""
        return [call.path for call in self.layers]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the model's input."""
        return self.loaded.input_shape[:2]

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the model gives, ``(N, K)``, for inputs in its own units ``(N, H, W, C)``."""
        return np.asarray(self.loaded.keras_model(inputs, training=False), np.float32).reshape(len(inputs), -1)


@dataclass(frozen=True)
class CaseRun:
    """A case on its way through the model.

    Attributes
    ----------
    number, case, title
        Its place among the cases, what was read, and what the report calls it.
    image
        ``(H, W, C)`` at the model's size, in raw-image units.
    prepared
        The same in the model's units.
    raw
        ``(K,)``, what came out.
    scores
        ``(classes,)``.
    targets
        Numbers of the classes that its scans follow.
    scans
        One for each target; empty before the scan, or without one.
    map_tests
        Whether the map of each target is better than chance; none where that was not tried.
    decisions
        What decides for each target; none where there is no decision to flip, or it was not tried.
    known_regions
        The evidence against border and known regions; None without a scan.
    sanity
        Whether the map of the first target goes with what the model has learned; None where that was not tried.
    measures
        Of the map of the first target, of several classes.
    regions
        The strongest regions of the first target's map; None where they were not looked for.
    views
        Other views of the first target, as asked for.
    grid_shift
        How far the map of the first target depends on where its grid begins; None where that can't be told.
    """

    number: int
    case: Case
    title: str
    image: Array
    prepared: NDArray[np.float32]
    raw: NDArray[np.float32]
    scores: NDArray[np.float64]
    targets: tuple[int, ...]
    scans: tuple[Scan, ...] = ()
    map_tests: tuple[MapTest, ...] = ()
    decisions: tuple[Decision, ...] = ()
    known_regions: KnownRegions | None = None
    sanity: SanityTest | None = None
    measures: tuple[Measure, ...] = ()
    regions: Regions | None = None
    views: tuple[ViewMap, ...] = ()
    grid_shift: GridShift | None = None

    @property
    def map_test(self) -> MapTest | None:
        """The test of the first target's map; None where it was not tried."""
        return self.map_tests[0] if self.map_tests else None


Runs = Sequence[CaseRun]


def make_subject(loaded: LoadedModel, settings: Settings) -> Subject:
    """Trace a model and choose the layers to show.

    Raises
    ------
    SettingsError
        When a layer that is asked for isn't there.
    """
    graph = known_model(loaded.keras_model).graph
    layers, left_out = choose_layers(graph, settings.layers)
    head = Head(loaded.head, loaded.class_names, loaded.threshold, loaded.outputs, loaded.thresholds)
    return Subject(loaded, graph, layers, head, (*loaded.notes, *left_out))


def run_cases(subject: Subject, cases: Sequence[Case], titles: Sequence[str], settings: Settings) -> list[CaseRun]:
    """Run all cases through the model in one pass.

    Raises
    ------
    SettingsError
        When a target class is unknown.
    """
    loaded, head = subject.loaded, subject.head
    images = [prepare(case.image, loaded.input_shape, settings.preprocessing) for case in cases]
    inputs = np.stack([loaded.preprocessing(image) for image in images])
    raw = subject.run(inputs)
    scores = head.scores(raw)
    targets = target_classes(settings.occlusion.target, head, [case.label for case in cases], scores)
    columns = zip(cases, titles, images, inputs, raw, scores, targets, strict=True)
    return [CaseRun(number, *column) for number, column in enumerate(columns)]


def scan_cases(subject: Subject, runs: Runs, settings: Settings, advance: Callable[[int], Any]) -> list[CaseRun]:
    """Scan all cases; each gets its scans."""
    found = scan(
        subject.loaded.keras_model,
        [run.image for run in runs],
        prepare=subject.loaded.preprocessing,
        head=subject.head,
        targets=[run.targets for run in runs],
        settings=subject.loaded.randomness.scan_settings(settings.occlusion),
        on_progress=advance,
        outputs=np.stack([run.raw for run in runs]),
    )
    return [replace(run, scans=scans) for run, scans in zip(runs, found, strict=True)]


def is_finite(run: CaseRun) -> bool:
    """Return whether all scores of a case are numbers: what isn't one can't fall or rise."""
    return bool(np.isfinite(run.scores).all())


def are_finite(runs: Runs) -> bool:
    """Return whether all scores of all cases are numbers."""
    return all(map(is_finite, runs))


def distinct_runs(runs: Runs) -> list[CaseRun]:
    """Return the runs whose image none before them has."""
    return [runs[number] for number in find_distinct([run.case for run in runs])]
