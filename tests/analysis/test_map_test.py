"""What is said of a map's own test: the sentence that must stand there in each situation, and those that must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.analysis.map_test import map_remarks
from reportgen.figures.curves import map_test_chart
from reportgen.report.maptest import MapTest, TestCurves

NAN = float("nan")
FOUND, PART, CHANCE = "found what the model relies on", "found part of what", "no better than chance; don't read it"
UNTOLD, LOST = "changes the evidence for CAT by no more than rounding", "gives no numbers"


def curves(deletion, insertion, random=(3, 4, 5, 6, 7, 8, 9, 10), baseline="blur"):
    rows = tuple((value,) * 4 for value in random)
    return TestCurves(
        baseline=baseline, deletion=(deletion,) * 4, insertion=(insertion,) * 4, random_deletion=rows,
        random_insertion=rows,
    )  # fmt: skip


def test_of(*both, unit="bits", followed="CAT", supports=True):
    return MapTest(
        followed=followed, supports_target=supports, unit=unit, shares=(0.0, 0.333333, 0.666667, 1.0), block=(2, 3),
        curves=both,
    )  # fmt: skip


test_of.__test__ = False

SITUATIONS = {
    "better both ways": (curves(1, 12), FOUND, False),
    "only when deleting": (curves(1, 5), "better than chance when blurring, not when putting back", False),
    "only when inserting": (curves(6, 12), "better than chance when putting back, not when blurring", False),
    "no better": (curves(7, 5), CHANCE, True),
    "uniform image": (curves(2.0, 2.0, (2.0,) * 8), UNTOLD, True),
    "no numbers": (curves(NAN, 2.0), LOST, True),
    "saturated scores that differ in bits": (curves(18.0, 30.0, (20, 21, 22, 23, 24, 25, 26, 27)), FOUND, False),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_its_sentence(situation, make_case):
    found, sentence, warned = SITUATIONS[situation]
    (remark,) = map_remarks([replace(make_case("CAT"), map_test=test_of(found))])
    assert sentence in remark.text
    assert remark.warning == warned
    for other in {FOUND, PART, CHANCE, UNTOLD, LOST} - {sentence}:
        assert other not in remark.text or sentence.startswith("better than chance when")


def test_an_order_made_by_rounding_gives_no_verdict(make_case):
    """However its curves come out."""
    for found in (curves(1, 12), curves(1, 5), curves(7, 5)):
        test = replace(test_of(found), ordered=False)
        (remark,) = map_remarks([replace(make_case("CAT"), map_test=test)])
        assert "could not be tested: but for rounding, all its pixels have the same value" in remark.text
        assert (remark.warning, remark.numbers, remark.interpretation) == (True, {}, "")
        for other in (FOUND, PART, CHANCE, UNTOLD, LOST, "better than chance"):
            assert other not in remark.text


def test_nothing_is_said_where_nothing_was_tried(make_case):
    assert map_remarks([make_case("CAT")]) == ()


def test_a_number_that_is_no_class_has_no_bits(make_case):
    test = test_of(curves(1, 12), unit="output", followed="age")
    (remark,) = map_remarks([replace(make_case("CAT"), map_test=test)])
    assert "bits" not in remark.text + remark.interpretation
    assert "evidence" not in remark.text
    assert "leaves age at 1.000" in remark.text


def test_against_the_target_it_says_what_counts(make_case):
    test = test_of(curves(1, 12), followed="NORMAL", supports=False)
    (remark,) = map_remarks([replace(make_case("CAT"), map_test=test)])
    assert "evidence for NORMAL" in remark.text
    assert "lowest values" in remark.interpretation


def test_the_second_stand_in_is_named_where_it_disagrees(make_case):
    agreeing = test_of(curves(1, 12), curves(1, 12, baseline="imputed"))
    against = test_of(curves(1, 12), curves(7, 5, baseline="imputed"))
    one, other = (map_remarks([replace(make_case("CAT"), map_test=test)])[0].text for test in (agreeing, against))
    assert "neighbours" not in one
    assert "guessed from their neighbours instead of blurred, it is better than chance neither way" in other


def test_the_chart_tells_its_finding():
    shown = map_test_chart("case1-occlusion-test", "CAT", test_of(curves(1, 12), curves(7, 5, baseline="imputed")))
    assert "deletion is 1.000 bits on average, lower than 8 of 8 random orders" in shown.alt
    assert "8 random orders of blocks of 2 × 3 pixels" in shown.caption
    assert shown.data.startswith(b"\x89PNG")
