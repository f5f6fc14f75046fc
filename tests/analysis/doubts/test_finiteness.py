"""Where values stop being numbers: in models that are made to, layer by layer."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.doubts.finiteness import find_origin, origin_remarks
from reportgen.analysis.layer_graph import trace

SHAPE = (6, 9, 1)
TITLES = ("A", "B")


@pytest.fixture
def images():
    """A bright image and a dark one."""
    return np.stack([np.full(SHAPE, 0.9, np.float32), np.full(SHAPE, 0.1, np.float32)])


def model_of(middle, *, kernel=0.5, dtype=None):
    entry = layers.Input(SHAPE)
    first = layers.Conv2D(2, 3, kernel_initializer="ones", name="first", dtype=dtype)
    hidden = middle(first(entry))
    second = layers.Conv2D(
        3, 1, kernel_initializer=keras.initializers.Constant(kernel), activation="relu", name="second", dtype=dtype
    )
    end = layers.Dense(1, activation="sigmoid", name="end")(layers.GlobalAveragePooling2D()(second(hidden)))
    return keras.Model(entry, end)


def found_in(model, images):
    return find_origin(trace(model), images)


def remarks_on(model, images, scores, layers=((), ())):
    columns = zip(TITLES, images, np.array(scores), strict=True)
    runs = [SimpleNamespace(title=title, prepared=image, scores=row) for title, image, row in columns]
    return origin_remarks(SimpleNamespace(graph=trace(model)), runs, layers)


def same(tensor):
    return tensor


def test_nothing_in_a_model_of_numbers(images):
    model = model_of(same)
    assert found_in(model, images) is None
    assert remarks_on(model, images, [[0.4, 0.6]] * 2) == ()


def told(model, images, scores=((np.nan, np.nan),) * 2):
    (remark,) = remarks_on(model, images, scores)
    assert (remark.section, remark.kind, remark.warning) == ("model", "not_finite_origin", True)
    return remark.text


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_weights_of_a_layer_in_the_middle(images, value, kind):
    model = model_of(same)
    kernel, bias = model.get_layer("second").get_weights()
    kernel[0, 0, 1, 2], bias[1] = value, value
    model.get_layer("second").set_weights([kernel, bias])
    found = found_in(model, images)
    assert (found.layer, found.cases, found.elsewhere) == ("second", (0, 1), "")
    assert [(one.name, one.lost, one.count, one.kind) for one in found.weights] == [
        ("kernel", 1, 6, kind),
        ("bias", 1, 3, kind),
    ]
    assert told(model, images) == (
        f"Weights of the layer second are not numbers (kernel: 1 of 6 {kind} and bias: 1 of 3 {kind}), and so is what "
        "it gives, for every image. Nothing after it can be believed."
    )


def test_numbers_that_grow_too_large(images):
    model = model_of(same, kernel=3e38)
    found = found_in(model, images)
    # nine pixels of 0.9 each; two channels of 8.1 times 3e38
    assert (found.layer, found.kind, found.cases, found.weights) == ("second", "infinite", (0, 1), ())
    assert found.largest == pytest.approx(8.1)
    assert told(model, images).startswith(
        "second is the first layer that gives values that are not numbers (infinite), for every image; all weights are "
        "numbers, and what goes into it lies within ±8.1, its weights within ±3e+38."
    )


def test_one_channel_of_one_case(images):
    # 8.1 and 0.9 less 2: the logarithm of one of them is none
    logarithm = layers.Concatenate(name="both")

    def middle(tensor):
        return logarithm([tensor[..., :1], keras.ops.log(tensor[..., 1:] - 2)])

    found = found_in(model_of(middle), images)
    # Keras numbers operations of a name through the whole process: log, log_1, ...
    assert found.layer.partition("_")[0] == "log"
    assert (found.kind, found.cases) == ("NaN", (1,))
    assert "for B only; all weights are numbers" in told(model_of(middle), images)


def test_weights_that_come_later_are_told_as_well(images):
    model = model_of(lambda tensor: keras.ops.log(tensor - 2))
    kernel, bias = model.get_layer("second").get_weights()
    model.get_layer("second").set_weights([kernel * np.nan, bias])
    assert "its own weights are numbers" in told(model, images)
    assert "Weights of the layer second are not numbers, either." in told(model, images)


def test_layers_inside_a_model_inside(images):
    inner = model_of(same)
    inner.get_layer("first").set_weights([w * np.nan for w in inner.get_layer("first").get_weights()])
    entry = layers.Input(SHAPE)
    assert found_in(keras.Model(entry, inner(entry)), images).layer == f"{inner.name}/first"


def test_half_precision_overflows(images):
    # 16 bits end at 65504
    model = model_of(lambda tensor: tensor * 6e4, kernel=1.0, dtype="float16")
    assert found_in(model, images.astype(np.float32)).kind == "infinite"


def test_the_input_itself(images):
    images[1, 2, 3] = np.inf
    found = found_in(model_of(same), images)
    assert (found.layer, found.kind, found.cases) == ("", "infinite", (1,))
    assert told(model_of(same), images).startswith("The preprocessed image itself is not a number (infinite) in places")


def test_scores_that_are_numbers_all_the_same(images, measured):
    lost = measured(np.full((6, 9, 1), np.nan, np.float32))
    model = model_of(lambda tensor: keras.ops.where(keras.ops.isnan(keras.ops.log(-tensor)), tensor, 0.0))
    (remark,) = remarks_on(model, images, [[0.4, 0.6]] * 2, [[lost], [lost]])
    assert remark.text.endswith("What comes out are numbers all the same.")
