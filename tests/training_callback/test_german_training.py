"""A training's pages in German, and what `reportgen train` writes: no English sentence is left on them."""

from __future__ import annotations

import gettext
import html
import re

import keras
import numpy as np
import pytest
from translated import ALIEN, Bracketed, english_left, outside, words_of

from reportgen.cli.main import main
from reportgen.outputs.saved.reader import read_saved
from reportgen.outputs.training.record import read_record
from reportgen.system import language
from tests.training_callback.conftest import NAMES
from tests.training_callback.test_report_callback import SCAN, watch

GERMAN = {"settings": SCAN | {"language": "de"}}
# names of the test's own model, classes and measures
OWN = re.compile(r"\b(?:three|first|second|pool|dark|bright|striped|accuracy|val_accuracy|loss|val_loss)\b")


def kill(model):
    kernel, bias = model.get_layer("first").get_weights()
    kernel[..., 2], bias[2] = 0, -1
    model.get_layer("first").set_weights([kernel, bias])


def turn(number):
    """Return what makes a model say one class of everything."""

    def change(model):
        kernel = model.get_layer("score").get_weights()[0]
        model.get_layer("score").set_weights([kernel * 0, np.eye(3, dtype=np.float32)[number] * 3])

    return change


def train(model, data, after, folder, *changes):
    images, labels = data
    callbacks = [after(*changes), watch(data, folder, **GERMAN)]
    model.fit(images, labels, epochs=3, verbose=0, validation_split=0.25, callbacks=callbacks)
    return {path.name: path.read_text("utf-8") for path in folder.glob("*.html")}


def test_every_page_is_german_and_its_record_is_not(model, data, after, tmp_path):
    pages = train(model, data, after, tmp_path, (1, turn(0)), (2, kill), (2, turn(1)), (3, turn(1)))
    assert sorted(pages) == ["epoch-0001.html", "epoch-0002.html", "epoch-0003.html", "training.html"]
    for page in pages.values():
        assert '<html lang="de">' in page
        assert "keine Diagnose" in page
        assert english_left(words_of(page)) == []
    whole = " ".join(words_of(pages["training.html"]))
    assert "Die Aussage dazu änderte sich einmal, in Epoche 2; vorher war sie dark." in whole
    assert "first: 1 von 4 Kanälen ist gestorben: 2 (Epoche 2)" in whole
    assert "nach Epoche 3 heißt es bright" in whole
    record = read_record(tmp_path / "record.json")
    assert record.unit == "bits"
    assert [case.predicted for case in record.epochs[2].cases] == ["bright"] * 3


def test_everything_on_them_can_be_translated(model, data, after, tmp_path, monkeypatch):
    monkeypatch.setattr(language, "catalogue", lambda code: Bracketed() if code == "de" else gettext.NullTranslations())
    changes = ((1, turn(0)), (2, kill), (2, turn(1)), (3, turn(1)))
    pages = train(model, data, after, tmp_path, *changes) | train(model, data, after, tmp_path / "whole")
    for name, page in pages.items():
        texts = words_of(page)
        assert sum(text.count("⟦") for text in texts) > 8, name
        left = {text.strip() for text in map(outside, texts) if re.search("[A-Za-z]{3}", OWN.sub(" ", text))}
        assert left == set(), "say() makes these sentences of the catalogue (docs/language.md)"


def test_what_a_class_is_called_is_not_translated(model, data, tmp_path):
    """Whether it is called as a sentence of the catalogue is, or has fields or tags."""
    images, labels = data
    names = ("before", "<b>{case}</b>", "said")
    callback = watch(data, tmp_path, class_names=names, **GERMAN)
    model.fit(images, labels, epochs=2, verbose=0, callbacks=[callback])
    for path in tmp_path.glob("*.html"):
        shown = re.sub(r"<script.*?</script>", "", path.read_text("utf-8"), flags=re.S)
        assert "<b>{case}" not in shown
        assert "&lt;b&gt;{case}&lt;/b&gt;" in shown
        assert "Evidenz für before" in html.unescape(shown)


@pytest.fixture
def archive(data, tmp_path):
    images, labels = data
    path = tmp_path / "data.npz"
    np.savez(path, images=(images * 255).astype(np.uint8), labels=labels, class_names=np.array(NAMES))
    return path


def test_the_report_of_a_trained_model_is_german(archive, tmp_path, capsys):
    (tmp_path / "own.py").write_text(
        "from keras import Sequential, layers\n\n\ndef build(classes):\n"
        "    return Sequential([layers.Input((12, 18, 3)), layers.Conv2D(3, 3), layers.Flatten(), "
        "layers.Dense(classes, activation='softmax')])\n"
    )
    (tmp_path / "report.toml").write_text('language = "de"\n[occlusion]\npatch = 6\n')
    arguments = ["train", str(archive), "-o", str(tmp_path / "net.keras"), "--epochs", "2", "--batch", "4"]
    arguments += ["--architecture", f"{tmp_path / 'own.py'}:build", "-c", str(tmp_path / "report.toml")]
    assert main(arguments) == 0, capsys.readouterr().err
    page = (tmp_path / "net.html").read_text("utf-8")
    assert read_saved(tmp_path / "net.html").report.title == "net: was es gelernt hat"
    assert '<html lang="de">' in page
    assert english_left(words_of(ALIEN.sub(" ", page))) == []
    keras.backend.clear_session()
