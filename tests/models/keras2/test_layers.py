from __future__ import annotations

import numpy as np
import pytest
import tf_keras
from kinds.registry import stirred
from tf_keras import layers as k

from reportgen.models.keras2.layers import convert_activation, convert_layer, give_weights
from reportgen.system.errors import ModelError

SHAPE = (6, 9, 4)


@pytest.mark.parametrize(
    "layer",
    [
        k.Conv2D(5, (2, 3), strides=(2, 1), padding="same", activation="tanh"),
        k.Conv2D(6, 3, dilation_rate=2, use_bias=False, groups=2),
        k.Conv2D(4, 1, activation=k.LeakyReLU(alpha=0.3)),
        k.DepthwiseConv2D(3, depth_multiplier=3),
        k.SeparableConv2D(5, 3, depth_multiplier=2),
        k.Conv2DTranspose(3, (2, 3), strides=2),
        k.BatchNormalization(axis=-1, epsilon=0.01, scale=False),
        k.LayerNormalization(axis=[1, 3]),
        k.GroupNormalization(2),
        k.Dense(3, activation="hard_sigmoid"),
        k.PReLU(shared_axes=[1]),
        k.LeakyReLU(alpha=0.15),
        k.ThresholdedReLU(theta=0.4),
        k.ReLU(max_value=3, negative_slope=0.2, threshold=0.1),
        k.Softmax(axis=2),
        k.UpSampling2D((2, 3), interpolation="bilinear"),
        k.Resizing(5, 4, interpolation="nearest"),
        k.Rescaling(0.5, offset=[1.0, 2, 3, 4]),
        k.Normalization(mean=[1.0, 2, 3, 4], variance=[2.0, 3, 4, 5]),
        k.Normalization(axis=None, mean=1.0, variance=4.0),
        k.MaxPooling2D((2, 3), padding="same"),
        k.AveragePooling2D(2, strides=1),
        k.GlobalAveragePooling2D(keepdims=True),
        k.ZeroPadding2D(((1, 0), (2, 3))),
        k.Cropping2D(((1, 0), (2, 1))),
        k.CenterCrop(3, 5),
        k.Permute((3, 1, 2)),
        k.Reshape((-1, 2)),
        k.Flatten(),
        k.TimeDistributed(k.Dense(3)),
        k.Activation("swish"),
        k.Dropout(0.9),
        k.SpatialDropout2D(0.9),
        k.GaussianNoise(9.0),
        k.RandomFlip(),
        k.RandomHeight(0.5),
        k.UnitNormalization(axis=-1),
    ],
    ids=lambda layer: layer.name,
)
def test_a_counterpart_gives_the_same(layer):
    values = np.random.default_rng(1).normal(size=(2, *SHAPE)).astype(np.float32)
    original = tf_keras.Sequential([k.Input(SHAPE), layer])
    stirred(original)
    made = convert_layer(layer, {})
    made.build((None, *SHAPE))
    give_weights(layer, made)
    expected = np.asarray(original(values, training=False))
    np.testing.assert_allclose(
        np.asarray(made(values, training=False) if takes_training(made) else made(values)), expected, atol=1e-5
    )


def takes_training(layer) -> bool:
    return bool(layer._call_has_training_arg)


def test_the_hard_sigmoid_is_the_old_one():
    values = np.linspace(-4, 4, 33, dtype=np.float32)
    found = np.asarray(convert_activation(tf_keras.activations.hard_sigmoid, {})(values))
    np.testing.assert_allclose(found, np.clip(0.2 * values + 0.5, 0, 1), atol=1e-6)


def test_what_has_no_counterpart():
    class Odd(k.Layer):
        pass

    with pytest.raises(ModelError, match="layer 'odd' is a Odd, which Keras 3 does not have"):
        convert_layer(Odd(name="odd"), {})

    def strange(values):
        return values

    with pytest.raises(ModelError, match="activation 'strange' is unknown"):
        convert_activation(strange, {})
    assert convert_activation(strange, {"strange": strange}) is strange


def test_weights_that_do_not_fit():
    original, made = k.Dense(3), convert_layer(k.Dense(4), {})
    original.build((None, 5))
    made.build((None, 5))
    with pytest.raises(ModelError, match=r"the weights of layer .* don't fit"):
        give_weights(original, made)


def test_names_that_keras_3_takes():
    assert convert_layer(k.ReLU(name="block/relu/1"), {}).name == "block_relu_1"
    assert convert_layer(k.ReLU(name="block/relu/1"), {}, "block_relu_1_1").name == "block_relu_1_1"
