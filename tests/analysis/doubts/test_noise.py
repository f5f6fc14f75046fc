"""How far the scores of a random model spread: against what other draws really give."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
from keras import layers

from reportgen.analysis.doubts.noise import PASSES, noise_remarks
from reportgen.analysis.predictions import Head
from reportgen.models.formats.steady import make_steady, other_numbers
from reportgen.models.randomness import Randomness

SHAPE = (6, 9, 1)
HEAD = Head("softmax", ("NORMAL", "PNEUMONIA"), 0.5, 2)


def model():
    entry, dropped = layers.Input(SHAPE), layers.Dropout(0.5)
    make_steady(dropped, "drop")
    pooled = layers.GlobalAveragePooling2D()(dropped(entry, in_training=True))
    ends = layers.Dense(2, activation="softmax", kernel_initializer=keras.initializers.Constant([[-1.0, 1.0]]))
    return keras.Model(entry, ends(pooled))


def subject(net, *, is_random=True):
    loaded = SimpleNamespace(keras_model=net, randomness=Randomness(is_random=is_random))
    return SimpleNamespace(loaded=loaded, head=HEAD)


def runs(images, scores, targets, titles):
    columns = zip(images, scores, targets, titles, strict=True)
    return [SimpleNamespace(prepared=a, scores=b, targets=c, title=d) for a, b, c, d in columns]


def test_of_a_model_that_is_not_random_nothing_is_said():
    images = np.ones((1, *SHAPE), np.float32)
    assert noise_remarks(subject(None, is_random=False), runs(images, np.ones((1, 2)), ((0,),), ("one",))) == ()


def test_the_spread_is_that_of_eight_other_draws():
    net, images = model(), np.ones((2, *SHAPE), np.float32) * np.array([1, 0.5], np.float32)[:, None, None, None]
    drawn = []
    for draw in range(1, 9):
        with other_numbers(draw):
            drawn.append(np.asarray(net(images, training=False)))
    drawn, shown = np.stack(drawn), np.asarray(net(images, training=False), np.float64)
    (remark,) = noise_remarks(subject(net), runs(images, shown, ((1,), (0,)), ("one", "two")))
    assert PASSES == 8
    assert remark.warning
    assert (remark.section, remark.kind) == ("predictions", "noise")
    assert remark.numbers["spread of one, PNEUMONIA"] == np.ptp(drawn[:, 0, 1].astype(float))
    assert remark.numbers["spread of two, NORMAL"] == np.ptp(drawn[:, 1, 0].astype(float))
    low, high = drawn[:, 0, 1].min(), drawn[:, 0, 1].max()
    assert low < shown[0, 1] or shown[0, 1] < high
    assert f"one {low:.3f} to {high:.3f} (PNEUMONIA; here {shown[0, 1]:.3f})" in remark.text
    np.testing.assert_array_equal(np.asarray(net(images, training=False)), shown.astype(np.float32))
