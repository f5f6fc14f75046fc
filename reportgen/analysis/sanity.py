"""The sanity check of maps: weights made random layer by layer from the top, the map made anew each time.

Cascading randomisation after Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018 (arXiv:1810.03292). A map
that stays the same tells of the image, not of what the model has learned. The weights are those of a copy; the model
itself is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.again import scan_again, settings_for_map
from reportgen.analysis.occlusion.combine import rank_correlation
from reportgen.analysis.occlusion.engines import differs
from reportgen.analysis.occlusion.known_models import known_model
from reportgen.analysis.runs import Runs, Subject
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport
from reportgen.report.sanity import SanityTest
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.system.language import say

Values = NDArray[np.float64]
STEPS = 12  # at most; of more layers, several become random at once
_PREPARING = ("Normalization", "Rescaling")  # what only brings pixels into the model's units


def check_sanity(
    subject: Subject, runs: Runs, settings: OcclusionSettings, advance: Callable[[int], object]
) -> list[SanityTest | None]:
    """Compare each case's map with those of a copy of the model whose weights become random.

    Parameters
    ----------
    subject, runs
        The model and the scanned cases.
    settings
        As the maps were made with.
    advance
        Told the number of steps done; there are :data:`STEPS`.

    Returns
    -------
    list of SanityTest or None
        None for a case without a scan; without steps where the model can't be copied, or has no weights.
    """
    if not all(run.scans for run in runs):
        advance(STEPS)
        return [None] * len(runs)
    copy = copy_of(subject, runs)
    stages = cascade(copy) if copy is not None else []
    if not stages:
        advance(STEPS)
        return [SanityTest(layers=(), correlation=(), absolute=())] * len(runs)
    how = settings_for_map(settings, runs)
    likeness: list[list[tuple[float, float]]] = [[] for _ in runs]
    random, done = np.random.default_rng(11), 0
    for number, stage in enumerate(stages, 1):
        for layer in stage:
            randomise(layer, random)
        for of_case, run, found in zip(likeness, runs, scan_again(copy, subject, runs, how), strict=True):
            trained = run.scans[0]
            ordered = trained.summary.has_order  # else what is left of it is rounding, and like nothing
            of_case.append(_likeness(trained.importance, found) if ordered else (np.nan, np.nan))
        advance(STEPS * number // len(stages) - done)
        done = STEPS * number // len(stages)
    names = tuple(tuple(layer.name for layer in stage) for stage in stages)
    return [
        SanityTest(layers=names, correlation=tuple(one for one, _ in of_case), absolute=tuple(of for _, of in of_case))
        for of_case in likeness
    ]


def copy_of(subject: Subject, runs: Runs) -> Any | None:
    """Return a copy of the model, with weights of its own, that gives the same for the cases; None: there is none."""
    import keras

    model = subject.loaded.keras_model
    try:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        outputs = np.asarray(copy(np.stack([run.prepared for run in runs]), training=False), np.float32)
    except Exception:  # noqa: BLE001 - layers of the user's own may refuse to be made anew
        return None
    if differs(outputs.reshape(len(runs), -1), np.stack([run.raw for run in runs])):
        return None
    own = {id(weight) for weight in model.weights}
    return None if any(id(weight) in own for weight in copy.weights) else copy


def cascade(model: Any) -> list[list[Any]]:
    """Return a model's layers with weights, the last to be executed first, in at most :data:`STEPS` groups."""
    layers: dict[int, Any] = {}
    for call in reversed(known_model(model).graph.calls):
        if type(call.layer).__name__ not in _PREPARING and any(
            _is_float(one) for one in getattr(call.layer, "weights", ())
        ):
            layers.setdefault(id(call.layer), call.layer)
    found = list(layers.values())
    return (
        [list(map(found.__getitem__, part)) for part in np.array_split(np.arange(len(found)), min(STEPS, len(found)))]
        if found
        else []
    )


def randomise(layer: Any, random: np.random.Generator) -> None:
    """Make a layer's weights random.

    Normal noise with the root mean square of the weights; what is nowhere below 0 (variances, scales) is shuffled.
    """
    for weight in layer.weights:
        if not _is_float(weight):
            continue
        values = np.asarray(weight, np.float32)
        if values.size > 1 and values.min() >= 0:
            made = random.permutation(values.reshape(-1)).reshape(values.shape)
        else:
            made = random.normal(0, float(np.sqrt(np.square(values, dtype=np.float64).mean())), values.shape)
        weight.assign(made.astype(np.float32))


def _is_float(weight: Any) -> bool:
    return "float" in str(weight.dtype)


def _likeness(trained: Values, again: Values) -> tuple[float, float]:
    known = np.isfinite(trained) & np.isfinite(again)
    one, other = trained[known], again[known]
    found = (rank_correlation(one, other), rank_correlation(np.abs(one), np.abs(other)))
    return (np.nan if found[0] is None else found[0], np.nan if found[1] is None else found[1])


def sanity_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say for each case whether its map goes with what the model has learned; where it doesn't, as a warning."""
    return tuple(_remark(case.title, case.sanity) for case in cases if case.sanity)


def _remark(title: str, test: SanityTest) -> Remark:
    if not test.layers:
        text = say("The weights could not be made random in a copy of the model, so the map was not checked that way.")
        return Remark(section="occlusion", kind="sanity", text=f"{title}: {text}")
    signed, absolute = test.final
    if not test.is_known:
        text = say("The check against random weights tells nothing: the map, or that of random weights, is even.")
        return Remark(section="occlusion", kind="sanity", text=f"{title}: {text}")
    numbers = say(
        "rank correlation {signed}, without signs {absolute}, over the pixels", signed=f"{signed:.2f}",
        absolute=f"{absolute:.2f}",
    )  # fmt: skip
    found = {"correlation": signed, "absolute": absolute}
    if test.survives:
        return Remark(
            section="occlusion", kind="sanity", numbers=found, warning=True,
            text=say(
                "{case}: The map survives random weights: with all of them random it is much the same ({numbers}).",
                case=title, numbers=numbers,
            ),
            interpretation=say("It tells more of the image than of what the model has learned."),
        )  # fmt: skip
    return Remark(
        section="occlusion", kind="sanity", numbers=found,
        text=say(
            "{case}: With all weights random, the map is another one ({numbers}): it goes with what the model has "
            "learned.",
            case=title, numbers=numbers,
        ),
    )  # fmt: skip
