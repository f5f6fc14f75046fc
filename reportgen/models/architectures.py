"""The small CNNs that come with the program: built untrained, ready for :mod:`reportgen.training.fit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """A network that can be built for any number of classes.

    Attributes
    ----------
    name
        What users call it.
    title
        One line about it.
    input_shape
        (height, width, channels).
    build
        Makes a new Keras model, given the number of classes: one sigmoid for two, softmax for more.
    """

    name: str
    title: str
    input_shape: tuple[int, int, int]
    build: Callable[[int], Any]


def _head(classes: int, name: str) -> Any:
    from keras import layers

    if classes == 2:
        return layers.Dense(1, activation="sigmoid", name=name)
    return layers.Dense(classes, activation="softmax", name=name)


def _chest_xray(classes: int) -> Any:
    """Four valid 3 x 3 convolutions, each with 2 x 2 pooling, and a dense layer of 512."""
    import keras
    from keras import layers

    stack = [layers.Input((150, 150, 3), name="input_1")]
    for number, channels in enumerate((32, 64, 128, 128), start=1):
        stack.append(layers.Conv2D(channels, 3, activation="relu", name=f"conv2d_{number}"))
        stack.append(layers.MaxPooling2D(2, name=f"max_pooling2d_{number}"))
    stack += [layers.Flatten(name="flatten_1"), layers.Dense(512, activation="relu", name="dense_1")]
    return keras.Sequential([*stack, _head(classes, "dense_2")], name="chest_xray")


def _two_xrays(classes: int) -> Any:
    """Four blocks of two same-padded convolutions and pooling, on gray images."""
    import keras
    from keras import layers

    stack = [layers.Input((128, 128, 1), name="input_1")]
    for block, channels in enumerate((16, 24, 32, 48), start=1):
        for number in (1, 2):
            name = f"block{block}_conv{number}"
            # eight rectified layers in a row: He's initialisation keeps the signal alive through them
            convolution = layers.Conv2D(
                channels, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=name
            )
            stack.append(convolution)
        stack.append(layers.MaxPooling2D(2, name=f"block{block}_pool"))
    stack += [layers.Flatten(name="flatten"), layers.Dense(32, activation="relu", name="dense")]
    return keras.Sequential([*stack, _head(classes, "score")], name="two_xrays")


def _cifar10(classes: int) -> Any:
    """Two convolutions with pooling and a small dense layer, for 32 x 32 colour images."""
    import keras
    from keras import layers

    stack = [layers.Input((32, 32, 3), name="input_1")]
    for number, channels in enumerate((32, 64), start=1):
        stack.append(layers.Conv2D(channels, 3, activation="relu", name=f"conv2d_{number}"))
        stack.append(layers.MaxPooling2D(2, name=f"max_pooling2d_{number}"))
    stack += [layers.Flatten(name="flatten_1"), layers.Dense(64, activation="relu", name="dense_1")]
    return keras.Sequential([*stack, _head(classes, "dense_2")], name="cifar10")


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("chest_xray", "150 x 150 RGB, 4 convolutions, 3.5 million parameters", (150, 150, 3), _chest_xray),
        Architecture("two_xrays", "128 x 128 gray, 8 convolutions, 160 thousand parameters", (128, 128, 1), _two_xrays),
        Architecture("cifar10", "32 x 32 RGB, 2 convolutions, 167 thousand parameters", (32, 32, 3), _cifar10),
    )
}
