from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from reportgen.outputs.page.methods import WORKS, describe_methods
from reportgen.outputs.page.rendering import render_html
from reportgen.report.report import Report
from reportgen.settings.file import settings_from
from reportgen.settings.report import public_settings
from reportgen.system.text import visible

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def report(make_report):
    return make_report()


def of_one_scan(report: Report, **changed: object) -> Report:
    cases = []
    for case in report.cases:
        scan = case.occlusion.scans[0]
        found = dataclasses.replace(case.occlusion, scans=(scan,), weights=(1.0,), **changed)
        cases.append(dataclasses.replace(case, occlusion=found, further_occlusion=()))
    return dataclasses.replace(report, cases=tuple(cases))


def without_scan(report: Report) -> Report:
    return dataclasses.replace(
        report,
        cases=tuple(
            dataclasses.replace(case, occlusion=None, further_occlusion=(), map_test=None, decision=None)
            for case in report.cases
        ),
    )


def words(report: Report) -> str:
    return " ".join(describe_methods(report).paragraphs)


def test_works_are_numbered_as_they_are_cited(report):
    methods = describe_methods(of_one_scan(report, unit="bits", engine="incremental"))
    text = " ".join(methods.paragraphs)
    cited = [int(number) for found in re.findall(r"\[([\d, ]+)\]", text) for number in found.split(", ")]
    assert list(dict.fromkeys(cited)) == list(range(1, len(methods.references) + 1))
    assert "occlusion [1]" in text and "Zeiler" in methods.references[0]
    assert len(re.findall(r"^@\w+\{", methods.bibtex, re.M)) == len(methods.references) + 1
    assert "@software{reportgen," in methods.bibtex


def test_one_patch_and_one_fill_say_nothing_of_how_scans_are_combined(report):
    one = of_one_scan(report)
    scan = one.cases[0].occlusion.scans[0]
    text = words(one)
    assert "weighted mean" not in text
    assert f"{scan.patch[0]} × {scan.patch[1]} pixels in steps of {scan.stride[0]} × {scan.stride[1]}" in text
    assert f"{scan.count} position" in text


def test_two_classes_told_by_one_number_are_one_output(report):
    model = dataclasses.replace(report.model, output_shape=(1,), class_names=("calm", "odd"))
    assert "1 output, " in words(dataclasses.replace(report, model=model))


def test_numbers_of_a_regression_are_no_bits(report):
    text = words(of_one_scan(report, unit="output"))
    assert "lowers the model's output" in text and "bits" not in text


def test_without_a_scan_nothing_is_said_of_one(report):
    methods = describe_methods(dataclasses.replace(without_scan(report), differences=None))
    assert methods.references == ()
    assert not re.search("occlusion|deletion|flips", " ".join(methods.paragraphs))
    assert methods.bibtex.startswith("@software{reportgen,")


def test_every_work_is_cited_in_the_documents():
    text = " ".join(
        " ".join((DOCS / name).read_text(encoding="utf-8").split()) for name in ("occlusion.md", "evidence.md")
    )
    for work in WORKS.values():
        assert work.fields["title"].strip("{}") in text
        assert all(
            work.fields[key].replace("--", "-") in text
            for key in ("eprint", "doi", "pages", "year")
            if key in work.fields
        )
        last = [one.partition(",")[0] for one in work.fields["author"].split(" and ")]
        assert all(name in text for name in last), last


def test_command_and_settings_make_the_same_again(report):
    asked = {"model": {"path": "/home/jane/m.keras"}, "occlusion": {"patch": [3, 4], "fill": "mean"}, "title": "T"}
    settings = public_settings(settings_from(asked))
    methods = describe_methods(dataclasses.replace(report, settings=settings))
    assert "-m m.keras -c report.toml" in methods.command and "jane" not in methods.command + methods.settings
    assert "'NORMAL=" in methods.command or " NORMAL=" in methods.command
    read = tomllib.loads(methods.settings)
    assert read == {"title": "T", "occlusion": {"patch": [3, 4], "fill": "mean"}}
    assert settings_from(read).occlusion == settings_from(asked).occlusion


def test_defaults_need_no_file(report):
    methods = describe_methods(dataclasses.replace(report, settings=public_settings(settings_from({}))))
    assert methods.settings == "" and "-c" not in methods.command


@pytest.mark.parametrize("settings", [{}, {"model": 3, "page": [], "preprocessing": None}, {"model": {"path": [None]}}])
def test_settings_of_a_saved_report_can_be_anything(report, settings):
    assert 'id="methods"' in render_html(dataclasses.replace(report, settings=settings))


def test_the_page_holds_them_escaped(make_report):
    html = render_html(make_report('"><script>alert(1)</script>'))
    part = html[html.index('id="methods"') :]
    part = part[: part.index("</section>")]
    assert "<script" not in part and visible("References") in part and "@inproceedings{zeiler2014," in part
