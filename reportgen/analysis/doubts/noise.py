"""How much the scores of a model that draws random numbers would differ with other numbers: measured on the cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head
from reportgen.analysis.runs import Runs, Subject
from reportgen.models.formats.steady import other_numbers
from reportgen.report.remark import Remark
from reportgen.report.report import readable
from reportgen.system.language import say

PASSES = 8


def noise_remarks(subject: Subject, runs: Runs) -> tuple[Remark, ...]:
    """Say how far the scores of the cases spread with other random numbers; of a model that isn't random, nothing."""
    if not subject.loaded.randomness.is_random:
        return ()
    head = subject.head
    passes = np.stack(list(_passes(subject.loaded.keras_model, head, np.stack([run.prepared for run in runs]))))
    numbers, said = {}, []
    for place, run in enumerate(runs):
        for target in run.targets:
            low, high = (float(one) for one in (passes[:, place, target].min(), passes[:, place, target].max()))
            shown, name = readable(float(run.scores[target])), head.class_names[target]
            said.append(
                say(
                    "{case} {low} to {high} ({name}; here {score})", case=run.title, low=readable(low),
                    high=readable(high), name=name, score=shown,
                )
            )  # fmt: skip
            numbers[f"spread of {run.title}, {name}"] = high - low
    remark = Remark(
        section="predictions",
        kind="noise",
        text=say(
            "The model is random: {count} more passes with other random numbers give {scores}.",
            count=len(passes),
            scores=", ".join(said),
        ),
        interpretation=say(
            "Differences between cases, and in the occlusion scan, that are smaller than that say little."
        ),
        numbers=numbers,
        warning=True,
    )
    return (remark,)


def _passes(model: Any, head: Head, inputs: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    for draw in range(1, PASSES + 1):
        with other_numbers(draw):
            yield head.scores(np.asarray(model(inputs, training=False), np.float32).reshape(len(inputs), -1))
