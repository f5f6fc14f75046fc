"""Kinds of inputs, outputs, meanings and number types, as Keras 3 saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .registry import HEIGHT, SHAPE, WIDTH, Built, calling, group, head, saved, stack, stirred

kind, numbers = group("Inputs and outputs"), group("Training and numbers")


def _small(*end: Any, shape: tuple[int | None, ...] = SHAPE, **options: Any) -> Any:
    from keras import layers as k

    return stack(k.Conv2D(4, 3), k.GlobalAveragePooling2D(), *end, shape=shape, **options)


def _dense(units: int, activation: str | None = None) -> Any:
    from keras import layers as k

    return k.Dense(units, activation=activation)


def _two_heads(*, named: bool = False) -> Any:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE)
    body = k.Conv2D(4, 3)(entry)
    flat = k.GlobalAveragePooling2D()(body)
    kinds = k.Dense(3, activation="softmax", name="kind")(flat)
    age = k.Dense(1, name="age")(k.GlobalMaxPooling2D()(k.Conv2D(2, 3)(body)))
    return keras.Model(entry, {"kind": kinds, "age": age} if named else [kinds, age])


def _of_output(folder: Path, model: Any, which: int | str) -> Built:
    made = saved(folder, model)
    return Built(made.source, lambda images: np.asarray(model(images, training=False)[which], np.float64))


@kind("Gray images")
def gray(folder: Path) -> Built:
    return saved(folder, _small(_dense(1, "sigmoid"), shape=(HEIGHT, WIDTH, 1)))


@kind("Several outputs, one chosen by its name", settings={"model": {"output": "kind"}}, note="Output 'kind' of 2")
def output_by_name(folder: Path) -> Built:
    return _of_output(folder, _two_heads(), 0)


@kind(
    "Several outputs, one chosen by its number: a regression",
    settings={"model": {"output": 1, "head": "regression"}},
    note="Output 'age' of 2",
)
def output_by_number(folder: Path) -> Built:
    return _of_output(folder, _two_heads(), 1)


@kind("Several outputs as a table, one chosen", settings={"model": {"output": "kind"}}, note="Output 'kind' of 2")
def output_of_table(folder: Path) -> Built:
    return _of_output(folder, _two_heads(named=True), "kind")


@kind("Several outputs, none chosen", refused="has 2 outputs; choose one with --output: 0: kind (None, 3), 1: age")
def output_not_chosen(folder: Path) -> Built:
    return saved(folder, _two_heads())


@kind(
    "An output that isn't there", settings={"model": {"output": "sex"}}, refused="has no output 'sex'; it has 0: kind"
)
def output_missing(folder: Path) -> Built:
    return saved(folder, _two_heads())


@kind("Input as a table of one image")
def input_table(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE, name="photo")
    model = keras.Model({"photo": entry}, head(k.Conv2D(4, 3)(entry)))
    made = saved(folder, model)
    return Built(made.source, lambda images: np.asarray(model({"photo": images}, training=False), np.float64))


@kind("Two image inputs", refused="has 2 inputs; only models with one image input can be shown")
def two_inputs(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entries = [k.Input(SHAPE), k.Input(SHAPE)]
    return saved(folder, keras.Model(entries, head(k.Conv2D(4, 3)(k.Subtract()(entries)))))


@kind("Channels first", note="takes its channels first")
def channels_first(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Conv2D(4, 3, data_format="channels_first"), k.BatchNormalization(axis=1), k.ReLU()]
    pooled = k.GlobalAveragePooling2D(data_format="channels_first")
    model = stack(*layers, pooled, _dense(2, "softmax"), shape=(3, HEIGHT, WIDTH))
    made = saved(folder, model)
    return Built(made.source, lambda images: calling(model)(np.moveaxis(images, -1, 1)))


@kind("Channels first, gray, told by the shape alone", maps=False, note="takes its channels first")
def channels_first_dense(folder: Path) -> Built:
    from keras import layers as k

    model = stack(k.Flatten(), _dense(2, "softmax"), shape=(1, HEIGHT, WIDTH))
    made = saved(folder, model)
    return Built(made.source, lambda images: calling(model)(np.moveaxis(images, -1, 1)))


@kind("Any size of image, with --input-size", settings={"model": {"input_size": [HEIGHT, WIDTH]}})
def open_size(folder: Path) -> Built:
    return saved(folder, _small(_dense(2, "softmax"), shape=(None, None, 3)))


@kind(
    "Any size of image, without --input-size",
    refused="leaves its input size open: (None, None); say it with --input-size",
)
def open_size_unsaid(folder: Path) -> Built:
    return saved(folder, _small(_dense(2, "softmax"), shape=(None, None, 3)))


@kind("Any width and any channels", settings={"model": {"input_size": [HEIGHT, WIDTH]}})
def open_width_and_channels(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input((HEIGHT, None, None))
    base = k.Conv2D(4, 3)
    base.build((None, HEIGHT, None, 3))
    return saved(folder, keras.Model(entry, head(base(entry))))


@kind(
    "A size that the model doesn't take",
    settings={"model": {"input_size": [50, 60]}},
    refused="takes 24 x 36 pixels, not 50 x 60; leave --input-size out",
)
def wrong_size(folder: Path) -> Built:
    return saved(folder, _small(_dense(2, "softmax")))


@kind("A fixed batch of one image")
def fixed_batch(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input(batch_shape=(1, *SHAPE))
    model = keras.Model(entry, head(k.Conv2D(4, 3)(entry)))
    made = saved(folder, model)
    return Built(made.source, lambda images: np.concatenate([calling(model)(image[None]) for image in images]))


@kind("Flat input, 784 numbers: 28 x 28 gray", maps=False, note="assumed to be 28 × 28 gray")
def flat(folder: Path) -> Built:
    model = stack(_dense(8, "relu"), _dense(10, "softmax"), shape=(784,))
    made = saved(folder, model)
    return Built(made.source, lambda images: calling(model)(images.reshape(len(images), -1)))


@kind(
    "Flat input that is reshaped inside, with --input-size",
    settings={"model": {"input_size": [HEIGHT, WIDTH]}},
    note="rows of the image stand one after another",
)
def flat_reshaped(folder: Path) -> Built:
    from keras import layers as k

    body = [k.Reshape((HEIGHT, WIDTH, 1)), k.Conv2D(4, 3), k.GlobalMaxPooling2D()]
    model = stack(*body, _dense(2, "softmax"), shape=(HEIGHT * WIDTH,))
    made = saved(folder, model)
    return Built(made.source, lambda images: calling(model)(images.reshape(len(images), -1)))


@kind("Flat input of no image's size", refused="takes 10 numbers, which are no square image")
def flat_of_ten(folder: Path) -> Built:
    return saved(folder, stack(_dense(2), shape=(10,)))


@kind("Gray image without a channel axis", note="no channel axis")
def no_channel_axis(folder: Path) -> Built:
    from keras import layers as k

    model = stack(k.Reshape((HEIGHT, WIDTH, 1)), k.Conv2D(4, 3), k.GlobalMaxPooling2D(), _dense(2), shape=SHAPE[:2])
    made = saved(folder, model)
    return Built(made.source, lambda images: calling(model)(images[..., 0]))


@kind("Four channels", refused="takes 4 channels")
def four_channels(folder: Path) -> Built:
    return saved(folder, _small(_dense(2), shape=(HEIGHT, WIDTH, 4)))


@kind("Frames of a film (5-D)", refused="takes no image: its input is (None, 5, 24, 36, 3)")
def five_dimensions(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, stack(k.Conv3D(2, 3), k.GlobalAveragePooling3D(), _dense(2), shape=(5, *SHAPE)))


@kind("Gives an image (autoencoder)", refused="gives no class scores: its output is (None, 24, 36, 3)")
def autoencoder(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, stack(k.Conv2D(4, 3, padding="same"), k.Conv2D(3, 3, padding="same", activation="sigmoid")))


@kind("Two sigmoid outputs that don't sum to 1")
def two_sigmoids(folder: Path) -> Built:
    return saved(folder, _small(_dense(2, "sigmoid")))


@kind(
    "Class order 0 = pneumonia, 1 = normal, as said",
    settings={"model": {"class_names": ["PNEUMONIA", "NORMAL"]}},
)
def pneumonia_first(folder: Path) -> Built:
    return saved(folder, _small(_dense(2, "softmax")))


@kind(
    "Three outputs with two names",
    settings={"model": {"class_names": ["NORMAL", "PNEUMONIA"]}},
    refused="2 class names for model.keras, which has 3 classes",
)
def three_with_two_names(folder: Path) -> Built:
    return saved(folder, _small(_dense(3, "softmax")))


@kind("Logits", note="taken as logits")
def logits(folder: Path) -> Built:
    return saved(folder, _small(_dense(3)))


@kind("Tanh at the end", refused="the model's last activation is 'tanh', from which no scores can be read")
def tanh(folder: Path) -> Built:
    return saved(folder, _small(_dense(1, "tanh")))


@kind("Softmax over one output", refused="softmax over one output, which is always 1, whatever the image")
def softmax_of_one(folder: Path) -> Built:
    return saved(folder, _small(_dense(1, "softmax")))


@kind("One output without an activation, named like a quantity", note="read as a number, not the score of a class. If "
      "it is the logit of two classes, say --head logits; else --head regression")  # fmt: skip
def quantity(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, _small(k.Dense(1, name="bone_age")))


@kind("Regression, told by its loss", note="its output is a number, not the score of a class")
def regression(folder: Path) -> Built:
    model = _small(_dense(1))
    model.compile("adam", "mse")
    return saved(folder, model)


@kind("Regression of two numbers, as said", settings={"model": {"head": "regression"}})
def regression_of_two(folder: Path) -> Built:
    return saved(folder, _small(_dense(2)))


@kind(
    "Input wanted in -1 to 1, as said", settings={"preprocessing": {"mode": "scale", "factor": 2 / 255, "offset": -1}}
)
def minus_one_to_one(folder: Path) -> Built:
    return saved(folder, _small(_dense(2, "softmax")), low=-1)


def _trained(folder: Path, optimizer: Any, loss: Any, units: int, activation: str | None, ending: str) -> Built:
    model = _small(_dense(units, activation))
    model.compile(optimizer, loss, metrics=["accuracy"])
    images = np.random.default_rng(0).random((4, *SHAPE), np.float32)
    sparse = "sparse" in str(loss).lower()
    given = np.array([0, 1, 0, 1]) if sparse else np.eye(2, dtype=np.float32)[[0, 1, 0, 1]][:, :units]
    model.fit(images, given, epochs=1, verbose=0)
    return saved(folder, model, ending)


@numbers("Saved with its training: Adam, sparse categorical cross-entropy")
def trained_sparse(folder: Path) -> Built:
    return _trained(folder, "adam", "sparse_categorical_crossentropy", 2, "softmax", ".keras")


@numbers("Saved with its training: RMSprop, focal cross-entropy, HDF5")
def trained_focal(folder: Path) -> Built:
    import keras

    loss = keras.losses.BinaryFocalCrossentropy(gamma=1.5)
    return _trained(folder, keras.optimizers.RMSprop(1e-3), loss, 1, "sigmoid", ".h5")


@numbers("Saved with its training: SGD with a schedule, cross-entropy of logits with label smoothing", note="as logits")
def trained_logits(folder: Path) -> Built:
    import keras

    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 100)
    return _trained(folder, keras.optimizers.SGD(schedule, momentum=0.9), loss, 2, None, ".keras")


def _of_type(folder: Path, policy: str) -> Built:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        from keras import layers as k

        layers = [k.Conv2D(4, 3), k.BatchNormalization(), k.GlobalAveragePooling2D()]
        return saved(folder, stack(*layers, k.Dense(2, activation="softmax", dtype="float32")))
    finally:
        keras.config.set_dtype_policy(before)


@numbers("mixed_float16", tolerance=2e-3)
def mixed_float16(folder: Path) -> Built:
    return _of_type(folder, "mixed_float16")


@numbers("mixed_bfloat16", tolerance=2e-2)
def mixed_bfloat16(folder: Path) -> Built:
    return _of_type(folder, "mixed_bfloat16")


@numbers("float16", tolerance=2e-3)
def float16(folder: Path) -> Built:
    return _of_type(folder, "float16")


@numbers("float64")
def float64(folder: Path) -> Built:
    return _of_type(folder, "float64")


@numbers("Dense layers quantised to int8")
def quantised(folder: Path) -> Built:
    model = stirred(_small(_dense(8, "relu"), _dense(2, "softmax")))
    model.quantize("int8")
    path = folder / "model.keras"
    model.save(path)
    return Built(path, calling(model))


@numbers("Dense layers quantised to float8")
def quantised_float8(folder: Path) -> Built:
    model = stirred(_small(_dense(16, "relu"), _dense(2, "softmax")))
    model.quantize("float8")
    path = folder / "model.keras"
    model.save(path)
    return Built(path, calling(model))


@numbers("Whole numbers as input (uint8)", note="scales or shifts its input itself")
def whole_numbers(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Rescaling(1 / 255), k.Conv2D(4, 3), k.GlobalAveragePooling2D()]
    model = stack(*layers, _dense(2, "softmax"), dtype="uint8")
    made = saved(folder, model)
    return Built(made.source, lambda images: calling(model)(images.astype("uint8")), high=255)
