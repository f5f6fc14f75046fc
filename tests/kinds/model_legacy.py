"""Models of Keras 2, made by its own code, as it saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .registry import HEIGHT, SHAPE, WIDTH, Built, calling, group, saved

kind = group("Keras 2 files")
LEGACY = "The model was made again in Keras 3"


def old(*layers: Any, shape: tuple[int | None, ...] = SHAPE) -> Any:
    """Return a Sequential model of Keras 2."""
    import tf_keras

    return tf_keras.Sequential([tf_keras.layers.Input(shape), *layers])


def _softmax(units: int = 2) -> list[Any]:
    import tf_keras

    return [tf_keras.layers.GlobalAveragePooling2D(), tf_keras.layers.Dense(units, activation="softmax")]


def functional(body: Any, shape: tuple[int | None, ...] = SHAPE) -> Any:
    """Return a functional model of Keras 2 with a body, that is pooled, and two classes."""
    import tf_keras

    entry = tf_keras.layers.Input(shape)
    tensor = body(entry)
    for layer in _softmax():
        tensor = layer(tensor)
    return tf_keras.Model(entry, tensor)


@kind("Sequential in HDF5", note=LEGACY)
def legacy_sequential(folder: Path) -> Built:
    from tf_keras import layers as k

    body = [k.Conv2D(4, (3, 5), activation="relu"), k.MaxPooling2D(), k.Dropout(0.3), k.Flatten()]
    return saved(folder, old(*body, k.Dense(1, activation="sigmoid")), ".h5")


@kind("Sequential in .keras", note=LEGACY)
def legacy_keras_file(folder: Path) -> Built:
    from tf_keras import layers as k

    return saved(folder, old(k.Conv2D(4, 3, activation="relu"), k.BatchNormalization(), *_softmax()))


@kind("Functional with branches", note=LEGACY)
def legacy_functional(folder: Path) -> Built:
    from tf_keras import layers as k

    def body(x: Any) -> Any:
        left = k.BatchNormalization()(k.Conv2D(4, 3, padding="same", use_bias=False)(x))
        right = k.SeparableConv2D(4, 3, padding="same")(x)
        return k.Concatenate()([k.Add()([left, right]), k.Multiply()([left, right]), k.Average()([left, right])])

    return saved(folder, functional(body), ".h5")


@kind("Depthwise convolution, whose configuration has 'groups'", note=LEGACY)
def legacy_depthwise(folder: Path) -> Built:
    from tf_keras import layers as k

    return saved(folder, old(k.DepthwiseConv2D(3, depth_multiplier=2), k.ReLU(6.0), *_softmax()), ".h5")


@kind("A Sequential of Sequentials around a functional base", note=LEGACY)
def legacy_nested(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    entry = k.Input(SHAPE)
    base = tf_keras.Model(entry, k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(4, 3)(entry))))
    features = tf_keras.Sequential([base, k.GlobalAveragePooling2D()])
    ending = tf_keras.Sequential([k.Dense(5, activation="relu", input_shape=(4,)), k.Dense(2, activation="softmax")])
    return saved(folder, tf_keras.Sequential([features, ending]), ".h5")


@kind("A base used twice", note=LEGACY)
def legacy_shared(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    entry = k.Input(SHAPE)
    base = tf_keras.Model(entry, k.Conv2D(3, 3, padding="same", activation="relu")(entry), name="base")
    return saved(folder, functional(lambda x: k.Subtract()([base(x), base(base(x))])), ".h5")


@kind("MobileNetV2 of Keras 2 as a base", note=LEGACY)
def legacy_mobile(folder: Path) -> Built:
    import tf_keras

    size = (32, 48, 3)
    base = tf_keras.applications.MobileNetV2(input_shape=size, include_top=False, weights=None, alpha=0.35)
    return saved(folder, tf_keras.Sequential([base, *_softmax()]), ".h5")


@kind("EfficientNetB0 of Keras 2 (Normalization and swish inside)", note=LEGACY)
def legacy_efficient(folder: Path) -> Built:
    import tf_keras

    model = tf_keras.applications.EfficientNetB0(input_shape=(32, 48, 3), weights=None, classes=2)
    path = folder / "model.h5"
    model.save(path)
    return Built(path, calling(model), high=255)


@kind("Preprocessing by operations of TensorFlow", note=LEGACY)
def legacy_operations(folder: Path) -> Built:
    import tensorflow as tf
    from tf_keras import layers as k

    def body(x: Any) -> Any:
        x = tf.math.subtract(tf.math.truediv(x, 127.5), 1.0)
        x = k.Conv2D(4, 3)(x[..., ::-1])
        return tf.nn.relu(tf.concat([x, tf.square(x) * 2.0 - 1.0], axis=-1))

    made = saved(folder, functional(body), ".h5")
    return Built(made.source, made.original, high=255)


@kind("Arithmetic beside layers of that name", note=LEGACY)
def legacy_arithmetic(folder: Path) -> Built:
    from tf_keras import layers as k

    def body(x: Any) -> Any:
        x = k.Conv2D(4, 3, activation="relu", name="conv")(x)
        gate = k.Conv2D(4, 1, activation="sigmoid", name="gate")(x)
        x = k.Multiply()([x, gate]) * 0.5
        x = k.Add(name="multiply_1")([x, gate]) + 1.0
        return k.Subtract(name="add")([x, x * x])

    return saved(folder, functional(body), ".h5")


@kind("Layers whose names are one but for a slash", note=LEGACY)
def legacy_slashes(folder: Path) -> Built:
    from tf_keras import layers as k

    names = ("block/conv", "block_conv", "block/conv_1")
    return saved(folder, old(*(k.Conv2D(3, 3, name=name) for name in names), *_softmax()))


@kind("preprocess_input of each style inside", note=LEGACY)
def legacy_preprocess(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    def body(x: Any) -> Any:
        styles = [tf_keras.applications.mobilenet_v2, tf_keras.applications.vgg16, tf_keras.applications.densenet]
        return k.Concatenate()([k.Conv2D(2, 3)(style.preprocess_input(x)) for style in styles])

    made = saved(folder, functional(body), ".h5")
    return Built(made.source, made.original, high=255)


@kind("Augmentation layers of Keras 2, and Rescaling", note=LEGACY)
def legacy_augmentation(folder: Path) -> Built:
    from tf_keras import layers as k

    layers = [
        k.RandomFlip("horizontal"), k.RandomRotation(0.1), k.RandomZoom(0.1), k.RandomHeight(0.1), k.RandomWidth(0.1),
        k.Resizing(HEIGHT, WIDTH), k.RandomContrast(0.1), k.Rescaling(1 / 255), k.GaussianNoise(0.1), k.Conv2D(4, 3),
    ]  # fmt: skip
    made = saved(folder, old(*layers, *_softmax()), ".h5")
    return Built(made.source, made.original, high=255)


@kind("Normalization of Keras 2, adapted", note=LEGACY)
def legacy_normalization(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    layer = k.Normalization()
    layer.adapt(np.random.default_rng(2).uniform(0, 255, (20, *SHAPE)))
    model = tf_keras.Sequential([k.Input(SHAPE), layer, k.Conv2D(4, 3), *_softmax()])
    path = folder / "model.h5"
    model.save(path)
    return Built(path, calling(model), high=255)


@kind("Activations of Keras 2: LeakyReLU, PReLU, ELU, ThresholdedReLU, Softmax, hard_sigmoid, swish", note=LEGACY)
def legacy_activations(folder: Path) -> Built:
    from tf_keras import layers as k

    layers = [
        k.Conv2D(4, 3, activation="hard_sigmoid"), k.LeakyReLU(alpha=0.2), k.Conv2D(4, 3), k.PReLU(shared_axes=[1, 2]),
        k.Conv2D(4, 1, activation="swish"), k.ELU(0.7), k.Conv2D(4, 1), k.ThresholdedReLU(0.1), k.Activation("gelu"),
        k.ReLU(6, negative_slope=0.1, threshold=0.05), k.GlobalMaxPooling2D(), k.Dense(3), k.Softmax(),
    ]  # fmt: skip
    return saved(folder, old(*layers), ".h5")


@kind("Padding, cropping, transposed convolution, upsampling", note=LEGACY)
def legacy_shapes(folder: Path) -> Built:
    from tf_keras import layers as k

    layers = [
        k.ZeroPadding2D(((1, 2), (0, 3))), k.Conv2D(4, 3, strides=2), k.Conv2DTranspose(3, 2, strides=2),
        k.Cropping2D(1), k.UpSampling2D((2, 1), interpolation="bilinear"), k.Conv2D(4, 3), k.Permute((2, 1, 3)),
        k.AveragePooling2D((2, 3)), k.LayerNormalization(), k.UnitNormalization(),
    ]  # fmt: skip
    return saved(folder, old(*layers, *_softmax()), ".h5")


@kind("Attention, GRU and TimeDistributed of Keras 2", note=LEGACY)
def legacy_sequences(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    entry = k.Input(SHAPE)
    x = k.Reshape((-1, 8))(k.Conv2D(8, 6, strides=6)(entry))
    x = k.Add()([x, k.MultiHeadAttention(2, 4)(x, x)])
    x = k.TimeDistributed(k.Dense(6, activation="relu"))(x)
    x = k.Bidirectional(k.GRU(3))(x)
    return saved(folder, tf_keras.Model(entry, k.Dense(2, activation="softmax")(x)), ".h5")


@kind("Trained with an old optimizer and a loss of its own name", note=LEGACY)
def legacy_trained(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    model = old(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(1, activation="sigmoid"))
    model.compile(tf_keras.optimizers.legacy.Adagrad(0.01), "binary_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((2, *SHAPE)), np.array([0.0, 1.0]), verbose=0)
    return saved(folder, model, ".h5")


@kind("Regression of Keras 2, told by its loss", note="is a number, not the score of a class")
def legacy_regression(folder: Path) -> Built:
    from tf_keras import layers as k

    model = old(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(1))
    model.compile("sgd", "mean_absolute_error")
    return saved(folder, model, ".h5")


@kind("Several outputs of Keras 2", settings={"model": {"output": "kind"}}, note="Output 'kind' of 2")
def legacy_outputs(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    entry = k.Input(SHAPE)
    flat = k.GlobalMaxPooling2D()(k.Conv2D(4, 3)(entry))
    model = tf_keras.Model(entry, [k.Dense(1, name="age")(flat), k.Dense(3, "softmax", name="kind")(flat)])
    made = saved(folder, model, ".h5")
    return Built(made.source, lambda images: np.asarray(model(images, training=False)[1], np.float64))


@kind("Gray image without a channel axis, of Keras 2", note="no channel axis")
def legacy_no_channels(folder: Path) -> Built:
    from tf_keras import layers as k

    model = old(k.Reshape((HEIGHT, WIDTH, 1)), k.Conv2D(4, 3), *_softmax(), shape=SHAPE[:2])
    made = saved(folder, model, ".h5")
    return Built(made.source, lambda images: calling(model)(images[..., 0]))


@kind("Any size of image, of Keras 2", settings={"model": {"input_size": [HEIGHT, WIDTH]}}, note=LEGACY)
def legacy_open_size(folder: Path) -> Built:
    from tf_keras import layers as k

    return saved(folder, old(k.Conv2D(4, 3), *_softmax(), shape=(None, None, 3)), ".h5")


@kind("Channels first, of Keras 2", note="takes its channels first")
def legacy_channels_first(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    # Keras 2 can't run this on a processor: the same network with its channels last tells what it gives
    first = old(
        k.Conv2D(4, 3, data_format="channels_first"), k.GlobalAveragePooling2D("channels_first"), k.Dense(2, "softmax"),
        shape=(3, HEIGHT, WIDTH),
    )  # fmt: skip
    made = saved(folder, first, ".h5")
    last = tf_keras.Sequential([k.Input(SHAPE), k.Conv2D(4, 3), k.GlobalAveragePooling2D(), k.Dense(2, "softmax")])
    last.set_weights(first.get_weights())
    return Built(made.source, calling(last))


@kind("mixed_float16 of Keras 2", note=LEGACY, tolerance=2e-3)
def legacy_mixed(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    before = tf_keras.mixed_precision.global_policy()
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = old(
            k.Conv2D(4, 3), k.BatchNormalization(), k.GlobalMaxPooling2D(), k.Dense(2, "softmax", dtype="float32")
        )
        return saved(folder, model, ".h5")
    finally:
        tf_keras.mixed_precision.set_global_policy(before)


@kind("float64 of Keras 2", note=LEGACY)
def legacy_float64(folder: Path) -> Built:
    from tf_keras import layers as k

    layers = [
        k.Conv2D(4, 3, dtype="float64"),
        k.GlobalMaxPooling2D(dtype="float64"),
        k.Dense(2, "softmax", dtype="float64"),
    ]
    return saved(folder, old(*layers), ".h5")


@kind(
    "A subclassed model of Keras 2, in .keras",
    refused="needs code that Keras does not have: 'own' (kinds.model_legacy.Own)",
)
def legacy_subclassed(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    class Own(tf_keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.dense = k.Dense(2)

        def call(self, images: Any) -> Any:
            return self.dense(k.Flatten()(images))

        def get_config(self) -> dict[str, Any]:
            return {"name": self.name}

    model = Own()
    model(np.zeros((1, *SHAPE), np.float32))
    path = folder / "model.keras"
    model.save(path)
    return Built(path)
