"""Bodies of keras.applications, known by their layers alone: Keras's own are what they are compared with."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.models.architectures import ARCHITECTURES
from reportgen.models.loader import load_model
from reportgen.models.preprocessing.bodies import Body, recognise_body
from reportgen.settings.report import PreprocessingSettings

SHAPE = (96, 64, 3)


def body_of(name: str, shape=SHAPE, **options) -> keras.Model:
    return getattr(keras.applications, name)(weights=None, include_top=False, input_shape=shape, **options)


def renamed(model: keras.Model) -> keras.Model:
    """The same layers under other names, in a model of another name."""
    made = keras.models.clone_model(model)
    for number, layer in enumerate(made.layers):
        layer.name = f"part_{number}"
    made.name = "base"
    return made


def classifier(*stack: keras.Layer, shape=SHAPE) -> keras.Model:
    pooled = keras.Sequential([layers.Input(shape), *stack, layers.GlobalAveragePooling2D()])
    return keras.Sequential([pooled, keras.Sequential([layers.Dense(4, "relu"), layers.Dense(2, "softmax")])])


@pytest.mark.parametrize(
    ("name", "options", "title", "family"),
    [
        *[("MobileNet", {"alpha": alpha}, "MobileNet", "mobilenet") for alpha in (0.25, 0.75, 1.0)],
        *[("MobileNetV2", {"alpha": alpha}, "MobileNetV2", "mobilenet_v2") for alpha in (0.35, 0.5, 1.0, 1.3)],
        ("MobileNetV3Small", {"include_preprocessing": False}, "MobileNetV3Small", "mobilenet"),
        ("MobileNetV3Large", {"include_preprocessing": False, "alpha": 0.75}, "MobileNetV3Large", "mobilenet"),
        ("MobileNetV3Small", {"minimalistic": True}, "MobileNetV3Small", "mobilenet"),
        ("NASNetMobile", {}, "NASNetMobile", "nasnet"),
        ("ResNet50", {}, "ResNet", "resnet"),
        ("ResNet50V2", {}, "ResNet V2", "resnet_v2"),
        ("DenseNet121", {}, "DenseNet", "densenet"),
        ("VGG16", {}, "VGG16", "vgg16"),
        ("VGG19", {}, "VGG19", "vgg19"),
    ],
)
def test_a_body_is_known_under_any_name(name, options, title, family):
    model = classifier(renamed(body_of(name, **options)))
    assert recognise_body(model) == Body(title, family, is_first=True)


@pytest.mark.parametrize("name", ["InceptionV3", "Xception", "InceptionResNetV2"])
def test_bodies_that_need_a_larger_image(name):
    found = recognise_body(classifier(renamed(body_of(name, (96, 80, 3))), shape=(96, 80, 3)))
    assert (found.title, found.is_first) == (name, True)


@pytest.mark.parametrize("name", ["EfficientNetB0", "ConvNeXtTiny"])
def test_families_that_scale_themselves_are_none(name):
    assert recognise_body(body_of(name)) is None


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_the_small_networks_of_the_program_are_none(architecture):
    assert recognise_body(architecture.build(2)) is None


def separable(widths, *, first=32, bias=False, channels=3):
    """A small network of somebody's own, made of depthwise layers as MobileNet is."""
    stack = [layers.Conv2D(first, 3, 2, "same", use_bias=bias), layers.BatchNormalization(), layers.ReLU(6)]
    for number, width in enumerate(widths):
        stack += [
            layers.DepthwiseConv2D(3, 1 + number % 2, "same", use_bias=bias), layers.BatchNormalization(),
            layers.ReLU(6), layers.Conv2D(width, 1, use_bias=bias), layers.BatchNormalization(), layers.ReLU(6),
        ]  # fmt: skip
    return classifier(*stack, shape=(*SHAPE[:2], channels))


def inverted(widths):
    """Inverted residuals, as MobileNetV2 has them, of other widths."""
    image = layers.Input(SHAPE)
    tensor = layers.Conv2D(16, 3, 2, "same", use_bias=False)(image)
    for width in widths:
        wide = layers.Conv2D(6 * tensor.shape[-1], 1, use_bias=False)(tensor)
        tensor = layers.Conv2D(width, 1, use_bias=False)(layers.DepthwiseConv2D(3, 1, "same", use_bias=False)(wide))
    return keras.Model(image, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(tensor)))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(lambda: separable((64, 128, 128, 256)), id="how a MobileNet begins, but short"),
        pytest.param(lambda: separable((64, 128, 128, 256, 256, 512, 512, 512, 512, 512), bias=True), id="biases"),
        pytest.param(lambda: separable((48, 96, 96, 192, 192, 384, 384, 384, 384, 384), first=24), id="another shape"),
        pytest.param(lambda: separable((32,) * 12), id="even widths"),
        pytest.param(lambda: inverted((16, 24, 24, 32, 32, 32, 64, 64, 64, 64)), id="inverted residuals"),
        pytest.param(
            lambda: classifier(*[layers.SeparableConv2D(32, 3) for _ in range(3)]), id="separable convolutions"
        ),
        pytest.param(
            lambda: classifier(*[layers.Conv2D(w, 3, padding="same") for w in (64, 64, 128, 128, 256, 256)]), id="VGG"
        ),
        pytest.param(lambda: renamed(body_of("MobileNetV2", (96, 64, 1), alpha=0.35)), id="gray"),
        pytest.param(lambda: keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(2)]), id="dense"),
    ],
)
def test_what_only_holds_the_same_kinds_of_layers_is_none(model):
    assert recognise_body(model()) is None


@pytest.mark.parametrize("first", [lambda: layers.Conv2D(3, 1), layers.BatchNormalization])
def test_a_body_behind_layers_that_learned(first):
    model = classifier(first(), renamed(body_of("MobileNetV2", alpha=0.35)))
    assert recognise_body(model) == Body("MobileNetV2", "mobilenet_v2", is_first=False)
    loaded = load_model(model)
    assert loaded.preprocessing.factor == (1 / 255,)
    assert "the model's layers are those of MobileNetV2" in loaded.preprocessing.doubt


def test_layers_before_it_that_hold_nothing_do_not_matter():
    stack = (layers.RandomFlip(), layers.ZeroPadding2D(0), renamed(body_of("MobileNetV2", alpha=0.35)))
    assert recognise_body(classifier(*stack)).is_first


@pytest.mark.parametrize("name", ["MobileNetV2", "Xception"])
def test_a_body_for_minus_1_to_1_gets_that_with_a_note(name, random):
    shape = (96, 80, 3)
    loaded = load_model(classifier(renamed(body_of(name, shape)), shape=shape))
    pixels = random.uniform(0, 255, (5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded.preprocessing(pixels), pixels / 127.5 - 1, atol=1e-6)
    (note,) = [note for note in loaded.notes if "mode auto" in note]
    assert f"layers are those of {name}, which is trained on values from −1 to 1: it is given x / 127.5 − 1" in note
    assert "--preprocess scale divides by 255 instead" in note
    assert not [caution for caution in loaded.cautions if "preprocess" in caution]


@pytest.mark.parametrize("name", ["VGG16", "ResNet50"])
def test_a_body_of_another_scaling_is_warned_of(name):
    loaded = load_model(classifier(renamed(body_of(name))))
    assert loaded.preprocessing.factor == (1 / 255,)
    assert any("--preprocess try shows the scores of each" in caution for caution in loaded.cautions)


@pytest.mark.parametrize(
    ("before", "name"),
    [(lambda: layers.Rescaling(1 / 127.5, offset=-1), "none"), (lambda: layers.Rescaling(2, offset=-1), "scale")],
)
def test_its_own_scaling_still_wins(before, name):
    loaded = load_model(classifier(before(), renamed(body_of("MobileNetV2", alpha=0.35))))
    assert loaded.preprocessing.name == name


def test_what_is_said_still_wins():
    model = classifier(renamed(body_of("MobileNetV2", alpha=0.35)))
    assert load_model(model, preprocessing=PreprocessingSettings(mode="scale")).preprocessing.factor == (1 / 255,)


def test_a_file_as_teachable_machine_makes_it(tmp_path, random):
    """Two Sequentials in a Sequential around a body, which ends early and has another name, saved by Keras 2."""
    tf_keras = pytest.importorskip("tf_keras")
    body = tf_keras.applications.MobileNetV2(weights=None, alpha=0.35, include_top=False, input_shape=(96, 96, 3))
    body = tf_keras.Model(body.inputs, body.get_layer("out_relu").output, name="model1")
    first = tf_keras.Sequential([body, tf_keras.layers.GlobalAveragePooling2D()], name="sequential_1")
    second = tf_keras.Sequential(
        [
            tf_keras.layers.Dense(10, activation="relu", input_shape=(1280,)),
            tf_keras.layers.Dense(2, activation="softmax", use_bias=False),
        ],
        name="sequential_3",
    )
    model = tf_keras.Sequential([first, second], name="sequential_4")
    model.save(tmp_path / "keras_model.h5")
    loaded = load_model(tmp_path / "keras_model.h5")
    pixels = random.integers(0, 256, (1, 96, 96, 3)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(loaded.keras_model(loaded.preprocessing(pixels), training=False)),
        np.asarray(model(pixels / 127.5 - 1, training=False)),
        atol=1e-5,
    )
    assert any("layers are those of MobileNetV2" in note for note in loaded.notes)
