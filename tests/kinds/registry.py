"""The list of kinds: what each is called, how it is made, and what is to come of it.

A kind is a small function that writes a file or folder of its kind into a folder; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 24, 36
SHAPE = (HEIGHT, WIDTH, 3)

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Built:
    """What was written, and what the same model gives where it was made: a function of images ``(N, H, W, C)``."""

    source: Path | str
    original: Callable[[Array], Any] | None = None
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Kind:
    """A kind of model file.

    Attributes
    ----------
    title, group
        For the table.
    build
        Writes it into a folder.
    settings
        What the user has to say about it, as nested tables.
    maps
        Whether there are feature maps to show.
    note
        A part of what the report must say about it.
    refused
        A part of the message it is refused with; empty: it works.
    tolerance
        How far its outputs may be from the original's; float16 is coarse.
    """

    title: str
    group: str
    build: Callable[[Path], Built]
    settings: Mapping[str, Any] = field(default_factory=dict)
    maps: bool = True
    note: str = ""
    refused: str = ""
    tolerance: float = 1e-5

    @property
    def name(self) -> str:
        """Name of the function that builds it, or as given."""
        return str(getattr(self.build, "kind_name", getattr(self.build, "__name__", self.title)))


KINDS: list[Kind] = []


def kind(
    title: str,
    group: str,
    *,
    settings: Mapping[str, Any] | None = None,
    maps: bool = True,
    note: str = "",
    refused: str = "",
    tolerance: float = 1e-5,
) -> Callable[[Callable[[Path], Built]], Callable[[Path], Built]]:
    """Note a function as the builder of a kind."""

    def noted(build: Callable[[Path], Built]) -> Callable[[Path], Built]:
        KINDS.append(Kind(title, group, build, settings or {}, maps, note, refused, tolerance))
        return build

    return noted


def group(name: str) -> Callable[..., Callable[[Callable[[Path], Built]], Callable[[Path], Built]]]:
    """Return :func:`kind` for one group."""

    def of_group(title: str, **options: Any) -> Callable[[Callable[[Path], Built]], Callable[[Path], Built]]:
        return kind(title, name, **options)

    return of_group


def stirred(model: Any, seed: int = 7) -> Any:
    """Move every weight a little, so that none is the zero or one it began as; return the model."""
    random = np.random.default_rng(seed)
    model.set_weights(
        [
            weight + random.uniform(-0.1, 0.1, weight.shape).astype(weight.dtype)
            if np.issubdtype(weight.dtype, np.floating)
            else weight
            for weight in model.get_weights()
        ]
    )
    for layer in getattr(model, "layers", ()):
        if hasattr(layer, "finalize_state") and layer.built:
            layer.finalize_state()  # what it computes from its weights once they are set
    return model


def calling(model: Any) -> Callable[[Array], Any]:
    """Return what a model gives at inference."""
    return lambda images: np.asarray(model(images, training=False), np.float64)


def saved(folder: Path, model: Any, ending: str = ".keras", *, low: float = 0.0, high: float = 1.0) -> Built:
    """Save a model of Keras (of any version) with stirred weights."""
    path = folder / f"model{ending}"
    stirred(model).save(path)
    return Built(path, calling(model), low, high)


def stack(*layers: Any, shape: tuple[int | None, ...] = SHAPE, dtype: str | None = None) -> Any:
    """Return a Sequential model of Keras 3."""
    import keras

    return keras.Sequential([keras.layers.Input(shape, dtype=dtype), *layers], name="stack")


def head(tensor: Any, classes: int = 3) -> Any:
    """Return the usual end: the mean of each channel and a softmax."""
    from keras import layers

    pooled = layers.GlobalAveragePooling2D(name="average")(tensor)
    return layers.Dense(classes, activation="softmax", name="classes")(pooled)


def written(folder: Path, name: str, content: bytes | str) -> Built:
    """Write a file that is no model."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Built(path)
