"""Evidence in bits, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.predictions import Head
from reportgen.analysis.weight_of_evidence import CLIPPED, FROM_SCORES, Readout, activate

TWO, THREE = ("no", "yes"), ("a", "b", "c")
LN2 = np.log(2)


def test_one_sigmoid_is_for_one_class_what_it_is_against_the_other():
    found = Readout(Head("sigmoid", TWO, 0.5), cut=True).evidence(np.array([[3 * LN2], [-40.0], [0.0]]))
    np.testing.assert_allclose(found, [[-3, 3], [40 / LN2, -40 / LN2], [0, 0]])


def test_independent_findings_have_each_their_own():
    head = Head("sigmoid", THREE, 0.5, 3, (0.5, 0.5, 0.5))
    found = Readout(head, cut=True).evidence(np.array([[LN2, -2 * LN2, 30 * LN2]]))
    np.testing.assert_allclose(found, [[1, -2, 30]])


def test_softmax_is_against_all_others_together():
    # odds of 4 to 1 + 1, of 1 to 4 + 1
    logits = np.log([[4.0, 1.0, 1.0]])
    found = Readout(Head("softmax", THREE, 0.5, 3), cut=True).evidence(logits)
    np.testing.assert_allclose(found, [[1, -np.log2(5), -np.log2(5)]])
    np.testing.assert_allclose(Readout(Head("softmax logits", THREE, 0.5, 3)).evidence(logits + 500), found)


def test_what_saturates_in_scores_does_not_in_logits():
    logits = np.array([[50.0], [60.0]])
    readout = Readout(Head("sigmoid", TWO, 0.5), cut=True)
    assert np.ptp(readout.scores(logits)[:, 1].astype(np.float32)) == 0
    assert np.diff(readout.evidence(logits)[:, 1]) == pytest.approx(10 / LN2)
    assert readout.notes(logits) == ()


def test_scores_alone_give_the_same_where_they_have_digits():
    head = Head("softmax", THREE, 0.5, 3)
    logits = np.array([[1.0, -2.0, 0.5]])
    scores = Readout(head, cut=True).outputs(logits)
    np.testing.assert_allclose(Readout(head).evidence(scores), Readout(head, cut=True).evidence(logits))
    assert Readout(head).notes(scores) == (FROM_SCORES,)


def test_scores_of_exactly_0_and_1_are_taken_as_their_neighbours_and_that_is_said():
    readout = Readout(Head("sigmoid", TWO, 0.5))
    raw = np.array([[1.0], [0.0], [0.75]], np.float32)
    np.testing.assert_allclose(readout.evidence(raw)[:, 1], [24, -126, np.log2(3)], rtol=1e-6)
    assert readout.notes(raw) == (FROM_SCORES, CLIPPED)


def test_numbers_that_stand_for_no_class_stay_as_they_are():
    readout = Readout(Head("regression", THREE, 0.5, 3))
    raw = np.array([[1.5, -2.0, 1000.0]])
    assert readout.evidence(raw).tolist() == raw.tolist()
    assert (readout.unit, readout.notes(raw)) == ("output", ())


@pytest.mark.parametrize("kind", ["sigmoid", "softmax"])
def test_a_logit_that_is_no_number_gives_no_evidence(kind):
    head = Head(kind, TWO, 0.5, 2, (0.5, 0.5) if kind == "sigmoid" else ())
    assert np.isnan(Readout(head, cut=True).evidence(np.array([[np.nan, np.nan]]))).all()


@pytest.mark.parametrize(
    ("kind", "width", "cut"),
    [
        ("sigmoid", 1, False), ("sigmoid", 3, False), ("softmax", 4, False), ("softmax", 2, False),
        ("sigmoid", 1, True), ("softmax", 4, True), ("sigmoid logits", 3, False), ("regression", 2, False),
    ],
)  # fmt: skip
def test_slopes_are_what_small_steps_find(kind, width, cut):
    random = np.random.default_rng(3)
    raw = random.normal(size=(2, width))
    if not cut and kind in ("sigmoid", "softmax"):
        raw = activate(raw, kind)
    names = tuple("ABCD"[: max(2, width) if kind != "regression" else width])
    readout = Readout(Head(kind, names, 0.5, width), cut=cut)
    for target in range(len(names)):
        found, step = readout.slopes(raw, target), 1e-6
        for column in range(width):
            moved = step * np.eye(width)[column]
            rise = readout.evidence(raw + moved)[:, target] - readout.evidence(raw - moved)[:, target]
            # of two scores, the other alone says what is left
            assert found[:, column] == pytest.approx(rise / step / 2, rel=1e-4, abs=1e-4)
