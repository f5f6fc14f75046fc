"""The gallery: each example is built as its README says, has the picture that it makes, and is in the site."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen import read_report

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

import gallery

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = [example.name for example in gallery.ALL]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_folder_with_its_settings_words_and_picture(name):
    folder = EXAMPLES / name
    assert {"report.toml", "README.md", gallery.PICTURE} <= {path.name for path in folder.iterdir()}
    assert f"]({gallery.PICTURE})" in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / gallery.PICTURE).stat().st_size <= gallery.LARGEST
    assert f"({name})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_every_workflow_has_one():
    assert [name[:3] for name in NAMES] == ["w1-", "w2-", "w3-", "w4-"]
    assert {path.parent.name for path in EXAMPLES.glob("*/report.toml")} == set(NAMES)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The smallest two of the examples, and the site of them."""
    folder = tmp_path_factory.mktemp("gallery")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "WEIGHTS", folder / "none")
        gallery.gallery(folder, ["w2-two-xrays", "w4-vgg16"], keep=False)
    return folder


@pytest.mark.parametrize("name", ["w2-two-xrays", "w4-vgg16"])
def test_the_picture_is_the_one_that_the_example_makes(built, name):
    """But for what another processor may round otherwise."""
    kept, made = (
        np.asarray(Image.open(io.BytesIO((folder / name / gallery.PICTURE).read_bytes())), float)
        for folder in (EXAMPLES, built)
    )
    assert kept.shape == made.shape
    assert np.abs(kept - made).mean() < 12


def test_a_stand_in_is_called_one_and_sees_the_ball(built):
    report = read_report(built / "w4-vgg16" / "report.html")
    assert report.title == "Stand-in: VGG16 looks at a ball"
    assert report.cases[0].predictions[0].class_name == "tennis_ball"
    assert len(report.cases[0].predictions) == 5
    assert [layer.name for layer in report.cases[0].layers][-1] == "block5_conv3"


def test_the_site_has_them(built):
    page = (built / "site" / "index.html").read_text(encoding="utf-8")
    assert "Gallery of reportgen" in page
    assert "A tale of two X-rays" in page
    assert "Stand-in: VGG16 looks at a ball" in page


def test_nothing_is_written_into_the_checkout(built):
    made = {"report.html", "report.json", "stand_in.keras", "cifar10.keras"}
    assert not made & {path.name for path in EXAMPLES.rglob("*")}
