"""Data sets as people have them -> labelled images. What a path holds is told by its content, not by its name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reportgen.datasets.archives import begins_as_tar, unpacked_head
from reportgen.datasets.cifar import find_folder, read_cifar
from reportgen.datasets.folders import read_folders
from reportgen.datasets.idx import find_files, is_idx, read_idx
from reportgen.datasets.labelled import Parts
from reportgen.datasets.manifest import read_manifest
from reportgen.datasets.npz import read_npz
from reportgen.datasets.splits import describe_overlap
from reportgen.settings.data import DataSettings
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ReportgenError
from reportgen.system.signatures import looks_like

_HEAD = 512
_KINDS = "give folders of images, a CSV, a CIFAR or MNIST archive, or a .npz"


def read_data(
    path: Path,
    settings: DataSettings | None = None,
    images: ImageSettings | None = None,
    limits: LimitSettings | None = None,
) -> Parts:
    """Read a data set: what there is, and its labels; files of images are read when they are asked for.

    Parameters
    ----------
    path
        A folder of class folders (or of ``train``, ``val``, ``test`` with these), a table of images, an archive of
        CIFAR-10 or CIFAR-100 or the folder it unpacks to, files of MNIST or Fashion-MNIST, or a NumPy archive.
    settings
        Whose an image is, and what the columns of a table are.
    images, limits
        How image files are read, and how large they may be.

    Raises
    ------
    ReportgenError
        When it can't be read or makes no sense, with what, where and what to do.
    """
    try:
        parts = _read(path, settings, images, limits)
    except OSError as problem:
        raise ReportgenError(f"{path} can't be read ({problem.strerror or problem})", "check it") from None
    return dataclasses.replace(parts, notes=(*parts.notes, *describe_overlap(parts)))


def _read(
    path: Path, settings: DataSettings | None, images: ImageSettings | None, limits: LimitSettings | None
) -> Parts:
    if path.is_dir():
        unpacked = find_folder(path)
        if unpacked is not None:
            return read_cifar(unpacked)
        return read_idx(path) if find_files(path) else read_folders(path, settings, images, limits)
    if not path.exists():
        raise ReportgenError(f"data not found: {path}", "check the path")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    inner = unpacked_head(path)
    if is_idx(inner):
        return read_idx(path.parent)
    if begins_as_tar(inner):
        return read_cifar(path)
    if _is_npz(head):
        return read_npz(path)
    kind = looks_like(head)
    # text of another alphabet has no kind
    if _is_text(head) and kind in (None, "a text file"):
        return read_manifest(path, settings, images, limits)
    raise ReportgenError(f"{path} is {kind or 'no data set that can be read'}", _KINDS)


def _is_npz(head: bytes) -> bool:
    """Return whether a file begins as a zip file does whose first member is an array."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].endswith(b".npy")


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return bool(head) and all(byte in b"\t\n\r\f" or byte >= 32 for byte in head) and b"\x7f" not in head
