"""Known regions through the commands: from flags and from a settings file, and one line where they can't be used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from reportgen.cli.main import main

SIZE = (24, 36)


@pytest.fixture
def here(tmp_path, monkeypatch, picture, small_model):
    monkeypatch.chdir(tmp_path)
    PillowImage.fromarray(picture).save("a.png")
    PillowImage.fromarray(picture[:, ::-1].copy()).save("b.png")
    small_model.save("m.keras")
    for name, size, value in (("lungs", SIZE, 255), ("wide", (24, 40), 255), ("empty", SIZE, 0)):
        mask = np.zeros(size, np.uint8)
        mask[5:15, 6:20] = value
        PillowImage.fromarray(mask).save(f"{name}.png")
    PillowImage.fromarray(np.full(SIZE, 255, np.uint8)).save("full.png")
    return tmp_path


QUICK = ["-m", "m.keras", "--patch", "8x12", "--fill", "mean", "--no-test", "--first-layers", "1", "--json", "r.json"]


def test_flags_and_settings_give_the_same(here):
    flags = ["--mask", "NORMAL:lungs=lungs.png", "--mask", "2:<b>=lungs.png"]
    assert main(["build", "NORMAL=a.png", "PNEUMONIA=b.png", *flags, *QUICK]) == 0
    by_flags = [case["known_regions"] for case in json.loads(Path("r.json").read_text())["cases"]]
    assert [[one["name"] for one in found["regions"]] for found in by_flags] == [["lungs"], ["<b>"]]
    assert by_flags[0]["regions"][0]["inside"]["area"] == pytest.approx(140 / (24 * 36))
    page = Path("report.html").read_text()
    assert "Known regions" in page
    assert str(here) not in page
    assert "lungs.png" not in page
    folder = here / "set"
    folder.mkdir()
    (folder / "report.toml").write_text(
        '[[cases]]\nlabel = "NORMAL"\nimage = "../a.png"\nmask = "../lungs.png"\n'
        '[[cases]]\nlabel = "PNEUMONIA"\nimage = "../b.png"\nboxes = { "<b>" = [5, 6, 10, 14] }\n'
        '[output]\nhtml = "../report.html"\n'
    )
    assert main(["build", "-c", "set/report.toml", "-f", *QUICK]) == 0
    by_file = [case["known_regions"] for case in json.loads(Path("r.json").read_text())["cases"]]
    assert by_file == by_flags


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ("1:x=wide.png", "has 24 x 40 pixels (height x width), its image 24 x 36"),
        ("1:x=empty.png", "is empty: no pixel is inside"),
        ("1:x=full.png", "covers all of its image"),
        ("1:x=none.png", "mask not found: none.png"),
        ("1:x=m.keras", "m.keras is"),
        ("x=lungs.png", "doesn't say of which case it is"),
        ("3:x=lungs.png", "there is none"),
        ("lungs.png", "is no mask"),
        ("1:\x1b[31m=wide.png", "has 24 x 40 pixels"),
    ],
)
def test_what_cannot_be_used_is_one_line(here, capfd, mask, said):
    before = sorted(here.iterdir())
    assert main(["build", "NORMAL=a.png", "b.png", "--mask", mask, *QUICK]) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert sorted(here.iterdir()) == before


def test_a_mask_is_not_written_over(here, capfd):
    (here / "lungs.html").write_bytes((here / "lungs.png").read_bytes())
    assert main(["build", "a.png", "--mask", "x=lungs.html", "-o", "lungs.html", "-f", *QUICK]) == 2
    assert "is one of the inputs" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("boxes = { x = [1, 2, 3] }", "'cases.0.boxes.x' must be"),
        ("boxes = { x = [20, 0, 5, 5] }", "reaches beyond the image"),
        ("boxes = { x = [0, 0, 0, 5] }", "'cases.0.boxes.x' must be"),
        ("masks = 'lungs.png'", "'cases.0.masks' must be a table of texts"),
        ("mask = 3", "'cases.0.mask' must be a text"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(here, capfd, line, said):
    Path("r.toml").write_text(f'[[cases]]\nimage = "a.png"\n{line}\n')
    assert main(["build", "-c", "r.toml", *QUICK]) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_phantom_brings_its_masks(here, capsys):
    assert main(["phantom", "p.png", "--seed", "3", "--opacities", "1", "--masks"]) == 0
    assert capsys.readouterr().out.count("wrote") == 4
    from reportgen import phantom

    drawn = phantom(3, opacities=1)
    for name in ("lungs", "heart", "opacities"):
        with PillowImage.open(f"p-{name}.png") as picture:
            assert np.array_equal(np.asarray(picture) == 255, getattr(drawn, name))
    assert main(["phantom", "q.png", "--masks"]) == 0
    assert not Path("q-opacities.png").exists()
    Path("r-lungs.png").touch()
    assert main(["phantom", "r.png", "--masks"]) == 2
    assert not Path("r.png").exists()
