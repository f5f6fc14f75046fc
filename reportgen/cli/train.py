"""``reportgen train``: train a small CNN."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reportgen.cli.arguments import add_command, add_force, say_written

_EXAMPLES = """reportgen train chest_xray/ -o model.keras --test chest_xray/test
reportgen train --phantoms 400 --architecture two_xrays --epochs 4 -o model.keras"""


def add_train(commands: Any) -> None:
    """Add the command."""
    train = add_command(
        commands, "train", "train a small CNN on folders of images, phantoms, or both", _train, _EXAMPLES
    )
    train.add_argument("folder", nargs="?", help="holds CLASS/image or train/CLASS/image")
    train.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="model to write (.keras); a TOML goes beside it"
    )
    train.add_argument("--test", metavar="FOLDER", help="images that are only measured, FOLDER/CLASS/image")
    train.add_argument("--purpose", default="", metavar="TEXT", help="for the model card: what the model is for")
    train.add_argument(
        "--source", default="", metavar="TEXT", help="for the model card: origin and licence of the data"
    )
    train.add_argument("--phantoms", type=int, default=0, metavar="N", help="add N synthetic radiographs")
    train.add_argument("--architecture", default="chest_xray", metavar="NAME", help="chest_xray, two_xrays or cifar10")
    for name, what in (("epochs", "passes over the data"), ("batch", "images a step"), ("seed", "of all randomness")):
        train.add_argument(f"--{name}", type=int, metavar="N", help=what)
    add_force(train)


def _train(given: argparse.Namespace) -> None:
    from reportgen.workflows.making import train_model

    train_model(
        Path(given.output), folder=given.folder, test_folder=given.test, phantoms=given.phantoms,
        architecture=given.architecture, card={"purpose": given.purpose, "source": given.source}, epochs=given.epochs,
        batch=given.batch, seed=given.seed, overwrite=given.force, debug=given.debug,
    )  # fmt: skip
    say_written([Path(given.output)])
