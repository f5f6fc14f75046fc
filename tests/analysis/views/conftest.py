"""Shared by the tests of other views: models whose maps can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reportgen.analysis.layer_graph import trace
from reportgen.analysis.logits import cut_before_activation
from reportgen.analysis.predictions import Head
from reportgen.analysis.views.slopes import Slopes
from reportgen.analysis.weight_of_evidence import Readout

SHAPE = (6, 8, 2)


@pytest.fixture(scope="session")
def slopes_of() -> Callable[..., Slopes]:
    """Return the slopes of a model, up to its logits where it has an activation."""

    def of(model, kind="sigmoid", target=1, sign=1, logits=True, memory=1 << 30) -> Slopes:
        outputs = int(model.output_shape[-1])
        names = tuple(f"class {number}" for number in range(max(2, outputs)))
        head = Head(kind, names[:1] if kind == "regression" else names, 0.5, outputs)
        graph = trace(model)
        cut = cut_before_activation(graph, kind) if logits and kind != "regression" else None
        return Slopes(cut or graph, Readout(head, cut=cut is not None), target, sign, memory)

    return of


@pytest.fixture(scope="session")
def linear():
    """Flatten and one sigmoid of random weights, (6, 8, 2)."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    return keras.Sequential([layers.Input(SHAPE), layers.Flatten(), layers.Dense(1, activation="sigmoid")])


@pytest.fixture(scope="session")
def weights(linear) -> np.ndarray:
    """What a unit of each input adds to the evidence for the second class, in bits, (6, 8, 2)."""
    return (linear.layers[-1].kernel.numpy().reshape(SHAPE) / np.log(2)).astype(np.float64)


@pytest.fixture
def image(random) -> np.ndarray:
    return random.random(SHAPE).astype(np.float32)
