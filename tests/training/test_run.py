"""The whole run: from images to a model that can be loaded, with notes that tell the truth."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from reportgen.analysis.metrics.classification import measure_classifier
from reportgen.datasets.labelled import Labelled
from reportgen.datasets.prepared import prepare_all
from reportgen.demo.phantom_data import phantom_data
from reportgen.models.architectures import ARCHITECTURES
from reportgen.models.loader import load_model
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import ImageError, ReportgenError
from reportgen.training import run
from reportgen.training.checkpoint import Progress, save_progress
from reportgen.training.examples import Examples
from reportgen.training.fit import scores_of
from reportgen.training.plan import TrainingPlan
from reportgen.training.recipe import OWN_RECIPE, Recipe

SHAPE = (128, 128, 1)
OWN = '''
import keras
from keras import layers

def build(classes):
    return keras.Sequential([
        layers.Input((20, 28, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"),
        layers.GlobalAveragePooling2D(), layers.Dense(classes, activation="softmax"),
    ])

def findings(classes):
    return keras.Sequential([
        layers.Input((20, 28, 1)), layers.Flatten(), layers.Dense(classes, activation="sigmoid"),
    ])
'''  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One epoch on 40 phantoms, tested on 6 of other seeds."""
    path = tmp_path_factory.mktemp("trained") / "model.keras"
    lines, seen = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "PHANTOM_TEST_COUNT", 6)
        plan = TrainingPlan(
            output=path, phantoms=40, architecture="chest_xray_gray", recipe=Recipe(epochs=1, batch=16),
            card={"purpose": "To be tested.", "source": ""}, validation_share=0.2,
        )  # fmt: skip
        finished = run.train(plan, lines.append, on_ready=lambda *given: seen.append(given))
    return path, finished.notes, lines, seen


def test_the_saved_model_has_exactly_the_layers_of_the_architecture(trained):
    model = keras.saving.load_model(trained[0], compile=False)
    fresh = ARCHITECTURES["chest_xray_gray"].build(2)
    assert [(type(a), a.name) for a in model.layers] == [(type(b), b.name) for b in fresh.layers]
    assert model.count_params() == fresh.count_params()
    assert model.layers[0].activation is keras.activations.relu


def test_only_the_model_and_its_notes_are_left(trained):
    assert sorted(path.name for path in trained[0].parent.iterdir()) == ["model.keras", "model.toml"]


def test_the_saved_model_can_be_loaded_with_its_notes(trained):
    path, notes, *_ = trained
    loaded = load_model(path)
    assert loaded.class_names == ("NORMAL", "PNEUMONIA")
    assert loaded.input_shape == SHAPE
    assert loaded.threshold == notes["threshold"]
    assert loaded.preprocessing(np.full((1, 1, 1), 255, np.uint8)) == pytest.approx(1)
    assert loaded.history["loss"] == pytest.approx(notes["history"]["loss"])
    assert len(loaded.history["loss"]) == 1
    assert "40 synthetic radiographs" in loaded.card.data
    assert (loaded.card.purpose, loaded.card.source) == ("To be tested.", "")
    assert [line.images for line in loaded.card.evaluations][1] == 6


def test_the_notes_tell_the_truth_about_the_saved_model(trained):
    loaded = load_model(trained[0])
    data = phantom_data(6, run.PHANTOM_TEST_SEED)
    images = Examples(prepare_all(data, SHAPE, PreprocessingSettings()), data.labels, data.class_names)
    found = measure_classifier(scores_of(loaded.keras_model, images), data.labels, threshold=loaded.threshold)
    told = loaded.card.evaluations[-1]
    assert told.accuracy == pytest.approx(found.accuracy, abs=1e-4)
    assert told.auc == pytest.approx(found.auc, abs=1e-4)
    assert told.sensitivity == pytest.approx(found.sensitivity, abs=1e-4)


def test_each_step_is_told(trained):
    lines = trained[2]
    starts = ["training on ", "epoch 1/1  accuracy ", "validation: held back", "phantoms of unseen seeds: 6 images"]
    assert [next(i for i, line in enumerate(lines) if line.startswith(start)) for start in starts] == sorted(
        next(i for i, line in enumerate(lines) if line.startswith(start)) for start in starts
    )


def test_whoever_wants_to_know_is_told_before_the_work(trained):
    ((data, model),) = trained[3]
    assert data.train.class_names == ("NORMAL", "PNEUMONIA")
    assert model.input_shape == (None, *SHAPE)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Two classes of small images, an own architecture in a folder, and nothing may be trained without notice."""
    monkeypatch.chdir(tmp_path)
    for name, gray in (("a", 40), ("b", 200)):
        for root in ("data", "held"):
            (Path(root) / name).mkdir(parents=True)
            for number in range(6):
                Image.fromarray(np.full((10, 15), gray + number, np.uint8)).save(f"{root}/{name}/{name}{number}.png")
    Path("code").mkdir()
    Path("code/mine.py").write_text(OWN)
    return tmp_path


@pytest.fixture
def no_fit(monkeypatch):
    """Training must not begin."""

    def fail(*given):
        raise AssertionError("training began")

    monkeypatch.setattr(run, "fit_model", fail)


def own(**options) -> TrainingPlan:
    usual = {
        "output": Path("net.keras"), "data": Path("data"), "architecture": "code/mine.py:build",
        "recipe": OWN_RECIPE, "validation_share": 0.3,
    }  # fmt: skip
    return TrainingPlan(**usual | options)


def test_an_architecture_that_scales_itself_is_trained_and_used_with_raw_images(folder):
    finished = run.train(own(), lambda _: None)
    assert finished.notes["preprocessing"] == {"mode": "none"}
    loaded = load_model(Path("net.keras"))
    assert (loaded.preprocessing(np.full((1, 1, 3), 255, np.uint8)) == 255).all()
    # built three times in this run, its layers have the names of a first one
    assert [layer.name for layer in loaded.keras_model.layers] == [
        "rescaling", "conv2d", "global_average_pooling2d", "dense",
    ]  # fmt: skip
    said = loaded.card.evaluations[0]
    images = np.stack([np.full((20, 28, 3), gray, np.float32) for gray in (40, 200)])
    assert said.accuracy is not None
    assert np.asarray(loaded.keras_model(images)).shape == (2, 2)


def test_findings_are_trained_and_the_model_says_so(folder):
    lines = [f"data/a/a{n}.png,{row}" for n, row in enumerate(["x", "x|y", "No Finding", "y", "x", "y"])]
    Path("labels.csv").write_text("\n".join(["image,finding", *lines]))
    finished = run.train(own(data=Path("labels.csv"), architecture="code/mine.py:findings"), lambda _: None)
    assert finished.notes["multi_label"]
    assert "threshold" not in finished.notes
    loaded = load_model(Path("net.keras"))
    assert loaded.class_names == ("x", "y")
    assert loaded.thresholds


@pytest.mark.parametrize("root", ["data", "held"])
def test_a_damaged_image_is_named_before_the_training(folder, no_fit, root):
    Path(root, "b", "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand then nothing")
    with pytest.raises(ImageError, match=rf"{root}/b/bad\.png .*remove it from the data"):
        run.train(own(test_data=Path("held")), lambda _: None)
    assert not list(Path().glob("net.*"))


def test_a_network_that_does_not_fit_is_refused_before_images_are_read(folder, no_fit, monkeypatch):
    monkeypatch.setattr(run, "prepare_all", None)
    Path("code/mine.py").write_text(OWN.replace('(classes, activation="softmax"', '(7, activation="softmax"'))
    with pytest.raises(ReportgenError, match="the network gives"):
        run.train(own(architecture="code/mine.py:build"), lambda _: None)


def test_what_the_watcher_of_the_plan_refuses_is_not_trained(folder, no_fit):
    def refuse(*given):
        raise ReportgenError("not this")

    with pytest.raises(ReportgenError, match="not this"):
        run.train(own(), lambda _: None, on_ready=refuse)


def test_an_interrupted_training_is_forgotten_only_when_the_new_one_begins(folder):
    save_progress(Path("net.checkpoint"), Progress("of another", 3, False, {}, []))
    with pytest.raises(ReportgenError, match="data not found"):
        run.train(own(restart=True, data=Path("nowhere")), lambda _: None)
    assert Path("net.checkpoint").exists()
    with pytest.raises(ReportgenError, match="of a training with other data"):
        run.train(own(), lambda _: None)
    run.train(own(restart=True), lambda _: None)
    assert sorted(path.name for path in Path().glob("net.*")) == ["net.keras", "net.toml"]


def test_large_data_lie_in_a_file_for_each_part(folder, monkeypatch):
    """What doesn't fit into memory is mapped from files: one part must not lie over another."""
    seen = []

    def mapped(data: Labelled, shape, settings, advance, *, folder):
        images = prepare_all(data, shape, settings, advance, folder=folder, memory=0)
        seen.append(images)
        return images

    monkeypatch.setattr(run, "prepare_all", mapped)
    run.train(own(test_data=Path("held"), recipe=Recipe(epochs=1, augmentation=None)), lambda _: None)
    assert all(isinstance(images, np.memmap) for images in seen)
    assert len({images.filename for images in seen}) == 3
