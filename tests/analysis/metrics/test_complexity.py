"""Sparseness and entropy of maps, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.metrics.complexity import entropy, sparseness


def test_a_flat_map_is_as_even_as_can_be():
    flat = np.full((3, 4), -2.0)
    assert sparseness(flat) == pytest.approx(0, abs=1e-12)
    assert entropy(flat) == pytest.approx(np.log(12))


def test_a_single_place_holds_it_all():
    single = np.zeros((3, 4))
    single[1, 2] = -5
    assert sparseness(single) == pytest.approx(11 / 12)
    assert entropy(single) == 0


def test_signs_and_units_do_not_count():
    # sizes 1, 1, 2, 4: Gini (-3 - 1 + 2 + 12) / (4 * 8) = 10 / 32; shares 1/8, 1/8, 1/4, 1/2
    values = np.array([[4.0, -1.0], [2.0, 1.0]])
    assert sparseness(values) == pytest.approx(10 / 32)
    assert entropy(values) == pytest.approx(np.log(2) * (3 / 8 + 3 / 8 + 2 / 4 + 1 / 2))
    assert sparseness(-7 * values) == pytest.approx(10 / 32)


def test_what_is_no_number_is_left_out():
    values = np.array([[4.0, -1.0, np.nan], [2.0, 1.0, np.nan]])
    assert sparseness(values) == pytest.approx(10 / 32)
    assert np.isnan(sparseness(np.zeros((2, 3))))
    assert np.isnan(entropy(np.full((2, 3), np.nan)))
