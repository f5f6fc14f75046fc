from __future__ import annotations

import io
import json
import stat
import struct
import zipfile

import h5py
import numpy as np
import pytest

from reportgen.models.formats.identify import check_links, examine_model
from reportgen.system.errors import ModelError

GIB = 1 << 30


def zipped(**entries: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def told(path, memory=GIB) -> str:
    with pytest.raises(ModelError) as caught:
        examine_model(path, memory=memory)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_a_file_is(written):
    for name, kind, legacy in (
        ("new.keras", "keras", False), ("new.h5", "hdf5", False),
        ("old.keras", "keras", True), ("old.h5", "hdf5", True),
    ):  # fmt: skip
        file = examine_model(written[name], memory=GIB)
        assert (file.kind, file.is_legacy) == (kind, legacy)
        assert file.config["class_name"] == "Sequential"
        assert len(file.sha256) == 64


@pytest.mark.parametrize(
    ("version", "legacy"),
    [("1.2.2", True), ("2.2.4-tf", True), ("2.15.0", True), ("3.0.0", False), ("3.15.1", False), ("20.0", False)],
)
def test_versions(written, tmp_path, version, legacy):
    path = tmp_path / "model.h5"
    path.write_bytes(written["new.h5"].read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = version
    assert examine_model(path, memory=GIB).is_legacy == legacy


@pytest.mark.parametrize("name", ["new.h5", "old.h5"])
def test_a_file_without_a_version_is_told_by_its_layers(written, tmp_path, name):
    path = tmp_path / "model.h5"
    path.write_bytes(written[name].read_bytes())
    with h5py.File(path, "r+") as file:
        del file.attrs["keras_version"]
    assert examine_model(path, memory=GIB).is_legacy == (name == "old.h5")


# --- zip files


@pytest.mark.parametrize(
    "name", ["/evil", "../evil", "a/../../evil", "a/..", "a\\b", "C:/evil", "c:evil", "\\\\host\\share"]
)
def test_names_that_lead_out(tmp_path, name):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json="{}", **{name: "x"}))
    assert "leads out of it" in told(path)


@pytest.mark.parametrize("name", ["assets/a.txt", "assets/vocabulary..txt", "a/...", "metadata.json"])
def test_names_that_do_not(tmp_path, name):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json="{}", **{name: "{}"}))
    assert examine_model(path, memory=GIB).kind == "keras"


def test_links_in_a_zip_file(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json="{}"))
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert "leads out of it" in told(path)


@pytest.mark.filterwarnings("ignore")
def test_two_files_of_one_name(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json="{}"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", '{"class_name": "Lambda"}')
    assert "two files of one name" in told(path)


def test_what_unpacks_to_more_than_memory_is_not_unpacked(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json="{}", assets=bytes(20 << 20)))
    assert path.stat().st_size < 1 << 20
    assert "20 MiB (unpacked), the limit is 8 MiB; raise it with --max-memory" in told(path, 8 << 20)


def test_a_declared_size_that_no_memory_holds(tmp_path):
    content = bytearray(zipped(config__json="{}", assets=b"x"))
    # the central directory is what counts: its last entry claims 4 GiB less one byte
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 0xFFFFFFFE)
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    assert "4.0 GiB (unpacked)" in told(path)


def test_a_configuration_that_is_too_long(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json=b" " * (65 << 20)))
    assert "config.json" in told(path)
    assert "larger than 64 MiB" in told(path)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 50_000, "nul", "", "{]", '"' + "\\ud800" * 9, "1e999999"])
def test_configurations_that_are_no_tables(tmp_path, text):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json=text))
    assert "a configuration that is no" in told(path)


def test_a_million_layers_are_not_built(tmp_path):
    path = tmp_path / "model.keras"
    layer = '{"class_name": "ReLU", "config": {}}'
    layers = ",".join([layer] * 1_000_000)
    path.write_bytes(zipped(config__json=f'{{"class_name": "Sequential", "config": {{"layers": [{layers}]}}}}'))
    assert "more than 100,000 tables" in told(path)


@pytest.mark.parametrize("text", ["5", "[]", "{", '{"keras_version": 5}', '{"keras_version": null}'])
def test_odd_metadata(tmp_path, text):
    path = tmp_path / "model.keras"
    path.write_bytes(zipped(config__json="{}", metadata__json=text))
    try:
        assert examine_model(path, memory=GIB).version == ""
    except ModelError as problem:
        assert str(path) in str(problem)


# --- HDF5 files


@pytest.fixture
def hdf5(tmp_path, written):
    path = tmp_path / "model.h5"
    path.write_bytes(written["new.h5"].read_bytes())
    return path


def test_links_to_other_files(hdf5):
    with h5py.File(hdf5, "r+") as file:
        file["model_weights/deep"] = h5py.ExternalLink("/etc/other.h5", "/")
    assert "links to another file (model_weights/deep)" in told(hdf5)


def test_data_in_other_files(hdf5, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret!!")
    with h5py.File(hdf5, "r+") as file:
        file.create_dataset("taken", (2,), "f4", external=[(str(tmp_path / "secret"), 0, 8)])
    assert "takes 'taken' from another file" in told(hdf5)


def test_data_put_together_from_other_files(hdf5):
    with h5py.File(hdf5, "r+") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (4,))
        file.create_virtual_dataset("taken", layout)
    assert "takes 'taken' from another file" in told(hdf5)


def test_data_that_is_declared_but_not_there(hdf5):
    with h5py.File(hdf5, "r+") as file:
        file.create_dataset("huge", (1 << 30, 1 << 20), "f8", chunks=(1 << 10, 1 << 10))
    assert "GiB (its weights alone), the limit is 1.0 GiB" in told(hdf5)


def test_groups_that_hold_each_other(hdf5):
    with h5py.File(hdf5, "r+") as file:
        file["again"] = file["/"]
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        file["nowhere"] = h5py.SoftLink("/none")
    assert examine_model(hdf5, memory=GIB).kind == "hdf5"


def test_the_bytes_that_data_takes_are_counted_once(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["group/one"] = np.zeros((3, 4), np.float32)
        file["group/two"] = np.zeros(5, np.int8)
        file["same"] = file["group"]
        assert check_links(file, tmp_path, GIB) == 53


@pytest.mark.parametrize("key", ["model_config", "training_config"])
@pytest.mark.parametrize("value", ["[1]", "nothing", "[" * 99_999])
def test_configurations_in_hdf5_that_are_no_tables(hdf5, key, value):
    with h5py.File(hdf5, "r+") as file:
        file.attrs.pop(key, None)
        try:
            file.attrs[key] = value
        except (ValueError, OSError, RuntimeError):
            pytest.skip("larger than an attribute may be")
    assert "a configuration that is no" in told(hdf5)


def test_weights_alone(tmp_path):
    for name, build in (
        ("old", lambda file: file.attrs.update(layer_names=[b"dense"])),
        ("new", lambda file: file.create_group("layers/dense/vars")),
    ):
        with h5py.File(tmp_path / name, "w") as file:
            build(file)
        assert examine_model(tmp_path / name, memory=GIB).kind == "weights"


# --- folders


def test_a_folder_larger_than_memory(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(2 << 20))
    assert "2 MiB (its files), the limit is 1 MiB" in told(tmp_path, 1 << 20)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "is a folder without a saved_model.pb"),
        (("saved_model.pbtxt",), "is a SavedModel in text form"),
        (("config.json", "metadata.json"), "is an unpacked .keras file"),
    ],
)
def test_folders_that_are_no_model(tmp_path, files, message):
    for name in files:
        (tmp_path / name).write_text(json.dumps({}))
    assert message in told(tmp_path)


def test_an_empty_program(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert "is empty (0 bytes)" in told(tmp_path)
