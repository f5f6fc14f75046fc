from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from kinds.registry import SHAPE
from tf_keras import layers as k

from reportgen.models.keras2.operations import convert_operation
from reportgen.models.loader import load_model
from reportgen.system.errors import ModelError

OPERATIONS = {
    "divide": lambda x: x / 127.5 - 1.0,
    "reversed": lambda x: 1.0 - x,
    "power": lambda x: x**2 + x * [0.5, 1, 2],
    "means": lambda x: (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "slice": lambda x: x[:, 2:-2, ::2, ::-1],
    "new axis": lambda x: x[:, tf.newaxis, 0],
    "reduce": lambda x: tf.reduce_mean(x, axis=[1, 2], keepdims=True) + tf.reduce_max(x, axis=-1, keepdims=True),
    "sum": lambda x: tf.reduce_sum(x, axis=3) * tf.reduce_min(x, axis=3),
    "clip": lambda x: tf.clip_by_value(x, 0.2, 0.6),
    "concat": lambda x: tf.concat([x, -x, tf.exp(x)], axis=-1),
    "stack": lambda x: tf.stack([x, tf.abs(x)], axis=1),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [3, 0], [0, 0]]),
    "mirror": lambda x: tf.pad(x, [[0, 0], [1, 2], [3, 0], [0, 0]], mode="REFLECT"),
    "reshape": lambda x: tf.reshape(x, [-1, 24, 108]),
    "transpose": lambda x: tf.transpose(x, [0, 3, 1, 2]),
    "tile": lambda x: tf.tile(x, [1, 1, 2, 1]),
    "squeeze": lambda x: tf.squeeze(x[:, :1], axis=1),
    "resize": lambda x: tf.image.resize(x, [11, 17]),
    "cast": lambda x: tf.cast(tf.cast(x * 4, tf.int32), tf.float32),
    "activations": lambda x: tf.nn.relu(x) + tf.nn.relu6(x * 9) + tf.nn.sigmoid(x) + tf.tanh(x) + tf.nn.swish(x),
    "leaky": lambda x: tf.nn.leaky_relu(x - 0.5, alpha=0.3) + tf.nn.elu(x - 0.5) + tf.nn.softplus(x),
    "softmax": lambda x: tf.nn.softmax(x, axis=-1),
    "gelu": lambda x: tf.nn.gelu(x, approximate=True),
    "split": lambda x: tf.concat(tf.split(x, 3, axis=-1)[::-1], axis=-1),
    "split by size": lambda x: tf.split(x, [5, 7, 12], axis=1)[1],
    "unstack": lambda x: tf.stack(tf.unstack(x, axis=-1)[::-1], axis=-1),
    "reverse": lambda x: tf.reverse(x, axis=[2, 3]),
    "matrix": lambda x: tf.matmul(x, [[1.0, 2.0], [0.5, 0.0], [0.0, 3.0]]),
    "sums": lambda x: tf.add_n([x, x * x, x]) + tf.math.squared_difference(x, 0.5),
    "normalized": lambda x: tf.math.l2_normalize(x - 0.5, axis=-1),
    "steps": lambda x: tf.math.round(x * 9) + tf.math.floor(x * 3) + tf.math.sign(x - 0.5) + tf.math.ceil(x),
    "error function": lambda x: x * (1.0 + tf.math.erf(x / 1.4142)) + tf.math.log1p(x) + tf.math.expm1(x),
    "maximum": lambda x: tf.maximum(x, 0.4) + tf.minimum(x, 0.3) + tf.sqrt(x) + tf.math.log(x + 1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_the_same(name, tmp_path):
    entry = k.Input(SHAPE)
    tensor = k.Flatten()(OPERATIONS[name](entry))
    model = tf_keras.Model(entry, k.Dense(2, activation="softmax")(tensor))
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    images = np.random.default_rng(0).random((2, *SHAPE), np.float32)
    np.testing.assert_allclose(
        np.asarray(loaded.keras_model(images)), np.asarray(model(images, training=False)), atol=1e-5
    )


def test_an_operation_without_a_counterpart_is_named(tmp_path):
    entry = k.Input(SHAPE)
    model = tf_keras.Model(entry, k.Dense(2)(k.Flatten()(tf.math.bessel_i0(entry))))
    model.save(tmp_path / "model.h5")
    with pytest.raises(ModelError, match=r"operation 'math\.bessel_i0' .* has no counterpart"):
        load_model(tmp_path / "model.h5")


def test_other_layers_are_no_operations():
    assert convert_operation(k.Dense(2)) is None
