"""The model summary against tables and against the definition of a receptive field."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.summary import parameter_counts, summarise_layers
from reportgen.models.architectures import ARCHITECTURES

CHEST_XRAY = [
    ("conv2d_1", "Conv2D", (None, 148, 148, 32), 896, "relu", (3, 3)),
    ("max_pooling2d_1", "MaxPooling2D", (None, 74, 74, 32), 0, None, (4, 4)),
    ("conv2d_2", "Conv2D", (None, 72, 72, 64), 18_496, "relu", (8, 8)),
    ("max_pooling2d_2", "MaxPooling2D", (None, 36, 36, 64), 0, None, (10, 10)),
    ("conv2d_3", "Conv2D", (None, 34, 34, 128), 73_856, "relu", (18, 18)),
    ("max_pooling2d_3", "MaxPooling2D", (None, 17, 17, 128), 0, None, (22, 22)),
    ("conv2d_4", "Conv2D", (None, 15, 15, 128), 147_584, "relu", (38, 38)),
    ("max_pooling2d_4", "MaxPooling2D", (None, 7, 7, 128), 0, None, (46, 46)),
    ("flatten_1", "Flatten", (None, 6272), 0, None, None),
    ("dense_1", "Dense", (None, 512), 3_211_776, "relu", None),
    ("dense_2", "Dense", (None, 1), 513, "sigmoid", None),
]


def summary(model):
    return {row.name: row for row in summarise_layers(trace(model))}


def test_chest_xray_model_row_by_row():
    model = ARCHITECTURES["chest_xray"].build(2)
    rows = summarise_layers(trace(model))
    assert [
        (row.name, row.type, row.output_shape, row.parameters, row.activation, row.receptive_field) for row in rows
    ] == CHEST_XRAY
    assert parameter_counts(model) == (3_453_121, 3_453_121)
    assert [row.trainable for row in rows if row.parameters] == [True] * 6


def test_vgg16():
    model = keras.applications.VGG16(weights=None)
    rows = summary(model)
    assert parameter_counts(model) == (138_357_544, 138_357_544)
    assert sum(row.parameters for row in rows.values()) == 138_357_544
    assert rows["block1_conv2"].output_shape == (None, 224, 224, 64)
    # the published receptive fields of VGG16
    assert rows["block2_conv2"].receptive_field == (14, 14)
    assert rows["block5_conv3"].receptive_field == (196, 196)
    assert rows["block5_pool"].receptive_field == (212, 212)
    assert rows["predictions"].activation == "softmax"


# ---- parameters


def test_frozen_layers_are_not_trainable():
    stack = [layers.Conv2D(2, 3, name="frozen"), layers.Conv2D(4, 1, name="free"), layers.Flatten(), layers.Dense(1)]
    model = keras.Sequential([layers.Input((6, 8, 3)), *stack])
    model.get_layer("frozen").trainable = False
    rows = summary(model)
    assert (rows["frozen"].parameters, rows["frozen"].trainable) == (2 * 27 + 2, False)
    assert (rows["free"].parameters, rows["free"].trainable) == (4 * 2 + 4, True)
    assert parameter_counts(model) == (56 + 12 + 97, 12 + 97)


def test_a_frozen_base_freezes_its_layers(nested_model):
    base = nested_model.get_layer("head").get_layer("base")
    free = 4 * 3 + 3
    total = (9 * 3 * 4 + 4) + (25 * 3 * 4 + 4) + free
    assert parameter_counts(nested_model) == (total, total)
    base.trainable = False
    try:
        rows = summary(nested_model)
        assert parameter_counts(nested_model) == (total, free)
    finally:
        base.trainable = True
    assert [rows[name].trainable for name in ("head/base/left", "head/base/right", "classes")] == [False, False, True]


def test_batch_normalization_has_parameters_that_are_not_trained():
    stack = [layers.Conv2D(5, 1, use_bias=False), layers.BatchNormalization(name="norm"), layers.Flatten()]
    model = keras.Sequential([layers.Input((6, 8, 3)), *stack])
    assert summary(model)["norm"].parameters == 20
    assert parameter_counts(model) == (15 + 20, 15 + 10)


def test_a_layer_called_twice_is_counted_once():
    entry = layers.Input((6, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    model = keras.Model(entry, layers.Flatten()(shared(shared(entry))))
    rows = summary(model)
    assert (rows["shared"].parameters, rows["shared (2)"].parameters) == (84, 0)
    assert parameter_counts(model)[0] == 84
    assert (rows["shared"].receptive_field, rows["shared (2)"].receptive_field) == ((3, 3), (5, 5))


def test_operations_on_tensors_are_rows_without_parameters():
    entry = layers.Input((6, 8, 3))
    hidden = layers.Conv2D(2, 3, name="conv")(entry / 127.5 - 1.0)
    rows = summarise_layers(trace(keras.Model(entry, layers.Flatten(name="flat")(hidden))))
    assert [row.parameters for row in rows] == [0, 0, 2 * 27 + 2, 0]
    assert rows[2].name == "conv"


def test_activation_names():
    stack = [
        layers.Conv2D(2, 1, name="linear"), layers.Activation("tanh", name="own"), layers.Conv2D(2, 1, name="relu",
        activation="relu"), layers.Flatten(name="flat"), layers.Dense(3, activation=keras.activations.softmax, name="d")
    ]  # fmt: skip
    rows = summary(keras.Sequential([layers.Input((6, 8, 3)), *stack]))
    assert {name: row.activation for name, row in rows.items()} == {
        "linear": None, "own": "tanh", "relu": "relu", "flat": None, "d": "softmax"
    }  # fmt: skip


# ---- receptive fields: which pixels of the input change an output


def positive(model):
    """Set all weights to 1 and all biases to 0, so that no influence cancels another."""
    for layer in model.layers:
        layer.set_weights([np.ones(w.shape) if len(w.shape) > 1 else np.zeros(w.shape) for w in layer.get_weights()])
    return model


def measured_field(model, name):
    """Light one pixel after another and see which change the output in the middle of the layer: their extent."""
    height, width, channels = model.input_shape[1:]
    images = np.zeros((height * width, height, width, channels), np.float32)
    for number in range(height * width):
        images[number, number // width, number % width] = 1
    values = np.asarray(keras.Model(model.inputs[0], model.get_layer(name).output)(images, training=False))
    middle = values[:, values.shape[1] // 2, values.shape[2] // 2].sum(axis=-1)
    down, across = np.nonzero((middle != 0).reshape(height, width))
    return (int(np.ptp(down)) + 1, int(np.ptp(across)) + 1)


def strided():
    stack = [
        layers.Conv2D(1, (3, 5), strides=(2, 1), name="a"), layers.AveragePooling2D((2, 3), name="b"),
        layers.Conv2D(1, (2, 3), strides=(1, 2), padding="same", name="c"), layers.MaxPooling2D(2, strides=1, name="d"),
    ]  # fmt: skip
    fields = {"a": (3, 5), "b": (5, 7), "c": (9, 13), "d": (13, 19)}
    return keras.Sequential([layers.Input((25, 39, 1)), *stack]), fields


def dilated():
    stack = [
        layers.Conv2D(2, 3, dilation_rate=(2, 3), name="a"), layers.ReLU(name="b"),
        layers.DepthwiseConv2D(3, padding="same", name="c"), layers.MaxPooling2D((1, 2), name="d"),
        layers.SeparableConv2D(1, (1, 3), dilation_rate=2, name="e"),
    ]  # fmt: skip
    fields = {"a": (5, 7), "b": (5, 7), "c": (7, 9), "d": (7, 10), "e": (7, 18)}
    return keras.Sequential([layers.Input((17, 35, 3)), *stack]), fields


def branched():
    entry = layers.Input((21, 29, 1))
    first = layers.Conv2D(2, 3, padding="same", name="first")(entry)
    wide = layers.Conv2D(2, (1, 5), padding="same", name="wide")(first)
    tall = layers.Conv2D(2, (5, 1), padding="same", name="tall")(first)
    both = layers.Concatenate(name="both")([wide, tall])
    last = layers.Conv2D(2, 3, padding="same", name="last")(both)
    summed = layers.Add(name="sum")([last, first])
    fields = {"first": (3, 3), "wide": (3, 7), "tall": (7, 3), "both": (7, 7), "last": (9, 9), "sum": (9, 9)}
    return keras.Model(entry, summed), fields


@pytest.mark.parametrize("build", [strided, dilated, branched])
def test_receptive_field_by_hand_and_by_trying(build):
    model, fields = build()
    rows = summary(positive(model))
    for name, expected in fields.items():
        assert rows[name].receptive_field == expected
        assert measured_field(model, name) == expected


def padded():
    stack = [
        layers.ZeroPadding2D(((2, 1), (0, 3)), name="a"), layers.Conv2D(1, 3, strides=2, name="b"),
        layers.Cropping2D(((1, 0), (2, 1)), name="c"), layers.Conv2D(1, (4, 2), strides=2, padding="same", name="d"),
        layers.MaxPooling2D(3, strides=2, padding="same", name="e"),
    ]  # fmt: skip
    return keras.Sequential([layers.Input((22, 33, 1)), *stack]), dict.fromkeys("bcde")


@pytest.mark.parametrize("build", [strided, dilated, branched, padded])
def test_what_each_place_sees_by_trying(build):
    """Light one pixel after another: what changes a place is what it is said to see.

    At the border, less can change it: what a layer on the way pads stands for no pixel.
    """
    model, fields = build()
    rows = summary(positive(model))
    height, width, channels = model.input_shape[1:]
    images = np.zeros((height * width, height, width, channels), np.float32)
    images[np.arange(height * width), np.repeat(np.arange(height), width), np.tile(np.arange(width), height)] = 1
    for name in fields:
        inner = 0
        values = np.asarray(keras.Model(model.inputs[0], model.get_layer(name).output)(images, training=False))
        for row in range(values.shape[1]):
            for column in range(values.shape[2]):
                down, across = np.nonzero((values[:, row, column].sum(axis=-1) != 0).reshape(height, width))
                said = rows[name].seen_from((row, column), (height, width))
                for pixels, first, last, side in ((down, *said[::2], height), (across, *said[1::2], width)):
                    assert first <= pixels.min() <= pixels.max() < last
                    inner += 0 < first < last < side
                    if 0 < first < last < side:
                        assert (first, last) == (pixels.min(), pixels.max() + 1)
        assert inner > 0 or name == "e"


def test_where_a_map_lies_over_the_input():
    rows = summary(ARCHITECTURES["chest_xray"].build(2))
    # 7 x 7 places of fields of 46 pixels, 16 apart: the first from 0, in whose middle 16 pixels begin at 15
    assert rows["max_pooling2d_4"].lies_over((7, 7)) == (15, 15, 112, 112)
    assert rows["dense_1"].lies_over((1, 1)) is None
    assert rows["dense_1"].seen_from((0, 0), (150, 150)) is None


def test_receptive_field_goes_on_inside_nested_models(nested_model):
    rows = summary(nested_model)
    assert rows["scaling"].receptive_field == (1, 1)
    assert rows["head/base/left"].receptive_field == (3, 3)
    assert rows["head/base/sum"].receptive_field == (5, 5)
    assert rows["head/average"].receptive_field is None


def test_receptive_field_is_left_open_where_it_is_not_defined():
    entry = layers.Input((9, 9, 1))
    skipped = layers.Conv2D(1, 1, strides=2, name="skipped")(entry)
    whole = layers.Conv2D(1, 5, name="whole")(entry)
    merged = layers.Add(name="merged")([skipped, whole])
    after = layers.Conv2D(1, 3, name="after")(merged)
    larger = layers.UpSampling2D(name="larger")(after)
    rows = summary(keras.Model(entry, layers.Conv2D(1, 3, name="end")(larger)))
    assert [rows[name].receptive_field for name in ("skipped", "whole")] == [(1, 1), (5, 5)]
    assert [rows[name].receptive_field for name in ("merged", "after", "larger", "end")] == [None] * 4
