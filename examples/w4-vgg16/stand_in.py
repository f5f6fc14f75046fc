"""A small network that stands in for VGG16 where its weights (528 MB) are not at hand.

It has VGG16's names of layers and size of input, and knows six things that lie on grass, drawn here. It is trained
on windows of them, in seconds:

    python stand_in.py stand_in.keras
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

SIDE, WINDOW, COUNT = 224, 48, 60
COLOURS = {
    "apple": (200, 30, 40), "blueberry": (40, 60, 150), "orange": (240, 130, 20), "plum": (120, 40, 120),
    "snowball": (240, 240, 245), "tennis_ball": (215, 225, 40),
}  # fmt: skip
CHANNELS = ((12, 2), (16, 2), (16, 1), (24, 1), (32, 3))  # of each block, and how many convolutions


def build(side: int) -> Any:
    """Return a network with VGG16's names, and few channels; what it sees anywhere counts, so that any size will do."""
    from keras import Sequential, layers

    network: list[Any] = [layers.Input((side, side, 3))]
    for block, (channels, count) in enumerate(CHANNELS, 1):
        network += [
            layers.Conv2D(
                channels, 3, padding="same", activation="relu", kernel_initializer="he_normal",
                name=f"block{block}_conv{number}",
            )
            for number in range(1, count + 1)
        ]  # fmt: skip
        network.append(layers.MaxPooling2D(2, name=f"block{block}_pool"))
    network += [layers.GlobalMaxPooling2D(name="anywhere"), layers.Dense(len(COLOURS), "softmax", name="predictions")]
    return Sequential(network, name="stand_in")


def draw(colour: tuple[int, int, int], random: np.random.Generator) -> np.ndarray:
    """Draw grass, perhaps sky, and a ball of a colour, some of it outside; return ``(WINDOW, WINDOW, 3)``, 0 to 255."""
    rows, columns = np.indices((WINDOW, WINDOW))
    noise = random.normal(0, 1, (WINDOW, WINDOW, 1))
    grass = random.uniform(0.5, 1.3) * np.array([45, 95, 40]) + noise * [18, 32, 14]
    horizon = random.integers(-WINDOW, WINDOW // 2)
    pixels = np.where((rows < horizon)[..., None], np.array([180, 200, 225]) + 2 * noise, grass)
    radius = random.integers(14, 60)
    down, across = ((axis - random.integers(8, WINDOW - 8)) / radius for axis in (rows, columns))
    light = np.clip(random.uniform(0.8, 1.1) - 0.35 * (down + across), 0.4, 1.1)[..., None]
    pixels = np.where((down**2 + across**2 < 1)[..., None], np.array(colour) * light + 4 * noise, pixels)
    return pixels.clip(0, 255)


def write(path: Path) -> None:
    """Train the network and write it, with its notes beside it."""
    import keras

    keras.utils.set_random_seed(5)
    random = np.random.default_rng(4)
    pixels = np.array([draw(colour, random) for colour in COLOURS.values() for _ in range(COUNT)]) / 255
    labels = np.repeat(np.arange(len(COLOURS)), COUNT)
    small = build(WINDOW)
    small.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    done = small.fit(pixels, labels, batch_size=24, epochs=14, verbose=0)
    print(f"accuracy on {len(labels)} drawn windows: {done.history['accuracy'][-1]:.3f}")
    whole = build(SIDE)
    whole.set_weights(small.get_weights())
    whole.save(path)
    notes = f"class_names = {list(COLOURS)}\n[preprocessing]\nmode = 'scale'\nfactor = {1 / 255}\noffset = 0.0\n"
    path.with_suffix(".toml").write_text(notes, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
