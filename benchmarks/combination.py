"""Which combination of scans shows best what a model relies on, on several models: deletion and insertion.

For each model a few images of each class are scanned as a report scans them. Three maps of the same scans are compared
with orders at random: the smallest patch alone, four patches with two fills in a plain mean, and the one that the
report shows. Deletion replaces pixels by a coarsely blurred image in the order of the map, insertion puts them back in;
what stands here is the mean log-odds of the predicted class over 15 steps, the lower the better for deletion, the
higher for insertion. ``combination.py FOLDER MODEL...``: FOLDER holds a folder of images for each of two classes, a
MODEL is a file, or ``built-in``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import reportgen
from reportgen.report.evidence import OcclusionMap
from reportgen.report.importance import combined_importance

STEPS, COARSE, BLOCK, ORDERS = 15, 10, 10, 4
Run = Callable[[np.ndarray], np.ndarray]


def log_odds(scores: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of the odds of scores."""
    inside = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.log(inside / (1 - inside))


def curves(run: Run, image: np.ndarray, order: np.ndarray) -> tuple[float, float]:
    """Return the mean log-odds of the predicted class under deletion and insertion of pixels in an order."""
    import tensorflow as tf

    size = image.shape[:2]
    small = tf.image.resize(image, (COARSE, COARSE), method="area")
    blurred = tf.image.resize(small, size).numpy()
    sign = 1 if run(image[None])[0] >= 0.5 else -1
    ranked = np.argsort(-sign * order.ravel(), kind="stable")
    found = []
    for under, over in ((image, blurred), (blurred, image)):
        steps = []
        for count in np.linspace(0, ranked.size, STEPS + 1).astype(int):
            made = under.reshape(-1, image.shape[-1]).copy()
            made[ranked[:count]] = over.reshape(-1, image.shape[-1])[ranked[:count]]
            steps.append(made.reshape(image.shape))
        found.append(float((log_odds(run(np.stack(steps))) * sign).mean()))
    return found[0], found[1]


def weighted(found: OcclusionMap, weights: Sequence[float]) -> np.ndarray:
    """Return the map that other weights make of the same scans."""
    import dataclasses

    return combined_importance(dataclasses.replace(found, weights=tuple(np.asarray(weights) / np.sum(weights))))


def measure(name: str, model: reportgen.LoadedModel, files: Sequence[Path]) -> None:
    """Print one line of the table."""
    random = np.random.default_rng(11)

    def run(images: np.ndarray) -> np.ndarray:
        return np.asarray(model.keras_model(images, training=False)).reshape(len(images), -1)[:, -1]

    rows, ways = [], []
    for first in range(0, len(files), 12):
        part = [str(file) for file in files[first : first + 12]]
        report = reportgen.build_report(model, part, {"layers": {"first": 1}})
        for file, case in zip(part, report.cases, strict=True):
            found, image = case.occlusion, model.input_of(file)
            least = min(np.prod(scan.patch) for scan in found.scans)
            smallest = [float(np.prod(scan.patch) == least) for scan in found.scans]
            maps = [weighted(found, smallest), weighted(found, [1.0] * len(found.scans)), case.importance_map()]
            cells = [-(-side // BLOCK) for side in image.shape[:2]]
            blocks = [np.kron(random.random(cells), np.ones((BLOCK, BLOCK))) for _ in range(ORDERS)]
            cut = [one[: image.shape[0], : image.shape[1]] for one in blocks]
            at_random = np.mean([curves(run, image, one) for one in cut], axis=0)
            rows.append([*(curves(run, image, one) for one in maps), at_random])
            ways.append(found.combination)
    means, better = np.mean(rows, axis=0), np.array(rows)
    wins = [(better[:, 2, 0] < better[:, 3, 0]).mean(), (better[:, 2, 1] > better[:, 3, 1]).mean()]
    cells = " | ".join(f"{deletion:.2f} {insertion:.2f}" for deletion, insertion in means)
    print(f"| {name} | {cells} | {wins[0]:.0%} {wins[1]:.0%} | {', '.join(dict.fromkeys(ways))} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--images", type=int, default=12, help="how many, half of each class")
    parser.add_argument("--list", type=Path, help="a file that names the images to choose from, one a line")
    given = parser.parse_args(arguments)
    random, files = np.random.default_rng(5), []
    listed = set(given.list.read_text().split()) if given.list else None
    for folder in sorted(one for one in given.folder.iterdir() if one.is_dir())[:2]:
        own = sorted(one for one in folder.iterdir() if listed is None or str(one) in listed)
        files += [own[number] for number in random.choice(len(own), given.images // 2, replace=False)]
    print("| model | smallest alone | four sizes, two fills | chosen | random | beats random | way |")
    print("|---|---|---|---|---|---|---|")
    for name in given.models:
        model = reportgen.load_model(None if name == "built-in" else name)
        measure(Path(name).stem, model, files)


if __name__ == "__main__":
    main()
