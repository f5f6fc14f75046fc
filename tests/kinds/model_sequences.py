"""Networks that see an image as a sequence, as Keras 3 saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .registry import SHAPE, Built, group, saved, stack

kind = group("Networks")


def _transformer(tokens: Any, width: int) -> Any:
    from keras import layers as k

    for _ in range(2):
        normed = k.LayerNormalization()(tokens)
        tokens = k.Add()([tokens, k.MultiHeadAttention(2, width // 2)(normed, normed)])
        tokens = k.Add()(
            [tokens, k.Dense(width)(k.Dense(width * 2, activation="gelu")(k.LayerNormalization()(tokens)))]
        )
    return k.LayerNormalization()(tokens)


@kind("Vision transformer of Keras's own layers: maps of the patches, none of its sequences")
def transformer(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE)
    patches = k.Conv2D(8, 6, strides=6, name="patches")(entry)
    tokens = _transformer(k.Reshape((24, 8))(patches), 8)
    end = k.Dense(3, activation="softmax")(k.GlobalAveragePooling1D()(tokens))
    return saved(folder, keras.Model(entry, end))


@kind("Vision transformer that cuts its patches by Reshape and Permute: no feature maps", maps=False)
def transformer_by_reshape(folder: Path) -> Built:
    import keras
    from keras import layers as k

    entry = k.Input(SHAPE)
    cut = k.Permute((1, 3, 2, 4, 5))(k.Reshape((4, 6, 6, 6, 3))(entry))
    tokens = _transformer(k.Dense(8)(k.Reshape((24, 108))(cut)), 8)
    end = k.Dense(3, activation="softmax")(k.GlobalAveragePooling1D()(tokens))
    return saved(folder, keras.Model(entry, end))


@kind("Rows as a sequence through an LSTM", maps=False)
def recurrent(folder: Path) -> Built:
    from keras import layers as k

    return saved(folder, stack(k.Reshape((24, 108)), k.Bidirectional(k.LSTM(5)), k.Dense(2, activation="softmax")))


@kind("TimeDistributed rows and Conv1D")
def time_distributed(folder: Path) -> Built:
    from keras import layers as k

    layers = [k.TimeDistributed(k.Conv1D(4, 3)), k.TimeDistributed(k.GlobalMaxPooling1D()), k.Conv1D(3, 3), k.Flatten()]
    return saved(folder, stack(*layers, k.Dense(2, activation="softmax")))
