"""Recipes: one for each architecture, and numbers that make no training are refused."""

from __future__ import annotations

import dataclasses

import pytest

from reportgen.models.architectures import ARCHITECTURES
from reportgen.system.errors import SettingsError
from reportgen.training.calibrate import parse_rule
from reportgen.training.recipe import OWN_RECIPE, RECIPES, Augmentation, Recipe, check_recipe


def test_each_architecture_has_a_recipe_that_can_be_used():
    assert set(RECIPES) == set(ARCHITECTURES)
    for recipe in (*RECIPES.values(), OWN_RECIPE):
        check_recipe(recipe)
        parse_rule(recipe.threshold)


def test_cifar10_is_trained_as_the_notebooks_do():
    recipe = RECIPES["cifar10"]
    assert (recipe.optimizer, recipe.patience, recipe.monitor, recipe.epochs) == ("nadam", 3, "val_accuracy", 200)
    assert recipe.hard_targets
    assert recipe.augmentation is None
    assert recipe.dropout == (0.0, 0.0)


def test_what_needs_soft_targets():
    hard = Recipe(label_smoothing=0.0)
    assert hard.hard_targets
    assert not dataclasses.replace(hard, label_smoothing=0.1).hard_targets
    assert not dataclasses.replace(hard, mixup=0.1).hard_targets


def test_the_neutral_augmentation_has_no_range():
    for field in dataclasses.fields(Augmentation):
        assert getattr(Augmentation(), field.name) in (0, False, 1, (1.0, 1.0))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("epochs", [0, -1, 2**31]),
        ("batch", [0, 10**30]),
        ("seed", [-1, 2**32]),
        ("patience", [-1]),
        ("learning_rate", [0, -1.0, 10.0, float("nan"), float("inf")]),
        ("weight_decay", [-0.1, 1.0, float("nan")]),
        ("label_smoothing", [-0.1, 1.0, float("nan")]),
        ("mixup", [-0.1, 1.0]),
        ("leak", [-0.1, 1.0]),
        ("dropout", [(0.5, 1.0), (-0.1, 0.0)]),
    ],
)
def test_numbers_out_of_range_are_refused(name, values):
    for value in values:
        with pytest.raises(SettingsError, match=name.replace("_", " ")):
            check_recipe(dataclasses.replace(Recipe(), **{name: value}))
