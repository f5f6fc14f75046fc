"""What is trained on what: refused before any work, divided as the data are, test labels numbered as in training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.settings.data import DataSettings
from reportgen.system.errors import OutputError, ReportgenError, SettingsError
from reportgen.training.plan import TrainingPlan, check_plan, gather
from reportgen.training.recipe import OWN_RECIPE, RECIPES, Recipe


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Write folders of images, so many a class; the working folder is theirs."""
    monkeypatch.chdir(tmp_path)

    def write(root: str, **classes: int) -> Path:
        for name, count in classes.items():
            (tmp_path / root / name).mkdir(parents=True)
            for number in range(count):
                path = tmp_path / root / name / f"person{number}_{name}.png"
                Image.fromarray(np.full((8, 12), number, np.uint8)).save(path)
        return Path(root)

    return write


def plan(**options) -> TrainingPlan:
    return TrainingPlan(**{"output": Path("net.keras")} | options)


def gathered(**options):
    said = []
    return gather(plan(**options), said.append), said


def test_the_recipe_is_the_one_that_suits_the_architecture():
    assert plan(architecture="cifar10").chosen_recipe == RECIPES["cifar10"]
    assert plan(architecture="mine.py:build").chosen_recipe == OWN_RECIPE
    assert plan(recipe=Recipe(epochs=3)).chosen_recipe.epochs == 3


def test_files_lie_beside_the_model():
    assert plan(output=Path("a/net.keras")).notes == Path("a/net.toml")
    assert plan(output=Path("a/net.keras")).checkpoint == Path("a/net.checkpoint")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, ReportgenError, "nothing to train on"),
        ({"phantoms": 4, "output": Path("net.h5")}, ReportgenError, "net.h5 must end in .keras"),
        ({"phantoms": 4, "output": Path("no/net.keras")}, OutputError, "the folder of no/net.keras does not exist"),
        ({"phantoms": 4, "architecture": "resnet"}, ReportgenError, "unknown architecture 'resnet'; choose one of"),
        ({"phantoms": 4, "recipe": Recipe(epochs=0)}, SettingsError, "epochs must be from 1"),
        ({"phantoms": 4, "recipe": Recipe(threshold="best")}, SettingsError, "no rule for a threshold"),
    ],
)
def test_what_can_not_be_done_is_refused_at_once(tmp_path, monkeypatch, options, kind, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as refused:
        check_plan(plan(**options))
    assert message in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["net.keras", "net.toml"])
def test_existing_files_are_refused_unless_they_may_be_replaced(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("mine")
    with pytest.raises(OutputError, match=f"{name} exists already"):
        check_plan(plan(phantoms=4))
    check_plan(plan(phantoms=4, overwrite=True))
    assert Path(name).read_text() == "mine"


def test_a_checkpoint_is_no_obstacle_and_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.checkpoint").write_bytes(b"PK")
    check_plan(plan(phantoms=4, restart=True))
    assert Path("net.checkpoint").exists()


def test_one_tree_is_split_by_patient(draw):
    data, said = gathered(data=draw("data", a=40, b=40), validation_share=0.3, test_share=0.2)
    sides = [set(part.groups) for part in (data.train, data.validation, data.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert sum(len(part) for part in (data.train, data.validation, data.test)) == 80
    assert data.patients
    assert said == []
    # the test images belong to neither
    assert data.described == f"{80 - len(data.test)} images in 2 classes (folders of images)"


def test_parts_on_the_disk_stay_and_nothing_is_said_of_patients(draw):
    for part, count in (("train", 5), ("val", 2), ("test", 3)):
        draw(f"data/{part}", a=count, b=count)
    data, said = gathered(data=Path("data"))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [10, 4, 6]
    assert not data.patients
    assert data.held == "validation: held back"
    # once, not twice
    assert len(said) == len(set(said)) == 3
    assert "2 patients have images in both train and validation" in said[0]


def test_test_labels_are_numbered_as_in_training(draw):
    train = draw("data", cat=5, dog=5, eel=5)
    test = draw("held", Eel=2, cat=1)
    data, said = gathered(data=train, test_data=test, validation_share=0.0)
    assert data.test.class_names == ("cat", "dog", "eel")
    assert [data.test.class_names[label] for label in data.test.labels] == ["eel", "eel", "cat"]
    assert "2 patients have images in both train and test" in said[0]


def test_test_findings_are_numbered_as_in_training(draw):
    draw("a", x=4)
    for name, rows in (
        ("train.csv", ["Mass|Nodule", "Nodule", "No Finding", "Mass"]),
        ("test.csv", ["nodule|mass", "nodule", "mass", ""]),
    ):
        lines = [f"a/x/person{n}_x.png,{row or 'No Finding'}" for n, row in enumerate(rows)]
        Path(name).write_text("\n".join(["image,finding", *lines]))
    data, _ = gathered(data=Path("train.csv"), test_data=Path("test.csv"), validation_share=0.0)
    assert data.train.class_names == ("Mass", "Nodule") == data.test.class_names
    assert data.test.labels.tolist() == [[True, True], [False, True], [True, False], [False, False]]


def test_test_images_of_other_classes_are_refused(draw):
    draw("data", a=3, b=3)
    draw("held", a=2, zebra=2)
    with pytest.raises(ReportgenError, match="held has the classes a, zebra, the training data the classes a, b"):
        gathered(data=Path("data"), test_data=Path("held"))


def test_a_class_without_training_images_is_refused(draw):
    draw("data/train", a=3, b=3)
    draw("data/test", a=3, b=3)
    draw("one", a=12, b=1)
    shares = [share / 20 for share in range(1, 20)]
    refused = []
    for share in shares:
        try:
            gathered(data=Path("one"), validation_share=share)
        except ReportgenError as problem:
            refused.append(str(problem))
    assert any("no image for training is of class b; give more images, or hold fewer back" in one for one in refused)


def test_missing_classes_and_missing_validation_are_told(draw):
    draw("data", a=3, b=3)
    _, said = gathered(data=Path("data"), validation_share=0.0)
    assert said[-1].startswith("No images are held back for validation")
    draw("parts/train", a=3, b=3)
    draw("parts/val", a=2, b=0)
    (Path("parts") / "val" / "b" / "x.png").write_bytes(b"")
    data, _ = gathered(data=Path("parts"))
    one_class = dataclasses.replace(data.validation, labels=np.zeros(3, np.int64))
    from reportgen.training.plan import _check_classes

    assert _check_classes(data.train, one_class) == ["No image for validation is of class b."]


def test_phantoms_alone(tmp_path):
    data, _ = gathered(phantoms=50, validation_share=0.2)
    assert len(data.train) + len(data.validation) == 50
    assert data.train.class_names == ("NORMAL", "PNEUMONIA")
    assert data.phantoms is None
    assert data.test is None


def test_phantoms_beside_data(draw):
    draw("data", Normal=5, pneumonia=5)
    data, _ = gathered(data=Path("data"), phantoms=30)
    assert sum(len(part) for part in data.phantoms) == 30
    assert data.train.class_names == ("Normal", "pneumonia")
    assert data.described.endswith("and 30 synthetic radiographs (phantoms)")


def test_phantoms_beside_data_of_other_classes_are_refused(draw):
    draw("data", cat=5, dog=5)
    with pytest.raises(ReportgenError, match="classes differ: cat, dog and NORMAL, PNEUMONIA"):
        gathered(data=Path("data"), phantoms=30)


def test_phantoms_beside_findings_are_refused(draw):
    draw("a", x=2)
    Path("data.csv").write_text("image,finding\na/x/person0_x.png,NORMAL|PNEUMONIA\na/x/person1_x.png,NORMAL")
    with pytest.raises(ReportgenError, match="phantoms can only be added"):
        gathered(data=Path("data.csv"), phantoms=30)


def test_the_pattern_of_patients_is_used(draw):
    data, _ = gathered(
        data=draw("data", a=12, b=12), validation_share=0.3, reading=DataSettings(patient=r"^person(\d)")
    )
    assert set(data.train.groups) | set(data.validation.groups) <= set("0123456789")


def test_data_are_not_written_over(draw):
    draw("data", a=2, b=2)
    Path("net.toml").write_text("image,label\n")
    with pytest.raises(ReportgenError, match="is data and would be overwritten"):
        check_plan(plan(data=Path("net.toml"), overwrite=True))
