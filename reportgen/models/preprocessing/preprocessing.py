"""From raw-image units to what a model was trained on.

Every preprocessing in use is one affine map per channel, sometimes after reversing RGB to BGR. It's kept as plain
numbers, so that a report can state it and nothing has to be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.models.preprocessing.bodies import Body
from reportgen.models.preprocessing.input_scaling import OwnScaling
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import SettingsError
from reportgen.system.language import say

# The modes of keras.applications: "caffe" (BGR, ImageNet mean subtracted), "tf" (-1..1), "torch" (0..1, then ImageNet
# mean and deviation), and models that contain their own scaling.
_CAFFE = ("vgg16", "vgg19", "resnet", "resnet50", "resnet101", "resnet152")
_TF = (
    "inception_v3", "inception_resnet_v2", "mobilenet", "mobilenet_v2", "nasnet", "nasnetlarge", "nasnetmobile",
    "resnet_v2", "resnet50v2", "resnet101v2", "resnet152v2", "xception",
)  # fmt: skip
_TORCH = ("densenet", "densenet121", "densenet169", "densenet201")
_INSIDE = ("convnext", "efficientnet", "efficientnet_v2", "mobilenet_v3", "regnet", "resnet_rs")
FAMILIES = (*_CAFFE, *_TF, *_TORCH, *_INSIDE)
MODES = ("auto", "scale", "mean_std", "none", *FAMILIES)

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """An affine map per channel: ``x * factor + offset``, after reversing the channels if ``reverse`` says so.

    Attributes
    ----------
    name
        The mode it came from.
    factor, offset
        One value, or one a channel (in the order that the model sees).
    reverse
        Whether RGB becomes BGR first.
    note
        A sentence about how it was chosen, for the report; may be empty.
    doubt
        Why another one may be right; may be empty.
    """

    name: str
    factor: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    reverse: bool = False
    note: str = ""
    doubt: str = ""

    def __call__(self, pixels: NDArray[np.generic]) -> NDArray[np.float32]:
        """Apply to pixels ``(..., H, W, C)`` from 0 to 255; returns float32 of the same shape."""
        values = pixels[..., ::-1] if self.reverse else pixels
        scaled: NDArray[np.float32] = np.multiply(values, np.asarray(self.factor, np.float32), dtype=np.float32)
        if any(self.offset):
            scaled += np.asarray(self.offset, np.float32)
        return scaled

    def same_map(self, other: Preprocessing) -> bool:
        """Whether it maps every value as another does, whatever they're called."""

        def one(values: tuple[float, ...]) -> tuple[float, ...]:
            return values[:1] if len(set(values)) == 1 else values

        mine, theirs = (
            (one(self.factor), one(self.offset), self.reverse),
            (one(other.factor), one(other.offset), other.reverse),
        )
        return mine == theirs

    @property
    def description(self) -> str:
        """The map in words and numbers."""

        def listed(values: tuple[float, ...]) -> str:
            return f"{values[0]:.6g}" if len(set(values)) == 1 else f"({', '.join(f'{v:.6g}' for v in values)})"

        if self.factor == (1.0,) and self.offset == (0.0,):
            formula = "values 0 to 255 as they are"
        else:
            added = f" + {listed(self.offset)}" if any(self.offset) else ""
            formula = f"x × {listed(self.factor)}{added.replace('+ -', '− ')}"
        return f"{self.name}: {'RGB to BGR, then ' if self.reverse else ''}{formula}"


def preprocessing_from(
    settings: PreprocessingSettings,
    *,
    channels: int,
    scaling: OwnScaling = OwnScaling.NO,
    family: str | None = None,
    inside: tuple[str, str] | None = None,
    body: Body | None = None,
) -> Preprocessing:
    """Choose the preprocessing.

    Parameters
    ----------
    settings
        What the user (or the model's TOML) says.
    channels
        Channels of the model's input, 1 or 3.
    scaling
        What the model does with its values itself, for ``auto``.
    family
        Family of keras.applications that the model is known to belong to, for ``auto``.
    inside
        Name and family of a model inside, by which ``auto`` warns of its assumption.
    body
        A body of keras.applications, recognised by its layers. Where the image reaches it as it comes, and it is one
        that is trained on values from −1 to 1, ``auto`` gives it these; else it warns of its assumption.

    Raises
    ------
    SettingsError
        When the mode is unknown, or its values are missing or don't fit the channels.
    """
    mode = settings.mode
    if mode not in MODES:
        raise SettingsError(
            f"preprocessing.mode '{mode}' is unknown",
            f"use auto, try, scale, mean_std, none, or a family of keras.applications: {', '.join(FAMILIES)}",
        )
    _refuse_unused(settings)
    if mode == "auto":
        return _automatic(channels, scaling, family, inside, body)
    if mode == "scale":
        factor = 1 / 255 if settings.factor is None else settings.factor
        return Preprocessing("scale", (factor,), (settings.offset or 0.0,))
    if mode == "mean_std":
        return _mean_std(settings, channels)
    if mode == "none":
        return Preprocessing("none")
    return _family(mode, channels)


def _refuse_unused(settings: PreprocessingSettings) -> None:
    used = {"scale": ("factor", "offset"), "mean_std": ("mean", "std")}.get(settings.mode, ())
    for key in ("factor", "offset", "mean", "std"):
        if getattr(settings, key) is not None and key not in used:
            mode = "mean_std" if key in ("mean", "std") else "scale"
            raise SettingsError(
                f"preprocessing.{key} has no meaning with mode '{settings.mode}'", f'set mode = "{mode}" to use it'
            )


def families_inside(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the first name that is one of a model of keras.applications, and its family; None where there is none.

    Families that scale their input themselves don't count: there is nothing to be set.
    """
    for name in names:
        plain = re.sub("[^a-z0-9]", "", name.lower())
        found = [family for family in FAMILIES if plain.startswith(family.replace("_", ""))]
        if found and max(found, key=len) not in _INSIDE:
            return name, max(found, key=len)
    return None


def _automatic(
    channels: int, scaling: OwnScaling, family: str | None, inside: tuple[str, str] | None, body: Body | None
) -> Preprocessing:
    if family is not None:
        chosen = _family(family, channels)
        return replace(chosen, note=say("Preprocessed as models of this family are trained (mode auto)."))
    if scaling is OwnScaling.RAW:
        note = say("The model scales or shifts its input itself, so values are left as they are (mode auto).")
        return Preprocessing("none", note=note)
    if scaling is OwnScaling.UNIT:
        note = say("Values are divided by 255 (mode auto): the model scales its input itself, from 0 to 1.")
        return Preprocessing("scale", (1 / 255,), note=note)
    if body is not None and body.is_first and body.family in _TF:
        note = say(
            "The model's layers are those of {body}, which is trained on values from −1 to 1: it is given x / 127.5 "
            "− 1 "
            "(mode auto). --preprocess scale divides by 255 instead; --preprocess try shows the scores of each.",
            body=body.title,
        )
        return replace(_family(body.family, channels), note=note)
    note = say("Values are divided by 255 (mode auto): the usual choice, assumed, as nothing else was said.")
    if inside is not None:
        doubt = say(
            "Values are divided by 255, which was assumed; but {name} inside the model has the name of a family that "
            "is "
            "often trained with a scaling of its own: --preprocess {mode}. --preprocess try shows the scores of each.",
            name=inside[0], mode=inside[1],
        )  # fmt: skip
    elif body is not None:
        doubt = say(
            "Values are divided by 255, which was assumed; but the model's layers are those of {body}, which is often "
            "trained with a scaling of its own: --preprocess {mode}. --preprocess try shows the scores of each.",
            body=body.title, mode=body.family,
        )  # fmt: skip
    else:
        return Preprocessing("scale", (1 / 255,), note=note)
    return Preprocessing("scale", (1 / 255,), note=note, doubt=doubt)


def _mean_std(settings: PreprocessingSettings, channels: int) -> Preprocessing:
    if settings.mean is None or settings.std is None:
        raise SettingsError("preprocessing mode 'mean_std' needs mean and std", "give both, from 0 to 255")
    for key, values in (("mean", settings.mean), ("std", settings.std)):
        if len(values) not in (1, channels):
            raise SettingsError(
                f"preprocessing.{key} has {len(values)} values, the model has {channels} channels", "give 1 or as many"
            )
    mean, std = np.broadcast_arrays(np.asarray(settings.mean, float), np.asarray(settings.std, float))
    return Preprocessing("mean_std", tuple((1 / std).tolist()), tuple((-mean / std).tolist()))


def _family(family: str, channels: int) -> Preprocessing:
    if channels != 3 and family not in _TF + _INSIDE:
        raise SettingsError(f"preprocessing '{family}' is for RGB, the model has {channels} channel", "use scale")
    if family in _CAFFE:
        return Preprocessing(family, (1.0,), tuple(-mean for mean in IMAGENET_MEAN_BGR), reverse=True)
    if family in _TF:
        return Preprocessing(family, (1 / 127.5,), (-1.0,))
    if family in _TORCH:
        factors = tuple(1 / (255 * std) for std in IMAGENET_STD)
        offsets = tuple(-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True))
        return Preprocessing(family, factors, offsets)
    return Preprocessing(family)
