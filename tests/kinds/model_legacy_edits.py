"""Files of Keras 2 in the forms that many versions and tools left behind: made by rewriting what a new one holds."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from .model_legacy import LEGACY, old
from .registry import SHAPE, Built, group, saved

kind = group("Keras 2 files")


def rewritten(built: Built, edit: Callable[[dict[str, Any]], Any], version: str | None = None) -> Built:
    """Edit the configuration of an HDF5 model, and say what version saved it (empty: none)."""
    with h5py.File(built.source, "r+") as file:
        text = file.attrs["model_config"]
        config = json.loads(text)
        changed = edit(config)
        file.attrs["model_config"] = json.dumps(config if changed is None else changed)
        if version is not None:
            file.attrs["keras_version"] = version
        if version == "":
            del file.attrs["keras_version"]
    return built


def every_table(value: Any) -> list[dict[str, Any]]:
    """Return all tables in a configuration."""
    if isinstance(value, list):
        return [table for item in value for table in every_table(item)]
    if isinstance(value, dict):
        return [value, *(table for item in value.values() for table in every_table(item))]
    return []


def _layers(config: dict[str, Any]) -> list[dict[str, Any]]:
    return list(config["config"]["layers"])


def _simple(folder: Path, *, activation: str = "softmax", ending: str = ".h5") -> Built:
    from tf_keras import layers as k

    layers = [k.Conv2D(4, 3, activation="relu"), k.DepthwiseConv2D(3), k.BatchNormalization(), k.Flatten()]
    return saved(folder, old(*layers, k.Dense(2, activation=activation)), ending)


@kind("Initializers with an extra dtype", note=LEGACY)
def extra_dtype(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        for table in every_table(config):
            if str(table.get("class_name")) in ("GlorotUniform", "Zeros", "Ones"):
                table["config"]["dtype"] = "float32"

    return rewritten(_simple(folder), edit, "2.4.0")


@kind("No InputLayer; batch_input_shape on the first layer", note=LEGACY)
def no_input_layer(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        del config["config"]["layers"][0]
        _layers(config)[0]["config"]["batch_input_shape"] = [None, *SHAPE]

    return rewritten(_simple(folder), edit, "2.3.1")


@kind("No InputLayer; input_shape without the batch dimension", note=LEGACY)
def input_shape(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        del config["config"]["layers"][0]
        _layers(config)[0]["config"].pop("batch_input_shape", None)
        _layers(config)[0]["config"]["input_shape"] = list(SHAPE)

    return rewritten(_simple(folder), edit, "2.3.1")


@kind("No InputLayer; input_shape with the batch dimension", note=LEGACY)
def input_shape_with_batch(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        del config["config"]["layers"][0]
        config["config"].pop("build_input_shape", None)
        _layers(config)[0]["config"].pop("batch_input_shape", None)
        _layers(config)[0]["config"]["input_shape"] = [None, *SHAPE]

    return rewritten(_simple(folder), edit, "2.2.4")


@kind("An InputLayer with input_shape that includes the batch dimension", note=LEGACY)
def input_layer_with_batch(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        inner = _layers(config)[0]["config"]
        del inner["batch_input_shape"]
        inner["input_shape"] = [None, *SHAPE]

    return rewritten(_simple(folder), edit, "2.4.0")


@kind("An InputLayer with batch_shape", note=LEGACY)
def input_layer_batch_shape(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        inner = _layers(config)[0]["config"]
        inner["batch_shape"] = inner.pop("batch_input_shape")

    return rewritten(_simple(folder), edit, "2.15.0")


@kind("Nothing says its input but build_input_shape", note=LEGACY)
def build_input_shape(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        del config["config"]["layers"][0]
        _layers(config)[0]["config"].pop("batch_input_shape", None)
        config["config"]["build_input_shape"] = [None, *SHAPE]

    return rewritten(_simple(folder), edit, "2.4.0")


@kind("A Sequential as a plain list of layers", note=LEGACY)
def list_of_layers(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> dict[str, Any]:
        layers = _layers(config)[1:]
        layers[0]["config"]["batch_input_shape"] = [None, *SHAPE]
        return {"class_name": "Sequential", "config": layers}

    return rewritten(_simple(folder), edit, "2.1.6")


@kind("Activations named softmax_v2 and relu_v2", note=LEGACY)
def activation_v2(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        for table in every_table(config):
            if table.get("activation") in ("softmax", "relu"):
                table["activation"] += "_v2"

    return rewritten(_simple(folder), edit, "2.3.0")


@kind("BatchNormalizationV1, axis as a list, fused and renorm arguments", note=LEGACY)
def batch_norm_v1(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        for layer in _layers(config):
            if layer["class_name"] == "BatchNormalization":
                layer["class_name"] = "BatchNormalizationV1"
                layer["config"] |= {"axis": [3], "fused": True, "renorm": False, "virtual_batch_size": None}

    return rewritten(_simple(folder), edit, "2.2.4-tf")


@kind("Modules named keras.engine and keras.layers.convolutional", note=LEGACY)
def old_modules(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        for layer in _layers(config):
            home = "keras.engine.input_layer" if layer["class_name"] == "InputLayer" else "keras.layers.convolutional"
            layer |= {"module": home, "registered_name": layer["class_name"]}

    return rewritten(_simple(folder), edit, "2.11.0")


@kind("Saved by no version that it names", note="a file of Keras 2")
def no_version(folder: Path) -> Built:
    return rewritten(_simple(folder), lambda config: None, "")


@kind("A functional model called Model, saved by Keras 2.2.4", note="a file of Keras 2.2.4")
def class_named_model(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    entry = k.Input(SHAPE)
    model = tf_keras.Model(entry, k.Dense(2, "softmax")(k.GlobalMaxPooling2D()(k.Conv2D(4, 3)(entry))))

    def edit(config: dict[str, Any]) -> None:
        config["class_name"] = "Model"

    return rewritten(saved(folder, model, ".h5"), edit, "2.2.4")


@kind("Keras 1 arguments (nb_filter, border_mode, Convolution2D)", refused="(saved by Keras 1.2.2) can't be read")
def keras_1(folder: Path) -> Built:
    def edit(config: dict[str, Any]) -> None:
        for layer in _layers(config):
            if layer["class_name"] == "Conv2D":
                layer["class_name"] = "Convolution2D"
                layer["config"] = {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "border_mode": "valid", "name": "conv"}

    return rewritten(_simple(folder), edit, "1.2.2")


@kind("Optimizer and loss that no version has: neither is needed", note=LEGACY)
def unknown_training(folder: Path) -> Built:
    built = _simple(folder)
    with h5py.File(built.source, "r+") as file:
        optimizer = {"class_name": "Nadamax", "config": {"lr": 0.1}}
        file.attrs["training_config"] = json.dumps(
            {"loss": "my_loss", "optimizer_config": optimizer, "metrics": ["f1"]}
        )
    return built


@kind("Under the ending .hdf5 and under none", note=LEGACY)
def other_ending(folder: Path) -> Built:
    built = _simple(folder)
    path = folder / "best-model"
    shutil.move(built.source, path)
    return Built(path, built.original)


def old_groups(folder: Path, model: Any, version: str = "2.13.1") -> Built:
    """Save as TensorFlow 2.13 did: other names of groups, and layers with weights counted twice."""
    from tf_keras.src.utils.generic_utils import to_snake_case

    built = saved(folder, model)
    path = folder / "as-of-2.13.keras"
    with zipfile.ZipFile(built.source) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    weights = folder / "inner.h5"
    weights.write_bytes(parts["model.weights.h5"])

    def rename(group: Any, owner: Any) -> None:
        if "layers" not in group:
            return
        group.move("layers", "_layer_checkpoint_dependencies")
        layers, now, then = group["_layer_checkpoint_dependencies"], {}, {}
        moves = []
        for layer in owner.layers:
            stem = to_snake_case(type(layer).__name__)
            new, before = (f"{stem}_{count[stem]}" if count.get(stem) else stem for count in (now, then))
            now[stem] = now.get(stem, 0) + 1
            then[stem] = then.get(stem, 0) + (2 if layer.weights else 1)
            if new in layers:
                if hasattr(layer, "layers"):
                    rename(layers[new], layer)
                moves.append((new, before))
        for new, before in reversed(moves):
            if new != before:
                layers.move(new, before)

    with h5py.File(weights, "r+") as file:
        rename(file, model)
    parts["model.weights.h5"] = weights.read_bytes()
    parts["metadata.json"] = json.dumps(json.loads(parts["metadata.json"]) | {"keras_version": version}).encode()
    with zipfile.ZipFile(path, "w") as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return Built(path, built.original)


@kind(".keras of TensorFlow 2.13, whose weights were counted twice", note="a file of Keras 2.13.1")
def keras_2_13(folder: Path) -> Built:
    from tf_keras import layers as k

    layers = [k.Conv2D(4, 3), k.ReLU(), k.Conv2D(4, 3), k.BatchNormalization(), k.Conv2D(4, 3), k.ReLU(), k.Flatten()]
    return old_groups(folder, old(*layers, k.Dense(5), k.Dense(2, "softmax")))


@kind(".keras of TensorFlow 2.13 with a model inside", note="a file of Keras 2.13.1")
def keras_2_13_nested(folder: Path) -> Built:
    from tf_keras import layers as k

    inner = old(k.Conv2D(4, 3), k.Conv2D(4, 3), k.BatchNormalization())
    return old_groups(folder, old(inner, k.GlobalMaxPooling2D(), k.Dense(3), k.Dense(2, "softmax")))
