"""What ReportCallback costs: epochs of the CIFAR-10 example's network on images of its shape, made here.

``python benchmarks/callback.py [images] [epochs]``; a fifth of the images is for validation.
"""

from __future__ import annotations

import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from reportgen.keras import ReportCallback
from reportgen.models.architectures import find_architecture


def main(count: int = 50_000, epochs: int = 3) -> None:
    """Train and print the seconds of each epoch, and of the callback in it."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, count)
    images = random.integers(0, 90, (count, 32, 32, 3)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        top, left = random.integers(2, 10, 2)
        high, wide = (18, 8) if label % 2 else (8, 18)
        image[top : top + high, left : left + wide] = [60 + label // 4 * 90, 60 + label // 2 % 2 * 180, 40 + label * 20]
    images = np.clip(images, 0, 255) / 255
    model = find_architecture("cifar10", 10).build(10)
    model.compile(optimizer="nadam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    with TemporaryDirectory() as folder:
        names = [f"class {number}" for number in range(10)]
        watch = ReportCallback((images[:3], labels[:3]), out=f"{folder}/runs", class_names=names)
        began = time.perf_counter()
        model.fit(images, labels, epochs=epochs, validation_split=0.2, verbose=0, callbacks=[watch, _Clock(watch)])
        print(f"in all {time.perf_counter() - began:.1f} s, callback {watch.seconds:.2f} s")


class _Clock(keras.callbacks.Callback):
    def __init__(self, watch: ReportCallback) -> None:
        super().__init__()
        self._watch, self._began, self._before = watch, 0.0, 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self._began, self._before = time.perf_counter(), self._watch.seconds

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        took, own = time.perf_counter() - self._began, self._watch.seconds - self._before
        print(f"epoch {epoch + 1}: {took:.1f} s, callback {own:.2f} s ({own / took:.1%})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
