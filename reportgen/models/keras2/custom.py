"""The user's own layers in models of Keras 2, whichever Keras they were written for.

Keras 2 reads the file, and Keras 3 shows the model: a layer of one is lent to the other in a layer that stands for it
and does its work. Both use TensorFlow, so numbers pass through unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_KERAS_2 = "LayerOfKeras2"


def as_keras_2_reads_them(custom_objects: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's objects, layers written for Keras 3 as layers that Keras 2 can make.

    Parameters
    ----------
    custom_objects
        Layers and functions by name.
    """
    import keras

    return {
        name: _stand_in_of_keras_2(name, given)
        if isinstance(given, type) and issubclass(given, keras.Layer) and not issubclass(given, keras.Model)
        else given
        for name, given in custom_objects.items()
    }


def own_layer(original: Any, custom_objects: Mapping[str, Any], name: str) -> Any:
    """Return the counterpart in Keras 3 of a layer of the user's own; None where it is none of these.

    Parameters
    ----------
    original
        A layer as Keras 2 made it.
    custom_objects
        Layers and functions by name, as they were given.
    name
        What to call it.
    """
    import tf_keras

    given = custom_objects.get(type(original).__name__)
    if hasattr(original, "lent"):
        return original.lent
    if isinstance(given, type) and issubclass(given, tf_keras.layers.Layer):
        return lent_layer(original, name)
    return None


def lent_layer(original: Any, name: str) -> Any:
    """Return a layer of Keras 3 that lets a layer of Keras 2 do its work."""
    return _keras_3_stand_in()(original, name=name)


def is_own(original: Any, made: Any) -> bool:
    """Return whether a layer and its counterpart are one and share their weights."""
    return hasattr(original, "lent") or type(made).__name__ == _OF_KERAS_2


def _stand_in_of_keras_2(name: str, made: Any) -> type:
    """Return a layer of Keras 2 that makes a layer of Keras 3 from its configuration and does what that does."""
    import tf_keras

    class StandIn(tf_keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, settings: dict[str, Any]) -> None:
            self.settings = settings
            super().__init__(name=settings.get("name"))
            self._lent = [made.from_config({key: value for key, value in settings.items() if "shape" not in key})]

        @property
        def lent(self) -> Any:
            return self._lent[0]

        def build(self, shape: Any) -> None:
            self.lent.build(tuple(shape))
            # in the order in which a file holds them
            self.kept = [weight.value for weight in (*self.lent.trainable_weights, *self.lent.non_trainable_weights)]
            super().build(shape)

        def call(self, values: Any, **options: Any) -> Any:
            return self.lent(values, **options)

        def get_config(self) -> dict[str, Any]:
            return dict(self.settings)

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return cls(config)

    StandIn.__name__ = name
    return StandIn


def _keras_3_stand_in() -> type:
    """Return the layer of Keras 3 that does what a layer of Keras 2 does."""
    import keras

    class OfKeras2(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, original: Any, name: str) -> None:
            super().__init__(name=name, trainable=False)
            self._original = (original,)

        def call(self, values: Any, training: bool = False) -> Any:
            return self._original[0](values, **({"training": training} if self._takes_training else {}))

        @property
        def _takes_training(self) -> bool:
            return bool(getattr(self._original[0], "_expects_training_arg", False))

    OfKeras2.__name__ = _OF_KERAS_2
    return OfKeras2
