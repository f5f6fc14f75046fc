"""RISE against a slow loop over masks and pixels."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.views.rise import random_masks, rise

SIZE = (10, 14)


def test_masks_are_between_hidden_and_left_and_the_same_again():
    masks = np.stack(list(random_masks(SIZE, 300)))
    assert masks.shape == (300, *SIZE)
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert masks.mean() == pytest.approx(0.5, abs=0.03)
    assert np.ptp(masks.mean(axis=0)) < 0.25  # no place is left more often
    assert np.array_equal(masks, np.stack(list(random_masks(SIZE, 300))))


def test_masks_of_images_smaller_than_the_grid():
    assert next(random_masks((3, 20), 1)).shape == (3, 20)


def test_it_is_the_mean_evidence_where_a_pixel_is_left(random):
    weights = random.normal(0, 1, SIZE)

    def evidence(masks):
        return np.tensordot(masks.astype(np.float64), weights, axes=2) + 5

    found = rise(evidence, SIZE, count=23, batch=8)
    masks = list(random_masks(SIZE, 23))
    every = [float((mask * weights).sum()) + 5 for mask in masks]
    for row in range(SIZE[0]):
        for column in range(SIZE[1]):
            left = sum(mask[row, column] * one for mask, one in zip(masks, every, strict=True))
            mean = left / sum(mask[row, column] for mask in masks)
            assert found[row, column] == pytest.approx(mean - sum(every) / 23, abs=1e-5)


def test_it_finds_the_place_that_counts():
    weights = np.zeros(SIZE)
    weights[7:9, 2:5] = 1
    found = rise(lambda masks: np.tensordot(masks, weights, axes=2), SIZE, count=400, batch=64)
    row, column = np.unravel_index(found.argmax(), SIZE)
    assert 6 <= row <= 9
    assert 1 <= column <= 5


def test_what_no_mask_leaves_is_known_no_better_than_the_mean():
    found = rise(lambda masks: np.full(len(masks), 3.0), SIZE, count=1, batch=4)
    assert found == pytest.approx(np.zeros(SIZE), abs=1e-6)
