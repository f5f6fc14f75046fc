"""Noisy linear imputation against the exact solution of its equations."""

from __future__ import annotations

import numpy as np

from reportgen.analysis.imputation import impute


def exact(image, missing):
    """Solve the equations of one mask as a dense system; neighbours outside repeat the border."""
    height, width = missing.shape
    system, right = np.eye(height * width), np.zeros((height * width, image.shape[2]))
    for row in range(height):
        for column in range(width):
            place = row * width + column
            if not missing[row, column]:
                right[place] = image[row, column]
                continue
            for down in (-1, 0, 1):
                for across in (-1, 0, 1):
                    if down or across:
                        other = min(max(row + down, 0), height - 1), min(max(column + across, 0), width - 1)
                        system[place, other[0] * width + other[1]] -= 1 / 12 if down and across else 1 / 6
    return np.linalg.solve(system, right).reshape(image.shape)


def slope():
    rows, columns = np.mgrid[:18, :25]
    return np.stack([40 + 5 * rows + 2 * columns, 200 - 4 * columns, 90 + 3 * rows], axis=-1).astype(np.float32)


def test_close_to_the_exact_solution():
    image = slope() + np.random.default_rng(1).normal(0, 10, (18, 25, 3)).astype(np.float32)
    missing = np.random.default_rng(2).random((3, 6, 9)).repeat(3, axis=1).repeat(3, axis=2)[:, :18, :25] < 0.5
    found = impute(image, missing, noise=0)
    for one, mask in zip(found, missing, strict=True):
        right = exact(image, mask)
        assert np.abs(one - right)[mask].mean() < 3
        assert np.abs(one - right).max() < 25


def test_more_sweeps_come_closer():
    image, missing = slope(), np.zeros((1, 18, 25), bool)
    missing[0, 4:12, 5:17] = True
    right = exact(image, missing[0])
    few, many = (np.abs(impute(image, missing, sweeps=n, noise=0)[0] - right).max() for n in (2, 100))
    assert many < 0.1 < few


def test_what_is_there_stays_and_nothing_else_is_seen():
    image, missing = slope(), np.random.default_rng(5).random((2, 18, 25)) < 0.7
    hidden = np.where(missing[0][..., None], np.float32(255), image)
    found = impute(image, missing)
    assert np.array_equal(found[0][~missing[0]], image[~missing[0]])
    # all that is gone must not be used: the same comes out when it is another
    assert np.array_equal(found[0], impute(hidden, missing[:1])[0])


def test_all_gone_leaves_the_mean():
    image = slope()
    found = impute(image, np.ones((1, 18, 25), bool), noise=0)[0]
    assert np.allclose(found, image.mean(axis=(0, 1)), atol=1e-3)


def test_gray_in_three_channels_stays_gray():
    image = np.repeat(slope()[..., :1], 3, axis=2)
    missing = np.random.default_rng(5).random((2, 18, 25)) < 0.5
    found = impute(image, missing)
    assert np.array_equal(found[..., 0], found[..., 2])
    assert np.array_equal(found[..., :1], impute(image[..., :1], missing))


def test_the_same_in_every_run():
    missing = np.random.default_rng(5).random((2, 18, 25)) < 0.5
    assert np.array_equal(impute(slope(), missing), impute(slope(), missing))
