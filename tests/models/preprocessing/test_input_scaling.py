"""Whether a model scales its input itself: known models, and random ones against what their numbers say."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.models.preprocessing.input_scaling import OwnScaling, own_scaling

k = keras.layers
SHAPE = (12, 20, 3)


class Halved(k.Layer):
    """A layer of a user's own."""

    def call(self, inputs):
        return inputs / 127.5 - 1


class OwnModel(keras.Model):
    """A model of a user's own."""

    def __init__(self):
        super().__init__()
        self.end = k.Dense(2)

    def call(self, inputs):
        return self.end(keras.ops.mean(inputs / 255, axis=(1, 2)))


def model_of(*layers: keras.Layer) -> keras.Model:
    return keras.Sequential([k.Input(SHAPE), *layers, k.Conv2D(4, 3), k.GlobalAveragePooling2D(), k.Dense(2)])


def functional(scaled) -> keras.Model:
    image = k.Input(SHAPE)
    return keras.Model(image, k.Dense(2)(k.GlobalAveragePooling2D()(k.Conv2D(4, 3)(scaled(image)))))


def adapted(mean: float, variance: float) -> keras.Layer:
    return k.Normalization(mean=[mean] * 3, variance=[variance] * 3)


NO, RAW, UNIT = OwnScaling.NO, OwnScaling.RAW, OwnScaling.UNIT


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (model_of, NO),
        (lambda: model_of(k.ZeroPadding2D(2), k.Dropout(0.5), k.RandomFlip(), k.MaxPooling2D()), NO),
        (lambda: model_of(k.BatchNormalization()), NO),
        (lambda: model_of(k.Rescaling(1 / 255)), RAW),
        (lambda: model_of(k.Rescaling(1 / 127.5, offset=-1)), RAW),
        (lambda: model_of(k.RandomFlip(), k.ZeroPadding2D(1), k.Rescaling(1 / 255)), RAW),
        (lambda: model_of(adapted(123, 58**2)), RAW),
        (lambda: model_of(adapted(0.48, 0.22**2)), UNIT),
        (lambda: model_of(k.Rescaling(2, offset=-1)), UNIT),
        (lambda: model_of(k.Rescaling(1, offset=-0.5)), UNIT),
        (lambda: model_of(k.Rescaling(255)), UNIT),
        (lambda: model_of(k.Rescaling(1, offset=[-123.7, -116.8, -103.9])), RAW),
        (lambda: model_of(k.Lambda(lambda x: x / 255)), RAW),
        (lambda: model_of(k.Lambda(lambda x: x - keras.ops.mean(x, axis=(1, 2), keepdims=True))), RAW),
        (lambda: model_of(Halved()), RAW),
        (lambda: functional(lambda x: keras.ops.clip(x, 0, 1)), UNIT),
        (lambda: model_of(model_of(k.Rescaling(1 / 255)).layers[0], keras.Sequential([Halved()])), RAW),
        (lambda: functional(lambda x: x / 127.5 - 1), RAW),
        (lambda: functional(lambda x: keras.ops.cast(keras.ops.cast(x, "uint8"), "float32")), RAW),
        (lambda: functional(lambda x: x), NO),
        (lambda: functional(functional(Halved()).layers[1]), RAW),
        (lambda: keras.Sequential([k.Input(SHAPE), k.GlobalAveragePooling2D()]), NO),
    ],
)
def test_known_models(build, expected):
    assert own_scaling(build()) is expected


def test_a_base_that_scales_itself_inside():
    base = functional(lambda x: x / 127.5 - 1)
    image = k.Input(SHAPE)
    assert own_scaling(keras.Model(image, k.Dense(2)(base(k.ZeroPadding2D(0)(image))))) is RAW
    assert own_scaling(keras.Sequential([k.Input(SHAPE), base, k.Dense(2)])) is RAW


def test_a_base_used_twice():
    base = functional(lambda x: x / 127.5 - 1)
    image = k.Input(SHAPE)
    both = k.Concatenate()([base(image), base(k.RandomFlip()(image))])
    assert own_scaling(keras.Model(image, k.Dense(2)(both))) is RAW


class Stem(k.Layer):
    """A layer of a user's own that holds others."""

    def __init__(self):
        super().__init__()
        self.scale, self.conv = k.Rescaling(1 / 255), k.Conv2D(4, 3)

    def call(self, inputs):
        return self.conv(self.scale(inputs))


def test_a_layer_that_scales_inside():
    assert own_scaling(model_of(Stem())) is RAW


def test_a_base_called_by_keyword():
    base, image = functional(lambda x: x / 127.5 - 1), k.Input(SHAPE)
    assert own_scaling(keras.Model(image, k.Dense(2)(base(inputs=image)))) is RAW


def test_a_model_that_can_not_be_walked():
    model = OwnModel()
    image = k.Input(SHAPE)
    # its own code is one step, with weights: what it does inside is not seen
    assert own_scaling(keras.Model(image, model(image))) is NO


@settings(max_examples=30, deadline=None)
@given(slope=st.floats(0.002, 300), offset=st.floats(-200, 200))
def test_any_affine_start(slope, offset):
    expected = RAW
    if slope > 1.003 or (abs(slope - 1) < 5e-4 and 1e-3 < abs(offset) < 1.9):
        expected = UNIT
    elif abs(slope - 1) < 4e-3:
        return
    assert own_scaling(model_of(k.Rescaling(slope, offset=offset))) is expected


def test_nothing_random_decides():
    model = model_of(k.RandomContrast(0.9), k.GaussianNoise(0.9))
    assert {own_scaling(model) for _ in range(3)} == {NO}
