from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.demo import OPACITY_KINDS
from reportgen.demo.builtin import NORMAL_SEED, PNEUMONIA_SEED, SYNTHETIC, demo_cases
from reportgen.demo.phantom import phantom
from reportgen.models.loader import BUILTIN_MODEL

SIZE = (96, 128)
BIG = (160, 176)


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
    assert drawn.pixels.shape == drawn.lungs.shape == drawn.opacities.shape == drawn.heart.shape == size
    assert drawn.pixels.dtype == np.uint8
    assert drawn.lungs.dtype == drawn.opacities.dtype == drawn.heart.dtype == bool
    assert drawn.seed == 5


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_normal_one_has_no_opacities(seed):
    drawn = phantom(seed, size=SIZE)
    assert not drawn.opacities.any()
    assert drawn.kinds == ()
    assert 0.1 < drawn.lungs.mean() < 0.55
    assert drawn.pixels[drawn.lungs & ~drawn.heart].mean() < drawn.pixels[drawn.heart].mean() - 20


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_heart_lies_to_the_patients_left(seed):
    drawn = phantom(seed, size=SIZE)
    columns = np.arange(SIZE[1])
    assert (drawn.heart.sum(axis=0) * columns).sum() / drawn.heart.sum() > np.median(columns[drawn.lungs.any(axis=0)])


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000), opacities=st.integers(1, 4), size=st.tuples(st.integers(32, 96), st.integers(32, 96))
)
def test_where_opacities_are_it_is_brighter(seed, opacities, size):
    normal, ill = phantom(seed, size=size), phantom(seed, opacities=opacities, size=size)
    np.testing.assert_array_equal(normal.lungs, ill.lungs)
    assert ill.opacities.any()
    assert len(ill.kinds) == opacities
    where = ill.opacities
    assert ill.pixels[where].astype(float).mean() > normal.pixels[where].astype(float).mean() + 3


@pytest.mark.parametrize("kind", OPACITY_KINDS)
@pytest.mark.parametrize("seed", range(1, 9))
def test_opacities_lie_only_in_the_lungs(seed, kind):
    drawn = phantom(seed, opacities=2, kinds=[kind], size=SIZE)
    assert drawn.kinds == (kind, kind)
    assert drawn.opacities.any()
    assert not (drawn.opacities & ~drawn.lungs).any()


@pytest.mark.parametrize("kind", OPACITY_KINDS)
@pytest.mark.parametrize("seed", range(1, 7))
def test_pictures_differ_where_the_mask_is(seed, kind):
    normal, ill = phantom(seed, size=BIG), phantom(seed, opacities=1, kinds=[kind], size=BIG)
    np.testing.assert_array_equal(normal.heart, ill.heart)
    changes = ill.pixels.astype(float) - normal.pixels
    # with the same noise all that is left outside is a little less scatter, and the faint border of the opacity
    assert np.abs(changes[~ill.lungs]).mean() < 2
    assert changes[ill.opacities].mean() > (6 if kind == "interstitial" else 12)
    most = changes >= np.percentile(changes, 99.5)
    assert ill.opacities[most].mean() > 0.9


def test_a_lobar_opacity_is_in_one_lung_and_an_interstitial_one_in_both():
    for seed in range(1, 9):
        left = np.arange(BIG[1]) > BIG[1] / 2
        lobar, net = (
            phantom(seed, opacities=1, kinds=[kind], size=BIG).opacities for kind in ("lobar", "interstitial")
        )
        shares = sorted((lobar[:, left].sum() / lobar.sum(), lobar[:, ~left].sum() / lobar.sum()))
        assert shares[0] < 0.15
        assert min(net[:, left].sum(), net[:, ~left].sum()) > 0.15 * net.sum()


def test_all_kinds_are_drawn_unless_chosen():
    drawn = {kind for seed in range(12) for kind in phantom(seed, opacities=2, size=(32, 40)).kinds}
    assert drawn == set(OPACITY_KINDS)
    few = [phantom(seed, opacities=2, kinds=("patchy", "lobar"), size=(32, 40)).kinds for seed in range(12)]
    some = {kind for kinds in few for kind in kinds}
    assert some == {"patchy", "lobar"}


@pytest.mark.parametrize("kinds", [["nodular"], [], ["lobar", "x"]])
def test_kinds_that_are_not_drawn(kinds):
    with pytest.raises(ValueError, match="lobar, patchy, interstitial"):
        phantom(1, opacities=1, kinds=kinds, size=SIZE)


def test_more_opacities_cover_more():
    one, three = (phantom(11, opacities=count, kinds=["patchy"], size=SIZE).opacities for count in (1, 3))
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
    drawn = phantom(PNEUMONIA_SEED, opacities=2)
    assert set(drawn.kinds) == {"lobar", "patchy"}
    for case, pixels in ((normal, phantom(NORMAL_SEED).pixels), (ill, drawn.pixels)):
        np.testing.assert_array_equal(case.image.pixels, pixels)
        assert SYNTHETIC in case.image.notes


def test_the_built_in_model_is_there():
    assert BUILTIN_MODEL.is_file()
    assert BUILTIN_MODEL.with_suffix(".toml").is_file()
