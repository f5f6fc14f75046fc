"""Kinds of networks, as Keras 3 saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .registry import SHAPE, Built, group, head, saved, stack

kind = group("Networks")


def _functional(body: Any, shape: tuple[int | None, ...] = SHAPE, **options: Any) -> Any:
    """Return a functional model: an input, the body, and a softmax of three."""
    import keras

    entry = keras.layers.Input(shape, **options)
    return keras.Model(entry, head(body(entry)))


@kind("Sequential: convolutions, pooling, Flatten, Dense")
def sequential(folder: Path) -> Built:
    from keras import layers as k

    body = [k.Conv2D(5, 3, activation="relu"), k.MaxPooling2D(), k.Dropout(0.5), k.Flatten()]
    return saved(folder, stack(*body, k.Dense(1, activation="sigmoid")))


@kind("Sequential in an HDF5 file of Keras 3")
def sequential_hdf5(folder: Path) -> Built:
    from keras import layers as k

    body = [k.Conv2D(5, (3, 5), activation="relu"), k.GlobalMaxPooling2D()]
    return saved(folder, stack(*body, k.Dense(2, activation="softmax")), ".h5")


@kind("Functional model in an HDF5 file of Keras 3")
def functional_hdf5(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, _functional(lambda x: k.Add()([k.Conv2D(4, 3, padding="same")(x), k.Conv2D(4, 1)(x)])), ".h5")


@kind("HDF5 file of Keras 3 that lost its version")
def without_version(folder: Path) -> Built:
    import h5py
    from keras import layers as k

    built = saved(folder, stack(k.Conv2D(5, 3), k.GlobalMaxPooling2D(), k.Dense(2, activation="softmax")), ".h5")
    with h5py.File(built.source, "r+") as file:
        del file.attrs["keras_version"]
    return built


@kind("Sequential that was built by its first images, without an Input")
def sequential_without_input(folder: Path) -> Built:
    import keras
    import numpy as np
    from keras import layers as k

    model = keras.Sequential([k.Conv2D(4, 3), k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax")])
    model(np.zeros((1, *SHAPE), np.float32))
    return saved(folder, model)


@kind("Residual network with BatchNormalization")
def residual(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        for channels in (4, 6):
            short = k.Conv2D(channels, 1, strides=2)(x)
            x = k.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(x)
            x = k.ReLU()(k.Add()([k.BatchNormalization()(x), short]))
        return x

    return saved(folder, _functional(body))


@kind("Dense blocks (every layer sees all before it)")
def dense_blocks(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        for _ in range(3):
            grown = k.Conv2D(3, 3, padding="same", activation="relu")(k.BatchNormalization()(x))
            x = k.Concatenate()([x, grown])
        return k.AveragePooling2D(2)(x)

    return saved(folder, _functional(body))


@kind("Inception branches")
def inception(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        branches = [
            k.Conv2D(2, 1, activation="relu")(x),
            k.Conv2D(3, 5, padding="same")(k.Conv2D(2, 1)(x)),
            k.Conv2D(2, (1, 7), padding="same")(x),
            k.Conv2D(2, 1)(k.MaxPooling2D(3, strides=1, padding="same")(x)),
        ]
        return k.Concatenate()(branches)

    return saved(folder, _functional(body))


@kind("Depthwise and separable convolutions (with a depth multiplier)")
def depthwise(folder: Path) -> Built:
    from keras import layers as k

    layers = [
        k.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        k.ReLU(6.0),
        k.SeparableConv2D(5, 3, strides=2, activation="relu"),
    ]
    return saved(folder, stack(*layers, k.GlobalAveragePooling2D(), k.Dense(4, activation="softmax")))


@kind("Inverted residuals with ZeroPadding and swish")
def inverted_residual(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        x = k.Conv2D(4, 3, strides=2)(k.ZeroPadding2D(((0, 1), (0, 1)))(x))
        wide = k.DepthwiseConv2D(3, padding="same")(k.Conv2D(12, 1, activation="swish")(x))
        return k.Add()([x, k.Conv2D(4, 1)(k.Activation("hard_swish")(wide))])

    return saved(folder, _functional(body))


@kind("Grouped and dilated convolutions")
def grouped(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Conv2D(6, 3, groups=3), k.Conv2D(4, 3, dilation_rate=(2, 1)), k.GlobalMaxPooling2D()]
    return saved(folder, stack(*layers, k.Dense(2, activation="softmax")))


@kind("Squeeze and excitation")
def squeeze_excite(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        x = k.Conv2D(8, 3)(x)
        weights = k.GlobalAveragePooling2D(keepdims=True)(x)
        weights = k.Conv2D(8, 1, activation="sigmoid")(k.Conv2D(2, 1, activation="relu")(weights))
        return k.Multiply()([x, weights])

    return saved(folder, _functional(body))


@kind("Channel and spatial attention")
def attention_gates(folder: Path) -> Built:
    import keras
    from keras import layers as k

    def body(x: Any) -> Any:
        x = k.Conv2D(4, 3)(x)
        both = [keras.ops.mean(x, axis=-1, keepdims=True), keras.ops.max(x, axis=-1, keepdims=True)]
        gate = k.Conv2D(1, 7, padding="same", activation="sigmoid")(k.Concatenate()(both))
        return x * gate

    return saved(folder, _functional(body))


@kind("Large kernels with LayerNormalization, GELU and layer scale")
def convnext_like(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        x = k.LayerNormalization(epsilon=1e-6)(k.Conv2D(8, 4, strides=4)(x))
        inner = k.LayerNormalization()(k.DepthwiseConv2D(7, padding="same")(x))
        inner = k.Dense(8)(k.Dense(16, activation="gelu")(inner))
        return k.Add()([x, k.Rescaling(0.1)(inner)])

    return saved(folder, _functional(body))


@kind("GroupNormalization and UnitNormalization")
def group_norm(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Conv2D(6, 3), k.GroupNormalization(3), k.LeakyReLU(0.2), k.UnitNormalization()]
    return saved(folder, stack(*layers, k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax")))


@kind("PReLU, ELU and Activation layers")
def activations(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Conv2D(4, 3), k.PReLU(shared_axes=[1, 2]), k.Conv2D(4, 3), k.ELU(0.5), k.Activation("mish")]
    return saved(folder, stack(*layers, k.GlobalMaxPooling2D(), k.Dense(2, activation="softmax")))


@kind("U-Net with a pooled head (transposed convolution and skips)")
def unet(folder: Path) -> Built:
    from keras import layers as k

    def body(x: Any) -> Any:
        high = k.Conv2D(4, 3, padding="same", activation="relu")(x)
        low = k.Conv2D(6, 3, padding="same", activation="relu")(k.MaxPooling2D()(high))
        up = k.Conv2DTranspose(4, 2, strides=2)(low)
        return k.Concatenate()([high, up, k.UpSampling2D(interpolation="bilinear")(low)])

    return saved(folder, _functional(body))


@kind("Cropping, Permute and Reshape on the way")
def reshaped(folder: Path) -> Built:
    from keras import layers as k

    layers = [
        k.Cropping2D(((2, 2), (3, 3))), k.Conv2D(4, 3, padding="same"), k.Permute((2, 1, 3)), k.Conv2D(2, 3),
        k.Reshape((-1,)), k.Dense(2, activation="softmax"),
    ]  # fmt: skip
    return saved(folder, stack(*layers))


@kind("Augmentation layers inside")
def augmentation(folder: Path) -> Built:
    from keras import layers as k

    layers = [
        k.RandomFlip("horizontal"), k.RandomRotation(0.1), k.RandomZoom(0.1), k.RandomContrast(0.2),
        k.RandomBrightness(0.1), k.GaussianNoise(0.1), k.Conv2D(4, 3), k.SpatialDropout2D(0.2),
    ]  # fmt: skip
    return saved(folder, stack(*layers, k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax")))


@kind("Rescaling inside: raw 0 to 255 goes in", note="scales or shifts its input itself")
def rescaling(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Rescaling(1 / 127.5, offset=-1), k.Conv2D(4, 3), k.GlobalAveragePooling2D()]
    return saved(folder, stack(*layers, k.Dense(2, activation="softmax")), high=255)


@kind("Normalization inside, adapted to data", note="scales or shifts its input itself")
def normalization(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Normalization(mean=[120.0, 110, 100], variance=[3000.0, 2900, 2800]), k.Conv2D(4, 3)]
    return saved(folder, stack(*layers, k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax")), high=255)


@kind("Arithmetic on tensors before the first layer (x / 127.5 - 1)", note="scales or shifts its input itself")
def arithmetic(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, _functional(lambda x: k.Conv2D(4, 3)(x / 127.5 - 1.0)), high=255)


@kind("Arithmetic on tensors in an HDF5 file of Keras 3, which Keras itself doesn't read again")
def arithmetic_hdf5(folder: Path) -> Built:
    import keras
    from keras import layers as k

    def body(x: Any) -> Any:
        x = k.Conv2D(4, 3, padding="same")(x)
        x = k.Add()([x, x * 0.5])[:, 1:, ::2] + 1.0
        return keras.ops.concatenate([x, 1.0 - keras.ops.relu(x) / keras.ops.mean(x, axis=(1, 2), keepdims=True)])

    return saved(folder, _functional(body), ".h5")


@kind("A layer with several outputs, each with its maps")
def split(folder: Path) -> Built:
    import keras
    from keras import layers as k

    def body(x: Any) -> Any:
        left, right = keras.ops.split(k.Conv2D(6, 3)(x), 2, axis=-1)
        return k.Concatenate()([k.Conv2D(3, 3, padding="same")(left), right])

    return saved(folder, _functional(body))


@kind("Resizing and CenterCrop inside")
def resizing(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Resizing(16, 20), k.CenterCrop(12, 18), k.Conv2D(4, 3), k.GlobalAveragePooling2D()]
    return saved(folder, stack(*layers, k.Dense(2, activation="softmax")))


@kind("No Dense layer at all: a convolution of the classes, pooled")
def fully_convolutional(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.Conv2D(4, 3, activation="relu"), k.Conv2D(3, 1), k.GlobalAveragePooling2D(), k.Softmax()]
    return saved(folder, stack(*layers))


@kind("Ends in an Activation layer")
def ends_in_activation(folder: Path) -> Built:
    from keras import layers as k

    return saved(
        folder, stack(k.Conv2D(4, 3), k.GlobalMaxPooling2D(), k.Dense(4), k.Activation("softmax", name="last"))
    )


@kind("Flatten and Dense only: predictions and occlusion", maps=False)
def perceptron(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, stack(k.Flatten(), k.Dense(8, activation="relu"), k.Dense(2, activation="softmax")))


def _base() -> Any:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE)
    left, right = k.Conv2D(4, 3, padding="same", name="left")(entry), k.Conv2D(4, 5, padding="same")(entry)
    return keras.Model(entry, k.BatchNormalization()(k.Add()([left, right])), name="base")


@kind("Transfer learning: a functional base inside a Sequential")
def base_in_sequential(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, stack(_base(), k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax")))


@kind("Transfer learning: a Sequential inside a functional model, three deep")
def base_three_deep(folder: Path) -> Built:
    from keras import layers as k

    middle = stack(k.Rescaling(1 / 255.0), _base())
    outer = stack(middle, k.ReLU())
    outer.name = "outer"
    return saved(folder, _functional(outer), high=255)


@kind("Transfer learning: a base called with training=False, frozen")
def base_frozen(folder: Path) -> Built:
    base = _base()
    base.trainable = False
    return saved(folder, _functional(lambda x: base(x, training=False)))


@kind("One base used twice (the image and its mirror)")
def base_shared(folder: Path) -> Built:
    import keras
    from keras import layers as k

    base = _base()
    return saved(folder, _functional(lambda x: k.Concatenate()([base(x), base(keras.ops.flip(x, axis=2))])))


@kind("One layer used twice")
def layer_shared(folder: Path) -> Built:
    from keras import layers as k

    shared = k.Conv2D(3, 3, padding="same", activation="relu")
    return saved(folder, _functional(lambda x: shared(shared(x))))


@kind("MobileNetV2 of keras.applications as a base")
def mobile_base(folder: Path) -> Built:
    import keras
    from keras import layers as k

    base = keras.applications.MobileNetV2(input_shape=(32, 48, 3), include_top=False, weights=None, alpha=0.35)
    model = stack(base, k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax"), shape=(32, 48, 3))
    return saved(folder, model)


@kind("SpectralNormalization around a convolution")
def wrapped(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.SpectralNormalization(k.Conv2D(4, 3)), k.GlobalAveragePooling2D()]
    return saved(folder, stack(*layers, k.Dense(2, activation="softmax")))
