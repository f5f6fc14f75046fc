"""Models whose outputs the image alone doesn't settle: random at prediction, or going by what is run together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .model_code import MODULE, own
from .model_legacy import functional
from .registry import SHAPE, Array, Built, calling, group, saved, stack

kind = group("Random at prediction")
RANDOM = "draws random numbers at prediction"
TOGETHER = "goes by the images that are run together"
FIXED = "the same here for every image, covered or not, and in every report"
PASSES = 20


def _given(name: str) -> dict[str, Any]:
    return {"model": {"custom_objects": [f"{MODULE}:{name}"]}}


def _on_average(model: Any) -> Callable[[Array], Any]:
    """Return what a model gives on average; one pass is compared with that, coarsely."""
    return lambda images: np.mean([calling(model)(images) for _ in range(PASSES)], axis=0)


def _each_alone(model: Any) -> Callable[[Array], Any]:
    return lambda images: np.concatenate([calling(model)(images[at : at + 1]) for at in range(len(images))])


def _legacy(folder: Path, body: Callable[[Any], Any], ending: str = ".h5") -> Built:
    model = functional(body)
    made = saved(folder, model, ending)
    return Built(made.source, _on_average(model))


@kind("Keras 2: dropout called with training=True", note=f"{RANDOM}: 'drop' (Dropout)", tolerance=0.1)
def random_dropout(folder: Path) -> Built:
    from tf_keras import layers as k

    return _legacy(folder, lambda x: k.Dropout(0.2, name="drop")(k.Conv2D(4, 3)(x), training=True))


@kind("Keras 2: noise kept on", note=f"{RANDOM}: 'noise' (GaussianNoise). They are {FIXED}", tolerance=0.1)
def random_noise(folder: Path) -> Built:
    from tf_keras import layers as k

    return _legacy(folder, lambda x: k.Conv2D(4, 3)(k.GaussianNoise(0.1, name="noise")(x, training=True)), ".keras")


@kind("Keras 2: augmentation kept on", note="'flip' (RandomFlip), 'turn' (RandomRotation)", tolerance=0.1)
def random_augmentation(folder: Path) -> Built:
    from tf_keras import layers as k

    def body(x: Any) -> Any:
        x = k.RandomRotation(0.02, name="turn")(
            k.RandomFlip("horizontal", name="flip")(x, training=True), training=True
        )
        return k.Conv2D(4, 3)(k.RandomZoom(0.05)(x))

    return _legacy(folder, body)


@kind("Keras 2: augmentation that Keras 3 does not have, kept on", note="'tall' (RandomHeight)", tolerance=0.1)
def random_height(folder: Path) -> Built:
    from tf_keras import layers as k

    return _legacy(
        folder, lambda x: k.Conv2D(4, 3)(k.Resizing(*SHAPE[:2])(k.RandomHeight(0.1, name="tall")(x, training=True)))
    )


@kind("Keras 2: a base called with training=True", note=f"{RANDOM}: 'drop' (Dropout)", tolerance=0.3)
def random_base(folder: Path) -> Built:
    import tf_keras
    from tf_keras import layers as k

    base = tf_keras.Sequential([k.Conv2D(4, 3), k.BatchNormalization(), k.Dropout(0.1, name="drop")], name="base")
    return _legacy(folder, lambda x: base(x, training=True))


@kind("Keras 2: tf.nn.dropout on a tensor", note=f"{RANDOM}: 'tf.nn.dropout' (Dropout)", tolerance=0.1)
def random_operation(folder: Path) -> Built:
    import tensorflow as tf
    from tf_keras import layers as k

    return _legacy(folder, lambda x: tf.nn.dropout(k.Conv2D(4, 3)(x), 0.2))


@kind(
    "Keras 2: dropout in a Lambda layer, trusted", settings={"model": {"trust_code": True}}, tolerance=0.1,
    note=f"{RANDOM}: 'lambda' (Lambda). They are {FIXED}",
)  # fmt: skip
def random_lambda(folder: Path) -> Built:
    from tf_keras import layers as k

    def dropped(values: Any) -> Any:
        import tensorflow as tf

        return tf.nn.dropout(values, 0.2)

    return _legacy(folder, lambda x: k.Lambda(dropped, name="lambda")(k.Conv2D(4, 3)(x)))


@kind("Keras 2: batch normalization called with training=True", note=f"{TOGETHER}: 'bn' (BatchNormalization)")
def batch_normalization(folder: Path) -> Built:
    from tf_keras import layers as k

    model = functional(lambda x: k.ReLU()(k.BatchNormalization(name="bn")(k.Conv2D(4, 3)(x), training=True)))
    made = saved(folder, model, ".h5")
    return Built(made.source, _each_alone(model))


@kind("Keras 2: batch normalization that was frozen, called with training=True", note="The model was made again")
def batch_normalization_frozen(folder: Path) -> Built:
    from tf_keras import layers as k

    layer = k.BatchNormalization(trainable=False)
    return saved(folder, functional(lambda x: layer(k.Conv2D(4, 3)(x), training=True)), ".h5")


@kind("Keras 3: dropout called with training=True", note="which Keras 3 takes no notice of at prediction")
def training_ignored(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE)
    pooled = k.GlobalAveragePooling2D()(k.Dropout(0.5)(k.Conv2D(4, 3)(entry), training=True))
    return saved(folder, keras.Model(entry, k.Dense(2, activation="softmax")(pooled)))


@kind(
    "A dropout layer of the user's own that is always on", settings=_given("AlwaysDropped"), tolerance=0.1,
    note=f"{RANDOM}: 'mine' (AlwaysDropped). They are {FIXED}",
)  # fmt: skip
def random_own(folder: Path) -> Built:
    model = _of_own("AlwaysDropped")
    made = saved(folder, model)
    return Built(made.source, _on_average(model))


@kind("A layer of the user's own that mixes images", settings=_given("Mixing"), note=f"{TOGETHER}: 'mine' (Mixing)")
def mixing_own(folder: Path) -> Built:
    model = _of_own("Mixing")
    made = saved(folder, model)
    return Built(made.source, _each_alone(model))


@kind("An exported model that is random", maps=False, note="They can't be fixed", tolerance=0.1)
def random_program(folder: Path) -> Built:
    model = _of_own("AlwaysDropped")
    made = saved(folder, model)
    model.export(folder / "model", verbose=False)
    return Built(folder / "model", made.original)


def _of_own(name: str) -> Any:
    import keras
    from keras import layers as k

    class AlwaysDropped(k.Dropout):
        def __init__(self, rate: float = 0.2, **options: Any) -> None:
            super().__init__(rate, **options)

        def call(self, values: Any, training: bool | None = None) -> Any:
            return super().call(values, training=True)

    class Mixing(k.Layer):
        def call(self, values: Any) -> Any:
            return values * 2 - keras.ops.mean(values, axis=0, keepdims=True)

    own().AlwaysDropped, own().Mixing = AlwaysDropped, Mixing
    AlwaysDropped.__module__ = Mixing.__module__ = MODULE
    layer = {"AlwaysDropped": AlwaysDropped, "Mixing": Mixing}[name](name="mine")
    return stack(k.Conv2D(4, 3), layer, k.GlobalAveragePooling2D(), k.Dense(2, activation="softmax"))
