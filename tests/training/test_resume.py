"""A training that is killed and started again by the same command gives, to the bit, what an unbroken one gives."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from reportgen.cli.main import main

FILES = ["cut.keras", "cut.toml"]
# all that is drawn at random, or remembered from epoch to epoch
ARGUMENTS = [
    "train", "data", "--architecture", "chest_xray_gray", "--no-report", "--epochs", "6", "--batch", "4",
    "--patience", "1", "--monitor", "val_loss", "--learning-rate", "0.02", "--mixup", "0.2", "--balance", "sampling",
    "--augment", "radiograph", "--validation", "0.3",
]  # fmt: skip
# the command line, in a process that ends after so many batches, or when the model is about to be written
PROGRAM = """
import os, signal, sys
from reportgen.cli.main import main
from reportgen.training import run

left = int(os.environ.get("BATCHES", "0"))
number = getattr(signal, os.environ.get("SIGNAL", "SIGKILL"))
usual, write = run.Watcher, run._write

def counting(on_batch, *others):
    def count():
        global left
        on_batch()
        left -= 1
        if left == 0:
            os.kill(os.getpid(), number)
    return usual(count, *others)

def at_the_end(*given):
    if os.environ.get("AT_THE_END"):
        os.kill(os.getpid(), number)
    write(*given)

run.Watcher, run._write = counting, at_the_end
sys.exit(main(sys.argv[1:]))
"""


def train(folder: Path, output: str, *more: str, code: int = 0) -> list[str]:
    """Run the command in this process and return its lines on standard error."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        assert main([*ARGUMENTS, "-o", output, *more]) == code, said.getvalue()
    return said.getvalue().splitlines()


def stopped(folder: Path, output: str, code: int = -9, **variables: object) -> list[str]:
    """Run the command in a process of its own that is stopped, and return its lines on standard error."""
    told = {name: str(value) for name, value in variables.items()}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *ARGUMENTS, "-o", output],
        check=False, cwd=folder, env=os.environ | told, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()


def weights(path: Path) -> list[np.ndarray]:
    return keras.saving.load_model(path, compile=False).get_weights()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Images of two classes, and what an unbroken training makes of them."""
    folder = tmp_path_factory.mktemp("resumed")
    random = np.random.default_rng(4)
    for name, count, level in (("a", 18, 0), ("b", 9, 90)):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(level, level + 120, (30, 44)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "data" / name / f"{name}{number}.png")
    train(folder, "whole.keras")
    return folder


def test_killed_at_any_moment_it_ends_as_the_unbroken_one(folder):
    notes = tomllib.loads((folder / "whole.toml").read_text())
    epochs = len(notes["history"]["loss"])
    steps = steps_told(folder)
    # early stopping had its say, or the test would not see what it remembers
    assert 2 <= epochs < 6
    assert stopped(folder, "cut.keras", BATCHES=2)[-1].startswith("training on")
    assert not (folder / "cut.checkpoint").exists()
    between = stopped(folder, "cut.keras", BATCHES=steps + 1)
    assert not any(line.startswith("going on") for line in between)
    last = stopped(folder, "cut.keras", BATCHES=(epochs - 2) * steps + steps // 2)
    assert any(line.startswith("going on after epoch 1,") for line in last)
    written = stopped(folder, "cut.keras", AT_THE_END=1)
    assert any(line.startswith(f"going on after epoch {epochs - 1},") for line in written)
    assert sorted(path.name for path in folder.glob("cut.*")) == ["cut.checkpoint"]
    end = train(folder, "cut.keras")
    assert any(line.startswith(f"going on after epoch {epochs},") for line in end)
    assert sorted(path.name for path in folder.glob("cut.*")) == FILES
    for found, expected in zip(weights(folder / "cut.keras"), weights(folder / "whole.keras"), strict=True):
        assert (found == expected).all()
    assert tomllib.loads((folder / "cut.toml").read_text()) == notes


def steps_told(folder: Path) -> int:
    """Return the steps of an epoch: the images for training in batches of 4."""
    held = tomllib.loads((folder / "whole.toml").read_text())["card"]["data"]
    return -(-(27 - int(held.split("; ")[1].split()[0])) // 4)


def test_interrupted_it_says_how_to_go_on_and_refuses_what_is_another_training(folder):
    lines = stopped(folder, "other.keras", code=130, BATCHES=steps_told(folder) + 1, SIGNAL="SIGINT")
    assert lines[-2:] == [
        "stopped after epoch 1; the same command goes on from there (without --restart)",
        "reportgen: interrupted",
    ]
    lines = train(folder, "other.keras", "--learning-rate", "0.01", code=2)
    assert lines[-1].endswith(
        "the checkpoint other.checkpoint is of a training with other data, another network or other settings; "
        "begin anew with --restart"
    )
    (folder / "other.checkpoint").write_bytes((folder / "other.checkpoint").read_bytes()[:1000])
    lines = train(folder, "other.keras", "--restart", "--epochs", "1")
    assert not any(line.startswith("going on") for line in lines)
    assert sorted(path.name for path in folder.glob("other.*")) == ["other.keras", "other.toml"]
