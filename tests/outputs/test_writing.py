from __future__ import annotations

import os
from pathlib import Path

import pytest

from reportgen.errors import OutputError
from reportgen.outputs.writing import check_target, replacing, write_all, write_file


def refused(path: Path, *, overwrite: bool = False) -> str:
    with pytest.raises(OutputError) as caught:
        check_target(path, overwrite=overwrite)
    message = str(caught.value)
    assert "\n" not in message
    return message


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


# --- looking before writing


def test_a_new_file_is_fine_and_nothing_is_made(tmp_path):
    check_target(tmp_path / "new.html", overwrite=False)
    assert names_in(tmp_path) == set()


def test_an_existing_file_needs_permission(tmp_path):
    path = tmp_path / "old.html"
    path.write_text("old")
    assert f"{path} exists already" in refused(path)
    assert "-f" in refused(path)
    check_target(path, overwrite=True)
    assert path.read_text() == "old"


@pytest.mark.parametrize("overwrite", [True, False])
def test_folders_that_are_missing_or_in_the_way(tmp_path, overwrite):
    assert f"{tmp_path} is a folder" in refused(tmp_path, overwrite=overwrite)
    assert "does not exist" in refused(tmp_path / "none" / "new.html", overwrite=overwrite)
    (tmp_path / "file").touch()
    assert str(tmp_path / "file" / "new.html") in refused(tmp_path / "file" / "new.html", overwrite=overwrite)


def test_a_name_that_is_too_long(tmp_path):
    assert "too long" in refused(tmp_path / ("x" * 300))


def test_a_folder_that_can_not_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert f"{tmp_path} can't be written to" in refused(tmp_path / "new.html")


# --- one file


def test_bytes_arrive(tmp_path):
    path = tmp_path / "new.bin"
    write_file(path, b"\x00\r\n\xff")
    assert path.read_bytes() == b"\x00\r\n\xff"
    assert names_in(tmp_path) == {"new.bin"}


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_file(Path("new.bin"), b"x")
    assert names_in(tmp_path) == {"new.bin"}


@pytest.mark.parametrize("name", ["x" * 255, "sp ace \n.html", "é肺.html", ".hidden"])
def test_any_name_that_the_system_takes(tmp_path, name):
    write_file(tmp_path / name, b"x")
    assert names_in(tmp_path) == {name}


def test_the_old_content_stays_until_the_new_is_whole(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with replacing(path) as unfinished:
        assert unfinished.suffix == ".html"
        assert not unfinished.exists()
        unfinished.write_text("ne")
        assert path.read_text() == "old"
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names_in(tmp_path) == {"report.html"}


@pytest.mark.parametrize("fault", [ValueError("x"), KeyboardInterrupt(), MemoryError()])
def test_after_a_fault_nothing_is_left_and_nothing_lost(tmp_path, fault):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(type(fault)), replacing(path) as unfinished:
        unfinished.write_text("half")
        raise fault
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"report.html"}


def test_a_full_disk_is_told(tmp_path):
    path = tmp_path / "report.html"
    with (
        pytest.raises(OutputError, match=r"report\.html can't be written \(No space left on device\)"),
        replacing(path),
    ):
        raise OSError(28, "No space left on device")
    assert names_in(tmp_path) == set()


def test_nothing_written_is_an_error_not_an_empty_file(tmp_path):
    with pytest.raises(OutputError), replacing(tmp_path / "report.html"):
        pass
    assert names_in(tmp_path) == set()


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(OutputError, match="can't be written"):
        write_file(tmp_path / "none" / "x", b"x")


def test_new_files_can_be_read_by_others_as_the_system_is_set(tmp_path):
    path, usual = tmp_path / "new", tmp_path / "usual"
    usual.write_bytes(b"x")
    write_file(path, b"x")
    assert path.stat().st_mode == usual.stat().st_mode


# --- several files


def test_all_appear(tmp_path):
    (tmp_path / "sub").mkdir()
    contents = {tmp_path / "a": b"1", tmp_path / "sub" / "b": b"2"}
    write_all(contents)
    assert {path: path.read_bytes() for path in contents} == contents
    assert names_in(tmp_path) == {"a", "sub", "b"}


def test_nothing_to_write(tmp_path):
    write_all({})
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_when_one_can_not_be_written_none_is(tmp_path, bad):
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    for path in paths:
        path.write_text("old")
    broken = [tmp_path / "none" / "x" if number == bad else path for number, path in enumerate(paths)]
    with pytest.raises(OutputError, match="none/x"):
        write_all(dict.fromkeys(broken, b"new"))
    assert [path.read_text() for path in paths] == ["old"] * 3
    assert names_in(tmp_path) == {"a", "b", "c"}


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_when_the_disk_fills_up_none_is_replaced(tmp_path, monkeypatch, bad):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text("old")
    write = Path.write_bytes

    def limited(path: Path, data: bytes) -> int:
        if path.name == paths[bad].name:
            write(path, data[:1])
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", limited)
    with pytest.raises(OutputError, match="No space left"):
        write_all(dict.fromkeys(paths, b"new"))
    assert [path.read_text() for path in paths] == ["old"] * 3
    assert names_in(tmp_path) == {"a", "b", "c"}
