"""The small CNNs that come with the program: built untrained, ready for :mod:`reportgen.training.fit`."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reportgen.models.code.embedded_code import read_custom_objects, read_own_function
from reportgen.models.keras_internals import count_names_anew
from reportgen.models.preprocessing.input_scaling import OwnScaling, own_scaling
from reportgen.system.errors import ReportgenError
from reportgen.system.files import sha256


class Build(Protocol):
    """Makes a new Keras model for a number of classes."""

    def __call__(self, classes: int, *, findings: bool = False) -> Any:
        """Return it: one sigmoid for two classes, softmax for more; a sigmoid each for independent findings."""
        ...


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
        Makes a new Keras model.
    factor
        From raw-image units to those that it is trained on; 1 where it scales its input itself.
    digest
        Of the code of a user's own; empty for those that come with the program.
    """

    name: str
    title: str
    input_shape: tuple[int, int, int]
    build: Build
    factor: float = 1 / 255
    digest: str = ""


def find_architecture(name: str, classes: int) -> Architecture:
    """Return a built-in architecture, or the user's own (``mine.py:build``).

    Parameters
    ----------
    name
        A name in ``ARCHITECTURES``, or ``FILE.py:FUNCTION``, with folders or without, or ``MODULE:FUNCTION``. The
        function gets the number of classes and returns a Keras model with one image input of a fixed size.
    classes
        How many: the user's own is built once to see its input.

    Raises
    ------
    ReportgenError
        When there is none of that name, or it isn't a model of that kind.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if ":" not in name:
        known = ", ".join(ARCHITECTURES)
        raise ReportgenError(f"unknown architecture '{name}'", f"choose one of {known}, or your own: mine.py:build")
    function = _own_function(name)

    def build(classes: int, *, findings: bool = False) -> Any:  # noqa: ARG001 - its last layer is the user's choice
        # built several times in one run, its layers are to be called the same each time
        count_names_anew()
        return function(classes)

    model = _tried(name, build, classes)
    shape = tuple(model.input_shape[1:])
    parameters = f"{model.count_params():,} parameters"
    height, width, channels = shape
    kind = {1: "gray", 3: "RGB"}.get(channels, f"{channels} channels")
    raw = own_scaling(model) is OwnScaling.RAW
    return Architecture(
        name.rpartition(":")[2], f"{height} x {width} {kind}, {parameters}", shape, build, 1.0 if raw else 1 / 255,
        _source_digest(function),
    )  # fmt: skip


def _own_function(name: str) -> Any:
    """Return what ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION`` names."""
    place, _, function = name.rpartition(":")
    if not place.strip() or not function.isidentifier():
        raise ReportgenError(f"'{name}' names no function", "write FILE.py:FUNCTION, such as mine.py:build")
    if place.endswith(".py"):
        return read_own_function(Path(place), function)
    return read_custom_objects([name])[function]


def _source_digest(function: Any) -> str:
    """Return a digest of the module that a function is from; empty where its source isn't known."""
    try:
        return sha256(inspect.getsource(inspect.getmodule(function) or function).encode())
    except (OSError, TypeError):
        return ""


def _tried(name: str, build: Build, classes: int) -> Any:
    """Build a user's own network and see that images can be put in."""
    import keras

    try:
        model = build(classes)
    except (Exception, SystemExit) as problem:
        raise ReportgenError(f"{name} failed for {classes} classes ({problem})", "check its code") from problem
    shape = getattr(model, "input_shape", None)
    if not isinstance(model, keras.Model) or not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
        raise ReportgenError(
            f"{name} gives no Keras model with one image input of a fixed size",
            "begin it with keras.layers.Input((height, width, channels))",
        )
    if shape[3] not in (1, 3):
        raise ReportgenError(f"{name} takes {shape[3]} channels", "images have 1 (gray) or 3 (RGB)")
    try:
        model.to_json()
    except Exception as problem:
        raise ReportgenError(
            f"{name} can't be saved ({problem})", "give its own layers a get_config, and register them"
        ) from problem
    return model


def _head(classes: int, name: str, *, findings: bool) -> Any:
    from keras import layers

    # scores are computed in full precision, also where the layers before them aren't
    if findings:
        return layers.Dense(classes, activation="sigmoid", name=name, dtype="float32")
    if classes == 2:
        return layers.Dense(1, activation="sigmoid", name=name, dtype="float32")
    return layers.Dense(classes, activation="softmax", name=name, dtype="float32")


def _chest_xray(classes: int, *, findings: bool = False) -> Any:
    """Four valid 3 x 3 convolutions, each with 2 x 2 pooling, and a dense layer of 512."""
    import keras
    from keras import layers

    stack = [layers.Input((150, 150, 3), name="input_1")]
    for number, channels in enumerate((32, 64, 128, 128), start=1):
        stack.append(layers.Conv2D(channels, 3, activation="relu", name=f"conv2d_{number}"))
        stack.append(layers.MaxPooling2D(2, name=f"max_pooling2d_{number}"))
    stack += [layers.Flatten(name="flatten_1"), layers.Dense(512, activation="relu", name="dense_1")]
    return keras.Sequential([*stack, _head(classes, "dense_2", findings=findings)], name="chest_xray")


def _chest_xray_gray(classes: int, *, findings: bool = False) -> Any:
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
    return keras.Sequential([*stack, _head(classes, "score", findings=findings)], name="chest_xray_gray")


def _cifar10(classes: int, *, findings: bool = False) -> Any:
    """Two convolutions with pooling and a small dense layer, for 32 x 32 colour images."""
    import keras
    from keras import layers

    stack = [layers.Input((32, 32, 3), name="input_1")]
    for number, channels in enumerate((32, 64), start=1):
        stack.append(layers.Conv2D(channels, 3, activation="relu", name=f"conv2d_{number}"))
        stack.append(layers.MaxPooling2D(2, name=f"max_pooling2d_{number}"))
    stack += [layers.Flatten(name="flatten_1"), layers.Dense(64, activation="relu", name="dense_1")]
    return keras.Sequential([*stack, _head(classes, "dense_2", findings=findings)], name="cifar10")


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("chest_xray", "150 x 150 RGB, 4 convolutions, 3.5 million parameters", (150, 150, 3), _chest_xray),
        Architecture(
            "chest_xray_gray",
            "128 x 128 gray, 8 convolutions, 160 thousand parameters",
            (128, 128, 1),
            _chest_xray_gray,
        ),
        Architecture("cifar10", "32 x 32 RGB, 2 convolutions, 167 thousand parameters", (32, 32, 3), _cifar10),
    )
}
