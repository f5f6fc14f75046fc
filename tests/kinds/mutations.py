"""Model files spoiled at random: bytes changed, cut and moved, and configurations changed as JSON allows."""

from __future__ import annotations

import copy
import io
import json
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h5py

_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.5, -0.0, 10**6, 10**12, 2**31, 2**63, 10**30, 1e308, math.nan, math.inf, "", "x",
    "relu", "softmax", "Lambda", "Conv2D", "channels_first", "float64", "int8", "../x", "\0", "é" * 50, [], {}, [[]],
    [None], [None, 24, 36, 3], [0, 0], [10**9, 10**9], {"class_name": "Dense", "config": {}}, {"class_name": None},
)  # fmt: skip


def spoiled_bytes(data: bytes, random: Random) -> bytes:
    """Return bytes with one to three changes of any kind."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 3)):
        if not changed:
            break
        at = random.randrange(len(changed))
        length = min(random.choice((1, 2, 4, 8, 16, 64, 500)), len(changed) - at)
        change = random.randrange(7)
        if change == 0:
            changed[at] ^= 1 << random.randrange(8)
        elif change == 1:
            changed[at : at + length] = random.randbytes(length)
        elif change == 2:
            changed[at : at + length] = random.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length
        elif change == 3:
            del changed[at : at + length]
        elif change == 4:
            start = random.randrange(len(changed))
            changed[at:at] = changed[start : start + length]
        elif change == 5:
            start = random.randrange(len(changed))
            changed[at : at + length] = changed[start : start + length]
        else:
            del changed[at if random.random() < 0.3 else -length :]
    return bytes(changed)


def spoiled_config(config: Any, random: Random) -> Any:
    """Return a copy of a configuration with one to three changes: values, keys, and layers."""
    copied = json.loads(json.dumps(config))
    for _ in range(random.randint(1, 3)):
        places = list(_places(copied))
        if not places:
            break
        holder, key = random.choice(places)
        change = random.randrange(6)
        if change <= 2:
            holder[key] = _near(holder[key], random)
        elif change == 3:
            del holder[key]
        elif change == 4:
            other, name = random.choice(places)
            holder[key] = json.loads(json.dumps(other[name])) if _holds(other, name) else None
        elif isinstance(holder, list):
            holder.insert(random.randrange(len(holder) + 1), json.loads(json.dumps(holder[key])))
        else:
            holder[str(random.choice(("name", "units", "shape", "config", "dtype", "é")))] = holder[key]
    return copied


def _near(value: Any, random: Random) -> Any:
    """Return something strange, often of the same type."""
    if isinstance(value, int) and not isinstance(value, bool) and random.random() < 0.5:
        return random.choice((value + 1, -value, value * 10**6, float(value), str(value)))
    if isinstance(value, str) and random.random() < 0.3:
        return random.choice((value.upper(), value + "_v2", value[::-1], value * 40))
    return copy.deepcopy(random.choice(_STRANGE))


def _holds(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        found += _places(item)
    return found


def spoiled_zip(data: bytes, random: Random) -> bytes:
    """Return a .keras file that is spoiled in its bytes, in its weights or in its configuration."""
    where = random.random()
    if where < 0.25:
        return spoiled_bytes(data, random)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if where < 0.5:
        parts["model.weights.h5"] = spoiled_bytes(parts["model.weights.h5"], random)
    elif where < 0.55:
        parts["metadata.json"] = spoiled_bytes(parts["metadata.json"], random)
    else:
        parts["config.json"] = json.dumps(spoiled_config(json.loads(parts["config.json"]), random)).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def spoiled_hdf5(data: bytes, random: Random) -> bytes:
    """Return an HDF5 file that is spoiled in its bytes or in the configuration it holds."""
    if random.random() < 0.5:
        return spoiled_bytes(data, random)
    file = io.BytesIO(data)
    with h5py.File(file, "r+") as content:
        if "model_config" not in content.attrs:
            return spoiled_bytes(data, random)
        key = "training_config" if "training_config" in content.attrs and random.random() < 0.1 else "model_config"
        content.attrs[key] = json.dumps(spoiled_config(json.loads(content.attrs[key]), random))
    return file.getvalue()


def emptied(source: Path, target: Path) -> None:
    """Copy an HDF5 file with zeros in place of its numbers, packed: its structure is left."""

    def copy(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            into.create_dataset(name, item.shape, item.dtype, chunks=item.shape or None, compression="gzip")
        else:
            into.require_group(name)
        for key, value in item.attrs.items():
            into[name].attrs[key] = value

    with h5py.File(source) as read, h5py.File(target, "w") as into:
        into.attrs.update(read.attrs)
        read.visititems(copy)


def spoiled_metadata(data: bytes, random: Random) -> bytes:
    """Return a keras_metadata.pb that is spoiled in its bytes or in the tables it holds."""
    from tf_keras.protobuf import saved_metadata_pb2

    if random.random() < 0.5:
        return spoiled_bytes(data, random)
    described = saved_metadata_pb2.SavedMetadata()
    described.ParseFromString(data)
    node = random.choice(described.nodes)
    node.metadata = json.dumps(spoiled_config(json.loads(node.metadata), random))
    return bytes(described.SerializeToString())


def spoiled_graph(data: bytes, random: Random) -> bytes:
    """Return a saved_model.pb that is spoiled in its bytes or in the operations it holds."""
    from tensorflow.core.protobuf import saved_model_pb2

    if random.random() < 0.5:
        return spoiled_bytes(data, random)
    program = saved_model_pb2.SavedModel()
    program.ParseFromString(data)
    graph = program.meta_graphs[0]
    nodes = [node for function in graph.graph_def.library.function for node in function.node_def]
    for _ in range(random.randint(1, 3)):
        _spoil_node(random.choice([*nodes, *graph.graph_def.node]), nodes, random)
    if random.random() < 0.2:
        things = graph.object_graph_def.nodes
        things[random.randrange(len(things))].CopyFrom(random.choice(things))
    return bytes(program.SerializeToString())


def _spoil_node(node: Any, others: list[Any], random: Random) -> None:
    other = random.choice(others)
    change = random.randrange(5)
    if change == 0:
        node.op = other.op
    elif change == 1:
        del node.input[:]
        node.input.extend(other.input)
    elif change == 2:
        node.name = random.choice((other.name, "", "x" * 50))
    elif change == 3:
        node.attr.clear()
    for key in list(node.attr):
        attribute = node.attr[key]
        if change == 4 or random.random() < 0.1:
            attribute.i = random.choice((0, -1, 2**31, 2**62))


def _file(ending: str, spoil: Callable[[bytes, Random], bytes]) -> Callable[[Path, Path, Random], Path]:
    def write(seed: Path, folder: Path, random: Random) -> Path:
        target = folder / f"model{ending}"
        target.write_bytes(spoil(seed.read_bytes(), random))
        return target

    return write


def _folder(part: str, spoil: Callable[[bytes, Random], bytes]) -> Callable[[Path, Path, Random], Path]:
    def write(seed: Path, folder: Path, random: Random) -> Path:
        import shutil

        target = folder / "model"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(seed, target)
        (target / part).write_bytes(spoil((seed / part).read_bytes(), random))
        return target

    return write


# format: the kinds that are spoiled, and how
FORMATS: dict[str, tuple[tuple[str, ...], Callable[[Path, Path, Random], Path]]] = {
    "keras": (("sequential", "base_in_sequential", "attention_gates", "quantised"), _file(".keras", spoiled_zip)),
    "hdf5": (("sequential_hdf5", "functional_hdf5", "trained_focal"), _file(".h5", spoiled_hdf5)),
    "legacy": (
        ("legacy_sequential", "legacy_nested", "legacy_operations", "legacy_trained"),
        _file(".h5", spoiled_hdf5),
    ),
    "weights": (("weights_builtin", "weights_old"), _file(".h5", spoiled_bytes)),
    "saved_model": (("saved_sequential", "exported", "module"), _folder("saved_model.pb", spoiled_graph)),
    "metadata": (("saved_sequential", "saved_compiled"), _folder("keras_metadata.pb", spoiled_metadata)),
}
