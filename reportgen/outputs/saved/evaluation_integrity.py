"""Whether an evaluation that was read back holds together: what its page and its overlays rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reportgen.outputs.saved.integrity import is_digest, is_moment, is_sound_picture
from reportgen.report.evaluation import (
    AVERAGES,
    FINDINGS,
    TASKS,
    TWO_CLASSES,
    Calibration,
    ClassifierEvaluation,
    ClassMeasures,
    Curve,
    EvaluatedImage,
)
from reportgen.system.language import languages

_BINS = 10
_LINK = re.compile(r"([^/:\\][^:\\]*)?")  # a file in or below the folder of the page


def evaluation_flaw(evaluation: ClassifierEvaluation) -> str | None:
    """Return the first thing in an evaluation that can't be, in words; None when it's sound."""
    return next(_flaws(evaluation), None)


def _flaws(evaluation: ClassifierEvaluation) -> Iterator[str]:
    if not is_moment(evaluation.created):
        yield "its date is none"
    if "reportgen" not in evaluation.versions:
        yield "it doesn't say what wrote it"
    if not is_digest(evaluation.model.sha256) or len(evaluation.model.input_shape) < 2:
        yield "its model is none"
    if evaluation.resampling.samples < 1 or evaluation.resampling.seed < 0:
        yield "its intervals are none"
    if evaluation.language not in languages():
        yield "its language is none that there is"
    yield from _class_flaws(evaluation)
    yield from _image_flaws(evaluation)


def _class_flaws(evaluation: ClassifierEvaluation) -> Iterator[str]:
    names = evaluation.model.class_names
    if evaluation.task not in TASKS or not evaluation.classes or len(names) < (1 if evaluation.task == FINDINGS else 2):
        yield "its classes don't fit its task"
    if not all(_is_sound_class(one, names) for one in evaluation.classes):
        yield "one of its classes doesn't hold together"
    if tuple(one.name for one in evaluation.averages) != (() if evaluation.task == TWO_CLASSES else AVERAGES):
        yield "its averages don't fit its task"
    sides = 0 if evaluation.task == FINDINGS else len(names)
    if [len(row) for row in evaluation.confusion] != [sides] * sides:
        yield "its confusion matrix doesn't fit its classes"
    if evaluation.confidence is not None and not _is_sound_calibration(evaluation.confidence):
        yield "its calibration doesn't hold together"


def _image_flaws(evaluation: ClassifierEvaluation) -> Iterator[str]:
    if not evaluation.images or len(evaluation.images) != evaluation.data.images:
        yield "its images aren't all there"
    if not all(_is_sound_image(image, len(evaluation.model.class_names)) for image in evaluation.images):
        yield "one of its images doesn't fit its model"
    for mistake in evaluation.mistakes:
        if not 0 <= mistake.image < len(evaluation.images) or not is_sound_picture(mistake.thumbnail):
            yield "one of its mistakes is none"
        if not _LINK.fullmatch(mistake.report) or ".." in mistake.report.split("/"):
            yield "it names a report that doesn't lie beside it"


def _is_sound_image(image: EvaluatedImage, classes: int) -> bool:
    numbers = (*image.labels, *image.said)
    return (
        len(image.scores) == classes
        and image.group >= 0
        and is_digest(image.sha256)
        and all(0 <= number < classes for number in numbers)
    )


def _is_sound_class(one: ClassMeasures, names: tuple[str, ...]) -> bool:
    return (
        0 <= one.number < len(names)
        and names[one.number] == one.class_name
        and bool(one.points)
        and _is_sound_curve(one.roc)
        and _is_sound_curve(one.precision_recall)
        and _is_sound_calibration(one.calibration)
    )


def _is_sound_curve(curve: Curve) -> bool:
    lengths = {len(curve.band_x), len(curve.band_low), len(curve.band_high)}
    return len(curve.x) == len(curve.y) and len(lengths) == 1


def _is_sound_calibration(calibration: Calibration) -> bool:
    return len(calibration.bins) == _BINS
