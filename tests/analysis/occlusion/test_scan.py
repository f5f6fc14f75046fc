"""The occlusion scan against a plain loop: one position, one forward pass."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from reportgen.analysis.occlusion.full import batch_size
from reportgen.analysis.occlusion.patches import Geometry, occlude, plan_scan
from reportgen.analysis.occlusion.scan import make_fill, scan
from reportgen.analysis.predictions import Head
from reportgen.models.preprocessing.preprocessing import Preprocessing
from reportgen.report.evidence import OcclusionMap
from reportgen.report.importance import spread_over_pixels
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.system.errors import SettingsError

SCALED = Preprocessing("scale", (1 / 255,))
CENTRED = Preprocessing("tf", (1 / 127.5,), (-1.0,))
REVERSED = Preprocessing("caffe", (0.02, 0.01, 0.005), (-2.0, -1.0, -0.5), reverse=True)


NAMES = ("a", "b", "c")


def pixel_importance(importance, geometry, size):
    return spread_over_pixels(importance, geometry.rows, geometry.columns, geometry.patch, size)


def positive_and_negative(raw):
    return np.concatenate([1 - np.float64(raw), np.float64(raw)], axis=1)


def as_they_are(raw):
    return np.asarray(raw, np.float64)


def in_bits(scores):
    """Log-odds to the base 2."""
    return np.log2(scores) - np.log2(1 - scores)


class Seen(NamedTuple):
    """One patch and fill of a scan, as arrays."""

    scores: np.ndarray
    base_score: float
    importance: np.ndarray
    geometry: Geometry
    summary: OcclusionMap


def run(model, images, chosen, *, prepare=SCALED, head=None, targets=None, on_progress=None):
    """Scan with one patch and one fill: blur only where it is asked for."""
    if chosen.fill == OcclusionSettings().fill:
        chosen = replace(chosen, fill="mean")
    found = scan(
        model, images, prepare=prepare, head=head or Head("regression", NAMES, 0.5, 3),
        targets=[(one,) for one in targets or [0] * len(images)], settings=chosen, on_progress=on_progress,
    )  # fmt: skip
    return [
        Seen(
            np.array(one.summary.scans[0].scores),
            one.summary.base_score,
            one.importance,
            one.geometries[0],
            one.summary,
        )
        for (one,) in found
    ]


def slow_blur(image):
    """Twice the mean over a window of a fifth of a side, first down, then across, borders mirrored."""
    image = image.astype(np.float64)
    for axis in (0, 0, 1, 1):
        side = image.shape[axis]
        reach = max(1, side // 10)
        blurred = np.empty_like(image)
        for here in range(side):
            # mirrored with the border pixel repeated: -1 is 0, -2 is 1
            window = [k if k >= 0 else -k - 1 for k in range(here - reach, here + reach + 1)]
            window = [k if k < side else 2 * side - k - 1 for k in window]
            mean = sum(np.take(image, k, axis) for k in window) / len(window)
            blurred[(slice(None),) * axis + (here,)] = mean
        image = blurred
    return image


def slow_fill(image, fill):
    channels = image.shape[2]
    if fill == "blur":
        return slow_blur(image)
    if fill == "mean":
        colour = [np.float64(image[..., c]).mean() for c in range(channels)]
    elif len(fill) == 1:
        colour = [fill[0]] * channels
    elif channels == 1:
        colour = [0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2]]
    else:
        colour = list(fill)
    return np.ones(image.shape) * colour


def slow_scan(model, image, chosen, prepare, scores_of, target):
    """Scores (rows, columns), base score and pixel map, by definition."""

    def score(pixels):
        return float(scores_of(np.asarray(model(prepare(pixels)[None], training=False)))[0, target])

    height, width = image.shape[:2]
    (tall, wide), (down, across) = chosen.patch, chosen.stride
    tops = sorted({*range(0, height - tall + 1, down), height - tall})
    lefts = sorted({*range(0, width - wide + 1, across), width - wide})
    cover = slow_fill(image, chosen.fill)
    base = score(image.astype(np.float32))
    scores = np.zeros((len(tops), len(lefts)))
    total, times = np.zeros((height, width)), np.zeros((height, width))
    evidence = in_bits if scores_of is positive_and_negative else np.float64
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            covered = image.astype(np.float32)
            for y in range(top, top + tall):
                for x in range(left, left + wide):
                    covered[y, x] = cover[y, x]
            scores[row, column] = score(covered)
            total[top : top + tall, left : left + wide] += evidence(base) - evidence(scores[row, column])
            times[top : top + tall, left : left + wide] += 1
    return scores, base, total / times


def linear_model(weights):
    """One output: the sum of pixels times weights ``(H, W, C)``."""
    weights = np.asarray(weights, np.float32)
    model = keras.Sequential([layers.Input(weights.shape), layers.Flatten(), layers.Dense(1, use_bias=False)])
    model.set_weights([weights.reshape(-1, 1)])
    return model


@pytest.fixture(scope="module")
def gray_model():
    keras.utils.set_random_seed(8)
    return keras.Sequential(
        [
            layers.Input((20, 30, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D((2, 3)),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def gray_images(picture):
    return [picture[:20, :30, 1:2], np.flip(picture, axis=1)[:20, :30, :1]]


# ---- positions


@pytest.mark.parametrize(
    ("size", "patch", "stride", "rows", "columns"),
    [
        ((10, 13), 4, 3, (0, 3, 6), (0, 3, 6, 9)),
        ((10, 14), 4, 3, (0, 3, 6), (0, 3, 6, 9, 10)),  # the last is flush with the border
        ((11, 10), 4, 3, (0, 3, 6, 7), (0, 3, 6)),
        ((7, 9), (7, 9), 1, (0,), (0,)),  # the patch is the image
        ((7, 9), (7, 4), (7, 4), (0,), (0, 4, 5)),
        ((9, 10), 3, 3, (0, 3, 6), (0, 3, 6, 7)),  # the stride is the patch
        ((6, 8), (2, 5), (1, 2), (0, 1, 2, 3, 4), (0, 2, 3)),
        ((224, 224), 56, 56, (0, 56, 112, 168), (0, 56, 112, 168)),
        ((3, 5), 1, 1, (0, 1, 2), (0, 1, 2, 3, 4)),
    ],
)
def test_positions_by_hand(size, patch, stride, rows, columns):
    found = plan_scan(size, OcclusionSettings(patch=patch, stride=stride))
    assert (found.rows, found.columns) == (rows, columns)
    assert found.count == len(rows) * len(columns)


def test_default_patch_is_a_tenth_and_stride_a_third():
    found = plan_scan((150, 150), OcclusionSettings())
    assert (found.patch, found.stride) == ((15, 15), (5, 5))
    assert (len(found.rows), len(found.columns)) == (28, 28)
    assert (found.rows[0], found.rows[1], found.rows[-1]) == (0, 5, 135)


@pytest.mark.parametrize(
    ("size", "patch", "stride"),
    [((100, 200), (10, 20), (3, 7)), ((24, 36), (2, 4), (1, 1)), ((4, 6), (1, 1), (1, 1))],
)
def test_default_patch_and_stride_of_other_sizes(size, patch, stride):
    found = plan_scan(size, OcclusionSettings())
    assert (found.patch, found.stride) == (patch, stride)


def test_default_stride_follows_the_given_patch():
    assert plan_scan((60, 90), OcclusionSettings(patch=(9, 30))).stride == (3, 10)


@st.composite
def plans(draw, largest=40):
    size = (draw(st.integers(1, largest)), draw(st.integers(1, largest)))
    patch = (draw(st.integers(1, size[0])), draw(st.integers(1, size[1])))
    stride = (draw(st.integers(1, patch[0])), draw(st.integers(1, patch[1])))
    return size, OcclusionSettings(patch=patch, stride=stride)


@given(plans())
@settings(deadline=None)
def test_every_pixel_is_covered_and_every_patch_lies_inside(case):
    size, chosen = case
    found = plan_scan(size, chosen)
    covered = np.zeros(size, bool)
    for index in range(found.count):
        top, left = found.position(index)
        assert 0 <= top <= size[0] - found.patch[0]
        assert 0 <= left <= size[1] - found.patch[1]
        covered[top : top + found.patch[0], left : left + found.patch[1]] = True
    assert covered.all()
    for starts, stride in ((found.rows, found.stride[0]), (found.columns, found.stride[1])):
        steps = np.diff(starts)
        assert (steps[:-1] == stride).all()
        assert (steps > 0).all()
        assert (steps <= stride).all()


@given(st.integers(1, 200), st.integers(1, 200))
@settings(deadline=None)
def test_defaults_fit_any_size(height, width):
    found = plan_scan((height, width), OcclusionSettings())
    assert found.rows[-1] + found.patch[0] == height
    assert found.columns[-1] + found.patch[1] == width


@given(plans(largest=12))
@settings(deadline=None)
def test_positions_are_counted_row_by_row(case):
    found = plan_scan(*case)
    assert [found.position(index) for index in range(found.count)] == [
        (top, left) for top in found.rows for left in found.columns
    ]


@pytest.mark.parametrize("patch", [11, (11, 3), (3, 14)])
def test_patch_larger_than_the_image_is_refused(patch):
    with pytest.raises(SettingsError, match=r"patch .* is larger than the model's input 10 x 13"):
        plan_scan((10, 13), OcclusionSettings(patch=patch, stride=1))


@pytest.mark.parametrize("stride", [5, (5, 1), (1, 5)])
def test_stride_larger_than_the_patch_is_refused(stride):
    with pytest.raises(SettingsError, match=r"stride .* is larger than the patch 4 x 4"):
        plan_scan((10, 13), OcclusionSettings(patch=4, stride=stride))


# ---- from positions to pixels


def test_pixel_importance_by_hand():
    found = Geometry((1, 2), (1, 1), (0, 1), (0, 1))
    importance = pixel_importance(np.array([[1.0, 3.0], [-4.0, 0.0]]), found, (2, 3))
    assert importance.tolist() == [[1.0, 2.0, 3.0], [-4.0, -2.0, 0.0]]


@given(plans(largest=14), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_pixel_importance_is_the_mean_over_the_patches_that_cover_a_pixel(case, random):
    size, chosen = case
    found = plan_scan(size, chosen)
    importance = np.array([[random.uniform(-1, 1) for _ in found.columns] for _ in found.rows])
    expected = np.zeros(size)
    for y in range(size[0]):
        for x in range(size[1]):
            covering = [
                importance[row, column]
                for row, top in enumerate(found.rows)
                for column, left in enumerate(found.columns)
                if top <= y < top + found.patch[0] and left <= x < left + found.patch[1]
            ]
            expected[y, x] = sum(covering) / len(covering)
    np.testing.assert_allclose(pixel_importance(importance, found, size), expected, atol=1e-12)


# ---- the occluded image


def test_occluded_covers_exactly_the_patch_and_leaves_its_input_alone(picture):
    before = picture.copy()
    fill = np.full(picture.shape, 7.5, np.float32)
    covered = occlude(picture, fill, (3, 20), (4, 9))
    assert (picture == before).all()
    assert covered.dtype == np.float32
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            inside = 3 <= y < 7 and 20 <= x < 29
            assert (covered[y, x] == (7.5 if inside else before[y, x])).all()


def test_occluded_does_not_change_a_float_image():
    image = np.arange(24, dtype=np.float32).reshape(4, 6, 1)
    before = image.copy()
    occlude(image, np.zeros_like(image), (0, 0), (4, 6))
    assert (image == before).all()


# ---- what covers it


def test_mean_fill_is_the_mean_of_each_channel():
    image = np.zeros((4, 5, 3), np.uint8)
    image[0, :, 0], image[:, 0, 1], image[..., 2] = 100, 50, 255
    fill, colour = make_fill(image, "mean")
    assert colour == pytest.approx((25, 10, 255))
    np.testing.assert_allclose(fill, np.broadcast_to([25, 10, 255], image.shape), rtol=1e-6)


@pytest.mark.parametrize(
    ("fill", "channels", "expected"),
    [
        ((250, 128, 64), 3, (250, 128, 64)),
        ((90,), 3, (90, 90, 90)),
        ((90,), 1, (90,)),
        ((250, 128, 64), 1, (0.299 * 250 + 0.587 * 128 + 0.114 * 64,)),
    ],
)
def test_colour_fill(fill, channels, expected):
    cover, colour = make_fill(np.zeros((4, 6, channels), np.uint8), fill)
    assert colour == pytest.approx(expected)
    np.testing.assert_allclose(cover, np.broadcast_to(expected, (4, 6, channels)), rtol=1e-6)


@pytest.mark.parametrize("size", [(24, 36), (7, 50), (4, 5), (41, 20)])
@pytest.mark.parametrize("channels", [1, 3])
def test_blur_fill(random, size, channels):
    image = random.integers(0, 256, (*size, channels)).astype(np.uint8)
    fill, colour = make_fill(image, "blur")
    assert colour is None
    np.testing.assert_allclose(fill, slow_blur(image), atol=1e-3)


@pytest.mark.parametrize("fill", [(), (1, 2), (1, 2, 3, 4)])
def test_wrong_number_of_colour_values_is_refused(small_model, picture, fill):
    with pytest.raises(SettingsError, match=f"occlusion.fill has {len(fill)} values"):
        run(small_model, [picture], OcclusionSettings(fill=fill))


# ---- the scan


def test_two_by_two_by_hand():
    image = np.array([[[10], [20]], [[30], [40]]], np.uint8)
    model = linear_model([[[1], [2]], [[-3], [4]]])
    (found,) = run(model, [image], OcclusionSettings(patch=1, stride=1, fill=(0,)), prepare=Preprocessing("none"))
    # the score is 10 + 40 - 90 + 160; each pixel's importance is its weight times its value
    assert found.base_score == 120
    assert found.scores.tolist() == [[110, 80], [210, -40]]
    assert found.importance.tolist() == [[10, 40], [-90, 160]]


def test_two_by_three_with_a_patch_of_two_by_hand():
    image = np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8)
    model = linear_model([[[1], [1], [1]], [[1], [1], [2]]])
    chosen = OcclusionSettings(patch=2, stride=1, fill=(0,))
    (found,) = run(model, [image], chosen, prepare=Preprocessing("none"))
    assert found.base_score == 27
    assert found.scores.tolist() == [[15, 5]]
    assert found.importance.tolist() == [[12, 17, 22], [12, 17, 22]]
    assert (found.summary.importance_minimum, found.summary.importance_maximum) == (12, 22)


def test_preprocessing_comes_after_the_fill():
    image = np.array([[[10], [20]], [[30], [40]]], np.uint8)
    model = linear_model([[[1], [1]], [[1], [1]]])
    chosen = OcclusionSettings(patch=1, stride=1, fill=(50,))
    (found,) = run(model, [image], chosen, prepare=Preprocessing("scale", (2.0,), (-1.0,)))
    assert found.base_score == 196
    assert found.scores.tolist() == [[276, 256], [236, 216]]


def test_importance_is_positive_where_covering_lowers_the_score():
    image = np.full((6, 9, 3), 100, np.uint8)
    image[:3, :3] = 200
    image[3:, 6:] = 0
    (found,) = run(linear_model(np.ones((6, 9, 3))), [image], OcclusionSettings(patch=3, stride=3, fill=(100,)))
    assert np.sign(found.importance[::3, ::3].round(4)).tolist() == [[1, 0, 0], [0, 0, -1]]


@pytest.mark.parametrize(("y", "x"), [(0, 35), (23, 0), (23, 35), (5, 30)])
def test_a_model_that_looks_at_one_pixel(y, x):
    weights = np.zeros((24, 36, 3))
    weights[y, x] = 1
    image = np.full((24, 36, 3), 255, np.uint8)
    (found,) = run(linear_model(weights), [image], OcclusionSettings(patch=(4, 6), stride=(4, 6), fill=(0,)))
    row, column = y // 4, x // 6
    assert found.scores.shape == (6, 6)
    expected = np.zeros((24, 36))
    expected[4 * row : 4 * row + 4, 6 * column : 6 * column + 6] = 3
    np.testing.assert_allclose(found.importance, expected, atol=1e-6)
    strongest = found.summary.strongest
    assert (strongest.row, strongest.column, strongest.top, strongest.left) == (row, column, 4 * row, 6 * column)
    assert strongest.importance == pytest.approx(3)


def test_the_strongest_patch_is_so_by_magnitude():
    weights = np.zeros((6, 9, 1))
    weights[1, 1], weights[4, 7] = 1, -2
    image = np.full((6, 9, 1), 255, np.uint8)
    (found,) = run(linear_model(weights), [image], OcclusionSettings(patch=3, stride=3, fill=(0,)))
    strongest = found.summary.strongest
    assert (strongest.row, strongest.column, strongest.top, strongest.left) == (1, 2, 3, 6)
    assert strongest.importance == pytest.approx(-2)
    assert found.summary.importance_minimum == pytest.approx(-2)
    assert found.summary.importance_maximum == pytest.approx(1)


@pytest.mark.parametrize("engine", ["full", "incremental"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("fill", ["mean", "blur", (250, 128, 64), (90,)])
def test_colour_model_as_by_the_slow_way(small_model, picture, fill, kind, engine):
    image = picture if kind == np.uint8 else np.clip(picture * np.float32(0.99) + np.float32(0.37), 0, 255)
    chosen = OcclusionSettings(patch=(7, 11), stride=(4, 5), fill=fill, engine=engine)
    (found,) = run(small_model, [image], chosen, prepare=REVERSED, head=Head("sigmoid", NAMES[:2], 0.5), targets=[1])
    scores, base, importance = slow_scan(small_model, image, chosen, REVERSED, positive_and_negative, 1)
    assert found.summary.engine == engine
    assert found.scores.shape == (6, 6)
    assert np.ptp(scores) > 1e-3  # else there is nothing to compare
    np.testing.assert_allclose(found.scores, scores, atol=2e-5)
    assert found.base_score == pytest.approx(base, abs=2e-5)
    np.testing.assert_allclose(found.importance, importance, atol=2e-4)


@pytest.mark.parametrize("engine", ["full", "incremental"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("fill", ["mean", "blur", (250, 128, 64), (90,)])
def test_gray_model_as_by_the_slow_way(gray_model, gray_images, fill, kind, engine):
    image = gray_images[0].astype(kind)
    chosen = OcclusionSettings(patch=(6, 8), stride=(5, 7), fill=fill, engine=engine)
    (found,) = run(gray_model, [image], chosen, prepare=CENTRED, targets=[2])
    scores, base, importance = slow_scan(gray_model, image, chosen, CENTRED, as_they_are, 2)
    assert found.summary.engine == engine
    assert np.ptp(scores) > 1e-3
    np.testing.assert_allclose(found.scores, scores, atol=2e-5)
    assert found.base_score == pytest.approx(base, abs=2e-5)
    np.testing.assert_allclose(found.importance, importance, atol=2e-5)


@pytest.mark.parametrize("engine", ["full", "incremental"])
def test_nested_model_as_by_the_slow_way(nested_model, picture, engine):
    chosen = OcclusionSettings(patch=(9, 10), stride=(8, 10), fill=(0, 255, 0), engine=engine)
    prepare = Preprocessing("none")
    (found,) = run(nested_model, [picture], chosen, prepare=prepare, targets=[1])
    scores, _, importance = slow_scan(nested_model, picture, chosen, prepare, as_they_are, 1)
    assert np.ptp(scores) > 1e-4
    np.testing.assert_allclose(found.scores, scores, atol=1e-5)
    np.testing.assert_allclose(found.importance, importance, atol=1e-5)


@pytest.mark.parametrize("engine", ["full", "incremental"])
def test_several_cases_with_targets_of_their_own(gray_model, gray_images, engine):
    chosen = OcclusionSettings(patch=(6, 8), stride=(5, 7), fill="mean", engine=engine)
    found = run(gray_model, gray_images, chosen, targets=[2, 0])
    assert [one.summary.target_class for one in found] == ["c", "a"]
    for one, image, target in zip(found, gray_images, (2, 0), strict=True):
        scores, base, _ = slow_scan(gray_model, image, chosen, SCALED, as_they_are, target)
        np.testing.assert_allclose(one.scores, scores, atol=2e-5)
        assert one.base_score == pytest.approx(base, abs=2e-5)
    assert np.abs(found[0].scores - found[1].scores).max() > 1e-2


def test_small_batches_give_the_same(gray_model, gray_images):
    chosen = {"patch": (6, 8), "stride": (5, 7)}
    told = []
    usual = run(gray_model, gray_images, OcclusionSettings(**chosen))
    per_image = (1 << 20) // batch_size(gray_model, 1 << 20)
    for bound in (1, 3 * per_image, 5 * per_image):
        told.clear()
        few = run(gray_model, gray_images, OcclusionSettings(**chosen, memory=bound), on_progress=told.append)
        for one, other in zip(few, usual, strict=True):
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-6)
        assert sum(told) == sum(one.geometry.count + 1 for one in usual)
        assert len(told) > 1


def test_batch_size_by_hand():
    model = keras.Sequential([layers.Input((4, 6, 3)), layers.Conv2D(20, 3), layers.Flatten(), layers.Dense(2)])
    # the input has 4 x 4 x 6 x 3 = 288 bytes, the largest output 4 x 2 x 4 x 20 = 640; 288 + 3 x 640 = 2208
    assert [batch_size(model, memory) for memory in (1, 2208, 3 * 2208 - 1, 3 * 2208)] == [1, 1, 2, 3]
    assert batch_size(model, 1 << 40) == 64
    # where no output is larger than the input, the input counts four times: 1152
    small = keras.Sequential([layers.Input((4, 6, 3)), layers.GlobalAveragePooling2D()])
    assert [batch_size(small, memory) for memory in (3 * 1152 - 1, 3 * 1152)] == [2, 3]


def test_a_layer_inside_a_model_inside_counts_for_the_batch_size():
    inner = keras.Sequential([layers.Input((4, 6, 3)), layers.Conv2D(100, 1), layers.GlobalMaxPooling2D()])
    outer = keras.Sequential([layers.Input((4, 6, 3)), inner, layers.Dense(1)])
    assert batch_size(outer, 10 * (288 + 3 * 9600)) == 10


def test_summary_says_what_was_found(small_model, picture):
    chosen = OcclusionSettings(patch=(7, 11), stride=(4, 5), fill=(10, 20, 30))
    (found,) = run(small_model, [picture], chosen)
    summary = found.summary
    (only,) = summary.scans
    assert (only.patch, only.stride, only.fill) == ((7, 11), (4, 5), (10, 20, 30))
    assert only.fill_colour == (10, 20, 30)
    assert (only.rows, only.columns) == (6, 6)
    assert only.row_starts == (0, 4, 8, 12, 16, 17)
    assert only.column_starts == (0, 5, 10, 15, 20, 25)
    assert only.evidence == only.scores
    assert (summary.unit, summary.size, summary.weights, summary.combination) == ("output", (24, 36), (1.0,), "single")
    assert (summary.importance_minimum, summary.importance_maximum) == (found.importance.min(), found.importance.max())
    best = summary.strongest
    changes = np.abs(found.base_score - found.scores)
    assert changes[best.row, best.column] == changes.max()
    assert best.importance == found.base_score - found.scores[best.row, best.column]
    assert (best.top, best.left) == (only.row_starts[best.row], only.column_starts[best.column])


def test_scan_does_not_change_its_images(small_model, picture):
    before = picture.copy()
    run(small_model, [picture], OcclusionSettings(patch=12, stride=12))
    assert (picture == before).all()


# ---- scores that are not numbers


def test_a_position_without_a_number_is_left_out_of_the_means():
    geometry = Geometry((2, 2), (1, 2), (0, 1), (0, 2))
    importance = np.array([[1.0, np.nan], [3.0, np.nan]])
    found = pixel_importance(importance, geometry, (3, 4))
    np.testing.assert_array_equal(found[:, :2], [[1, 1], [2, 2], [3, 3]])
    assert np.isnan(found[:, 2:]).all()
    importance[1, 1] = 5
    np.testing.assert_array_equal(pixel_importance(importance, geometry, (3, 4))[1:, 2:], [[5, 5], [5, 5]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ["full", "incremental"])
def test_a_scan_in_which_some_positions_give_no_number(engine):
    # the root of what is left of the brightness over a limit, which covering the right part falls short of
    entry = layers.Input((4, 6, 1))
    total = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, kernel_initializer="ones")(entry))
    model = keras.Model(entry, keras.ops.sqrt(total - 0.5))
    image = np.full((4, 6, 1), 255, np.uint8)
    image[:, :2] = 0
    chosen = OcclusionSettings(patch=(4, 2), stride=(4, 2), fill=(0.0,), engine=engine)
    (found,) = run(model, [image], chosen)
    # 16 of 24 pixels are white: 2/3 - 1/2; without one of the right parts 1/3 - 1/2
    np.testing.assert_allclose(found.scores, [[(1 / 6) ** 0.5, np.nan, np.nan]], rtol=1e-5)
    assert found.summary.strongest.importance == pytest.approx(0, abs=1e-6)
    assert (found.summary.importance_minimum, found.summary.importance_maximum) == pytest.approx((0, 0), abs=1e-6)
    assert np.isnan(found.importance[:, 2:]).all()
