"""Where a case's score stands among those of the images that its model was evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head, positive_class
from reportgen.analysis.runs import Runs, are_finite
from reportgen.report.evaluation import FINDINGS, TWO_CLASSES, ClassifierEvaluation, describe_part
from reportgen.report.model import ModelReport
from reportgen.report.names import are_the_same
from reportgen.report.numbers import grouped
from reportgen.report.remark import Remark
from reportgen.report.report import readable
from reportgen.system.errors import SettingsError
from reportgen.system.language import say, say_count

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
    without = (
        head.class_names[1 - number]
        if two
        else say("without {name}", name=name)
        if evaluation.task == FINDINGS
        else say("other")
    )
    known = np.array([image.scores[number] for image in evaluation.images], np.float64)
    there = np.array([number in image.labels for image in evaluation.images])
    among = (Among(without, known[~there]), Among(name, known[there]))
    part = "" if evaluation.data.part == "all" else f"{describe_part(evaluation.data.part)}, "
    data = say_count("{count} image", "{count} images", evaluation.data.images, count=grouped(evaluation.data.images))
    return Standing(
        title, name, float(scores[number]), tuple(one for one in among if len(one.scores)),
        part + data,
    )  # fmt: skip


def find_standings(evaluation: ClassifierEvaluation, head: Head, runs: Runs) -> list[Standing]:
    """Return where each case stands; none at all where some score is not a number."""
    if not are_finite(runs):
        return []
    return [find_standing(evaluation, head, run.title, run.scores) for run in runs]


def standing_remark(standing: Standing) -> Remark:
    """Say where a case stands in a sentence."""
    score = standing.score
    parts = [_relation(one.below(score), one) for one in standing.among]
    few = [one for one in standing.among if len(one.scores) < FEWEST]
    return Remark(
        section="predictions",
        kind="standing",
        text=say(
            "{case}: its score of {name}, {score}, is {relations} that the model was evaluated on ({data}).",
            case=standing.title,
            name=standing.class_name,
            score=readable(score),
            relations=say(" and ").join(parts),
            data=standing.data,
        ),
        interpretation=say("So few images with known labels tell little.") if few else "",
        numbers={f"{standing.title}, above {one.label}": one.below(score) for one in standing.among},
    )


def otherness_remarks(evaluation: ClassifierEvaluation, model: ModelReport) -> list[Remark]:
    """Warn where an evaluation is of another model than the one that is shown, or of the same one fed otherwise."""
    there = evaluation.model
    if there.sha256 != model.sha256:
        text = say(
            "The evaluation that this report quotes is of another model ({other}, SHA-256 {digest}…), not of "
            "{model}: its "
            "scores may not be comparable.",
            other=there.name, digest=there.sha256[:12], model=model.name,
        )  # fmt: skip
    elif there.preprocessing != model.preprocessing:
        text = say(
            "The evaluation that this report quotes was made with other preprocessing ({preprocessing}): its scores "
            "may "
            "not be comparable.",
            preprocessing=there.preprocessing,
        )
    else:
        return []
    return [Remark(section="model", kind="caution", text=text, warning=True)]


def _relation(below: float, among: Among) -> str:
    """Say how much of a group a score exceeds: higher than most of it, or lower than most."""
    share = below if below >= 0.5 else 1 - below
    told = {
        "percent": min(round(100 * share), 99) if share < 1 else 100, "count": grouped(len(among.scores)),
        "label": among.label,
    }  # fmt: skip
    if below >= 0.5:
        return say("higher than {percent} % of the {count} {label} images", **told)
    return say("lower than {percent} % of the {count} {label} images", **told)
