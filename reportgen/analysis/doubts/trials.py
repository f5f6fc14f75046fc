"""The same images under each usual preprocessing."""

from __future__ import annotations

import numpy as np

from reportgen.analysis import predictions
from reportgen.analysis.runs import Runs, Subject, distinct_runs
from reportgen.models.preprocessing.usual import usual_preprocessings
from reportgen.report.report import PreprocessingTrial


def try_preprocessings(subject: Subject, runs: Runs) -> tuple[PreprocessingTrial, ...]:
    """Run the cases under each usual preprocessing; the one that the report uses stands among them."""
    loaded, head = subject.loaded, subject.head
    used = loaded.preprocessing
    usual = usual_preprocessings(loaded.input_shape[2])
    if not any(one.same_map(used) for _, one in usual):
        usual = (("as set", used), *usual)
    trials = []
    for name, preprocessing in usual:
        scores = head.scores(subject.run(np.stack([preprocessing(run.image) for run in runs])))
        doubts = predictions.doubtful_scores(scores[[run.number for run in distinct_runs(runs)]])
        trials.append(
            PreprocessingTrial(
                name=name,
                description=preprocessing.description,
                chosen=preprocessing.same_map(used),
                predictions=tuple(predictions.best_predictions(head, row)[0] for row in scores),
                doubt=doubts[0].text if doubts else "",
            )
        )
    return tuple(trials)
