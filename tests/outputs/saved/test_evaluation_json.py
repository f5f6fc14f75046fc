"""An evaluation's JSON holds all of it, and only what this program wrote is read back."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from reportgen.outputs.saved.evaluation_json import is_evaluation, read_evaluation, render_evaluation_json
from reportgen.outputs.saved.report_json import content_digest
from reportgen.system.errors import OutputError

sys.path.insert(0, str(Path(__file__).parents[1]))
from evaluations import POSITIVE, make_evaluation


@pytest.fixture(scope="module")
def evaluation():
    return make_evaluation("<b>&")


@pytest.fixture
def path(tmp_path, evaluation):
    path = tmp_path / "evaluation.json"
    path.write_bytes(render_evaluation_json(evaluation))
    return path


def refused(path, change):
    table = json.loads(path.read_text())
    change(table)
    table["content_sha256"] = content_digest(table)
    path.write_text(json.dumps(table))
    with pytest.raises(OutputError) as problem:
        read_evaluation(path)
    assert str(path) in str(problem.value)
    return str(problem.value)


def an_average(table, name):
    return {"name": name, "auc": table["accuracy"], "average_precision": table["accuracy"]}


@pytest.mark.parametrize("names", [(), ("macro",), ("macro", "<b>"), ("micro", "macro")])
def test_several_classes_have_both_averages(tmp_path, names):
    path = tmp_path / "evaluation.json"
    path.write_bytes(render_evaluation_json(make_evaluation(kind="several")))
    assert "averages" in refused(path, lambda table: table.update(averages=[an_average(table, one) for one in names]))


@pytest.mark.parametrize("kind", ["two", "several", "findings"])
def test_what_is_read_is_what_was_written(tmp_path, kind):
    written = make_evaluation(kind=kind)
    path = tmp_path / "evaluation.json"
    path.write_bytes(render_evaluation_json(written))
    read = read_evaluation(path)
    # numbers that aren't defined differ from themselves: compared as they are written
    assert render_evaluation_json(read) == path.read_bytes()
    assert read.mistakes == written.mistakes
    assert read.mistakes[0].thumbnail.data.startswith(b"\xff\xd8\xff")
    assert read.images == written.images


def test_it_is_told_from_other_files(path, tmp_path):
    assert is_evaluation(path)
    other = tmp_path / "report.json"
    other.write_text("{}")
    assert not is_evaluation(other)
    assert not is_evaluation(tmp_path)
    assert not is_evaluation(tmp_path / "absent.json")
    with pytest.raises(OutputError, match="is no evaluation"):
        read_evaluation(other)
    with pytest.raises(OutputError, match="not found"):
        read_evaluation(tmp_path / "absent.json")
    with pytest.raises(OutputError, match="is a folder"):
        read_evaluation(tmp_path)


def test_an_edited_number_is_noticed(path):
    path.write_text(path.read_text().replace('"images": 20', '"images": 21'))
    with pytest.raises(OutputError, match="was edited"):
        read_evaluation(path)


def test_one_that_is_cut_off(path):
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(OutputError, match="damaged"):
        read_evaluation(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.update(schema_version=2), "newer"),
        (lambda table: table.update(more=1), "unknown"),
        (lambda table: table["images"][0].update(correct="yes"), "not what it should be"),
        (lambda table: table["images"][0].update(labels=[2]), "doesn't fit its model"),
        (lambda table: table["images"].pop(), "aren't all there"),
        (lambda table: table["images"][0].update(sha256="x"), "doesn't fit its model"),
        (lambda table: table.update(confusion=[[1, 2]]), "confusion matrix"),
        (lambda table: table["classes"][0].update(number=0), "hold together"),
        (lambda table: table["classes"][0]["roc"]["x"].pop(), "hold together"),
        (lambda table: table["mistakes"][0].update(image=20), "mistakes"),
        (lambda table: table["mistakes"][0]["thumbnail"].update(data="QUJD"), "mistakes"),
        (lambda table: table["mistakes"][0].update(report="javascript:alert(1)"), "beside it"),
        (lambda table: table["mistakes"][0].update(report="../../x.html"), "beside it"),
        (lambda table: table.update(created="yesterday"), "date"),
        (lambda table: table["confidence"]["bins"].pop(), "calibration"),
        (lambda table: table["resampling"].update(samples=0), "intervals"),
        (lambda table: table["model"].update(sha256=""), "model"),
        (lambda table: table.update(versions={}), "what wrote it"),
        (lambda table: table.update(task="regression"), "task"),
        (lambda table: table.update(language="../../etc"), "language"),
        (lambda table: table["averages"].append(an_average(table, "macro")), "averages"),
    ],
)
def test_what_does_not_hold_together(path, change, told):
    assert told in refused(path, change)


def test_one_from_before_there_were_languages_is_english(path):
    table = json.loads(path.read_text())
    del table["language"], table["content_sha256"]
    table["content_sha256"] = content_digest(table)
    path.write_text(json.dumps(table))
    assert read_evaluation(path).language == "en"


def test_nothing_of_it_is_a_group_name(evaluation):
    """Patients are numbers."""
    assert {type(image.group) for image in evaluation.images} == {int}
    assert dataclasses.asdict(evaluation)["data"]["groups"] == 10
    assert np.count_nonzero(POSITIVE) == sum(1 in image.labels for image in evaluation.images)
