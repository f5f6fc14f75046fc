"""How much memory a model would take, estimated before any of it is built."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reportgen.models.formats.application_layers import application_layers
from reportgen.models.formats.identify import ModelFile, too_much
from reportgen.models.formats.layer_names import with_plain_names
from reportgen.models.keras2.hdf5_operations import has_operations, item_operation, with_modules
from reportgen.models.keras2.reader import dry_legacy_layer, dry_legacy_model, have_legacy_reader
from reportgen.models.keras_internals import calls_of

_FLOAT = 4


def machine_memory() -> int:
    """Return the memory of this machine in bytes; 8 GiB where it can't be told."""
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30


def check_memory(file: ModelFile, memory: int) -> None:
    """Refuse a model whose weights and feature maps of one image take more than memory.

    The model is laid out without memory for its weights (in a TensorFlow graph that is never run), which gives exact
    shapes whatever the configuration says.

    Parameters
    ----------
    file
        With a configuration that needs no foreign code.
    memory
        Bytes.

    Raises
    ------
    ModelError
        Telling how much it would need.
    """
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        try:
            weights, largest = _bytes_of(_dry_model(replace(file, config=with_plain_names(file.config))))
        except MemoryError:
            raise too_much(file.path, "estimated", 1 << 62, memory) from None
        except Exception:  # noqa: BLE001 - what can't be laid out can't be built either; the reader then says why,
            # but builds what stands before the fault
            weights, largest = _bytes_of_variables(graph), 0
    _refuse(file.path, weights, largest, memory)


def check_layers(tables: Sequence[dict[str, Any]], path: Path, memory: int) -> None:
    """Refuse layers whose weights together take more than memory, each described by itself as in a SavedModel.

    Parameters
    ----------
    tables
        ``class_name``, ``config`` and ``build_input_shape`` of each, of Keras 2; what is none of its layers is left to
        the reader.
    path
        For the message.
    memory
        Bytes.

    Raises
    ------
    ModelError
        Telling how much they would need.
    """
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        for table in tables:
            with contextlib.suppress(Exception):
                dry_legacy_layer(table)
        weights = _bytes_of_variables(graph)
    _refuse(path, weights, 0, memory)


def check_model(model: Any, path: Path, memory: int) -> None:
    """Refuse a model whose weights and feature maps of one image take more than memory, once it is built.

    Raises
    ------
    ModelError
        Telling how much it would need.
    """
    _refuse(path, *_bytes_of(model), memory)


def _refuse(path: Path, weights: int, largest: int, memory: int) -> None:
    if weights > memory:
        raise too_much(path, "its weights alone", weights, memory)
    if weights + largest > memory:
        raise too_much(path, "weights and feature maps of one image", weights + largest, memory)


def _bytes_of_variables(graph: Any) -> int:
    shapes = [one.get_attr("shape").dim for one in graph.get_operations() if one.type == "VarHandleOp"]
    return sum(math.prod(max(0, side.size) for side in shape) * _FLOAT for shape in shapes)


def _bytes_of(dry: Any) -> tuple[int, int]:
    """Return what a model's weights take, and the two largest of its feature maps."""
    weights = sum(_count(weight.shape) for weight in dry.weights) * _FLOAT
    maps = sorted((_count(shape) * _FLOAT for shape in _output_shapes(dry)), reverse=True)
    return weights, sum(maps[:2])


def _dry_model(file: ModelFile) -> Any:
    if file.is_legacy and have_legacy_reader():
        return dry_legacy_model(file)
    import keras

    config = {key: value for key, value in copy.deepcopy(file.config).items() if key != "compile_config"}
    if file.kind == "hdf5" and has_operations(config):
        return keras.saving.deserialize_keras_object(with_modules(config), custom_objects=item_operation())
    try:
        return keras.saving.deserialize_keras_object(config)
    except Exception:  # HDF5 files may be configured in older ways
        if file.kind != "hdf5":
            raise
        return _read_without_weights(file)


def _read_without_weights(file: ModelFile) -> Any:
    """Let Keras read a file that holds the configuration alone: it lays everything out, then misses the weights."""
    import h5py
    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        with h5py.File(path, "w") as content:
            content.attrs["model_config"] = json.dumps(file.config)
        return keras.saving.load_model(str(path), custom_objects=application_layers(), compile=False)


def _output_shapes(model: Any) -> list[tuple[int | None, ...]]:
    """Return the shapes of what all layers put out, also those of models inside."""
    import tensorflow as tf

    shapes: list[tuple[int | None, ...]] = []
    for layer in getattr(model, "layers", ()):
        shapes += _output_shapes(layer)
        for node in calls_of(layer):
            tensors = getattr(node, "output_tensors", None)
            shapes += [tuple(one.shape) for one in tf.nest.flatten(node.outputs if tensors is None else tensors)]
    return shapes


def _count(shape: Any) -> int:
    return math.prod(int(side) for side in shape if side is not None)
