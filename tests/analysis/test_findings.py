"""Independent findings: what a label says of them, what is said of a score, and which the scan follows."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.findings import all_correct, judge_findings, label_notes, labelled_findings
from reportgen.analysis.predictions import Head, best_predictions, is_decided
from reportgen.analysis.targets import target_classes
from reportgen.system.errors import SettingsError

NAMES = ("Mass", "Pleural_Thickening", "Pneumonia", "HER2+")
HEAD = Head("sigmoid", NAMES, 0.5, 4, (0.5, 0.3, 0.9, 0.5))
ROW = np.array([0.6, 0.3, 0.8, 0.1])  # at their thresholds: there, there, not there, not there


@pytest.mark.parametrize(
    ("label", "known", "present", "unknown"),
    [
        (None, False, (), ()),
        ("mass", True, (0,), ()),
        ("Mass+pleural thickening", True, (0, 1), ()),
        (" pneumonia + Mass +", True, (2, 0), ()),
        ("Mass+Mass", True, (0,), ()),
        ("HER2+", True, (3,), ()),
        ("No Finding", True, (), ()),
        ("normal", True, (), ()),
        ("Mass+Scoliosis", True, (0,), ("Scoliosis",)),
        ("Scoliosis", False, (), ("Scoliosis",)),
        ("+", False, (), ()),
    ],
)
def test_what_a_label_names(label, known, present, unknown):
    found = labelled_findings(label, NAMES)
    assert (found.known, found.present, found.unknown) == (known, present, unknown)


def test_no_finding_that_is_a_class_of_its_own():
    assert labelled_findings("no_finding", ("No Finding", "Mass")).present == (0,)


def test_what_else_a_label_names_is_said():
    assert label_notes("Mass+Scoliosis", NAMES) == ("Named by its label, and none of the model's findings: Scoliosis.",)
    assert label_notes("Mass", NAMES) == label_notes(None, NAMES) == ()


def test_each_finding_is_judged_by_its_own_threshold():
    found = judge_findings(HEAD, "Mass+Pneumonia", ROW)
    assert [one.class_name for one in found] == list(NAMES)
    assert [one.present for one in found] == [True, True, False, False]
    assert [one.labelled for one in found] == [True, False, True, False]
    assert [one.correct for one in found] == [True, False, False, True]
    assert all_correct(found) is False
    assert all_correct(judge_findings(HEAD, "Mass+Pleural Thickening", ROW)) is True


def test_without_a_label_nothing_is_right_or_wrong():
    for label in (None, "Scoliosis"):
        found = judge_findings(HEAD, label, ROW)
        assert {one.correct for one in found} == {None}
        assert all_correct(found) is None


def test_what_is_no_number_is_not_judged():
    found = judge_findings(HEAD, "No Finding", np.array([np.nan, 0.1, 0.1, 0.1]))
    assert [one.correct for one in found] == [None, True, True, True]
    assert not found[0].present


def test_a_choice_of_one_has_no_findings():
    assert judge_findings(Head("softmax", NAMES, 0.5, 4), "Mass", ROW) == ()


def test_those_that_are_said_come_first_and_all_are_there():
    # Pneumonia scores highest and stays below its threshold
    assert [one.class_name for one in best_predictions(HEAD, ROW)] == [
        "Mass",
        "Pleural_Thickening",
        "Pneumonia",
        "HER2+",
    ]
    assert HEAD.predicted(np.array([0.1, 0.1, 0.8, 0.2])) == 2
    many = Head("sigmoid", tuple(f"kind {number}" for number in range(14)), 0.5, 14, (0.5,) * 14)
    assert len(best_predictions(many, np.linspace(0, 1, 14))) == 14


def test_two_findings_with_one_score_are_no_tie():
    assert is_decided(HEAD, np.array([0.6, 0.6, 0.1, 0.1]))
    assert not is_decided(HEAD, np.array([np.nan, 0.6, 0.1, 0.1]))


SCORES = np.array([ROW, [0.1, 0.1, 0.1, 0.9]])


@pytest.mark.parametrize(
    ("wanted", "labels", "expected"),
    [
        ("auto", (None, None), ((0,), (3,))),
        ("auto", ("No Finding", "Pneumonia+Mass"), ((2,), (2,))),
        ("predicted", ("No Finding", "Mass"), ((0,), (3,))),
        ("label", ("Mass+Pneumonia", "HER2+"), ((0, 2), (3,))),
        ("label", ("No Finding", "Pneumonia"), ((2,), (2,))),
        ("label", ("No Finding", "normal"), ((0,), (3,))),
        ("pneumonia", (None, None), ((2,), (2,))),
        (("Pneumonia", 0, "mass"), (None, None), ((2, 0), (2, 0))),
    ],
)
def test_which_findings_the_scan_follows(wanted, labels, expected):
    assert target_classes(wanted, HEAD, labels, SCORES) == expected


@pytest.mark.parametrize(
    ("wanted", "labels", "message"),
    [
        ("label", ("Mass", None), "needs a label for every case"),
        ("label", ("Mass", "Scoliosis"), "'Scoliosis' is unknown"),
        (("Mass", "Scoliosis"), (None, None), "'Scoliosis' is unknown"),
        ((), (None, None), "names no class"),
    ],
)
def test_what_can_not_be_followed(wanted, labels, message):
    with pytest.raises(SettingsError, match=message):
        target_classes(wanted, HEAD, labels, SCORES)
