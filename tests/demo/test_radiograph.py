from __future__ import annotations

import math

import numpy as np
import pytest

from reportgen.demo.radiograph import Exposure, attenuation, display, expose, window

PLAIN = Exposure(scatter=0, quanta=1e9, unsharpness=0, evenness=0, dark=0.2, bright=0.8, curve=0)
SIZE = (24, 32)


def flat(value: float) -> np.ndarray:
    return np.full(SIZE, value, np.float32)


def test_line_integrals_by_hand():
    # 12 cm of body; 8 of them lung; 2 gas; 0.5 bone: 0.2 per cm of water, lung 0.052, bone 0.52, air 0.0002
    depth = attenuation(flat(12), flat(8), flat(2), flat(0.5))
    expected = 1.5 * 0.20 + 8 * 0.052 + 2 * 0.0002 + 0.5 * 0.52
    np.testing.assert_allclose(depth, expected, rtol=1e-5)
    assert depth.dtype == np.float32


def test_bare_air_takes_nothing_out():
    assert not attenuation(flat(0), flat(0), flat(0), flat(0)).any()


def test_beer_lambert():
    signal = expose(flat(2.5), flat(0), PLAIN, 0.05)
    np.testing.assert_allclose(np.exp(-signal), math.exp(-2.5), rtol=1e-5)


def test_twice_the_body_lets_through_the_square():
    once, twice = (np.exp(-expose(flat(0.2 * cm), flat(0), PLAIN, 0.05)) for cm in (6, 12))
    np.testing.assert_allclose(twice, once**2, rtol=1e-5)


def test_scatter_adds_its_share():
    # a slab everywhere: what is scattered is the share times depth times the primary beam
    scattering = Exposure(scatter=0.3, quanta=1e9, unsharpness=0, evenness=0, dark=0.2, bright=0.8, curve=0)
    signal = expose(flat(2), flat(0), scattering, 0.05)
    np.testing.assert_allclose(np.exp(-signal), math.exp(-2) * (1 + 0.3 * 2), rtol=1e-4)


def test_scatter_lights_the_shadow_of_a_dense_body_from_beside():
    depth = np.full((120, 160), 1.0, np.float32)
    depth[40:80, 60:100] = 4
    scattering = Exposure(scatter=0.3, quanta=1e9, unsharpness=0, evenness=0, dark=0.2, bright=0.8, curve=0)
    none, some = (expose(depth, 0 * depth, exposure, 0.1) for exposure in (PLAIN, scattering))
    shadow, beside = np.s_[60, 80], np.s_[60, 5]
    assert none[shadow] - some[shadow] > 2 * (none[beside] - some[beside]) > 0


def test_bare_air_scatters_nothing():
    scattering = Exposure(scatter=0.4, quanta=1e9, unsharpness=0, evenness=0, dark=0.2, bright=0.8, curve=0)
    np.testing.assert_allclose(expose(flat(0), flat(0), scattering, 0.05), 0, atol=1e-6)


@pytest.mark.parametrize("depth", [0.5, 2.5])
def test_quantum_noise_is_the_square_root_of_the_photons(depth):
    exposure = Exposure(scatter=0, quanta=4e6, unsharpness=0, evenness=0, dark=0.2, bright=0.8, curve=0)
    noise = np.random.default_rng(1).standard_normal((200, 300), dtype=np.float32)
    share = np.exp(-expose(np.full((200, 300), depth, np.float32), noise, exposure, 0.05))
    # 4e6 per cm² on pixels of 0.05 cm: 10,000 where nothing is in the way
    photons = share * 4e6 * 0.05**2
    assert photons.mean() == pytest.approx(10_000 * math.exp(-depth), rel=0.01)
    assert photons.std() == pytest.approx(math.sqrt(photons.mean()), rel=0.02)


def test_the_detector_blurs_but_keeps_the_sum():
    depth = np.zeros((480, 500), np.float32)
    depth[240, 250] = 1.0
    blurred = Exposure(scatter=0, quanta=1e9, unsharpness=0.6, evenness=0, dark=0.2, bright=0.8, curve=0)
    lost = 1 - np.exp(-expose(depth, 0 * depth, blurred, 0.05))
    assert lost.sum() == pytest.approx(1 - math.exp(-1), rel=1e-3)
    assert lost[240, 250] == pytest.approx((1 - math.exp(-1)) * (1 - 0.36) ** 2, rel=1e-3)


def test_the_window_and_a_straight_display():
    signal = flat(1.0)
    signal[:, 16:] = 2.0
    lungs = signal < 1.5
    limits = window(signal, lungs, np.ones(SIZE, bool))
    assert limits == (1.0, 2.0)
    gray = display(signal, limits, PLAIN)
    np.testing.assert_allclose(gray[:, 0], 0.2, atol=1e-6)
    np.testing.assert_allclose(gray[:, -1], 0.8, atol=1e-6)
    np.testing.assert_allclose(display(flat(1.5), limits, PLAIN), 0.5, atol=1e-6)
    assert display(flat(9), limits, PLAIN).max() == 1
    assert display(flat(0), limits, PLAIN).min() == 0


def test_the_curve_of_the_display_rises_and_keeps_black_white_and_the_middle():
    bent = Exposure(scatter=0, quanta=1e9, unsharpness=0, evenness=0, dark=0.0, bright=1.0, curve=0.5)
    gray = display(np.linspace(0, 1, 101, dtype=np.float32)[None], (0.0, 1.0), bent)[0]
    assert (np.diff(gray) > 0).all()
    np.testing.assert_allclose(gray[[0, 50, 100]], [0, 0.5, 1], atol=1e-5)
    assert np.diff(gray)[50] > np.diff(gray)[2]


def test_no_lung_or_no_body_in_the_picture():
    none, whole = np.zeros(SIZE, bool), np.ones(SIZE, bool)
    low, high = window(flat(1.5), none, whole)
    assert np.isfinite([low, high]).all()
    assert np.isfinite(window(flat(1.5), none, none)).all()
