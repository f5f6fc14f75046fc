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
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportgen.models.formats.application_layers import application_layers
from reportgen.models.formats.identify import ModelFile
from reportgen.models.formats.reasons import advice_on, reason_of
from reportgen.models.formats.steady import steady_layers
from reportgen.models.keras2.connections import check_connections
from reportgen.models.keras2.custom import as_keras_2_reads_them
from reportgen.models.keras2.proof import comparable, make_others_steady, prove_equal
from reportgen.models.keras2.rebuild import Rebuild
from reportgen.models.keras2.repairs import mend_configuration
from reportgen.system.errors import ModelError
from reportgen.system.libraries import install_extra
from reportgen.system.silence import silence_loggers

_OLD_GROUPS = "_layer_checkpoint_dependencies"


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
        rebuild = Rebuild(original, custom_objects)
        model = rebuild.model()
        rebuild.give_weights()
        make_others_steady(original, rebuild.pairs)
    except ModelError as problem:
        raise ModelError(f"{file.path}: {problem.what}", problem.advice) from problem
    except Exception as problem:
        reason = reason_of(problem)
        raise ModelError(
            f"{file.path} was read, but can't be made again in Keras 3 ({reason})", "save it again with a recent Keras"
        ) from problem
    with comparable(rebuild.pairs):
        return model, prove_equal(original, model, str(file.path), alone=bool(steady_layers(model)))


def dry_legacy_model(file: ModelFile) -> Any:
    """Build a model of Keras 2 within a graph of TensorFlow, where weights take no memory: to see what it would be."""
    import tf_keras

    with silence_loggers("tensorflow"):
        return tf_keras.models.model_from_config(_config(file), custom_objects=application_layers("tf_keras"))


def dry_legacy_layer(table: dict[str, Any]) -> None:
    """Build a layer of Keras 2 in the same way, for the shape that stands beside its configuration."""
    import tf_keras
    from tf_keras.src.saving.legacy.saved_model import json_utils

    described = json_utils.decode(json.dumps(table))
    with silence_loggers("tensorflow"):
        layer = tf_keras.layers.deserialize({key: described[key] for key in ("class_name", "config")})
        layer.build(described["build_input_shape"])


def _config(file: ModelFile) -> dict[str, Any]:
    """Return the configuration as Keras 2 takes it, with the tuples and shapes that JSON has not."""
    from tf_keras.src.saving.legacy.saved_model import json_utils

    check_connections(file.config, str(file.path))
    config: dict[str, Any] = json_utils.decode(json.dumps(mend_configuration(file.config)))
    return config


def _read(file: ModelFile, custom_objects: dict[str, Any], *, trust_code: bool) -> Any:
    import tf_keras

    custom = {**application_layers("tf_keras"), **as_keras_2_reads_them(custom_objects)}
    try:
        with silence_loggers("tensorflow"):
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
        advice = "save it again with the Keras that made it, or copy it again"
        raise ModelError(
            f"{file.path} (saved by Keras {file.version or '2'}) can't be read: {reason_of(problem, file.path)}",
            advice_on(advice, given=bool(custom_objects), trusted=trust_code),
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
            copied.writestr("config.json", json.dumps(mend_configuration(file.config)))
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
