from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from reportgen.system.atomic import (
    PREFIX,
    check_target,
    is_workspace,
    make_folder,
    remove_leftovers,
    replace_files,
    workspace,
    write_all,
    write_file,
)
from reportgen.system.errors import OutputError


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


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("target", ["file", "nothing"])
def test_links_are_refused(tmp_path, overwrite, target):
    """Whoever wrote through one could be led anywhere; whoever replaced one would lose it."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(target)
    assert "link is a symbolic link; name the file it leads to" in refused(tmp_path / "link", overwrite=overwrite)


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
    with replace_files(path) as (unfinished,):
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
    with pytest.raises(type(fault)), replace_files(path) as (unfinished,):
        unfinished.write_text("half")
        raise fault
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"report.html"}


def test_a_full_disk_is_told(tmp_path):
    path = tmp_path / "report.html"
    with (
        pytest.raises(OutputError, match=r"report\.html can't be written \(No space left on device\)"),
        replace_files(path),
    ):
        raise OSError(28, "No space left on device")
    assert names_in(tmp_path) == set()


def test_nothing_written_is_an_error_not_an_empty_file(tmp_path):
    with pytest.raises(OutputError), replace_files(tmp_path / "report.html"):
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


# --- when moving fails half-way


def fail_at(monkeypatch, number, fault, *, after):
    """Let the ``number``-th move of a new file fail, before or after it happened."""
    replace, seen = Path.replace, []

    def limited(path: Path, target: Path) -> Path:
        seen.append(path)
        if len(seen) - 1 != number:
            return replace(path, target)
        if after:
            replace(path, target)
        raise fault

    monkeypatch.setattr(Path, "replace", limited)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("links", [True, False])
def test_all_old_files_return(tmp_path, monkeypatch, number, after, links):
    (tmp_path / "sub").mkdir()
    old = [tmp_path / "a", tmp_path / "sub" / "b"]
    for path in old:
        path.write_text(f"old {path.name}")
    stale = tmp_path / "stale"
    stale.write_text("stale")
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError(95, "not supported")))
    fail_at(monkeypatch, number, OSError(5, "Input/output error"), after=after)
    contents = dict.fromkeys([tmp_path / "a", tmp_path / "new", old[1], tmp_path / "newer"], b"new")
    with pytest.raises(OutputError, match="Input/output error"):
        write_all(contents, remove=[stale])
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert names_in(tmp_path) == {"a", "b", "sub", "stale"}


def test_what_is_stale_goes_with_the_new(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("old")
    write_all({tmp_path / "a": b"new"}, remove=[tmp_path / "b", tmp_path / "never was"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new", "c": "old"}


def test_a_link_that_appears_late_is_not_followed(tmp_path):
    (tmp_path / "outside").write_text("mine")
    with pytest.raises(OutputError, match="symbolic link"), replace_files(tmp_path / "x") as (new,):
        new.write_text("new")
        (tmp_path / "x").symlink_to("outside")
    assert (tmp_path / "outside").read_text() == "mine"
    assert (tmp_path / "x").is_symlink()


def test_folders_made_in_vain_go_again_as_far_as_they_are_new(tmp_path):
    (tmp_path / "old").mkdir()
    with pytest.raises(KeyboardInterrupt), make_folder(tmp_path / "old" / "new" / "newer"):
        raise KeyboardInterrupt
    assert names_in(tmp_path) == {"old"}


# --- permissions


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002, 0o027])
def test_the_umask_is_respected(tmp_path, mask):
    usual = os.umask(mask)
    try:
        write_all({tmp_path / "a": b"x", tmp_path / "b": b"x"})
    finally:
        os.umask(usual)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~mask}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444, 0o200])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "report.html"
    path.write_text("old")
    path.chmod(mode)
    write_file(path, b"new")
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (mode, b"new")


def test_nobody_else_can_look_into_what_is_unfinished(tmp_path):
    usual = os.umask(0)
    try:
        with replace_files(tmp_path / "a") as (new,):
            (shop,) = tmp_path.iterdir()
            assert shop.stat().st_mode & 0o777 == 0o700
            assert shop in new.parents
            new.write_text("x")
    finally:
        os.umask(usual)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666


# --- leftovers


def leave(folder: Path, name: str = "abcdefgh") -> Path:
    """Leave what a killed run leaves."""
    left = folder / f"{PREFIX}{name}"
    (left / "new").mkdir(parents=True)
    (left / "new" / "report.html").write_text("half")
    return left


def test_leftovers_are_removed_by_the_next_write(tmp_path):
    left = leave(tmp_path)
    (tmp_path / "sub").mkdir()
    elsewhere = leave(tmp_path / "sub")
    write_file(tmp_path / "a", b"x")
    assert not left.exists()
    assert elsewhere.exists()


def test_folders_in_use_stay(tmp_path):
    with workspace(tmp_path) as first, workspace(tmp_path) as second:
        remove_leftovers(tmp_path)
        assert first.is_dir()
        assert second.is_dir()
        write_file(tmp_path / "a", b"x")
        assert first != second
    assert names_in(tmp_path) == {"a"}


def test_only_what_is_ours_is_removed(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "dear").touch()
    (tmp_path / f"{PREFIX}aaaaaaaa").symlink_to(victim)
    (tmp_path / f"{PREFIX}bbbbbbbb").write_text("a file")
    (tmp_path / f"{PREFIX}my-notes").mkdir()
    (tmp_path / ".reportgen-settings").mkdir()
    before = names_in(tmp_path)
    remove_leftovers(tmp_path)
    assert names_in(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_what_belongs_to_another_user_stays(tmp_path):
    left = leave(tmp_path)
    os.chown(left, 65534, -1)
    remove_leftovers(tmp_path)
    assert left.is_dir()


@pytest.mark.parametrize("fault", [OSError(38, "Function not implemented"), OSError(37, "No locks available")])
def test_without_locks_leftovers_stay_and_writing_works(tmp_path, monkeypatch, fault):
    import fcntl

    def unsupported(*_):
        raise fault

    monkeypatch.setattr(fcntl, "flock", unsupported)
    left = leave(tmp_path)
    write_file(tmp_path / "a", b"x")
    assert left.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"a", left.name}


def test_a_folder_that_is_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    """Between making and locking it, another process may find it without a lock."""
    import tempfile

    make, made = tempfile.mkdtemp, []

    def robbed(**where):
        made.append(make(**where))
        if len(made) < 3:
            Path(made[-1]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", robbed)
    write_file(tmp_path / "a", b"x")
    assert len(made) == 3
    assert names_in(tmp_path) == {"a"}


def test_many_writers_of_the_same_files(tmp_path):
    """Each file is whole, from one of them; nothing is left."""
    paths, faults = [tmp_path / name for name in ("a", "b")], []

    def write(number: int) -> None:
        try:
            for _ in range(20):
                write_all(dict.fromkeys(paths, bytes([number]) * 5000))
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert names_in(tmp_path) == {"a", "b"}
    assert all(len(path.read_bytes()) == 5000 and len(set(path.read_bytes())) == 1 for path in paths)


def test_names_of_workspaces():
    assert is_workspace(f"{PREFIX}a1_b2c3d")
    assert not any(map(is_workspace, (PREFIX, ".reportgen-abcdefgh", f"{PREFIX}abcdefgh.bak", f"x{PREFIX}abcdefgh")))
