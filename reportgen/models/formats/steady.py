"""Layers that draw random numbers at prediction, or go by the images that are run together, made steady.

A steady layer gives the same for the same image, however often it is run and beside whichever others: each image goes
through by itself, and all random numbers begin anew for each. So scores can be repeated, and an image with a patch on
it meets the same random numbers as the one without.
"""

from __future__ import annotations

import inspect
import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

_DRAW: ContextVar[int] = ContextVar("draw", default=0)
_AT_REST: ContextVar[bool] = ContextVar("at_rest", default=False)
_BETWEEN_DRAWS = 7919  # so that no layer of one draw has the number of another layer in the next
_NUMBERS = 1 << 30  # leaves room for all draws in 32 bits
# layers of Keras that run code which is not its own
_CARRIERS = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


def make_steady(layer: Any, key: str) -> None:
    """Make a layer steady: the object stays the same, and so do its weights and its connections.

    Afterwards it can be called with ``in_training=True``, which nothing that calls the model at inference undoes.

    Parameters
    ----------
    layer
        Of Keras 3.
    key
        What its random numbers begin with follows from it: another for each layer, the same in every report.
    """
    if is_steady(layer):
        return
    kind = type(layer)
    set_numbers(layer, key)
    layer.__class__ = type(kind.__name__, (_Steady, kind), {"__module__": __name__})
    parameters = list(layer._call_signature.parameters.values())
    own = inspect.Parameter("in_training", inspect.Parameter.KEYWORD_ONLY, default=None)
    parameters.insert(len(parameters) - (parameters[-1].kind is inspect.Parameter.VAR_KEYWORD), own)
    layer._call_signature = inspect.Signature(parameters)
    if kind.__name__ == "BatchNormalization":
        layer.momentum = 1.0  # in training it would change its weights


def set_numbers(layer: Any, key: str) -> None:
    """Let the random numbers of a steady layer begin with what follows from a key."""
    layer.steady_number = zlib.crc32(key.encode()) % _NUMBERS


def is_steady(layer: Any) -> bool:
    """Return whether a layer was made steady."""
    return isinstance(layer, _Steady)


def steady_layers(model: Any) -> list[Any]:
    """Return the steady layers of a model and of all models inside."""
    found = [model] if is_steady(model) else []
    return found + [one for layer in getattr(model, "layers", ()) for one in steady_layers(layer)]


def generators(layer: Any) -> list[Any]:
    """Return Keras's generators of random numbers in a layer and in those inside it."""
    inside = layer._flatten_layers() if hasattr(layer, "_flatten_layers") else []
    return [generator for one in inside for generator in one._seed_generators]


def draws_numbers(layer: Any) -> bool:
    """Return whether a layer has a generator of random numbers of Keras."""
    return bool(generators(layer))


def runs_other_code(layer: Any) -> bool:
    """Return whether a layer, or one inside it, runs code that isn't Keras's own."""
    inside = layer._flatten_layers() if hasattr(layer, "_flatten_layers") else [layer]
    return any(_is_foreign(_kind(one)) for one in inside)


def goes_by_the_batch(layer: Any) -> bool:
    """Return whether a layer is kept in training in which it goes by the images that are run together."""
    return is_steady(layer) and type(layer).__name__ == "BatchNormalization" and bool(layer.trainable)


@contextmanager
def other_numbers(draw: int) -> Iterator[None]:
    """Let steady layers draw other random numbers meanwhile; draw 0 is the usual one."""
    token = _DRAW.set(draw)
    try:
        yield
    finally:
        _DRAW.reset(token)


@contextmanager
def at_rest() -> Iterator[None]:
    """Let steady layers that draw random numbers do as without training meanwhile."""
    token = _AT_REST.set(True)
    try:
        yield
    finally:
        _AT_REST.reset(token)


@contextmanager
def begin_numbers(number: int) -> Iterator[None]:
    """Let all random numbers that any library draws meanwhile begin at a number; Python's and NumPy's go on as before.

    Parameters
    ----------
    number
        At least 0.
    """
    import keras

    before, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that others draw from
    keras.utils.set_random_seed(number)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(arrays)  # noqa: NPY002


class _Steady:
    """Stands before the layer's own class."""

    steady_number: int

    def call(self, *args: Any, in_training: bool | None = None, **options: Any) -> Any:
        import tensorflow as tf

        if in_training is not None:
            options["training"] = in_training and not (_AT_REST.get() and draws_numbers(self))
        if not tf.executing_eagerly():  # only the shapes are asked for
            return super().call(*args, **options)  # type: ignore[misc]
        return self._each_alone(args, options)

    def compute_output_spec(self, *args: Any, in_training: bool | None = None, **options: Any) -> Any:
        if in_training is not None:
            options["training"] = in_training
        return super().compute_output_spec(*args, **options)  # type: ignore[misc]

    def _each_alone(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        import keras
        import tensorflow as tf

        count = next(one.shape[0] for one in keras.tree.flatten((args, options)) if tf.is_tensor(one))

        def part(value: Any, at: int) -> Any:
            is_batch = tf.is_tensor(value) and value.shape.rank and value.shape[0] == count
            return value[at : at + 1] if is_batch else value

        outputs = []
        for at in range(count):
            one, named = keras.tree.map_structure(lambda value, at=at: part(value, at), (args, options))
            outputs.append(self._once(one, named))
        return keras.tree.map_structure(lambda *parts: tf.concat(parts, 0), *outputs)

    def _once(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        number = self.steady_number + _BETWEEN_DRAWS * _DRAW.get()
        for at, generator in enumerate(generators(self)):
            generator.state.assign([number, at])
        if not runs_other_code(self):
            return super().call(*args, **options)  # type: ignore[misc]
        with begin_numbers(number):
            begin_keras_2(getattr(self, "_original", ()), number)
            return super().call(*args, **options)  # type: ignore[misc]


def begin_keras_2(layers: Any, number: int) -> None:
    """Let the generators of layers of Keras 2, and of those inside them, begin at a number."""
    for layer in layers:
        for one in layer._flatten_layers():
            generator = getattr(one, "_random_generator", None)
            if generator is not None:
                generator._seed = number
                generator._built = False  # made anew at its next use


def _kind(layer: Any) -> type:
    """Return the class that a layer had before it was made steady."""
    return type(layer).__mro__[2] if is_steady(layer) else type(layer)


def _is_foreign(kind: type) -> bool:
    return kind.__module__.split(".", 1)[0] != "keras" or kind.__name__ in _CARRIERS
