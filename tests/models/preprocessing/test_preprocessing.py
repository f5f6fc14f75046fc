from __future__ import annotations

import importlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reportgen.images.fitting import aspect_cautions, aspect_notes, prepare
from reportgen.images.reader import image_from_array
from reportgen.models.preprocessing.input_scaling import OwnScaling
from reportgen.models.preprocessing.preprocessing import FAMILIES, Preprocessing, families_inside, preprocessing_from
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import SettingsError


def chosen(channels: int = 3, *, scaling: OwnScaling = OwnScaling.NO, family: str | None = None, **values: object):
    settings = PreprocessingSettings(**values)
    return preprocessing_from(settings, channels=channels, scaling=scaling, family=family)


def keras_families() -> list[str]:
    import keras

    return [name for name in dir(keras.applications) if hasattr(getattr(keras.applications, name), "preprocess_input")]


# names of single architectures, which share the module of their family
SHARED = {
    "resnet101": "resnet", "resnet152": "resnet", "resnet101v2": "resnet_v2", "resnet152v2": "resnet_v2",
    "resnet50v2": "resnet_v2", "nasnetlarge": "nasnet", "nasnetmobile": "nasnet", "densenet121": "densenet",
    "densenet169": "densenet", "densenet201": "densenet",
}  # fmt: skip
GONE = ("regnet", "resnet_rs")  # in older versions of Keras only; they scale by themselves


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in GONE])
@pytest.mark.parametrize("whole", [True, False], ids=["uint8", "float"])
def test_every_family_is_as_keras_has_it(random, family, whole):
    module = importlib.import_module(f"keras.applications.{SHARED.get(family, family)}")
    pixels = random.uniform(0, 255, (2, 7, 11, 3)).astype(np.float32)
    pixels = np.rint(pixels) if whole else pixels
    wanted = np.asarray(module.preprocess_input(pixels.copy()))
    got = chosen(mode=family)(pixels.astype(np.uint8) if whole else pixels)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("family", GONE)
def test_families_of_older_versions_take_values_as_they_are(family):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(chosen(mode=family)(pixels), pixels)


def test_no_family_of_this_keras_is_unknown():
    assert set(keras_families()) - set(FAMILIES) == {"imagenet_utils"}


def test_auto_divides_by_255_and_says_that_it_assumes():
    found = chosen()
    np.testing.assert_allclose(found(np.array([[[0, 51, 255]]], np.uint8)), [[[0, 0.2, 1]]], rtol=1e-6)
    assert "assumed" in found.note


def test_auto_leaves_a_model_that_scales_itself_alone():
    found = chosen(scaling=OwnScaling.RAW)
    np.testing.assert_array_equal(found(np.array([[[0, 51, 255]]], np.uint8)), [[[0, 51, 255]]])
    assert "scales or shifts its input itself" in found.note


def test_auto_takes_the_family_first():
    found = chosen(family="vgg16", scaling=OwnScaling.RAW)
    np.testing.assert_allclose(found(np.array([[[1, 2, 3]]], np.uint8)), [[[3 - 103.939, 2 - 116.779, 1 - 123.68]]])


def test_scale_by_hand():
    found = chosen(mode="scale", factor=0.5, offset=-3.0)
    np.testing.assert_array_equal(found(np.array([[[0, 10, 255]]], np.uint8)), [[[-3, 2, 124.5]]])


def test_scale_alone_divides_by_255():
    np.testing.assert_allclose(chosen(mode="scale")(np.array([[[255.0]]])), [[[1]]])


def test_mean_and_deviation_by_hand():
    found = chosen(mode="mean_std", mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0))
    np.testing.assert_allclose(found(np.array([[[12, 12, 30]]], np.uint8)), [[[1, -2, 0]]], atol=1e-6)


def test_one_mean_for_three_deviations():
    found = chosen(mode="mean_std", mean=(10.0,), std=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(found(np.array([[[18, 18, 18]]], np.uint8)), [[[8, 4, 2]]], atol=1e-6)


def test_none_leaves_values():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(chosen(mode="none")(pixels), pixels)


def test_the_input_is_not_changed():
    pixels = np.full((2, 4, 3), 100, np.float32)
    chosen(mode="vgg16")(pixels)
    assert (pixels == 100).all()


@given(
    pixels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=5).map(lambda shape: (*shape, 3))),
    mode=st.sampled_from(FAMILIES),
)
def test_one_map_a_channel_whatever_the_shape(pixels, mode):
    found = chosen(mode=mode)
    whole = found(pixels)
    assert whole.shape == pixels.shape
    flat = found(pixels.reshape(-1, 1, 3)).reshape(pixels.shape)
    np.testing.assert_array_equal(whole, flat)


@pytest.mark.parametrize(
    ("values", "channels", "told"),
    [
        ({"mode": "vgg61"}, 3, "preprocessing.mode 'vgg61' is unknown"),
        ({"mode": "scale", "mean": (1.0,)}, 3, "preprocessing.mean"),
        ({"mode": "scale", "std": (1.0,)}, 3, "preprocessing.std"),
        ({"mode": "auto", "factor": 1.0}, 3, "preprocessing.factor"),
        ({"mode": "vgg16", "offset": 1.0}, 3, "preprocessing.offset"),
        ({"mode": "none", "factor": 0.0}, 3, "preprocessing.factor"),
        ({"mode": "mean_std", "factor": 1.0, "mean": (1.0,), "std": (1.0,)}, 3, "preprocessing.factor"),
        ({"mode": "mean_std", "mean": (1.0,)}, 3, "needs mean and std"),
        ({"mode": "mean_std"}, 3, "needs mean and std"),
        ({"mode": "mean_std", "mean": (1.0, 2.0), "std": (1.0,)}, 3, "preprocessing.mean has 2 values"),
        ({"mode": "mean_std", "mean": (1.0,), "std": (1.0, 1.0, 1.0)}, 1, "preprocessing.std has 3 values"),
        ({"mode": "vgg16"}, 1, "'vgg16' is for RGB"),
        ({"mode": "densenet"}, 1, "'densenet' is for RGB"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(values, channels, told):
    with pytest.raises(SettingsError) as caught:
        chosen(channels, **values)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Preprocessing("none"), "none: values 0 to 255 as they are"),
        (Preprocessing("scale", (0.5,), (-1.0,)), "scale: x × 0.5 − 1"),
        (Preprocessing("scale", (0.5,)), "scale: x × 0.5"),
        (Preprocessing("f", (1.0,), (1.0, 2.0, 3.0), reverse=True), "f: RGB to BGR, then x × 1 + (1, 2, 3)"),
    ],
)
def test_description_in_numbers(found, words):
    assert found.description == words


def test_prepare_gives_size_and_channels_in_raw_units(picture):
    image = image_from_array(picture)
    assert prepare(image, (10, 15, 3), PreprocessingSettings()).shape == (10, 15, 3)
    gray = prepare(image, (10, 15, 1), PreprocessingSettings(resampling="box"))
    assert gray.shape == (10, 15, 1)
    assert gray.dtype == np.uint8
    assert gray.mean() == pytest.approx((picture @ (0.299, 0.587, 0.114)).mean(), abs=1)


def test_prepare_of_gray_for_colour_repeats_it():
    image = image_from_array(np.arange(24, dtype=np.uint8).reshape(4, 6))
    prepared = prepare(image, (4, 6, 3), PreprocessingSettings())
    np.testing.assert_array_equal(prepared, np.repeat(image.pixels[..., None], 3, axis=-1))


def test_prepare_uses_the_resampling_that_is_set():
    image = image_from_array(np.arange(24, dtype=np.uint8).reshape(4, 6))
    box = prepare(image, (2, 2, 1), PreprocessingSettings(resampling="box"))
    # the mean of rows 0 and 1, columns 0 to 2: 0 1 2 6 7 8
    assert box[0, 0, 0] == 4
    nearest = prepare(image, (2, 2, 1), PreprocessingSettings(resampling="nearest"))
    assert nearest[0, 0, 0] == 7


# --- aspect


def test_prepare_keeps_the_aspect_where_it_should():
    image = image_from_array(np.full((12, 4), 90, np.uint8))
    padded = prepare(image, (6, 10, 3), PreprocessingSettings(aspect="pad"))
    assert padded.shape == (6, 10, 3)
    assert (padded[:, 4:6] == 90).all()
    assert padded.sum() == 90 * 6 * 2 * 3
    assert (prepare(image, (6, 10, 1), PreprocessingSettings(aspect="crop")) == 90).all()


@pytest.mark.parametrize(
    ("source", "size", "aspect", "told"),
    [
        ((12, 4), (6, 10), "pad", ["Padded with black: 4 columns left, 4 right."]),
        ((4, 12), (10, 6), "pad", ["Padded with black: 4 rows above, 4 below."]),
        ((4, 12), (7, 6), "pad", ["Padded with black: 2 rows above, 3 below."]),
        ((12, 4), (4, 4), "crop", ["Cropped: 66.7% of the height was left out."]),
        ((100, 125), (50, 50), "crop", ["Cropped: 20.0% of the width was left out."]),
        ((24, 36), (12, 18), "pad", []),
        ((24, 36), (12, 18), "crop", []),
        ((24, 36), (12, 18), "stretch", []),
        (
            (24, 36),
            (12, 12),
            "stretch",
            ["Stretched from 24 × 36 to 12 × 12 (height × width): its aspect is not kept."],
        ),
    ],
)
def test_what_is_done_to_another_aspect_is_told(source, size, aspect, told):
    assert aspect_notes(source, size, aspect) == told


@given(*[st.integers(4, 80)] * 4)
def test_rows_that_are_told_are_the_black_ones(height, width, wanted_height, wanted_width):
    image = image_from_array(np.full((height, width), 255, np.uint8))
    size = (wanted_height, wanted_width)
    padded = prepare(image, (*size, 1), PreprocessingSettings(aspect="pad", resampling="nearest"))[..., 0]
    dark = [int((~padded.any(axis=axis)).sum()) for axis in (1, 0)]
    told = [int(number) for note in aspect_notes(image.size, size, "pad") for number in re.findall(r"\d+", note)]
    assert sum(told) == sum(dark)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["sequential", "mobilenetv2_1.00_96"], ("mobilenetv2_1.00_96", "mobilenet_v2")),
        (["model", "VGG-16"], ("VGG-16", "vgg16")),
        (["resnet50v2"], ("resnet50v2", "resnet50v2")),
        (["efficientnetb0"], None),
        (["MobilenetV3small"], None),
        (["functional_1", "my_net"], None),
    ],
)
def test_a_family_inside_is_known_by_its_name(names, found):
    assert families_inside(names) == found


def test_auto_doubts_its_assumption_when_a_family_stands_inside():
    settings = PreprocessingSettings()
    found = preprocessing_from(settings, channels=3, inside=("vgg16", "vgg16"))
    assert found.factor == (1 / 255,)
    assert "--preprocess vgg16" in found.doubt
    assert preprocessing_from(settings, channels=3, inside=("vgg16", "vgg16"), scaling=OwnScaling.RAW).doubt == ""


def test_auto_divides_for_a_model_that_scales_from_0_to_1():
    found = chosen(scaling=OwnScaling.UNIT)
    assert found.factor == (1 / 255,)
    assert "scales its input itself, from 0 to 1" in found.note


@pytest.mark.parametrize(
    ("source", "aspect", "told"),
    [
        ((100, 100), "stretch", None),
        ((100, 199), "stretch", None),
        ((100, 5000), "stretch", "Stretched 50.0 times more along its height than along its width"),
        ((300, 100), "stretch", "Stretched 3.0 times more along its width than along its height"),
        ((100, 5000), "pad", None),
        ((100, 190), "crop", None),
        ((100, 5000), "crop", "98% of the image was cropped away"),
    ],
)
def test_an_aspect_far_from_the_model_is_a_caution(source, aspect, told):
    found = aspect_cautions(source, (150, 150), aspect)
    assert len(found) == (told is not None)
    assert (told or "") in "".join(found)
