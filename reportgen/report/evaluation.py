"""How a classifier does on labelled images, as data: each image's scores, and what was measured of them all.

As in :mod:`reportgen.report.report`, nothing here reads, computes or writes. What is here is what its JSON holds, and
it suffices to draw the page again and to lay two evaluations of the same images over each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reportgen.report.estimates import Difference, Estimate, Resampling
from reportgen.report.model import ModelReport
from reportgen.report.numbers import Number
from reportgen.report.picture import Picture
from reportgen.report.report import NOTHING_FOUND
from reportgen.system.language import ENGLISH, mark, say

EVALUATION_SCHEMA = 1
EVALUATION_KIND = "classifier evaluation"
TWO_CLASSES, SEVERAL_CLASSES, FINDINGS = "two classes", "several classes", "findings"
TASKS = (TWO_CLASSES, SEVERAL_CLASSES, FINDINGS)
MACRO, MICRO = AVERAGES = "macro", "micro"
EVALUATION_DISCLAIMER = mark(
    "This page tells how a model did on a set of images. It is not a diagnosis of any of them, and no proof that the "
    "model does as well on others."
)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve from point to point, and the band that its bootstrap gives.

    Attributes
    ----------
    x, y
        Its points, 0 to 1.
    band_x, band_low, band_high
        The band at some places of x; empty where there is none.
    """

    x: tuple[Number, ...]
    y: tuple[Number, ...]
    band_x: tuple[Number, ...] = ()
    band_low: tuple[Number, ...] = ()
    band_high: tuple[Number, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """What a classifier says when a class is said from one score on.

    Attributes
    ----------
    name
        How the threshold was chosen.
    threshold
        The score from which on the class is said; NaN where the highest score decides.
    sensitivity, specificity
        Shares of the positives and negatives that are told right.
    precision
        Share of those said to be positive that are.
    true_positives, false_positives, true_negatives, false_negatives
        Images.
    """

    name: str
    threshold: Number
    sensitivity: Estimate
    specificity: Estimate
    precision: Estimate
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Images whose score lies in one of ten ranges of the same width.

    Attributes
    ----------
    low, high
        Ends of the range.
    images
        How many.
    mean_score
        Of them; NaN without any.
    share
        How many of them are right, or are of the class; 0 to 1, NaN without any.
    """

    low: Number
    high: Number
    images: int
    mean_score: Number
    share: Number


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Whether a score of 0.8 is right four times out of five.

    Attributes
    ----------
    expected_error
        Expected calibration error: mean over the images of the distance between mean score and share in their bin.
    bins
        From 0 to 1.
    """

    expected_error: Estimate
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True, kw_only=True)
class ClassMeasures:
    """One class against the rest, or one finding: how well its score tells who has it.

    Attributes
    ----------
    class_name
        Its name; of two classes only the positive one is measured.
    number
        Its place among the model's classes.
    positives, negatives
        Images that show it, and that don't.
    auc
        Area under the ROC curve.
    average_precision
        Mean precision over the steps in recall.
    roc
        False positive rate across, sensitivity up.
    precision_recall
        Recall (sensitivity) across, precision up.
    points
        At the model's own decision, and where one of sensitivity and specificity is at least 90 %.
    calibration
        Of its score.
    """

    class_name: str
    number: int
    positives: int
    negatives: int
    auc: Estimate
    average_precision: Estimate
    roc: Curve
    precision_recall: Curve
    points: tuple[OperatingPoint, ...]
    calibration: Calibration


@dataclass(frozen=True, kw_only=True)
class Average:
    """AUC and average precision over several classes.

    Attributes
    ----------
    name
        ``macro``: the mean over the classes; ``micro``: all pairs of image and class in one ranking.
    auc, average_precision
        Of them.
    """

    name: str
    auc: Estimate
    average_precision: Estimate


@dataclass(frozen=True, kw_only=True)
class Subgroup:
    """The images with one value in a column of the manifest.

    Attributes
    ----------
    column, value
        Which.
    images, groups, positives
        How many images, of how many patients, and how many of the images are of the positive class (of findings: show
        any; of several classes 0).
    accuracy, auc, sensitivity, specificity
        None where there are fewer than ten images, or it isn't defined; AUC of several classes or findings is the macro
        average, and there are no sensitivity and specificity.
    """

    column: str
    value: str
    images: int
    groups: int
    positives: int
    accuracy: Estimate | None = None
    auc: Estimate | None = None
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluatedImage:
    """One image: what it shows, and what the model says.

    Attributes
    ----------
    name
        File name without folders, a digest for DICOM, or the place in an archive.
    sha256
        Digest of the file, or of the pixels where there is no file of its own.
    group
        Which patient, as a number that says nothing else.
    labels
        Numbers of the classes that it shows: one, or any number of findings.
    scores
        One for each class of the model.
    said
        Numbers of the classes that the model says.
    correct
        Whether these are its labels.
    """

    name: str
    sha256: str
    group: int
    labels: tuple[int, ...]
    scores: tuple[Number, ...]
    said: tuple[int, ...]
    correct: bool


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An image that the model is sure of, and wrong about.

    Attributes
    ----------
    image
        Its place among the images.
    confidence
        How sure: the score of what is said; of findings, of that which is most wrong.
    thumbnail
        The image as the model gets it, small.
    report
        File of its report, seen from the page; empty where there is none.
    """

    image: int
    confidence: Number
    thumbnail: Picture
    report: str = ""


@dataclass(frozen=True, kw_only=True)
class EvaluatedData:
    """Which images were used.

    Attributes
    ----------
    kind
        What the data are, without paths.
    part
        ``test``, ``train``, ``validation`` or ``all``.
    images, groups
        How many, of how many patients.
    classes
        How many images show each class of the data, by name.
    grouping
        How it's known whose an image is, in words.
    notes
        What a reader should know of the reading, one sentence each.
    """

    kind: str
    part: str
    images: int
    groups: int
    classes: dict[str, int]
    grouping: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClassifierEvaluation:
    """A whole evaluation: everything that any output of it needs.

    Attributes
    ----------
    schema_version
        Of the fields and what they mean.
    kind
        What this is, so that no other JSON is taken for it.
    title
        As set, else made of the model's name and the data.
    created
        When, in UTC (ISO 8601).
    task
        ``two classes``, ``several classes`` or ``findings``.
    model
        As in a report.
    data
        Which images.
    resampling
        How intervals were made.
    classes
        The positive of two classes; each of several; each finding.
    accuracy
        Share of the images that are told right; of findings: in all findings.
    averages
        Over classes or findings; empty for two classes.
    confusion
        A row for each class as labelled, a column for each as said; empty for findings.
    confidence
        Calibration of the score of the class that is said; None for findings.
    brier
        Mean squared distance between scores and labels: of the positive score for two classes, summed over the classes
        for several, the mean over findings.
    subgroups
        By the values of the manifest's columns.
    images
        Each of them.
    mistakes
        The most confident ones.
    cautions
        What a reader must know before any of it is believed, one sentence each.
    settings
        As used, without paths.
    command
        The command line, with names in place of paths.
    versions
        Of reportgen, Python and the libraries.
    disclaimer
        What this is not.
    language
        That its sentences are in: the code of one that there is a catalogue of.
    """

    schema_version: int = EVALUATION_SCHEMA
    kind: str = EVALUATION_KIND
    title: str
    created: str
    task: str
    model: ModelReport
    data: EvaluatedData
    resampling: Resampling
    classes: tuple[ClassMeasures, ...]
    accuracy: Estimate
    averages: tuple[Average, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    confidence: Calibration | None = None
    brier: Estimate
    subgroups: tuple[Subgroup, ...] = ()
    images: tuple[EvaluatedImage, ...]
    mistakes: tuple[Mistake, ...] = ()
    cautions: tuple[str, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    command: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    disclaimer: str = EVALUATION_DISCLAIMER
    language: str = ENGLISH


@dataclass(frozen=True, kw_only=True)
class EvaluationComparison:
    """Two evaluations of the same images.

    Attributes
    ----------
    other
        The evaluation that the first is laid over.
    differences
        Measure by measure.
    changed
        Images that only one tells right: here, and there.
    """

    other: ClassifierEvaluation
    differences: tuple[Difference, ...]
    changed: tuple[int, int]


def describe_part(part: str) -> str:
    """Return what a part of the data is called in the language of the report; one of other names as it stands."""
    names = {
        "train": say("train"), "validation": say("validation"),
        "test": say("test"), "undivided": say("undivided"),
        "all": say("all"),
    }  # fmt: skip
    return names.get(part, part)


def describe_average(name: str) -> str:
    """Return what an average over classes is called in the language of the report."""
    return say("macro average") if name == MACRO else say("micro average")


def name_classes(numbers: Sequence[int], names: Sequence[str]) -> str:
    """Return the names of classes by their numbers; of no finding, that nothing was found."""
    return " + ".join(names[number] for number in numbers) or NOTHING_FOUND
