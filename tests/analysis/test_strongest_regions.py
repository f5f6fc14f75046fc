"""The strongest regions: around known peaks, and what covering them does to models whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen import build_report, image_from_array, read_report
from reportgen.analysis.occlusion.scan import make_fill
from reportgen.analysis.regions import pair_remarks, parts_of, parts_of_map
from reportgen.outputs.page.rendering import render_html
from reportgen.report.regions import Region, RegionPair, Regions
from reportgen.settings.file import settings_from


def boxes(masks):
    """Return (top, left, height, width) of each mask."""
    found = []
    for mask in masks:
        rows, columns = np.nonzero(mask)
        found.append((int(rows.min()), int(columns.min()), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1))
    return found


def test_a_region_reaches_three_fifths_of_its_peak():
    importance = np.array([[0, 5, 7, 10, 6, 5, 0, 0], [0, 0, 0, 6, 0, 0, 0, 0]], float)
    (part,) = parts_of(importance, 0.0)
    assert np.argwhere(part).tolist() == [[0, 2], [0, 3], [0, 4], [1, 3]]


def test_two_peaks_are_one_region_unless_the_way_between_falls():
    assert len(parts_of(np.array([[10.0, 6.0, 9.0]]), 0.0)) == 1
    first, second = parts_of(np.array([[9.0, 5.9, 10.0]]), 0.0)
    assert first.tolist() == [[False, False, True]]
    assert second.tolist() == [[True, True, False]]


def test_both_signs_have_regions_and_low_peaks_have_none():
    importance = np.array([[4.0, 0.0, -8.0, 0.0, 1.9, 0.0, np.nan]])
    assert boxes(parts_of(importance, 0.0)) == [(0, 2, 1, 1), (0, 0, 1, 1)]


def test_there_are_at_most_eight():
    importance = np.zeros((3, 23))
    importance[1, 1::2] = np.arange(20, 31)
    assert [int(np.argwhere(part)[0][1]) for part in parts_of(importance, 0.0)] == [21, 19, 17, 15, 13, 11, 9, 7]


@pytest.mark.parametrize("importance", [np.zeros((4, 6)), np.full((4, 6), 1e-7), np.full((4, 6), np.nan)])
def test_a_map_that_says_nothing_has_no_region(importance):
    assert parts_of(importance, 1e-6).shape == (0, 4, 6)


def test_what_is_smaller_than_the_scan_can_tell_is_left_out():
    importance = np.array([[4.0, 4.0, 0.0, 9.0]])
    assert boxes(parts_of(importance, 0.0, 2)) == [(0, 0, 1, 2)]


def test_a_large_map_keeps_the_place_of_its_region():
    importance = np.zeros((150, 260))
    importance[20:40, 200:245] = 3.0
    assert boxes(parts_of(importance, 0.0)) == [(20, 200, 20, 45)]


def linear_model(weights, bias):
    """Give the log-odds ``sum(weights * image) + bias``, through a sigmoid."""
    import keras

    inputs = keras.Input((*weights.shape, 1))
    dense = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Model(inputs, dense(keras.layers.Flatten()(inputs)))
    dense.set_weights([weights.reshape(-1, 1).astype(np.float32), np.array([bias], np.float32)])
    return model


TABLES = {"preprocessing": {"mode": "none"}, "model": {"class_names": ["NO", "YES"]}}


def test_a_linear_model_has_its_known_rectangles_and_no_pair_that_differs():
    weights = np.zeros((24, 36))
    weights[2:8, 3:9], weights[14:22, 24:33] = 0.004, -0.001
    pixels = np.zeros((24, 36, 1), np.uint8)
    pixels[3:7, 4:8], pixels[16:20, 26:31] = 100, 100
    case = ("YES", image_from_array(pixels))
    (found,) = build_report(linear_model(weights, 0.5), [case], settings_from(TABLES)).cases
    first, second = found.regions.regions[:2]
    assert (first.where, second.where) == ("upper left of the picture", "lower right of the picture")
    assert first.importance > 0 > second.importance
    # the box holds the bright rectangle, and is not much larger
    assert first.top <= 3 and first.left <= 4 and first.top + first.height >= 7 and first.left + first.width >= 8
    assert first.share < 0.15
    before, after = (np.log2(score / (1 - score)) for score in (found.occlusion.base_score, first.score))
    assert before - after == pytest.approx(first.importance, rel=1e-4)
    for pair in found.regions.pairs:
        assert pair.beyond_sum == pytest.approx(0, abs=1e-3)
    assert pair_remarks([found]) == ()


def test_a_uniform_image_has_none():
    case = ("NO", image_from_array(np.full((24, 36, 1), 90, np.uint8)))
    report = build_report(linear_model(np.full((24, 36), 0.001), 0.0), [case], settings_from(TABLES))
    assert report.cases[0].regions.regions == ()
    assert "outlines" not in render_html(report).partition("<body>")[2]


def test_what_either_of_two_places_is_enough_for_is_told():
    """The log-odds are 10 tanh(0.008 (a + b)) - 5 for two corners' means: with one corner gone most of it is left."""
    import keras

    inputs = keras.Input((24, 36, 1))
    corners = [keras.layers.Cropping2D(crop)(inputs) for crop in (((2, 14), (2, 26)), ((14, 2), (26, 2)))]
    both = keras.layers.Add()([keras.layers.GlobalAveragePooling2D()(one) for one in corners])
    bounded, dense = keras.layers.Dense(1, activation="tanh"), keras.layers.Dense(1, activation="sigmoid")
    model = keras.Model(inputs, dense(bounded(both)))
    bounded.set_weights([np.array([[0.008]], np.float32), np.zeros(1, np.float32)])
    dense.set_weights([np.array([[10.0]], np.float32), np.array([-5.0], np.float32)])
    pixels = np.zeros((24, 36, 1), np.uint8)
    pixels[2:10, 2:10], pixels[14:22, 26:34] = 110, 100
    report = build_report(model, [("YES", image_from_array(pixels))], settings_from(TABLES))
    (found,) = report.cases
    parts = parts_of_map(found.importance_map(), found.occlusion)
    blurred = make_fill(pixels, "blur")[0]

    def bits(*blurs):
        mask = np.any([np.zeros((24, 36), bool), *(parts[found.regions.regions[one].peak] for one in blurs)], axis=0)
        image = np.where(mask[..., None], blurred, pixels)
        return 10 * np.tanh(0.008 * (image[2:10, 2:10].mean() + image[14:22, 26:34].mean())) / np.log(2)

    expected = bits(0) + bits(1) - bits() - bits(0, 1)
    assert found.regions.pairs[0].importance == pytest.approx(bits() - bits(0, 1), abs=1e-3)
    assert found.regions.pairs[0].beyond_sum == pytest.approx(expected, abs=1e-3)
    (remark,) = pair_remarks([found])
    assert "regions 1 and 2 stand in for each other" in remark.text
    assert remark.numbers["beyond_sum"] == found.regions.pairs[0].beyond_sum
    for region in found.regions.regions:
        assert abs(sum(map(area, region.outline))) == parts[region.peak].sum()
        assert parts[region.peak][int(region.mark[1]), int(region.mark[0])]
    page = render_html(report)
    assert page.count('id="case1-outline-') == page.count('id="case1-region-') == len(found.regions.regions)
    assert f'd="{found.regions.regions[0].path}"' in page


def area(line):
    """Of what a line goes around, negative where it does so the other way."""
    x, y = np.array(line[::2]), np.array(line[1::2])
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def regions(first, second, both, unit="bits"):
    made = [
        Region(
            peak=place, where="centre of the picture", top=0, left=0, height=2, width=3, share=0.1, importance=value,
            score=0.5,
        )
        for place, value in enumerate((first, second))
    ]  # fmt: skip
    pair = RegionPair(first=0, second=1, importance=both, beyond_sum=both - first - second)
    return Regions(target_class="CAT", unit=unit, regions=tuple(made), pairs=(pair,))


SITUATIONS = {
    "stand in": ((2.6, 1.5, 6.1), "1 and 2 stand in for each other: blurring both costs 6.1 bits, 2 bits more than"),
    "work together": ((4.0, 3.0, 4.5), "1 and 2 work together: blurring both costs 4.5 bits, 2.5 bits less than"),
    "opposed": ((4.0, -3.0, -2.0), "1 and 2 depend on each other: blurring both adds 2 bits, 3 bits away from the sum"),
    "a number": ((4.0, 3.0, 9.0, "output"), "1 and 2 stand in for each other: blurring both costs 9, 2 more than"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_pair_that_differs_has_its_sentence(situation, make_case):
    numbers, sentence = SITUATIONS[situation]
    (remark,) = pair_remarks([replace(make_case("CAT"), regions=regions(*numbers))])
    assert sentence in remark.text
    assert ("bits" in remark.text) == (len(numbers) == 3)


@pytest.mark.parametrize("numbers", [(4.0, 3.0, 7.5), (0.03, 0.02, 0.1)])
def test_a_pair_near_its_sum_has_none(numbers, make_case):
    assert pair_remarks([replace(make_case("CAT"), regions=regions(*numbers))]) == ()


def test_a_model_that_gives_a_number_has_regions_in_its_own_unit_that_are_read_back(tmp_path):
    import keras

    weights = np.zeros((24, 36), np.float32)
    weights[14:22, 24:33] = -0.01
    inputs = keras.Input((24, 36, 1))
    dense = keras.layers.Dense(1)
    model = keras.Model(inputs, dense(keras.layers.Flatten()(inputs)))
    dense.set_weights([weights.reshape(-1, 1), np.array([40], np.float32)])
    pixels = np.zeros((24, 36, 1), np.uint8)
    pixels[16:20, 26:31] = 100
    tables = {"preprocessing": {"mode": "none"}, "model": {"class_names": ["AGE"], "head": "regression"}}
    report = build_report(model, [("A", image_from_array(pixels))], settings_from(tables))
    found = report.cases[0].regions
    assert found.unit_text == ""
    strongest = found.regions[0]
    assert strongest.where == "lower right of the picture"
    assert strongest.importance < 0
    assert strongest.score == pytest.approx(report.cases[0].occlusion.base_score - strongest.importance, rel=1e-5)
    assert "Dashed: blurring it raises the output." in render_html(report)
    report.save_html(tmp_path / "report.html")
    assert read_report(tmp_path / "report.html").cases[0].regions == found
