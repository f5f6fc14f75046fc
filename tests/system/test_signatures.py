from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.system.signatures import looks_like


def numpy_bytes() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"GIF89a", "a GIF image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (bytes(128) + b"DICM", "a DICOM file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"PK\x03\x04", "a zip file"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"7z\xbc\xaf'\x1c", "a 7z file"),
        (b"Rar!\x1a", "a RAR file"),
        (bytes(257) + b"ustar", "a tar file"),
        (b"\x1c\0\0\0TFL3", "a TensorFlow Lite model"),
        (b"\x7fELF", "a program"),
        (pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2), "a PyTorch file"),
        (pickle.dumps({"a": 1}, protocol=4), "a Python pickle"),
        (pickle.dumps([1], protocol=2), "a Python pickle"),
        (b"\x08\x07\x12\x07pytorch", "an ONNX model"),
        (b"\x08\x00\0\0\0\0\0\0" + b'{"w":', "a safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a git-lfs pointer"),
        (b"  <!DOCTYPE html>", "a web page"),
        (b"\n<html lang='en'>", "a web page"),
        (b"import os\n", "Python source"),
        (b"#!/usr/bin/env python3\n", "Python source"),
        (b"# words\n\nfrom keras import layers\n", "Python source"),
        (b'"""Words."""\n', "Python source"),
        (b'{"a": 1}', "a JSON file"),
        (b"<?xml version='1.0'?>", "an XML file"),
        (b"a,b\n1,2\n", "a text file"),
        (b"\n", "an empty file but for a line end"),
        (b"\r\n", "an empty file but for a line end"),
        (b"\n\n\n", "an empty file but for line ends"),
        (b" \t\n", "an empty file but for white space"),
        (numpy_bytes(), "a NumPy array"),
    ],
)
def test_what_is_known(head, name):
    assert looks_like(head).startswith(name)


@pytest.mark.parametrize("head", [b"", b"\x00", bytes(600), bytes(range(200, 256)), b"\x01\x02\x03"])
def test_what_is_not(head):
    assert looks_like(head) is None


@given(st.binary(max_size=700))
def test_any_bytes_have_a_name_or_none(head):
    found = looks_like(head)
    assert found is None or (found and found == " ".join(found.split()))
