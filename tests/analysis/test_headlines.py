"""The first screen's sentences: what each situation must and must not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.analysis.headlines import headline_remarks, tell_bits
from reportgen.report.decision import Decision, Turn
from reportgen.report.maptest import BLUR, MapTest, TestCurves

HALF = Turn(share=0.25, score=0.49, evidence=-0.06)
DECISION = Decision(followed="PNEUMONIA", blurred_score=0.2, blurred_evidence=-2.0, blurred_agrees=False)
RANDOM = tuple((4.0, 2.0 + number / 10, 0.0) for number in range(8))
BACK = tuple((0.0, 2.0 - number / 10, 4.0) for number in range(8))


def test_of(deletion: float, insertion: float) -> MapTest:
    curves = TestCurves(
        baseline=BLUR, deletion=(4.0, deletion, 0.0), insertion=(0.0, insertion, 4.0), random_deletion=RANDOM,
        random_insertion=BACK,
    )  # fmt: skip
    return MapTest(
        followed="PNEUMONIA", supports_target=True, unit="bits", shares=(0.0, 0.5, 1.0), block=(2, 2), curves=(curves,)
    )


test_of.__test__ = False
BACK_AGAIN = "overturns the decision PNEUMONIA, though blurring all of it doesn't."
TURNS, CARRIES, AGREES = "Blurring 25 % of the image overturns", "One patch at the", "No part alone carries PNEUMONIA"
DECIDES = {
    "flips": ({"decision": replace(DECISION, flip=HALF)}, {TURNS, CARRIES}),
    "the blurred image says the same": (
        {"decision": replace(DECISION, blurred_agrees=True, blurred_score=0.9)}, {AGREES, "0.900"},
    ),
    "a patch flips it, though the blurred image says the same": (
        {"decision": replace(DECISION, blurred_agrees=True, flipping_patches=3, smallest_flipping=(10, 12))},
        {"A single patch of 10 × 12 pixels can overturn the decision PNEUMONIA"},
    ),
    "it flips on the way": (
        {"decision": replace(DECISION, blurred_agrees=True, flip=HALF)}, {TURNS, CARRIES, BACK_AGAIN},
    ),
    "flips for the other class": ({"decision": replace(DECISION, followed="NORMAL", flip=HALF)}, {TURNS}),
    "no decision": ({}, {"Covering 10 × 12 pixels at the lower centre of the picture lowers the evidence"}),
}  # fmt: skip


@pytest.mark.parametrize("situation", DECIDES)
def test_what_decides(situation, make_case):
    fields, sentences = DECIDES[situation]
    (remark,) = headline_remarks([(0, replace(make_case(), **fields))])
    proof = "decides" if fields.get("decision") else "occlusion"
    assert (remark.kind, remark.case, remark.proof) == ("decides", 0, proof)
    for sentence in sentences:
        assert sentence in remark.text
    for other in {TURNS, CARRIES, AGREES} - sentences:
        assert other not in remark.text


@pytest.mark.parametrize(("bits", "told"), [(2.345, "2.3 bits"), (0.1, "0.1 bits"), (0.0123, "0.012 bits")])
def test_no_effect_is_told_as_0(bits, told):
    assert tell_bits(bits) == told


def test_nothing_is_claimed_of_a_map_without_effect(make_case):
    flat = make_case(grid=((0.75,) * 3,) * 2)
    (remark,) = headline_remarks([(0, replace(flat, decision=replace(DECISION, blurred_agrees=True)))])
    assert remark.text == "Covering a part of it changes nothing beyond rounding."


TRUST = {
    "both": (test_of(0.5, 3.5), "trust", "better than chance both ways (8 of 8"),
    "blurring": (test_of(0.5, 1.0), "trust", "better than chance when blurring, not when putting back"),
    "putting back": (test_of(3.0, 3.5), "trust", "better than chance when putting back, not when blurring"),
    "none": (test_of(3.0, 1.0), "doubt", "no better than chance; don't read it"),
}


@pytest.mark.parametrize("situation", TRUST)
def test_how_far_the_map_is_to_be_trusted(situation, make_case):
    test, kind, sentence = TRUST[situation]
    remark = headline_remarks([(3, replace(make_case(), map_test=test))])[1]
    assert (remark.kind, remark.case, remark.proof) == (kind, 3, "map-test")
    assert sentence in remark.text
    for other in {told for _, _, told in TRUST.values()} - {sentence}:
        assert other not in remark.text


def test_without_a_scan_nothing_is_said(make_case):
    assert headline_remarks([(0, make_case(grid=None))]) == ()


def test_what_all_maps_pass_is_said_once(make_case):
    def trust_of(*tests):
        cases = [(at, replace(make_case(f"C{at}"), map_test=one)) for at, one in enumerate(tests)]
        return [(one.case, one.text) for one in headline_remarks(cases) if one.kind in ("trust", "doubt")]

    good, poor = test_of(0.0, 4.0), test_of(5.0, 0.0)
    ((case, text),) = trust_of(good, good)
    assert case is None
    assert text.startswith("In both cases, the map found what the model relies on")
    assert [case for case, _ in trust_of(good, poor)] == [0, 1]
    assert [case for case, _ in trust_of(poor, poor)] == [0, 1]
    assert [case for case, _ in trust_of(good)] == [0]
