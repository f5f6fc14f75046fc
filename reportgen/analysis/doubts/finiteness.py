"""Where a model's values stop being numbers: the first layer that gives NaN or infinity, and whether by its weights.

Looked for only where scores or feature maps are not finite: it takes one more pass, and one look at all weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, compute_outputs
from reportgen.analysis.remarks.words import listed
from reportgen.analysis.runs import Runs, Subject, are_finite
from reportgen.report.layer import LayerReport
from reportgen.report.numbers import grouped
from reportgen.report.remark import Remark
from reportgen.system.language import mark, say

_NAMED = 4  # weights and cases in a sentence


@dataclass(frozen=True)
class LostWeights:
    """Weights of a layer that are not numbers: ``name``, how many of how many, and of what kind they are."""

    name: str
    lost: int
    count: int
    kind: str


@dataclass(frozen=True)
class Origin:
    """Where values stop being numbers.

    Attributes
    ----------
    layer
        Path of the first layer that gives such values; empty for the input itself.
    kind
        ``NaN``, ``infinite`` or ``NaN or infinite``.
    cases
        Numbers of the cases in which it does.
    largest, largest_weight
        Largest magnitudes of what goes into the layer, and of its weights (0 where it has none).
    weights
        Its weights that are not numbers.
    elsewhere
        Path of the first layer in which weights are not numbers, where that is another.
    """

    layer: str
    kind: str
    cases: tuple[int, ...]
    largest: float
    largest_weight: float = 0.0
    weights: tuple[LostWeights, ...] = ()
    elsewhere: str = ""


def find_origin(graph: Graph, images: NDArray[np.float32]) -> Origin | None:
    """Find where values stop being numbers.

    Parameters
    ----------
    graph
        The traced model.
    images
        ``(N, H, W, C)``, preprocessed.

    Returns
    -------
    Origin or None
        None where every layer gives numbers for all images.
    """
    lost = _cases_lost(images)
    if lost:
        return Origin("", _kind(images), lost, 0.0)
    of_tensor = {id(call.output): call for call in graph.calls}
    largest = {id(graph.input): _largest(images)}
    for tensor, value in compute_outputs(graph, images, [call.output for call in graph.calls]):
        call, values = of_tensor[id(tensor)], np.asarray(value, np.float32)
        lost = _cases_lost(values)
        if lost:
            entering = max((largest.get(id(one), 0.0) for one in call.inputs), default=0.0)
            own = tuple(_lost_weights(call.layer))
            first = "" if own else next((other.path for other in graph.calls if any(_lost_weights(other.layer))), "")
            heaviest = max((_largest(np.asarray(one, np.float32)) for one in _weights(call.layer)), default=0.0)
            return Origin(call.path, _kind(values), lost, entering, heaviest, own, first)
        largest[id(tensor)] = _largest(values)
    return None


def origin_remarks(subject: Subject, runs: Runs, layers: Sequence[Sequence[LayerReport]]) -> tuple[Remark, ...]:
    """Say where values stop being numbers, where a score or a shown feature map is none.

    Parameters
    ----------
    subject, runs
        The model and the cases.
    layers
        Measures of the shown layers, case by case.

    Returns
    -------
    tuple of Remark
        One warning, or none.
    """
    scored = are_finite(runs)
    if scored and not any(layer.not_finite_channels for of_case in layers for layer in of_case):
        return ()
    origin = find_origin(subject.graph, np.stack([run.prepared for run in runs]))
    return () if origin is None else (_origin_remark(origin, [run.title for run in runs], scored=scored),)


def _origin_remark(origin: Origin, titles: Sequence[str], *, scored: bool) -> Remark:
    everywhere = len(origin.cases) == len(titles)
    where = (
        say("for every image")
        if everywhere
        else say("for {cases} only", cases=_listed([titles[number] for number in origin.cases]))
    )
    if not origin.layer:
        text = say(
            "The preprocessed image itself is not a number ({kind}) in places, {where}.", kind=origin.kind, where=where
        )
        meaning = say("Its preprocessing divides by next to nothing, or multiplies by far too much.")
    elif origin.weights:
        parts = [
            say(
                "{name}: {lost} of {count} {kind}",
                name=one.name,
                lost=grouped(one.lost),
                count=grouped(one.count),
                kind=one.kind,
            )
            for one in origin.weights
        ]
        text = say(
            "Weights of the layer {layer} are not numbers ({weights}), and so is what it gives, {where}.",
            layer=origin.layer, weights=_listed(parts), where=where,
        )  # fmt: skip
        meaning = say(
            "The file was damaged, or saved from a training that went astray: take one that was saved before."
        )
    else:
        within = (
            mark("; its own weights are numbers, and what goes into it lies within ±{value}")
            if origin.elsewhere
            else mark("; all weights are numbers, and what goes into it lies within ±{value}")
        )
        within = say(within, value=f"{origin.largest:.3g}")
        if origin.largest_weight:
            within += say(", its weights within ±{value}", value=f"{origin.largest_weight:.3g}")
        text = say(
            "{layer} is the first layer that gives values that are not numbers ({kind}), {where}{within}.",
            layer=origin.layer, kind=origin.kind, where=where, within=within,
        )  # fmt: skip
        if origin.elsewhere:
            text += " " + say("Weights of the layer {layer} are not numbers, either.", layer=origin.elsewhere)
        meaning = say(
            "Numbers grew too large there, or it divides by 0 or takes the root or logarithm of a negative number."
        )
    after = say("What comes out are numbers all the same.") if scored else say("Nothing after it can be believed.")
    text += f" {after}"
    numbers: dict[str, float] = {"cases": len(origin.cases), **{one.name: one.lost for one in origin.weights}}
    return Remark(
        section="model", kind="not_finite_origin", text=text, interpretation=meaning, numbers=numbers, warning=True
    )


def _lost_weights(layer: Any) -> Iterator[LostWeights]:
    for weight in _weights(layer):
        values = np.asarray(weight, np.float32)
        lost = values.size - int(np.isfinite(values).sum())
        if lost:
            name = str(getattr(weight, "path", weight.name))
            yield LostWeights(name.rpartition("/")[2], lost, values.size, _kind(values))


def _weights(layer: Any) -> Sequence[Any]:
    return getattr(layer, "weights", ())


def _cases_lost(values: NDArray[np.float32]) -> tuple[int, ...]:
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return tuple(np.flatnonzero(~finite).tolist())


def _kind(values: NDArray[np.float32]) -> str:
    known = (("NaN", np.isnan(values).any()), (say("infinite"), np.isinf(values).any()))
    kinds = [name for name, found in known if found]
    return say(" or ").join(kinds)


def _largest(values: NDArray[np.float32]) -> float:
    return float(np.abs(values).max(initial=0.0))


def _listed(parts: Sequence[str]) -> str:
    shown = [*parts[:_NAMED], *([say("{count} more", count=len(parts) - _NAMED)] if len(parts) > _NAMED else [])]
    return listed(shown)
