"""Models saved by Keras 2, read by its own reader and made again in Keras 3.

Keras 3 refuses many of them, and reads some wrongly. ``tf_keras``, the optional extra ``legacy``, is Keras 2 itself: it
reads the file; then every layer is made again in Keras 3 from its own attributes, the layers are connected the same way
and given the same weights. That the two models are the same is not believed but tried: both must give the same
outputs for random inputs, or loading fails.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ModelError
from reportgen.inputs.model_formats.application_layers import application_layers
from reportgen.inputs.model_formats.kinds import ModelFile
from reportgen.inputs.model_formats.legacy_connections import check_connections
from reportgen.inputs.model_formats.legacy_layers import converted_layer, give_weights, safe_name
from reportgen.inputs.model_formats.legacy_mending import mended
from reportgen.inputs.model_formats.legacy_operations import converted_operation
from reportgen.inputs.model_formats.legacy_own import as_keras_2_reads_them
from reportgen.system import install_extra

AGREEMENT = 1e-5
_OLD_GROUPS = "_layer_checkpoint_dependencies"
_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_FREE_SIDE = 64  # tried where a model leaves its input size open


def have_legacy_reader() -> bool:
    """Return whether tf_keras is installed."""
    import importlib.util

    return importlib.util.find_spec("tf_keras") is not None


def load_legacy(file: ModelFile, *, custom_objects: dict[str, Any], trust_code: bool) -> tuple[Any, float]:
    """Read a model of Keras 2 and make it again in Keras 3.

    Parameters
    ----------
    file
        HDF5, ``.keras`` or SavedModel, checked.
    custom_objects
        The user's own layers and functions.
    trust_code
        Whether Lambda layers may run.

    Returns
    -------
    tuple
        The Keras 3 model, and the largest difference between its outputs and the original's.

    Raises
    ------
    ModelError
        When tf_keras is missing, the file can't be read, a layer has no counterpart, or the outputs differ.
    """
    if not have_legacy_reader():
        raise ModelError(
            f"{file.path} was saved by Keras {file.version or '2'}, for which a reader is missing",
            f"install it with {install_extra('legacy')}",
        )
    original = _read(file, custom_objects, trust_code=trust_code)
    try:
        rebuild = _Rebuild(custom_objects)
        model = rebuild.model(original)
        rebuild.give_weights()
    except ModelError as problem:
        raise ModelError(f"{file.path}: {problem.what}", problem.advice) from problem
    except Exception as problem:
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200]
        raise ModelError(
            f"{file.path} was read, but can't be made again in Keras 3 ({reason})", "save it again with a recent Keras"
        ) from problem
    return model, prove_equal(original, model, str(file.path))


def dry_legacy_model(file: ModelFile) -> Any:
    """Build a model of Keras 2 within a graph of TensorFlow, where weights take no memory: to see what it would be."""
    import tf_keras

    with _quiet():
        return tf_keras.models.model_from_config(_config(file), custom_objects=application_layers("tf_keras"))


def dry_legacy_layer(table: dict[str, Any]) -> None:
    """Build a layer of Keras 2 in the same way, for the shape that stands beside its configuration."""
    import tf_keras
    from tf_keras.src.saving.legacy.saved_model import json_utils

    described = json_utils.decode(json.dumps(table))
    with _quiet():
        layer = tf_keras.layers.deserialize({key: described[key] for key in ("class_name", "config")})
        layer.build(described["build_input_shape"])


def _config(file: ModelFile) -> dict[str, Any]:
    """Return the configuration as Keras 2 takes it, with the tuples and shapes that JSON has not."""
    from tf_keras.src.saving.legacy.saved_model import json_utils

    check_connections(file.config, str(file.path))
    config: dict[str, Any] = json_utils.decode(json.dumps(mended(file.config)))
    return config


def prove_equal(original: Any, rebuilt: Any, name: str) -> float:
    """Compare the outputs of two models on random inputs of several ranges.

    Parameters
    ----------
    original, rebuilt
        Callables on ``(N, ...)`` arrays; ``original.inputs`` tells the shapes.
    name
        For the message.

    Returns
    -------
    float
        The largest difference, relative to the outputs where they're above 1.

    Raises
    ------
    ModelError
        When it's above 1e-5.
    """
    try:
        largest = max(_difference_between(original, rebuilt, *limits) for limits in _RANGES)
    except Exception as problem:
        # a damaged configuration can describe layers that fit together until they are run
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200]
        raise ModelError(
            f"{name} was made again in Keras 3, but can't be run ({reason})", "save it again with a recent Keras"
        ) from problem
    if not largest <= AGREEMENT:
        raise ModelError(
            f"{name} was made again in Keras 3, but gives other outputs (they differ by {largest:.2g})",
            "save it again with a recent Keras",
        )
    return largest


def _difference_between(original: Any, rebuilt: Any, low: float, high: float) -> float:
    random = np.random.default_rng(0)
    inputs = [
        random.uniform(low, high, _trial_shape(tuple(entry.shape))).astype(np.float32) for entry in original.inputs
    ]
    given = inputs[0] if len(inputs) == 1 else inputs
    pairs = zip(_arrays(original(given, training=False)), _arrays(rebuilt(given, training=False)), strict=True)
    return max(_difference(*pair) for pair in pairs)


def _trial_shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return (2, *(side or (_FREE_SIDE if at < len(shape) - 2 else 3) for at, side in enumerate(shape[1:])))


def _arrays(outputs: Any) -> list[NDArray[np.float64]]:
    import tensorflow as tf

    return [np.asarray(output, np.float64) for output in tf.nest.flatten(outputs)]


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if one.shape != other.shape or not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return float("inf")
    finite = np.isfinite(one)
    scale = np.maximum(1, np.abs(one[finite]).max(initial=0))
    return float(np.abs(one[finite] - other[finite]).max(initial=0) / scale)


def _read(file: ModelFile, custom_objects: dict[str, Any], *, trust_code: bool) -> Any:
    import tf_keras

    custom = {**application_layers("tf_keras"), **as_keras_2_reads_them(custom_objects)}
    try:
        with _quiet():
            if file.kind == "saved_model":
                return tf_keras.models.load_model(str(file.path), custom_objects=custom, compile=False)
            if file.kind == "hdf5":
                with tf_keras.src.saving.serialization_lib.SafeModeScope(safe_mode=not trust_code):
                    return _read_hdf5(file, custom)
            with _readable(file) as path:
                return tf_keras.models.load_model(path, custom_objects=custom, compile=False, safe_mode=not trust_code)
    except ModelError:
        raise
    except Exception as problem:
        # the reader meets damaged or foreign files with every kind of exception
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200]
        raise ModelError(
            f"{file.path} (saved by Keras {file.version or '2'}) can't be read: {reason}",
            "save it again with the Keras that made it, or copy it again",
        ) from problem


def _read_hdf5(file: ModelFile, custom_objects: dict[str, Any]) -> Any:
    """Make the model from its mended configuration, and read the weights beside it in the file."""
    import tf_keras

    model = tf_keras.models.model_from_config(_config(file), custom_objects=custom_objects)
    with tempfile.TemporaryDirectory() as folder:
        # Keras goes by the ending
        link = Path(folder) / "model.h5"
        link.symlink_to(file.path.absolute())
        model.load_weights(str(link))
    return model


@contextmanager
def _readable(file: ModelFile) -> Iterator[str]:
    """Give the path of a .keras file that tf_keras reads: mended, and with groups named as of TensorFlow 2.14."""
    import h5py
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        weights, target = Path(folder) / "model.weights.h5", Path(folder) / "model.keras"
        with zipfile.ZipFile(file.path) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copied:
            with archive.open(weights.name) as source, weights.open("wb") as unpacked:
                shutil.copyfileobj(source, unpacked)
            with h5py.File(weights, "r+") as content:
                if _OLD_GROUPS in content:
                    with tf.Graph().as_default():
                        _rename_groups(content, dry_legacy_model(file))
            check_connections(file.config, str(file.path))
            copied.writestr("config.json", json.dumps(mended(file.config)))
            copied.writestr("metadata.json", archive.read("metadata.json"))
            copied.write(weights, weights.name)
        yield str(target)


def _rename_groups(group: Any, model: Any) -> None:
    """Rename the groups of TensorFlow 2.12 and 2.13, which counted layers with weights twice."""
    from tf_keras.src.utils.generic_utils import to_snake_case

    if _OLD_GROUPS not in group:
        return
    group.move(_OLD_GROUPS, "layers")
    layers, counted, expected = group["layers"], Counter[str](), Counter[str]()
    for layer in model.layers:
        stem = to_snake_case(type(layer).__name__)
        old, new = (f"{stem}_{count[stem]}" if count[stem] else stem for count in (counted, expected))
        counted[stem] += 2 if layer.weights else 1
        expected[stem] += 1
        if old in layers:
            if hasattr(layer, "layers"):
                _rename_groups(layers[old], layer)
            if old != new:
                layers.move(old, new)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's advice about old formats from the user, who can't act on it."""
    import logging

    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class _Rebuild:
    """Makes layers again, each once however often it's called."""

    def __init__(self, custom_objects: dict[str, Any]) -> None:
        self.custom_objects = custom_objects
        self.layers: dict[int, Any] = {}
        self.pairs: list[tuple[Any, Any]] = []

    def model(self, original: Any) -> Any:
        """Return a Sequential or functional model of Keras 2 in Keras 3."""
        import keras
        import tf_keras

        if isinstance(original, tf_keras.Sequential) and original.inputs:
            # an input that was left out of the list is in the model all the same
            entry = original.inputs[0]
            inner = [layer for layer in original.layers if not isinstance(layer, tf_keras.layers.InputLayer)]
            start = keras.Input(batch_shape=tuple(entry.shape), dtype=entry.dtype.name)
            return keras.Sequential([start, *(self._layer(layer) for layer in inner)], name=safe_name(original.name))
        if not hasattr(original, "_nodes_by_depth"):
            raise ModelError(
                f"'{original.name}' is a {type(original).__name__}, whose layers can't be read",
                "save it as a Sequential or functional model",
            )
        return self._functional(original)

    def give_weights(self) -> None:
        """Copy the weights, once all layers are built."""
        for original, made in self.pairs:
            give_weights(original, made)

    def _functional(self, original: Any) -> Any:
        import keras
        import tensorflow as tf

        tensors: dict[int, Any] = {}
        inputs = []
        for entry, layer in zip(original.inputs, original._input_layers, strict=True):
            made = keras.Input(batch_shape=tuple(entry.shape), dtype=entry.dtype.name, name=safe_name(layer.name))
            tensors[id(entry)] = made
            inputs.append(made)
        for depth in sorted(original._nodes_by_depth, reverse=True):
            for node in original._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                args, kwargs = tf.nest.map_structure(
                    lambda value: tensors.get(id(value), value), (node.call_args, node.call_kwargs)
                )
                outputs = self._call(node.layer, args, kwargs)
                for old, new in zip(tf.nest.flatten(node.outputs), keras.tree.flatten(outputs), strict=True):
                    tensors[id(old)] = new
        ends = tf.nest.map_structure(lambda tensor: tensors[id(tensor)], original.outputs)
        return keras.Model(
            inputs if len(inputs) > 1 else inputs[0], ends if len(ends) > 1 else ends[0], name=safe_name(original.name)
        )

    def _call(self, layer: Any, args: Sequence[Any], options: dict[str, Any]) -> Any:
        operation = converted_operation(layer)
        if operation is not None:
            return operation(*args, **{key: value for key, value in options.items() if key != "name"})
        kept = {key: value for key, value in options.items() if value is not None and key not in ("name", "mask")}
        return self._layer(layer)(*args, **kept)

    def _layer(self, original: Any) -> Any:
        """Return the counterpart of a layer, made at its first use and given its weights when it is built."""
        if id(original) not in self.layers:
            import tf_keras

            if isinstance(original, tf_keras.Model):
                self.layers[id(original)] = self.model(original)
            else:
                self.layers[id(original)] = converted_layer(original, self.custom_objects)
                self.pairs.append((original, self.layers[id(original)]))
        return self.layers[id(original)]
