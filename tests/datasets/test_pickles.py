"""Pickles: plain data is read, and nothing else runs."""

from __future__ import annotations

import io
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.datasets.archives import DamagedError, Source
from reportgen.datasets.pickles import BrokenError, RefusedError, load_plain


def load(data):
    return load_plain(Source(io.BytesIO(data), len(data)), DamagedError)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data(protocol):
    content = {"a": [1, 2.5, None, True], b"b": "text", "c": (1, (2, 3)), "bytes": b"\xff\0", "none": b""}
    assert load(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("kind", ["u1", "<i8", ">i4", "<u2", "?", "i1"])
@pytest.mark.parametrize("order", "CF")
def test_arrays(protocol, kind, order):
    array = np.asarray(np.arange(700).reshape(20, 35) % 100, kind, order=order)
    found = load(pickle.dumps({"data": array}, protocol))["data"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


class Harm:
    def __init__(self, call, *given):
        self.call, self.given = call, given

    def __reduce__(self):
        return self.call, self.given


def harmful(tmp_path):
    import os

    mark = tmp_path / "mark"
    yield pickle.dumps(Harm(os.system, f"touch {mark}"))
    yield pickle.dumps(Harm(os.mkdir, str(mark)), 0)
    yield pickle.dumps({"data": Harm(eval, f"open({str(mark)!r}, 'w')")})
    yield pickle.dumps(Harm(getattr, 1, "real"))
    yield pickle.dumps(np.array([{}], object))
    yield pickle.dumps(np.array([1.5]))
    yield f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode()
    yield f"(S'touch {mark}'\nios\nsystem\n.".encode()
    yield f"(cos\nsystem\nS'touch {mark}'\no.".encode()
    yield b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.shape\x93."
    yield b"cnumpy\nndarray\n)\x81."  # an object made past its maker
    yield b"cnumpy\nndarray\n}S'values'\nK\x01sb."  # a class changed
    yield b"c_codecs\nencode\n}S'__code__'\nK\x01sb."
    yield b"]}S'a'\nK\x01sb."  # a list changed
    yield b"Pname\n."
    yield b"\x82\x01."
    yield b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x04\x00\x00\x00zlibtR."


def test_harm_is_refused(tmp_path):
    for data in harmful(tmp_path):
        with pytest.raises(RefusedError):
            load(data)
    assert not list(tmp_path.iterdir())


def test_refusals_say_what_was_asked_for():
    with pytest.raises(RefusedError, match=r"^(posix|os|nt)\.system$"):
        load(b"cposix\nsystem\n.")


CODES = st.sampled_from([code.code.encode("latin1") for code in pickletools.opcodes])
PIECES = CODES | st.binary(max_size=6) | st.sampled_from(
    [b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"U\x02u1"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25))
def test_anything_at_all(pieces):
    try:
        load(b"".join([*pieces, b"."]))
    except (BrokenError, RefusedError, DamagedError) as problem:
        assert len(str(problem)) < 300
