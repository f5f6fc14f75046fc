"""The examples run as their READMEs say, and hold what the workflows they stand for need."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reportgen.cli.main import main

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(tmp_path):
    """Copy all examples, so that nothing is written into the checkout."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("report.*ml", "*.json"))
    for name in ("w1-chest-xray", "w2-two-xrays", "w4-vgg16"):
        shutil.copy(EXAMPLES / name / "report.toml", tmp_path / "examples" / name)

    def run(name: str, *more: str) -> tuple[dict, Path]:
        folder = tmp_path / "examples" / name
        assert main(["build", "-c", str(folder / "report.toml"), "--figures", str(folder / "figures"), *more]) == 0
        assert (folder / "report.html").stat().st_size > 100_000
        return json.loads((folder / "report.json").read_text()), folder

    return run


def test_chest_xray(example):
    report, folder = example("w1-chest-xray")
    assert report["model"]["total_parameters"] == 3_453_121
    assert [layer["channels"] for layer in report["cases"][0]["layers"]] == [32, 32, 64, 64, 128, 128, 128, 128]
    assert [case["correct"] for case in report["cases"]] == [True, True]
    (scan,) = report["cases"][0]["occlusion"]["scans"]
    assert (len(scan["row_starts"]), len(scan["column_starts"]), len(scan["scores"])) == (28, 28, 28)
    assert {"case1-single-channels.png", "case2-through-layers.png"} <= {path.name for path in folder.glob("figures/*")}


def test_two_xrays(example):
    report, _ = example("w2-two-xrays")
    assert report["model"]["input_shape"] == [128, 128, 1]
    assert len(report["model"]["shown_layers"]) == 12
    captions = [picture["caption"] for picture in report["pictures"] if "-layer" in picture["name"]]
    assert len(captions) == 24
    assert all("16 a row" in caption and "standardised" in caption for caption in captions)
    assert {comment["layer"] for comment in report["comments"]} == {"block1_conv1", "block4_pool"}
    assert [case["correct"] for case in report["cases"]] == [True, True]


def test_vgg16(example):
    report, folder = example("w4-vgg16", "-m", "keras:VGG16@random")
    case = report["cases"][0]
    assert report["model"]["total_parameters"] == 138_357_544
    assert len(case["predictions"]) == 5
    (scan,) = case["occlusion"]["scans"]
    assert scan["row_starts"] == [0, 56, 112, 168]
    assert scan["fill_colour"] == [250, 128, 128]
    assert [layer["name"] for layer in case["layers"]] == [
        "block1_conv1", "block1_conv2", "block2_conv1", "block5_conv3",
    ]  # fmt: skip
    grids = [picture["caption"] for picture in report["pictures"] if "-layer" in picture["name"]]
    assert all(caption.startswith("Channels 0 to 9, 5 a row") for caption in grids)
    assert (folder / "figures" / "case1-occlusion-inputs.jpeg").is_file()
