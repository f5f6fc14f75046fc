"""A cohort from the folder of a batch to page, JSON and CSV."""

import csv
import io
import json
import re

import numpy as np
import pytest
from cohorts import CLASSES, a_case, two_groups

from reportgen.cli.main import main
from reportgen.report.cohort_cases import MapPoint
from reportgen.settings.cohort import CohortJob
from reportgen.system.progress import Stopwatch
from reportgen.workflows.cohort import measure_cohort

HOSTILE = "<script>alert('x')</script>\u202e"


def run(capsys, out, *arguments):
    code = main(["cohort", str(out), *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def measured(out, **fields):
    return measure_cohort(CohortJob(folder=out, html=out / "cohort.html", **fields), Stopwatch(progress=False))


def test_page_and_numbers(capsys, write_batch, tmp_path):
    out = write_batch(two_groups(40, shift=3))
    code, said, _ = run(capsys, out, "--json", tmp_path / "c.json", "--csv", tmp_path / "c.csv")
    assert code == 0
    assert "Channel 1 of " in said
    page = (out / "cohort.html").read_text("utf-8")
    assert page.count('href="reports/case-00003.html"') >= 1
    assert "It is not a diagnosis" in page
    assert "<script>" in page
    assert not re.search(r'(src|href)="https?:', page)
    assert 'content="default-src &#39;none&#39;' in page
    found = json.loads((tmp_path / "c.json").read_text())
    assert (found["cases"], found["by"], found["kind"]) == (40, "label", "cohort")
    assert [group["name"] for group in found["groups"]] == ["NORMAL", "PNEUMONIA"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text("utf-8"))))
    assert len(rows) == 13 == len(found["contrasts"][0]["channels"])
    assert float(rows[1]["cohens_d"]) == found["contrasts"][0]["channels"][1]["effect"]["value"]
    assert run(capsys, out)[0] == 2
    assert run(capsys, out, "-f")[0] == 0


def test_the_same_cases_give_the_same_page(capsys, write_batch):
    out = write_batch(two_groups(30))
    pages = []
    for _ in range(2):
        assert run(capsys, out, "-f")[0] == 0
        pages.append((out / "cohort.html").read_bytes())
    assert pages[0] == pages[1]


def test_reports_are_linked_only_from_above_them(capsys, write_batch, tmp_path):
    out = write_batch(two_groups(12))
    (tmp_path / "elsewhere").mkdir()
    assert run(capsys, out, "-o", tmp_path / "elsewhere" / "c.html")[0] == 0
    text = (tmp_path / "elsewhere" / "c.html").read_text("utf-8")
    assert "reports/" not in text
    assert str(tmp_path) not in text
    assert run(capsys, out, "-o", tmp_path / "c.html")[0] == 0
    assert 'href="out/reports/case-00001.html"' in (tmp_path / "c.html").read_text("utf-8")


def test_hostile_texts_are_shown_and_do_nothing(capsys, write_batch, tmp_path):
    cases = [
        a_case(number, f"{HOSTILE}{number % 2}", name=f"{HOSTILE}{number}.png", columns={HOSTILE: "=1+1"})
        for number in range(24)
    ]  # fmt: skip
    out = write_batch(cases, classes=(f"{HOSTILE}0", f"{HOSTILE}1"))
    assert run(capsys, out, "--csv", tmp_path / "c.csv", "--title", HOSTILE)[0] == 0
    page = (out / "cohort.html").read_text("utf-8")
    assert "alert('x')</script>" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert run(capsys, out, "--by", HOSTILE, "-f", "--csv", tmp_path / "c.csv")[0] == 0
    assert all(not line.startswith("=") for line in (tmp_path / "c.csv").read_text("utf-8").splitlines())


def test_one_group_and_few_cases_say_what_can_not_be_told(capsys, write_batch):
    out = write_batch(two_groups(20))
    code, said, _ = run(capsys, out, "--by", "none")
    assert code == 0
    assert "There is one group only (all): nothing can be compared." in said
    page = (out / "cohort.html").read_text("utf-8")
    assert 'id="channels"' not in page
    small = write_batch(two_groups(6), name="small")
    code, said, _ = run(capsys, small)
    assert "Fewer than 10 cases: NORMAL (3) and PNEUMONIA (3)." in said
    page = (small / "cohort.html").read_text("utf-8")
    assert "no p can be below 0.1, so that no single channel among 13 could pass" in page
    assert "With so few cases no p can be below 0.1" in page


def test_images_that_stand_in_it_twice_are_told(capsys, write_batch):
    cases = [*two_groups(30), a_case(90, sha256=f"{3:064x}"), a_case(91, sha256=f"{3:064x}")]
    _, said, _ = run(capsys, write_batch(cases))
    assert "2 cases have the same images as others" in said
    assert "the same image" not in run(capsys, write_batch(two_groups(30), "once"))[1]


def test_many_groups_are_not_told_one_by_one(capsys, write_batch):
    classes = tuple("abcde")
    out = write_batch([a_case(n, classes[n % 5], classes=classes) for n in range(60)], classes=classes)
    _, said, _ = run(capsys, out)
    border = next(line for line in said.splitlines() if "outer tenth" in line)
    assert border.count("%") == 3 and " to " in border


def test_the_best_of_many_channels_may_be_chance(capsys, write_batch):
    out = write_batch(two_groups(40, shift=0.0))
    _, said, _ = run(capsys, out)
    assert said.startswith("0 of 13 channels differ") and "separates best" not in said
    assert "Of 13 the best one may separate so well by chance alone." in (out / "cohort.html").read_text("utf-8")


def test_only_some_groups(capsys, write_batch, tmp_path):
    classes = ("a", "b", "c")
    out = write_batch([a_case(n, classes[n % 3], classes=classes) for n in range(36)], classes=classes)
    code, said, _ = run(capsys, out, "--only", "a, c", "--json", tmp_path / "c.json")
    assert code == 0
    assert "12 cases of other groups (by label), or of none, are left out." in said
    found = json.loads((tmp_path / "c.json").read_text())
    assert [group["name"] for group in found["groups"]] == ["a", "c"]
    assert len(found["contrasts"]) == 1


def test_a_model_without_feature_maps_has_no_channels_to_compare(capsys, write_batch):
    out = write_batch([a_case(number, CLASSES[number % 2], channel_means={}) for number in range(30)])
    code, said, errors = run(capsys, out)
    assert (code, errors) == (0, "")
    assert "channel" not in said
    assert 'id="channels"' not in (out / "cohort.html").read_text("utf-8")


@pytest.mark.parametrize("count", [1, 2])
def test_one_case_or_two_make_a_page(capsys, write_batch, count):
    out = write_batch(two_groups(count))
    assert run(capsys, out)[0] == 0


def test_several_classes_and_cases_without_maps(capsys, write_batch):
    classes = ("a", "b", "c")
    cases = [a_case(n, classes[n % 3], classes=classes, evidence=None, border_share=np.nan) for n in range(36)]
    out = write_batch(cases, classes=classes, head="softmax", threshold=None)
    assert run(capsys, out, "--map", "pca")[0] == 0
    page = (out / "cohort.html").read_text("utf-8")
    assert "the others" in page
    assert 'id="maps"' not in page
    found = measured(out)
    assert [one.class_name for one in found.scores] == list(classes)
    assert found.likenesses is None


def test_a_sample_is_said_to_be_one(capsys, write_batch):
    out = write_batch(two_groups(60))
    assert run(capsys, out, "--sample", "20")[0] == 0
    assert "at most 20 cases of a group, drawn by a hash" in (out / "cohort.html").read_text("utf-8")
    found = measured(out, sample=20)
    assert (found.contrasts[0].ranked_here, found.contrasts[0].cases_here) == (20, 30)
    whole = measured(out)
    assert found.contrasts[0].channels[0].effect == whole.contrasts[0].channels[0].effect


def test_the_map_has_each_case_once(write_batch):
    found = measured(write_batch(two_groups(25)))
    points = found.case_map.points
    assert {type(point) for point in points} == {MapPoint}
    assert sorted(point.example.item for point in points) == [f"case-{number:05d}" for number in range(25)]
    assert sum(found.case_map.explained) <= 1
    assert all(point.example.picture for point in points)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--by", "age"], "--by names no column of the cases: 'age'; give one of label, predicted, correct"),
        (["--by", " "], "--by is empty"),
        (["--only", "TB"], "no case's label is 'TB'"),
        (["--map", "tsne"], "--map is 'tsne'; give pca or umap"),
        (["--sample", "3"], "--sample is 3; give 20 to 100,000"),
        (["--by", "patient"], "more than 12 groups"),
        (["--json", "{out}/cohort.html"], "two outputs would be written to the same file"),
        (["-o", "{out}/.reportgen/batch.json", "-f"], "is one of the inputs"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(capsys, write_batch, arguments, told):
    out = write_batch(two_groups(40))
    code, _, errors = run(capsys, out, *(one.format(out=out) for one in arguments))
    assert code == 2
    assert told in errors
    assert errors.count("\n") == 1
    assert not (out / "cohort.html").exists()


def test_folders_without_cases_are_refused(capsys, write_batch, tmp_path):
    code, _, errors = run(capsys, tmp_path)
    assert (code, "holds no batch" in errors) == (2, True)
    code, _, errors = run(capsys, tmp_path / "nowhere")
    assert (code, "nowhere holds no batch" in errors) == (2, True)
    code, _, errors = run(capsys, write_batch([]))
    assert (code, "holds no case that is done" in errors) == (2, True)
    unlabelled = write_batch([a_case(number, None) for number in range(5)], name="unlabelled")
    code, _, errors = run(capsys, unlabelled)
    assert (code, "none of the 5 cases has a value of label" in errors) == (2, True)
    assert run(capsys, unlabelled, "--by", "predicted")[0] == 0
    damaged = write_batch(two_groups(3), name="damaged")
    (damaged / ".reportgen" / "numbers" / "case-00001.npz").write_bytes(b"PK")
    code, _, errors = run(capsys, damaged)
    assert (code, errors.count("\n")) == (2, 1)


def test_umap_is_the_same_every_time(write_batch):
    pytest.importorskip("umap", reason="umap-learn isn't installed")
    out = write_batch(two_groups(60))
    first, second = (measured(out, method="umap").case_map for _ in range(2))
    assert first == second
    assert first.method == "UMAP"
    x = {name: np.mean([p.x for p in first.points if p.example.group == name]) for name in CLASSES}
    assert all(np.isfinite(list(x.values())))


def test_without_umap_the_command_says_what_to_install(capsys, write_batch, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    code, _, errors = run(capsys, write_batch(two_groups(12)), "--map", "umap")
    assert code == 2
    assert "--map umap needs umap-learn; pip install" in errors
