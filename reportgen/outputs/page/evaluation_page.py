"""Evaluation -> one self-contained HTML page, in the frame of the report's."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reportgen.outputs.page.asset_words import script_in
from reportgen.outputs.page.assets import read_assets
from reportgen.outputs.page.confusion import Confusion
from reportgen.outputs.page.environment import environment
from reportgen.outputs.page.frame import Frame
from reportgen.report.estimates import Difference, Estimate, describe_estimate
from reportgen.report.evaluation import (
    FINDINGS,
    TWO_CLASSES,
    ClassifierEvaluation,
    ClassMeasures,
    EvaluatedImage,
    EvaluationComparison,
    Mistake,
    describe_average,
    describe_part,
    name_classes,
)
from reportgen.report.numbers import grouped
from reportgen.report.picture import Picture
from reportgen.system.language import say, speaking

FEW_PATIENTS = 30
SHOWN_CLASSES = 30


@dataclass(frozen=True)
class Headline:
    """A measure that stands at the top: its name, its value, and what it means here."""

    name: str
    estimate: Estimate
    meaning: str


@dataclass(frozen=True)
class MistakeView:
    """A mistake with the image that it's about."""

    mistake: Mistake
    image: EvaluatedImage
    labelled: str
    said: str

    @property
    def address(self) -> str:
        """Where its report is, seen from the page; empty where there is none."""
        return quote(self.mistake.report)


@dataclass(frozen=True, kw_only=True)
class EvaluationPage(Frame):
    """What the templates of an evaluation see, with lookups that need no logic in a template.

    Attributes
    ----------
    evaluation
        All numbers.
    charts
        As :func:`reportgen.figures.evaluation.evaluation_pictures` draws them.
    comparison
        Another evaluation that is laid over it.
    """

    evaluation: ClassifierEvaluation
    charts: tuple[Picture, ...]
    comparison: EvaluationComparison | None = None

    @functools.cached_property
    def pictures(self) -> dict[str, Picture]:
        """Charts by name."""
        return {picture.name: picture for picture in self.charts}

    @property
    def two_classes(self) -> bool:
        """Whether one of two classes is said."""
        return self.evaluation.task == TWO_CLASSES

    @property
    def findings(self) -> bool:
        """Whether any number of findings is said."""
        return self.evaluation.task == FINDINGS

    @property
    def first(self) -> ClassMeasures:
        """The positive one of two classes."""
        return self.evaluation.classes[0]

    @property
    def negative(self) -> str:
        """The other one of two classes."""
        return self.evaluation.model.class_names[1 - self.first.number]

    @property
    def few_patients(self) -> bool:
        """Whether there are too few patients for intervals that can be relied on."""
        return self.evaluation.data.groups < FEW_PATIENTS

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The measures that stand at the top."""
        if self.two_classes:
            return _of_two(self.evaluation, self.first, self.negative)
        return _of_findings(self.evaluation) if self.findings else _of_several(self.evaluation)

    @property
    def confusion(self) -> Confusion:
        """Images by label and by what is said."""
        names = self.evaluation.model.class_names
        counts = {
            (truth, said): count
            for truth, row in zip(names, self.evaluation.confusion, strict=True)
            for said, count in zip(names, row, strict=True)
        }
        wrong = {pair: count for pair, count in counts.items() if count and pair[0] != pair[1]}
        view = Confusion(names, counts, 0, 0)
        return view if view.fits else Confusion(names, wrong, 0, 0)

    @property
    def mistakes(self) -> tuple[MistakeView, ...]:
        """The most confident mistakes."""
        images, names = self.evaluation.images, self.evaluation.model.class_names
        return tuple(
            MistakeView(one, images[one.image], name_classes(images[one.image].labels, names),
                        name_classes(images[one.image].said, names))
            for one in self.evaluation.mistakes
        )  # fmt: skip

    @property
    def wrong(self) -> int:
        """Images that are told wrong."""
        return sum(not image.correct for image in self.evaluation.images)

    @property
    def class_counts(self) -> tuple[tuple[str, int], ...]:
        """Images of each class; of very many, the first."""
        return tuple(self.evaluation.data.classes.items())[:SHOWN_CLASSES]

    @staticmethod
    def verdict(one: Difference) -> str:
        """Say what a paired difference shows."""
        return verdict_of(one, say("higher"), say("lower"))

    @staticmethod
    def average(name: str) -> str:
        """Return what an average is called."""
        return describe_average(name)

    @property
    def part(self) -> str:
        """Which part of the data it is."""
        return describe_part(self.evaluation.data.part)


def verdict_of(one: Difference, higher: str, lower: str) -> str:
    """Say by its interval what a paired difference shows: ``higher``, ``lower``, or that it shows nothing."""
    low, high = one.difference.low, one.difference.high
    if not math.isfinite(low):
        return say("not defined")
    if low == high == 0:
        return say("the same")
    return higher if low > 0 else lower if high < 0 else say("can't be told apart")


def render_evaluation_html(
    evaluation: ClassifierEvaluation, charts: Sequence[Picture], comparison: EvaluationComparison | None = None
) -> str:
    """Return the page. The same evaluation gives the same text.

    Parameters
    ----------
    evaluation
        All numbers.
    charts
        Its pictures.
    comparison
        Another evaluation of the same images, and how they differ.
    """
    page = EvaluationPage(
        evaluation=evaluation, charts=tuple(charts), comparison=comparison,
        style=read_assets("assets/tokens.css", "assets/report.css", "assets/confusion.css", "assets/evaluation.css"),
        script=script_in(evaluation.language, "assets/report.js"), generator=evaluation.versions["reportgen"],
    )  # fmt: skip
    with speaking(evaluation.language):
        return environment().get_template("evaluation.html.j2").render(page=page, evaluation=evaluation) + "\n"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _of_two(evaluation: ClassifierEvaluation, one: ClassMeasures, negative: str) -> tuple[Headline, ...]:
    own, positive = one.points[0], one.class_name
    whole = len(evaluation.images)
    usual, count = max(((positive, one.positives), (negative, one.negatives)), key=lambda pair: pair[1])
    error = one.calibration.expected_error
    auc = say(
        "Of an image labelled {positive} and one labelled {negative}, the first has the higher score in {share} of all "
        "pairs.",
        positive=positive, negative=negative, share=_percent(one.auc.value),
    ) if math.isfinite(one.auc.value) else say("It needs images of both classes.")  # fmt: skip
    return (
        Headline("AUC", one.auc, auc),
        Headline(
            say("Sensitivity"),
            own.sensitivity,
            say(
                "{right} of {count} images labelled {name} are told so; {wrong} are missed.",
                right=grouped(own.true_positives), count=grouped(one.positives), name=positive,
                wrong=grouped(own.false_negatives),
            ),
        ),
        Headline(
            say("Specificity"),
            own.specificity,
            say(
                "{right} of {count} images labelled {name} are told so; {wrong} are false alarms.",
                right=grouped(own.true_negatives), count=grouped(one.negatives), name=negative,
                wrong=grouped(own.false_positives),
            ),
        ),
        Headline(
            say("Precision"),
            own.precision,
            say(
                "{right} of the {count} images said to be {name} are. {share} of all images here are; where fewer are, "
                "precision is lower.",
                right=grouped(own.true_positives), count=grouped(own.true_positives + own.false_positives),
                name=positive, share=_percent(one.positives / whole),
            ),
        ),
        _accuracy(evaluation, usual, count),
        Headline(
            say("Calibration error"),
            error,
            say(
                "A score of {name} is off by {points} percentage points on average from how often images with such a "
                "score are {name}.",
                name=positive, points=f"{error.value * 100:.1f}",
            ),
        ),
    )  # fmt: skip


def _accuracy(evaluation: ClassifierEvaluation, usual: str, count: int) -> Headline:
    """Say how many are right, and how many would be if the most frequent class were said of every image."""
    told = say(
        "{right} of {count} images are told right. To say {name} of every image would be right in {share}.",
        right=grouped(_right(evaluation)), count=grouped(len(evaluation.images)), name=usual,
        share=_percent(count / len(evaluation.images)),
    )  # fmt: skip
    return Headline(say("Accuracy"), evaluation.accuracy, told)


def _right(evaluation: ClassifierEvaluation) -> int:
    return sum(image.correct for image in evaluation.images)


def _of_several(evaluation: ClassifierEvaluation) -> tuple[Headline, ...]:
    frequent, count = max(evaluation.data.classes.items(), key=lambda pair: pair[1])
    meaning = {
        "macro": say(
            "The mean over the classes: how often an image with the class has a higher score for it than one without."
        ),
        "micro": say("All pairs of image and class in one ranking: frequent classes count for more."),
    }
    headlines = [_accuracy(evaluation, frequent, count), *_averages(evaluation, meaning)]
    if evaluation.confidence is not None:
        error = evaluation.confidence.expected_error
        off = say(
            "The score of the class that is said is off by {points} percentage points on average from how often it is "
            "right.",
            points=f"{error.value * 100:.1f}",
        )
        headlines.append(Headline(say("Calibration error"), error, off))
    return tuple(headlines)


def _of_findings(evaluation: ClassifierEvaluation) -> tuple[Headline, ...]:
    meaning = {
        "macro": say(
            "The mean over the findings: how often an image with the finding has a higher score for it than one "
            "without."
        ),
        "micro": say("All pairs of image and finding in one ranking: frequent findings count for more."),
    }
    precise = evaluation.averages[0].average_precision
    steps = say(
        "The mean over the findings of the precision at each step in recall: {value}.", value=describe_estimate(precise)
    )
    told = say(
        "{right} of {count} images are told right in every one of {findings} findings.",
        right=grouped(_right(evaluation)), count=grouped(len(evaluation.images)), findings=len(evaluation.classes),
    )  # fmt: skip
    return (
        *_averages(evaluation, meaning),
        Headline(say("Average precision, macro"), precise, steps),
        Headline(say("All findings right"), evaluation.accuracy, told),
    )


def _averages(evaluation: ClassifierEvaluation, meaning: dict[str, str]) -> list[Headline]:
    return [Headline(f"AUC, {describe_average(one.name)}", one.auc, meaning[one.name]) for one in evaluation.averages]
