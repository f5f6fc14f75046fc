"""How much the scores of a model that draws random numbers would differ with other numbers: measured on the cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head
from reportgen.inputs.model_formats.steady import other_numbers
from reportgen.inputs.models import LoadedModel
from reportgen.report import Remark, readable

PASSES = 8


def noise_remarks(
    loaded: LoadedModel,
    head: Head,
    inputs: NDArray[np.float32],
    scores: NDArray[np.float64],
    targets: Sequence[Sequence[int]],
    titles: Sequence[str],
) -> tuple[Remark, ...]:
    """Say how far the scores of the cases spread with other random numbers.

    Parameters
    ----------
    loaded
        The model; of one that isn't random there is nothing to say.
    head
        From its outputs to scores.
    inputs, scores
        The cases, preprocessed ``(N, H, W, C)``, and their scores in the report ``(N, classes)``.
    targets
        For each case the numbers of the classes to look at.
    titles
        Headings of the cases.
    """
    if not loaded.randomness.is_random:
        return ()
    passes = np.stack(list(_passes(loaded.keras_model, head, inputs)))
    numbers, said = {}, []
    for case, (title, followed) in enumerate(zip(titles, targets, strict=True)):
        for target in followed:
            low, high = (float(one) for one in (passes[:, case, target].min(), passes[:, case, target].max()))
            shown, name = readable(float(scores[case, target])), head.class_names[target]
            said.append(f"{title} {readable(low)} to {readable(high)} ({name}; here {shown})")
            numbers[f"spread of {title}, {name}"] = high - low
    remark = Remark(
        section="predictions",
        kind="noise",
        text=f"The model is random: {len(passes)} more passes with other random numbers give {', '.join(said)}.",
        interpretation="Differences between cases, and in the occlusion scan, that are smaller than that say little.",
        numbers=numbers,
        warning=True,
    )
    return (remark,)


def _passes(model: Any, head: Head, inputs: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    for draw in range(1, PASSES + 1):
        with other_numbers(draw):
            yield head.scores(np.asarray(model(inputs, training=False), np.float32).reshape(len(inputs), -1))
