"""A small archive with the layout of CIFAR-10, of drawn pictures, for where the real one (163 MB) is not at hand.

python stand_in.py cifar-10-python.tar.gz
"""

from __future__ import annotations

import io
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
BATCH = 60


def draw(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw for each label a rectangle of its colour and shape on noise; return ``(N, 3072)``, colour after colour."""
    images = random.integers(0, 90, (len(labels), 32, 32, 3))
    for image, label in zip(images, labels, strict=True):
        top, left = random.integers(2, 10, 2)
        high, wide = (18, 8) if label % 2 else (8, 18)
        image[top : top + high, left : left + wide] = [60 + label // 4 * 90, 60 + label // 2 % 2 * 180, 40 + label * 20]
    return images.clip(0, 255).astype(np.uint8).transpose(0, 3, 1, 2).reshape(len(labels), -1)


def write(path: Path) -> None:
    """Write an archive of 300 training and 60 test images."""
    random = np.random.default_rng(6)
    files: dict[str, object] = {"batches.meta": {"label_names": NAMES, "num_cases_per_batch": BATCH, "num_vis": 3072}}
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        labels = random.permutation(np.arange(BATCH) % 10)
        files[name] = {"batch_label": name, "labels": labels.tolist(), "data": draw(labels, random)}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = pickle.dumps(content, protocol=2)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
