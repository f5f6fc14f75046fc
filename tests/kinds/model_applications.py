"""Models of keras.applications: the kinds that need something of their own; all are tried by ``kinds.applications``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .applications import made
from .model_legacy import LEGACY
from .registry import SHAPE, Built, calling, group, saved, stirred

kind = group("keras.applications")
# outputs of deep networks, added up in another order
DEEP = 1e-4


@kind("ConvNeXt, whose layers have no public name", tolerance=DEEP)
def convnext(folder: Path) -> Built:
    from keras.src.applications.convnext import ConvNeXt

    # as ConvNeXtTiny, of fewer blocks and channels
    sizes = {"depths": [1, 1, 2, 1], "projection_dims": [8, 12, 16, 24]}
    model = ConvNeXt(**sizes, weights=None, input_shape=(64, 96, 3), classes=2, name="convnext")
    built = saved(folder, model)
    return Built(built.source, built.original, high=255)


@kind("MobileNetV3 of Keras 2: arithmetic, and names with slashes", note=LEGACY, tolerance=DEEP)
def mobile_v3_legacy(folder: Path) -> Built:
    model = made("tf_keras", "MobileNetV3Small")
    model.save(folder / "model.h5")
    return Built(folder / "model.h5", calling(model), high=255)


def _with_own_layers(keras: Any, *, dropping: bool = True) -> Any:
    """Return a small model of the layers that the applications have for themselves."""
    from importlib import import_module

    home = import_module(f"{keras.__name__}.src.applications")
    k = keras.layers
    entry = k.Input(SHAPE)
    x = k.Conv2D(4, 3, padding="same")(entry)
    x = home.convnext.StochasticDepth(0.1, name="dropped")(x) if dropping else x
    x = home.convnext.LayerScale(0.5, 4, name="scaled")(x)
    x = home.inception_resnet_v2.CustomScaleLayer(0.2, name="added")([x, k.Conv2D(4, 1)(x)])
    return keras.Model(entry, k.Dense(2, "softmax")(k.GlobalAveragePooling2D()(x)))


@kind("Layers of the applications in .keras")
def own_layers(folder: Path) -> Built:
    import keras

    return saved(folder, _with_own_layers(keras))


@kind("Layers of the applications in HDF5")
def own_layers_hdf5(folder: Path) -> Built:
    import keras

    return saved(folder, _with_own_layers(keras), ".h5")


@kind("Layers of the applications in .keras of Keras 2", note=LEGACY)
def own_layers_legacy(folder: Path) -> Built:
    import tf_keras

    return saved(folder, _with_own_layers(tf_keras))


@kind("Layers of the applications in HDF5 of Keras 2", note=LEGACY)
def own_layers_legacy_hdf5(folder: Path) -> Built:
    import tf_keras

    return saved(folder, _with_own_layers(tf_keras), ".h5")


@kind("Layers of the applications in a SavedModel of Keras 2", note=LEGACY)
def own_layers_saved_model(folder: Path) -> Built:
    import tf_keras

    # Keras 2 can't save StochasticDepth so
    model = stirred(_with_own_layers(tf_keras, dropping=False))
    model.save(folder / "model", save_format="tf")
    return Built(folder / "model", calling(model))
