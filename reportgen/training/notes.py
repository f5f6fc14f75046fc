"""The TOML beside a trained model: how to use it, how it was trained, how well it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from reportgen.models.architectures import Architecture
from reportgen.report.model import Evaluation
from reportgen.training.calibrate import Calibration
from reportgen.training.fit import Trained
from reportgen.training.plan import Gathered, TrainingPlan
from reportgen.training.recipe import AUGMENTATIONS, Recipe

_OPTIMIZERS = {"adamw": "AdamW", "nadam": "Nadam", "adam": "Adam", "sgd": "SGD with Nesterov momentum 0.9"}
_LIMITS = "For research and teaching. It is not a medical device and must not be used for diagnosis."


def make_notes(
    plan: TrainingPlan,
    architecture: Architecture,
    trained: Trained,
    calibration: Calibration,
    data: Gathered,
    held: int,
    evaluations: Sequence[Evaluation],
) -> dict[str, Any]:
    """Return the content of the TOML file.

    Parameters
    ----------
    plan, architecture
        What was trained.
    trained, calibration
        What came of it.
    data, held
        On what, and how many of all images were held back for validation.
    evaluations
        How it did.
    """
    recipe = plan.chosen_recipe
    names = data.train.class_names
    binary = len(names) == 2 and not data.train.of_findings
    rounded = {name: [round(value, 5) for value in values] for name, values in trained.history.items()}
    return {
        "class_names": list(names),
        **({"threshold": round(calibration.threshold, 6)} if binary else {}),
        **({"multi_label": True} if data.train.of_findings else {}),
        "preprocessing": (
            {"mode": "none"} if trained.factor == 1 else {"mode": "scale", "factor": trained.factor, "offset": 0.0}
        ),
        "card": {
            "title": f"{architecture.name}: {architecture.title}",
            **{name: text for name, text in plan.card.items() if text},
            "data": f"{data.described}; {_describe_held(data, held)}.",
            "method": (f"Started from {plan.start.name}. " if plan.start else "")
            + _describe_method(recipe, trained, calibration, findings=data.train.of_findings),
            "limits": _LIMITS,
            "evaluations": [_line(evaluation) for evaluation in evaluations],
        },
        "history": rounded,
    }


def _line(evaluation: Evaluation) -> dict[str, Any]:
    told = dataclasses.asdict(evaluation).items()
    return {name: _rounded(value) for name, value in told if value is not None}


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def _describe_held(data: Gathered, held: int) -> str:
    if not held:
        return "none were held back for validation"
    return f"{held:,} of all were held back for validation" + (", no patient on both sides" if data.patients else "")


def _describe_method(recipe: Recipe, trained: Trained, calibration: Calibration, *, findings: bool) -> str:
    """Say in a sentence how it was trained, only what was done."""
    done = len(next(iter(trained.history.values()), ()))
    rate = f"{recipe.schedule} rate" + (" up to" if recipe.schedule == "cosine" else " of")
    said = [
        f"{_OPTIMIZERS[recipe.optimizer]}, {rate} {recipe.learning_rate:g}, {done} epoch{'s' * (done != 1)} of batches "
        f"of {recipe.batch}"
    ]
    if recipe.optimizer == "adamw":
        said.append(f"weight decay {recipe.weight_decay:g}")
    if recipe.patience and recipe.monitor in trained.history:
        said.append(f"weights of epoch {trained.best_epoch}, the best by {recipe.monitor} (patience {recipe.patience})")
    if any(recipe.dropout):
        said.append(f"dropout {recipe.dropout[0]:g} and {recipe.dropout[1]:g} around the dense layer while training")
    if recipe.label_smoothing:
        said.append(f"label smoothing {recipe.label_smoothing:g}")
    if recipe.mixup:
        said.append(f"mixup up to {recipe.mixup:g}")
    balance = {"weights": "class weights", "sampling": "as many images of each class in an epoch"}
    if recipe.balance in balance and not findings:
        said.append(balance[recipe.balance])
    if recipe.leak:
        said.append(f"units leak {recipe.leak:g} below 0 at the start and not at all in the second half")
    if recipe.augmentation is not None:
        kind = next((name for name, how in AUGMENTATIONS.items() if how == recipe.augmentation), "own")
        said.append(f"augmentation '{kind}', at a quarter of its strength in the last {recipe.settling:.0%}")
    if recipe.precision != "float32":
        said.append(f"layers computed in {recipe.precision}")
    if calibration.temperature != 1:
        said.append(f"logits divided by {calibration.temperature:.3f} (temperature by the validation images)")
    if calibration.chosen_by:
        said.append(f"threshold by the validation images ({calibration.chosen_by})")
    return ", ".join(said) + "."
