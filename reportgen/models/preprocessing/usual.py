"""The usual preprocessings, to be tried where nobody knows which one a model was trained with."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.models.preprocessing.preprocessing import Preprocessing, preprocessing_from
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.language import mark, say

# names, and the modes that give them: a family stands for all that are trained so
_GRAY = ((mark("0 to 1"), "scale"), (mark("−1 to 1"), "mobilenet_v2"), (mark("0 to 255"), "none"))
_COLOUR = ((mark("ImageNet mean subtracted, BGR"), "vgg16"), (mark("ImageNet mean and deviation"), "densenet"))


@dataclass(frozen=True)
class UsualPreprocessing:
    """One of the usual preprocessings: what to call it, what it does, and the mode that asks for it."""

    name: str
    preprocessing: Preprocessing
    mode: str = ""

    @property
    def flag(self) -> str:
        """What to say to use it; empty where it is used already."""
        return f"--preprocess {self.mode}" if self.mode else ""


def usual_preprocessings(channels: int) -> tuple[UsualPreprocessing, ...]:
    """Return the usual preprocessings with names.

    Parameters
    ----------
    channels
        Of the model's input; those with a mean for each colour are for 3.
    """
    wanted = _GRAY + (_COLOUR if channels == 3 else ())
    return tuple(
        UsualPreprocessing(say(name), preprocessing_from(PreprocessingSettings(mode=mode), channels=channels), mode)
        for name, mode in wanted
    )
