"""`reportgen train`: from data as people have them to a model file and the TOML that goes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from reportgen.analysis.metrics.classification import measure_classifier
from reportgen.datasets.labelled import Labelled, LocatedPictures
from reportgen.datasets.prepared import prepare_all, prepare_located
from reportgen.demo.phantom_data import phantom_data
from reportgen.models.architectures import Architecture, find_architecture
from reportgen.report.model import Evaluation
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.atomic import replace_files
from reportgen.system.progress import Stopwatch
from reportgen.training.calibrate import Calibration, calibrate
from reportgen.training.checkpoint import forget_progress
from reportgen.training.examples import Examples, join
from reportgen.training.fit import Trained, Watcher, fit_model, scores_of, untrained
from reportgen.training.notes import make_notes
from reportgen.training.plan import PHANTOM_TEST_COUNT, PHANTOM_TEST_SEED, Gathered, TrainingPlan, gather
from reportgen.training.start import started_from


@dataclass(frozen=True)
class Finished:
    """What came of a training.

    Attributes
    ----------
    notes
        The content of the TOML file.
    data
        What it was trained, validated and tested on.
    """

    notes: dict[str, Any]
    data: Gathered


def train(
    plan: TrainingPlan,
    say: Callable[[str], None],
    *,
    on_ready: Callable[[Gathered, Any], object] = lambda _data, _model: None,
    progress: bool = False,
) -> Finished:
    """Train an architecture and write the model and the TOML beside it.

    Parameters
    ----------
    plan
        What, on what, where to, as :func:`check_plan` left it. A training of the same plan that was interrupted is
        taken up after its last epoch.
    say
        Told each step in a line.
    on_ready
        Told the data and the untrained model before any work is done: the last chance to refuse it.
    progress
        Whether a bar (or lines) show how far it is.

    Raises
    ------
    ReportgenError
        When there is nothing to train on, data can't be read, a name is unknown, or an output can't be written.
    """
    watch = Stopwatch(progress)
    data = gather(plan, say)
    architecture = find_architecture(plan.architecture, len(data.train.class_names))
    if plan.start is not None:
        architecture = started_from(architecture, plan.start)
    on_ready(data, untrained(architecture, data.train, plan.chosen_recipe))
    tests = _tests(plan, data)
    with TemporaryDirectory(prefix="reportgen-") as folder:
        # the test images as well, though they are needed last: one that is damaged is found before the training
        others = [part for part, _ in tests]
        training, validation, *measured = _prepare(
            data, others, architecture, watch, Path(folder), coverings=plan.coverings
        )
        recipe = plan.chosen_recipe
        say(f"training on {len(training):,} images, validating on {len(validation):,}, at most {recipe.epochs} epochs")
        trained = _fit(plan, architecture, training, validation, watch, say)
        # phantoms help to learn; what scores mean is settled by images as the model is to be used on
        calibration = calibrate(trained, _by_source(validation, data)[0][0], recipe.threshold)
        named = [*_by_source(validation, data), *zip(measured, (name for _, name in tests), strict=True)]
        evaluations = [_measure(trained, calibration, part, name) for part, name in named if len(part)]
    for line in evaluations:
        say(_described(line))
    notes = make_notes(plan, architecture, trained, calibration, data, len(validation), evaluations)
    _write(plan, trained, notes)
    return Finished(notes, data)


def _prepare(
    data: Gathered,
    tests: Sequence[Labelled],
    architecture: Architecture,
    watch: Stopwatch,
    folder: Path,
    *,
    coverings: bool,
) -> list[Examples]:
    """Return the images for training and for validation, each with its phantoms, and those of tests, as arrays.

    Raises
    ------
    ImageError
        When one can't be read.
    """
    drawn: tuple[Labelled | None, Labelled | None] = data.phantoms or (None, None)
    uses = [(data.train, drawn[0]), (data.validation, drawn[1]), *((part,) for part in tests)]
    present = [[part for part in parts if part] for parts in uses]
    shape, names = architecture.input_shape, data.train.class_names
    places = (folder / str(number) for number in count())

    def read(part: Labelled, *, located: bool) -> Examples:
        place = next(places)
        place.mkdir()
        if located:
            images, regions = prepare_located(part, shape, PreprocessingSettings(), advance, folder=place)
            known = np.ones(len(part), bool)
            return Examples(images, part.labels, names, groups=part.groups, regions=regions, located=known)
        images = prepare_all(part, shape, PreprocessingSettings(), advance, folder=place)
        return Examples(images, part.labels, names, groups=part.groups)

    with watch.step("reading images", sum(len(part) for parts in present for part in parts)) as advance:
        nothing = Examples(np.empty((0, *shape), np.uint8), data.train.labels[:0], names)
        training, *others = present
        for_training = [
            read(part, located=coverings and isinstance(part.pictures, LocatedPictures)) for part in training
        ]
        read_others = ([read(part, located=False) for part in parts] for parts in others)
        return [join(parts or [nothing]) for parts in (for_training, *read_others)]


def _fit(
    plan: TrainingPlan,
    architecture: Architecture,
    training: Examples,
    validation: Examples,
    watch: Stopwatch,
    say: Callable[[str], None],
) -> Trained:
    recipe = plan.chosen_recipe
    steps = -(-len(training) // recipe.batch)
    if plan.restart:
        forget_progress(plan.checkpoint)
    done = 0
    with watch.step("training", steps * recipe.epochs) as advance:

        def told(epoch: int, measures: dict[str, float]) -> None:
            nonlocal done
            done = epoch
            figures = "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
            say(f"epoch {epoch}/{recipe.epochs}  {figures}")

        def resumed(epochs: int) -> None:
            nonlocal done
            done = epochs
            say(f"going on after epoch {epochs}, where an earlier run of the same training ended")
            advance(steps * epochs)

        watcher = Watcher(lambda: advance(1), told, resumed)
        try:
            return fit_model(
                architecture, training, validation if len(validation) else None, recipe, watcher, plan.checkpoint
            )
        except KeyboardInterrupt:
            if done:
                say(f"stopped after epoch {done}; the same command goes on from there (without --restart)")
            raise


def _by_source(validation: Examples, data: Gathered) -> list[tuple[Examples, str]]:
    """Return the validation images under what they are called; phantoms apart, for they are easier to tell, or not."""
    if validation.sources is None:
        return [(validation, data.held)]
    apart = [validation.take(np.flatnonzero(validation.sources == source)) for source in (0, 1)]
    return [(apart[0], data.held), (apart[1], "validation: phantoms held back")]


def _tests(plan: TrainingPlan, data: Gathered) -> list[tuple[Labelled, str]]:
    """Return what is measured at the end and has chosen nothing."""
    tests = [] if data.test is None else [(data.test, "test images, which chose nothing")]
    if plan.phantoms:
        tests.append((phantom_data(PHANTOM_TEST_COUNT, PHANTOM_TEST_SEED), "phantoms of unseen seeds"))
    return tests


def _measure(trained: Trained, calibration: Calibration, data: Examples, name: str) -> Evaluation:
    scores = scores_of(trained.model, data, trained.factor)
    return measure_classifier(scores, data.labels, name=name, threshold=calibration.threshold, groups=data.groups)


def _described(line: Evaluation) -> str:
    figures = {
        "accuracy": line.accuracy,
        "AUC": line.auc,
        "sensitivity": line.sensitivity,
        "specificity": line.specificity,
    }
    told = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if value is not None)
    return f"{line.data}: {line.images:,} images  {told}"


def _write(plan: TrainingPlan, trained: Trained, notes: dict[str, Any]) -> None:
    import tomli_w

    with replace_files(plan.output, plan.notes) as (model, beside):
        trained.model.save(model)
        beside.write_bytes(tomli_w.dumps(notes).encode(errors="replace"))
    plan.checkpoint.unlink(missing_ok=True)
