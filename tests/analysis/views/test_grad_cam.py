"""Grad-CAM by hand on one convolution, and the layer that is chosen in models of every shape."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.views.grad_cam import grad_cam, last_maps
from reportgen.analysis.views.slopes import NoViewError


@pytest.mark.parametrize("sign", [1, -1])
def test_one_convolution_by_hand(slopes_of, image, sign):
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [layers.Input(image.shape), layers.Conv2D(3, (2, 3), activation="relu", name="conv"), layers.Flatten(),
         layers.Dense(1, activation="sigmoid")]
    )  # fmt: skip
    head = model.layers[-1].kernel
    head.assign(head + np.tile([0.5, -0.5, 0.1], 30)[:, None])  # some channels speak for it, some against
    kernel, bias = model.get_layer("conv").get_weights()
    maps = np.zeros((5, 6, 3))
    for row in range(5):
        for column in range(6):
            maps[row, column] = np.maximum(
                np.tensordot(image[row : row + 2, column : column + 3], kernel, axes=3) + bias, 0
            )
    # the slope of the logit at the maps is the weight of the head there
    slopes = sign * model.layers[-1].kernel.numpy().reshape(5, 6, 3) / np.log(2)
    expected = np.zeros((5, 6))
    for channel in range(3):
        expected += slopes[..., channel].mean() * maps[..., channel]
    expected = np.maximum(expected, 0)
    assert expected.any()
    large = np.asarray(Image.fromarray(expected.astype(np.float32)).resize((8, 6), Image.Resampling.BILINEAR))
    work = slopes_of(model, sign=sign)
    call, through = last_maps(work.graph)
    assert (call.path, through) == ("conv", True)
    assert grad_cam(work, image, call) == pytest.approx(large, abs=1e-5)


def test_channels_that_come_first_are_turned(slopes_of, image):
    keras.utils.set_random_seed(2)
    entry = layers.Input(image.shape)
    plain = layers.Conv2D(3, 3, name="conv")(entry)
    turned = layers.Permute((3, 1, 2), name="turned")(plain)
    pooled = layers.GlobalAveragePooling2D(data_format="channels_first")(turned)
    model = keras.Model(entry, layers.Dense(1, activation="sigmoid")(pooled))
    for layer in (model.get_layer("conv"), model.layers[-1]):
        layer.kernel.assign(np.abs(layer.kernel))  # so that something speaks for it, whatever was drawn
    work = slopes_of(model)
    assert last_maps(work.graph)[0].path == "conv"
    assert grad_cam(work, image, work.graph["turned"]) == pytest.approx(
        grad_cam(work, image, work.graph["conv"]), abs=1e-6
    )


def test_in_a_nested_model_it_is_the_last_of_the_inner_one(nested_model):
    call, through = last_maps(trace(nested_model))
    assert (call.path, through) == ("head/base/sum", True)


def branched(joined):
    entry = layers.Input((6, 8, 2))
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(entry)
    left = layers.Conv2D(4, 3, padding="same", name="left")(stem)
    right = layers.Conv2D(4, 3, padding="same", name="right")(stem)
    if joined:
        together = layers.GlobalAveragePooling2D()(layers.Concatenate(name="both")([left, right]))
    else:
        pooled = [layers.GlobalAveragePooling2D()(one) for one in (left, right)]
        together = layers.Concatenate()(pooled)
    return keras.Model(entry, layers.Dense(1, activation="sigmoid")(together))


def test_of_branches_it_is_where_all_ways_meet():
    assert last_maps(trace(branched(joined=True)))[0].path == "both"
    call, through = last_maps(trace(branched(joined=False)))
    assert (call.path, through) == ("stem", True)


def test_squeeze_and_excitation_is_no_branch():
    entry = layers.Input((6, 8, 2))
    maps = layers.Conv2D(4, 3, padding="same")(entry)
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(maps))
    scaled = layers.Multiply(name="scaled")([maps, gate])
    model = keras.Model(entry, layers.Dense(1)(layers.GlobalAveragePooling2D()(scaled)))
    assert last_maps(trace(model))[0].path == "scaled"


def test_where_no_layer_sees_all_it_is_said():
    entry = layers.Input((6, 8, 2))
    pooled = [layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name=name)(entry)) for name in ("left", "right")]
    model = keras.Model(entry, layers.Dense(1)(layers.Concatenate()(pooled)))
    call, through = last_maps(trace(model))
    assert (call.path, through) == ("left", False)  # the last that is run


def test_what_stands_beside_the_way_is_not_chosen():
    """A layer after the fork that leads to nothing that comes out."""
    entry = layers.Input((6, 8, 2))
    maps = layers.Conv2D(4, 3, name="used")(entry)
    layers.Conv2D(4, 3, name="unused")(maps)
    model = keras.Model(entry, layers.Dense(1)(layers.GlobalAveragePooling2D()(maps)))
    assert last_maps(trace(model))[0].path == "used"


def test_without_feature_maps_there_is_none(linear):
    scaled = keras.Sequential([layers.Input((6, 8, 2)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(1)])
    for model in (linear, scaled):
        with pytest.raises(NoViewError, match="no layer with feature maps"):
            last_maps(trace(model))
