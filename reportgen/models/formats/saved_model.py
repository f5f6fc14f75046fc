"""SavedModel folders: TensorFlow programs, of which some can be seen through and others only be run.

Where Keras saved it with its own description, the Keras model is restored and looked into. Otherwise the serving
signature is run as it is: predictions and occlusion work, feature maps can't be seen.

A SavedModel is a program. One that reads or writes files, or calls Python, is refused unless it is trusted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reportgen.models.code.embedded_code import ForeignCode, find_code
from reportgen.models.formats.identify import ModelFile
from reportgen.models.formats.memory import check_layers, check_memory
from reportgen.models.formats.reasons import reason_of
from reportgen.models.keras2.connections import check_connections
from reportgen.models.keras2.reader import have_legacy_reader, load_legacy
from reportgen.system.errors import ModelError

_FLOAT = 4
LARGEST_GRAPH = 512 << 20
# operations with effects outside of the model; restoring its weights needs none of them but those of checkpoints
_EFFECTS = (
    "PyFunc", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles", "ImmutableConst", "WholeFileReader",
    "TextLineReader", "TFRecordReader", "FixedLengthRecordReader", "TextLineDataset", "TFRecordDataset",
    "FixedLengthRecordDataset", "GeneratorDataset", "SaveDataset", "LoadDataset", "SnapshotDataset",
    "DataServiceDataset", "RpcCall", "RpcClient", "RpcServer", "DebugIdentity", "DebugNumericSummary",
    "WriteSummary", "WriteGraphSummary", "SummaryWriter", "CreateSummaryFileWriter", "CreateSummaryDbWriter",
    "PrintV2", "Print", "CloudBigtable", "BigQuery", "LMDB", "Sql", "Remote", "DecodeVideo", "FFmpeg", "GcsConfigure",
)  # fmt: skip


@dataclass(frozen=True)
class SavedProgram:
    """A SavedModel: the model, whether its layers can be seen, and what of it ran only because it was trusted.

    ``unread`` is the code that would be needed to see its layers.
    """

    model: Any
    has_layers: bool
    difference: float | None = None
    trusted: tuple[str, ...] = ()
    unread: tuple[ForeignCode, ...] = ()


def load_saved_model(file: ModelFile, *, custom_objects: dict[str, Any], trust_code: bool, memory: int) -> SavedProgram:
    """Load a SavedModel folder.

    Parameters
    ----------
    file
        The folder, checked.
    custom_objects
        The user's own layers, for models that Keras saved.
    trust_code
        Whether operations with effects outside of the model, and Lambda layers, may run.
    memory
        Bytes that the model may take.

    Raises
    ------
    ModelError
        When it can't be read, has no serving signature, would act on files, or is too large.
    """
    effects = _effects(file.path)
    if effects and not trust_code:
        raise ModelError(
            f"{file.path} holds operations that act outside of the model ({', '.join(effects[:4])})",
            "if you know who made it, allow them with --trust-model-code",
        )
    tables = _described(file.path, memory)
    code = None if tables is None else find_code([_without_shapes(table) for table in tables], tuple(custom_objects))
    if code and (not trust_code or any(one.python for one in code)):
        # its program runs without the Python code: only the look inside is missing
        return SavedProgram(_through_signature(file.path), has_layers=False, unread=code)
    if tables is not None:
        if not code:
            described = {key: tables[0].get(key) for key in ("class_name", "config")}
            check_memory(replace(file, config=described, version="2.0"), memory)
            check_layers([table for table in tables if table.get("build_input_shape")], file.path, memory)
        try:
            model, difference = load_legacy(file, custom_objects=custom_objects, trust_code=trust_code)
            ran = (*effects, *(str(item) for item in code or ()))
            return SavedProgram(model, has_layers=True, difference=difference, trusted=ran)
        except ModelError:
            # its own program still runs, without a look inside
            pass
    return SavedProgram(_through_signature(file.path), has_layers=False, trusted=effects)


def _through_signature(path: Path) -> Any:
    import keras
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(path))
        signature = _signature(loaded, path)
        entries = list(signature.structured_input_signature[1].values())
        if len(entries) != 1:
            raise ModelError(f"{path} takes {len(entries)} inputs", "only models with one image input can be shown")
        kind = entries[0].dtype
        if not (kind.is_floating or kind.is_integer):
            raise ModelError(f"{path} takes {kind.name}, not an image's values", "save a model that takes an image")
        shape = entries[0].shape.as_list() if entries[0].shape.rank is not None else None
        if shape is None:
            raise ModelError(f"{path} does not say what shape it takes", "save it with a defined input")
        start = keras.Input(batch_shape=tuple(shape), dtype=kind.name)
        name = next(key for key, value in loaded.signatures.items() if value is signature)
        layer = keras.layers.TFSMLayer(str(path), call_endpoint=name, name="saved_model")
        outputs = layer(start)
    except ModelError:
        raise
    except Exception as problem:
        reason = reason_of(problem, path)
        raise ModelError(f"{path} can't be loaded by TensorFlow: {reason}", "copy or export it again") from problem
    return keras.Model(start, outputs, name="saved_model")


def _signature(loaded: Any, path: Path) -> Any:
    signatures = loaded.signatures
    if not signatures:
        raise ModelError(f"{path} has no serving signature", "export it with model.export(folder)")
    for name in ("serving_default", "serve"):
        if name in signatures:
            return signatures[name]
    return next(iter(signatures.values()))


def _effects(path: Path) -> tuple[str, ...]:
    """Return the operations of a SavedModel that act outside of it."""
    from tensorflow.core.protobuf import saved_model_pb2

    graph = path / "saved_model.pb"
    if graph.stat().st_size > LARGEST_GRAPH:
        raise ModelError(f"{graph} is larger than {LARGEST_GRAPH >> 20} MiB", "it is no model")
    program = saved_model_pb2.SavedModel()
    try:
        program.ParseFromString(graph.read_bytes())
    except Exception as problem:
        raise ModelError(f"{graph} is damaged or no SavedModel", "copy or export it again") from problem
    if not program.meta_graphs:
        raise ModelError(f"{graph} holds no model", "copy or export it again")
    nodes = [node for meta in program.meta_graphs for node in meta.graph_def.node]
    nodes += [
        node
        for meta in program.meta_graphs
        for function in meta.graph_def.library.function
        for node in function.node_def
    ]
    return tuple(sorted({node.op for node in nodes if node.op.startswith(_EFFECTS)}))


def _described(path: Path, memory: int) -> list[dict[str, Any]] | None:
    """Return Keras's own description of the model, the model first; None where there's none that can be read."""
    metadata = path / "keras_metadata.pb"
    if not metadata.is_file() or not have_legacy_reader():
        return None
    from tf_keras.protobuf import saved_metadata_pb2

    if metadata.stat().st_size > LARGEST_GRAPH:
        raise ModelError(f"{metadata} is larger than {LARGEST_GRAPH >> 20} MiB", "it is no model")
    description = saved_metadata_pb2.SavedMetadata()
    try:
        description.ParseFromString(metadata.read_bytes())
        tables = [json.loads(node.metadata) for node in description.nodes]
    except Exception as problem:
        raise ModelError(f"{metadata} is damaged", "copy or export the model again") from problem
    check_connections(tables, str(path))
    models = [table for table in tables if isinstance(table, dict) and table.get("class_name") != "__tuple__"]
    for table in models:
        _check_shape(table.get("build_input_shape"), metadata, memory)
    return models or None


def _check_shape(shape: Any, metadata: Path, memory: int) -> None:
    """Refuse the shape that a layer is to be built for where its weights could be of any size."""
    if isinstance(shape, list):
        for one in shape:
            _check_shape(one, metadata, memory)
    elif isinstance(shape, dict):
        items = shape.get("items")
        sides: list[Any] = items if isinstance(items, list) else [items]
        if _FLOAT * math.prod(side for side in sides if isinstance(side, int) and side > 0) > memory:
            raise ModelError(f"{metadata} is damaged: it has a layer of absurd size", "copy or export the model again")


def _without_shapes(table: dict[str, object]) -> dict[str, object]:
    """Return what describes the layers; the rest (shapes, signatures) names classes of its own."""
    return {key: table[key] for key in ("class_name", "config", "name", "module", "registered_name") if key in table}
