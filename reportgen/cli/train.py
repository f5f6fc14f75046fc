"""``reportgen train``: train a CNN."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.cli.arguments import add_command, add_force, add_open, say_made
from reportgen.outputs.made import Made
from reportgen.system.errors import SettingsError

if TYPE_CHECKING:
    from reportgen.training.recipe import Recipe
    from reportgen.workflows.training import ReportPlan

_EXAMPLES = """reportgen train chest_xray/ -o model.keras
reportgen train scans/ -o gray.keras --architecture chest_xray_gray --patient '^(P\\d+)_'
reportgen train images.csv -o model.keras --validation 0.15 --test-share 0.15
reportgen train cifar-10-python.tar.gz -o cifar10.keras --architecture cifar10 --show cat
reportgen train data.npz -o model.keras --architecture mine.py:build --epochs 40 --augment light
reportgen train --phantoms 400 -o model.keras --architecture chest_xray_gray --epochs 4"""

# flags that change the recipe: name, how the text is read, what it is
_NUMBERS = (
    ("epochs", int, "N", "passes over the data at most"),
    ("batch", int, "N", "images a step"),
    ("seed", int, "N", "of all randomness"),
    ("learning-rate", float, "RATE", "peak of the schedule"),
    ("weight-decay", float, "RATE", "of adamw"),
    ("patience", int, "N", "end when so many epochs brought nothing, and keep the best; 0: never"),
    ("label-smoothing", float, "SHARE", "of the target that is spread over the classes"),
    ("mixup", float, "SHARE", "most of another image that is mixed in"),
    ("threshold", str, "RULE", "of two classes, by the validation images: balanced, sensitivity:0.9, specificity:0.95"),
    ("leak", float, "SLOPE", "of rectified units below 0 at the start, against dead channels"),
)
_CHOICES = (
    ("optimizer", ("adamw", "nadam", "adam", "sgd"), "how weights follow gradients"),
    ("schedule", ("cosine", "constant"), "of the learning rate"),
    ("monitor", ("val_loss", "val_accuracy", "val_auc"), "what patience watches"),
    ("balance", ("weights", "sampling", "none"), "how classes of different size are made to count the same"),
    ("augment", ("none", "light", "radiograph", "covered"), "how training images are varied"),
    ("precision", ("float32", "bfloat16"), "of layers while training, bfloat16 for processors made for it"),
)


def add_train(commands: Any) -> None:
    """Add the command."""
    train = add_command(
        commands,
        "train",
        "train a CNN on labelled images, phantoms, or both",
        _train,
        _EXAMPLES,
    )
    train.add_argument("data", nargs="?", metavar="DATA", help="folder of class folders (or of train, val, test with "
                       "these), table (CSV), CIFAR or MNIST archive, .npz")  # fmt: skip
    train.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="model to write (.keras); a TOML goes beside it"
    )
    _add_data(train)
    _add_recipe(train)
    _add_report(train)
    train.add_argument("--purpose", default="", metavar="TEXT", help="for the model card: what the model is for")
    train.add_argument(
        "--source", default="", metavar="TEXT", help="for the model card: origin and licence of the data"
    )
    train.add_argument("--restart", action="store_true", help="forget an interrupted training; else it is taken up")
    add_open(train)
    add_force(train)


def _add_data(train: argparse.ArgumentParser) -> None:
    group = train.add_argument_group("data")
    group.add_argument("--test", metavar="DATA", help="images that are only measured")
    group.add_argument("--validation", type=float, default=0.1, metavar="SHARE", help="of patients held back, "
                       "where the data have no part for it; default 0.1")  # fmt: skip
    group.add_argument(
        "--test-share", type=float, default=0.0, metavar="SHARE", help="of patients held back for the test"
    )
    group.add_argument(
        "--patient", metavar="PATTERN", help="regular expression that finds the patient in a file's name"
    )
    group.add_argument("--phantoms", type=int, default=0, metavar="N", help="add N synthetic radiographs")
    group.add_argument(
        "--coverings", action="store_true",
        help="cover parts of most phantoms anew in each epoch, graded by what is left to be seen, and learn where it "
        "is: a model that looks at the opacities themselves",
    )  # fmt: skip


def _add_recipe(train: argparse.ArgumentParser) -> None:
    group = train.add_argument_group("network and training", "left out: what suits the architecture")
    group.add_argument(
        "--architecture", default="chest_xray", metavar="NAME",
        help="chest_xray, chest_xray_gray, cifar10, or your own: FILE.py:FUNCTION",
    )  # fmt: skip
    group.add_argument(
        "--start", metavar="MODEL", help="file of a trained model of this architecture whose weights are the start"
    )
    for name, read, metavar, what in _NUMBERS:
        group.add_argument(f"--{name}", type=read, metavar=metavar, help=what)
    for name, choices, what in _CHOICES:
        group.add_argument(f"--{name}", choices=choices, metavar="KIND", help=f"{what}: {', '.join(choices)}")


def _add_report(train: argparse.ArgumentParser) -> None:
    group = train.add_argument_group("report at the end")
    group.add_argument("--report", metavar="FILE", help="HTML file to write; default: as the model, with .html")
    group.add_argument("--no-report", action="store_true", help="write none")
    group.add_argument("--show", action="append", default=[], metavar="CLASS", help="class of a case; can be repeated")
    group.add_argument("-c", "--config", metavar="FILE", help="settings of the report (TOML)")


def _train(given: argparse.Namespace) -> None:
    from reportgen.settings.data import DataSettings
    from reportgen.training.plan import TrainingPlan
    from reportgen.workflows.training import train_model

    if given.phantoms < 0:
        raise SettingsError("--phantoms can't be negative")
    if not Path(given.output).name:
        raise SettingsError(f"'{given.output}' names no file", "name the model to write: model.keras")
    plan = TrainingPlan(
        output=Path(given.output),
        data=Path(given.data) if given.data else None,
        test_data=Path(given.test) if given.test else None,
        phantoms=given.phantoms,
        coverings=given.coverings,
        architecture=given.architecture,
        start=Path(given.start) if given.start else None,
        recipe=_recipe(given),
        validation_share=given.validation,
        test_share=given.test_share,
        reading=DataSettings(patient=given.patient) if given.patient else DataSettings(),
        card={"purpose": given.purpose, "source": given.source},
        overwrite=given.force,
        restart=given.restart,
    )
    report = None if given.no_report else _report(given)
    written = train_model(plan, report, progress=True, debug=given.debug)
    say_made(Made(tuple(written)), opening=given.open)


def _recipe(given: argparse.Namespace) -> Recipe:
    from reportgen.training.recipe import AUGMENTATIONS, OWN_RECIPE, RECIPES

    named = [name.replace("-", "_") for name, *_ in (*_NUMBERS, *_CHOICES)]
    chosen = {name: getattr(given, name) for name in named if getattr(given, name) is not None}
    if "augment" in chosen:
        chosen["augmentation"] = AUGMENTATIONS[chosen.pop("augment")]
    return dataclasses.replace(RECIPES.get(given.architecture, OWN_RECIPE), **chosen)


def _report(given: argparse.Namespace) -> ReportPlan:
    from reportgen.settings.file import read_settings, settings_from
    from reportgen.workflows.training import ReportPlan

    config = Path(given.config) if given.config else None
    settings = settings_from(read_settings(config) if config else {})
    path = Path(given.report) if given.report else Path(given.output).with_suffix(".html")
    return ReportPlan(path, given.show, settings, config)
