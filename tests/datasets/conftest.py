"""Small data sets on disk: images that are not square, each of one gray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def draw():
    """Write an image of one gray, 10 high and 15 wide."""

    def write(path: Path, gray: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((10, 15), gray, np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def folder(tmp_path, draw) -> Path:
    """Two classes, three and two images, and things that are no images."""
    root = tmp_path / "data"
    for name, count, gray in (("NORMAL", 3, 40), ("PNEUMONIA", 2, 200)):
        for number in range(count):
            draw(root / name / f"person{number}_{name}_1.png", gray + number)
    (root / "NORMAL" / "notes.txt").write_text("no image")
    (root / "NORMAL" / "._person1_NORMAL_1.png").write_bytes(b"left behind by a copy")
    (root / "empty").mkdir()
    (root / "readme.png").write_bytes(b"not in a class")
    return root
