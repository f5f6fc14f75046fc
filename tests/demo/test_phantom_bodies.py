from __future__ import annotations

import numpy as np
import pytest

from reportgen.demo.bodies import Curves, Grid, Interval, capsule, curve, ellipsoid, joined, texture, tubes


def grid_of(height: int, width: int, pitch: float) -> Grid:
    y = (np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2) * np.float32(pitch)
    x = (np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2) * np.float32(pitch)
    return Grid(x.astype(np.float32), y.astype(np.float32), pitch)


def test_the_chord_of_an_ellipsoid():
    across, along = np.float32([[0, 0.6, 0, 0.6, 1, 2]]), np.float32([[0, 0, 0.8, 0.64, 0, 0]])
    body = ellipsoid(across, along, 1.0, 5.0)
    # 2 · 5 · sqrt(1 - u² - v²); around z = 1
    np.testing.assert_allclose(body.length, [[10, 8, 6, 2 * 5 * np.sqrt(1 - 0.36 - 0.4096), 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(body.near[0, :2], [-4, -3], rtol=1e-6)
    np.testing.assert_allclose(body.far[0, :2], [6, 5], rtol=1e-6)


@pytest.mark.parametrize(
    ("other", "shared"), [((-2, 2), 4), ((3, 9), 2), ((-9, 9), 10), ((5, 9), 0), ((6, 9), 0), ((2, 2), 0)]
)
def test_what_two_bodies_share_of_a_ray(other, shared):
    body = Interval(np.float32([-5]), np.float32([5]))
    second = Interval(np.float32([other[0]]), np.float32([other[1]]))
    assert body.shared(second) == second.shared(body) == shared


def test_the_chord_of_a_capsule():
    grid = Grid(np.float32([[0, 4, 8, 10, 11]]), np.float32([[0], [3], [5], [6]]), 1.0)
    chord = capsule(grid, (0, 0), (8, 0), 5)
    # beside the axis the chord of a cylinder, beyond its end that of a sphere
    np.testing.assert_allclose(chord[:, 1], [10, 8, 0, 0], atol=1e-5)
    np.testing.assert_allclose(chord[0], [10, 10, 10, 2 * np.sqrt(21), 8], rtol=1e-5)


def test_a_straight_tube_has_the_chord_of_a_cylinder():
    grid = grid_of(81, 61, 0.05)
    line = np.linspace(-3, 3, 2000)
    chord = tubes(grid, [(curve(line, np.zeros_like(line)), ((0.8, 1.0),))])
    expected = 2 * np.sqrt(np.maximum(0.8**2 - grid.y[:, 0] ** 2, 0))
    for column in (5, 30, 55):
        inner = expected > 0.5
        np.testing.assert_allclose(chord[inner, column], expected[inner], atol=0.02)
        assert np.abs(chord[np.abs(grid.y[:, 0]) > 0.9, column]).max() < 1e-4


def test_a_hollow_tube_is_a_tube_less_a_thinner_one():
    grid = grid_of(61, 41, 0.05)
    line = np.linspace(-3, 3, 2000)
    chord = tubes(grid, [(curve(np.zeros_like(line), line), ((0.6, 1.0), (0.4, -1.0)))])[30]
    assert chord[20] == pytest.approx(2 * (0.6 - 0.4), abs=0.02)
    assert chord[20 + 10] == pytest.approx(2 * np.sqrt(0.6**2 - 0.5**2), abs=0.04)
    assert chord.argmax() in (20 - 8, 20 + 8)  # densest where the ray touches the hollow


def test_a_tube_that_leans_towards_the_viewer_has_a_longer_chord():
    grid = grid_of(41, 61, 0.05)
    line = np.linspace(-4, 4, 3000)
    flat, leaning = (tubes(grid, [(curve(line, 0 * line, z), ((0.5, 1.0),))])[20, 30] for z in (0.0, np.sqrt(3) * line))
    # at 60 degrees to the picture's plane: 1 / cos 60° = 2
    assert leaning / flat == pytest.approx(2, rel=1e-3)


def test_groups_add_up_and_tubes_outside_leave_no_trace():
    grid = grid_of(41, 61, 0.05)
    line = np.linspace(-1, 1, 500)
    one, other = curve(line, 0 * line), curve(0 * line, line)
    away = Curves(line + 50, line - 50, np.full(500, 0.01))
    both = tubes(grid, [(one, ((0.3, 1.0),)), (joined([other, away]), ((0.2, 0.5),))])
    alone = tubes(grid, [(one, ((0.3, 1.0),))]) + tubes(grid, [(other, ((0.2, 0.5),))])
    np.testing.assert_allclose(both, alone, atol=1e-4)


def test_a_leaning_grid_moves_the_tubes_with_it():
    upright = grid_of(41, 61, 0.05)
    leaning = Grid(upright.x + np.float32(0.5) * upright.y, upright.y, upright.pitch)
    line = np.linspace(-3, 3, 2000)
    drawn = tubes(leaning, [(curve(0 * line, line), ((0.3, 1.0),))])
    for row in (4, 20, 36):
        assert abs(leaning.x[row, drawn[row].argmax()]) < 0.1


def test_texture_has_no_mean_a_deviation_of_one_and_its_scale():
    grid = grid_of(120, 200, 0.05)
    drawn = np.stack([texture(np.random.default_rng(seed), grid, 0.5) for seed in range(12)])
    assert drawn.shape == (12, 120, 200)
    assert drawn.dtype == np.float32
    assert abs(drawn.mean()) < 0.1
    assert drawn.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(drawn, axis=2)).mean() < 0.2 * drawn.std()
