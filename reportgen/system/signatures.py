"""Kinds of files that are often found under a wrong ending, told by their first bytes."""

from __future__ import annotations

import re

# (offset, bytes, name); the first that fits is it
_MAGIC = (
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch file"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"PK\x03\x04", "a zip file"),
    (0, b"\x1f\x8b", "a gzip file (unpack it first)"),
    (0, b"7z\xbc\xaf'\x1c", "a 7z file (unpack it first)"),
    (0, b"Rar!", "a RAR file (unpack it first)"),
    (0, b"\xfd7zXZ\0", "an xz file (unpack it first)"),
    (257, b"ustar", "a tar file (unpack it first)"),
    (0, b"MATLAB 5.0", "a MATLAB file"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05](\x95|\}|\]|c|\(|\x8a)", re.DOTALL)
# protobuf: field 1 (ir_version) as a small number, then the producer, the graph, or the operator set
_ONNX = re.compile(rb"\x08[\x01-\x14](\x12.|:|B.)", re.DOTALL)
_PYTHON = re.compile(
    rb"^(\s*(#[^\n]*)?\n)*\s*(from \w[\w.]* import|import \w|def \w+\(|class \w+|\"\"\"|#!.*python)", re.MULTILINE
)
_WEB = (b"<!doctype html", b"<html", b"<head", b"<body")


def looks_like(head: bytes) -> str | None:
    """Name what a file is that isn't what it should be.

    Parameters
    ----------
    head
        Its first bytes; 512 are enough.

    Returns
    -------
    str or None
        Such as ``"a git-lfs pointer (...)"``, ``"a web page"``, ``"a PyTorch file"``, ``"a text file"``, ``"an empty
        file but for a line end"``; None when nothing known fits.
    """
    if head and not head.strip():
        ends = "a line end" if len(head.splitlines()) == 1 else "line ends"
        what = "white space" if head.strip(b"\r\n") else ends
        return f"an empty file but for {what}"
    start = head[:512].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer (the real file was not fetched: run 'git lfs pull')"
    if start.startswith(_WEB):
        return "a web page (the download gave a page instead of the file)"
    magic = next((name for at, magic, name in _MAGIC if head[at : at + len(magic)] == magic), None)
    return magic or _kind_by_structure(head) or _kind_of_text(head[:512])


def _kind_by_structure(head: bytes) -> str | None:
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 100 << 20:
        return "a safetensors file"
    if _PICKLE.match(head):
        return "a Python pickle, which may run code when it's opened"
    if _ONNX.match(head):
        return "an ONNX model"
    return None


def _kind_of_text(head: bytes) -> str | None:
    if not head or not all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head):
        return None
    if _PYTHON.match(head):
        return "Python source"
    if head.lstrip().startswith((b"{", b"[")):
        return "a JSON file"
    if head.lstrip().startswith((b"<?xml", b"<svg")):
        return "an XML file"
    return "a text file"
