"""Deletion and insertion against slow, obvious references, with a toy model whose evidence is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reportgen.analysis.metrics.faithfulness import masks_of, order_of, random_orders, test_curves
from reportgen.report.maptest import BOTH, NONE, ONE, UNKNOWN, TestCurves, mean_under

SIZE = (20, 30)
BLOCK = (2, 3)


def toy(masks):
    """Evidence of an image of ones whose gone pixels are 0: 10 bits lie evenly in rows 4 to 8, columns 6 to 12."""
    weights = np.zeros(SIZE)
    weights[4:8, 6:12] = 10 / 24
    return ((~masks) * weights).sum(axis=(1, 2)) - 4


@pytest.fixture(scope="module")
def truth():
    found = np.zeros(SIZE)
    found[4:8, 6:12] = 1
    return found


def curves_of(importance, evidence=toy, shares=16):
    return test_curves(order_of(importance), random_orders(SIZE, BLOCK), SIZE, evidence, "blur", shares)


def test_curves_are_those_of_a_loop(truth):
    found = curves_of(truth, shares=6)
    pixels = sorted(range(600), key=lambda p: -truth.ravel()[p])
    deleted, inserted = [], []
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        gone = np.zeros(600, bool)
        gone[pixels[: round(share * 600)]] = True
        deleted.append(float(toy(gone.reshape(1, *SIZE))[0]))
        inserted.append(float(toy(~gone.reshape(1, *SIZE))[0]))
    assert found.deletion == pytest.approx(deleted)
    assert found.insertion == pytest.approx(inserted)
    assert found.deletion_mean == pytest.approx(np.trapezoid(deleted, dx=0.2))


def test_random_orders_insert_what_others_delete(truth):
    found = curves_of(truth)
    assert found.orders == 8
    for deleted, inserted in zip(found.random_deletion, found.random_insertion, strict=True):
        assert inserted == deleted[::-1]
    assert found.random_insertion_means == pytest.approx(found.random_deletion_means)


@pytest.mark.parametrize("number", range(3))
def test_random_orders_go_block_by_block(number):
    order = random_orders((5, 7), (2, 3))[number]
    assert sorted(order) == list(range(35))
    blocks = [(pixel // 7 // 2, pixel % 7 // 3) for pixel in order]
    changes = sum(one != other for one, other in itertools.pairwise(blocks))
    assert changes == 3 * 3 - 1


def test_masks_hold_the_first_of_an_order():
    order = np.array([5, 0, 3, 1, 4, 2])
    found = masks_of(order, (2, 3), np.array([0, 1 / 3, 1]))
    assert [sorted(np.flatnonzero(mask)) for mask in found] == [[], [0, 5], [0, 1, 2, 3, 4, 5]]


def test_what_is_no_number_comes_last():
    assert list(order_of(np.array([[np.nan, 1.0], [-2.0, 3.0]]))) == [3, 1, 2, 0]


def test_the_true_map_is_better_than_chance_and_its_inverse_is_not(truth):
    assert curves_of(truth).outcome == BOTH
    assert curves_of(truth).deletion_margin > 0
    assert curves_of(-truth).outcome == NONE
    assert curves_of(-truth).beaten_by_deletion == 0


def test_evidence_that_never_changes_tells_nothing(truth):
    assert curves_of(truth, lambda masks: np.full(len(masks), 3.0)).outcome == UNKNOWN


def test_evidence_that_is_no_number_tells_nothing(truth):
    assert curves_of(truth, lambda masks: np.where(masks.all(axis=(1, 2)), np.nan, toy(masks))).outcome == UNKNOWN


def test_all_random_orders_but_one_must_be_beaten():
    def made(deletion, insertion):
        def line(mean):
            return (mean, mean)

        random = tuple(line(value) for value in (1, 2, 3, 4, 5, 6, 7, 8))
        return TestCurves(
            baseline="blur", deletion=line(deletion), insertion=line(insertion), random_deletion=random,
            random_insertion=random,
        ).outcome  # fmt: skip

    assert made(0.5, 9.0) == BOTH
    assert made(1.5, 7.5) == BOTH  # one is better in each
    assert made(2.5, 9.0) == ONE
    assert made(0.5, 6.5) == ONE
    assert made(2.5, 6.5) == NONE


def test_the_mean_under_a_curve_counts_its_ends_half():
    assert mean_under((0.0, 1.0, 4.0)) == pytest.approx((0.5 + 2.5) / 2)
