"""Accumulators against NumPy on all values, in any order and however they are divided."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.analysis.streaming import Best, Moments, Sample

VALUES = np.random.default_rng(1).normal(1e3, 2, size=(60, 3, 4))
VALUES[5, 0, 1] = np.nan
VALUES[7, 2, 3] = np.inf
KNOWN = np.where(np.isfinite(VALUES), VALUES, np.nan)


def moments_of(values):
    found = Moments(values.shape[1:])
    for value in values:
        found.add(value)
    return found


@given(st.permutations(range(60)), st.lists(st.integers(0, 60), max_size=4))
def test_any_order_and_any_division_gives_the_same(order, cuts):
    merged = Moments((3, 4))
    for part in np.split(VALUES[list(order)], sorted(cuts)):
        merged = merged.merge(moments_of(part))
    np.testing.assert_allclose(merged.mean, np.nanmean(KNOWN, axis=0), rtol=1e-12)
    np.testing.assert_allclose(merged.variance, np.nanvar(KNOWN, axis=0, ddof=1), rtol=1e-9)
    np.testing.assert_array_equal(merged.count, np.isfinite(VALUES).sum(axis=0))
    np.testing.assert_allclose(merged.total, np.nansum(KNOWN, axis=0), rtol=1e-12)


def test_a_variance_needs_two_values():
    found = Moments(())
    assert np.isnan(found.variance)
    found.add(np.asarray(3.0))
    assert np.isnan(found.variance)
    assert found.mean == 3
    found.add(np.asarray(5.0))
    assert found.variance == 2


@pytest.mark.parametrize("other", [Moments((2,)), Moments((3, 1))])
def test_other_shapes_are_refused(other):
    with pytest.raises(ValueError, match="shape"):
        Moments((3,)).merge(other)
    with pytest.raises(ValueError, match="shape"):
        Moments((3,)).add(other.mean)


@given(st.permutations(range(50)), st.integers(0, 50), st.integers(1, 60))
def test_a_sample_is_the_same_in_any_order(order, cut, size):
    def sample(numbers):
        found = Sample(size)
        for number in numbers:
            found.add(f"case {number}", number)
        return found

    whole, merged = sample(range(50)), sample(order[:cut]).merge(sample(order[cut:]))
    assert list(whole) == list(merged)
    assert whole.keys() == merged.keys()
    assert len(whole) == min(size, 50)
    assert merged.seen == 50
    assert merged.is_whole == (size >= 50)


def test_a_sample_favours_nobody():
    sample = Sample(500)
    for number in range(2000):
        sample.add(f"case {number}", number)
    assert np.mean(list(sample)) == pytest.approx(1000, abs=4 * 2000 / np.sqrt(12 * 500))


def test_the_best_are_kept_the_highest_first():
    best = Best(2)
    for number in range(40):
        best.add(float(number % 7), f"{number:02d}", number)
    best.add(float("nan"), "none", -1)
    assert list(best) == [(6.0, 6), (6.0, 13)]
