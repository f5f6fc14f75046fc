"""The incremental engine against passes over whole images: every kind of layer, and models made at random."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.occlusion.full import score_positions
from reportgen.analysis.occlusion.incremental import IncrementalEngine
from reportgen.analysis.occlusion.patches import plan_scan
from reportgen.analysis.occlusion.window_plan import lay_out
from reportgen.settings.occlusion import OcclusionSettings

SHAPE = (20, 29, 3)
MEMORY = 1 << 28


def model_of(body, shape=SHAPE):
    """A model around a body; maps are flattened, so that every pixel counts by itself."""
    keras.utils.set_random_seed(2)
    entry = layers.Input(shape)
    made = body(entry)
    if len(made.shape) == 4:
        made = layers.Dense(3)(layers.Flatten()(made))
    model = keras.Model(entry, made)
    random = np.random.default_rng(3)
    for weight in model.weights:
        # what starts at 0 or 1 (biases, moving averages) would hide mistakes
        low, high = (0.5, 1.5) if "variance" in weight.path else (-0.6, 0.6)
        weight.assign(random.uniform(low, high, weight.shape))
    return model


def compare(model, patch=(5, 7), stride=(3, 4), furthest=True, memory=MEMORY):
    """Return (steps on windows, largest difference relative to the range of the outputs)."""
    random = np.random.default_rng(4)
    image, fill = (random.normal(size=model.inputs[0].shape[1:]).astype(np.float32) for _ in range(2))
    geometry = plan_scan(image.shape[:2], OcclusionSettings(patch=patch, stride=stride))
    where = (geometry.rows, geometry.columns, geometry.patch)
    ((expected,),) = score_positions(
        model, [image], fills=[[fill]], positions=[where], prepare=np.asarray, memory=MEMORY, on_progress=lambda _: None
    )
    graph = trace(model)
    layout = lay_out(graph, [where], furthest=furthest)
    engine = IncrementalEngine(graph, layout, memory)
    done = []
    (found,) = engine.scores(image, [fill], done.append)
    assert sum(done) == len(expected) == 1 + geometry.count
    return layout, float(np.abs(found - expected).max() / np.ptp(expected))


def conv(entry, filters=4, kernel=3, **more):
    return layers.Conv2D(filters, kernel, **more)(entry)


KINDS = {
    "valid": lambda x: conv(x, activation="relu"),
    "same": lambda x: conv(x, padding="same"),
    "wide kernel": lambda x: conv(x, kernel=(2, 5), padding="same"),
    "strides": lambda x: conv(conv(x, strides=2, padding="same"), strides=(1, 3)),
    "even kernel with strides": lambda x: conv(x, kernel=4, strides=3, padding="same"),
    "dilation": lambda x: conv(x, dilation_rate=(2, 3), padding="same"),
    "dilation without padding": lambda x: conv(x, dilation_rate=2),
    "groups": lambda x: conv(conv(x, filters=6), filters=6, groups=3),
    "no bias": lambda x: conv(x, use_bias=False, activation="tanh"),
    "depthwise": lambda x: conv(layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)),
    "depthwise strides": lambda x: conv(layers.DepthwiseConv2D(3, strides=2, padding="same")(x)),
    "separable": lambda x: conv(layers.SeparableConv2D(5, 3, padding="same", activation="relu")(x)),
    "transposed": lambda x: conv(layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)),
    "transposed valid": lambda x: conv(layers.Conv2DTranspose(4, (2, 5), strides=(3, 2))(x)),
    "transposed without strides": lambda x: conv(layers.Conv2DTranspose(4, 4, padding="same")(x)),
    "max pooling": lambda x: layers.MaxPooling2D(2)(conv(x)),
    "max pooling after an activation": lambda x: layers.MaxPooling2D((2, 3))(layers.ReLU()(conv(x))),
    "overlapping max pooling": lambda x: layers.MaxPooling2D(3, 2, padding="same")(conv(x)),
    "max pooling of negatives at the border": lambda x: layers.MaxPooling2D(3, 1, padding="same")(-layers.ReLU()(x)),
    "average pooling": lambda x: layers.AveragePooling2D(2)(conv(x)),
    "padded average pooling": lambda x: layers.AveragePooling2D(3, 2, padding="same")(conv(x)),
    "pooling of a side that doesn't divide": lambda x: layers.MaxPooling2D(3)(conv(layers.MaxPooling2D(2)(conv(x)))),
    "pooling and another reader": lambda x: layers.Concatenate()(
        [layers.MaxPooling2D(2)(x), layers.Cropping2D(((0, 10), (0, 15)))(x)]
    ),
    "batch normalization": lambda x: layers.BatchNormalization()(conv(x)),
    "layer normalization": lambda x: layers.LayerNormalization()(conv(x)),
    "normalization": lambda x: conv(layers.Normalization(mean=(0.1, 0.2, 0.3), variance=(1.0, 2.0, 3.0))(x)),
    "rescaling": lambda x: conv(layers.Rescaling(0.5, 1.0)(x)),
    "activations": lambda x: layers.ELU()(layers.LeakyReLU(0.1)(layers.Activation("swish")(conv(x)))),
    "PReLU": lambda x: layers.PReLU(shared_axes=[1, 2])(conv(x)),
    "PReLU with a slope for each place": lambda x: layers.PReLU()(conv(x)),
    "softmax over channels": lambda x: layers.Softmax()(conv(x)),
    "dense on each pixel": lambda x: layers.Dense(4, activation="relu")(conv(x)),
    "noise and dropout": lambda x: layers.Dropout(0.5)(layers.GaussianNoise(1.0)(conv(x))),
    "zero padding": lambda x: conv(layers.ZeroPadding2D(((1, 2), (0, 3)))(x)),
    "cropping": lambda x: conv(layers.Cropping2D(((1, 2), (4, 3)))(x)),
    "upsampling": lambda x: conv(layers.UpSampling2D((2, 3))(conv(x))),
    "bilinear upsampling": lambda x: layers.UpSampling2D(2, interpolation="bilinear")(conv(x)),
    "residual": lambda x: layers.Add()([conv(x, filters=3, padding="same"), x]),
    "branches of other reach": lambda x: layers.Concatenate()(
        [conv(x, padding="same"), conv(x, kernel=5, padding="same"), layers.AveragePooling2D(3, 1, padding="same")(x)]
    ),
    "subtract, multiply, maximum": lambda x: layers.Maximum()(
        [layers.Subtract()([conv(x, padding="same"), conv(x, padding="same")]),
         layers.Multiply()([conv(x, kernel=1), conv(x, padding="same")])]
    ),
    "average and minimum": lambda x: layers.Minimum()([layers.Average()([x, conv(x, filters=3, padding="same")]), x]),
    "arithmetic on tensors": lambda x: conv((x / 2.0 - 1.0) * 3.0),
    "a constant for each place": lambda x: conv(x * np.linspace(0, 1, 29 * 3, dtype="float32").reshape(1, 29, 3)),
    "global average": lambda x: layers.Dense(2)(layers.GlobalAveragePooling2D()(conv(x))),
    "global average of transposed": lambda x: layers.Dense(2)(
        layers.GlobalAveragePooling2D()(layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x))
    ),
    "global maximum": lambda x: layers.Dense(2)(layers.GlobalMaxPooling2D()(conv(x))),
    "squeeze and excite": lambda x: layers.Multiply()(
        [conv(x, filters=4, padding="same"),
         layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(conv(x)))]
    ),
    "attention": lambda x: layers.Dense(2)(
        layers.GlobalAveragePooling1D()(
            layers.MultiHeadAttention(2, 4)(*[layers.Reshape((-1, 4))(layers.MaxPooling2D(4)(conv(x)))] * 2)
        )
    ),
    "nothing but dense": lambda x: layers.Dense(2)(layers.Flatten()(x)),
    "ends in a global average": lambda x: layers.GlobalAveragePooling2D()(conv(x)),
}  # fmt: skip
ON_WINDOWS = set(KINDS) - {
    "nothing but dense", "PReLU with a slope for each place", "bilinear upsampling", "a constant for each place",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    model = model_of(KINDS[kind])
    layout, difference = compare(model)
    assert difference <= 1e-5
    if kind in ON_WINDOWS:
        assert layout.steps


@pytest.mark.parametrize("patch", [(20, 3), (1, 1), (20, 29)])
@pytest.mark.parametrize("kind", ["strides", "overlapping max pooling", "branches of other reach", "transposed"])
def test_patches_of_all_sizes(kind, patch):
    assert compare(model_of(KINDS[kind]), patch, (min(7, patch[0]), min(5, patch[1])))[1] <= 1e-5


def test_the_squeeze_is_global_but_what_stands_before_is_not():
    layout, _ = compare(model_of(KINDS["squeeze and excite"]))
    assert {type(step.call.layer).__name__ for step in layout.steps} == {"Conv2D", "GlobalAveragePooling2D"}


def test_a_base_that_is_called_twice():
    base = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 3, padding="same", activation="relu")], name="base")
    model = model_of(lambda x: layers.Add()([base(x), base(layers.MaxPooling2D(3, 1, padding="same")(x))]))
    layout, difference = compare(model)
    assert difference <= 1e-5
    assert sum("base" in step.call.path for step in layout.steps) == 2


@pytest.mark.parametrize("memory", [1, MEMORY])
def test_memory_makes_batches_smaller_and_changes_nothing(memory):
    assert compare(model_of(KINDS["pooling of a side that doesn't divide"]), memory=memory)[1] <= 1e-5


def test_a_layer_named_as_no_tensor_can_be():
    model = model_of(lambda x: conv(x, name="first layer (of two)"))
    assert compare(model)[1] <= 1e-5


def test_other_kinds_of_numbers_are_left_to_the_model():
    keras.utils.set_random_seed(2)
    model = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(4, 3, dtype="mixed_float16"), layers.Flatten(),
                              layers.Dense(2, dtype="float32")])  # fmt: skip
    assert not lay_out(trace(model), [((0, 4), (0, 5), (5, 5))]).steps


@st.composite
def bodies(draw):
    """A small random CNN: kernels, strides, paddings, dilations, poolings, branches."""
    plan = draw(
        st.lists(
            st.sampled_from(["conv", "depthwise", "max", "average", "norm", "relu", "branch", "residual", "pad", "up"]),
            min_size=1,
            max_size=5,
        )
    )
    numbers = draw(st.lists(st.integers(0, 1000), min_size=4 * len(plan), max_size=4 * len(plan)))

    def body(tensor):
        for at, kind in enumerate(plan):
            tensor = _grown(tensor, kind, numbers[4 * at : 4 * at + 4])
        return tensor

    body.plan = list(zip(plan, zip(*[iter(numbers)] * 4, strict=True), strict=True))
    return body


def _grown(tensor, kind, numbers):  # noqa: PLR0911
    height, width = tensor.shape[1:3]
    kernel = (1 + numbers[0] % min(4, height), 1 + numbers[1] % min(4, width))
    stride, padding = 1 + numbers[2] % 2, ("same", "valid")[numbers[3] % 2]
    if min(height, width) < 4:
        padding, stride = "same", 1
    if kind == "conv":
        dilation = 1 + numbers[3] % 3 if stride == 1 and padding == "same" else 1
        return layers.Conv2D(3, kernel, strides=stride, padding=padding, dilation_rate=dilation)(tensor)
    if kind == "depthwise":
        return layers.DepthwiseConv2D(kernel, strides=stride, padding=padding)(tensor)
    if kind in ("max", "average"):
        pool = layers.MaxPooling2D if kind == "max" else layers.AveragePooling2D
        return pool(
            kernel, strides=(stride, kernel[:1] * 2)[numbers[3] % 3 == 0 and min(height, width) > 8], padding=padding
        )(tensor)
    if kind == "norm":
        return layers.BatchNormalization()(tensor)
    if kind == "relu":
        return layers.ReLU()(tensor)
    if kind == "pad":
        return layers.ZeroPadding2D(((numbers[0] % 3, numbers[1] % 3), (numbers[2] % 3, numbers[3] % 3)))(tensor)
    if kind == "up":
        return layers.UpSampling2D((1 + numbers[0] % 2, 1 + numbers[1] % 2))(tensor)
    other = layers.Conv2D(tensor.shape[-1], kernel, padding="same", activation="relu")(tensor)
    merge = layers.Add() if kind == "residual" else layers.Concatenate()
    return merge([tensor, other] if numbers[0] % 2 else [other, tensor])


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    body=bodies(), shape=st.tuples(st.integers(12, 26), st.integers(12, 26), st.sampled_from([1, 3])),
    patch=st.tuples(st.integers(1, 9), st.integers(1, 9)), steps=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    furthest=st.booleans(),
)  # fmt: skip
def test_models_made_at_random(body, shape, patch, steps, furthest):
    stride = (min(steps[0], patch[0]), min(steps[1], patch[1]))
    assert compare(model_of(body, shape), patch, stride, furthest=furthest)[1] <= 1e-5
