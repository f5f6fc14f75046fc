"""The same images under each usual preprocessing: what comes out, what speaks against it, and what is right then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.doubts.scores import score_doubts
from reportgen.analysis.findings import all_correct, judge_findings
from reportgen.analysis.predictions import Head, best_predictions, is_right
from reportgen.analysis.remarks.words import listed
from reportgen.analysis.runs import Runs, Subject, distinct_runs
from reportgen.models.preprocessing.preprocessing import Preprocessing
from reportgen.models.preprocessing.usual import UsualPreprocessing, usual_preprocessings
from reportgen.report.remark import Remark
from reportgen.report.report import PreprocessingTrial
from reportgen.system.language import say, say_count

Pixels = NDArray[np.generic]
Scores = NDArray[np.float64]


def score_images(subject: Subject, preprocessing: Preprocessing, images: Sequence[Pixels]) -> Scores:
    """Return the scores ``(N, classes)`` of images ``(H, W, C)`` at the model's size, 0 to 255."""
    return subject.head.scores(subject.run(np.stack([preprocessing(image) for image in images])))


def doubts_under(subject: Subject, preprocessing: Preprocessing, runs: Runs, scores: Scores) -> tuple[Remark, ...]:
    """Return what speaks against a preprocessing, by the scores ``(N, classes)`` of all cases under it."""
    alone = distinct_runs(runs)
    images, chosen = [run.image for run in alone], scores[[run.number for run in alone]]
    return score_doubts(subject.head, chosen, images, lambda more: score_images(subject, preprocessing, more))


def try_preprocessings(subject: Subject, runs: Runs) -> tuple[PreprocessingTrial, ...]:
    """Run cases under each usual preprocessing; the one that the report uses stands among them."""
    used, head = subject.loaded.preprocessing, subject.head
    usual = usual_preprocessings(subject.loaded.input_shape[2])
    if not any(one.preprocessing.same_map(used) for one in usual):
        usual = (UsualPreprocessing(say("as set"), used), *usual)
    trials = []
    for one in usual:
        scores = score_images(subject, one.preprocessing, [run.image for run in runs])
        doubts = doubts_under(subject, one.preprocessing, runs, scores)
        trials.append(
            PreprocessingTrial(
                name=one.name,
                description=one.preprocessing.description,
                chosen=one.preprocessing.same_map(used),
                predictions=tuple(best_predictions(head, row)[0] for row in scores),
                doubt=doubts[0].text if doubts else "",
                flag=one.flag,
                correct=tuple(_is_right(head, run.case.label, row) for run, row in zip(runs, scores, strict=True)),
            )
        )
    return tuple(trials)


def _is_right(head: Head, label: str | None, scores: Scores) -> bool | None:
    findings = judge_findings(head, label, scores)
    return all_correct(findings) if findings else is_right(head, label, scores)


def trial_remarks(trials: Sequence[PreprocessingTrial], *, regression: bool) -> tuple[Remark, ...]:
    """Say under which preprocessing the cases are told apart and right, and what it takes to use it.

    Parameters
    ----------
    trials
        From :func:`try_preprocessings`; none where none were tried.
    regression
        Whether the model gives numbers, which are no classes.

    Returns
    -------
    tuple of Remark
        One: by the labels where there are any, else by whether the cases get different classes; none where nothing
        can be said. A warning where another preprocessing than the one used does better.
    """
    if not trials or regression:
        return ()
    used = next(trial for trial in trials if trial.chosen)
    labelled = max(sum(right is not None for right in trial.correct) for trial in trials)
    marks = [(trial, _mark(trial, labelled)) for trial in trials if not trial.doubt]
    most = max((mark for _, mark in marks), default=0)
    if not most:
        return ()
    best = [trial for trial, mark in marks if mark == most]
    text = _best(best, most, labelled)
    if used in best:
        text += say("; that is used here.") if len(best) == 1 else say("; {name} is used here.", name=used.name)
        return (Remark(section="predictions", kind="trials", text=text, numbers={"most": most}),)
    text += (
        say("; under {name}, which is used here, {count}.", name=used.name, count=_right(used))
        if labelled
        else say("; under {name}, which is used here, they do not.", name=used.name)
    )
    modes = _listed([f'mode = "{trial.flag.split()[-1]}"' for trial in best])
    told = {"flags": _listed([trial.flag for trial in best]), "modes": modes}
    meaning = (
        say(
            "To use it: {flags}, or {modes} under [preprocessing], in the settings or in the notes beside the model. A "
            "few cases prove nothing: what the model was trained with does.",
            **told,
        )
        if len(best) == 1
        else say(
            "To use one: {flags}, or {modes} under [preprocessing], in the settings or in the notes beside the "
            "model. A "
            "few cases prove nothing: what the model was trained with does.",
            **told,
        )
    )
    numbers: dict[str, float] = {"most": most, "as used": _mark(used, labelled)}
    return (
        Remark(section="predictions", kind="trials", text=text, interpretation=meaning, numbers=numbers, warning=True),
    )


def _best(best: Sequence[PreprocessingTrial], most: int, labelled: int) -> str:
    """Say which preprocessings do best: the beginning of a sentence."""
    names = listed([trial.name for trial in best])
    if not labelled:
        return say("Under {names}, the cases get different classes", names=names)
    told = {"names": names, "right": most}
    text = (
        say_count(
            "Under {names}, {right} of {count} labelled case is right",
            "Under {names}, {right} of {count} labelled cases is right",
            labelled,
            **told,
        )
        if most == 1
        else say("Under {names}, {right} of {count} labelled cases are right", count=labelled, **told)
    )
    apart = all(_is_apart(trial) for trial in best)
    return text + (say(", and the cases are told apart") if apart else "")


def _mark(trial: PreprocessingTrial, labelled: int) -> int:
    """Return how many cases are right under a preprocessing, or, without labels, whether they are told apart."""
    return _right(trial) if labelled else int(_is_apart(trial))


def _right(trial: PreprocessingTrial) -> int:
    return sum(right is True for right in trial.correct)


def _is_apart(trial: PreprocessingTrial) -> bool:
    return len({one.class_name for one in trial.predictions}) > 1


def _listed(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return say("{first} or {last}", first=", ".join(parts[:-1]), last=parts[-1])
