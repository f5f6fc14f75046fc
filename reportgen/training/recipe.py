"""How to train: every choice in one frozen table, with the choices that suit each built-in architecture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from reportgen.system.errors import SettingsError

Optimizer = Literal["adamw", "nadam", "adam", "sgd"]
Schedule = Literal["cosine", "constant"]
Balance = Literal["weights", "sampling", "none"]
Precision = Literal["float32", "bfloat16"]
_MOST = 2**31 - 1
Monitor = Literal["val_accuracy", "val_loss", "val_auc"]


@dataclass(frozen=True)
class Augmentation:
    """How far a training image may be changed, each image by its own draw; 0 (or 1 for factors) changes nothing.

    Attributes
    ----------
    flip
        Whether left and right may be exchanged.
    rotation
        Largest turn in degrees, either way.
    zoom
        Smallest and largest factor of each axis.
    shift
        Largest shift as a share of the side.
    brightness
        Largest shift of all values, in shares of the range 0..1.
    contrast
        Largest factor about the mean, and one over the smallest.
    gamma
        Largest exponent of the values, and one over the smallest.
    curve
        Slope of an S-shaped tone curve, as films and display tables have it; half of the images get one.
    window
        How much of either end of the range may be cut off, as a narrow display window does.
    borders
        Share of images that get black borders, up to a tenth of the side, as collimation leaves them.
    marks
        Share of images that get up to two small bright or dark rectangles, as letters and tape are.
    sharpness
        Largest share of an average over 3 x 3 pixels that is mixed in, or taken out.
    noise
        Largest standard deviation of added noise, in shares of the range.
    coverings
        Share of images of which up to two blocks are covered, each up to two fifths of the sides, by the image's mean
        or by itself blurred: so that a network learns that a covering is no finding.
    """

    flip: bool = False
    rotation: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 1.0
    gamma: float = 1.0
    curve: float = 0.0
    window: float = 0.0
    borders: float = 0.0
    marks: float = 0.0
    sharpness: float = 0.0
    noise: float = 0.0
    coverings: float = 0.0


_RADIOGRAPH = Augmentation(
    flip=True, rotation=14.0, zoom=(0.75, 1.15), shift=0.10, brightness=0.1, contrast=1.25, gamma=1.6,
    curve=4.0, window=0.12, borders=0.3, marks=0.5, sharpness=0.8, noise=0.03,
)  # fmt: skip
AUGMENTATIONS = {
    "none": None,
    # for photographs of things: mirrored and moved a little
    "light": Augmentation(flip=True, rotation=8.0, zoom=(0.9, 1.1), shift=0.08, brightness=0.05, contrast=1.1),
    # for radiographs: also as other scanners would have given them
    "radiograph": _RADIOGRAPH,
    # and parts of them covered, as an occlusion scan covers them
    "covered": replace(_RADIOGRAPH, coverings=0.4),
}


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults suit radiographs and networks of a few million parameters.

    Attributes
    ----------
    epochs, batch, seed
        Passes over the data at most, images a step, seed of all randomness.
    optimizer, learning_rate, weight_decay
        Keras's optimizer, its peak rate, and the decay of weights (of AdamW alone).
    schedule, warm_up
        ``cosine``: from a fiftieth of the rate to all of it in the first share ``warm_up`` of the steps, then down to
        0. ``constant``: the same rate throughout.
    patience, monitor
        Training ends when the monitored measure hasn't improved for so many epochs, and the weights of the best epoch
        are kept; 0: all epochs, and the last weights.
    balance
        ``weights``: classes count the same in the loss; ``sampling``: batches hold as many of each class.
    label_smoothing, mixup
        Share of the target that is spread over the classes; largest share of another image that is mixed in.
    augmentation, settling
        How images are changed, and the share of the last epochs in which that has a quarter of its strength: images as
        they are look cleaner than augmented ones, and a model that only saw the latter is biased on the former.
    dropout
        Before the first dense layer, and before every later one, of a built-in architecture; while training alone.
    leak
        Slope of rectified units below 0 at the start of training; it shrinks to 0 over the first half of the steps.
        Units that are never active get no gradient, and stay dead; with a slope they can come back.
    threshold
        How the threshold for the second of two classes is chosen by the validation images: ``balanced``,
        ``sensitivity:SHARE`` or ``specificity:SHARE``.
    precision
        ``bfloat16``: layers compute in half the bits, in a third of the time on processors that have instructions for
        it; weights are kept in float32, and so is the model that is saved.
    """

    epochs: int = 18
    batch: int = 32
    seed: int = 1
    optimizer: Optimizer = "adamw"
    learning_rate: float = 6e-4
    weight_decay: float = 1e-3
    schedule: Schedule = "cosine"
    warm_up: float = 0.05
    patience: int = 0
    monitor: Monitor = "val_loss"
    balance: Balance = "weights"
    label_smoothing: float = 0.05
    mixup: float = 0.0
    augmentation: Augmentation | None = field(default_factory=lambda: AUGMENTATIONS["radiograph"])
    settling: float = 0.15
    dropout: tuple[float, float] = (0.5, 0.4)
    leak: float = 0.1
    threshold: str = "balanced"
    precision: Precision = "float32"

    @property
    def hard_targets(self) -> bool:
        """Whether each image is of one class and no other, so that its number is all that a loss needs."""
        return not self.label_smoothing and not self.mixup


RECIPES = {
    "chest_xray": Recipe(),
    "chest_xray_gray": Recipe(),
    # as the well-known notebooks have it: no augmentation, no dropout, stopped by the validation images
    "cifar10": Recipe(
        epochs=200, optimizer="nadam", learning_rate=1e-3, schedule="constant", patience=3, monitor="val_accuracy",
        balance="none", label_smoothing=0.0, augmentation=None, settling=0.0, dropout=(0.0, 0.0), leak=0.0,
    ),
}  # fmt: skip
# of architectures that are the user's own
OWN_RECIPE = Recipe(
    epochs=30, schedule="cosine", learning_rate=1e-3, patience=5, augmentation=None, settling=0.0, leak=0.0,
    dropout=(0.0, 0.0), label_smoothing=0.0,
)  # fmt: skip


def check_recipe(recipe: Recipe) -> None:
    """Refuse numbers that make no training.

    Raises
    ------
    SettingsError
        Naming the number and its range.
    """
    least = {"epochs": 1, "batch": 1, "seed": 0, "patience": 0}
    for name, bound in least.items():
        if not bound <= getattr(recipe, name) <= _MOST:
            raise SettingsError(f"{name} must be from {bound} to {_MOST:,}, not {getattr(recipe, name)}")
    if not 0 <= recipe.weight_decay < 1:
        raise SettingsError(f"weight decay must be from 0 to below 1, not {recipe.weight_decay}")
    if not 0 < recipe.learning_rate < 10:
        raise SettingsError(f"the learning rate must be above 0 and below 10, not {recipe.learning_rate}")
    shares = {
        "label smoothing": recipe.label_smoothing,
        "mixup": recipe.mixup,
        "settling": recipe.settling,
        "leak": recipe.leak,
    }
    for name, value in (*shares.items(), *(("dropout", rate) for rate in recipe.dropout)):
        if not 0 <= value < 1:
            raise SettingsError(f"{name} must be from 0 to below 1, not {value}")
