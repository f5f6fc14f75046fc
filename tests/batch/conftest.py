"""Small images, and batches of them with the built-in model; most show the summary only, which takes 50 ms a case."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from batches import SUMMARY, rows
from PIL import Image

from reportgen.batch.run import run_batch
from reportgen.settings.batch import BatchJob, CaseSource, Cluster
from reportgen.settings.file import settings_from


@pytest.fixture
def images(tmp_path):
    """Write images that aren't square, each another one; return a function that writes more."""

    def write(name, seed=0, size=(40, 52)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 60, size)
        shade = np.linspace(40, 180, size[1])[None, :] + noise
        Image.fromarray(shade.astype(np.uint8)).save(path, format="PNG")
        return path

    return write


@pytest.fixture
def table(tmp_path, images):
    """Write a table of cases: (label, further columns) each, and its images."""

    def write(rows, columns=(), name="cases.csv"):
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "label", *columns])
            for number, (label, *further) in enumerate(rows):
                images(f"in/{number}.png", seed=number)
                writer.writerow([f"in/{number}.png", label, *further])
        return path

    return write


@pytest.fixture
def batch(tmp_path, monkeypatch):
    """Run a batch in this process; return its exit state, rows of results, and rows of failures."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    def run(cases, out="out", settings=SUMMARY, source=(), **job):
        given = None if cases is None else CaseSource(cases=str(cases), **dict(source))
        folder = tmp_path / out
        job = {"cluster": Cluster(workers=0), "site": False} | job
        ran = run_batch(
            BatchJob(source=given, output=folder, **job), settings_from(settings), progress=False, debug=True
        )
        return ran, rows(folder / "results.csv"), rows(folder / "failures.csv")

    return run
