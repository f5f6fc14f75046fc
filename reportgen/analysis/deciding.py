"""Channels that decide: each is set to its mean over the image, and what follows the layer is computed again.

A channel that is set to its mean says the same everywhere: what it told of places is gone, while the layers behind it
get numbers of a size that they know. Where that changes nothing, since only the mean is used (global pooling), channels
are set to 0. Layers with many channels are screened first: the gradient of the evidence times
what removal changes is the first order of its effect (Molchanov et al., "Pruning Convolutional Neural Networks for
Resource Efficient Inference", ICLR 2017, arXiv:1611.06440), and only the channels with the largest are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.covered import Passes, make_passes
from reportgen.analysis.layer_graph import Graph, LayerCall, compute_outputs
from reportgen.analysis.occlusion.engines import differs
from reportgen.analysis.remarks.words import listed
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.analysis.tails import Tail, tail_after, values_of
from reportgen.report.deciding import GRADIENT, MEAN, SPREAD, ZERO, DecidingChannels, RemovedChannel
from reportgen.report.evidence import name_followed
from reportgen.report.remark import Remark
from reportgen.report.report import CaseReport
from reportgen.system.language import say, say_count

Values = NDArray[np.float64]
_NAMED = 4  # layers or cases in a sentence
SHOWN = 5
_NAMED = 4  # layers or cases in a sentence
ALL = 512  # channels of all layers together: so many are removed without screening
SCREENED = 16  # of a layer
_NEAR_THE_END = 12  # calls
# what works on each channel by itself, so that its channels are those of the layer before it
_CHANNELWISE = (
    "MaxPooling2D", "AveragePooling2D", "BatchNormalization", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU",
    "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    "Identity", "ZeroPadding2D", "Cropping2D", "UpSampling2D", "Rescaling",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What was found of one shown layer: for each case its channels, or in which other shown layer they stand."""

    channels: tuple[DecidingChannels | None, ...]
    at: str = ""


def find_deciding(
    subject: Subject, runs: Runs, memory: int, advance: Callable[[int], object], *, most: int = ALL
) -> list[Found]:
    """Find the channels of each shown layer whose removal moves the evidence for each case's first target most.

    Parameters
    ----------
    subject, runs
        The model, and the cases whose scores are numbers.
    memory
        Bytes that a batch may take.
    advance
        Told the number of layers done.
    most
        How many channels there may be in all layers for each to be removed; of more, the best of each layer are.

    Returns
    -------
    list of Found
        In the order of the shown layers.
    """
    passes = make_passes(subject, runs, memory)
    at = repeated_in(passes.graph, subject.layers)
    own = [call for call in subject.layers if call.path not in at]
    screened = sum((call.map_shape or (0, 0, 0))[2] for call in own) > most
    whole = passes.run([run.prepared for run in runs])
    slopes = [_slopes(passes, run, own) if screened else {} for run in runs]
    found = []
    for call in subject.layers:
        tail = None if call.path in at else tail_after(passes.graph, call.output)
        of_cases: list[DecidingChannels | None] = [None] * len(runs)
        if tail is not None:
            work = _Layer(call, tail, passes, memory // 4)
            of_cases = [work.measure(*case, screened) for case in zip(runs, whole, slopes, strict=True)]
        found.append(Found(tuple(of_cases), at.get(call.path, "")))
        advance(1)
    return found


def repeated_in(graph: Graph, layers: Sequence[LayerCall]) -> dict[str, str]:
    """Return for each shown layer whose channels go into a later one as they are, unmixed: the last such, by path."""
    users: dict[int, list[LayerCall]] = {}
    for call in graph.calls:
        for tensor in call.inputs:
            users.setdefault(id(tensor), []).append(call)
    shown, found = {call.path for call in layers}, {}
    for layer in layers:
        at = layer
        while len(after := users.get(id(at.output), [])) == 1 and type(after[0].layer).__name__ in _CHANNELWISE:
            at = after[0]
            if getattr(getattr(at.layer, "activation", None), "__name__", "") == "softmax":
                break
            if at.path in shown and at.map_shape is not None:
                found[layer.path] = at.path
    return found


def _slopes(passes: Passes, run: CaseRun, layers: Sequence[LayerCall]) -> dict[str, NDArray[np.float32] | None]:
    """Return for each layer the gradient of the evidence in its output; None where there is none."""
    import tensorflow as tf

    wanted = [call.output for call in layers if call.output is not passes.graph.output]
    held: dict[int, Any] = {}
    with tf.GradientTape() as tape:
        for tensor, value in compute_outputs(passes.graph, run.prepared[None], [*wanted, passes.graph.output]):
            tape.watch(value)
            held[id(tensor)] = value
    end = held[id(passes.graph.output)]
    raw = np.asarray(end, np.float32)
    rise = passes.readout.slopes(raw.reshape(1, -1), run.targets[0]).reshape(raw.shape)
    known = [tensor for tensor in wanted if id(tensor) in held]
    try:
        found = tape.gradient(end, [held[id(one)] for one in known], output_gradients=tf.constant(rise, end.dtype))
    except LookupError:  # an operation on the way has no gradient
        found = [None] * len(known)
    gradients = {
        id(one): None if of is None else np.asarray(of, np.float32) for one, of in zip(known, found, strict=True)
    }
    return {call.path: gradients.get(id(call.output)) for call in layers}


@dataclass(frozen=True)
class _Layer:
    """One layer, of which channels can be removed."""

    call: LayerCall
    tail: Tail
    passes: Passes
    memory: int

    def measure(
        self,
        run: CaseRun,
        whole: NDArray[np.float32],
        slopes: dict[str, NDArray[np.float32] | None],
        screened: bool,
    ) -> DecidingChannels | None:
        """Remove channels on one case; None where what follows the layer can't be run by itself."""
        tensors = [self.tail.start, *self.tail.sides]
        values, *sides = values_of(self.passes.graph, run.prepared[None], tensors)
        maps = np.asarray(values, np.float32)[0]
        maps = np.moveaxis(maps, 0, 2) if self.call.channels_first else maps
        gradient = slopes.get(self.call.path)
        if gradient is not None:
            gradient = np.moveaxis(gradient[0], 0, 2) if self.call.channels_first else gradient[0]
        means = maps.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        activity = np.abs(maps).mean(axis=(0, 1), dtype=np.float64)
        active = np.argsort(-activity, kind="stable")[:SHOWN]
        found: DecidingChannels | None = None
        for level, name in ((means, MEAN), (np.zeros_like(means), ZERO)):
            chosen, how = np.arange(len(means)), ""
            if screened and len(means) > SCREENED:
                how = SPREAD if gradient is None else GRADIENT
                first = np.abs(maps - level) if gradient is None else gradient * (maps - level)
                order = np.argsort(-np.abs(first.sum(axis=(0, 1), dtype=np.float64)), kind="stable")
                chosen = np.unique([*order[:SCREENED], *active])
            raw = self._run(maps, level, [-1, *chosen.tolist()], sides)
            # what follows must give the same as the whole model, or it tells nothing of it
            if differs(raw[0], whole) or not np.isfinite(raw).all():
                return None
            evidence = self.passes.readout.evidence(raw)[:, run.targets[0]]
            removed = _removed(chosen.tolist(), evidence, activity)
            tried = self._told(run.targets[0], float(evidence[0]), removed, active.tolist(), how, name)
            if tried.decides or found is None:
                found = tried
            # a mean that changes nothing is the mean of what is pooled next: not far from the end
            if found.decides or len(self.tail.calls) > _NEAR_THE_END:
                break
        return found

    def _told(
        self, target: int, base: float, removed: dict[int, RemovedChannel], active: Sequence[int], how: str, level: str
    ) -> DecidingChannels:
        order = sorted(removed, key=lambda one: (-abs(removed[one].effect), one))
        readout = self.passes.readout
        return DecidingChannels(
            target_class=readout.head.class_names[target],
            unit=readout.unit,
            base_evidence=base,
            strongest=tuple(removed[one] for one in order[:SHOWN]),
            active=tuple(removed[one] for one in active),
            removed=len(removed),
            set_to=level,
            screened=how,
        )

    def _run(
        self, maps: NDArray[np.float32], level: NDArray[np.float32], channels: Sequence[int], sides: Sequence[Any]
    ) -> NDArray[np.float32]:
        """Return raw outputs ``(N, K)``, each with one channel removed; below 0: none."""
        size, found = self.tail.batch_size(self.memory), []
        for start in range(0, len(channels), size):
            part = channels[start : start + size]
            batch = np.repeat(maps[None], len(part), axis=0)
            for row, channel in zip(batch, part, strict=True):
                if channel >= 0:
                    row[..., channel] = level[channel]
            found.append(self.tail.run(np.moveaxis(batch, 3, 1) if self.call.channels_first else batch, sides))
        return np.concatenate(found)


def _removed(channels: Sequence[int], evidence: Values, activity: Values) -> dict[int, RemovedChannel]:
    """Return channels by number; the first evidence is that of the untouched image."""
    effects = (evidence[0] - evidence[1:]).tolist()
    return {
        one: RemovedChannel(channel=one, effect=effect, activity=float(activity[one]))
        for one, effect in zip(channels, effects, strict=True)
    }


def deciding_remarks(cases: Sequence[CaseReport]) -> tuple[Remark, ...]:
    """Say in which layers the channel that decides most is none of the most active ones, of all cases at once."""
    hidden: dict[str, list[str]] = {}
    layers, unmoved, tried = 0, [], []
    for case in cases:
        of_case = [(layer.name, layer.deciding) for layer in case.layers if layer.deciding and layer.channels > SHOWN]
        known = [(name, found) for name, found in of_case if found.decides]
        if of_case:
            tried.append(name_followed(of_case[0][1].target_class, in_bits=of_case[0][1].in_bits))
        if of_case and not known:
            unmoved.append(case.title)
        layers = max(layers, len(known))
        for name, found in known:
            if found.strongest[0].channel not in {one.channel for one in found.active}:
                hidden.setdefault(name, []).append(case.title)
    if not tried:
        return ()
    target = tried[0] if len(set(tried)) == 1 else say("the evidence")
    remarks = []
    if unmoved:
        text = say("In no layer does removing a single channel move {what} by more than rounding.", what=target)
        if len(cases) > 1:
            text = (
                say(
                    "On {cases}, in no layer does removing a single channel move {what} by more than rounding.",
                    cases=listed(unmoved),
                    what=target,
                )
                if len(unmoved) <= _NAMED
                else say(
                    "On some cases, in no layer does removing a single channel move {what} by more than rounding.",
                    what=target,
                )
            )
        remarks.append(
            Remark(section="layers", kind="unmoved", text=text, numbers={"cases": len(unmoved)}, proof="layer-numbers")
        )
    if hidden:
        where = [name if len(of) == len(cases) else f"{name} ({_told(of)})" for name, of in hidden.items()]
        more = [say("{count} more", count=len(where) - _NAMED)] if len(where) > _NAMED else []
        text = say(
            "In {layers}, the channel whose removal moves {what} most is none of the {count} most active.",
            layers=listed([*where[:_NAMED], *more]), what=target, count=SHOWN,
        )  # fmt: skip
        remarks.append(
            Remark(
                section="layers", kind="deciding", text=text, numbers={"layers": layers, "differ": len(hidden)},
                interpretation=say("What is bright in a feature map need not be what the model relies on."),
                proof="layer-numbers",
            )
        )  # fmt: skip
    return tuple(remarks)


def _told(titles: Sequence[str]) -> str:
    return listed(titles) if len(titles) <= _NAMED else say_count("{count} case", "{count} cases", len(titles))
