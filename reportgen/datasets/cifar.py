"""CIFAR-10 and CIFAR-100 as they are published: python and binary version, as .tar.gz, .tar or unpacked.

Layouts as described on the data sets' page (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
2009): images of 32 x 32 as 3072 bytes, all red ones row by row, then green, then blue; before them in the binary
version a byte of label, or two (coarse, fine) for CIFAR-100.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.archives import Archive, DamagedError, Member, Source, folder_members
from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.pickles import BrokenError, RefusedError, load_plain
from reportgen.datasets.pictures import StackedPictures
from reportgen.report.names import are_different
from reportgen.report.numbers import grouped
from reportgen.system.errors import ReportgenError
from reportgen.system.language import say

SIDE = 32
_PLANES = 3 * SIDE * SIDE
_BLOCK = 1000  # images
_COARSE = "coarse_label"


@dataclass(frozen=True)
class Layout:
    """One of the four published archives.

    Attributes
    ----------
    title, version
        ``CIFAR-10``, ``python``.
    folder
        What it unpacks to.
    train, test
        Names of the files with images, in order.
    names
        Names of the files with class names: of the labels, then of coarse ones.
    keys
        Of the pickled class names, in the same order.
    labels
        Keys of the labels in the pickles; in the binary version, bytes of labels before an image, the last being it.
    images
        How many images the published one has: train, test.
    md5
        Digest of the published archive.
    """

    title: str
    version: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    names: tuple[str, ...]
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    images: tuple[int, int]
    md5: str

    @property
    def files(self) -> tuple[str, ...]:
        """All that is read of it."""
        return (*self.train, *self.test, *self.names)


_TEN = tuple(f"data_batch_{number}" for number in range(1, 6))
LAYOUTS = (
    Layout(
        "CIFAR-10", "python", "cifar-10-batches-py", _TEN, ("test_batch",), ("batches.meta",), ("label_names",),
        ("labels",), (50_000, 10_000), "c58f30108f718f92721af3b95e74349a",
    ),
    Layout(
        "CIFAR-10", "binary", "cifar-10-batches-bin", tuple(f"{name}.bin" for name in _TEN), ("test_batch.bin",),
        ("batches.meta.txt",), ("label_names",), ("labels",), (50_000, 10_000), "c32a1d4ab5d03f1284b67883e8d87530",
    ),
    Layout(
        "CIFAR-100", "python", "cifar-100-python", ("train",), ("test",), ("meta",),
        ("fine_label_names", "coarse_label_names"), ("coarse_labels", "fine_labels"), (50_000, 10_000),
        "eb9058c3a382ffc7106e4002c42a8d85",
    ),
    Layout(
        "CIFAR-100", "binary", "cifar-100-binary", ("train.bin",), ("test.bin",),
        ("fine_label_names.txt", "coarse_label_names.txt"), ("fine_label_names", "coarse_label_names"),
        ("coarse_labels", "fine_labels"), (50_000, 10_000), "03b5dce01913d631647c71ecec9e9cb8",
    ),
)  # fmt: skip
_BY_FILE = {name: layout for layout in LAYOUTS for name in layout.files}


def find_folder(path: Path) -> Path | None:
    """Return the folder that holds an unpacked archive: the given one, or that of the usual name in it; else None."""
    for folder in (path, *(path / layout.folder for layout in LAYOUTS)):
        if any((folder / name).is_file() for layout in LAYOUTS for name in (*layout.train, *layout.test)):
            return folder
    return None


def read_cifar(path: Path) -> Parts:
    """Read an archive, or the folder that it was unpacked to.

    Parameters
    ----------
    path
        A tar, packed by gzip or not, or a folder; what it is is told by the files in it.

    Returns
    -------
    Parts
        Train and test. Images are ``(32, 32, 3)``; names are places, ``data_batch_1, image 0``, the same in both
        versions. CIFAR-100 has fine labels, and coarse ones as the column ``coarse_label``.

    Raises
    ------
    ReportgenError
        When it is damaged or holds something else; the message names the file in it, and the image where it's known.
    """
    archive = None if path.is_dir() else Archive(path)
    found = folder_members(path, _BY_FILE.__contains__) if archive is None else archive.members(_BY_FILE.__contains__)
    reading = _Reading(path)
    after = ""
    while True:
        try:
            member = next(found, None)
        except DamagedError as problem:
            raise _damaged(f"{path} is damaged{after} ({problem})") from None
        if member is None:
            break
        reading.read(member)
        after = f" after {member.name}"
    layout = reading.layout
    if layout is None:
        raise ReportgenError(
            f"{path} holds none of the files of CIFAR-10 or CIFAR-100", "unpack other archives and give their folder"
        )
    return reading.finish(layout, [] if archive is None else [_published(layout, archive.md5)])


class _Reading:
    """What was read so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.layout: Layout | None = None
        self._names: dict[str, list[str]] = {}
        self._stacks = (_Stack(), _Stack())

    def read(self, member: Member) -> None:
        """Read one file, whichever it is; the first says which archive it must be."""
        layout = self.layout = self.layout or _BY_FILE[member.name]
        if member.name not in layout.files:
            return
        try:
            if member.name in layout.names:
                self._names |= _read_names(layout, member)
                return
            files, stack = (layout.train, self._stacks[0])
            if member.name in layout.test:
                files, stack = layout.test, self._stacks[1]
            read = _read_pickled if layout.version == "python" else _read_records
            read(layout, member, stack, files)
        except RefusedError as problem:
            raise ReportgenError(
                f"{self._path}: {member.name} asks for {problem}, which no data set needs and may run code",
                "don't use it: get the published archive",
            ) from None
        except (DamagedError, BrokenError) as problem:
            raise _damaged(f"{self._path}: {member.name} is damaged ({problem})") from None

    def finish(self, layout: Layout, notes: list[str]) -> Parts:
        """Check that all is there and fits, and put it together."""
        missing = [
            name
            for name, there in [
                *((name, name in self._stacks[0].labels) for name in layout.train),
                *((name, name in self._stacks[1].labels) for name in layout.test),
                *zip(layout.names, (key in self._names for key in layout.keys), strict=False),
            ]
            if not there
        ]
        if missing:
            raise _damaged(f"{self._path} ({layout.title}, {layout.version} version) holds no {', '.join(missing)}")
        parts = {
            "train": self._part(layout, layout.train, self._stacks[0]),
            "test": self._part(layout, layout.test, self._stacks[1]),
        }
        counts = (len(parts["train"]), len(parts["test"]))
        if counts != layout.images:
            notes.append(
                say(
                    "It has {train} and {test} images, {title} as published {trained} and {tested}.",
                    train=grouped(counts[0]), test=grouped(counts[1]), title=layout.title,
                    trained=grouped(layout.images[0]), tested=grouped(layout.images[1]),
                )
            )  # fmt: skip
        kind = say("{title}, {version} version", title=layout.title, version=layout.version)
        return Parts.of(parts, kind, notes, patients=False)

    def _part(self, layout: Layout, files: tuple[str, ...], stack: _Stack) -> Labelled:
        names = tuple(self._names[layout.keys[0]])
        if len(names) < 2 or not are_different(names):
            raise _damaged(f"{self._path}: {layout.names[0]} names the classes {', '.join(names)}")
        numbers = {
            key: np.concatenate([stack.labels[file][place] for file in files])
            for place, key in enumerate(layout.labels)
        }
        places = tuple(
            f"{file.removesuffix('.bin')}, image {number}"
            for file in files
            for number in range(len(stack.labels[file][0]))
        )
        for key, of_kind in zip(reversed(layout.labels), layout.keys, strict=True):
            wrong = np.flatnonzero((numbers[key] < 0) | (numbers[key] >= len(self._names[of_kind])))
            if len(wrong):
                raise _damaged(
                    f"{self._path}: {places[wrong[0]]}, has label {numbers[key][wrong[0]]}, where there are "
                    f"{len(self._names[of_kind])} classes"
                )
        columns = {}
        if len(layout.labels) > 1:
            coarse = self._names[layout.keys[1]]
            columns[_COARSE] = tuple(coarse[number] for number in numbers[layout.labels[0]])
        return Labelled(
            StackedPictures(stack.pixels, layout.title), numbers[layout.labels[-1]], names, places, places, columns
        )


class _Stack:
    """The images of a part, each batch at its place, in whatever order batches come."""

    def __init__(self) -> None:
        self.pixels: NDArray[np.uint8] = np.empty((0, SIDE, SIDE, 3), np.uint8)
        self.labels: dict[str, tuple[NDArray[np.int64], ...]] = {}

    def make_room(self, name: str, count: int, files: tuple[str, ...]) -> NDArray[np.uint8]:
        """Return where the images of a batch belong; all batches of a part have as many."""
        if not count:
            raise DamagedError("it holds no images")
        if not self.labels:
            self.pixels = np.empty((len(files) * count, SIDE, SIDE, 3), np.uint8)
        usual = len(self.pixels) // len(files)
        if count != usual:
            raise DamagedError(
                f"it holds {count:,} images, {next(iter(self.labels))} {usual:,}: all batches have as many"
            )
        start = files.index(name) * count
        return self.pixels[start : start + count]


def _read_records(layout: Layout, member: Member, stack: _Stack, files: tuple[str, ...]) -> None:
    """Read a file of the binary version."""
    before = len(layout.labels)
    record = before + _PLANES
    count, rest = divmod(member.source.size, record)
    if rest:
        raise DamagedError(
            f"it has {member.source.size:,} bytes, no multiple of {record:,}: it ends within image {count:,}"
        )
    room = stack.make_room(member.name, count, files)
    labels = np.empty((before, count), np.int64)
    buffer = bytearray(min(_BLOCK, count) * record)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        view = memoryview(buffer)[: (stop - start) * record]
        _fill(member.source, view, start, record)
        block = np.frombuffer(view, np.uint8).reshape(stop - start, record)
        labels[:, start:stop] = block[:, :before].T
        _interleave(block[:, before:], room[start:stop])
    stack.labels[member.name] = tuple(labels)


def _fill(source: Source, view: memoryview, start: int, record: int) -> None:
    before = source.left
    try:
        source.readinto(view)
    except DamagedError as problem:
        raise DamagedError(f"{problem}; between images {start:,} and {start + before // record:,}") from None


def _read_pickled(layout: Layout, member: Member, stack: _Stack, files: tuple[str, ...]) -> None:
    """Read a file of the python version."""
    content = _as_table(load_plain(member.source, DamagedError))
    pixels = content.get("data")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != _PLANES:
        shape = f" of shape {pixels.shape}" if isinstance(pixels, np.ndarray) else ""
        raise DamagedError(f"its data are no bytes (N, {_PLANES}){shape}")
    labels = tuple(_as_labels(content.get(key), key, len(pixels)) for key in layout.labels)
    room = stack.make_room(member.name, len(pixels), files)
    for start in range(0, len(pixels), _BLOCK):
        _interleave(pixels[start : start + _BLOCK], room[start : start + _BLOCK])
    stack.labels[member.name] = labels


def _as_table(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DamagedError("it is no table")
    return {key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key): at for key, at in content.items()}


def _as_labels(values: object, key: str, count: int) -> NDArray[np.int64]:
    try:
        labels = np.asarray(values)
    except (ValueError, OverflowError):
        labels = np.empty(0, np.object_)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DamagedError(f"its {key} are no list of whole numbers")
    if len(labels) != count:
        raise DamagedError(f"it holds {count:,} images and {len(labels):,} {key}")
    return labels.astype(np.int64)


def _interleave(planes: NDArray[np.uint8], room: NDArray[np.uint8]) -> None:
    """Write ``(N, 3072)`` with one colour after the other to ``(N, 32, 32, 3)``."""
    by_colour = planes.reshape(-1, 3, SIDE, SIDE)
    for colour in range(3):
        room[..., colour] = by_colour[:, colour]


def _read_names(layout: Layout, member: Member) -> dict[str, list[str]]:
    """Return class names by key."""
    if layout.version == "binary":
        lines = member.source.read_all().decode("utf-8", "replace").splitlines()
        key = layout.keys[layout.names.index(member.name)]
        return {key: [line.strip() for line in lines if line.strip()]}
    content = _as_table(load_plain(member.source, DamagedError))
    found = {}
    for key in layout.keys:
        names = content.get(key)
        if not isinstance(names, list) or not all(isinstance(name, bytes | str) for name in names):
            raise DamagedError(f"its {key} are no list of texts")
        found[key] = [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names]
    return found


def _published(layout: Layout, md5: str) -> str:
    if md5 == layout.md5:
        return say(
            "It is the published archive of {title}, {version} version, by its MD5 digest.",
            title=layout.title, version=layout.version,
        )  # fmt: skip
    return say(
        "It is not the published archive of {title}, {version} version (its MD5 digest is {md5}).",
        title=layout.title, version=layout.version, md5=md5,
    )  # fmt: skip


def _damaged(what: str) -> ReportgenError:
    return ReportgenError(what, "download or unpack it again")
