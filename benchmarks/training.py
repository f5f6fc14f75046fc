"""An epoch of `reportgen train` against plain Keras, and how fast radiographs are read and varied.

First: 40,000 generated images of 32 x 32, the architecture, optimizer and batch of `cifar10`; ours with validation,
history and checkpoint as in a real run, Keras with ``fit`` on float arrays. Each run is a process of its own, in turn,
and what is timed are the epochs after the first, in which TensorFlow builds its graphs. Then: a folder of JPEGs of
the size of radiographs, and batches of these with and without augmentation, with how many cores were busy (seconds of
processor over seconds). Arguments: runs (3), images (40,000), radiographs (400).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

EPOCHS = 3


def generated(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(N, 32, 32, 3)`` uint8 and ``(N,)`` labels of ten classes."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, count)
    images = random.integers(0, 200, (count, 32, 32, 3), dtype=np.uint8)
    images[..., 0] += (labels * 5).astype(np.uint8)[:, None, None]
    return images, labels.astype(np.int64)


def ours(count: int) -> list[float]:
    """Return the seconds of each epoch of our training."""
    import dataclasses

    from reportgen.models.architectures import find_architecture
    from reportgen.training.examples import Examples
    from reportgen.training.fit import Watcher, fit_model
    from reportgen.training.recipe import RECIPES

    names = tuple("abcdefghij")
    training, validation = (Examples(*generated(number), names) for number in (count, count // 4))
    recipe = dataclasses.replace(RECIPES["cifar10"], epochs=EPOCHS)
    times = [time.perf_counter()]
    watcher = Watcher(on_epoch=lambda *_: times.append(time.perf_counter()))
    with tempfile.TemporaryDirectory() as folder:
        fit_model(
            find_architecture("cifar10", 10), training, validation, recipe, watcher, Path(folder) / "a.checkpoint"
        )
    return list(np.diff(times))


def keras_alone(count: int) -> list[float]:
    """Return the seconds of each epoch of Keras's ``fit`` on arrays."""
    import keras

    from reportgen.models.architectures import find_architecture

    keras.utils.set_random_seed(1)
    images, labels = generated(count)
    held, held_labels = generated(count // 4)
    model = find_architecture("cifar10", 10).build(10)
    model.compile(keras.optimizers.Nadam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    times = [time.perf_counter()]

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, _epoch: int, _logs: object = None) -> None:
            times.append(time.perf_counter())

    model.fit(
        images.astype(np.float32) / 255, labels, validation_data=(held.astype(np.float32) / 255, held_labels),
        batch_size=32, validation_batch_size=64, epochs=EPOCHS, callbacks=[Clock()], verbose=0,
    )  # fmt: skip
    return list(np.diff(times))


def compare(runs: int, count: int) -> None:
    """Run both in turn and print medians of the epochs after the first."""
    seconds: dict[str, list[float]] = {"ours": [], "keras": []}
    for _ in range(runs):
        for way, found in seconds.items():
            said = subprocess.run(
                [sys.executable, __file__, way, str(count)], check=True, capture_output=True, text=True
            ).stdout
            found += [float(word) for word in said.split()[-(EPOCHS - 1) :]]
    medians = {way: statistics.median(found) for way, found in seconds.items()}
    for way, found in seconds.items():
        print(f"{way}: {medians[way]:.2f} s an epoch of {count:,} images ({min(found):.2f} to {max(found):.2f})")
    print(f"ours over keras: {medians['ours'] / medians['keras']:.3f}")


def timed(name: str, images: int, work: Callable[[], object]) -> None:
    """Print images a second and how many cores were busy."""
    start, used = time.perf_counter(), time.process_time()
    work()
    wall = time.perf_counter() - start
    cores = (time.process_time() - used) / wall
    print(f"{name}: {images / wall:,.0f} images a second, {cores:.2f} of {os.cpu_count()} cores busy")


def radiographs(count: int) -> None:
    """Measure reading and varying a folder of generated JPEGs of about 1,300 x 1,000."""
    import dataclasses

    from PIL import Image

    from reportgen.datasets.prepared import prepare_all
    from reportgen.datasets.reader import read_data
    from reportgen.demo.phantom import phantom
    from reportgen.settings.report import PreprocessingSettings
    from reportgen.training.batches import training_batches
    from reportgen.training.examples import Examples
    from reportgen.training.recipe import RECIPES

    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            place = Path(folder) / ("NORMAL" if number % 2 else "PNEUMONIA")
            place.mkdir(exist_ok=True)
            pixels = phantom(number % 20, opacities=number % 2, size=(1000, 1300)).pixels
            Image.fromarray(pixels).save(place / f"person{number}_virus_1.jpeg", quality=90)
        data = read_data(Path(folder)).undivided
        assert data is not None
        shape = (150, 150, 3)
        timed("reading JPEGs", count, lambda: prepare_all(data, shape, PreprocessingSettings()))
        images = prepare_all(data, shape, PreprocessingSettings())
    examples = Examples(images, data.labels, data.class_names)
    usual = dataclasses.replace(RECIPES["chest_xray"], epochs=5)
    for name, recipe in (
        ("batches without augmentation", dataclasses.replace(usual, augmentation=None)),
        ("batches with augmentation 'radiograph'", usual),
    ):
        next(iter(training_batches(examples, recipe, 1, 1 / 255)))
        batches = training_batches(examples, recipe, 1, 1 / 255)
        timed(name, count * recipe.epochs, lambda batches=batches: [None for _ in batches])


def main() -> None:
    """Run what the arguments ask for."""
    ways = {"ours": ours, "keras": keras_alone}
    if sys.argv[1:2] and sys.argv[1] in ways:
        print(*ways[sys.argv[1]](int(sys.argv[2])))
        return
    runs, count, jpegs = (int(word) for word in (sys.argv[1:] + ["3", "40000", "400"][len(sys.argv) - 1 :]))
    compare(runs, count)
    radiographs(jpegs)


if __name__ == "__main__":
    main()
