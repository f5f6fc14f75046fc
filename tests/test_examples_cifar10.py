"""The example of CIFAR-10, by its README's command, on a generated archive of the published layout."""

from __future__ import annotations

import html
import re
import runpy
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest

from reportgen import read_report
from reportgen.cli.main import main

EXAMPLE = Path(__file__).parents[1] / "examples" / "w3-cifar10"
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def command() -> list[str]:
    """Return the arguments of the command in the README."""
    line = re.search(r"^reportgen (train .+)$", (EXAMPLE / "README.md").read_text(), re.MULTILINE)
    return shlex.split(line[1])


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A folder with the example's files and an archive of 360 images."""
    folder = tmp_path_factory.mktemp("cifar10")
    shutil.copy(EXAMPLE / "report.toml", folder)
    runpy.run_path(str(EXAMPLE / "stand_in.py"))["write"](folder / "cifar-10-python.tar.gz")
    return folder


@pytest.fixture(scope="module")
def trained(archive):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(archive)
        assert main([*command(), "--epochs", "12"]) == 0
    return archive, read_report(archive / "cifar10.html")


def test_a_fifth_is_held_back_and_the_test_images_only_measured(trained):
    folder, report = trained
    notes = tomllib.loads((folder / "cifar10.toml").read_text())
    assert notes["class_names"] == NAMES
    assert notes["card"]["data"] == (
        "300 images in 10 classes (CIFAR-10, python version); 60 of all were held back for validation."
    )
    assert [(line.data, line.images) for line in report.model.card.evaluations] == [
        ("validation: held back", 60),
        ("test images, which chose nothing", 60),
    ]


def test_it_is_trained_as_the_notebook_does_and_learns(trained):
    _folder, report = trained
    method = report.model.card.method
    assert method.startswith("Nadam, constant rate of 0.001, ")
    assert "the best by val_accuracy (patience 3)" in method
    history = report.model.history
    assert set(history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert max(history["val_accuracy"]) > 0.3
    assert report.model.total_parameters == 167_562


def test_the_report_shows_what_the_example_promises(trained):
    _, report = trained
    captions = {picture.name: (picture.caption, picture.alt) for picture in report.pictures}
    assert "cat" in captions["model-samples"][1]
    assert "10 classes" in captions["model-samples"][1]
    assert "validation" in captions["model-history"][0]
    (case,) = report.cases
    assert case.label == "cat"
    assert case.name.startswith("test_batch, image ")
    assert [layer.name for layer in case.layers] == ["conv2d_1", "max_pooling2d_1", "conv2d_2", "max_pooling2d_2"]
    assert len([name for name in captions if "-layer" in name]) == 4


def test_blank_maps_are_counted_and_explained(trained):
    folder, report = trained
    (case,) = report.cases
    blank = {layer.name: len(layer.dead_channels) for layer in case.layers}
    told = {name: count for name, count in blank.items() if name.startswith("max_pooling") and count}
    (said,) = [remark for remark in report.remarks if remark.kind == "dead"]
    assert said.text.startswith("In both layers") if len(told) == 2 else said.layer in told
    page = html.unescape((folder / "cifar10.html").read_text())
    assert "Dropout is active only while a network is trained" in page
    assert said.text in page


def test_a_damaged_archive_is_told_by_file_and_batch(archive, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLE / "report.toml", tmp_path)
    data = (archive / "cifar-10-python.tar.gz").read_bytes()
    Path("cifar-10-python.tar.gz").write_bytes(data[: len(data) // 2])
    assert main(command()) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"reportgen: cifar-10-python\.tar\.gz: data_batch_3 is damaged \(.+\); download or unpack it again\n", said
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifar-10-python.tar.gz", "report.toml"]
