"""MNIST and Fashion-MNIST in their own format, IDX, packed by gzip or not.

Format as described on the data set's page (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"):
two zero bytes, a byte of type (8: unsigned bytes), a byte that counts the sizes, the sizes as big-endian 32-bit
numbers, then the values.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.archives import DamagedError, unpack
from reportgen.datasets.labelled import Labelled, Parts
from reportgen.datasets.pictures import StackedPictures
from reportgen.images.decoding import SMALLEST_SIDE
from reportgen.system.errors import ReportgenError
from reportgen.system.language import mark, say

DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_NAME = re.compile(r"(train|t10k|test)-(images|labels)[-.]idx[134]-ubyte(\.gz)?", re.IGNORECASE)
_PUBLISHED = {
    "MNIST": {
        mark("train images"): "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        mark("train labels"): "d53e105ee54ea40749a09fcbcd1e9432",
        mark("test images"): "9fb629c4189551a2d022fa330f9573f3",
        mark("test labels"): "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "Fashion-MNIST": {
        "train images": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train labels": "25c81989df183df01b3e8a0aad5dffbe",
        "test images": "bef4ecab320f06d8554ea6380940ec79",
        "test labels": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}


def is_idx(head: bytes) -> bool:
    """Return whether a file, unpacked, begins as IDX does: bytes, with one size (labels) or three or four (images)."""
    return head[:3] == b"\0\0\x08" and head[3:4] in (b"\x01", b"\x03", b"\x04")


def find_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder that are named as MNIST's: ``"train images"`` and so on; of two, the unpacked."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        named = _NAME.fullmatch(path.name)
        if named and path.is_file():
            part = "train" if named[1].lower() == "train" else "test"
            found.setdefault(f"{part} {named[2].lower()}", path)
    return found


def read_idx(folder: Path) -> Parts:
    """Read the files of MNIST, or of a data set of its form, that a folder holds.

    Parameters
    ----------
    folder
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
        ``t10k-labels-idx1-ubyte`` or only two that belong together, each also with ``.idx`` for ``-idx`` and ``.gz``.

    Returns
    -------
    Parts
        Images ``(H, W)``. Classes are the ten digits, or those of Fashion-MNIST where a digest says so, or the
        folder, or the one that it lies in, has ``fashion`` in its name.

    Raises
    ------
    ReportgenError
        When a file is missing or damaged, or two don't fit each other; the message names it.
    """
    files = find_files(folder)
    if not files:
        raise ReportgenError(
            f"{folder} holds no files named as MNIST's", "call them train-images-idx3-ubyte, train-labels-idx1-ubyte"
        )
    arrays: dict[str, NDArray[np.uint8]] = {}
    digests: dict[str, str] = {}
    for name, path in files.items():
        arrays[name], digests[name] = _read(path)
    title = _title(folder, digests)
    names = FASHION if title == "Fashion-MNIST" else DIGITS
    parts: dict[str, Labelled] = {}
    for part in ("train", "test"):
        what = [f"{part} images", f"{part} labels"]
        missing = [name for name in what if name not in files]
        if len(missing) == 1:
            raise ReportgenError(f"{folder} holds no file of {missing[0]}", "put it beside the others")
        if not missing:
            parts[part] = _part(part, arrays[what[0]], arrays[what[1]], (files[what[0]], files[what[1]]), title, names)
    return Parts.of(parts, say("{title}, IDX files", title=title), _notes(title, digests), patients=False)


def _read(path: Path) -> tuple[NDArray[np.uint8], str]:
    try:
        data, md5 = unpack(path)
        if not is_idx(data):
            raise DamagedError("it doesn't begin as an IDX file of bytes does")
        start = 4 + 4 * data[3]
        if len(data) < start:
            raise DamagedError("it ends within its header")
        shape = tuple(int(size) for size in np.frombuffer(data[4:start], ">u4"))
        if len(data) - start != math.prod(shape):
            raise DamagedError(
                f"its header says {' x '.join(str(size) for size in shape)}, and {len(data) - start:,} bytes follow"
            )
    except DamagedError as problem:
        raise ReportgenError(f"{path} is damaged ({problem})", "download it again") from None
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape), md5


def _part(
    part: str,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    paths: tuple[Path, Path],
    title: str,
    names: tuple[str, ...],
) -> Labelled:
    if pixels.ndim not in (3, 4) or min(pixels.shape[1:3]) < SMALLEST_SIDE or pixels.shape[3:] not in ((), (1,), (3,)):
        raise ReportgenError(f"{paths[0]} has sizes {pixels.shape}", "images are (N, H, W)")
    if labels.ndim != 1 or len(labels) != len(pixels) or not len(labels):
        raise ReportgenError(
            f"{paths[0].name} holds {len(pixels):,} images and {paths[1].name} {len(labels):,} labels",
            "put files together that belong together",
        )
    wrong = np.flatnonzero(labels >= len(names))
    if len(wrong):
        raise ReportgenError(
            f"{paths[1]}: image {wrong[0]} has label {labels[wrong[0]]}, where there are {len(names)} classes",
            "download it again",
        )
    places = tuple(f"{part}, image {number}" for number in range(len(labels)))
    return Labelled(StackedPictures(pixels, title), labels.astype(np.int64), names, places, places)


def _title(folder: Path, digests: dict[str, str]) -> str:
    for title, published in _PUBLISHED.items():
        if any(published[name] == md5 for name, md5 in digests.items()):
            return title
    around = [part.casefold() for part in folder.absolute().parts[-2:]]
    return "Fashion-MNIST" if any("fashion" in part for part in around) else "MNIST"


def _notes(title: str, digests: dict[str, str]) -> list[str]:
    others = [name for name, md5 in digests.items() if _PUBLISHED[title][name] != md5]
    if not others:
        return [say("These are the published files of {title}, by their MD5 digests.", title=title)]
    return [
        say(
            "Not the published files of {title} (packed by gzip) by their MD5 digests: {names}.",
            title=title, names=", ".join(map(say, others)),
        )
    ]  # fmt: skip
