"""`reportgen train`: from data as people have them to a model file and the TOML that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reportgen.analysis.metrics.classification import measure_classifier
from reportgen.datasets.labelled import Labelled
from reportgen.datasets.prepared import prepare_all
from reportgen.demo.phantom_data import phantom_data
from reportgen.models.architectures import Architecture, find_architecture
from reportgen.report.model import Evaluation
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.atomic import replace_files
from reportgen.system.progress import Stopwatch
from reportgen.training.calibrate import Calibration, calibrate
from reportgen.training.examples import Examples, join
from reportgen.training.fit import Trained, Watcher, fit_model, scores_of
from reportgen.training.notes import make_notes
from reportgen.training.plan import PHANTOM_TEST_COUNT, PHANTOM_TEST_SEED, Gathered, TrainingPlan, check_plan, gather


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


def train(plan: TrainingPlan, say: Callable[[str], None], *, progress: bool = False) -> Finished:
    """Train an architecture and write the model and the TOML beside it.

    Parameters
    ----------
    plan
        What, on what, where to. A training of the same plan that was interrupted is taken up after its last epoch.
    say
        Told each step in a line.
    progress
        Whether a bar (or lines) show how far it is.

    Raises
    ------
    ReportgenError
        When there is nothing to train on, data can't be read, a name is unknown, or an output can't be written.
    """
    check_plan(plan)
    watch = Stopwatch(progress)
    data = gather(plan, say)
    architecture = find_architecture(plan.architecture, len(data.train.class_names))
    with TemporaryDirectory(prefix="reportgen-") as folder:
        training, validation = _prepare(data, architecture, watch, Path(folder))
        recipe = plan.chosen_recipe
        say(f"training on {len(training):,} images, validating on {len(validation):,}, at most {recipe.epochs} epochs")
        trained = _fit(plan, architecture, training, validation, watch, say)
        calibration = calibrate(trained, validation, recipe.threshold)
        evaluations = [_measure(trained, calibration, validation, "validation: held back, no patient in training")]
    for part, name in _tests(plan, data):
        with watch.step(f"measuring on {name}", len(part)) as advance:
            examples = _examples(part, architecture, advance, data.train.class_names)
            evaluations.append(_measure(trained, calibration, examples, name))
    evaluations = [line for line in evaluations if line.images]
    for line in evaluations:
        say(_described(line))
    notes = make_notes(plan, architecture, trained, calibration, data, len(validation), evaluations)
    _write(plan, trained, notes)
    return Finished(notes, data)


def _prepare(data: Gathered, architecture: Architecture, watch: Stopwatch, folder: Path) -> tuple[Examples, Examples]:
    """Return the images for training and for validation, each with its phantoms, as arrays."""
    drawn: tuple[Labelled | None, Labelled | None] = data.phantoms or (None, None)
    pairs = [[part for part in pair if part] for pair in ((data.train, drawn[0]), (data.validation, drawn[1]))]
    names = data.train.class_names
    with watch.step("reading images", sum(len(part) for pair in pairs for part in pair)) as advance:
        training, validation = (
            [_examples(part, architecture, advance, names, folder) for part in pair] for pair in pairs
        )
    return join(training), join(validation or [_examples(data.train.take([]), architecture, lambda _: None, names)])


def _examples(
    data: Labelled,
    architecture: Architecture,
    advance: Callable[[int], object],
    class_names: tuple[str, ...],
    folder: Path | None = None,
) -> Examples:
    """Return labelled images at an architecture's size, read as reports read them, in whole numbers."""
    images = prepare_all(data, architecture.input_shape, PreprocessingSettings(), advance, folder=folder)
    return Examples(images, data.labels, class_names)


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
    with watch.step("training", steps * recipe.epochs) as advance:

        def told(epoch: int, measures: dict[str, float]) -> None:
            figures = "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
            say(f"epoch {epoch}/{recipe.epochs}  {figures}")

        def resumed(epochs: int) -> None:
            say(f"going on after epoch {epochs}, where an earlier run of the same training ended")
            advance(steps * epochs)

        watcher = Watcher(lambda: advance(1), told, resumed)
        return fit_model(
            architecture, training, validation if len(validation) else None, recipe, watcher, plan.checkpoint
        )


def _tests(plan: TrainingPlan, data: Gathered) -> list[tuple[Labelled, str]]:
    """Return what is measured at the end and has chosen nothing."""
    tests = [] if data.test is None else [(data.test, "test images, which chose nothing")]
    if plan.phantoms:
        tests.append((phantom_data(PHANTOM_TEST_COUNT, PHANTOM_TEST_SEED), "phantoms of unseen seeds"))
    return tests


def _measure(trained: Trained, calibration: Calibration, data: Examples, name: str) -> Evaluation:
    if not len(data):
        return Evaluation(data=name, images=0)
    scores = scores_of(trained.model, data, trained.factor)
    return measure_classifier(scores, data.labels, name=name, threshold=calibration.threshold)


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
