"""Reports of schema 1 are still read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from reportgen import read_report
from reportgen.outputs.report_files import SavableReport
from reportgen.outputs.saved.older import brought_up_to_date
from reportgen.outputs.saved.report_json import content_digest, render_json
from reportgen.outputs.saved.schema import from_plain
from reportgen.report.report import SCHEMA_VERSION, Report
from reportgen.system.errors import ReportgenError


@pytest.fixture
def report(make_report):
    return make_report()


CORPUS = Path(__file__).parents[2] / "corpus" / "saved" / "report.json"


def test_a_real_report_of_schema_1():
    table = json.loads(CORPUS.read_text(encoding="utf-8"))
    assert table["schema_version"] == 1
    old = table["cases"][0]["occlusion"]
    made = brought_up_to_date(table, SCHEMA_VERSION)
    assert table["schema_version"] == 1  # what was read is left alone
    plain = {key: value for key, value in made.items() if key != "content_sha256"} | {"pictures": []}
    found = from_plain(Report, plain, "report").cases[0]
    assert (found.occlusion.unit, found.occlusion.weights) == ("output", (1.0,))
    assert [list(line) for line in found.occlusion.scans[0].scores] == old["scores"]
    assert found.occlusion.base_score == old["base_score"]
    assert found.importance_map().shape == tuple(table["model"]["input_shape"][:2])


def test_one_read_from_its_file(report, tmp_path):
    """A document as schema 1 wrote it, made of today's by hand."""
    table = json.loads(render_json(report))
    table["schema_version"] = 1
    for case in table["cases"]:
        found = case["occlusion"]
        scan = found["scans"][0]
        strongest = {key: found["strongest"][key] for key in ("row", "column", "top", "left", "importance")}
        kept = ("patch", "stride", "fill", "fill_colour", "row_starts", "column_starts", "scores")
        also = ("target_class", "base_score", "importance_minimum", "importance_maximum", "engine")
        case["occlusion"] = {
            **{key: scan[key] for key in kept}, **{key: found[key] for key in also}, "strongest": strongest,
            "rows": len(scan["row_starts"]), "columns": len(scan["column_starts"]), "estimated_speedup": None,
            "arithmetic_bound": None, "checked_positions": 0, "largest_difference": None,
        }  # fmt: skip
    table["content_sha256"] = content_digest(table)
    (tmp_path / "report.json").write_text(json.dumps(table), encoding="utf-8")
    for picture in report.pictures:
        (tmp_path / picture.file_name).write_bytes(picture.data)
    found = read_report(tmp_path / "report.json")
    assert found.schema_version == SCHEMA_VERSION
    # 6 x 10 pixels at columns 0 and 12, scores of 0.25 and 0.75 against 0.5; the rest was never covered
    importance = found.cases[0].importance_map()
    assert importance.shape == (24, 36)
    assert (importance[:6, :10] == 0.25).all()
    assert (importance[:6, 12:22] == -0.25).all()
    assert np.isnan(importance[6:]).all()
    found.save_html(tmp_path / "again.html")
    assert read_report(tmp_path / "again.html").cases[0].occlusion == found.cases[0].occlusion


def test_the_map_of_a_report_read_back_is_the_same(report, tmp_path):
    page = tmp_path / "report.html"
    SavableReport(**vars(report)).save_html(page)
    for case, again in zip(report.cases, read_report(page).cases, strict=True):
        np.testing.assert_array_equal(again.importance_map(), case.importance_map())


@pytest.mark.parametrize("wrong", [None, [], {"model": 3, "cases": [7, {"occlusion": {}}]}, {"cases": {}}])
def test_anything_can_be_brought_up_to_date(wrong):
    table = {"schema_version": 1, "cases": wrong} if not isinstance(wrong, dict) else {"schema_version": 1, **wrong}
    assert brought_up_to_date(table, SCHEMA_VERSION)["schema_version"] == SCHEMA_VERSION


def test_no_scan_no_map(report):
    with pytest.raises(ReportgenError, match="no occlusion scan"):
        dataclasses.replace(report.cases[0], occlusion=None).importance_map()
