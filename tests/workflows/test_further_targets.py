"""A scan that follows several classes: each map has its own test and its own decision beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reportgen import build_report
from reportgen.outputs.documents.pdf import print_html
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.saved.evidence_integrity import evidence_flaws

TABLES = {
    "preprocessing": {"mode": "none"},
    "model": {"class_names": ["cat", "dog", "hen"]},
    "occlusion": {"patch": [[6, 9], [12, 12]], "fill": ["mean", "blur"], "target": ["dog", "hen"]},
    "layers": {"deciding": False},
}  # fmt: skip
HEADING = r"<h3[^>]*>hen</h3>"
UNTESTED = "Not put to the test"


def tables(**occlusion):
    return {**TABLES, "occlusion": {**TABLES["occlusion"], **occlusion}}


@pytest.fixture(scope="module")
def inputs(cases):
    return [replace(case, label=None) for case in cases]


@pytest.fixture(scope="module")
def report(nested_model, inputs):
    return build_report(nested_model, inputs, TABLES)


def plain(html):
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))


def test_each_is_tested_as_if_it_were_the_only_one(nested_model, inputs):
    # of several scans the weights in the map are chosen for all classes together
    single = {"patch": [[6, 9]], "fill": "blur"}
    report = build_report(nested_model, inputs, tables(**single))
    alone = build_report(nested_model, inputs, tables(**single, target="hen"))
    for both, one in zip(report.cases, alone.cases, strict=True):
        (test,), (decision,) = both.further_tests, both.further_decisions
        assert test.followed == one.map_test.followed
        for mine, right in zip(test.curves, one.map_test.curves, strict=True):
            for name in ("deletion", "insertion"):
                assert getattr(mine, name) == pytest.approx(getattr(right, name), abs=1e-4)
            for mine_at, right_at in zip(mine.random_deletion, right.random_deletion, strict=True):
                assert mine_at == pytest.approx(right_at, abs=1e-4)
        for name in ("followed", "blurred_agrees", "flipping_patches", "smallest_flipping", "random_restores"):
            assert getattr(decision, name) == getattr(one.decision, name)
        for name in ("flip", "restore"):
            mine, right = getattr(decision, name), getattr(one.decision, name)
            assert (mine and mine.share) == (right and right.share)
        assert list(evidence_flaws(both, report.model.class_names)) == []


def test_the_test_stands_beside_its_map(report):
    for text in (render_html(report), print_html(report)):
        further = text[re.search(HEADING, text).start() :]
        for case in report.cases:
            told = [remark.text for remark in report.remarks if remark.text.startswith(f"{case.title}, map of hen: ")]
            assert len(told) >= 3
            assert sum("he map" in one for one in told) >= 1
        for number in (1, 2):
            for kind in ("importance", "test"):
                assert report.picture(f"case{number}-occlusion2-{kind}").alt.replace("'", "&#39;") in further
        assert UNTESTED not in plain(text)
    page = plain(render_html(report))
    for remark in report.remarks:
        if remark.target == 1 and not remark.warning:
            assert page.count(remark.text.replace("'", "&#39;")) == 1


def test_a_further_map_is_no_warning_of_the_first_screen(report):
    from reportgen.outputs.page.assets import read_assets
    from reportgen.outputs.page.page import Page
    from reportgen.report.remark import Remark

    told = Remark(section="occlusion", kind="map_test", text="cat, hen: no better", target=1, warning=True)
    page = Page(report=report.with_remarks(told), style=read_assets(), script=read_assets())
    assert told not in page.first_warnings
    assert page.map_warnings(1) == (told,)
    assert page.map_warnings() == ()


def test_what_was_not_tested_says_so(nested_model, inputs):
    untested = build_report(nested_model, inputs[:1], tables(test=False))
    assert untested.cases[0].further_tests == ()
    for text in (render_html(untested), print_html(untested)):
        assert plain(text).count(UNTESTED) == 2


def test_an_older_report_has_a_test_of_its_first_map_alone(report):
    older = replace(
        report, cases=tuple(replace(case, further_tests=(), further_decisions=()) for case in report.cases)
    )  # fmt: skip
    text = render_html(older)
    assert plain(text).count(UNTESTED) == 1
    assert re.search(HEADING, text).start() < text.index(UNTESTED)


def test_tests_without_maps_are_no_report(report):
    case = report.cases[0]
    flaws = {
        "more tests": replace(case, further_tests=case.further_tests * 2),
        "no maps": replace(case, further_occlusion=()),
        "another class": replace(case, further_tests=(replace(case.further_tests[0], followed="cow"),)),
        "another share": replace(
            case, further_decisions=(replace(case.further_decisions[0], random_restores=9, random_orders=8),)
        ),
    }
    for name, made in flaws.items():
        assert list(evidence_flaws(made, report.model.class_names)), name
