"""Folders of classes: what is found, in which order, whose it is, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import PurePath

import pytest

from reportgen.datasets.patients import patient_finder
from reportgen.datasets.reader import read_data
from reportgen.settings.data import DataSettings
from reportgen.settings.report import ImageSettings
from reportgen.system.errors import ImageError, ReportgenError, SettingsError


def grays(data):
    return [int(data.pictures.read(number).pixels[0, 0]) for number in range(len(data))]


def test_one_tree(folder):
    parts = read_data(folder)
    data = parts.undivided
    assert (parts.kind, parts.notes, list(parts.by_name)) == ("folders of images", (), ["undivided"])
    assert data.class_names == ("NORMAL", "PNEUMONIA")
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert data.groups == ("person0", "person1", "person2", "person0", "person1")
    assert data.names[3] == "person0_PNEUMONIA_1.png"
    assert grays(data) == [40, 41, 42, 200, 201]
    assert data.pictures.read(0).size == (10, 15)
    assert not data.of_findings


def test_some_are_taken_without_reading(folder):
    (folder / "NORMAL" / "person1_NORMAL_1.png").write_bytes(b"broken")
    data = read_data(folder).undivided.take([4, 0])
    assert (data.labels.tolist(), data.groups, grays(data)) == ([1, 0], ("person1", "person0"), [201, 40])


def test_a_broken_image_is_named_when_it_is_read(folder):
    (folder / "NORMAL" / "person1_NORMAL_1.png").write_bytes(b"broken")
    data = read_data(folder).undivided
    with pytest.raises(ImageError, match=r"person1_NORMAL_1\.png is .*; remove it from the data or replace it"):
        data.pictures.read(1)


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
def test_parts(tmp_path, draw, validation):
    for part, first in (("train", 10), (validation, 20), ("test", 30)):
        for number, name in enumerate(("no finding", "pneumonia")):
            # the same class, written otherwise
            written = name.replace(" ", "_").upper() if part == "test" else name
            draw(tmp_path / part / written / f"a{part}.png", first + number)
    (tmp_path / "extra").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    parts = read_data(tmp_path)
    assert list(parts.by_name) == ["train", "validation", "test"]
    assert {name: grays(part) for name, part in parts.by_name.items()} == {
        "train": [10, 11],
        "validation": [20, 21],
        "test": [30, 31],
    }
    assert {part.class_names for part in parts.by_name.values()} == {("no finding", "pneumonia")}
    assert parts.notes == ("Left out, beside the folders of parts: extra.",)


def test_a_class_may_be_called_test(tmp_path, draw):
    draw(tmp_path / "control" / "1.png", 1)
    draw(tmp_path / "test" / "2.png", 2)
    assert read_data(tmp_path).undivided.class_names == ("control", "test")


def test_patients_have_folders(tmp_path, draw):
    for name in ("a", "b"):
        for patient in (7, 8):
            draw(tmp_path / name / f"pat{patient}" / "second visit" / "0001.png", patient)
    draw(tmp_path / "b" / "pat9_1.png", 9)
    data = read_data(tmp_path, DataSettings(patient=r"pat(?P<patient>\d+)")).undivided
    assert data.groups == ("7", "8", "7", "8", "9")
    assert data.labels.tolist() == [0, 0, 1, 1, 1]
    assert grays(data) == [7, 8, 7, 8, 9]


def test_folders_without_a_pattern_are_told(tmp_path, draw):
    draw(tmp_path / "a" / "pat7" / "0001.png", 1)
    draw(tmp_path / "b" / "0002.png", 2)
    parts = read_data(tmp_path)
    assert parts.undivided.groups == ("0001", "0002")
    assert "the pattern finds no patient in any name" in parts.notes[0]


@pytest.mark.parametrize(
    ("pattern", "path", "patient"),
    [
        (None, "person100_bacteria_475.jpeg", "person100"),
        (None, "NORMAL2-IM-0012-0001.jpeg", "NORMAL2-IM-0012"),
        (None, "IM-0115-0001.jpeg", "IM-0115"),
        (None, "other_7.png", "other_7"),
        (None, "a_person1_2.png", "a_person1_2"),
        (r"_(\d+)_", "x_12_1.png", "12"),
        (r"\d+(?P<patient>[a-z]+)", "12ab.png", "ab"),
        (r"(\d+)x|y", "y.png", "y"),  # the group is empty: nothing is found
        (r"p\d", "p1/scan.png", "p1"),
        (r"p\d", "p1/p2.png", "p2"),
    ],
)
def test_patient_of(pattern, path, patient):
    find = patient_finder() if pattern is None else patient_finder(pattern)
    assert find(PurePath(path)) == patient


def test_a_pattern_that_is_none(folder):
    with pytest.raises(SettingsError, match=r"the pattern of patients '\(' is no regular expression"):
        read_data(folder, DataSettings(patient="("))


def test_dicom_files_keep_their_names_to_themselves(tmp_path, draw):
    draw(tmp_path / "a" / "1.png", 1)
    for name in ("MILLER^ANNA.dcm", "x.dicom"):
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / name).write_bytes(b"read later")
    assert read_data(tmp_path).undivided.names == ("1.png", "DICOM 2", "DICOM 3")
    assert "MILLER^ANNA.dcm" in read_data(tmp_path, images=ImageSettings(keep_names=True)).undivided.names


def test_patients_in_two_parts_are_told(tmp_path, draw):
    for part in ("train", "test"):
        draw(tmp_path / part / "a" / "person1_x_1.png", 1)
        draw(tmp_path / part / "b" / "0001.png", 2)
    notes = read_data(tmp_path).notes
    assert len(notes) == 1
    assert notes[0].startswith("1 patient has images in both train and test")


def test_what_is_refused(tmp_path, folder, draw):
    def told(path):
        with pytest.raises(ReportgenError) as caught:
            read_data(path)
        return str(caught.value)

    assert "data not found" in told(tmp_path / "nothing")
    assert "holds 0 class folders; it needs at least two" in told(folder / "empty")
    (tmp_path / "lonely").mkdir()
    (tmp_path / "lonely" / "labels.csv").write_text("image,label\n")
    assert "holds 0 class folders; give its labels.csv instead" in told(tmp_path / "lonely")
    draw(folder / "normal" / "x.png", 1)
    assert "names mean the same: NORMAL, PNEUMONIA, normal" in told(folder)
    for part, names in (("train", "abc"), ("test", "ab")):
        for name in names:
            draw(tmp_path / "parts" / part / name / "1.png", 1)
    assert "test holds other classes than " in told(tmp_path / "parts")
    (tmp_path / "parts" / "test" / "c").mkdir()
    assert "a, b, not a, b, c" in told(tmp_path / "parts")
    draw(tmp_path / "twice" / "val" / "a" / "1.png", 1)
    draw(tmp_path / "twice" / "valid" / "a" / "1.png", 1)
    assert "holds val and valid, which mean the same" in told(tmp_path / "twice")
    (tmp_path / "odd").write_bytes(b"\x7fELF")
    assert "is a program; give folders of images" in told(tmp_path / "odd")
    (tmp_path / "page.csv").write_bytes(b"<!DOCTYPE html><title>Not found</title>")
    assert "is a web page (the download gave a page instead of the file)" in told(tmp_path / "page.csv")
    (tmp_path / "lfs.tar.gz").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    assert "is a git-lfs pointer" in told(tmp_path / "lfs.tar.gz")
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"some text"))
    assert "is a gzip file (unpack it first)" in told(tmp_path / "notes.gz")
    (tmp_path / "none").write_bytes(b"")
    assert "is no data set" in told(tmp_path / "none")
