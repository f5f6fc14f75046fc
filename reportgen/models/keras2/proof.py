"""A model that was made again is not believed to be the same: both are run on the same random images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.models.formats.reasons import reason_of
from reportgen.models.formats.steady import (
    at_rest,
    begin_keras_2,
    begin_numbers,
    draws_numbers,
    is_steady,
    make_steady,
    runs_other_code,
)
from reportgen.system.errors import ModelError

AGREEMENT = 1e-5
_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_FREE_SIDE = 64  # tried where a model leaves its input size open
_TRIED = 2  # images
Pairs = Sequence[tuple[Any, Any]]


def make_others_steady(original: Any, pairs: Pairs) -> None:
    """Make layers that run the user's own code steady where the model is random at prediction because of them.

    Parameters
    ----------
    original
        The model of Keras 2.
    pairs
        Each of its layers, and its counterpart.
    """
    others = [(layer, made) for layer, made in pairs if runs_other_code(made)]
    if not others:
        return
    with comparable(pairs):
        images = _images(original, 0.0, 1.0)
        one, other = _outputs(original, images), _outputs(original, images)
    if max(map(_difference, one, other)) > AGREEMENT:
        for layer, made in others:
            make_steady(made, layer.name)


@contextlib.contextmanager
def comparable(pairs: Pairs) -> Iterator[None]:
    """Let two models that draw random numbers do the same meanwhile.

    What draws in both by code of its own is let to rest; what runs the same code in both begins with the same number.

    Parameters
    ----------
    pairs
        Layers of Keras 2, and their counterparts.
    """
    steady = [(original, made) for original, made in pairs if is_steady(made)]
    changed = [(original, _changed(original, made)) for original, made in steady]
    changed = [(original, call) for original, call in changed if call is not None]
    with at_rest():
        for original, call in changed:
            original.call = call
        try:
            yield
        finally:
            for original, _ in changed:
                del original.call


def _changed(original: Any, made: Any) -> Callable[..., Any] | None:
    """Return what a layer of Keras 2 is to do while it is compared; None: what it does."""
    usual = original.call
    if runs_other_code(made):

        def from_the_same_number(*args: Any, **options: Any) -> Any:
            with begin_numbers(made.steady_number):
                begin_keras_2((original,), made.steady_number)
                return usual(*args, **options)

        return from_the_same_number
    if draws_numbers(made) and not original._expects_training_arg:
        return lambda values, *_, **__: values  # an operation on tensors
    if draws_numbers(made):
        return lambda *args, **options: usual(*args, **{**options, "training": False})
    return None


def prove_equal(original: Any, rebuilt: Any, name: str, *, alone: bool = False) -> float:
    """Compare the outputs of two models on random inputs of several ranges.

    Parameters
    ----------
    original, rebuilt
        Callables on ``(N, ...)`` arrays; ``original.inputs`` tells the shapes.
    name
        For the message.
    alone
        Whether each image is run by itself, as models whose outputs go by the batch are.

    Returns
    -------
    float
        The largest difference, relative to the outputs where they're above 1.

    Raises
    ------
    ModelError
        When it's above 1e-5.
    """
    try:
        largest = max(_difference_between(original, rebuilt, *limits, alone=alone) for limits in _RANGES)
    except Exception as problem:
        # a damaged configuration can describe layers that fit together until they are run
        reason = reason_of(problem)
        raise ModelError(
            f"{name} was made again in Keras 3, but can't be run ({reason})", "save it again with a recent Keras"
        ) from problem
    if not largest <= AGREEMENT:
        raise ModelError(
            f"{name} was made again in Keras 3, but gives other outputs (they differ by {largest:.2g})",
            "save it again with a recent Keras",
        )
    return largest


def _difference_between(original: Any, rebuilt: Any, low: float, high: float, *, alone: bool) -> float:
    batches = _images(original, low, high)
    parts = [[one[at : at + 1] for one in batches] for at in range(_TRIED)] if alone else [batches]
    return max(
        _difference(*pair)
        for part in parts
        for pair in zip(_outputs(original, part), _outputs(rebuilt, part), strict=True)
    )


def _images(model: Any, low: float, high: float) -> list[NDArray[np.float32]]:
    """Return random images for each input of a model."""
    random = np.random.default_rng(0)
    shapes = [_trial_shape(tuple(entry.shape)) for entry in model.inputs]
    return [random.uniform(low, high, shape).astype(np.float32) for shape in shapes]


def _outputs(model: Any, inputs: list[NDArray[np.float32]]) -> list[NDArray[np.float64]]:
    return _arrays(model(inputs[0] if len(inputs) == 1 else inputs, training=False))


def _trial_shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return (_TRIED, *(side or (_FREE_SIDE if at < len(shape) - 2 else 3) for at, side in enumerate(shape[1:])))


def _arrays(outputs: Any) -> list[NDArray[np.float64]]:
    import tensorflow as tf

    return [np.asarray(output, np.float64) for output in tf.nest.flatten(outputs)]


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if one.shape != other.shape or not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return float("inf")
    finite = np.isfinite(one)
    scale = np.maximum(1, np.abs(one[finite]).max(initial=0))
    return float(np.abs(one[finite] - other[finite]).max(initial=0) / scale)
