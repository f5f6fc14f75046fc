"""CIFAR in its four layouts: what is read of a whole one, and what is said of a damaged one."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest

from reportgen.datasets import archives
from reportgen.datasets.pictures import StackedPictures
from reportgen.datasets.reader import read_data
from reportgen.system.errors import ReportgenError

KINDS = [(title, version) for title in ("CIFAR-10", "CIFAR-100") for version in ("python", "binary")]


def told(path):
    with pytest.raises(ReportgenError) as caught:
        read_data(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def ten(cifar):
    return cifar()


@pytest.mark.parametrize(("title", "version"), KINDS)
@pytest.mark.parametrize("form", ["tar.gz", "tar", "folder", "folder above"])
def test_whole_ones(tmp_path, cifar, title, version, form):
    made = cifar(title, version)
    if form.startswith("folder"):
        path = made.unpack(tmp_path) / (made.layout.folder if form == "folder" else "")
    else:
        # not in order, as published
        path = made.write(tmp_path / f"any.{form}", [*list(made.files)[3:], *list(made.files)[:3]])
    parts = read_data(path)
    train = 5 * 3 if title == "CIFAR-10" else 3
    assert parts.kind == f"{title}, {version} version"
    assert not parts.patients
    assert [(name, len(part)) for name, part in parts.by_name.items()] == [("train", train), ("test", 3)]
    first = 0
    for part in parts.by_name.values():
        assert isinstance(part.pictures, StackedPictures)
        classes = made.classes[0]
        assert part.class_names == tuple(f"{made.layout.keys[0][0]}{n}" for n in range(classes))
        assert part.labels.tolist() == [n % classes for n in range(first, first + len(part))]
        for number in range(len(part)):
            pixels = part.pictures.read(number).pixels
            assert pixels.shape == (32, 32, 3)
            assert pixels[0, 1].tolist() == [first + number, first + number + 1, first + number + 2]
            assert pixels[1, 0].tolist() == [200, 201, 202]
        first += len(part)
    assert parts.train.names[3 if title == "CIFAR-10" else 2] == (
        "data_batch_2, image 0" if title == "CIFAR-10" else "train, image 2"
    )
    assert parts.train.groups == parts.train.names
    if title == "CIFAR-100":
        assert parts.test.columns == {"coarse_label": ("c3", "c4", "c5")}


def test_notes(tmp_path, ten, monkeypatch):
    path = ten.write(tmp_path / "a.tar.gz")
    notes = read_data(path).notes
    assert notes[0].startswith("It is not the published archive of CIFAR-10, python version (its MD5 digest is ")
    assert notes[1] == "It has 15 and 3 images, CIFAR-10 as published 50,000 and 10,000."
    import hashlib

    digest = hashlib.md5(path.read_bytes()).hexdigest()
    assert digest in notes[0]
    object.__setattr__(ten.layout, "md5", digest)
    try:
        assert "It is the published archive of CIFAR-10" in read_data(path).notes[0]
    finally:
        object.__setattr__(ten.layout, "md5", "c58f30108f718f92721af3b95e74349a")
    assert len(read_data(ten.unpack(tmp_path)).notes) == 1


def test_python_3_wrote_the_pickles(tmp_path, cifar):
    for protocol in (2, 4, 5):
        made = cifar()
        for name in (*made.layout.train, *made.layout.test):
            content = {"data": np.full((3, 3072), 7, np.uint8), "labels": [1, 2, 3], b"filenames": ["a"] * 3}
            if protocol == 4:
                content["data"] = np.asfortranarray(content["data"])
                content["labels"] = np.array([1, 2, 3])
            made.files[name] = pickle.dumps(content, protocol)
        made.files["batches.meta"] = pickle.dumps({"label_names": list("abcdefghij")}, protocol)
        parts = read_data(made.write(tmp_path / f"{protocol}.tar.gz"))
        assert parts.train.labels.tolist() == [1, 2, 3] * 5
        assert (parts.train.pictures.pixels == 7).all()
        assert parts.train.class_names == tuple("abcdefghij")


@pytest.mark.parametrize("version", ["python", "binary"])
def test_cut_off(tmp_path, cifar, version):
    """Wherever it is cut, it's said which file it was in or after; never half the data."""
    made = cifar("CIFAR-10", version)
    rng = np.random.default_rng(1)
    for name in (*made.layout.train, *made.layout.test):
        if version == "binary":
            block = rng.integers(0, 10, (3, 3073), np.uint8)
            made.files[name] = block.tobytes()
    whole = made.write(tmp_path / "whole.tar.gz").read_bytes()
    path = tmp_path / "cut.tar.gz"
    seen = set()
    for share in np.linspace(0.02, 0.99, 40):
        path.write_bytes(whole[: int(len(whole) * share)])
        message = told(path)
        assert str(path) in message
        seen |= {name for name in made.files if name in message}
    assert {"data_batch_2", "data_batch_4"} <= {name.removesuffix(".bin") for name in seen}
    path.write_bytes(whole[:-4])
    assert "is damaged" in told(path)


def test_a_cut_plain_tar(tmp_path, cifar):
    made = cifar("CIFAR-10", "binary")
    whole = made.write(tmp_path / "whole.tar").read_bytes()
    path = tmp_path / "cut.tar"
    # three files with their headers, then one image and a half of the fourth
    size = 512 + -(-len(made.files["data_batch_1.bin"]) // 512) * 512
    path.write_bytes(whole[: 3 * size + 512 + 4600])
    message = told(path)
    assert "data_batch_4.bin is damaged" in message
    assert "between images 0 and 3" in message
    path.write_bytes(whole[: 3 * size + 100])
    assert "no data_batch_4.bin, data_batch_5.bin, test_batch.bin, batches.meta.txt" in told(path)


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path, cifar):
    made = cifar("CIFAR-10", "binary")
    buffer = io.BytesIO()
    made.write(tmp_path / "a.tar")
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=0) as packed:
        packed.write((tmp_path / "a.tar").read_bytes())
    data = bytearray(buffer.getvalue())
    data[20_000] ^= 4
    path = tmp_path / "a.tar.gz"
    path.write_bytes(data)
    message = told(path)
    assert "is damaged after" in message
    assert "CRC" in message


def binary(cifar):
    return cifar("CIFAR-10", "binary")


def test_damaged_records(tmp_path, cifar):
    made = binary(cifar)
    made.files["data_batch_3.bin"] = made.files["data_batch_3.bin"][:-10]
    assert ("data_batch_3.bin is damaged (it has 9,209 bytes, no multiple of 3,073: it ends within image 2)") in told(
        made.write(tmp_path / "a.tar.gz")
    )
    made.files["data_batch_3.bin"] = made.files["data_batch_3.bin"][: 2 * 3073]
    assert "data_batch_3.bin is damaged (it holds 2 images, data_batch_1.bin 3: all batches" in told(
        made.write(tmp_path / "b.tar.gz")
    )
    made = binary(cifar)
    spoiled = bytearray(made.files["data_batch_2.bin"])
    spoiled[2 * 3073] = 10
    made.files["data_batch_2.bin"] = bytes(spoiled)
    assert "data_batch_2, image 2, has label 10, where there are 10 classes" in told(made.write(tmp_path / "c.tar.gz"))
    made.files["data_batch_2.bin"] = b""
    assert "data_batch_2.bin is damaged (it holds no images)" in told(made.write(tmp_path / "d.tar.gz"))


@pytest.mark.parametrize(("title", "version"), KINDS)
def test_each_file_is_missed(tmp_path, cifar, title, version):
    for missing in [name for name in cifar(title, version).files if name != "readme.html"]:
        made = cifar(title, version)
        del made.files[missing]
        message = told(made.write(tmp_path / f"{missing}.tar.gz"))
        assert message.endswith(f"({title}, {version} version) holds no {missing}; download or unpack it again")
        folder = made.unpack(tmp_path / missing)
        assert f"holds no {missing}" in told(folder)


def test_damaged_pickles(tmp_path, cifar):
    good = cifar().files["data_batch_2"]
    label_count = pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [1, 2]})
    out_of_range = pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [1, 2, -1]})
    for number, (data, words) in enumerate(
        [
            (good[:5000], "in the middle of something"),
            (good[:-1], "in the middle of something"),
            (good.replace(b"U\x02u1", b"U\x02O8"), "asks for an array of type"),
            (b"\x80\x02" + b"\xff" * 50, "data_batch_2 is damaged"),
            (b"\x80\x02X\xff\xff\xff\x7fa.", "in the middle of something"),
            (b"\x80\x02\x8e" + struct.pack("<Q", 1 << 60) + b".", "data_batch_2 is damaged"),
            (b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b".", "data_batch_2 is damaged"),
            (b"\x80\x02]r\xff\xff\xff\x7f.", "it is no table"),  # Python's reader in C takes 32 GB for it
            (b"I" + b"9" * 9000 + b"\n.", "data_batch_2 is damaged"),
            (pickle.dumps([1, 2]), "it is no table"),
            (pickle.dumps({}), "its data are no bytes (N, 3072)"),
            (pickle.dumps({"data": np.zeros((3, 3071), np.uint8)}), "(N, 3072) of shape (3, 3071)"),
            (pickle.dumps({"data": np.zeros((3, 3072), np.int64)}), "its data are no bytes"),
            (label_count, "it holds 3 images and 2 labels"),
            (pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": ["a"] * 3}), "labels are no list of whole"),
            (pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [[1], 2, 3]}), "labels are no list of"),
            (pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [10**30] * 3}), "labels are no list of"),
            (out_of_range, "data_batch_2, image 2, has label -1"),
        ]
    ):
        made = cifar()
        made.files["data_batch_2"] = data
        message = told(made.write(tmp_path / f"{number}.tar.gz"))
        assert words in message, message
        assert "data_batch_2" in message
    made = cifar()
    made.files["batches.meta"] = pickle.dumps({"label_names": "abc"})
    assert "batches.meta is damaged (its label_names are no list of texts)" in told(made.write(tmp_path / "m.tar.gz"))
    made.files["batches.meta"] = pickle.dumps({"label_names": ["a"] * 10})
    assert "batches.meta names the classes a, a" in told(made.write(tmp_path / "n.tar.gz"))


def test_tars_that_mean_harm(tmp_path, ten, monkeypatch):
    def write(name, *members):
        with tarfile.open(tmp_path / name, "w:gz") as tar:
            for info, data in members:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return tmp_path / name

    def link(kind, target="/etc/passwd"):
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.type, info.linkname = kind, target
        return info, b""

    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        assert "data_batch_1 is a link, or no file at all" in told(write("link.tar.gz", link(kind)))
    # absolute and climbing paths are names like others: nothing is written
    before = sorted(tmp_path.iterdir())
    members = [
        (tarfile.TarInfo(f"{prefix}{name}"), ten.files[name])
        for prefix, name in zip(["/", "../../", "/etc/", "", "./", "a/b/", "c:/"], ten.files, strict=False)
    ]
    path = write("paths.tar.gz", *members, (tarfile.TarInfo("/etc/evil"), b"x"))
    assert len(read_data(path).train) == 15
    assert sorted(tmp_path.iterdir()) == sorted({*before, path})
    twice = [(tarfile.TarInfo("a/data_batch_1"), ten.files["data_batch_1"])] * 2
    assert "data_batch_1 is there twice" in told(write("twice.tar.gz", *twice))
    monkeypatch.setattr(archives, "MOST_BYTES", 200_000)
    assert "unpacked it has more than 200,000 bytes" in told(
        write("bomb.tar.gz", (tarfile.TarInfo("x"), bytes(10**6)), *members)
    )
    large = tarfile.TarInfo("data_batch_1")
    large.size = 300_000
    (tmp_path / "large.tar").write_bytes(large.tobuf() + bytes(512))
    assert "data_batch_1 is said to have 300,000 bytes" in told(tmp_path / "large.tar")
    monkeypatch.undo()
    assert "holds none of the files of CIFAR-10 or CIFAR-100" in told(
        write("other.tar.gz", (tarfile.TarInfo("a.txt"), b"x"))
    )


def test_the_unpacked_folder_says_what_is_damaged(tmp_path, cifar):
    made = cifar()
    made.files["data_batch_4"] = made.files["data_batch_4"][:-3]
    message = told(made.unpack(tmp_path))
    assert "cifar-10-batches-py: data_batch_4 is damaged" in message
