"""MNIST's files: names, classes, and what is said of damaged ones."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest

from reportgen.datasets import idx
from reportgen.datasets.reader import read_data
from reportgen.system.errors import ReportgenError

HEIGHT, WIDTH = 6, 9


def packed(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def write(folder, *, dot=False, gz=True, train=4, test=2):
    folder.mkdir(parents=True, exist_ok=True)
    for part, count, first in (("train", train, 0), ("t10k", test, 100)):
        pixels = np.arange(count * HEIGHT * WIDTH).reshape(count, HEIGHT, WIDTH) % 100 + first
        for what, array in (("images", pixels), ("labels", np.arange(count) + first // 20)):
            name = f"{part}-{what}{'.' if dot else '-'}idx{array.ndim}-ubyte" + ".gz" * gz
            data = packed(array)
            (folder / name).write_bytes(gzip.compress(data, mtime=0) if gz else data)
    return folder


def told(path):
    with pytest.raises(ReportgenError) as caught:
        read_data(path)
    return str(caught.value)


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("one", [False, True])
def test_whole_ones(tmp_path, dot, gz, one):
    path = write(tmp_path / "mnist", dot=dot, gz=gz)
    if one:
        path = sorted(path.iterdir())[1]
    parts = read_data(path)
    assert parts.kind == "MNIST, IDX files"
    assert not parts.patients
    assert parts.train.class_names == tuple("0123456789")
    assert parts.train.labels.tolist() == [0, 1, 2, 3]
    assert parts.test.labels.tolist() == [5, 6]
    assert parts.train.names[2] == "train, image 2"
    pixels = parts.test.pictures.read(1).pixels
    assert pixels.shape == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(pixels, np.arange(54, 108).reshape(HEIGHT, WIDTH) % 100 + 100)


def test_fashion_by_its_folder_or_digest(tmp_path, monkeypatch):
    parts = read_data(write(tmp_path / "FashionMNIST" / "raw"))
    assert parts.kind == "Fashion-MNIST, IDX files"
    assert parts.train.class_names[9] == "Ankle boot"
    assert parts.notes == (
        "Not the published files of Fashion-MNIST (packed by gzip) by their MD5 digests: test images, test labels, "
        "train images, train labels.",
    )
    folder = write(tmp_path / "data")
    digests = {name: hashlib.md5(path.read_bytes()).hexdigest() for name, path in idx.find_files(folder).items()}
    monkeypatch.setitem(idx._PUBLISHED, "Fashion-MNIST", digests)
    parts = read_data(folder)
    assert parts.kind == "Fashion-MNIST, IDX files"
    assert parts.notes == ("These are the published files of Fashion-MNIST, by their MD5 digests.",)


def test_one_part_is_enough(tmp_path):
    folder = write(tmp_path / "a")
    for path in folder.glob("train*"):
        path.unlink()
    assert list(read_data(folder).by_name) == ["test"]
    next(folder.glob("t10k-labels*")).unlink()
    assert "holds no file of test labels" in told(folder)


def test_damage_names_the_file(tmp_path):
    def spoiled(name, change, **how):
        folder = write(tmp_path / str(len(list(tmp_path.iterdir()))), **how)
        path = folder / name
        path.write_bytes(change(path.read_bytes()))
        return told(folder)

    images, labels = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
    message = spoiled(images, lambda data: data[:-1], gz=False)
    assert f"{images} is damaged (its header says 4 x 6 x 9, and 215 bytes follow)" in message
    assert "and 217 bytes follow" in spoiled(images, lambda data: data + b"x", gz=False)
    assert "t10k-labels-idx1-ubyte.gz is damaged (Compressed file ended" in spoiled(
        f"{labels}.gz", lambda data: data[:-9]
    )
    assert "t10k-labels-idx1-ubyte.gz is damaged" in spoiled(f"{labels}.gz", lambda data: data[:-5] + b"12345")
    assert "t10k-labels-idx1-ubyte is damaged (it doesn't begin as" in spoiled(labels, lambda data: b"x" * 9, gz=False)
    assert "is damaged (it ends within its header)" in spoiled(labels, lambda data: data[:6], gz=False)
    assert "image 1 has label 255, where there are 10 classes" in spoiled(
        labels, lambda data: data[:-1] + b"\xff", gz=False
    )
    one_less = packed(np.array([1]))
    assert f"t10k-images-idx3-ubyte holds 2 images and {labels} 1 labels" in spoiled(
        labels, lambda _: one_less, gz=False
    )
    assert "has sizes (8, 3, 9)" in spoiled(images, lambda _: packed(np.zeros((8, 3, 9))), gz=False)


def test_files_of_other_names(tmp_path):
    (tmp_path / "digits").write_bytes(packed(np.zeros((2, 6, 9))))
    assert "holds no files named as MNIST's; call them train-images-idx3-ubyte" in told(tmp_path / "digits")
