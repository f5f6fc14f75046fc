from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.demo.builtin import NORMAL_SEED, PNEUMONIA_SEED, SYNTHETIC, demo_cases
from reportgen.demo.phantom import phantom
from reportgen.models.loader import BUILTIN_MODEL

SIZE = (96, 128)


def test_the_same_seed_draws_the_same_bytes():
    first, again = (phantom(3, opacities=2, size=SIZE) for _ in range(2))
    assert first.pixels.tobytes() == again.pixels.tobytes()
    np.testing.assert_array_equal(first.opacities, again.opacities)
    np.testing.assert_array_equal(first.lungs, again.lungs)


def test_another_seed_draws_another():
    first, other = phantom(3, size=SIZE), phantom(4, size=SIZE)
    assert (first.pixels != other.pixels).mean() > 0.5
    assert (first.lungs != other.lungs).any()


@pytest.mark.parametrize("size", [(96, 128), (128, 96), (32, 32), (480, 512), (33, 200)])
def test_height_comes_first(size):
    drawn = phantom(5, opacities=1, size=size)
    assert drawn.pixels.shape == drawn.lungs.shape == drawn.opacities.shape == size
    assert drawn.pixels.dtype == np.uint8
    assert drawn.lungs.dtype == drawn.opacities.dtype == bool
    assert drawn.seed == 5


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_normal_one_has_no_opacities(seed):
    drawn = phantom(seed, size=SIZE)
    assert not drawn.opacities.any()
    assert 0.1 < drawn.lungs.mean() < 0.5
    assert drawn.pixels[drawn.lungs].mean() < drawn.pixels[~drawn.lungs].mean()


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000), opacities=st.integers(1, 4), size=st.tuples(st.integers(32, 96), st.integers(32, 96))
)
def test_where_opacities_are_it_is_brighter(seed, opacities, size):
    normal, ill = phantom(seed, size=size), phantom(seed, opacities=opacities, size=size)
    np.testing.assert_array_equal(normal.lungs, ill.lungs)
    assert ill.opacities.any()
    inside = ill.opacities & ill.lungs
    assert ill.pixels[inside].astype(float).mean() > normal.pixels[inside].astype(float).mean() + 5


@pytest.mark.parametrize("seed", range(1, 9))
def test_opacities_lie_only_in_the_lungs(seed):
    drawn = phantom(seed, opacities=2, size=SIZE)
    assert drawn.opacities.any()
    assert not (drawn.opacities & ~drawn.lungs).any()


@pytest.mark.parametrize("seed", range(1, 5))
def test_outside_the_lungs_the_thorax_and_its_noise_stay(seed):
    normal, ill = phantom(seed, size=SIZE), phantom(seed, opacities=1, size=SIZE)
    changes = np.abs(ill.pixels.astype(float) - normal.pixels)
    assert changes[~ill.lungs].mean() < 1
    assert changes[ill.opacities].mean() > 10


def test_more_opacities_cover_more():
    one, three = (phantom(11, opacities=count, size=SIZE).opacities for count in (1, 3))
    assert three.sum() > one.sum()


@pytest.mark.parametrize(
    ("opacities", "size"), [(-1, (96, 128)), (0, (31, 128)), (0, (128, 31)), (0, (0, 0)), (0, (-96, 128))]
)
def test_what_can_not_be_drawn(opacities, size):
    with pytest.raises(ValueError, match="at least 32 x 32"):
        phantom(1, opacities=opacities, size=size)


def test_the_demo_has_a_normal_case_and_one_with_opacities():
    normal, ill = demo_cases()
    assert (normal.label, ill.label) == ("NORMAL", "PNEUMONIA")
    for case, seed, opacities in ((normal, NORMAL_SEED, 0), (ill, PNEUMONIA_SEED, 2)):
        np.testing.assert_array_equal(case.image.pixels, phantom(seed, opacities=opacities).pixels)
        assert SYNTHETIC in case.image.notes


def test_the_built_in_model_is_there():
    assert BUILTIN_MODEL.is_file()
    assert BUILTIN_MODEL.with_suffix(".toml").is_file()
