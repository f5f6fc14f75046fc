"""`reportgen train`: from a folder of images (and phantoms) to a model file and the TOML that goes with it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reportgen.models.architectures import ARCHITECTURES, Architecture
from reportgen.report.names import are_the_same
from reportgen.system.atomic import check_target, replace_files
from reportgen.system.errors import ReportgenError
from reportgen.training.datasets import Dataset, draw_phantoms, join, read_folder, split_by_group
from reportgen.training.fit import FACTOR, Recipe, Trained, evaluate, fit_model

VALIDATION_SHARE = 0.1
PHANTOM_TRAINING_SEED, PHANTOM_TEST_SEED = 100_000, 0
PHANTOM_TEST_COUNT = 200


def train(
    output: Path,
    *,
    folder: Path | None = None,
    test_folder: Path | None = None,
    phantoms: int = 0,
    architecture: str = "chest_xray",
    recipe: Recipe | None = None,
    card: dict[str, str] | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train a built-in architecture and write ``output`` (.keras) and a TOML of the same name beside it.

    Parameters
    ----------
    output
        Model file to write; ends in ``.keras``.
    folder
        ``folder/CLASS/image`` or ``folder/train/CLASS/image``; a tenth of the patients is held back as validation.
    test_folder
        Images that are only measured at the end, ``test_folder/CLASS/image``.
    phantoms
        How many synthetic radiographs to add (or to train on alone when there is no folder).
    architecture
        A name in ``ARCHITECTURES``.
    recipe
        Epochs, rates, augmentation.
    card
        What else the model card says, by field (``purpose``, ``source``).
    overwrite
        Whether existing files are replaced.
    say
        Told each step in a line; default: standard error.

    Returns
    -------
    dict
        The content of the TOML file.

    Raises
    ------
    ReportgenError
        When there is nothing to train on, a name is unknown, or an output can't be written.
    """
    say = say or (lambda line: print(line, file=sys.stderr, flush=True))
    recipe = recipe or Recipe()
    chosen = _checked(architecture, output, folder, phantoms, overwrite=overwrite)
    say("reading images")
    data, described = _gather(chosen, folder, phantoms)
    test = _test_images(test_folder, chosen, data.class_names) if test_folder is not None else None
    training, validation = split_by_group(data, VALIDATION_SHARE)
    if not len(training):
        raise ReportgenError("all images belong to the held-back patients", "give more images")
    say(f"training on {len(training)} images, validating on {len(validation)}, {recipe.epochs} epochs")

    def told(epoch: int, measures: dict[str, float]) -> None:
        say(f"epoch {epoch}/{recipe.epochs}  " + "  ".join(f"{name} {value:.4f}" for name, value in measures.items()))

    trained = fit_model(chosen, training, validation, recipe, told)
    evaluations = _evaluations(trained, chosen, validation, test, phantoms)
    for line in evaluations:
        say("  ".join(f"{key} {value}" for key, value in line.items()))
    notes = _notes(chosen, recipe, trained, data.class_names, described, len(validation), evaluations, card or {})
    _write(output, trained, notes)
    return notes


def _checked(name: str, output: Path, folder: Path | None, phantoms: int, *, overwrite: bool) -> Architecture:
    if name not in ARCHITECTURES:
        raise ReportgenError(f"unknown architecture '{name}'", f"choose one of {', '.join(ARCHITECTURES)}")
    if folder is None and phantoms <= 0:
        raise ReportgenError("nothing to train on", "give a folder of images, or --phantoms N")
    if output.suffix != ".keras":
        raise ReportgenError(f"{output} must end in .keras", "name the model file so")
    for path in (output, output.with_suffix(".toml")):
        check_target(path, overwrite=overwrite)
    return ARCHITECTURES[name]


def _gather(architecture: Architecture, folder: Path | None, phantoms: int) -> tuple[Dataset, str]:
    parts, described = [], []
    if folder is not None:
        parts.append(read_folder(folder, architecture.input_shape))
        described.append(f"{len(parts[-1])} images in {len(parts[-1].class_names)} classes")
    if phantoms:
        parts.append(draw_phantoms(phantoms, architecture.input_shape, first_seed=PHANTOM_TRAINING_SEED))
        described.append(f"{phantoms} synthetic radiographs (phantoms)")
    return (join(parts[0], parts[1]) if len(parts) == 2 else parts[0]), " and ".join(described)


def _test_images(folder: Path, architecture: Architecture, class_names: tuple[str, ...]) -> Dataset:
    test = read_folder(folder, architecture.input_shape)
    if not are_the_same(test.class_names, class_names):
        raise ReportgenError(
            f"{folder} has the classes {', '.join(test.class_names)}, the training data {', '.join(class_names)}",
            "test on the same classes",
        )
    return test


def _evaluations(
    trained: Trained,
    architecture: Architecture,
    validation: Dataset,
    test: Dataset | None,
    phantoms: int,
) -> list[dict[str, Any]]:
    sets = {"validation (held-back patients of the training data)": validation}
    if test is not None:
        sets["test images, never used in training"] = test
    if phantoms:
        sets["phantoms of unseen seeds"] = draw_phantoms(
            PHANTOM_TEST_COUNT, architecture.input_shape, first_seed=PHANTOM_TEST_SEED
        )
    lines = []
    for name, data in sets.items():
        if len(data):
            measured = dataclasses.asdict(evaluate(trained.model, data, name=name)).items()
            lines.append(
                {
                    key: round(value, 4) if isinstance(value, float) else value
                    for key, value in measured
                    if value is not None
                }
            )
    return lines


def _notes(
    architecture: Architecture,
    recipe: Recipe,
    trained: Trained,
    class_names: tuple[str, ...],
    described: str,
    held: int,
    evaluations: list[dict[str, Any]],
    card: dict[str, str],
) -> dict[str, Any]:
    return {
        "class_names": list(class_names),
        **({"threshold": 0.5} if len(class_names) == 2 else {}),
        "preprocessing": {"mode": "scale", "factor": FACTOR, "offset": 0.0},
        "card": {
            "title": f"{architecture.name}: {architecture.title}",
            **{name: text for name, text in card.items() if text},
            "data": f"{described}; {held} of all were held back for validation, no patient on both sides.",
            "method": (
                f"AdamW, cosine schedule to {recipe.learning_rate:g}, {recipe.epochs} epoch(s) of batches of "
                f"{recipe.batch}, "
                f"dropout {recipe.dropout[0]:g} and {recipe.dropout[1]:g} around the dense layer while training, "
                f"label smoothing {recipe.label_smoothing:g}, class weights, augmentation by flip, rotation, zoom, "
                f"shift, brightness, contrast and gamma, at a quarter of that in the last "
                f"{min(recipe.settling, recipe.epochs)} of them."
            ),
            "limits": "For research and teaching. It is not a medical device and must not be used for diagnosis.",
            "evaluations": evaluations,
        },
        "history": {name: [round(value, 5) for value in values] for name, values in trained.history.items()},
    }


def _write(output: Path, trained: Trained, notes: dict[str, Any]) -> None:
    import tomli_w

    with replace_files(output, output.with_suffix(".toml")) as (model, beside):
        trained.model.save(model)
        beside.write_bytes(tomli_w.dumps(notes).encode(errors="replace"))
