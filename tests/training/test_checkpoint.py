"""Checkpoints: all comes back as it was; what is damaged, of another training, or none is refused."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.system.errors import ReportgenError
from reportgen.training.checkpoint import Progress, forget_progress, read_progress, save_progress

STATE = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64), np.array([1, 2], np.uint32)]


def progress(**changes) -> Progress:
    told = {"fingerprint": "abc", "epochs": 3, "stopped": True, "history": {"loss": [3.0, 2.0, 1.5]}, "state": STATE}
    return Progress(**told | changes)


@pytest.mark.parametrize("best", [None, [np.ones((2, 2), np.float32), np.zeros(3, np.float32)]])
def test_all_comes_back(tmp_path, best):
    path = tmp_path / "a.checkpoint"
    save_progress(path, progress(best=best, patience={"best": 0.5, "best_epoch": 1.0, "wait": 2.0}))
    found = read_progress(path, "abc")
    assert (found.epochs, found.stopped, found.history) == (3, True, {"loss": [3.0, 2.0, 1.5]})
    assert found.patience == {"best": 0.5, "best_epoch": 1.0, "wait": 2.0}
    for array, expected in zip(found.state, STATE, strict=True):
        assert array.dtype == expected.dtype
        assert (array == expected).all()
    assert (found.best is None) == (best is None)
    assert best is None or all((a == b).all() for a, b in zip(found.best, best, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"]


def test_more_than_ten_variables_keep_their_order(tmp_path):
    save_progress(tmp_path / "a", progress(state=[np.array(number) for number in range(23)]))
    assert [int(array) for array in read_progress(tmp_path / "a", "abc").state] == list(range(23))


def test_none_is_none(tmp_path):
    assert read_progress(tmp_path / "a", "abc") is None
    forget_progress(tmp_path / "a")


def test_one_of_another_training_is_refused(tmp_path):
    save_progress(tmp_path / "a", progress())
    with pytest.raises(ReportgenError, match=r"of a training with other data.*--restart"):
        read_progress(tmp_path / "a", "other")


@pytest.mark.parametrize("kept", [0, 1, 50, 300, -30])
def test_a_damaged_one_is_refused_and_can_be_forgotten(tmp_path, kept):
    path = tmp_path / "a"
    save_progress(path, progress())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ReportgenError, match=r"can't be read.*--restart|is no checkpoint"):
        read_progress(path, "abc")
    if kept != 1:
        forget_progress(path)
        assert not path.exists()


def test_a_changed_one_is_refused(tmp_path):
    path = tmp_path / "a"
    save_progress(path, progress(state=[np.zeros(1000)]))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ReportgenError, match=r"can't be read"):
        read_progress(path, "abc")


def test_a_file_of_somebody_is_neither_read_nor_removed(tmp_path):
    path = tmp_path / "a.checkpoint"
    path.write_text("mine")
    for use in (lambda: read_progress(path, "abc"), lambda: forget_progress(path)):
        with pytest.raises(ReportgenError, match="is no checkpoint of a training; move it away"):
            use()
    assert path.read_text() == "mine"
