from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from reportgen.models.formats import hdf5_probe
from reportgen.models.formats.hdf5_probe import open_hdf5, survives, try_out

GIB = 1 << 30


def test_good_files(written):
    assert survives(written["new.h5"], GIB)
    assert survives(written["new.keras"], GIB, "model.weights.h5")


def test_a_file_that_fails_properly_is_left_to_the_reader(tmp_path):
    (tmp_path / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    assert survives(tmp_path / "cut.h5", GIB)


@pytest.mark.parametrize("program", ["while True: pass", "import os; os.abort()", "import sys; sys.exit(3)"])
def test_a_hang_a_crash_and_too_much_memory(tmp_path, monkeypatch, written, program):
    trial = tmp_path / "trial.py"
    trial.write_text(program)
    monkeypatch.setattr(hdf5_probe, "__file__", str(trial))
    monkeypatch.setattr(hdf5_probe, "_SECONDS", 1.0)
    assert not survives(written["new.h5"], GIB)


def test_within_another_program(monkeypatch, written):
    monkeypatch.setattr(sys, "executable", "")
    assert survives(written["new.h5"], GIB)


def test_packed_numbers_are_read_up_to_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_probe, "_limit_memory", lambda limit: None)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("packed", data=np.arange(1000.0), chunks=(100,), compression="gzip")
        file.create_dataset("endless", (1 << 40, 1 << 10), "f4", chunks=(1 << 10, 1 << 10))
    assert try_out(str(tmp_path / "a.h5"), str(GIB)) == 0
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.h5", "inner.h5")
    assert try_out(str(tmp_path / "a.zip"), str(GIB), "inner.h5") == 0


def test_memory_that_runs_out(tmp_path, monkeypatch):
    def read(path, part, memory):
        raise OSError("can't allocate that much")

    monkeypatch.setattr(hdf5_probe, "_limit_memory", lambda limit: None)
    monkeypatch.setattr(hdf5_probe, "_read", read)
    assert try_out(str(tmp_path / "a.h5"), "1") == 3


def test_a_file_that_keeps_the_library_busy_for_ever(monkeypatch, refused):
    """A few bytes of it differ from a good file. Another version of the library may find that: it's refused anyway."""
    monkeypatch.setattr(hdf5_probe, "_SECONDS", 3.0)
    assert "is a damaged HDF5 file" in refused(Path(__file__).with_name("hangs.h5"))


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_part_is_read_as_a_file_of_its_own(tmp_path, packing):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in "abc":
            file[f"group/{name}"] = np.arange(ord(name), ord(name) + 50)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", packing) as archive:
        archive.writestr("before.txt", "x" * 1000)
        archive.write(tmp_path / "a.h5", "ä long name/a.h5")
        archive.writestr("after.txt", "y" * 1000)
    with open_hdf5(str(tmp_path / "a.zip"), "ä long name/a.h5") as part, h5py.File(part, "r") as file:
        for name in "cab":
            np.testing.assert_array_equal(file[f"group/{name}"], np.arange(ord(name), ord(name) + 50))


def test_a_part_ends_where_it_ends(tmp_path):
    content = bytes(range(100))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("part", content)
        archive.writestr("after", "y" * 1000)
    with open_hdf5(str(tmp_path / "a.zip"), "part") as part:
        assert part.read() == content
        assert part.seek(-10, 2) == 90
        assert part.read(50) == content[90:]
        assert part.seek(5) == 5
        assert part.seek(2, 1) == 7
        assert part.read(3) == content[7:10]
        part.seek(200)
        assert part.read() == b""


def test_many_weights_are_read_as_fast_as_one(tmp_path, monkeypatch):
    """A stream of zipfile begins again whenever it goes back: nothing may be read more than a few times."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(300):
            file[f"group/{number}"] = np.zeros(1000, np.float32)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.h5", "a.h5")
    taken = []
    usual = hdf5_probe._Part.readinto

    def counted(part, buffer):
        taken.append(usual(part, buffer))
        return taken[-1]

    monkeypatch.setattr(hdf5_probe._Part, "readinto", counted)
    with open_hdf5(str(tmp_path / "a.zip"), "a.h5") as part, h5py.File(part, "r") as file:
        file.visititems(lambda _, item: dict(item.attrs) and None)
    assert 0 < sum(taken) < 3 * (tmp_path / "a.h5").stat().st_size
