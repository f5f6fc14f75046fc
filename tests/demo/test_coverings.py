"""Phantoms of which parts are covered: what is left of an opacity decides what they are taken for."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.demo.coverings import Covering, cover_phantom, draw_covering
from reportgen.demo.phantom import phantom
from reportgen.demo.phantom_data import phantom_data, with_coverings

SIZE = (96, 128)


def left_of(seed: int, covering: Covering) -> tuple[float, np.ndarray]:
    drawn = phantom(seed, opacities=2, kinds=("lobar",), size=SIZE)
    covered = cover_phantom(drawn, covering) != drawn.pixels
    return np.count_nonzero(drawn.opacities & ~covered) / drawn.opacities.sum(), covered


@pytest.mark.parametrize("seen", [0.0, 0.3, 0.7])
def test_of_the_opacities_as_much_is_left_as_was_asked(seen):
    for seed in range(6):
        left, _ = left_of(seed, Covering(seen, is_ill=False))
        # a pixel that has the filling's own gray doesn't count as covered; a block ends within a fifth of the asked
        assert seen - 0.2 <= left <= seen + 0.1


def test_the_same_seed_is_covered_the_same():
    one, other = (left_of(3, Covering(0.4, is_ill=True))[1] for _ in range(2))
    assert (one == other).all()


def test_a_third_is_not_covered_and_the_less_is_seen_the_fewer_are_ill():
    drawn = [draw_covering(seed, with_opacities=True) for seed in range(3000)]
    covered = [one for one in drawn if one]
    assert 0.62 < len(covered) / len(drawn) < 0.71
    for low, high in ((0.0, 0.2), (0.4, 0.6), (0.8, 1.0)):
        among = [one for one in covered if low <= one.seen < high]
        share = np.mean([one.is_ill for one in among])
        assert share == pytest.approx(min(1.0, (low + high) / 2 / 0.8), abs=0.07)


def test_normal_phantoms_stay_normal_however_they_are_covered():
    drawn = [draw_covering(seed, with_opacities=False) for seed in range(100)]
    assert not any(one.is_ill for one in drawn if one)


def test_labels_tell_what_is_left_and_normal_ones_are_as_they_were():
    data = with_coverings(phantom_data(40, 500))
    plain = phantom_data(40, 500)
    for number, seed in enumerate(range(500, 540)):
        covering = draw_covering(seed, with_opacities=seed % 2 == 1)
        assert data.labels[number] == (seed % 2 if covering is None else covering.is_ill)
    assert data.names == plain.names
    untouched = next(n for n in range(0, 40, 2) if draw_covering(500 + n, with_opacities=False) is None)
    assert (data.pictures.read(untouched).pixels == plain.pictures.read(untouched).pixels).all()
    assert data.take([3]).pictures.read(0).sha256 == data.pictures.read(3).sha256
