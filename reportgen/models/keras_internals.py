"""What of Keras has no public name: how tensors, operations and models hang together.

All that walks a model from outside goes through here. Tried with Keras 3.15 on TensorFlow 2.18 to 2.21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Do = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def count_names_anew() -> None:
    """Let the next layer without a name be called as the first of its kind, whatever was built before."""
    from keras.src.utils.naming import reset_uids

    reset_uids()


def walk(model: Any, images: Any, do: Do) -> Any:
    """Run a model at inference, each operation by ``do(operation, arguments, options)``.

    Parameters
    ----------
    model
        Keras model of one input.
    images
        Tensor for that input.
    do
        Gives what comes out of an operation; a model with code of its own is one operation.
    """
    import keras

    if not is_transparent(model):
        return do(model, (images,), {})
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            images = _step(layer, do)(images)
        return images
    return run_through(model, [images], operation_fn=lambda operation: _step(operation, do))


def run_through(
    model: Any, inputs: list[Any], *, operation_fn: Callable[[Any], Any] = lambda operation: operation, **options: Any
) -> Any:
    """Run a functional model on other inputs: the walk that Keras itself uses to clone one.

    Parameters
    ----------
    model
        Functional Keras model.
    inputs
        Tensors, symbolic or not.
    operation_fn
        Gives what stands for an operation on the walk.
    options
        ``call_fn``: how an operation is called.
    """
    return model._run_through_graph(inputs, operation_fn=operation_fn, **options)


def maker_of(tensor: Any) -> tuple[Any, int]:
    """Return the operation that made a symbolic tensor, and the tensor's number among its outputs."""
    operation, _, number = tensor._keras_history
    return operation, int(number)


def call_of(tensor: Any) -> Any | None:
    """Return Keras's record of the call that made a symbolic tensor: which arguments went in, and what came out."""
    operation, number, _ = tensor._keras_history
    nodes = operation._inbound_nodes
    return nodes[number] if number < len(nodes) else None


def calls_of(operation: Any) -> list[Any]:
    """Return the records of all calls of an operation."""
    return list(getattr(operation, "_inbound_nodes", ()))


def given_to(tensor: Any) -> list[Any]:
    """Return the symbolic tensors that a tensor was made of."""
    call = call_of(tensor)
    return [] if call is None else list(call.input_tensors)


def takes_training(layer: Any) -> bool:
    """Return whether a layer can be told whether it is in training."""
    return bool(layer._call_has_training_arg)


def is_transparent(model: Any) -> bool:
    """Return whether a model does nothing but call its layers."""
    import keras
    from keras.src.models.functional import Functional

    return type(model).call in (keras.Sequential.call, Functional.call)


def _step(operation: Any, do: Do) -> Callable[..., Any]:
    """Return what stands for an operation on the walk."""
    import keras

    def called(*args: Any, **options: Any) -> Any:
        given = [one for one in keras.tree.flatten((args, options)) if hasattr(one, "shape")]
        if isinstance(operation, keras.Model) and len(given) == 1:
            return walk(operation, given[0], do)
        if isinstance(operation, keras.Layer) and takes_training(operation):
            options = {**options, "training": False}
        return do(operation, args, options)

    return called
