"""Where a case's score stands among those of the images that its model was evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head, positive_class
from reportgen.analysis.runs import Runs, are_finite
from reportgen.report.evaluation import FINDINGS, TWO_CLASSES, ClassifierEvaluation
from reportgen.report.model import ModelReport
from reportgen.report.names import are_the_same
from reportgen.report.report import Remark, readable
from reportgen.system.errors import SettingsError

FEWEST = 10


@dataclass(frozen=True)
class Among:
    """Scores of the images with one label.

    Attributes
    ----------
    label
        What these images are labelled, or that they lack the finding.
    scores
        ``(N,)`` of the class in question.
    """

    label: str
    scores: NDArray[np.float64]

    def below(self, score: float) -> float:
        """Return the share of them with a lower score, those with the same counting half."""
        return float((self.scores < score).mean() + (self.scores == score).mean() / 2)


@dataclass(frozen=True)
class Standing:
    """A case's score of one class, and those of the images with known labels.

    Attributes
    ----------
    title
        What the report calls the case.
    class_name
        Whose score it is.
    score
        Of the case.
    among
        The images by label: those without the class first.
    data
        Which images, in words.
    """

    title: str
    class_name: str
    score: float
    among: tuple[Among, ...]
    data: str


def check_evaluation_fits(evaluation: ClassifierEvaluation, head: Head, name: str) -> None:
    """Refuse an evaluation that tells other classes apart than a model.

    Raises
    ------
    SettingsError
        Naming both.
    """
    if head.is_regression or not are_the_same(evaluation.model.class_names, head.class_names):
        raise SettingsError(
            f"the evaluation is of a model with other classes than {name}: "
            f"{', '.join(evaluation.model.class_names[:10])}",
            "give the evaluation of this model: reportgen evaluate --json makes it",
        )


def find_standing(evaluation: ClassifierEvaluation, head: Head, title: str, scores: NDArray[np.float64]) -> Standing:
    """Return where a case stands: by the positive one of two classes, else by the class that is said first.

    Parameters
    ----------
    evaluation
        Of the model; see :func:`check_evaluation_fits`.
    head
        Names the classes.
    title
        Of the case.
    scores
        ``(classes,)``, finite.
    """
    two = evaluation.task == TWO_CLASSES
    number = positive_class(head.class_names) if two else head.predicted(scores)
    name = head.class_names[number]
    without = head.class_names[1 - number] if two else f"without {name}" if evaluation.task == FINDINGS else "other"
    known = np.array([image.scores[number] for image in evaluation.images], np.float64)
    there = np.array([number in image.labels for image in evaluation.images])
    among = (Among(without, known[~there]), Among(name, known[there]))
    part = "" if evaluation.data.part == "all" else f"{evaluation.data.part}, "
    return Standing(
        title, name, float(scores[number]), tuple(one for one in among if len(one.scores)),
        f"{part}{evaluation.data.images:,} images",
    )  # fmt: skip


def find_standings(evaluation: ClassifierEvaluation, head: Head, runs: Runs) -> list[Standing]:
    """Return where each case stands; none at all where some score is not a number."""
    if not are_finite(runs):
        return []
    return [find_standing(evaluation, head, run.title, run.scores) for run in runs]


def standing_remark(standing: Standing) -> Remark:
    """Say where a case stands in a sentence."""
    score = standing.score
    parts = [f"{_relation(one.below(score))} of the {len(one.scores):,} {one.label} images" for one in standing.among]
    few = [one for one in standing.among if len(one.scores) < FEWEST]
    return Remark(
        section="predictions",
        kind="standing",
        text=f"{standing.title}: its score of {standing.class_name}, {readable(score)}, is "
        f"{' and '.join(parts)} that the model was evaluated on ({standing.data}).",
        interpretation="So few images with known labels tell little." if few else "",
        numbers={f"{standing.title}, above {one.label}": one.below(score) for one in standing.among},
    )


def otherness_remarks(evaluation: ClassifierEvaluation, model: ModelReport) -> list[Remark]:
    """Warn where an evaluation is of another model than the one that is shown, or of the same one fed otherwise."""
    there = evaluation.model
    if there.sha256 != model.sha256:
        what = f"is of another model ({there.name}, SHA-256 {there.sha256[:12]}…), not of {model.name}"
    elif there.preprocessing != model.preprocessing:
        what = f"was made with other preprocessing ({there.preprocessing})"
    else:
        return []
    text = f"The evaluation that this report quotes {what}: its scores may not be comparable."
    return [Remark(section="model", kind="caution", text=text, warning=True)]


def _relation(below: float) -> str:
    """Say how much of a group a score exceeds: higher than most of it, or lower than most."""
    share, word = (below, "higher") if below >= 0.5 else (1 - below, "lower")
    percent = min(round(100 * share), 99) if share < 1 else 100
    return f"{word} than {percent} %"
