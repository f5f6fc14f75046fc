"""What is trained on what: the choices of a training, and its data divided by their use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.reader import read_data
from reportgen.datasets.splits import describe_overlap, divide, split_by_group
from reportgen.demo.phantom_data import PHANTOM_CLASSES, phantom_data
from reportgen.models.architectures import ARCHITECTURES, find_architecture
from reportgen.report.names import are_the_same, find_name
from reportgen.settings.data import DataSettings
from reportgen.system.atomic import check_target
from reportgen.system.errors import ReportgenError
from reportgen.system.files import is_same_file
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
    coverings
        Whether parts of most phantoms are covered in training, anew each time, and graded by what is left to be seen.
    architecture
        A name in ``ARCHITECTURES``, or ``mine.py:build``.
    start
        A model of this architecture whose weights are where the training starts; None: random ones.
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
    coverings: bool = False
    architecture: str = "chest_xray"
    start: Path | None = None
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
    patients
        Whether images belong to patients, each of whom stands on one side where images were held back.
    """

    train: Labelled
    validation: Labelled | None
    test: Labelled | None
    phantoms: tuple[Labelled, Labelled] | None
    described: str
    patients: bool = True

    @property
    def held(self) -> str:
        """What the images for validation are, in words."""
        return "validation: held back, no patient in training" if self.patients else "validation: held back"


def check_plan(plan: TrainingPlan) -> None:
    """Refuse what can't be done before any work begins.

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
    check_target(plan.checkpoint, overwrite=True)
    if plan.start is not None and is_same_file(plan.start, plan.output):
        raise ReportgenError(f"{plan.start} is the start and would be overwritten", "name the new model otherwise")
    for data in (plan.data, plan.test_data):
        if data is not None and is_same_file(data, plan.notes):
            raise ReportgenError(f"{data} is data and would be overwritten", "name the model otherwise")


def gather(plan: TrainingPlan, say: Callable[[str], None]) -> Gathered:
    """Read what there is to learn from, and divide it; no pixel is read yet, but of archives.

    Raises
    ------
    ReportgenError
        When it can't be read, or phantoms don't fit its classes.
    """
    phantoms = None
    if plan.phantoms:
        drawn = phantom_data(plan.phantoms, PHANTOM_TRAINING_SEED, each_kind=plan.coverings)
        phantoms = split_by_group(drawn, plan.validation_share)
    if plan.data is None:
        assert phantoms is not None  # noqa: S101 - checked with the plan
        return Gathered(phantoms[0], phantoms[1], None, None, _phantoms_named(plan))
    parts = read_data(plan.data, plan.reading)
    for note in parts.notes:
        say(note)
    train_part, validation, test = divide(parts, plan.validation_share, plan.test_share)
    names = train_part.class_names
    if plan.test_data is not None:
        test = _test_images(plan.test_data, plan.reading, train_part, say)
    if phantoms and (train_part.of_findings or not are_the_same(names, PHANTOM_CLASSES)):
        raise ReportgenError(
            f"classes differ: {', '.join(names)} and {', '.join(PHANTOM_CLASSES)}",
            "phantoms can only be added to data with the classes NORMAL and PNEUMONIA, in this order",
        )
    for line in _check_classes(train_part, validation):
        say(line)
    described = f"{len(train_part) + len(validation or ()):,} images in {len(names)} classes ({parts.kind})"
    if phantoms:
        described += f" and {_phantoms_named(plan)}"
    # of parts that were divided on the disk nobody knows whose images are on which side
    by_patient = parts.patients and parts.validation is None
    return Gathered(train_part, validation, test, phantoms, described, by_patient)


def _phantoms_named(plan: TrainingPlan) -> str:
    covered = ", parts of most covered in training" if plan.coverings else ""
    return f"{plan.phantoms:,} synthetic radiographs (phantoms{covered})"


def _check_classes(train: Labelled, validation: Labelled | None) -> list[str]:
    """Refuse classes that can't be learned; return what to say of those that can't be validated."""
    names = train.class_names
    if len(names) < 2 and not train.of_findings:
        raise ReportgenError(f"there is one class, {names[0]}", "give images of at least two")
    missing = _without_images(train)
    if missing and not train.of_findings:
        raise ReportgenError(
            f"no image for training is of class {', '.join(missing)}",
            "give more images, or hold fewer back (--validation, --test-share)",
        )
    said = [f"No image for training shows {', '.join(missing)}."] if missing else []
    if not validation:
        return [*said, "No images are held back for validation: nothing ends the training early or calibrates scores."]
    unseen = _without_images(validation)
    return [*said, f"No image for validation is of class {', '.join(unseen)}."] if unseen else said


def _without_images(data: Labelled) -> list[str]:
    names = data.class_names
    counts = data.labels.sum(axis=0) if data.of_findings else np.bincount(data.labels, minlength=len(names))
    return [name for name, count in zip(names, counts, strict=True) if not count]


def _test_images(path: Path, reading: DataSettings, train: Labelled, say: Callable[[str], None]) -> Labelled:
    """Return images that are only measured, their labels numbered as those of the training images."""
    parts = read_data(path, reading)
    test = next(part for part in (parts.test, parts.undivided, parts.validation, parts.train) if part is not None)
    places = [find_name(name, train.class_names) for name in test.class_names]
    # a finding that the test data don't know isn't one that none of its images shows
    all_known = not train.of_findings or len(places) == len(train.class_names)
    if None in places or test.of_findings != train.of_findings or not all_known:
        kinds = {False: "classes", True: "findings"}
        raise ReportgenError(
            f"{path} has the {kinds[test.of_findings]} {', '.join(test.class_names)}, the training data the "
            f"{kinds[train.of_findings]} {', '.join(train.class_names)}",
            "test on the same",
        )
    for note in (*parts.notes, *describe_overlap(Parts(train=train, test=test, patients=parts.patients))):
        say(note)
    numbers = np.array(places, np.int64)
    labels = test.labels[:, np.argsort(numbers)] if train.of_findings else numbers[test.labels.astype(np.int64)]
    return dataclasses.replace(test, labels=labels, class_names=train.class_names)
