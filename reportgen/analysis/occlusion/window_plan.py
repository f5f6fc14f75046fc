"""The plan of an incremental scan: which layers are run on windows, which windows, and from where on full maps.

A *window tensor* is a tensor of which only a rectangle can differ from the clean one. For every position of the patch
the rectangle is known beforehand (:mod:`.regions`), so everything is laid out before anything runs. Positions whose
rectangles are of like size go together: their windows get one size, wherever they stand.

Where windows no longer pay, all of the rest runs on full maps. Where that is follows from an estimate: multiply-adds,
and bytes at a price in multiply-adds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, LayerCall
from reportgen.analysis.occlusion.layer_rules import (
    Enlarge,
    Mean,
    Merge,
    Pointwise,
    Rule,
    Spatial,
    Spread,
    multiply_adds,
    rule_for,
)
from reportgen.analysis.occlusion.regions import Axis, TransposedAxis, Whole, place_windows

# prices of a byte in multiply-adds: written and read again by an operation, and picked from here and there
STREAMED, PICKED = 8.0, 10.0
WORTH = 1.1  # how much cheaper windows must be than full maps
_LARGE, _MIDDLE = 0.99, 0.7
_FEW = 4  # batches
Positions = tuple[Sequence[int], Sequence[int], tuple[int, int]]
Follow = Callable[[Whole, int, int], tuple[Whole, int]]


@dataclass(frozen=True)
class Windows:
    """Where one tensor's windows stand.

    Attributes
    ----------
    number
        Of these windows in the layout.
    low, high
        ``(positions, 2)``: what can differ, in rows and columns, half open.
    side
        (height, width) of the tensor.
    multiple
        Windows begin at multiples of it, so that a pooling layer after them needs nothing else.
    source, follow
        For windows that follow from others: the number of those, and (start, size) from theirs along an axis.
    inside
        Whether no window reaches out of the tensor.
    """

    number: int
    low: Whole
    high: Whole
    side: tuple[int, int]
    multiple: tuple[int, int] = (1, 1)
    source: int | None = None
    follow: Follow | None = None
    inside: bool = True

    def placed(self, chosen: NDArray[np.intp], axis: int) -> tuple[Whole, int]:
        """Return starts and size for some positions, along an axis."""
        return place_windows(self.low[chosen, axis], self.high[chosen, axis], self.side[axis], self.multiple[axis])


@dataclass(frozen=True)
class Step:
    """One layer call on windows.

    Attributes
    ----------
    call, rule
        The layer call, and what it does with windows.
    windows
        Number of the windows of its output.
    sources
        Numbers of the windows of its inputs.
    fits
        Whether its input's windows are just what it needs.
    """

    call: LayerCall
    rule: Rule
    windows: int
    sources: tuple[int, ...]
    fits: bool


@dataclass(frozen=True)
class Layout:
    """The whole plan.

    Attributes
    ----------
    windows
        The first are those of the patch itself.
    steps
        What runs on windows, in order.
    boundary
        Tensors that the rest of the model starts from, each with the number of its windows (None: it's whole already).
    cost, full_cost
        Estimates for one position, in multiply-adds with bytes priced as such.
    exact_work, inner_work, full_work
        Multiply-adds alone, if each layer computed just what can change: the mean over the positions, and at a position
        far from the borders, where most can; and on full maps.
    """

    windows: tuple[Windows, ...]
    steps: tuple[Step, ...]
    boundary: tuple[tuple[Any, int | None], ...]
    cost: float
    full_cost: float
    exact_work: float
    inner_work: float
    full_work: float

    @property
    def positions(self) -> int:
        """Number of positions of the patch."""
        return len(self.windows[0].low)

    @property
    def bound(self) -> float:
        """How many times faster windows could be if nothing but multiply-adds took time."""
        return self.full_work / max(self.exact_work, 1.0)

    @property
    def inner_bound(self) -> float:
        """The same for a position far from the borders, as the literature counts it."""
        return self.full_work / max(self.inner_work, 1.0)

    @property
    def pays(self) -> bool:
        """Whether windows are worth it."""
        return bool(self.steps) and self.full_cost > WORTH * self.cost

    def place(self, chosen: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return where some positions' windows begin, ``(windows, 2, positions)``, and their sizes ``(windows, 2)``."""
        return _place(self.windows, chosen)

    @property
    def structure(self) -> tuple[object, ...]:
        """What the computation is made of, but for where windows stand: plans that agree in it share one function."""
        steps = tuple((id(step.call), step.windows, step.sources, step.fits) for step in self.steps)
        return len(self.windows), steps, tuple((id(tensor), number) for tensor, number in self.boundary)

    def groups(self, batch: int) -> list[NDArray[np.intp]]:
        """Return the positions in groups of like windows: by patch, then large, middle and small ones along each axis.

        A call of its own for each group costs more than windows of one size where there are but few batches in all.
        """
        return [part for chosen in _by_patch(self.windows[0]) for part in self._alike(chosen, batch)]

    def _alike(self, chosen: NDArray[np.intp], batch: int) -> list[NDArray[np.intp]]:
        if len(chosen) < _FEW * batch:
            return [chosen]
        classes = []
        for axis in (0, 1):
            last = self.windows[-1]
            sizes = np.maximum(last.high - last.low, 0)[chosen, axis]
            share = sizes / max(1, sizes.max())
            classes.append(np.where(share >= _LARGE, 0, np.where(share >= _MIDDLE, 1, 2)))
        key = classes[0] * 3 + classes[1]
        return [chosen[np.flatnonzero(key == one)] for one in np.unique(key)]


def lay_out(graph: Graph, positions: Sequence[Positions], *, furthest: bool = False) -> Layout:
    """Plan the scans with one patch or several: one plan for all.

    Parameters
    ----------
    graph
        The traced model, with a fixed input size.
    positions
        For each patch the rows and the columns where it begins, in pixels of the input, and its (height, width).
    furthest
        Whether windows are used as far as there are rules, whatever the estimate says.
    """
    low, high = [], []
    for rows, columns, patch in positions:
        low.append(np.stack([np.repeat(rows, len(columns)), np.tile(columns, len(rows))], axis=1).astype(np.int64))
        high.append(low[-1] + np.asarray(patch))
    planner = _Planner(graph, np.concatenate(low), np.concatenate(high))
    steps = [planner.step(call) for call in graph.calls]
    return planner.layout(steps, furthest=furthest)


def _by_patch(patches: Windows) -> list[NDArray[np.intp]]:
    """Return the positions of each patch."""
    sizes = patches.high - patches.low
    _, first, number = np.unique(sizes, axis=0, return_index=True, return_inverse=True)
    return [np.flatnonzero(number.reshape(-1) == one) for one in np.argsort(first)]


def _place(windows: Sequence[Windows], chosen: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    starts = np.empty((len(windows), 2, len(chosen)), np.int32)
    sizes = np.empty((len(windows), 2), np.int32)
    for one in windows:
        for axis in (0, 1):
            if one.source is None or one.follow is None:
                start, size = one.placed(chosen, axis)
            else:
                start, size = one.follow(starts[one.source, axis].astype(np.int64), int(sizes[one.source, axis]), axis)
            starts[one.number, axis], sizes[one.number, axis] = start, size
    return starts, sizes


class _Planner:
    def __init__(self, graph: Graph, low: Whole, high: Whole) -> None:
        self.graph = graph
        self.windows = [Windows(0, low, high, _side(graph.input))]
        self.number_of = {id(graph.input): 0}
        self.rules = {id(call): rule_for(call) for call in graph.calls}
        self.consumers: dict[int, list[LayerCall]] = {}
        for call in graph.calls:
            for tensor in call.inputs:
                self.consumers.setdefault(id(tensor), []).append(call)

    def step(self, call: LayerCall) -> Step | None:
        """Return the step for a call whose inputs all have windows, or None."""
        rule = self.rules[id(call)]
        sources = [self.number_of.get(id(tensor)) for tensor in call.inputs]
        if rule is None or not sources or None in sources:
            return None
        numbers = tuple(number for number in sources if number is not None)
        before = [self.windows[number] for number in numbers]
        if isinstance(rule, Mean) and not before[0].inside:
            return None
        if isinstance(rule, Pointwise | Mean):
            number, fits = numbers[0], True
        elif isinstance(rule, Spatial):
            number, fits = self._spatial(call, rule, before[0])
        elif isinstance(rule, Merge):
            number, fits = self._merged(call, before), False
        elif isinstance(rule, Enlarge):
            number, fits = self._enlarged(call, rule, before[0]), True
        else:
            number, fits = self._spread(call, rule, before[0]), False
        if not isinstance(rule, Mean):
            self.number_of[id(call.output)] = number
        return Step(call, rule, number, numbers, fits)

    def _add(self, low: Whole, high: Whole, side: tuple[int, int], **more: Any) -> int:
        self.windows.append(Windows(len(self.windows), low, np.maximum(high, low), side, **more))
        return len(self.windows) - 1

    def _spatial(self, call: LayerCall, rule: Spatial, before: Windows) -> tuple[int, bool]:
        low, high = _reached(rule.axes, before)
        multiple = before.multiple
        if rule.is_simple_pooling and multiple == tuple(axis.stride for axis in rule.axes):

            def follow(start: Whole, size: int, axis: int) -> tuple[Whole, int]:
                return start // multiple[axis], size // multiple[axis]

            number = self._add(low, high, _side(call.output), source=before.number, follow=follow, inside=before.inside)
            return number, True
        return self._add(low, high, _side(call.output), multiple=self._multiple(call.output)), False

    def _merged(self, call: LayerCall, before: Sequence[Windows]) -> int:
        low = np.minimum.reduce([one.low for one in before])
        high = np.maximum.reduce([one.high for one in before])
        multiple = self._multiple(call.output)
        for one in before:
            if (one.low <= low).all() and (one.high >= high).all() and multiple in ((1, 1), one.multiple):
                return one.number
        return self._add(low, high, _side(call.output), multiple=multiple)

    def _enlarged(self, call: LayerCall, rule: Enlarge, before: Windows) -> int:
        factors = rule.factors

        def follow(start: Whole, size: int, axis: int) -> tuple[Whole, int]:
            return start * factors[axis], size * factors[axis]

        low, high = before.low * np.asarray(factors), before.high * np.asarray(factors)
        return self._add(low, high, _side(call.output), source=before.number, follow=follow, inside=before.inside)

    def _spread(self, call: LayerCall, rule: Spread, before: Windows) -> int:
        low, high = _reached(rule.axes, before)

        def follow(start: Whole, size: int, axis: int) -> tuple[Whole, int]:
            return rule.axes[axis].given(start, size)

        return self._add(low, high, _side(call.output), source=before.number, follow=follow, inside=False)

    def _multiple(self, tensor: Any) -> tuple[int, int]:
        """Return what windows should begin at multiples of: the stride of a pooling layer that alone comes next."""
        following = self.consumers.get(id(tensor), [])
        if len(following) != 1:
            return 1, 1
        rule = self.rules[id(following[0])]
        if isinstance(rule, Pointwise):
            return self._multiple(following[0].output)
        if isinstance(rule, Spatial) and rule.is_simple_pooling:
            return rule.axes[0].stride, rule.axes[1].stride
        return 1, 1

    def layout(self, steps: Sequence[Step | None], *, furthest: bool) -> Layout:
        """Choose where windows end, by the estimate, and return the plan."""
        calls = self.graph.calls
        whole = np.array([_full_cost(call, self.rules[id(call)]) for call in calls])
        # windows of one batch have one size, which each patch has its own of
        patches = _by_patch(self.windows[0])
        by_patch = [self._small_costs(steps, whole, chosen) for chosen in patches]
        small = np.average(by_patch, axis=0, weights=[len(chosen) for chosen in patches])
        costs = [
            small[:cut, 1].sum() + whole[cut:, 1].sum() + self._pasting(steps[:cut]) for cut in range(len(calls) + 1)
        ]
        cut = len(calls) if furthest else int(np.argmin(costs))
        chosen = [step for step in steps[:cut] if step]
        exact, inner = (
            sum(self._exact_work(step, work, of) for step, work in zip(steps, whole[:, 0], strict=True))
            for of in (np.mean, np.max)
        )
        boundary = tuple(self._boundary(steps[:cut]))
        return Layout(
            tuple(self.windows), tuple(chosen), boundary, costs[cut], whole[:, 1].sum(), exact, inner, whole[:, 0].sum()
        )

    def _small_costs(
        self, steps: Sequence[Step | None], whole: NDArray[np.float64], chosen: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        _, sizes = _place(self.windows, chosen)
        pairs = zip(steps, whole, strict=True)
        return np.array([_window_cost(step, sizes) if step else tuple(cost) for step, cost in pairs])

    def _boundary(self, steps: Sequence[Step | None]) -> list[tuple[Any, int | None]]:
        """Return the tensors that what is not among the steps starts from."""
        done = {id(step.call) for step in steps if step}
        made = {id(step.call.output): None if isinstance(step.rule, Mean) else step.windows for step in steps if step}
        made[id(self.graph.input)] = 0
        asked = [tensor for call in self.graph.calls if id(call) not in done for tensor in call.inputs]
        unique = {id(tensor): tensor for tensor in [*asked, self.graph.output] if id(tensor) in made}
        return [(tensor, made[key]) for key, tensor in unique.items()]

    def _exact_work(self, step: Step | None, whole: float, of: Callable[[Whole], Any]) -> float:
        """Return the multiply-adds of what can change, the mean over the positions or the most."""
        if step is None or isinstance(step.rule, Mean):
            return whole
        reach = self.windows[step.windows]
        area = of(np.prod(np.maximum(reach.high - reach.low, 0), axis=1))
        return min(whole, float(getattr(step.rule, "work", 0.0) * area))

    def _pasting(self, steps: Sequence[Step | None]) -> float:
        return sum(
            (STREAMED + PICKED) * _bytes(tensor) for tensor, number in self._boundary(steps) if number is not None
        )


def _reached(axes: Sequence[Any], before: Windows) -> tuple[Whole, Whole]:
    reached = [axis.reached(before.low[:, at], before.high[:, at]) for at, axis in enumerate(axes)]
    return np.stack([low for low, _ in reached], axis=1), np.stack([high for _, high in reached], axis=1)


def _side(tensor: Any) -> tuple[int, int]:
    return int(tensor.shape[1]), int(tensor.shape[2])


def _bytes(tensor: Any) -> int:
    return 4 * math.prod(int(side or 1) for side in tensor.shape[1:])


def _full_cost(call: LayerCall, rule: Rule | None) -> tuple[float, float]:
    """Return (multiply-adds, cost) of a call on full maps."""
    work = multiply_adds(call, rule)
    return work, work + STREAMED / 2 * (_bytes(call.output) + sum(_bytes(tensor) for tensor in call.inputs))


def _window_cost(step: Step, sizes: NDArray[np.int32]) -> tuple[float, float]:
    """Return (multiply-adds, cost) of a step for one position."""
    height, width = (int(size) for size in sizes[step.windows])
    work = getattr(step.rule, "work", 0.0) * height * width
    written = 0 if isinstance(step.rule, Mean) else height * width * int(step.call.output.shape[-1])
    return work, work + 4 * (STREAMED * written + PICKED * _values_picked(step, height, width))


def _values_picked(step: Step, height: int, width: int) -> int:
    """Return how many values are picked from clean maps and windows to make a step's input."""
    channels = int(step.call.inputs[0].shape[-1])
    if isinstance(step.rule, Mean):
        return 2 * height * width * channels
    if isinstance(step.rule, Merge):
        pairs = zip(step.call.inputs, step.sources, strict=True)
        return height * width * sum(int(tensor.shape[-1]) for tensor, number in pairs if number != step.windows)
    if isinstance(step.rule, Spatial | Spread) and not step.fits:
        axes: Sequence[Axis | TransposedAxis] = step.rule.axes
        return axes[0].inputs(height) * axes[1].inputs(width) * channels
    return 0
