"""Files with the ending of a model that are none, and files made to harm."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .registry import Built, group, saved, stack, written

wrong, hostile = group("Wrong files"), group("Hostile files")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 13853665\n"


def zipped(entries: dict[str, bytes | str]) -> bytes:
    """Return a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def a_model(folder: Path, ending: str = ".keras") -> Path:
    """Write a small model of Keras 3."""
    from keras import layers as k

    return Path(saved(folder, stack(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")), ending).source)


def edited(folder: Path, change: Any) -> Built:
    """Write a .keras file whose configuration was changed."""
    path = a_model(folder)
    with zipfile.ZipFile(path) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config)
    return written(folder, "edited.keras", zipped(parts))


@wrong("Nothing at that path", refused="model not found")
def missing(folder: Path) -> Built:
    return Built(folder / "model.keras")


@wrong("0 bytes", refused="is empty (0 bytes), not a model")
def no_bytes(folder: Path) -> Built:
    return written(folder, "model.keras", b"")


@wrong("1 byte", refused="is a file of 1 byte")
def one_byte(folder: Path) -> Built:
    return written(folder, "model.h5", b"\x89")


@wrong("A line end alone", refused="is an empty file but for a line end")
def line_end(folder: Path) -> Built:
    return written(folder, "model.h5", "\n")


@wrong("git-lfs pointer", refused="is a git-lfs pointer (the real file was not fetched: run 'git lfs pull')")
def pointer(folder: Path) -> Built:
    return written(folder, "model.h5", POINTER)


@wrong("Web page", refused="is a web page")
def page(folder: Path) -> Built:
    return written(folder, "model.keras", "<!DOCTYPE html><html><body>Sign in</body></html>")


@wrong("Python source", refused="is Python source")
def source(folder: Path) -> Built:
    return written(folder, "model.keras", "import keras\n\nmodel = keras.Sequential()\n")


@wrong("Text", refused="is a text file")
def text(folder: Path) -> Built:
    return written(folder, "model.h5", "The model is attached.\n")


@wrong("JSON: an architecture without weights", refused="is a JSON file")
def architecture(folder: Path) -> Built:
    return written(folder, "model.h5", '{"class_name": "Sequential", "config": {}}')


@wrong("PyTorch, as a zip", refused="is a PyTorch file, not a Keras model")
def torch_zip(folder: Path) -> Built:
    return written(folder, "model.keras", zipped({"archive/data.pkl": b"\x80\x02}q\x00.", "archive/version": b"3"}))


@wrong("PyTorch, as it was saved before", refused="is a PyTorch file")
def torch_old(folder: Path) -> Built:
    return written(folder, "model.h5", pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + b"\x80\x02M\xe9\x03.")


@wrong("Python pickle", refused="is a Python pickle, which may run code when it's opened")
def pickled(folder: Path) -> Built:
    return written(folder, "model.h5", pickle.dumps({"weights": [1, 2, 3]}))


@wrong("ONNX", refused="is an ONNX model")
def onnx(folder: Path) -> Built:
    return written(folder, "model.keras", b"\x08\x07\x12\x07pytorch\x1a\x031.8:\x10\n\x00")


@wrong("TensorFlow Lite", refused="is a TensorFlow Lite model")
def lite(folder: Path) -> Built:
    return written(folder, "model.h5", b"\x1c\x00\x00\x00TFL3" + bytes(40))


@wrong("safetensors", refused="is a safetensors file")
def safetensors(folder: Path) -> Built:
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return written(folder, "model.keras", struct.pack("<Q", len(header)) + header + bytes(4))


@wrong("Image", refused="is a PNG image")
def image(folder: Path) -> Built:
    from PIL import Image

    Image.new("RGB", (4, 6)).save(folder / "image.png")
    return written(folder, "model.h5", (folder / "image.png").read_bytes())


@wrong("NumPy archive", refused="is a NumPy archive, not a Keras model")
def numpy_archive(folder: Path) -> Built:
    np.savez(folder / "weights.npz", kernel=np.zeros((2, 3)))
    return Built(folder / "weights.npz")


@wrong("gzip around a model", refused="is a gzip file (unpack it first)")
def gzipped(folder: Path) -> Built:
    import gzip

    return written(folder, "model.h5", gzip.compress(a_model(folder, ".h5").read_bytes()))


@wrong("zip without a model", refused="is a zip file without a Keras model in it")
def other_zip(folder: Path) -> Built:
    return written(folder, "model.keras", zipped({"readme.txt": "hello"}))


@wrong("zip around a model file", refused="is a zip file with a model file inside (unpack it and give that)")
def zip_around(folder: Path) -> Built:
    return written(folder, "model.zip", zipped({"models/best.h5": b"x"}))


@wrong("zip around a SavedModel", refused="is a zip file of a SavedModel (unpack it and give the folder)")
def zip_of_folder(folder: Path) -> Built:
    return written(folder, "model.zip", zipped({"model/saved_model.pb": b"x"}))


@wrong("HDF5 of data", refused="is an HDF5 file without a Keras model in it")
def other_hdf5(folder: Path) -> Built:
    with h5py.File(folder / "data.h5", "w") as file:
        file["measured"] = np.arange(6.0).reshape(2, 3)
    return Built(folder / "data.h5")


@wrong("HDF5 that was cut off", refused="is an HDF5 file that was cut off; copy or download it again")
def cut_hdf5(folder: Path) -> Built:
    content = a_model(folder, ".h5").read_bytes()
    return written(folder, "cut.h5", content[: len(content) // 2])


@wrong(".keras that was cut off", refused="is a damaged .keras file; copy or download it again")
def cut_zip(folder: Path) -> Built:
    content = a_model(folder).read_bytes()
    return written(folder, "cut.keras", content[: len(content) // 2])


@wrong(".keras without its weights", refused="can't be loaded by Keras")
def without_weights(folder: Path) -> Built:
    with zipfile.ZipFile(a_model(folder)) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in ("config.json", "metadata.json")}
    return written(folder, "bare.keras", zipped(parts))


@wrong("Weights of another network inside", refused="can't be loaded by Keras")
def other_weights(folder: Path) -> Built:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["filters"] = 9
        config["config"]["layers"][1].pop("build_config", None)

    return edited(folder, change)


@hostile(
    "zip bomb: a gigabyte of zeros",
    settings={"limits": {"memory": 64 << 20}},
    refused="(unpacked), the limit is 64 MiB; raise it with --max-memory",
)
def bomb(folder: Path) -> Built:
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("config.json", "{}")
        with archive.open("model.weights.h5", "w", force_zip64=True) as stream:
            for _ in range(1024):
                stream.write(bytes(1 << 20))
    return Built(path)


@hostile("zip whose entry is larger than it says", refused="is a damaged .keras file")
def lying_size(folder: Path) -> Built:
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(b" " * 1_000_000) + body.flush()
    name = b"config.json"
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), 2, len(name), 0) + name
    central = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(packed), 2, len(name), 0, 0, 0, 0, 0, 0
    ) + name  # fmt: skip
    start = len(local) + len(packed)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), start, 0)
    return written(folder, "model.keras", local + packed + central + end)


def _with_entry(folder: Path, name: str, *, link: bool = False) -> Built:
    path = a_model(folder)
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo(name)
        if link:
            entry.external_attr = 0o120777 << 16
        archive.writestr(entry, b"/etc/passwd")
    return Built(path)


OUT = "holds a file that leads out of it"


@hostile("zip with ../ in a name", refused=OUT)
def path_up(folder: Path) -> Built:
    return _with_entry(folder, "assets/../../evil")


@hostile("zip with an absolute name", refused=OUT)
def path_absolute(folder: Path) -> Built:
    return _with_entry(folder, "/tmp/evil")


@hostile("zip with a backslash or a drive in a name", refused=OUT)
def path_backslash(folder: Path) -> Built:
    return _with_entry(folder, "C:\\evil")


@hostile("zip with a symbolic link", refused=OUT)
def path_link(folder: Path) -> Built:
    return _with_entry(folder, "assets/link", link=True)


@hostile("zip with two files of one name", refused="holds two files of one name")
def two_of_a_name(folder: Path) -> Built:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _with_entry(folder, "config.json")


@hostile("HDF5 link to another file", refused="links to another file")
def link_outside(folder: Path) -> Built:
    path = a_model(folder, ".h5")
    with h5py.File(path, "r+") as file:
        file["stolen"] = h5py.ExternalLink("/etc/secret.h5", "/data")
    return Built(path)


@hostile("HDF5 data that lies in another file", refused="from another file")
def data_outside(folder: Path) -> Built:
    path = a_model(folder, ".h5")
    with h5py.File(path, "r+") as file:
        file.create_dataset("stolen", (4,), "f4", external=[("/etc/hostname", 0, 16)])
    return Built(path)


@hostile("HDF5 data put together from other files", refused="from another file")
def data_virtual(folder: Path) -> Built:
    path = a_model(folder, ".h5")
    with h5py.File(path, "r+") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("/etc/other.h5", "data", (4,))
        file.create_virtual_dataset("stolen", layout)
    return Built(path)


@hostile("HDF5 link inside .keras", refused="links to another file")
def link_in_zip(folder: Path) -> Built:
    with zipfile.ZipFile(a_model(folder)) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    inner = folder / "inner.h5"
    inner.write_bytes(bytes(parts["model.weights.h5"]))  # type: ignore[arg-type]
    with h5py.File(inner, "r+") as file:
        file["stolen"] = h5py.ExternalLink("/etc/secret.h5", "/data")
    parts["model.weights.h5"] = inner.read_bytes()
    return written(folder, "edited.keras", zipped(parts))


@hostile("HDF5 that declares a terabyte", refused="(its weights alone), the limit is")
def huge_dataset(folder: Path) -> Built:
    path = a_model(folder, ".h5")
    with h5py.File(path, "r+") as file:
        file.create_dataset("big", (1 << 20, 1 << 18), "f4", chunks=(1024, 1024), fillvalue=1.0)
    return Built(path)


@hostile("HDF5 soft links in a circle", maps=True)
def link_circle(folder: Path) -> Built:
    from keras import layers as k

    built = saved(folder, stack(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(2, "softmax")), ".h5")
    with h5py.File(built.source, "r+") as file:
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
        file["round"] = file["/"]
    return built


def _units(count: float) -> Any:
    def change(config: dict[str, Any]) -> None:
        for layer in config["config"]["layers"]:
            layer.pop("build_config", None)
        config["config"]["layers"][-1]["config"]["units"] = count

    return change


@hostile("A layer of 10^12 units", refused="(its weights alone), the limit is")
def absurd_units(folder: Path) -> Built:
    return edited(folder, _units(10**12))


@hostile("An input of a million pixels a side", refused="weights and feature maps of one image")
def absurd_input(folder: Path) -> Built:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, 10**6, 10**6, 3]
        for layer in config["config"]["layers"]:
            layer.pop("build_config", None)

    return edited(folder, change)


@hostile(
    "Enlarged again and again: 24 x 36 to 24 million x 36 million", refused="weights and feature maps of one image"
)
def enlarging(folder: Path) -> Built:
    def change(config: dict[str, Any]) -> None:
        layers = config["config"]["layers"]
        for number in range(6):
            layers.insert(1, {
                "module": "keras.layers", "class_name": "UpSampling2D", "registered_name": None,
                "config": {"name": f"larger_{number}", "size": [10, 10]},
            })  # fmt: skip

    return edited(folder, change)


@hostile("A configuration nested 100,000 deep", refused="has a configuration that is no JSON")
def nested_json(folder: Path) -> Built:
    return written(folder, "model.keras", zipped({"config.json": "[" * 100_000 + "]" * 100_000}))


@hostile("A configuration nested 900 deep", refused="that Keras does not have")
def nested_config(folder: Path) -> Built:
    around = '{"class_name": "Sequential", "config": {"layers": [', "]}}"
    inmost = '{"class_name": "Nothing", "config": {"name": "inmost"}}'
    return written(folder, "model.keras", zipped({"config.json": around[0] * 300 + inmost + around[1] * 300}))
