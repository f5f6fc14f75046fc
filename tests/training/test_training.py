"""Training: figures against loops, splits, folders, and one short run from images to a model that can be loaded."""

from __future__ import annotations

import shutil

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reportgen.analysis.metrics.classification import area_under_roc
from reportgen.demo.phantom import phantom
from reportgen.models.architectures import ARCHITECTURES
from reportgen.models.loader import load_model
from reportgen.system.errors import ImageError, OutputError, ReportgenError
from reportgen.training import run
from reportgen.training.datasets import Dataset, draw_phantoms, join, patient_of, read_folder, split_by_group
from reportgen.training.fit import Recipe, class_weights, evaluate, fit_model, scores_of

SHAPE = (128, 128, 1)


def dataset(labels, groups=None, names=("NORMAL", "PNEUMONIA"), images=None):
    labels = np.asarray(labels, np.int64)
    if images is None:
        images = np.zeros((len(labels), 4, 6, 1), np.uint8)
    groups = groups or tuple(str(number) for number in range(len(labels)))
    return Dataset(images, labels, tuple(groups), names)


@pytest.fixture
def folder(tmp_path):
    """Two classes of one-coloured images that are not square, and things that are no images."""
    for name, count, gray in (("NORMAL", 3, 40), ("PNEUMONIA", 2, 200)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(count):
            path = tmp_path / "data" / name / f"person{number}_{name}_1.png"
            Image.fromarray(np.full((10, 15), gray + number, np.uint8)).save(path)
    (tmp_path / "data" / "NORMAL" / "notes.txt").write_text("no image")
    (tmp_path / "data" / "empty").mkdir()
    (tmp_path / "data" / "readme.png").write_bytes(b"not in a class")
    return tmp_path / "data"


# ---- figures


def slow_area(scores, positive):
    """Share of (positive, negative) pairs in which the positive scores higher; a tie is half."""
    won = pairs = 0
    for score, is_positive in zip(scores, positive, strict=True):
        for other, other_positive in zip(scores, positive, strict=True):
            if is_positive and not other_positive:
                pairs += 1
                won += 1 if score > other else 0.5 if score == other else 0
    return won / pairs


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30))
@settings(deadline=None)
def test_area_under_roc_is_that_of_the_double_loop(items):
    scores = np.array([score / 6 for score, _ in items])
    positive = np.array([flag for _, flag in items])
    if positive.all() or not positive.any():
        assert np.isnan(area_under_roc(scores, positive))
    else:
        assert area_under_roc(scores, positive) == pytest.approx(slow_area(scores, positive))


@pytest.mark.parametrize(
    ("scores", "positive", "area"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5, 0.5], [0, 1, 1], 0.5),
        ([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1], 0.875),
    ],
)
def test_area_under_roc_by_hand(scores, positive, area):
    assert area_under_roc(np.array(scores), np.array(positive, bool)) == area


def first_pixel(images, training):
    """A "model": the score is the image's first pixel."""
    assert training is False
    return images[:, 0, 0, :]


def scored(scores, labels, **options):
    images = np.zeros((len(labels), 4, 6, np.shape(scores)[1]), np.uint8)
    images[:, 0, 0] = np.rint(np.asarray(scores) * 255)
    return dataset(labels, images=images, **options)


def test_figures_of_one_sigmoid_by_hand():
    data = scored([[0.0], [0.2], [0.6], [0.4], [0.8], [1.0], [0.6]], [0, 0, 0, 1, 1, 1, 1])
    found = evaluate(first_pixel, data)
    assert found.images == 7
    assert found.accuracy == pytest.approx(5 / 7)
    assert found.sensitivity == pytest.approx(3 / 4)
    assert found.specificity == pytest.approx(2 / 3)
    # of 12 pairs 10 are won, one (0.6, 0.6) is a tie, one (0.4 against 0.6) is lost
    assert found.auc == pytest.approx(10.5 / 12)


def test_the_threshold_counts_as_positive():
    data = scored([[0.2], [0.4], [0.6]], [0, 1, 1])
    found = evaluate(first_pixel, data, threshold=102 / 255)
    assert (found.accuracy, found.sensitivity, found.specificity) == (1, 1, 1)
    found = evaluate(first_pixel, data, threshold=0.41)
    assert (found.sensitivity, found.specificity) == (0.5, 1)


def test_figures_of_a_softmax():
    data = scored([[0.2, 0.8, 0], [0.6, 0.2, 0.2], [0, 0.4, 0.6]], [1, 2, 2], names=("a", "b", "c"))
    found = evaluate(first_pixel, data)
    assert found.accuracy == pytest.approx(2 / 3)
    assert (found.auc, found.sensitivity, found.specificity) == (None, None, None)


def test_figures_that_are_not_defined_are_none():
    only_normal = evaluate(first_pixel, scored([[0.2], [0.6]], [0, 0]))
    assert (only_normal.sensitivity, only_normal.specificity) == (None, 0.5)
    assert only_normal.auc is None


def test_scores_are_those_of_images_from_0_to_1_in_any_batches():
    data = scored([[value / 10] for value in range(7)], [0] * 7)
    expected = [[int(pixel) / 255] for pixel in data.images[:, 0, 0, 0]]
    for batch in (1, 3, 64):
        np.testing.assert_allclose(scores_of(first_pixel, data, batch=batch), expected, atol=1e-6)


# ---- splits, weights


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person100_bacteria_475.jpeg", "person100"),
        ("person3_virus_11.jpeg", "person3"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("NORMAL2-IM-0027-0001.jpeg", "NORMAL2-IM-0027"),
        ("somebody_1.png", "somebody_1"),
        ("a person1_x.png", "a person1_x"),
    ],
)
def test_patient_of(name, patient):
    assert patient_of(name) == patient


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.floats(0, 1))
@settings(deadline=None)
def test_a_group_stands_on_one_side_and_nothing_is_lost(numbers, share):
    groups = tuple(f"person{number}" for number in numbers)
    images = np.arange(len(groups), dtype=np.uint8).reshape(-1, 1, 1, 1)
    data = dataset([number % 2 for number in numbers], groups, images=images)
    rest, held = split_by_group(data, share)
    assert not set(rest.groups) & set(held.groups)
    kept = {int(image[0, 0, 0]): (int(label), group) for part in (rest, held) for image, label, group in
            zip(part.images, part.labels, part.groups, strict=True)}  # fmt: skip
    assert kept == {index: (number % 2, f"person{number}") for index, number in enumerate(numbers)}
    assert len(rest) + len(held) == len(data)


def test_the_side_of_a_group_does_not_depend_on_the_others():
    groups = tuple(f"person{number}" for number in range(300))
    _, held = split_by_group(dataset([0] * 300, groups), 0.1)
    assert 15 <= len(held) <= 50
    _, again = split_by_group(dataset([0] * 100, groups[:100]), 0.1)
    assert again.groups == tuple(group for group in held.groups if group in groups[:100])


@pytest.mark.parametrize(("share", "held"), [(0.0, 0), (1.0, 20)])
def test_nothing_and_all_can_be_held_back(share, held):
    assert len(split_by_group(dataset([0, 1] * 10), share)[1]) == held


def test_class_weights_by_hand():
    assert class_weights(dataset([0, 0, 0, 1])) == {0: pytest.approx(4 / 6), 1: pytest.approx(2)}
    assert class_weights(dataset([0, 1, 1, 2, 2, 2], names=("a", "b", "c"))) == {0: 2, 1: 1, 2: pytest.approx(2 / 3)}


# ---- reading


@pytest.mark.parametrize("channels", [1, 3])
def test_read_folder(folder, channels):
    data = read_folder(folder, (8, 12, channels))
    assert data.class_names == ("NORMAL", "PNEUMONIA")
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert data.groups == ("person0", "person1", "person2", "person0", "person1")
    assert data.images.shape == (5, 8, 12, channels)
    assert data.images.dtype == np.uint8
    for image, gray in zip(data.images, (40, 41, 42, 200, 201), strict=True):
        assert (image == gray).all()


def test_read_folder_keeps_rows_and_columns(tmp_path):
    pixels = np.zeros((10, 20), np.uint8)
    pixels[:5, :5] = 200
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "x.png")
    image = read_folder(tmp_path, (10, 20, 1)).images[0, ..., 0]
    assert (image == pixels).all()


def test_read_folder_takes_the_training_images_where_they_lie_apart(folder, tmp_path):
    shutil.move(folder, tmp_path / "train")
    (tmp_path / "test" / "OTHER").mkdir(parents=True)
    data = read_folder(tmp_path, (4, 6, 1))
    assert data.class_names == ("NORMAL", "PNEUMONIA")
    assert len(data) == 5


def test_a_folder_of_one_class_is_refused(folder):
    shutil.rmtree(folder / "PNEUMONIA")
    with pytest.raises(ReportgenError, match="holds 1 class folders; it needs at least two"):
        read_folder(folder, SHAPE)


def test_class_folders_that_mean_the_same_are_refused(folder):
    shutil.copytree(folder / "PNEUMONIA", folder / "Pneumonia")
    with pytest.raises(ReportgenError, match="names mean the same: NORMAL, PNEUMONIA, Pneumonia"):
        read_folder(folder, SHAPE)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ReportgenError, match="nowhere is not a folder"):
        read_folder(tmp_path / "nowhere", SHAPE)


def test_a_damaged_image_is_named(folder):
    (folder / "PNEUMONIA" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand then nothing")
    with pytest.raises(ImageError, match=r"bad\.png .*remove it from the data"):
        read_folder(folder, SHAPE)


def test_phantoms_alternate_and_are_the_same_again():
    data = draw_phantoms(4, (48, 64, 3), first_seed=10)
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.class_names == ("NORMAL", "PNEUMONIA")
    assert data.images.shape == (4, 48, 64, 3)
    assert len(set(data.groups)) == 4
    again = draw_phantoms(2, (48, 64, 3), first_seed=12)
    assert (again.images == data.images[2:]).all()
    assert again.groups == data.groups[2:]
    drawn = phantom(10, opacities=0, size=(240, 272)).pixels
    assert abs(float(data.images[0].mean()) - float(drawn.mean())) < 2


def test_no_phantoms():
    assert draw_phantoms(0, SHAPE, first_seed=0).images.shape == (0, *SHAPE)


def test_join(folder):
    data = read_folder(folder, (8, 12, 1))
    both = join(data, draw_phantoms(2, (8, 12, 1), first_seed=0))
    assert both.labels.tolist() == [0, 0, 0, 1, 1, 0, 1]
    assert both.groups[5:] == ("phantom0", "phantom1")
    assert (both.images[:5] == data.images).all()


def test_join_of_classes_that_are_spelled_otherwise():
    both = join(dataset([0, 1], names=("Normal", "pneumonia")), dataset([0, 1]))
    assert both.class_names == ("Normal", "pneumonia")


def test_join_of_other_classes_is_refused():
    with pytest.raises(ReportgenError, match=r"classes differ: cat, dog and NORMAL, PNEUMONIA"):
        join(dataset([0, 1], names=("cat", "dog")), dataset([0, 1]))


# ---- architectures


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("chest_xray", 3_453_121),
        ("cifar10", 896 + 18_496 + (6 * 6 * 64 * 64 + 64) + 65),
        ("two_xrays", 160 + 2320 + 3480 + 5208 + 6944 + 9248 + 13_872 + 20_784 + 8 * 8 * 48 * 32 + 32 + 33),
    ],
)
def test_architectures(name, parameters):
    architecture = ARCHITECTURES[name]
    model = architecture.build(2)
    assert model.input_shape == (None, *architecture.input_shape)
    assert model.output_shape == (None, 1)
    assert model.layers[-1].activation.__name__ == "sigmoid"
    assert model.count_params() == parameters
    height, width, channels = architecture.input_shape
    assert architecture.title.startswith(f"{height} x {width} {'gray' if channels == 1 else 'RGB'}, ")
    thousands = f"{parameters / 1e3:.0f} thousand parameters"
    assert architecture.title.endswith((thousands, f"{parameters / 1e6:.1f} million parameters"))


def test_more_classes_get_a_softmax():
    model = ARCHITECTURES["cifar10"].build(10)
    assert model.output_shape == (None, 10)
    assert model.layers[-1].activation.__name__ == "softmax"
    assert model.count_params() == 167_562


# ---- fitting


def test_the_fitted_model_has_the_layers_of_the_architecture_and_has_learned():
    data = draw_phantoms(10, SHAPE, first_seed=0)
    told = []
    architecture = ARCHITECTURES["two_xrays"]
    trained = fit_model(
        architecture, data, data.take([0, 1]), Recipe(epochs=2, batch=4), lambda *given: told.append(given)
    )
    fresh = architecture.build(2)
    assert [layer.name for layer in trained.model.layers] == [layer.name for layer in fresh.layers]
    assert [epoch for epoch, _ in told] == [1, 2]
    assert set(trained.history) == {"accuracy", "auc", "loss", "val_accuracy", "val_auc", "val_loss"}
    assert trained.history["loss"] == pytest.approx([measures["loss"] for _, measures in told])
    keras.utils.set_random_seed(Recipe().seed)
    start = architecture.build(2)
    changed = [np.abs(a - b).max() > 0 for a, b in zip(trained.model.get_weights(), start.get_weights(), strict=True)]
    assert all(changed)


def test_a_single_step_is_enough_to_train():
    data = draw_phantoms(4, SHAPE, first_seed=0)
    trained = fit_model(ARCHITECTURES["two_xrays"], data, data.take([]), Recipe(epochs=1))
    assert len(trained.history["loss"]) == 1
    assert not any(name.startswith("val_") for name in trained.history)


def test_three_classes_are_fitted():
    images = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3)).astype(np.uint8)
    data = dataset([0, 1, 2] * 3, names=("a", "b", "c"), images=images)
    trained = fit_model(ARCHITECTURES["cifar10"], data, data, Recipe(epochs=1, batch=4))
    assert trained.model.output_shape == (None, 3)
    assert set(trained.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}


# ---- the whole run


@pytest.fixture(scope="module")
def trained_file(tmp_path_factory):
    """One epoch on 40 phantoms, tested on 6 of other seeds."""
    path = tmp_path_factory.mktemp("trained") / "model.keras"
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "PHANTOM_TEST_COUNT", 6)
        recipe, card = Recipe(epochs=1, batch=16), {"purpose": "To be tested.", "source": ""}
        notes = run.train(path, phantoms=40, architecture="two_xrays", recipe=recipe, card=card, say=lines.append)
    return path, notes, lines


def test_the_saved_model_has_exactly_the_layers_of_the_architecture(trained_file):
    model = keras.saving.load_model(trained_file[0], compile=False)
    fresh = ARCHITECTURES["two_xrays"].build(2)
    assert [(type(a), a.name) for a in model.layers] == [(type(b), b.name) for b in fresh.layers]
    assert model.count_params() == fresh.count_params()


def test_only_the_model_and_its_notes_are_written(trained_file):
    assert sorted(path.name for path in trained_file[0].parent.iterdir()) == ["model.keras", "model.toml"]


def test_the_saved_model_can_be_loaded_with_its_notes(trained_file):
    path, notes, _ = trained_file
    loaded = load_model(path)
    assert loaded.class_names == ("NORMAL", "PNEUMONIA")
    assert loaded.input_shape == SHAPE
    assert loaded.threshold == notes["threshold"]
    assert loaded.preprocessing(np.full((1, 1, 1), 255, np.uint8)) == pytest.approx(1)
    assert loaded.history["loss"] == pytest.approx(notes["history"]["loss"])
    assert len(loaded.history["loss"]) == 1
    assert "40 synthetic radiographs" in loaded.card.data
    assert (loaded.card.purpose, loaded.card.source) == ("To be tested.", "")
    assert loaded.card.evaluations[-1].images == 6


def test_the_notes_tell_the_truth_about_the_model(trained_file):
    path = trained_file[0]
    loaded = load_model(path)
    data = draw_phantoms(6, SHAPE, first_seed=run.PHANTOM_TEST_SEED)
    found = evaluate(loaded.keras_model, data, threshold=loaded.threshold)
    told = loaded.card.evaluations[-1]
    assert told.accuracy == pytest.approx(found.accuracy, abs=1e-4)
    assert told.auc == pytest.approx(found.auc, abs=1e-4)


def test_each_step_is_told(trained_file):
    lines = trained_file[2]
    assert any(line.startswith("training on ") for line in lines)
    assert next(line for line in lines if line.startswith("epoch ")).startswith("epoch 1/1")


@pytest.fixture
def no_fit(monkeypatch):
    """Training must not begin."""

    def fail(*given):
        raise AssertionError("training began")

    monkeypatch.setattr(run, "fit_model", fail)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "resnet", "phantoms": 4}, "unknown architecture 'resnet'; choose one of chest_xray"),
        ({}, "nothing to train on"),
        ({"phantoms": -3}, "nothing to train on"),
    ],
)
def test_what_can_not_be_trained_is_refused(tmp_path, no_fit, options, message):
    with pytest.raises(ReportgenError, match=message):
        run.train(tmp_path / "model.keras", **options)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path, no_fit):
    with pytest.raises(ReportgenError, match=r"must end in \.keras"):
        run.train(tmp_path / "model.h5", phantoms=4)


@pytest.mark.parametrize("name", ["model.keras", "model.toml"])
def test_an_existing_file_is_not_replaced(tmp_path, no_fit, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        run.train(tmp_path / "model.keras", phantoms=4)
    assert (tmp_path / name).read_text() == "mine"


def test_a_missing_test_folder_is_told_before_training(folder, tmp_path, no_fit):
    with pytest.raises(ReportgenError, match="nowhere"):
        run.train(tmp_path / "model.keras", folder=folder, test_folder=tmp_path / "nowhere", say=lambda _: None)


def test_test_images_of_other_classes_are_refused(folder, tmp_path, monkeypatch):
    """Their labels would be numbers of other classes, and the figures wrong."""
    test = tmp_path / "test"
    shutil.copytree(folder, test)
    shutil.move(test / "NORMAL", test / "ZEBRA")
    fresh = ARCHITECTURES["two_xrays"].build(2)
    monkeypatch.setattr(run, "fit_model", lambda *given: run.Trained(fresh, {}))
    with pytest.raises(ReportgenError, match="class"):
        run.train(
            tmp_path / "model.keras", folder=folder, test_folder=test, architecture="two_xrays", say=lambda _: None
        )
