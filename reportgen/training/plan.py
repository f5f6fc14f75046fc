"""What is trained on what: the choices of a training, and its data divided by their use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reportgen.datasets.labelled import Labelled
from reportgen.datasets.reader import read_data
from reportgen.datasets.splits import describe_overlap, divide, split_by_group
from reportgen.demo.phantom_data import PHANTOM_CLASSES, phantom_data
from reportgen.models.architectures import ARCHITECTURES, find_architecture
from reportgen.report.names import are_the_same, find_name
from reportgen.settings.data import DataSettings
from reportgen.system.atomic import check_target
from reportgen.system.errors import ReportgenError
from reportgen.training.calibrate import parse_rule
from reportgen.training.recipe import OWN_RECIPE, RECIPES, Recipe, check_recipe

VALIDATION_SHARE = 0.1
PHANTOM_TRAINING_SEED, PHANTOM_TEST_SEED = 100_000, 0
PHANTOM_TEST_COUNT = 200


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """What to train on what, and where to.

    Attributes
    ----------
    output
        Model file to write; ends in ``.keras``.
    data, test_data
        Folder, manifest or archive; the second is only measured. None: phantoms alone, no further test.
    phantoms
        How many synthetic radiographs to add.
    architecture
        A name in ``ARCHITECTURES``, or ``mine.py:build``.
    recipe
        None: the one that suits the architecture.
    validation_share, test_share
        Of what the data set itself doesn't hold apart.
    reading
        How the data set is read: whose an image is, columns of a manifest.
    card
        What else the model card says, by field (``purpose``, ``source``).
    overwrite, restart
        Whether existing files are replaced; whether an interrupted training is forgotten.
    """

    output: Path
    data: Path | None = None
    test_data: Path | None = None
    phantoms: int = 0
    architecture: str = "chest_xray"
    recipe: Recipe | None = None
    validation_share: float = VALIDATION_SHARE
    test_share: float = 0.0
    reading: DataSettings = field(default_factory=DataSettings)
    card: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False
    restart: bool = False

    @property
    def notes(self) -> Path:
        """The TOML beside the model."""
        return self.output.with_suffix(".toml")

    @property
    def checkpoint(self) -> Path:
        """What an interrupted training is taken up from."""
        return self.output.with_suffix(".checkpoint")

    @property
    def chosen_recipe(self) -> Recipe:
        """The recipe, or the one that suits the architecture."""
        return self.recipe or RECIPES.get(self.architecture, OWN_RECIPE)


@dataclass(frozen=True)
class Gathered:
    """The data of a training: labelled images by their use, each prepared when it's needed.

    Attributes
    ----------
    train, validation, test
        Of the data set, or phantoms where there is none; test is None where nothing is held apart.
    phantoms
        (training, validation) phantoms that go with them.
    described
        What they are, in words.
    """

    train: Labelled
    validation: Labelled | None
    test: Labelled | None
    phantoms: tuple[Labelled, Labelled] | None
    described: str


def check_plan(plan: TrainingPlan) -> None:
    """Refuse what can't be done before any work begins; forget an interrupted training where that is asked for.

    Raises
    ------
    ReportgenError
        Naming what is wrong.
    """
    check_recipe(plan.chosen_recipe)
    parse_rule(plan.chosen_recipe.threshold)
    if plan.architecture not in ARCHITECTURES and ":" not in plan.architecture:
        find_architecture(plan.architecture, 2)
    if plan.data is None and plan.phantoms <= 0:
        raise ReportgenError("nothing to train on", "give a folder of images, a table, an archive, or --phantoms N")
    if plan.output.suffix != ".keras":
        raise ReportgenError(f"{plan.output} must end in .keras", "name the model file so")
    for path in (plan.output, plan.notes):
        check_target(path, overwrite=plan.overwrite)
    if plan.restart:
        plan.checkpoint.unlink(missing_ok=True)


def gather(plan: TrainingPlan, say: Callable[[str], None]) -> Gathered:
    """Read what there is to learn from, and divide it; no pixel is read yet, but of archives.

    Raises
    ------
    ReportgenError
        When it can't be read, or phantoms don't fit its classes.
    """
    phantoms = None
    if plan.phantoms:
        phantoms = split_by_group(phantom_data(plan.phantoms, PHANTOM_TRAINING_SEED), plan.validation_share)
    if plan.data is None:
        assert phantoms is not None  # noqa: S101 - checked with the plan
        return Gathered(phantoms[0], phantoms[1], None, None, f"{plan.phantoms} synthetic radiographs (phantoms)")
    parts = read_data(plan.data, plan.reading)
    for note in (*parts.notes, *describe_overlap(parts)):
        say(note)
    train_part, validation, test = divide(parts, plan.validation_share, plan.test_share)
    names = train_part.class_names
    if plan.test_data is not None:
        test = _test_images(plan.test_data, plan.reading, names)
    if phantoms and not are_the_same(names, PHANTOM_CLASSES):
        raise ReportgenError(
            f"classes differ: {', '.join(names)} and {', '.join(PHANTOM_CLASSES)}",
            "phantoms can only be added to data with the classes NORMAL and PNEUMONIA",
        )
    described = f"{len(train_part) + len(validation or ()):,} images in {len(names)} classes ({parts.kind})"
    if phantoms:
        described += f" and {plan.phantoms:,} synthetic radiographs (phantoms)"
    return Gathered(train_part, validation, test, phantoms, described)


def _test_images(path: Path, reading: DataSettings, class_names: tuple[str, ...]) -> Labelled:
    parts = read_data(path, reading)
    test = next(part for part in (parts.test, parts.undivided, parts.validation, parts.train) if part is not None)
    places = [find_name(name, class_names) for name in test.class_names]
    if None in places or test.of_findings:
        raise ReportgenError(
            f"{path} has the classes {', '.join(test.class_names)}, the training data {', '.join(class_names)}",
            "test on the same classes",
        )
    numbers = np.array(places, np.int64)[test.labels.astype(np.int64)]
    return dataclasses.replace(test, labels=numbers, class_names=class_names)
