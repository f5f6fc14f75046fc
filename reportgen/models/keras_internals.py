"""A model run operation by operation on real images, also those of models inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Do = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


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
    # the walk that Keras itself uses to clone a functional model; it has no public name
    return model._run_through_graph([images], operation_fn=lambda operation: _step(operation, do))


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
        if isinstance(operation, keras.Layer) and operation._call_has_training_arg:
            options = {**options, "training": False}
        return do(operation, args, options)

    return called
