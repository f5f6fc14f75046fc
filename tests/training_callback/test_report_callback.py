"""The callback: its numbers against slow references, epoch by epoch, and what it does when something goes wrong."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import reportgen
from reportgen.keras import ReportCallback
from reportgen.outputs.training.record import read_record
from tests.training_callback.conftest import HEIGHT, NAMES, WIDTH

PATCH, STRIDE = (4, 6), (4, 6)
SCAN = {"occlusion": {"patch": list(PATCH), "stride": list(STRIDE), "fill": [0]}}


def watch(data, out, **options):
    images, labels = data
    options = {"class_names": NAMES, "settings": SCAN} | options
    return ReportCallback((images[:3], labels[:3]), out=out, **options)


def bits(model, images, target):
    """Return the log-odds of a class, to the base 2, of images ``(N, H, W, C)``."""
    scores = np.asarray(model(images, training=False), np.float64)
    rest = np.delete(scores, target, axis=1).sum(axis=1)
    return np.log2(scores[:, target] / rest)


def slow_map(model, image, target):
    """Cover patch after patch that don't overlap; return what each takes from the evidence ``(H, W)``."""
    found = np.zeros((HEIGHT, WIDTH))
    whole = bits(model, image[None], target)[0]
    for top in range(0, HEIGHT, PATCH[0]):
        for left in range(0, WIDTH, PATCH[1]):
            covered = image.copy()
            covered[top : top + PATCH[0], left : left + PATCH[1]] = 0
            found[top : top + PATCH[0], left : left + PATCH[1]] = whole - bits(model, covered[None], target)[0]
    return found


def slow_dead(model, images):
    """Return the channels of the first layer that are flat on each image."""
    import keras

    maps = np.asarray(keras.Model(model.inputs, model.get_layer("first").output)(images))
    return tuple(c for c in range(maps.shape[-1]) if all(np.ptp(one[..., c]) == 0 for one in maps))


def test_each_epoch_has_the_numbers_of_the_model_as_it_was_then(model, data, after, tmp_path):
    images, labels = data
    seen = []

    def look(model):
        seen.append((
            [bits(model, images[i : i + 1], labels[i])[0] for i in range(3)],
            [slow_map(model, images[i], labels[i]) for i in range(3)],
            slow_dead(model, images[:3]),
        ))  # fmt: skip

    def kill(model):
        kernel, bias = model.get_layer("first").get_weights()
        kernel[..., 2], bias[2] = 0, -1
        model.get_layer("first").set_weights([kernel, bias])

    changes = after((1, look), (2, kill), (2, look), (3, look))
    callback = watch(data, tmp_path / "runs")
    history = model.fit(images, labels, epochs=3, verbose=0, callbacks=[changes, callback])
    record = read_record(tmp_path / "runs" / "record.json")
    assert [case.target_class for case in record.cases] == list(NAMES)
    assert record.unit == "bits"
    for number, (one, (evidence, maps, dead)) in enumerate(zip(record.epochs, seen, strict=True), 1):
        assert one.epoch == number
        assert one.logs["loss"] == pytest.approx(history.history["loss"][number - 1], rel=1e-6)
        assert [case.evidence for case in one.cases] == pytest.approx(evidence, abs=1e-3)
        assert one.layers[0].dead == dead
        kept = np.load(tmp_path / "runs" / f"epoch-{number:04d}.npz")
        for case in range(3):
            np.testing.assert_allclose(kept[f"map{case}"], maps[case], atol=1e-3)
    assert 2 in record.epochs[1].layers[0].dead
    assert ("first", 2, 2) in [(one.layer, one.channel, one.epoch) for one in record.deaths]
    page = (tmp_path / "runs" / "training.html").read_text()
    assert "channels died" in page


def test_flips_are_found_where_they_happen(model, data, after, tmp_path):
    images, labels = data

    def say(number):
        def change(model):
            kernel = model.get_layer("score").get_weights()[0]
            model.get_layer("score").set_weights([kernel * 0, np.eye(3, dtype=np.float32)[number] * 3])

        return change

    changes = after((1, say(0)), (2, say(1)), (3, say(1)))
    model.fit(images, labels, epochs=3, verbose=0, callbacks=[changes, watch(data, tmp_path)])
    flips = read_record(tmp_path / "record.json").flips
    assert [(one.case, one.epoch, one.before, one.after) for one in flips] == [
        (name, 2, "dark", "bright") for name in NAMES
    ]
    page = (tmp_path / "training.html").read_text()
    assert "changed once, at epoch 2, from dark" in page


def test_an_interrupted_training_is_taken_up(model, data, tmp_path):
    images, labels = data
    model.fit(images, labels, epochs=2, verbose=0, callbacks=[watch(data, tmp_path)])
    first = read_record(tmp_path / "record.json")
    (tmp_path / "training.html").unlink()
    model.fit(images, labels, initial_epoch=1, epochs=4, verbose=0, callbacks=[watch(data, tmp_path)])
    record = read_record(tmp_path / "record.json")
    assert [one.epoch for one in record.epochs] == [1, 2, 3, 4]
    assert record.epochs[0] == first.epochs[0]
    assert record.epochs[1] != first.epochs[1]  # begun again after epoch 1, it was done again
    assert np.isfinite(record.epochs[1].cases[0].likeness)
    page = (tmp_path / "training.html").read_text()
    assert all(f'href="epoch-000{number}.html"' in page for number in (1, 2, 3, 4))


def test_with_keras_own_backup_a_killed_training_goes_on(model, data, tmp_path):
    import keras

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    images, labels = data
    start = model.get_weights()
    backup = {"backup_dir": str(tmp_path / "backup"), "save_freq": "epoch"}
    callbacks = [keras.callbacks.BackupAndRestore(**backup), watch(data, tmp_path / "runs"), Kill()]
    with pytest.raises(KeyboardInterrupt):
        model.fit(images, labels, epochs=4, verbose=0, callbacks=callbacks)
    before = read_record(tmp_path / "runs" / "record.json").epochs
    model.set_weights(start)  # as in a process of its own
    again = watch(data, tmp_path / "runs")
    model.fit(images, labels, epochs=4, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(**backup), again])
    record = read_record(tmp_path / "runs" / "record.json")
    assert [one.epoch for one in record.epochs] == [1, 2, 3, 4]
    assert record.epochs[:2] == before[:2]


def test_a_model_that_learns_its_input_from_the_data_and_a_dataset_of_cases(data, tmp_path):
    import keras
    import tensorflow as tf
    from keras import layers

    images, labels = data
    model = keras.Sequential(
        [layers.Conv2D(2, 3, name="conv"), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    model.compile(loss="binary_crossentropy")
    binary = (labels > 0).astype(np.float32)
    cases = tf.data.Dataset.from_tensor_slices((images[:2], binary[:2]))
    with pytest.raises(reportgen.ModelError, match="how large its images are"):
        model.fit(images, binary, epochs=1, verbose=0, callbacks=[ReportCallback(cases, out=tmp_path)])
    settings = {"model": {"input_size": [HEIGHT, WIDTH, 3]}}
    callback = ReportCallback(cases, out=tmp_path, class_names=["dark", "other"], settings=settings)
    model.fit(images, binary, epochs=1, verbose=0, callbacks=[callback])
    (epoch,) = read_record(tmp_path / "record.json").epochs
    assert [case.correct is None for case in epoch.cases] == [False, False]
    assert epoch.cases[0].evidence == pytest.approx(
        float(np.log2(p / (1 - p))) if (p := float(np.asarray(model(images[:1])).item())) else None, abs=1e-3
    )


def test_what_a_folder_holds_is_not_lost_by_mistake(model, data, tmp_path):
    images, labels = data
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[watch(data, tmp_path)])
    with pytest.raises(reportgen.OutputError, match="holds a training already"):
        model.fit(images, labels, epochs=1, verbose=0, callbacks=[watch(data, tmp_path)])
    other = ReportCallback((images[3:6], labels[3:6]), out=tmp_path, class_names=NAMES, settings=SCAN)
    with pytest.raises(reportgen.OutputError, match="another model or other cases"):
        model.fit(images, labels, initial_epoch=1, epochs=2, verbose=0, callbacks=[other])
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[watch(data, tmp_path, overwrite=True)])
    (tmp_path / "record.json").write_text(json.dumps({"kind": "training", "schema_version": 9}))
    with pytest.raises(reportgen.OutputError, match="has schema 9"):
        model.fit(images, labels, initial_epoch=1, epochs=2, verbose=0, callbacks=[watch(data, tmp_path)])


def test_fit_once_more_counts_on_and_every_leaves_epochs_out(model, data, tmp_path):
    images, labels = data
    callback = watch(data, tmp_path, every=2)
    for _ in range(2):
        model.fit(images, labels, epochs=3, verbose=0, callbacks=[callback])
    assert [one.epoch for one in read_record(tmp_path / "record.json").epochs] == [1, 2, 4, 6]


def test_a_disk_that_refuses_ends_no_training(model, data, tmp_path, capsys):
    images, labels = data
    (tmp_path / "file").write_text("in the way")
    history = model.fit(images, labels, epochs=2, verbose=0, callbacks=[watch(data, tmp_path / "file" / "runs")])
    assert len(history.history["loss"]) == 2
    assert "epoch 2 is not recorded" in capsys.readouterr().err


def test_what_cannot_be_used_is_refused_before_anything_is_learned(model, data, tmp_path):
    images, labels = data
    before = model.get_weights()
    for wrong, message in (
        (ReportCallback(images[:2], out=tmp_path), "has no label that is a class"),
        (watch(data, tmp_path, channels=[("frist", 0)]), "no layer with feature maps is named 'frist'"),
        (watch(data, tmp_path, channels=[("first", 4)]), "has no channel 4"),
        (watch(data, tmp_path, settings={"oclusion": {}}), "oclusion"),
        (watch(data, __file__), "is no folder"),
        (ReportCallback((images, labels), out=tmp_path, class_names=NAMES), "more than 12 images"),
    ):
        with pytest.raises(reportgen.ReportgenError, match=message):
            model.fit(images, labels, epochs=1, verbose=0, callbacks=[wrong])
    with pytest.raises(reportgen.SettingsError, match="every"):
        ReportCallback(images, every=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not list(tmp_path.iterdir())


def test_scores_that_are_no_numbers_are_recorded_as_such(model, data, after, tmp_path):
    images, labels = data

    def spoil(model):
        model.get_layer("score").set_weights([one * np.nan for one in model.get_layer("score").get_weights()])

    model.fit(images, labels, epochs=2, verbose=0, callbacks=[after((2, spoil)), watch(data, tmp_path)])
    record = read_record(tmp_path / "record.json")
    assert np.isfinite(record.epochs[0].cases[0].evidence)
    assert np.isnan(record.epochs[1].cases[0].evidence)
    assert record.epochs[1].cases[0].predicted == "no numbers"
    page = (tmp_path / "training.html").read_text()
    assert "after epoch 2 the model gives no numbers" in page
    assert "it is called" not in page


def test_a_case_without_numbers_keeps_no_other_from_its_map(data, tmp_path):
    images, labels = data
    given = keras.Input(images.shape[1:])
    logarithms = keras.ops.log(
        keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, activation="relu")(given))
    )
    model = keras.Model(given, keras.layers.Dense(len(NAMES), activation="softmax")(logarithms))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.layers[1].set_weights([np.ones_like(model.layers[1].get_weights()[0]), np.zeros(2)])
    black = np.zeros_like(images[:1])
    callback = ReportCallback(
        np.concatenate([black, images[:1]]), labels=[0, 0], out=tmp_path, class_names=NAMES, settings=SCAN
    )
    model.optimizer.learning_rate = 0.0
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[callback])
    dark, other = read_record(tmp_path / "record.json").epochs[0].cases
    assert (dark.predicted, np.isnan(dark.evidence)) == ("no numbers", True)
    assert np.isfinite(other.evidence)


def test_a_number_is_called_no_class(data, tmp_path):
    images, labels = data
    model = keras.Sequential([
        keras.layers.Input(images.shape[1:]), keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1),
    ])  # fmt: skip
    model.compile("sgd", "mse")
    callback = ReportCallback(images[:2], labels=["output", "output"], out=tmp_path, settings=SCAN)
    model.fit(images / 255, labels, epochs=1, verbose=0, callbacks=[callback])
    assert read_record(tmp_path / "record.json").epochs[0].cases[0].correct is None
    page = (tmp_path / "training.html").read_text()
    assert "its output went from" in page
    assert "called" not in page


def test_nothing_is_left_of_a_longer_training(model, data, tmp_path):
    images, labels = data
    model.fit(images, labels, epochs=3, verbose=0, callbacks=[watch(data, tmp_path)])
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[watch(data, tmp_path, overwrite=True)])
    names = {"epoch-0001.html", "epoch-0001.npz", "record.json", "training.html"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_tensorboard_gets_the_same_numbers(model, data, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    images, labels = data
    callback = watch(data, tmp_path / "runs", tensorboard=tmp_path / "logs")
    model.fit(images, labels, epochs=2, verbose=0, callbacks=[callback])
    record = read_record(tmp_path / "runs" / "record.json")
    events = EventAccumulator(str(tmp_path / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    import tensorflow as tf

    found = [float(tf.make_ndarray(one.tensor_proto)) for one in events.Tensors("reportgen/evidence/bright")
             if one.tensor_proto.dtype == tf.float32.as_datatype_enum]  # fmt: skip
    assert found == pytest.approx([one.cases[1].evidence for one in record.epochs], abs=1e-5)
    assert "reportgen/maps/bright" in tags
    assert f"reportgen/channels/{record.channels[0].title}" in tags
    assert "reportgen/dead channels/first" in tags


def test_pages_stand_alone_and_text_of_others_stays_text(model, data, tmp_path):
    images, labels = data
    names = ("<img src=x onerror=alert(1)>", "bright & more", "striped")
    cases = (images[:3], labels[:3])
    callback = ReportCallback(cases, out=tmp_path, class_names=names, settings=SCAN)
    model.fit(images, labels, epochs=2, verbose=0, callbacks=[callback])
    for path in (tmp_path / "training.html", tmp_path / "epoch-0002.html"):
        page = path.read_text()
        assert "<img src=x" not in page
        assert "default-src 'none'" in html.unescape(page)
        assert not re.search(r"(src|href)=\"(?!data:|#|epoch-)", page)
        for image in re.findall("<img[^>]+>", page):
            assert len(re.search(r'alt="([^"]+)"', image)[1]) > 20
        assert str(tmp_path) not in page


def test_reportgen_and_its_keras_are_imported_without_tensorflow():
    command = "import sys, reportgen; reportgen.keras; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
