"""Small data sets on disk: images that are not square, each of one gray."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.datasets.cifar import LAYOUTS, Layout


@pytest.fixture
def draw():
    """Write an image of one gray, 10 high and 15 wide."""

    def write(path: Path, gray: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((10, 15), gray, np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def folder(tmp_path, draw) -> Path:
    """Two classes, three and two images, and things that are no images."""
    root = tmp_path / "data"
    for name, count, gray in (("NORMAL", 3, 40), ("PNEUMONIA", 2, 200)):
        for number in range(count):
            draw(root / name / f"person{number}_{name}_1.png", gray + number)
    (root / "NORMAL" / "notes.txt").write_text("no image")
    (root / "NORMAL" / "._person1_NORMAL_1.png").write_bytes(b"left behind by a copy")
    (root / "empty").mkdir()
    (root / "readme.png").write_bytes(b"not in a class")
    return root


def python2_pickle(content: dict[str, object]) -> bytes:
    """Pickle a table as Python 2 and its NumPy did, protocol 2: what the published archives hold."""

    def text(value: str) -> bytes:
        data = value.encode()
        return b"U" + bytes([len(data)]) + data

    def whole(value: int) -> bytes:
        return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)

    def dump(value: object) -> bytes:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, int):
            return whole(value)
        if isinstance(value, list):
            return b"](" + b"".join(dump(item) for item in value) + b"e"
        array = np.asarray(value)
        data = array.tobytes()
        return (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
            + whole(array.shape[0]) + whole(array.shape[1]) + b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
            + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
            + struct.pack("<i", len(data)) + data + b"tb"
        )  # fmt: skip

    items = b"".join(text(key) + dump(value) for key, value in content.items())
    return b"\x80\x02}q\x01(" + items + b"u."


class Cifar:
    """The files of a small archive in the published layout, to be spoiled and written.

    Image n of all, from 0, is n in red, n + 1 in green, n + 2 in blue, but for the first pixel in its second row, which
    is 200, 201, 202; its label is n modulo the number of classes.
    """

    def __init__(self, layout: Layout, batch: int = 3) -> None:
        self.layout = layout
        self.classes = (10,) if layout.title == "CIFAR-10" else (100, 20)
        self.files = {}
        done = 0
        for name in (*layout.train, *layout.test):
            numbers = np.arange(done, done + batch)
            done += batch
            pixels = np.zeros((batch, 3, 32, 32), np.uint8)
            pixels += numbers.astype(np.uint8)[:, None, None, None] + np.arange(3, dtype=np.uint8)[None, :, None, None]
            pixels[:, :, 1, 0] = [200, 201, 202]
            labels = [(numbers % count).tolist() for count in reversed(self.classes)]
            self.files[name] = self.pack(name, pixels.reshape(batch, -1), labels)
        names = {
            key: [f"{key[0]}{n}" for n in range(count)] for key, count in zip(layout.keys, self.classes, strict=True)
        }
        for name, key in zip(layout.names, layout.keys, strict=False):
            lines = "".join(f"{one}\n" for one in names[key]) + "\n"
            self.files[name] = lines.encode() if layout.version == "binary" else python2_pickle(names)
        self.files["readme.html"] = b"<html>"

    def pack(self, name: str, pixels: np.ndarray, labels: list[list[int]]) -> bytes:
        if self.layout.version == "binary":
            return np.column_stack([*labels, pixels]).astype(np.uint8).tobytes()
        content = {"batch_label": name, **dict(zip(self.layout.labels, labels, strict=True)), "data": pixels}
        return python2_pickle({**content, "filenames": [f"{n}.png" for n in range(len(pixels))]})

    def write(self, path: Path, order: Sequence[str] | None = None) -> Path:
        """Write them as a tar, packed by gzip where the name says so."""
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
            for name in order or self.files:
                info = tarfile.TarInfo(f"{self.layout.folder}/{name}")
                info.size = len(self.files[name])
                tar.addfile(info, io.BytesIO(self.files[name]))
        return path

    def unpack(self, folder: Path) -> Path:
        (folder / self.layout.folder).mkdir(parents=True)
        for name, data in self.files.items():
            (folder / self.layout.folder / name).write_bytes(data)
        return folder


@pytest.fixture(scope="session")
def cifar():
    """Make the files of CIFAR by title and version."""
    layouts = {(layout.title, layout.version): layout for layout in LAYOUTS}

    def make(title: str = "CIFAR-10", version: str = "python") -> Cifar:
        return Cifar(layouts[title, version])

    return make
