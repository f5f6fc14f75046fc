"""Evidence that is saved and read back is the same, for each kind of head; what can't be is refused."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from reportgen import build_report, image_from_array
from reportgen.outputs.saved.integrity import flaw
from reportgen.outputs.saved.reader import read_saved
from reportgen.outputs.saved.report_json import render_json
from reportgen.report.decision import Turn
from reportgen.report.grid_shift import GridShift
from reportgen.report.importance import combined_importance
from reportgen.settings.file import settings_from

NAN = float("nan")
PATCHES = {"patch": [[4, 6], [8, 12]], "stride": [[4, 6], [8, 12]]}
HEADS = {
    "sigmoid": (1, "sigmoid", {"class_names": ["NO", "YES"]}, {}),
    "softmax": (3, "softmax", {"class_names": ["A", "B", "C"]}, {"target": "B"}),
    "multi-label": (3, "sigmoid", {"class_names": ["A", "B", "C"], "head": "sigmoid"}, {"target": ["A", "C"]}),
    "regression": (1, "linear", {"head": "regression", "class_names": ["age"]}, {}),
}


def report_of(head):
    outputs, activation, of_model, occlusion = HEADS[head]
    keras.utils.set_random_seed(5)
    model = keras.Sequential([
        layers.Input((16, 24, 1)), layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D(),
        layers.Dense(outputs, activation=activation),
    ])  # fmt: skip
    pixels = np.zeros((16, 24, 1), np.uint8)
    pixels[2:9, 3:12] = 180
    pixels[10:, ::3] = 90
    tables = {"preprocessing": {"mode": "none"}, "model": of_model, "occlusion": {**PATCHES, **occlusion}}
    return build_report(model, [(None, image_from_array(pixels))], settings_from(tables))


@pytest.fixture(scope="module", params=list(HEADS))
def of_head(request):
    return report_of(request.param)


@pytest.fixture(scope="module")
def report():
    return report_of("sigmoid")


def test_what_is_read_back_is_what_was_written(of_head, tmp_path):
    (tmp_path / "report.json").write_bytes(render_json(of_head))
    for picture in of_head.pictures:
        (tmp_path / picture.file_name).write_bytes(picture.data)
    back = read_saved(tmp_path / "report.json").report
    assert render_json(back) == render_json(of_head)
    for case, own in zip(back.cases, of_head.cases, strict=True):
        assert (case.occlusion, case.further_occlusion) == (own.occlusion, own.further_occlusion)
        assert (case.map_test, case.decision) == (own.map_test, own.decision)
        for one, other in zip(case.occlusion_maps, own.occlusion_maps, strict=True):
            np.testing.assert_array_equal(combined_importance(one), combined_importance(other))


def test_a_number_has_a_test_and_no_decision(of_head):
    (case,) = of_head.cases
    decided = of_head.model.head != "regression"
    assert (case.decision is not None) == decided
    assert case.map_test is not None


def spoil_test(case, **fields):
    return replace(case, map_test=replace(case.map_test, **fields))


def spoil_curves(case, **fields):
    return spoil_test(case, curves=(replace(case.map_test.curves[0], **fields), *case.map_test.curves[1:]))


def spoil_decision(case, **fields):
    return replace(case, decision=replace(case.decision, **fields))


def spoil_shift(case, **fields):
    right = GridShift(median=0.1, largest=0.5, correlation=0.9, grids=4)
    return replace(case, grid_shift=replace(right, **fields))


def spoil_scan(case, **fields):
    first, *others = case.occlusion.scans
    return replace(case, occlusion=replace(case.occlusion, scans=(replace(first, **fields), *others)))


SPOILT = {
    "positions from below": lambda case: spoil_scan(case, row_starts=case.occlusion.scans[0].row_starts[::-1]),
    "curves of another length": lambda case: spoil_curves(case, deletion=(1.0, 2.0)),
    "no curves": lambda case: spoil_test(case, curves=()),
    "no random orders": lambda case: spoil_curves(case, random_deletion=(), random_insertion=()),
    "one random order less": lambda case: spoil_curves(
        case, random_insertion=case.map_test.curves[0].random_insertion[1:]
    ),
    "a stand-in twice": lambda case: spoil_test(case, curves=case.map_test.curves[:1] * 2),
    "a stand-in that is none": lambda case: spoil_curves(case, baseline="noise"),
    "a share that is no number": lambda case: spoil_test(case, shares=(0, NAN, *case.map_test.shares[2:])),
    "shares that fall": lambda case: spoil_test(case, shares=case.map_test.shares[::-1]),
    "a unit that is none": lambda case: spoil_test(case, unit="volts"),
    "a unit of another map": lambda case: spoil_test(case, unit="output"),
    "a block that is larger than the image": lambda case: spoil_test(case, block=(17, 2)),
    "a class that the test doesn't know": lambda case: spoil_test(case, followed="DOG"),
    "an order that its map has, denied": lambda case: spoil_test(case, ordered=False),
    "a test without a map": lambda case: replace(case, occlusion=None, decision=None),
    "a decision without a map": lambda case: replace(case, occlusion=None, map_test=None),
    "a class that the decision doesn't know": lambda case: spoil_decision(case, followed="DOG"),
    "a share of 0": lambda case: spoil_decision(case, flip=Turn(share=0, score=0.1, evidence=1.0)),
    "a share above 1": lambda case: spoil_decision(case, flip=Turn(share=1.01, score=0.1, evidence=1.0)),
    "a share of no number": lambda case: spoil_decision(case, flip=Turn(share=NAN, score=0.1, evidence=1.0)),
    "more patches than positions": lambda case: spoil_decision(
        case, flipping_patches=case.occlusion.positions + 1, smallest_flipping=(4, 6)
    ),
    "a negative number of patches": lambda case: spoil_decision(case, flipping_patches=-1, smallest_flipping=(4, 6)),
    "a patch that no scan has": lambda case: spoil_decision(case, flipping_patches=1, smallest_flipping=(3, 3)),
    "a number of patches without their size": lambda case: spoil_decision(
        case, flipping_patches=1, smallest_flipping=None
    ),
    "restored though never lost": lambda case: spoil_decision(
        case, blurred_agrees=True, restore=Turn(share=0.5, score=0.6, evidence=1.0)
    ),
    "a shift that is larger in the median than at most": lambda case: spoil_shift(case, median=2.0, largest=1.0),
    "a shift below nothing": lambda case: spoil_shift(case, median=-1.0),
    "a shift of no number": lambda case: spoil_shift(case, largest=NAN),
    "a shift of one grid": lambda case: spoil_shift(case, grids=1),
    "a likeness of grids above 1": lambda case: spoil_shift(case, correlation=1.5),
    "a test of a further map that isn't there": lambda case: replace(case, further_tests=(case.map_test,)),
    "a decision on a further map that isn't there": lambda case: replace(case, further_decisions=(case.decision,)),
}  # fmt: skip


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_cannot_be_is_found(report, spoilt):
    assert flaw(report) is None
    (case,) = report.cases
    assert flaw(replace(report, cases=(SPOILT[spoilt](case),))) is not None
