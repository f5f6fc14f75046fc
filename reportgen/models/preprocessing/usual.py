"""The usual preprocessings, to be tried where nobody knows which one a model was trained with."""

from __future__ import annotations

from reportgen.models.preprocessing.preprocessing import Preprocessing, preprocessing_from
from reportgen.settings.report import PreprocessingSettings

_GRAY = (
    ("0 to 1", PreprocessingSettings(mode="scale")),
    ("−1 to 1", PreprocessingSettings(mode="scale", factor=1 / 127.5, offset=-1.0)),
    ("0 to 255", PreprocessingSettings(mode="none")),
)
_COLOUR = (
    ("ImageNet mean subtracted, BGR", PreprocessingSettings(mode="vgg16")),
    ("ImageNet mean and deviation", PreprocessingSettings(mode="densenet")),
)


def usual_preprocessings(channels: int) -> tuple[tuple[str, Preprocessing], ...]:
    """Return the usual preprocessings with names.

    Parameters
    ----------
    channels
        Of the model's input; those with a mean for each colour are for 3.
    """
    wanted = _GRAY + (_COLOUR if channels == 3 else ())
    return tuple((name, preprocessing_from(settings, channels=channels)) for name, settings in wanted)
