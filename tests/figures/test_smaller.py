"""Grids drawn smaller from their picture, against grids drawn small from the maps themselves."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from reportgen.analysis.channels import measure_layer, reference_of
from reportgen.figures.grids import feature_map_grid, tile_ranges
from reportgen.figures.smaller import smaller_grid

HEIGHT, WIDTH, CHANNELS = 24, 36, 6


@pytest.fixture
def maps(random):
    drawn = random.normal(size=(HEIGHT, WIDTH, CHANNELS)).astype(np.float32)
    drawn[..., 2] = 1.5
    drawn[3, 5, 4] = np.nan
    return drawn


def drawn(maps, maximum_pixels=0):
    layer = measure_layer("conv", maps, reference_of(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1) % 256))
    (ranges,) = tile_ranges([maps], "channel", shared_by_cases=False)
    made = feature_map_grid("g", "NORMAL", maps, layer, ranges, colours="viridis", columns=4,
                            maximum_pixels=maximum_pixels)  # fmt: skip
    return layer, made


def numbers(picture):
    """The places of colours in the palette: 0 to 252 are values."""
    return np.asarray(Image.open(io.BytesIO(picture.data))).astype(int)


@pytest.mark.parametrize(("most", "factor"), [(HEIGHT * WIDTH * CHANNELS // 4, 2), (HEIGHT * WIDTH, 3), (40, 12)])
def test_as_if_drawn_small_from_the_maps(maps, most, factor):
    layer, whole = drawn(maps)
    found, (_, expected) = smaller_grid(whole, layer, most), drawn(maps, most)
    assert (found.width, found.height, found.tiles) == (expected.width, expected.height, expected.tiles)
    assert (found.caption, found.alt) == (expected.caption, expected.alt)
    assert f"drawn at 1/{factor} of its resolution" in found.caption
    seen, wanted = numbers(found), numbers(expected)
    np.testing.assert_array_equal(np.maximum(seen, 252), np.maximum(wanted, 252))  # gaps, crosses, what is no number
    assert np.abs(seen - wanted).max() <= 1


def test_twice_smaller_tells_the_whole_factor(maps):
    layer, whole = drawn(maps)
    once = smaller_grid(whole, layer, HEIGHT * WIDTH * CHANNELS // 4)
    twice = smaller_grid(once, layer, HEIGHT * WIDTH * CHANNELS // 16)
    assert twice.caption.count("of its resolution") == 1
    assert "drawn at 1/4 of its resolution" in twice.caption


def test_what_is_small_enough_stays(maps):
    layer, whole = drawn(maps)
    assert smaller_grid(whole, layer, HEIGHT * WIDTH * CHANNELS) is whole
