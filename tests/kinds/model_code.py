"""Models that need code which Keras does not have."""

from __future__ import annotations

import json
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .registry import SHAPE, Built, calling, group, saved, stack, stirred

kind = group("Custom code")
MODULE = "kinds_of_own"
SOURCE = """
import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="Mine", name="registered")
class Registered(layers.Layer):
    def call(self, images):
        return images * 2.0


class Scale(layers.Layer):
    def __init__(self, factor=2.0, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, images):
        return images * self.gain * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class ClassToken(layers.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), initializer="random_normal")

    def call(self, tokens):
        count = keras.ops.shape(tokens)[0]
        token = keras.ops.broadcast_to(self.token, (count, 1, tokens.shape[-1]))
        return keras.ops.concatenate([token, tokens], axis=1)


class Net(keras.Model):
    def __init__(self, channels=4, **options):
        super().__init__(**options)
        self.channels = channels
        self.conv, self.pool = layers.Conv2D(channels, 3, name="conv"), layers.GlobalMaxPooling2D(name="pool")
        self.scores = layers.Dense(2, activation="softmax", name="scores")

    def call(self, images, training=False):
        return self.scores(self.pool(self.conv(images)))

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


class OpaqueNet(Net):
    def call(self, images, training=False):
        return self.scores(tf.reduce_max(self.conv(tf.raw_ops.Relu(features=images)), axis=(1, 2)))


def soft_step(values):
    return keras.ops.sigmoid(4 * values)


def doubled(images):
    return images * 2


class Bare(layers.Layer):
    def __init__(self):
        super().__init__()

    def call(self, images):
        return images * 2.0
"""
# lambda images: images * 2, as Python 3.9 marshals it
DOUBLED_OF_PYTHON_3_9 = (
    "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARQAUwApAk7pAgAAAKkAKQHaAXhyAgAA"
    "AHICAAAA2gFt2gg8bGFtYmRhPgEAAADzAAAAAA=="
)


def own() -> Any:
    """Return the module of the user's own code; made here, since it is not part of the tests."""
    if MODULE not in sys.modules:
        module = types.ModuleType(MODULE)
        exec(SOURCE, module.__dict__)
        sys.modules[MODULE] = module
    return sys.modules[MODULE]


def _given(*names: str) -> dict[str, Any]:
    return {"model": {"custom_objects": [f"{MODULE}:{name}" for name in names]}}


TRUSTED = {"model": {"trust_code": True}}
GIVEN = "The model was given code from outside Keras"
RAN = "Code that came with the model file was run, because it was trusted"


def _lambda(folder: Path, ending: str = ".keras") -> Built:
    from keras import layers as k

    doubled = k.Lambda(lambda images: images * 2, output_shape=SHAPE, name="doubled")
    return saved(folder, stack(doubled, k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")), ending)


@kind("Lambda layer", refused="carries Python code in 'doubled' (Lambda), which is not run unless you trust it; if you "
      "know who made the file, allow it with --trust-model-code")  # fmt: skip
def lambda_layer(folder: Path) -> Built:
    return _lambda(folder)


@kind("Lambda layer in HDF5", refused="carries Python code in 'doubled' (Lambda)")
def lambda_hdf5(folder: Path) -> Built:
    return _lambda(folder, ".h5")


@kind("Lambda layer, trusted", settings=TRUSTED, note=RAN)
def lambda_trusted(folder: Path) -> Built:
    return _lambda(folder)


@kind("Lambda layer in HDF5, trusted", settings=TRUSTED, note=RAN)
def lambda_hdf5_trusted(folder: Path) -> Built:
    return _lambda(folder, ".h5")


def _of_another_python(folder: Path) -> Built:
    built = _lambda(folder)
    path = Path(built.source)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Lambda":
            layer["config"]["function"]["config"]["code"] = DOUBLED_OF_PYTHON_3_9
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return built


@kind("Lambda layer with code of another Python, trusted", settings=TRUSTED, refused="that was saved by Python 3.8, "
      "3.9 or 3.10; this is Python")  # fmt: skip
def lambda_of_another_python(folder: Path) -> Built:
    return _of_another_python(folder)


@kind("Lambda layer with code of another Python, its function given", settings=_given("doubled"), note=GIVEN)
def lambda_of_another_python_given(folder: Path) -> Built:
    return _of_another_python(folder)


@kind("Lambda layer in a model in a model", refused="carries Python code in 'deep' (Lambda)")
def lambda_deep(folder: Path) -> Built:
    from keras import layers as k

    inner = stack(k.Conv2D(4, 3), k.Lambda(lambda images: images * 2, output_shape=(22, 34, 4), name="deep"))
    return saved(folder, stack(inner, k.GlobalMaxPooling2D(), k.Dense(2)))


def _legacy_lambda(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    doubled = k.Lambda(lambda images: images * 2, name="doubled")
    layers = [k.Input(SHAPE), doubled, k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")]
    return saved(folder, tf_keras.Sequential(layers), ".h5")


@kind("Lambda layer of Keras 2", refused="carries Python code in 'doubled' (Lambda)")
def legacy_lambda(folder: Path) -> Built:
    return _legacy_lambda(folder)


@kind("Lambda layer of Keras 2, trusted", settings=TRUSTED, note=RAN)
def legacy_lambda_trusted(folder: Path) -> Built:
    return _legacy_lambda(folder)


def _named(folder: Path, ending: str = ".keras") -> Built:
    import keras
    from keras import layers as k

    scaled = k.Lambda(keras.applications.vgg16.preprocess_input, name="scaled")
    return saved(folder, stack(scaled, k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")), ending)


NAMED = {"model": {"custom_objects": ["keras.applications.vgg16:preprocess_input"]}}


@kind("Lambda layer that names a function, not given", refused="'scaled' (preprocess_input); give your own with "
      "--custom-objects MODULE:preprocess_input, such as keras.applications.vgg16:preprocess_input")  # fmt: skip
def named_function(folder: Path) -> Built:
    return _named(folder)


@kind("Lambda layer that names a function, given", settings=NAMED, note="scales or shifts its input itself")
def named_function_given(folder: Path) -> Built:
    return _named(folder)


@kind("Lambda layer that names a function, in HDF5, given", settings=NAMED, note=GIVEN)
def named_function_hdf5(folder: Path) -> Built:
    return _named(folder, ".h5")


def _scaled(folder: Path, ending: str = ".keras", name: str = "Scale") -> Built:
    from keras import layers as k

    layers = [getattr(own(), name)(name="mine"), k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")]
    return saved(folder, stack(*layers), ending)


@kind("A layer of the user's own, not given", refused="'mine' (kinds_of_own.Scale); give your own with "
      "--custom-objects MODULE:Scale")  # fmt: skip
def own_layer(folder: Path) -> Built:
    return _scaled(folder)


@kind(
    "A layer of the user's own, not given, but its file trusted",
    settings=TRUSTED,
    refused="(elsewhere.Scale); give your own with --custom-objects MODULE:Scale",
)
def own_layer_trusted(folder: Path) -> Built:
    built = _scaled(folder)
    path = Path(built.source)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = parts["config.json"].replace(MODULE.encode(), b"elsewhere")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return built


@kind("A layer of the user's own, given", settings=_given("Scale"), note=GIVEN)
def own_layer_given(folder: Path) -> Built:
    return _scaled(folder)


@kind("A layer of the user's own in HDF5, given", settings=_given("Scale"), note=GIVEN)
def own_layer_hdf5(folder: Path) -> Built:
    return _scaled(folder, ".h5")


@kind("A layer of the user's own that takes none of Keras's arguments", settings=_given("Bare"), refused="class 'Bare' "
      "takes no 'dtype' or 'trainable', which")  # fmt: skip
def own_bare(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, stack(own().Bare(), k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")))


@kind("A layer registered under another name, given", settings=_given("Registered"), note=GIVEN)
def own_registered(folder: Path) -> Built:
    return _scaled(folder, name="Registered")


@kind(
    "A layer of the user's own that isn't in the module",
    settings=_given("Skale"),
    refused="module 'kinds_of_own' has no 'Skale'",
)
def own_missing(folder: Path) -> Built:
    return _scaled(folder)


@kind(
    "A module that isn't there",
    settings={"model": {"custom_objects": ["no_such_module:Scale"]}},
    refused="module 'no_such_module' can't be imported",
)
def own_module_missing(folder: Path) -> Built:
    return _scaled(folder)


@kind("An activation of the user's own, given", settings=_given("soft_step"), note=GIVEN)
def own_activation(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Conv2D(4, 3, activation=own().soft_step), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")]
    return saved(folder, stack(*layers))


@kind("An activation of the user's own, not given", refused="(soft_step); give your own with --custom-objects")
def own_activation_not_given(folder: Path) -> Built:
    return own_activation(folder)


@kind("Vision transformer with a class token of its own", settings=_given("ClassToken"), note=GIVEN)
def own_transformer(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE)
    tokens = k.Reshape((24, 8))(k.Conv2D(8, 6, strides=6)(entry))
    tokens = own().ClassToken()(tokens)
    tokens = k.Add()([tokens, k.MultiHeadAttention(2, 4)(tokens, tokens)])
    return saved(folder, keras.Model(entry, k.Dense(2, "softmax")(k.LayerNormalization()(tokens)[:, 0])))


def _net(folder: Path, name: str) -> Built:
    model = getattr(own(), name)(name="net")
    model(np.zeros((1, *SHAPE), np.float32))
    return saved(folder, model)


@kind("A model that is a class of its own, not given", refused="'net' (kinds_of_own.Net)")
def own_model_not_given(folder: Path) -> Built:
    return _net(folder, "Net")


@kind("A model that is a class of its own, given", settings=_given("Net"), note="a class of its own; its layers were")
def own_model(folder: Path) -> Built:
    return _net(folder, "Net")


@kind(
    "A model that is a class of its own, with operations of TensorFlow", settings=_given("OpaqueNet"), maps=False,
    note="no feature maps are shown",
)  # fmt: skip
def own_model_opaque(folder: Path) -> Built:
    return _net(folder, "OpaqueNet")


@kind("A layer of the user's own in a file of Keras 2, given", settings=_given("Twice"), note=GIVEN)
def own_legacy(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    class Twice(k.Layer):
        def call(self, images: Any) -> Any:
            return images * 2.0

    own().Twice = Twice
    layers = [k.Input(SHAPE), Twice(), k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")]
    return saved(folder, tf_keras.Sequential(layers), ".h5")


@kind("A layer of the user's own, written for Keras 3, in a file of Keras 2", settings=_given("Scale"), note=GIVEN)
def own_legacy_of_keras_3(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    class Scale(k.Layer):
        def __init__(self, factor: float = 3.0, **options: Any) -> None:
            super().__init__(**options)
            self.factor = factor

        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(name="gain", shape=(shape[-1],), initializer="ones")

        def call(self, images: Any) -> Any:
            return images * self.gain * self.factor

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    layers = [k.Input(SHAPE), Scale(name="mine"), k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")]
    return saved(folder, tf_keras.Sequential(layers), ".h5")


@kind("A configuration that calls a function of Keras to fetch a file", refused="needs code that Keras does not have")
def gadget(folder: Path) -> Built:
    import json
    import zipfile

    built = _plain(folder)
    with zipfile.ZipFile(built.source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1]["config"]["activation"] = {
        "module": "keras.utils", "class_name": "get_file", "config": {"origin": "x"}, "registered_name": None,
    }  # fmt: skip
    parts["config.json"] = json.dumps(config).encode()
    path = folder / "gadget.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return Built(path)


def _plain(folder: Path) -> Built:
    from keras import layers as k

    model = stirred(stack(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")))
    model.save(folder / "model.keras")
    return Built(folder / "model.keras", calling(model))
