"""Augmentation against a slow reference in NumPy, on images that are wider than high."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from reportgen.training.augment import Draws, augment
from reportgen.training.recipe import AUGMENTATIONS, Augmentation

COUNT, HEIGHT, WIDTH = 16, 8, 14


class Fixed(Draws):
    """Draws that are given: the same for all images, by the order in which they are asked for."""

    def __init__(self, *shares: float) -> None:
        super().__init__(COUNT, 0, 0)
        self._shares = list(shares)

    def uniform(self, low, high):
        share = self._shares.pop(0) if self._shares else 0.5
        return tf.fill([COUNT, 1, 1, 1], tf.cast(low + (high - low) * share, tf.float32))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(2).uniform(0.02, 1, (COUNT, HEIGHT, WIDTH, 3)).astype(np.float32)


def changed(images, how, draws=None, strength=1.0):
    return augment(tf.constant(images), draws or Draws(len(images), 3, 7), how, strength).numpy()


def test_the_neutral_augmentation_changes_nothing(images):
    np.testing.assert_allclose(changed(images, Augmentation()), images, atol=1e-6)


@pytest.mark.parametrize("kind", ["light", "radiograph"])
def test_strength_0_changes_nothing_but_sides(images, kind):
    how = AUGMENTATIONS[kind]
    got = changed(images, how, strength=0.0)
    for image, original in zip(got, images, strict=True):
        nearest = min((original, original[:, ::-1]), key=lambda one: np.abs(one - image).max())
        # an S-shaped curve of no slope is a line up to rounding
        np.testing.assert_allclose(image, nearest, atol=2e-3)


def test_a_flip_exchanges_left_and_right_of_about_half(images):
    got = changed(images, Augmentation(flip=True))
    flipped = [np.allclose(image, original[:, ::-1], atol=1e-5) for image, original in zip(got, images, strict=True)]
    kept = [np.allclose(image, original, atol=1e-5) for image, original in zip(got, images, strict=True)]
    assert [a != b for a, b in zip(flipped, kept, strict=True)] == [True] * COUNT
    assert 3 <= sum(flipped) <= 13


@pytest.mark.parametrize(("right", "down"), [(2, 0), (-3, 0), (0, 1), (0, -2), (3, 2)])
def test_a_shift_moves_columns_and_rows_and_fills_with_black(images, right, down):
    # a draw x is a shift of (2 x - 1) * 0.5 sides of where a pixel is read from
    shares = [(offset / side / 0.5 + 1) / 2 for offset, side in ((right, WIDTH), (down, HEIGHT))]
    got = changed(images, Augmentation(shift=0.5), Fixed(0.5, 1, 0.5, 0.5, *shares))
    expected = np.zeros_like(images)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            if 0 <= row + down < HEIGHT and 0 <= column + right < WIDTH:
                expected[:, row, column] = images[:, row + down, column + right]
    np.testing.assert_allclose(got, expected, atol=2e-3)


def test_a_turn_by_half_a_circle_reverses_both_axes(images):
    got = changed(images, Augmentation(rotation=180.0), Fixed(1.0, 1, 0.5, 0.5, 0.5, 0.5))
    np.testing.assert_allclose(got, images[:, ::-1, ::-1], atol=1e-3)


def test_a_zoom_changes_each_axis_by_its_own_factor(images):
    got = changed(images, Augmentation(zoom=(1.0, 2.0)), Fixed(0.5, 1, 1.0, 0.0, 0.5, 0.5))
    # read from twice as far from the middle: between two columns, and black beyond the side
    middle = WIDTH // 2
    expected = (images[:, :, middle - 2] + images[:, :, middle - 1]) / 2
    near = got[:, :, middle - 1]
    np.testing.assert_allclose(near, images[:, :, middle - 1] * 0.5 + images[:, :, middle - 2] * 0.5, atol=1e-3)
    np.testing.assert_allclose(near, expected, atol=1e-3)
    assert (got[:, :, 0] < 1e-3).all()


def test_gamma_is_a_power_from_one_over_the_largest_to_the_largest(images):
    # contrast and brightness are drawn first
    for share, exponent in ((0.0, 1 / 1.6), (0.5, 1.0), (1.0, 1.6)):
        got = changed(images, Augmentation(gamma=1.6), Fixed(*[0.5] * 6, 0.5, 0.5, share))
        np.testing.assert_allclose(got, images**exponent, atol=1e-3)


def test_contrast_and_brightness_about_the_mean(images):
    got = changed(images, Augmentation(contrast=1.5, brightness=0.1), Fixed(*[0.5] * 6, 1.0, 1.0, 0.5))
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(got, np.clip((images - mean) * 1.5 + mean + 0.1, 1e-4, 1), atol=1e-3)


def test_borders_are_black_to_their_own_depths(images):
    how = Augmentation(borders=1.0, brightness=1e-9)
    # framed; then top, bottom, left, right from -0.08 to 0.10 of the side: none, 0.1, 0.08, none
    shares = (0.0, 0.18 / 0.18, 0.16 / 0.18, 0.0)
    got = changed(images, how, Fixed(*[0.5] * 6, 0.5, 0.5, 0.5, 0.0, *shares))
    expected = images.copy()
    for row in range(HEIGHT):
        for column in range(WIDTH):
            if row / (HEIGHT - 1) > 1 - 0.1 or column / (WIDTH - 1) < 0.08:
                expected[:, row, column] = 0
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_a_share_of_images_has_borders(images):
    got = changed(np.full_like(images, 0.7), Augmentation(borders=0.4))
    assert 0 < sum((image < 0.01).any() for image in got) < COUNT


def test_marks_are_of_one_value_and_near_the_left_or_right():
    plain = np.full((200, 50, 70, 1), 0.55, np.float32)
    got = augment(tf.constant(plain), Draws(200, 1, 1), Augmentation(marks=1.0), 1.0).numpy()
    marked = np.abs(got - 0.55) > 1e-3
    rows, columns = marked[..., 0].any(axis=2), marked[..., 0].any(axis=1)
    assert marked.any(axis=(1, 2, 3)).mean() > 0.8
    assert not columns[:, 22:48].any()
    assert rows.any()
    assert all(len(np.unique(image.round(4))) <= 3 for image in got)


@pytest.mark.parametrize("kind", ["light", "radiograph"])
def test_values_stay_in_range_and_shape(images, kind):
    got = changed(images, AUGMENTATIONS[kind])
    assert got.shape == images.shape
    assert got.min() >= 0
    assert got.max() <= 1
    assert np.isfinite(got).all()
    assert (np.abs(got - images).max(axis=(1, 2, 3)) > 0.01).all()


def test_draws_follow_from_seed_and_step_whatever_ran_before(images):
    how = AUGMENTATIONS["radiograph"]
    first = changed(images, how, Draws(COUNT, 3, 7))
    changed(images, how, Draws(COUNT, 8, 1))
    assert (changed(images, how, Draws(COUNT, 3, 7)) == first).all()
    assert (changed(images, how, Draws(COUNT, 3, 8)) != first).any()
    assert (changed(images, how, Draws(COUNT, 4, 7)) != first).any()


def test_draws_of_a_batch_differ_and_are_spread_over_their_range():
    drawn = Draws(4000, 1, 1)
    values = drawn.uniform(-2.0, 6.0).numpy().ravel()
    assert values.min() < -1.9
    assert 5.9 < values.max() < 6
    assert abs(values.mean() - 2) < 0.2
    factors = drawn.factor(2.0, 1.0).numpy()
    assert (factors.min(), factors.max()) == (pytest.approx(0.5, abs=0.01), pytest.approx(2, abs=0.01))
    assert abs((factors > 1).mean() - 0.5) < 0.05
    assert abs(drawn.chance(0.3).numpy().mean() - 0.3) < 0.05


def test_coverings_are_blocks_of_the_mean_or_of_the_blurred_image(images):
    # by mean; one block in the middle of the sides, 0.1 of the sides to each side; the second isn't drawn
    neutral = [0.5] * 9  # six of the move, three of the tone
    draws = Fixed(*neutral, 0.4, 0.5, 0.5, 0.375, 0.375, 0.0, 0.2, 0.2, 0.5, 0.5, 0.99)
    moved = changed(images, Augmentation(coverings=0.5), draws)
    rows, columns = (np.abs(np.linspace(0, 1, side) - 0.5) < 0.1 for side in (HEIGHT, WIDTH))
    inside = rows[:, None] & columns
    assert inside.any()
    mean = images.mean(axis=(1, 2, 3))[:, None, None]
    np.testing.assert_allclose(moved[:, inside], np.broadcast_to(mean, (COUNT, inside.sum(), 3)), atol=1e-5)
    np.testing.assert_allclose(moved[:, ~inside], images[:, ~inside], atol=1e-6)
