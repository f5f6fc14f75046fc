"""Files of weights alone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from .registry import Built, calling, group, stirred

kind = group("Weights alone")
SAID = "The file holds weights alone"


def _weights(folder: Path, model: Any, ending: str = ".weights.h5", *, high: float = 1.0) -> Built:
    path = folder / f"model{ending}"
    stirred(model).save_weights(path)
    return Built(path, calling(model), high=high)


@functools.cache
def _cifar() -> Any:
    from reportgen.models.architectures import ARCHITECTURES

    return ARCHITECTURES["cifar10"].build(2)


@kind("Of a built-in architecture", settings={"model": {"architecture": "cifar10"}}, note=SAID)
def weights_builtin(folder: Path) -> Built:
    return _weights(folder, _cifar())


@kind("Of a built-in architecture with five classes", settings={"model": {"architecture": "cifar10"}}, note=SAID)
def weights_builtin_classes(folder: Path) -> Built:
    from reportgen.models.architectures import ARCHITECTURES

    return _weights(folder, ARCHITECTURES["cifar10"].build(5))


@kind("Of a built-in architecture, as Keras 2 saves them", settings={"model": {"architecture": "cifar10"}}, note=SAID)
def weights_old(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    body = [k.Conv2D(32, 3, activation="relu"), k.MaxPooling2D(), k.Conv2D(64, 3, activation="relu"), k.MaxPooling2D()]
    model = tf_keras.Sequential(
        [k.Input((32, 32, 3)), *body, k.Flatten(), k.Dense(64, activation="relu"), k.Dense(1, activation="sigmoid")]
    )
    return _weights(folder, model, ".h5")


@kind("Of an architecture of keras.applications", settings={"model": {"architecture": "MobileNetV2"}}, note=SAID)
def weights_application(folder: Path) -> Built:
    import keras

    return _weights(folder, keras.applications.MobileNetV2(weights=None, classes=7))


@kind("Of keras:NAME, as Keras 2 saves them", settings={"model": {"architecture": "keras:MobileNet"}}, note=SAID)
def weights_application_old(folder: Path) -> Built:
    import tf_keras

    return _weights(folder, tf_keras.applications.MobileNet(weights=None, classes=3), ".h5")


@kind(
    "Of EfficientNetB0, which normalises its input",
    settings={"model": {"architecture": "EfficientNetB0"}},
    note=SAID,
)
def weights_efficient(folder: Path) -> Built:
    import keras

    return _weights(folder, keras.applications.EfficientNetB0(weights=None, classes=3), high=255)


@kind(
    "Of EfficientNetB0, as Keras 2 saves them", settings={"model": {"architecture": "EfficientNetB0"}}, note=SAID,
)  # fmt: skip
def weights_efficient_old(folder: Path) -> Built:
    import tf_keras

    return _weights(folder, tf_keras.applications.EfficientNetB0(weights=None, classes=2), ".h5", high=255)


@kind(
    "Without the last layer (include_top=False)",
    settings={"model": {"architecture": "MobileNet"}},
    refused="holds weights of MobileNet without its last layer",
)
def weights_without_top(folder: Path) -> Built:
    import keras

    return _weights(folder, keras.applications.MobileNet(weights=None, include_top=False, input_shape=(224, 224, 3)))


@kind("No architecture said", refused="holds weights only, not the model they belong to; name it with --architecture")
def weights_unsaid(folder: Path) -> Built:
    return _weights(folder, _cifar())


@kind(
    "Another architecture", settings={"model": {"architecture": "chest_xray_gray"}},
    refused="don't fit chest_xray_gray",
)  # fmt: skip
def weights_of_another(folder: Path) -> Built:
    return _weights(folder, _cifar())


@kind(
    "An unknown architecture", settings={"model": {"architecture": "VGG61"}}, refused="there is no architecture 'VGG61'"
)
def weights_unknown(folder: Path) -> Built:
    return _weights(folder, _cifar())


@kind("A whole model with --architecture", settings={"model": {"architecture": "cifar10"}}, refused="is a whole model")
def weights_whole(folder: Path) -> Built:
    _cifar().save(folder / "model.keras")
    return Built(folder / "model.keras")
