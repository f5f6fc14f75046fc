"""Measures of feature maps against loops over channels and pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.analysis.channels import (
    Reference,
    correlations,
    dead_channels,
    gradient_magnitude,
    measure_layer,
    reference_of,
)

MEASURES = ("edge_correlation", "input_correlation", "contrast", "sharpness")


def slow_gradient(field):
    """Central differences inside, one-sided at the borders."""
    height, width = field.shape
    magnitude = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            above, below = max(y - 1, 0), min(y + 1, height - 1)
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            down = (field[below, x] - field[above, x]) / (below - above)
            across = (field[y, right] - field[y, left]) / (right - left)
            magnitude[y, x] = math.sqrt(down**2 + across**2)
    return magnitude


def slow_area_mean(field, factor):
    """Mean over blocks of ``factor`` (down, across)."""
    height, width = field.shape[0] // factor[0], field.shape[1] // factor[1]
    blocks = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            blocks[y, x] = field[y * factor[0] : (y + 1) * factor[0], x * factor[1] : (x + 1) * factor[1]].mean()
    return blocks


def slow_contrast(field):
    return field.std() / (field.max() - field.min())


def slow_sharpness(field):
    return slow_gradient((field - field.min()) / (field.max() - field.min())).mean()


def ramp(height=12, width=18):
    """An image with structure in both directions, (H, W, 1) from 0 to 255."""
    y, x = np.mgrid[0:height, 0:width]
    return (100 + 80 * np.sin(x / 3) + 60 * np.cos(y / 2 + x / 9)).clip(0, 255).astype(np.float32)[..., None]


# ---- gradient, correlation


def test_gradient_magnitude_by_hand():
    field = np.array([[0.0, 3, 6, 9], [4, 7, 10, 13], [8, 11, 14, 17]])
    np.testing.assert_allclose(gradient_magnitude(field), np.full((3, 4), 5.0))


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_gradient_magnitude_is_that_of_the_loop(height, width, seed):
    field = np.random.default_rng(seed).normal(size=(height, width))
    np.testing.assert_allclose(gradient_magnitude(field), slow_gradient(field), atol=1e-12)


def test_gradient_magnitude_handles_each_channel_on_its_own(random):
    maps = random.normal(size=(6, 9, 4))
    found = gradient_magnitude(maps)
    for channel in range(4):
        np.testing.assert_allclose(found[..., channel], slow_gradient(maps[..., channel]), atol=1e-12)


@pytest.mark.parametrize("offset", [0, 1000])
def test_correlations_are_those_of_numpy(random, offset):
    maps = (random.normal(size=(7, 11, 5)) + offset).astype(np.float32)
    field = random.normal(size=(7, 11)) + maps[..., 3]
    found = correlations(maps, field)
    expected = [np.corrcoef(maps[..., c].ravel().astype(np.float64), field.ravel())[0, 1] for c in range(5)]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert found[3] > 0.5


def test_correlation_is_undefined_for_a_constant(random):
    maps = np.stack([np.full((5, 8), 3.0), random.normal(size=(5, 8))], axis=-1)
    assert np.isnan(correlations(maps, random.normal(size=(5, 8)))).tolist() == [True, False]
    assert np.isnan(correlations(maps, np.full((5, 8), 7.0))).all()


# ---- dead channels


def test_dead_channels():
    maps = np.zeros((4, 6, 4), np.float32)
    maps[..., 1] = 5
    maps[2, 3, 2] = 1e-30
    maps[0, 0, 3] = -1
    assert dead_channels(maps) == (0, 1)


# ---- the reference


def test_reference_of_a_gray_image_is_the_image():
    pixels = ramp()
    found = reference_of(pixels)
    assert (found.brightness == pixels[..., 0]).all()
    np.testing.assert_allclose(found.edges, slow_gradient(pixels[..., 0].astype(np.float64)), rtol=1e-5, atol=1e-4)


def test_reference_of_a_colour_image_is_its_luminance(picture):
    found = reference_of(picture)
    luminance = picture @ np.array([0.299, 0.587, 0.114])
    assert found.brightness.shape == picture.shape[:2]
    assert np.abs(found.brightness - luminance).max() <= 1
    np.testing.assert_allclose(reference_of(picture.astype(np.float32)).brightness, luminance, atol=1e-3)


@pytest.mark.parametrize("factor", [(2, 3), (3, 2), (4, 6)])
def test_reference_is_averaged_over_areas(factor):
    found = reference_of(ramp())
    smaller = found.at((12 // factor[0], 18 // factor[1]))
    np.testing.assert_allclose(smaller.brightness, slow_area_mean(found.brightness, factor), rtol=1e-5)
    np.testing.assert_allclose(smaller.edges, slow_area_mean(found.edges, factor), rtol=1e-4, atol=1e-4)


# ---- a layer


@pytest.mark.parametrize("factor", [(1, 1), (2, 3)])
def test_every_measure_of_every_channel(random, factor):
    height, width = 12 // factor[0], 18 // factor[1]
    brightness = slow_area_mean(ramp()[..., 0].astype(np.float64), factor)
    edges = slow_area_mean(slow_gradient(ramp()[..., 0].astype(np.float64)), factor)
    maps = random.normal(size=(height, width, 6)).astype(np.float32)
    maps[..., 1] += 0.05 * brightness
    maps[..., 2] -= 0.05 * edges
    maps[..., 4] = 2.5
    layer = measure_layer("some", maps, reference_of(ramp()))
    assert (layer.name, layer.channels, layer.height, layer.width) == ("some", 6, height, width)
    assert (np.float32(layer.minimum), np.float32(layer.maximum)) == (maps.min(), maps.max())
    assert layer.dead_channels == (4,)
    found = layer.statistics
    for channel in range(6):
        values = maps[..., channel].astype(np.float64)
        assert np.float32(found.minimum[channel]) == values.min()
        assert np.float32(found.maximum[channel]) == values.max()
        assert found.mean[channel] == pytest.approx(values.mean(), abs=1e-7)
        assert found.standard_deviation[channel] == pytest.approx(values.std(), abs=1e-7)
        if channel == 4:
            assert [getattr(found, measure)[channel] for measure in MEASURES] == [None] * 4
            continue
        expected = (
            np.corrcoef(values.ravel(), edges.ravel())[0, 1],
            np.corrcoef(values.ravel(), brightness.ravel())[0, 1],
            slow_contrast(values) / slow_contrast(brightness),
            slow_sharpness(values) / slow_sharpness(brightness),
        )
        assert [getattr(found, measure)[channel] for measure in MEASURES] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_negative_of_the_input(random):
    reference = reference_of(ramp())
    maps = np.stack([-reference.brightness, 3 * reference.brightness + 7], axis=-1)
    found = measure_layer("negative", maps, reference).statistics
    assert found.input_correlation == pytest.approx((-1, 1), abs=1e-6)
    assert found.contrast == pytest.approx((1, 1), rel=1e-5)
    assert found.sharpness == pytest.approx((1, 1), rel=1e-5)


def test_the_gradient_magnitude_of_the_input(picture):
    reference = reference_of(picture)
    maps = np.stack([reference.edges, -2 * reference.edges], axis=-1)
    found = measure_layer("edges", maps, reference).statistics
    assert found.edge_correlation == pytest.approx((1, -1), abs=1e-6)


@pytest.mark.parametrize(("size", "defined"), [((4, 4), True), ((4, 9), True), ((3, 9), False), ((9, 3), False)])
def test_maps_smaller_than_four_by_four_have_no_measures_of_a_surface(random, size, defined):
    maps = random.normal(size=(*size, 2)).astype(np.float32)
    layer = measure_layer("small", maps, reference_of(ramp()))
    for measure in MEASURES:
        assert [value is not None for value in getattr(layer.statistics, measure)] == [defined, defined]
    assert layer.statistics.mean == pytest.approx(maps.mean(axis=(0, 1)), rel=1e-5, abs=1e-6)


def test_a_layer_of_dead_channels():
    layer = measure_layer("dead", np.zeros((6, 9, 3), np.float32), reference_of(ramp()))
    assert layer.dead_channels == (0, 1, 2)
    for measure in MEASURES:
        assert getattr(layer.statistics, measure) == (None, None, None)


@pytest.mark.parametrize("value", [0, 77, 255])
@pytest.mark.parametrize("size", [(12, 18), (5, 7)])
def test_a_constant_input_leaves_all_comparisons_open(random, value, size):
    reference = reference_of(np.full((12, 18, 3), value, np.uint8))
    maps = random.normal(size=(*size, 2)).astype(np.float32)
    statistics = measure_layer("any", maps, reference).statistics
    for measure in MEASURES:
        assert getattr(statistics, measure) == (None, None)
    assert statistics.standard_deviation == pytest.approx(maps.std(axis=(0, 1)), rel=1e-5)


# ---- values that are not numbers


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf, np.finfo(np.float32).min])
@pytest.mark.parametrize("where", [np.s_[:, :], np.s_[2, 3]], ids=["everywhere", "at one place"])
def test_a_channel_that_is_not_a_number_is_not_dead_and_spoils_no_other(random, lost, where):
    maps = random.normal(size=(6, 9, 4)).astype(np.float32)
    maps[..., 2] = 7
    alone = measure_layer("any", maps, reference_of(ramp()))
    maps[(*where, 1)] = lost
    layer = measure_layer("any", maps, reference_of(ramp()))
    assert (layer.dead_channels, layer.not_finite_channels) == ((2,), (1,))
    kept = maps[..., [0, 2, 3]]
    assert (layer.minimum, layer.maximum) == (kept.min(), kept.max())
    for measure in ("minimum", "maximum", "mean", "standard_deviation", *MEASURES):
        before, found = getattr(alone.statistics, measure), getattr(layer.statistics, measure)
        assert found[1] is None or math.isnan(found[1])
        assert [found[c] for c in (0, 2, 3)] == [before[c] for c in (0, 2, 3)]


def test_a_layer_without_numbers():
    layer = measure_layer("lost", np.full((6, 9, 2), np.nan, np.float32), reference_of(ramp()))
    assert (layer.dead_channels, layer.not_finite_channels) == ((), (0, 1))
    assert math.isnan(layer.minimum)
    assert math.isnan(layer.maximum)
    assert layer.statistics.edge_correlation == (None, None)
    assert dead_channels(np.full((6, 9, 2), np.inf, np.float32)) == ()


def test_large_numbers_are_numbers():
    maps = np.zeros((6, 9, 1), np.float32)
    maps[0], maps[1] = 3e38, -3e38
    layer = measure_layer("large", maps, reference_of(ramp()))
    assert (layer.not_finite_channels, layer.dead_channels) == ((), ())
    # 6 rows: 3e38, -3e38 and four of zeros
    assert layer.statistics.standard_deviation[0] == pytest.approx(3e38 * math.sqrt(2 / 6))


def test_measuring_changes_nothing(random):
    maps = random.normal(size=(6, 9, 3)).astype(np.float32)
    before, reference = maps.copy(), reference_of(ramp())
    kept = Reference(reference.brightness.copy(), reference.edges.copy())
    measure_layer("any", maps, reference)
    assert (maps == before).all()
    assert (reference.brightness == kept.brightness).all()
    assert (reference.edges == kept.edges).all()
