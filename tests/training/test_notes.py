"""The notes beside a model: only what was done is said."""

from __future__ import annotations

import dataclasses

import pytest

from reportgen.demo.phantom_data import phantom_data
from reportgen.report.model import Evaluation
from reportgen.training.calibrate import Calibration
from reportgen.training.fit import Trained
from reportgen.training.notes import make_notes
from reportgen.training.plan import Gathered, TrainingPlan
from reportgen.training.recipe import AUGMENTATIONS, RECIPES, Recipe

HISTORY = {"loss": [0.9, 0.1234567], "val_loss": [0.8, 0.7]}


@pytest.fixture
def notes(tiny, tmp_path):
    def make(recipe=None, trained=None, calibration=None, held=3, evaluations=(), **changes):
        data = Gathered(phantom_data(8, 0), None, None, None, "8 images in 2 classes", **changes)
        plan = TrainingPlan(output=tmp_path / "net.keras", recipe=recipe, card={"purpose": "A test.", "source": ""})
        return make_notes(
            plan, tiny, trained or Trained(None, HISTORY, 1), calibration or Calibration(), data, held, evaluations
        )

    return make


def test_how_to_use_the_model(notes):
    found = notes(calibration=Calibration(1.5, 0.3700001234, "balanced"))
    assert found["class_names"] == ["NORMAL", "PNEUMONIA"]
    assert found["threshold"] == 0.37
    assert found["preprocessing"] == {"mode": "scale", "factor": 1 / 255, "offset": 0.0}
    assert found["history"] == {"loss": [0.9, 0.12346], "val_loss": [0.8, 0.7]}
    assert "multi_label" not in found
    assert notes(trained=Trained(None, HISTORY, 1, 1.0))["preprocessing"] == {"mode": "none"}


def test_the_card(notes):
    card = notes()["card"]
    assert card["title"] == "tiny: 6 x 10 gray"
    assert card["purpose"] == "A test."
    assert "source" not in card
    assert card["data"] == ("8 images in 2 classes; 3 of all were held back for validation, no patient on both sides.")
    assert notes(patients=False)["card"]["data"] == "8 images in 2 classes; 3 of all were held back for validation."
    assert notes(held=0)["card"]["data"] == "8 images in 2 classes; none were held back for validation."


def test_measures_that_are_not_defined_are_left_out(notes):
    lines = [Evaluation(data="a", images=3, accuracy=2 / 3, auc=None)]
    assert notes(evaluations=lines)["card"]["evaluations"] == [{"data": "a", "images": 3, "accuracy": 0.6667}]


def test_the_method_of_the_notebook(notes):
    history = {"loss": [1.0] * 7, "val_accuracy": [0.5] * 7}
    said = notes(RECIPES["cifar10"], Trained(None, history, 4))["card"]["method"]
    assert said == (
        "Nadam, constant rate of 0.001, 7 epochs of batches of 32, weights of epoch 4, the best by val_accuracy "
        "(patience 3)."
    )


def test_the_method_of_everything(notes):
    recipe = dataclasses.replace(
        Recipe(), mixup=0.2, precision="bfloat16", patience=2, augmentation=AUGMENTATIONS["light"]
    )
    said = notes(recipe, calibration=Calibration(1.25, 0.4, "sensitivity:0.9"))["card"]["method"]
    for part in (
        "AdamW, cosine rate up to", "2 epochs", "weight decay", "weights of epoch 1, the best by val_loss (patience 2)",
        "dropout 0.5 and 0.4", "label smoothing 0.05", "mixup up to 0.2", "class weights", "leak 0.1",
        "augmentation 'light', at a quarter of its strength in the last 15%", "layers computed in bfloat16",
        "logits divided by 1.250", "threshold by the validation images (sensitivity:0.9)",
    ):  # fmt: skip
        assert part in said


def test_what_had_no_effect_is_not_said(notes, tiny):
    only_trained = Trained(None, {"loss": [1.0]}, 1)
    assert "patience" not in notes(dataclasses.replace(Recipe(), patience=3), only_trained)["card"]["method"]
    assert ", 1 epoch of " in notes(trained=only_trained)["card"]["method"]
