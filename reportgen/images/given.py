"""Images as people have them in Python: arrays, tensors, Pillow images, files, batches of a ``tf.data.Dataset``.

Nothing here knows TensorFlow: a dataset is what has an ``element_spec``, a tensor what numpy takes as an array.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from reportgen.images.cases import MOST_CASES, Case, as_case
from reportgen.images.reader import Image, decode_image, image_from_array
from reportgen.settings.report import ImageSettings, LimitSettings
from reportgen.system.errors import ImageError, SettingsError
from reportgen.system.language import say

Names = Callable[[], Sequence[str]]
_FEWER = f"give 1 to {MOST_CASES}, such as images[:4] or dataset.unbatch().take(4)"


@dataclass(frozen=True)
class _Pair:
    """An image and its label, as they were handed in; ``scaled``: whether 1 means what 255 is elsewhere, if known."""

    image: Any
    label: Any = None
    scaled: bool | None = None


def given_cases(
    images: Any,
    labels: Sequence[Any] | None,
    names: Names,
    settings: ImageSettings | None = None,
    limits: LimitSettings | None = None,
) -> list[Case]:
    """Return the cases that images in any form make.

    Parameters
    ----------
    images
        An array or tensor ``(H, W)``, ``(H, W, C)``, ``(N, H, W)`` or ``(N, H, W, C)`` with 1 or 3 channels; a Pillow
        image; a path; a case in any other form; a list of these; a dataset, or one of its batches
        ``(images, labels)``. Values are 0 to 255, or 0 to 1 where a float array has none above 1.
    labels
        What each shows: a name, the number of a class, or a row with a number for each class; None: as the images say.
    names
        Gives the names of the classes, where labels are numbers; none, where the model gives numbers: labels are then
        shown as they are.
    settings, limits
        How files are read.

    Raises
    ------
    SettingsError
        When there is no image or there are more than 12, or labels don't fit.
    ImageError
        When something is no image.
    """
    pairs = list(islice(_pairs(images), MOST_CASES + 1))
    if not pairs:
        raise SettingsError("no image given", _FEWER)
    if len(pairs) > MOST_CASES:
        raise SettingsError(f"more than {MOST_CASES} images given", _FEWER)
    if labels is not None:
        if isinstance(labels, str) or len(labels) != len(pairs):
            raise SettingsError(f"{len(pairs)} images and labels that are not as many", "give one label an image")
        pairs = [replace(pair, label=label) for pair, label in zip(pairs, labels, strict=True)]
    numbers = range(1, len(pairs) + 1)
    return [_case(pair, number, names, settings, limits) for pair, number in zip(pairs, numbers, strict=True)]


def _pairs(images: Any) -> Iterator[_Pair]:
    if hasattr(images, "element_spec"):
        yield from _of_dataset(images)
    elif _is_batch(images):
        yield from _of_batch(*images[:2])
    elif isinstance(images, list | tuple) and not _is_named(images):
        for one in images:
            yield from _pairs(one)
    elif _is_array(images):
        yield from _of_array(images)
    else:
        yield _Pair(images)


def _is_array(given: Any) -> bool:
    return hasattr(given, "shape") and hasattr(given, "dtype")


def _is_named(given: Any) -> bool:
    """Return whether this is (label, image)."""
    return isinstance(given, tuple) and len(given) == 2 and (given[0] is None or isinstance(given[0], str))


def _is_batch(given: Any) -> bool:
    """Return whether this is (images, labels) or (images, labels, weights): many images, then what is none."""
    if not isinstance(given, tuple) or len(given) not in (2, 3) or not all(map(_is_array, given)):
        return False
    return len(given[0].shape) == 4 and len(given[1].shape) in (1, 2) and len(given[0]) == len(given[1])


def _of_dataset(dataset: Any) -> Iterator[_Pair]:
    spec = dataset.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    if not hasattr(parts[0], "shape"):
        raise SettingsError("the dataset's elements are neither images nor (image, label)", "map it to such pairs")
    rank = parts[0].shape.rank
    if rank not in (3, 4):
        raise SettingsError(
            f"the dataset's images have shape {tuple(parts[0].shape)}", "(H, W, C) or (N, H, W, C) is wanted"
        )
    scaled = None
    for element in dataset:
        image, label = element[:2] if isinstance(element, tuple) and len(element) > 1 else (element, None)
        image = image[0] if isinstance(image, tuple) else image
        for pair in _of_batch(image, label) if rank == 4 else [_Pair(image, label)]:
            # what the first images are in, all of them are
            scaled = _is_scaled(image) if scaled is None else scaled
            yield replace(pair, scaled=scaled)


def _of_batch(images: Any, labels: Any) -> Iterator[_Pair]:
    scaled = _is_scaled(images)
    for number in range(len(images)):
        yield _Pair(images[number], None if labels is None else labels[number], scaled)


def _of_array(images: Any) -> Iterator[_Pair]:
    shape, scaled = tuple(images.shape), _is_scaled(images)
    if len(shape) == 4 or (len(shape) == 3 and shape[-1] not in (1, 3, 4)):
        yield from (_Pair(images[number], None, scaled) for number in range(shape[0]))
    else:
        yield _Pair(images, None, scaled)


def _is_scaled(images: Any) -> bool:
    values = np.asarray(images)
    return bool(values.dtype.kind == "f" and values.size and values.max() <= 1)


def _case(pair: _Pair, number: int, names: Names, settings: ImageSettings | None, limits: LimitSettings | None) -> Case:
    given, label = pair.image, pair.label
    if _is_named(given):
        label = given[0] if label is None else label
        given = given[1]
    label = _label(label, names)
    name = label or say("image {number}", number=number)
    if isinstance(given, Pillow.Image):
        name = Path(getattr(given, "filename", "")).name or name
        return Case(label, _of_pillow(given, name, settings, limits), name)
    if _is_array(given):
        return Case(label, _of_pixels(given, scaled=_is_scaled(given) if pair.scaled is None else pair.scaled), name)
    if isinstance(given, Image):
        return Case(label, given, name)
    case = as_case(given, settings, limits)
    return case if label is None else replace(case, label=label)


def _label(given: Any, names: Names) -> str | None:
    """Return a label in words: numbers name classes, several that are set are joined by ``+``."""
    if given is None or isinstance(given, str):
        return given
    value: NDArray[Any] = np.asarray(given)
    if value.dtype.kind in "SO" and value.ndim == 0:
        text = value.item()
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    if value.dtype.kind not in "biuf" or not np.isfinite(value).all():
        raise SettingsError(f"a label can't be made of a {type(given).__name__}", "give a name or a class's number")
    known = list(names())
    if not known:
        return ", ".join(f"{one:g}" for one in value.reshape(-1))
    if value.size == 1:
        place = int(value.reshape(-1)[0])
        if place != value.reshape(-1)[0] or not 0 <= place < len(known):
            raise SettingsError(
                f"there is no class {value.reshape(-1)[0]:g}", f"the model has classes 0 to {len(known) - 1}"
            )
        return known[place]
    if value.ndim != 1 or len(value) != len(known):
        raise SettingsError(
            f"a label has shape {value.shape}, the model has {len(known)} classes", "give one number for each class"
        )
    return "+".join(known[place] for place in np.flatnonzero(value >= 0.5)) or None


def _of_pixels(given: Any, *, scaled: bool) -> Image:
    pixels = np.asarray(given)
    notes: tuple[str, ...] = ()
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.uint8) * 255
    elif scaled and pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32) * 255
        notes = (say("Its values, 0 to 1, were taken as shares of 255."),)
    try:
        return image_from_array(pixels, notes=notes)
    except ImageError as problem:
        raise ImageError(
            problem.what, problem.advice or "give images as they are before preprocessing, 0 to 255 or 0 to 1"
        ) from None


def _of_pillow(given: Pillow.Image, name: str, settings: ImageSettings | None, limits: LimitSettings | None) -> Image:
    """Read a Pillow image as if it were a file: alpha, palettes and depth are treated in the same way."""
    upright, buffer = ImageOps.exif_transpose(given), io.BytesIO()
    plain = upright.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    upright.save(buffer, "PNG" if plain else "TIFF")
    return replace(decode_image(buffer.getvalue(), name, settings, limits), kind=f"Pillow image, {given.mode}")
