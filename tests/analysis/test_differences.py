"""Channels that differ: Cliff's delta against its definition, pair by pair, and how cases become two groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.analysis.differences import MOST_PLACES, chance_limit, channel_effects, find_groups
from reportgen.analysis.runs import CaseRun
from reportgen.images.cases import Case
from reportgen.images.reader import image_from_array
from reportgen.report.channels import BY_ANSWER, BY_CASE, BY_LABEL


def slow_delta(maps, channel, first, second):
    """Every pair of a place in a map of the second group and one in a map of the first, one by one."""
    more = less = count = 0
    for one in second:
        for other in first:
            for value in maps[one, ..., channel].ravel().tolist():
                for base in maps[other, ..., channel].ravel().tolist():
                    more += value > base
                    less += value < base
                    count += 1
    return (more - less) / count


def test_by_hand():
    # 2, 2, 2 and 9: above 1: 4, above 2: 1, above 3: 1, above 4: 1; below 3: 3, below 4: 3
    maps = np.array([[[1, 2], [3, 4]], [[2, 2], [2, 9]]], np.float32)[..., None]
    assert channel_effects(maps, [0], [1]) == (pytest.approx((7 - 6) / 16, abs=1e-4),)


@given(seed=st.integers(0, 10_000), groups=st.sampled_from([((0,), (1,)), ((0, 2), (1, 3, 4)), ((3,), (0, 1, 2, 4))]))
def test_as_defined_on_maps_that_are_not_square(seed, groups):
    maps = np.random.default_rng(seed).integers(-3, 4, (5, 2, 5, 3)).astype(np.float32)
    found = channel_effects(maps, *groups)
    assert found == pytest.approx([slow_delta(maps, channel, *groups) for channel in range(3)], abs=1e-4)


def test_the_effect_of_groups_is_the_mean_over_pairs_of_cases():
    maps = np.random.default_rng(1).normal(size=(5, 6, 9, 4)).astype(np.float32)
    pairs = [channel_effects(maps, [one], [other]) for one in (0, 1) for other in (2, 3, 4)]
    assert channel_effects(maps, [0, 1], [2, 3, 4]) == pytest.approx(np.mean(pairs, axis=0), abs=2e-4)


def test_it_turns_its_sign_and_knows_no_unit():
    maps = np.random.default_rng(2).gamma(1, size=(2, 8, 12, 3)).astype(np.float32)
    there, back = channel_effects(maps, [0], [1]), channel_effects(maps, [1], [0])
    assert there == pytest.approx([-one for one in back])
    assert channel_effects(7 * maps - 3, [0], [1]) == pytest.approx(there, abs=1e-3)
    assert channel_effects(np.sqrt(maps), [0], [1]) == pytest.approx(there, abs=1e-3)


def test_zeros_on_both_sides_and_rounding_are_no_difference():
    maps = np.zeros((2, 4, 6, 3), np.float32)
    maps[..., 1] = 1
    maps[1, ..., 1] += 1e-7
    maps[1, 0, 0, 2] = 5  # one place of 24 responds
    assert channel_effects(maps, [0], [1]) == pytest.approx((0, 0, 1 / 24), abs=1e-4)


def test_one_extreme_place_carries_nothing():
    maps = np.random.default_rng(3).normal(size=(2, 10, 14, 1)).astype(np.float32)
    (before,) = channel_effects(maps, [0], [1])
    maps[1, 0, 0, 0] = 1e4
    assert channel_effects(maps, [0], [1])[0] == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.finfo(np.float32).max])
def test_a_channel_with_what_is_no_number_has_no_effect(value):
    maps = np.random.default_rng(4).normal(size=(3, 4, 6, 2)).astype(np.float32)
    expected = channel_effects(maps[..., 1:], [0], [1, 2])
    maps[2, 3, 5, 0] = value
    assert channel_effects(maps, [0], [1, 2]) == (None, *expected)


def test_large_maps_are_taken_by_a_lattice():
    y, x = np.mgrid[0:200, 0:300]
    maps = np.stack([np.sin(x / 9) + y / 99, np.sin(x / 7) + y / 90])[..., None].astype(np.float32)
    assert MOST_PLACES < 200 * 300
    every_second = channel_effects(maps[:, ::2, ::2], [0], [1])
    assert channel_effects(maps, [0], [1]) == every_second
    flat, other = (np.sort(one.ravel()) for one in maps)
    exact = np.mean(np.searchsorted(flat, other, "left") + np.searchsorted(flat, other, "right")) / flat.size - 1
    assert every_second[0] == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("places", [(49, 49), (12, 35), (400, 400)])
def test_what_chance_gives(places):
    """The largest of many channels of pure chance is beyond the limit in about one case of 20."""
    channels, tries, generator = 40, 400, np.random.default_rng(9)
    values = generator.normal(size=(tries, 1, sum(places), channels)).astype(np.float32)
    limit, beyond = chance_limit(places, channels), 0
    for one in values:
        order = np.argsort(np.argsort(one[0], axis=0), axis=0)  # ranks: the sum of one group's gives its delta
        first, second = places
        deltas = 2 * (order[first:].sum(axis=0) - second * (second - 1) / 2) / (first * second) - 1
        beyond += np.abs(deltas).max() > limit
    assert 0.01 * tries < beyond < 0.1 * tries


def test_where_there_are_too_few_places_everything_is_chance():
    assert chance_limit((4, 4), 352) == 1


# ---- groups


class Head:
    """Two classes by one score each."""

    is_regression = False
    thresholds = ()
    class_names = ("NORMAL", "ILL")
    single = False

    def order(self, scores):
        return [int(scores.argmax()), int(scores.argmin())]

    def predicted(self, scores):
        return int(scores.argmax())


def run(number, label, ill, picture):
    pixels = np.roll(picture, number, axis=1)
    case = Case(label, replace(image_from_array(pixels), sha256=str(number)), f"{number}.png")
    scores = np.array([1 - ill, ill])
    return CaseRun(
        number=number, case=case, title=label or f"{number}.png", image=pixels, prepared=pixels, raw=scores,
        scores=scores, targets=(1,),
    )  # fmt: skip


@pytest.fixture
def make_runs(picture):
    return lambda *told: [run(number, label, ill, picture) for number, (label, ill) in enumerate(told)]


def test_two_images_are_a_group_each_the_normal_one_first(make_runs):
    by, first, second = find_groups(make_runs(("ILL", 0.9), ("NORMAL", 0.1)), Head())
    assert (by, first.name, first.cases, second.name, second.cases) == (BY_CASE, "NORMAL", (1,), "ILL", (0,))


def test_two_images_of_one_class_are_compared_too(make_runs):
    by, first, second = find_groups(make_runs((None, 0.9), (None, 0.8)), Head())
    assert (by, first.cases, second.cases) == (BY_CASE, (0,), (1,))


def test_labels_make_groups_of_many(make_runs):
    runs = make_runs(("ILL", 0.9), ("NORMAL", 0.1), ("ill", 0.2), ("NORMAL", 0.7))
    by, first, second = find_groups(runs, Head())
    assert (by, first.name, first.cases, second.name, second.cases) == (BY_LABEL, "NORMAL", (1, 3), "ILL", (0, 2))


def test_without_labels_it_is_what_the_model_says(make_runs):
    by, first, second = find_groups(make_runs((None, 0.9), (None, 0.1), ("ILL", 0.2)), Head())
    assert (by, first.name, first.cases, second.cases) == (BY_ANSWER, "NORMAL", (1, 2), (0,))


@pytest.mark.parametrize(
    "told",
    [
        [("ILL", 0.9)],
        [("ILL", 0.9), ("ILL", 0.8), ("ILL", 0.7)],
        [("A", 0.9), ("B", 0.8), ("C", 0.7)],
    ],
)
def test_nothing_makes_two_groups(make_runs, told):
    assert find_groups(make_runs(*told), Head()) is None


def test_the_same_image_counts_once(make_runs):
    one, other = make_runs(("NORMAL", 0.1), ("ILL", 0.9))
    again = replace(other, number=1, case=replace(other.case, image=one.case.image))
    assert find_groups([one, again], Head()) is None
