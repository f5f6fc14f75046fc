"""A model of Keras 2 made again in Keras 3: the same layers, connected the same way and called the same way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from reportgen.models.formats.layer_names import NewNames, call_as_in_file, first_unused
from reportgen.models.formats.steady import goes_by_the_batch, is_steady, make_steady, set_numbers
from reportgen.models.keras2.layers import convert_layer, give_weights
from reportgen.models.keras2.operations import convert_operation
from reportgen.models.keras_internals import given_to, maker_of
from reportgen.system.errors import ModelError


class Rebuild:
    """Makes layers again, each once however often it's called.

    Parameters
    ----------
    original
        The whole model, as Keras 2 read it.
    custom_objects
        The user's own layers and functions.

    Attributes
    ----------
    pairs
        Each layer that is no model, and its counterpart.
    """

    def __init__(self, original: Any, custom_objects: dict[str, Any]) -> None:
        self.original, self.custom_objects = original, custom_objects
        self.names = NewNames(_names_in(original))
        self.pairs: list[tuple[Any, Any]] = []
        self._made: dict[tuple[int, bool], Any] = {}
        self._calls: dict[int, set[bool]] = defaultdict(set)

    def model(self) -> Any:
        """Return the model in Keras 3; its weights are still to be given.

        Raises
        ------
        ModelError
            When a layer has no counterpart, or changes itself at prediction.
        """
        made = self._model(self.original, in_training=False)
        for layer, counterpart in self.pairs:
            if goes_by_the_batch(counterpart) and len(self._calls[id(layer)]) > 1:
                raise ModelError(
                    f"layer '{layer.name}' is called with training=True and without, so that every prediction changes "
                    "what the next one gives",
                    "save the model with a layer for each of these calls",
                )
        return made

    def give_weights(self) -> None:
        """Copy the weights, once all layers are built."""
        for original, made in self.pairs:
            give_weights(original, made)

    def _model(self, original: Any, *, in_training: bool) -> Any:
        """Return a Sequential or functional model in Keras 3.

        Called in training, it does with its layers as Keras 2 does: those that nothing else is said of are, too.
        """
        import keras
        import tf_keras

        name = self._name(original, in_training=in_training)
        if isinstance(original, tf_keras.Sequential) and original.inputs and not in_training:
            # an input that was left out of the list is in the model all the same
            inner = [layer for layer in original.layers if not isinstance(layer, tf_keras.layers.InputLayer)]
            start = self._input(original.inputs[0], original._input_layers[0])
            made = keras.Sequential(
                [start, *(self._layer(layer) for layer in inner)], name=self._name(original, in_training=in_training)
            )
        elif hasattr(original, "_nodes_by_depth"):
            made = self._functional(original, name, in_training=in_training)
        else:
            raise ModelError(
                f"'{original.name}' is a {type(original).__name__}, whose layers can't be read",
                "save it as a Sequential or functional model",
            )
        call_as_in_file(made, original.name)
        return made

    def _functional(self, original: Any, name: str, *, in_training: bool) -> Any:
        import keras
        import tensorflow as tf

        tensors: dict[int, Any] = {}
        inputs = []
        for entry, layer in zip(original.inputs, original._input_layers, strict=True):
            tensors[id(entry)] = made = self._input(entry, layer)
            inputs.append(made)
        operations: set[str] = set()
        for depth in sorted(original._nodes_by_depth, reverse=True):
            for node in original._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                args, options = tf.nest.map_structure(
                    lambda value: tensors.get(id(value), value), (node.call_args, node.call_kwargs)
                )
                outputs = self._call(node.layer, args, options, in_training=in_training)
                if convert_operation(node.layer) is not None:
                    self._take_operations(node.layer, outputs, tensors, operations)
                for old, new in zip(tf.nest.flatten(node.outputs), keras.tree.flatten(outputs), strict=True):
                    tensors[id(old)] = new
        ends = tf.nest.map_structure(lambda tensor: tensors[id(tensor)], original.outputs)
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], ends if len(ends) > 1 else ends[0], name=name)

    def _input(self, entry: Any, layer: Any) -> Any:
        import keras

        return keras.Input(batch_shape=tuple(entry.shape), dtype=entry.dtype.name, name=self.names.of(layer.name))

    def _call(self, layer: Any, args: Sequence[Any], options: dict[str, Any], *, in_training: bool) -> Any:
        import tf_keras

        operation = convert_operation(layer)
        if operation is not None:
            return operation(*args, **{key: value for key, value in options.items() if key != "name"})
        said = options.get("training")
        training = _is_true(said) if said is not None else in_training
        left_out = ("name", "mask", "training")
        kept = {key: value for key, value in options.items() if value is not None and key not in left_out}
        if isinstance(layer, tf_keras.Model):
            return self._layer(layer, in_training=training)(*args, **kept)
        in_training = training and layer._expects_training_arg
        made = self._layer(layer, in_training=in_training)
        if in_training:
            make_steady(made, layer.name)
            return made(*args, **kept, in_training=True)
        return made(*args, **kept)

    def _layer(self, original: Any, *, in_training: bool = False) -> Any:
        """Return the counterpart of a layer or model, made at its first use and given its weights when it is built."""
        import tf_keras

        # a layer is one, however it is called; a model holds how its layers are called
        self._calls[id(original)].add(in_training)
        is_model = isinstance(original, tf_keras.Model)
        key = (id(original), is_model and in_training)
        if key not in self._made:
            if is_model:
                self._made[key] = self._model(original, in_training=in_training)
            else:
                name = self.names.of(original.name)
                self._made[key] = convert_layer(original, self.custom_objects, name, in_training=in_training)
                call_as_in_file(self._made[key], original.name)
                self.pairs.append((original, self._made[key]))
        return self._made[key]

    def _name(self, original: Any, *, in_training: bool) -> str:
        """Return the name of a model; one that is called in two ways is made twice, under two names."""
        name = self.names.of(original.name)
        return self.names.unused(name) if (id(original), not in_training) in self._made else name

    def _take_operations(self, layer: Any, outputs: Any, known: dict[int, Any], used: set[str]) -> None:
        """Name the operations that made ``outputs`` as the file names the layer that they stand for.

        The last of them gets its name, those before it a longer one: Keras's own names for operations may be those of
        layers in the file.
        """
        for at, operation in enumerate(_operations_behind(outputs, {id(tensor) for tensor in known.values()})):
            wanted = self.names.of(layer.name)
            if at > 0:
                wanted = self.names.unused(f"{wanted}_{type(operation).__name__.lower()}")
            elif wanted in used:
                wanted = self.names.unused(wanted)
            operation.name = first_unused(wanted, used)
            used.add(operation.name)
            if at == 0:
                call_as_in_file(operation, layer.name)
            if is_steady(operation):
                set_numbers(operation, layer.name)
                self.pairs.append((layer, operation))


def _names_in(model: Any) -> Iterator[str]:
    yield model.name
    for layer in getattr(model, "layers", ()):
        yield from _names_in(layer)


def _operations_behind(outputs: Any, known: set[int]) -> list[Any]:
    """Return the operations between known tensors and outputs, the last first."""
    import keras

    found: dict[int, Any] = {}
    waiting = [tensor for tensor in keras.tree.flatten(outputs) if isinstance(tensor, keras.KerasTensor)]
    while waiting:
        tensor = waiting.pop(0)
        operation, _ = maker_of(tensor)
        if id(tensor) not in known and id(operation) not in found:
            found[id(operation)] = operation
            waiting += given_to(tensor)
    return list(found.values())


def _is_true(value: Any) -> bool:
    """Whether a call's ``training`` is true: it may be a number or a tensor."""
    try:
        return bool(np.asarray(value))
    except (TypeError, ValueError):
        return False
