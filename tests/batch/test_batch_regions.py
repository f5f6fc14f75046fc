"""Known regions from a table: cells are read and written, the report and the kept numbers have them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reportgen.batch.cases import plan_items
from reportgen.batch.numbers import iterate_numbers
from reportgen.batch.region_cells import read_box_cell, read_mask_cell, write_mask_cell
from reportgen.cli.main import main
from reportgen.settings.batch import CaseSource
from reportgen.settings.cohort import CohortJob
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import ReportgenError
from reportgen.system.progress import Stopwatch
from reportgen.workflows.cohort import measure_cohort

EVIDENCE = {"occlusion": {"patch": 60, "fill": "mean"}, "page": {"sections": ["summary", "occlusion"]}}
SIZE = (40, 52)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("", (None, ())),
        ("a.png", ("a.png", ())),
        ("in/a=1.png", ("in/a=1.png", ())),
        ("lungs=a.png", (None, (("lungs", "a.png"),))),
    ],
)
def test_a_cell_is_a_file_or_names_one(tmp_path, cell, found):
    assert read_mask_cell(cell, tmp_path, "t.csv, line 2") == found


def test_several_masks_have_names(tmp_path):
    _, masks = read_mask_cell("left lung = a b.png;right lung=../x;y/b.png ; heart=s3://b/k=1/h.png", tmp_path, "t")
    assert masks == (("left lung", "a b.png"), ("right lung", "../x;y/b.png"), ("heart", "s3://b/k=1/h.png"))


def test_a_file_that_is_there_is_taken_whole(tmp_path):
    (tmp_path / "size=2; b=3.png").touch()
    assert read_mask_cell("size=2; b=3.png", tmp_path, "t") == ("size=2; b=3.png", ())
    assert read_mask_cell("k=1/h.png", RemotePath("s3://b/t"), "t") == (None, (("k", "1/h.png"),))
    assert read_mask_cell("s3://b/k=1/h.png", RemotePath("s3://b/t"), "t") == ("s3://b/k=1/h.png", ())


NAMES = st.text(st.characters(exclude_characters=";=/\\", exclude_categories=["Cs", "Cc", "Z"]), min_size=1)
PATHS = st.text(st.characters(exclude_characters=";=", exclude_categories=["Cs", "Cc", "Z"]), min_size=1)


@given(st.dictionaries(NAMES, PATHS, min_size=1, max_size=4))
def test_what_is_written_is_read_again(named):
    masks = tuple(named.items())
    cell = write_mask_cell(None, masks, lambda path: f"../{path}")
    assert read_mask_cell(cell, RemotePath("s3://b/t"), "t") == (None, tuple((n, f"../{p}") for n, p in masks))


@given(PATHS | st.just("a=b.png"))
def test_a_mask_without_a_name_is_read_again(path):
    cell = write_mask_cell(path, (), str)
    mask, masks = read_mask_cell(cell, RemotePath("s3://b/t"), "t")
    assert (mask, masks) in ((path, ()), (f"./{path}", ()))


def test_boxes_are_four_numbers():
    assert read_box_cell("", "t") == ()
    assert read_box_cell("1 2 3 4", "t") == (("box", ((1, 2, 3, 4),)),)
    found = read_box_cell("tip=0 0 5 6; base = 7,8, 9 10 ;tip=1 1 1 1", "t")
    assert found == (("tip", ((0, 0, 5, 6), (1, 1, 1, 1))), ("base", ((7, 8, 9, 10),)))


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("mask", "=a.png", "lacks a name or a file"),
        ("mask", "lungs=", "lacks a name or a file"),
        ("mask", "a=x.png;a=y.png", "two masks have the same name"),
        ("box", "1 2 3", "'1 2 3' in column 'box' is no box"),
        ("box", "tip=1 2 0 4", "is no box"),
        ("box", "=1 2 3 4", "is no box"),
        ("box", "-1 2 3 4", "is no box"),
        ("box", "yes", "is no box; write NAME=TOP LEFT HEIGHT WIDTH"),
    ],
)
def test_cells_that_make_no_sense_name_their_line(table, column, cell, told):
    path = table([("A", ""), ("B", cell)], [column])
    with pytest.raises(ReportgenError, match=rf"cases\.csv, line 3: .*{told}"):
        plan_items(CaseSource(cases=str(path)))


@pytest.fixture
def masked(table, tmp_path):
    """Four cases, three of them with regions: a file without a name, files by name, boxes."""
    (tmp_path / "in").mkdir()
    for name, columns in (("Left ä", slice(0, 26)), ("middle", slice(20, 40))):
        mask = np.zeros(SIZE, np.uint8)
        mask[5:30, columns] = 255
        Image.fromarray(mask).save(tmp_path / "in" / f"{name}.png")
    cells = [
        ("A", "in/Left ä.png", ""), ("B", "left=in/Left ä.png; middle=in/middle.png", "corner=0 0 10 20"),
        ("A", "", ""), ("B", "", "corner=0 0 10 20;corner=30 40 10 12"),
    ]  # fmt: skip
    return table(cells, ["mask", "box"])


def test_a_report_and_the_kept_numbers_have_the_regions(batch, masked, tmp_path, capsys, monkeypatch):
    ran, results, _ = batch(masked, settings=EVIDENCE)
    assert ran.failed == 0
    cases = list(iterate_numbers(tmp_path / "out"))
    names = [[region.name for region in case.regions] for case in cases]
    assert names == [["mask"], ["left", "middle", "corner"], [], ["corner"]]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text(
        'cases = [{label = "B", image = "in/1.png", masks = {left = "in/Left ä.png", middle = "in/middle.png"}, '
        "boxes = {corner = [0, 0, 10, 20]}}]\n[occlusion]\npatch = 60\nfill = 'mean'\n[page]\n"
        'sections = ["summary", "occlusion"]\n'
    )
    assert main(["build", "-c", "one.toml", "-o", "one.html", "--json", "one.json"]) == 0
    (told,) = json.loads((tmp_path / "one.json").read_text("utf-8"))["cases"]
    for region, kept in zip(told["known_regions"]["regions"], cases[1].regions, strict=True):
        assert (region["name"], region["peak_inside"]) == (kept.name, kept.peak_inside)
        assert region["inside"]["area"] == pytest.approx(kept.area)
        assert region["inside"]["evidence"] == pytest.approx(kept.evidence, rel=1e-4)
    page = (tmp_path / "out" / results[0]["page"]).read_text("utf-8")
    assert "Left ä" in page and str(tmp_path) not in page
    # the same in a cohort: the mean over the cases that have one
    found = measure_cohort(CohortJob(folder=tmp_path / "out", html=tmp_path / "c.html"), Stopwatch(progress=False))
    assert found.regions == ("corner", "left", "mask", "middle")
    (_, group) = found.groups
    corner = next(one for one in group.regions if one.name == "corner")
    shares = [one.evidence for case in cases if case.label == "B" for one in case.regions if one.name == "corner"]
    assert (corner.cases, corner.evidence.value) == (2, pytest.approx(np.mean(shares)))


def test_a_list_of_failures_has_the_masks_and_can_be_given_again(batch, masked, tmp_path):
    (tmp_path / "in" / "middle.png").write_bytes(b"no image")
    ran, _, failures = batch(masked, settings=EVIDENCE)
    assert ran.failed == 1 and "middle.png" in failures[0]["reason"] and "1.png is" not in failures[0]["reason"]
    (case,) = plan_items(CaseSource(cases=str(tmp_path / "out" / "failures.csv"))).items[0].cases
    assert [name for name, _ in case.masks] == ["left", "middle"] and case.boxes == (("corner", ((0, 0, 10, 20),)),)
    assert all((tmp_path / "in").samefile(tmp_path / "out" / path.rpartition("/")[0]) for _, path in case.masks)


def test_a_mask_that_is_not_there_is_called_one(batch, masked, tmp_path):
    (tmp_path / "in" / "middle.png").unlink()
    ran, _, failures = batch(masked, settings=EVIDENCE)
    assert ran.failed == 1 and failures[0]["reason"].startswith("mask not found: middle.png")


def test_a_mask_or_box_that_changed_makes_its_report_anew(batch, masked, tmp_path):
    batch(masked)
    assert "4 not to be done" in batch(masked)[0].made.said[1]
    text = masked.read_text("utf-8")
    masked.write_text(text.replace("corner=0 0 10 20,", "corner=0 0 10 21,").replace("middle=", "centre="), "utf-8")
    assert "3 not to be done" in batch(masked)[0].made.said[1]
    mask = np.asarray(Image.open(tmp_path / "in" / "Left ä.png")).copy()
    mask[0, :3] = 255
    Image.fromarray(mask).save(tmp_path / "in" / "Left ä.png")
    assert "2 not to be done" in batch(masked)[0].made.said[1]
