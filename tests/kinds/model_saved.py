"""SavedModel folders: of Keras 2, of Keras 3, and of TensorFlow alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .model_legacy import old
from .registry import HEIGHT, SHAPE, WIDTH, Array, Built, calling, group, saved, stack, stirred

kind = group("SavedModel folders")
OUTSIDE = "only the outside of the model can be seen"


def _layers() -> list[Any]:
    from tf_keras import layers as k

    return [
        k.Conv2D(4, 3, activation="relu"),
        k.BatchNormalization(),
        k.GlobalAveragePooling2D(),
        k.Dense(2, "softmax"),
    ]


def _kept(folder: Path, model: Any, high: float = 1.0) -> Built:
    model.save(folder / "model", save_format="tf")
    return Built(folder / "model", calling(model), high=high)


@kind("Saved by Keras 2, Sequential", note="The model was made again in Keras 3 from the SavedModel")
def saved_sequential(folder: Path) -> Built:
    return _kept(folder, stirred(old(*_layers())))


@kind("Saved by Keras 2, functional with operations on tensors", note="from the SavedModel")
def saved_functional(folder: Path) -> Built:
    import tf_keras

    entry = tf_keras.layers.Input(SHAPE)
    tensor = entry / 127.5 - 1.0
    for layer in _layers():
        tensor = layer(tensor)
    return _kept(folder, stirred(tf_keras.Model(entry, tensor)), 255)


@kind("Saved by Keras 2, trained and compiled", note="from the SavedModel")
def saved_compiled(folder: Path) -> Built:
    model = old(*_layers())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((2, *SHAPE)), np.array([0, 1]), verbose=0)
    return _kept(folder, stirred(model))


@kind("Saved by Keras 2, a class of its own", maps=False, note=OUTSIDE)
def saved_subclassed(folder: Path) -> Built:
    import tf_keras

    class Own(tf_keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body = tf_keras.Sequential(_layers())

        def call(self, images: Any) -> Any:
            return self.body(images)

    model = Own()
    model(np.zeros((1, *SHAPE), np.float32))
    return _kept(folder, model)


@kind("Saved by Keras 2 with a Lambda layer: its own graph is run, not the Python code", maps=False, note=OUTSIDE)
def saved_lambda(folder: Path) -> Built:
    from tf_keras import layers as k

    return _kept(folder, old(k.Lambda(lambda images: images * 2), *_layers()))


@kind("Exported by Keras 3", maps=False, note=OUTSIDE)
def exported(folder: Path) -> Built:
    from keras import layers as k

    model = stirred(stack(k.Conv2D(4, 3), k.BatchNormalization(), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")))
    model.export(folder / "model", verbose=False)
    return Built(folder / "model", calling(model))


@kind(
    "Exported by Keras 3 with any size", maps=False, note=OUTSIDE, settings={"model": {"input_size": [HEIGHT, WIDTH]}}
)
def exported_open(folder: Path) -> Built:
    from keras import layers as k

    model = stirred(stack(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(1, "sigmoid"), shape=(None, None, 3)))
    model.export(folder / "model", verbose=False)
    return Built(folder / "model", calling(model))


WRAPPED = "which lies outside of the model file"


def _wrapped(folder: Path, *, name: str = "model.keras") -> Built:
    """Save a model that runs an exported one as its only layer."""
    import keras
    from keras import layers as k

    made = exported(folder)
    inside = k.TFSMLayer(str(made.source), call_endpoint="serving_default", name="inside")
    keras.Sequential([k.Input(SHAPE), inside]).save(folder / name)
    return Built(folder / name, made.original)


@kind(
    "Wrapped in a .keras file (TFSMLayer), trusted", maps=False, note=WRAPPED, settings={"model": {"trust_code": True}}
)
def program_wrapped(folder: Path) -> Built:
    return _wrapped(folder)


@kind("Wrapped in an HDF5 file, trusted", maps=False, note=WRAPPED, settings={"model": {"trust_code": True}})
def program_wrapped_hdf5(folder: Path) -> Built:
    return _wrapped(folder, name="wrapping.h5")


@kind("Wrapped in a .keras file, not trusted", refused="which is not run unless you trust it; give that folder itself")
def program_wrapped_not_trusted(folder: Path) -> Built:
    return _wrapped(folder)


@kind("Wrapped in a .keras file, but not there", refused="which isn't there; copy that folder beside the model file",
      settings={"model": {"trust_code": True}})  # fmt: skip
def program_wrapped_missing(folder: Path) -> Built:
    import shutil

    made = _wrapped(folder)
    shutil.rmtree(folder / "model")
    return made


@kind("A layer of TensorFlow Hub", refused="(KerasLayer); it is a layer of TensorFlow Hub: where the model was made, "
      "save it with tf.saved_model.save(model, 'folder') and give that folder")  # fmt: skip
def hub(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    class KerasLayer(k.Layer):
        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "handle": "https://example.org/features/1"}

    layers = [k.Input(SHAPE), KerasLayer(name="features"), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")]
    return saved(folder, tf_keras.Sequential(layers), ".h5")


def program(folder: Path, run: Callable[[Any], Any], signature: Any = None, *, names: tuple[str, ...] = ()) -> Built:
    """Save a function as a program of TensorFlow."""
    import tensorflow as tf

    module = tf.Module()
    kernel = np.random.default_rng(1).normal(0, 0.5, (3, 3, 3, 4)).astype(np.float32)
    module.kernel = tf.Variable(kernel)
    signature = signature or tf.TensorSpec((None, *SHAPE), tf.float32, name="images")
    module.run = tf.function(lambda images: run((images, module.kernel)), input_signature=[signature])
    tf.saved_model.save(module, str(folder / "model"), signatures=dict.fromkeys(names, module.run) or module.run)
    return Built(folder / "model", lambda images: np.asarray(next(iter(_flat(module.run(images)))), np.float64))


def _flat(outputs: Any) -> list[Any]:
    import tensorflow as tf

    return list(tf.nest.flatten(outputs))


def _convolved(given: Any) -> Any:
    import tensorflow as tf

    images, kernel = given
    return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(tf.cast(images, tf.float32), kernel, 1, "VALID")), axis=(1, 2))


@kind("Of TensorFlow alone", maps=False, note=OUTSIDE)
def module(folder: Path) -> Built:
    return program(folder, _convolved)


@kind("Of TensorFlow alone, signatures with names of their own", maps=False, note=OUTSIDE)
def module_with_signatures(folder: Path) -> Built:
    return program(folder, lambda given: {"scores": _convolved(given)}, names=("classify", "serving_default"))


@kind("Of TensorFlow alone, whole numbers as input", maps=False, note=OUTSIDE)
def module_of_bytes(folder: Path) -> Built:
    import tensorflow as tf

    made = program(folder, _convolved, tf.TensorSpec((None, *SHAPE), tf.uint8, name="images"))
    original: Callable[[Array], Any] = made.original or calling(None)
    return Built(made.source, lambda images: original(images.astype("uint8")), high=255)


@kind(
    "Of TensorFlow alone, several outputs, one chosen", maps=False, note="Output 'a' of 2",
    settings={"model": {"output": "a"}},
)  # fmt: skip
def module_with_outputs(folder: Path) -> Built:
    return program(folder, lambda given: {"a": _convolved(given), "b": _convolved(given)[:, :1]})


@kind("Of TensorFlow alone, takes text", refused="takes string, not an image's values")
def module_of_text(folder: Path) -> Built:
    import tensorflow as tf

    def run(given: Any) -> Any:
        return tf.strings.to_number(given[0])

    return program(folder, run, tf.TensorSpec((None,), tf.string, name="encoded"))


@kind("Of TensorFlow alone, of unknown shape", refused="does not say what shape it takes")
def module_of_any_shape(folder: Path) -> Built:
    import tensorflow as tf

    return program(folder, lambda given: given[0], tf.TensorSpec(None, tf.float32, name="images"))


@kind("Of TensorFlow alone, two inputs", refused="takes 2 inputs; only models with one image input can be shown")
def module_with_inputs(folder: Path) -> Built:
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec((None, *SHAPE), tf.float32)
    module.run = tf.function(lambda a, b: tf.reduce_mean(a - b, axis=(1, 2)), input_signature=[spec, spec])
    tf.saved_model.save(module, str(folder / "model"), signatures=module.run)
    return Built(folder / "model")


@kind("Without a signature", refused="has no serving signature; export it with model.export(folder)")
def module_without_signature(folder: Path) -> Built:
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(folder / "model"))
    return Built(folder / "model")


def _reading(given: Any) -> Any:
    import tensorflow as tf

    with tf.control_dependencies([tf.io.matching_files("/nowhere/*")]):
        return tf.identity(_convolved(given))


@kind("Reads files while it runs", refused="holds operations that act outside of the model (MatchingFiles)")
def module_reading(folder: Path) -> Built:
    return program(folder, _reading)


@kind(
    "Reads files while it runs, trusted", maps=False, settings={"model": {"trust_code": True}},
    note="Code that came with the model was run: MatchingFiles",
)  # fmt: skip
def module_reading_trusted(folder: Path) -> Built:
    return program(folder, _reading)


@kind("Calls Python", refused="holds operations that act outside of the model (EagerPyFunc)")
def module_calling(folder: Path) -> Built:
    import tensorflow as tf

    def run(given: Any) -> Any:
        scores = tf.py_function(lambda images: images[:, 0, 0, :], [given[0]], tf.float32)
        return tf.ensure_shape(scores, (None, 3))

    return program(folder, run)


@kind("saved_model.pb instead of its folder", refused="give the folder that it lies in")
def inner_file(folder: Path) -> Built:
    made = program(folder, _convolved)
    return Built(Path(made.source) / "saved_model.pb")


@kind("Without its variables", refused="can't be loaded by TensorFlow")
def without_variables(folder: Path) -> Built:
    import shutil

    made = program(folder, _convolved)
    shutil.rmtree(Path(made.source) / "variables")
    return Built(made.source)


@kind("A damaged saved_model.pb", refused="is damaged or no SavedModel")
def damaged_graph(folder: Path) -> Built:
    (folder / "model").mkdir()
    (folder / "model" / "saved_model.pb").write_bytes(b"\xff\x00graph")
    return Built(folder / "model")


@kind("A folder without a model", refused="is a folder without a saved_model.pb, not a model")
def empty_folder(folder: Path) -> Built:
    (folder / "model").mkdir()
    return Built(folder / "model")


@kind("An unpacked .keras file", refused="is an unpacked .keras file; zip its content again as model.keras")
def unpacked(folder: Path) -> Built:
    (folder / "model").mkdir()
    for name in ("config.json", "metadata.json"):
        (folder / "model" / name).write_text("{}")
    return Built(folder / "model")
