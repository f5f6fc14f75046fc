"""The incremental engine: for each position only what the patch can change is computed again.

One clean forward pass keeps the feature maps that are needed. Then, for many positions at once, each layer reads a
window of its clean input, with the changed pixels laid into it, and the ordinary operation runs on that window. What
comes out is exact: every value is computed from the same numbers by the same operation as in a pass over the whole
image. Where windows no longer pay, they are laid into full maps and the rest of the model runs as it is.

After Nakandala, Kumar and Papakonstantinou, "Incremental and Approximate Inference for Faster Occlusion-based
Deep CNN Explanations", SIGMOD 2019 (doi:10.1145/3299869.3319874): the exact part of it alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.layer_graph import Graph, call_layer, compute_outputs
from reportgen.analysis.occlusion.layer_rules import Enlarge, Mean, Merge, Pointwise, Spatial, Spread
from reportgen.analysis.occlusion.window_plan import Layout, Step
from reportgen.models.formats.layer_names import is_plain_layer_name
from reportgen.models.formats.steady import is_steady

LARGEST_BATCH = 128
Array = NDArray[np.float32]
Corner = Sequence[Any]  # rows and columns, each (positions,)


class WindowProgram:
    """The computation on windows, compiled once: it serves windows of all sizes, all batches, fills and cases.

    Parameters
    ----------
    graph
        The traced model.
    layout
        A plan; any other of the same ``structure`` is served as well.
    """

    def __init__(self, graph: Graph, layout: Layout) -> None:
        import keras

        self.graph, self.steps, self.boundary = graph, layout.steps, layout.boundary
        self.count = len(layout.windows)
        self.needed = _clean_maps(graph, layout)
        starts = [tensor for tensor, _ in layout.boundary]
        whole = len(starts) == 1 and starts[0] is graph.output
        self.rest = None if whole else keras.Model(starts, graph.output)
        self.traced = 0
        self.run = self._compiled()

    def _compiled(self) -> Callable[..., Any]:
        """Return the walk as one compiled function for windows of all sizes, or as it is where it can't be compiled."""
        import tensorflow as tf

        image = tf.TensorSpec(self.graph.input.shape[1:], tf.float32)
        maps = [tf.TensorSpec(tensor.shape[1:], tf.float32) for tensor in self.needed]
        places = (tf.TensorSpec((self.count, 2, None), tf.int32), tf.TensorSpec((self.count, 2), tf.int32))
        names = (getattr(call.layer, "name", None) or "x" for call in self.graph.calls)
        if not all(map(is_plain_layer_name, names)) or any(is_steady(call.layer) for call in self.graph.calls):
            return self._walk
        compiled: Callable[..., Any] = tf.function(
            self._walk, input_signature=[image, image, maps, *places], autograph=False
        )
        try:
            compiled.get_concrete_function()  # type: ignore[attr-defined]
        except ValueError:
            # a layer whose name is none for TensorFlow, such as one with a space in it
            return self._walk
        return compiled

    def _walk(self, image: Any, fill: Any, maps: Sequence[Any], starts: Any, sizes: Any) -> Any:
        """Run all steps on the windows of a batch, then the rest of the model on full maps."""
        import tensorflow as tf

        self.traced += 1
        numbers = range(self.count)
        corners = [(starts[number, 0], starts[number, 1]) for number in numbers]
        sides = [(sizes[number, 0], sizes[number, 1]) for number in numbers]
        clean = {id(self.graph.input): image} | {id(t): one for t, one in zip(self.needed, maps, strict=True)}
        walk = _Walk(clean, corners, sides)
        walk.keep(self.graph.input, pick_windows(fill, corners[0], sides[0]), 0)
        for step in self.steps:
            walk.take(step)
        begun = []
        for tensor, number in self.boundary:
            if number is None:
                begun.append(walk.values[id(tensor)])
            else:
                nowhere = tf.zeros_like(corners[number][0])
                begun.append(walk.window(tensor, (nowhere, nowhere), [int(side) for side in tensor.shape[1:3]]))
        if self.rest is None:
            return begun[0]
        return self.rest(begun if len(begun) > 1 else begun[0], training=False)


class IncrementalEngine:
    """Scores positions of the patches by recomputing windows.

    Parameters
    ----------
    graph
        The traced model.
    layout
        The plan.
    memory
        Bytes that a batch may take.
    program
        The compiled computation, where there is one already.
    """

    def __init__(self, graph: Graph, layout: Layout, memory: int, program: WindowProgram | None = None) -> None:
        self.graph, self.layout = graph, layout
        self.program = program or WindowProgram(graph, layout)
        self.batch = _batch_size(graph, layout, memory)

    def scores(self, image: Array, fills: Sequence[Array], on_progress: Callable[[int], object]) -> list[Array]:
        """Return raw outputs of an image untouched, and with the patches at every position.

        Parameters
        ----------
        image, fills
            ``(H, W, C)``, preprocessed: the image, and what shows where it's covered.
        on_progress
            Told the number of positions done since it was last told.

        Returns
        -------
        list of ndarray
            For each fill ``(1 + positions, K)``; the first is of the untouched image.
        """
        import tensorflow as tf

        needed = self.program.needed
        maps = {id(one): value for one, value in compute_outputs(self.graph, image[None], [*needed, self.graph.output])}
        base, clean = maps[id(self.graph.output)], [maps[id(one)][0] for one in needed]
        del maps
        outputs = np.empty((len(fills), 1 + self.layout.positions, int(np.prod(base.shape[1:]))), np.float32)
        outputs[:, 0] = np.asarray(base, np.float32).reshape(-1)
        on_progress(1)
        under, over = tf.constant(image), [tf.constant(fill) for fill in fills]
        for group in self.layout.groups(self.batch):
            for first in range(0, len(group), self.batch):
                chosen = group[first : first + self.batch]
                places = [tf.constant(one) for one in self.layout.place(chosen)]
                for number, fill in enumerate(over):
                    found = self.program.run(under, fill, clean, *places)
                    outputs[number, 1 + chosen] = np.asarray(found, np.float32).reshape(len(chosen), -1)
                    on_progress(len(chosen))
        return list(outputs)


def pick_windows(
    clean: Any,
    corner: Corner,
    size: Sequence[Any],
    over: tuple[Any, Corner, Any] | None = None,
    pad: float | None = None,
) -> Any:
    """Return windows of a clean map, with changed windows laid over it.

    Parameters
    ----------
    clean
        ``(H, W, C)``.
    corner
        First row and first column of each window, ``(positions,)`` each; may lie outside.
    size
        Height and width of the windows.
    over
        Changed windows ``(positions, h, w, C)``, their corners, and their size; None: nothing changed.
    pad
        What stands outside of the map; None: no window reaches there.

    Returns
    -------
    tensor
        ``(positions, height, width, C)``.
    """
    import tensorflow as tf

    height, width, channels = clean.shape
    rows, columns = (tf.expand_dims(first, 1) + tf.range(side) for first, side in zip(corner, size, strict=True))
    table, index = [tf.reshape(clean, (-1, channels))], _grid(rows * width, columns)
    if over is not None:
        values, at, held = over
        down, across = rows - tf.expand_dims(at[0], 1), columns - tf.expand_dims(at[1], 1)
        position = tf.expand_dims(tf.range(tf.shape(rows)[0]), 1)
        own = height * width + _grid((position * held[0] + down) * held[1], across)
        index = tf.where(_both((down >= 0) & (down < held[0]), (across >= 0) & (across < held[1])), own, index)
        table.append(tf.reshape(values, (-1, channels)))
    if pad is not None:
        end = sum(tf.shape(part)[0] for part in table)
        index = tf.where(_both((rows >= 0) & (rows < height), (columns >= 0) & (columns < width)), index, end)
        table.append(tf.fill((1, channels), tf.constant(pad, clean.dtype)))
    return tf.gather(tf.concat(table, 0) if len(table) > 1 else table[0], index)


def _grid(rows: Any, columns: Any) -> Any:
    import tensorflow as tf

    return tf.expand_dims(rows, 2) + tf.expand_dims(columns, 1)


def _both(rows: Any, columns: Any) -> Any:
    import tensorflow as tf

    return tf.expand_dims(rows, 2) & tf.expand_dims(columns, 1)


class _Walk:
    """The windows of one batch, tensor by tensor, as the steps make them."""

    def __init__(self, clean: dict[int, Any], corners: Sequence[Corner], sizes: Sequence[Any]) -> None:
        self.clean, self.corners, self.sizes = clean, corners, sizes
        self.values: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}

    def keep(self, tensor: Any, values: Any, number: int) -> None:
        """Note the windows of a tensor."""
        self.values[id(tensor)], self.numbers[id(tensor)] = values, number

    def window(self, tensor: Any, corner: Corner, size: Sequence[Any], pad: float | None = None) -> Any:
        """Return other windows of a tensor: its clean map with its changed windows laid over it."""
        number = self.numbers[id(tensor)]
        over = (self.values[id(tensor)], self.corners[number], self.sizes[number])
        return pick_windows(self.clean[id(tensor)], corner, size, over, pad)

    def take(self, step: Step) -> None:
        """Do one step."""
        rule, call = step.rule, step.call
        if isinstance(rule, Spatial):
            made = self._spatial(step, rule)
        elif isinstance(rule, Pointwise):
            made = call_layer(call, self.values)
        elif isinstance(rule, Merge):
            made = self._merge(step)
        elif isinstance(rule, Enlarge):
            made = self._enlarge(step, rule)
        elif isinstance(rule, Spread):
            made = self._spread(step, rule)
        else:
            made = self._mean(step)
        self.keep(call.output, made, step.windows)

    def _spatial(self, step: Step, rule: Spatial) -> Any:
        import tensorflow as tf

        tensor, corner, size = step.call.inputs[0], self.corners[step.windows], self.sizes[step.windows]
        if step.fits:
            given = self.values[id(tensor)]
        else:
            first = [start * axis.stride - axis.padding for start, axis in zip(corner, rule.axes, strict=True)]
            sides = [axis.inputs(size[at]) for at, axis in enumerate(rule.axes)]
            pad = max(rule.padding_value, tf.float32.min) if any(axis.is_padded for axis in rule.axes) else None
            given = self.window(tensor, first, sides, pad)
        made = rule.compute(given)
        if rule.counts is not None:
            for at, shares in enumerate(rule.counts):
                factor = tf.gather(tf.constant(shares), tf.expand_dims(corner[at], 1) + tf.range(size[at]))
                made *= tf.reshape(factor, (-1, size[0], 1, 1) if at == 0 else (-1, 1, size[1], 1))
        return made

    def _merge(self, step: Step) -> Any:
        pairs = zip(step.call.inputs, step.sources, strict=True)
        corner, size = self.corners[step.windows], self.sizes[step.windows]
        return call_layer(
            step.call,
            {
                id(tensor): self.values[id(tensor)]
                if number == step.windows
                else self.window(tensor, corner, size, 0.0)
                for tensor, number in pairs
            },
        )

    def _enlarge(self, step: Step, rule: Enlarge) -> Any:
        import tensorflow as tf

        values = self.values[id(step.call.inputs[0])]
        return tf.repeat(tf.repeat(values, rule.factors[0], axis=1), rule.factors[1], axis=2)

    def _spread(self, step: Step, rule: Spread) -> Any:
        tensor, source = step.call.inputs[0], step.sources[0]
        corner = [start - axis.margin[0] for start, axis in zip(self.corners[source], rule.axes, strict=True)]
        sides = [self.sizes[source][at] + sum(axis.margin) for at, axis in enumerate(rule.axes)]
        made = rule.compute(self.window(tensor, corner, sides, 0.0))
        rows, columns = (axis.overlap for axis in rule.axes)
        height, width = self.sizes[step.windows][0], self.sizes[step.windows][1]
        return made[:, rows : rows + height, columns : columns + width]

    def _mean(self, step: Step) -> Any:
        import tensorflow as tf

        tensor, output = step.call.inputs[0], step.call.output
        clean = self.clean[id(tensor)]
        before = pick_windows(clean, self.corners[step.windows], self.sizes[step.windows])
        change = tf.reduce_sum(self.values[id(tensor)] - before, axis=(1, 2), keepdims=len(output.shape) == 4)
        return tf.expand_dims(self.clean[id(output)], 0) + change / (clean.shape[0] * clean.shape[1])


def _clean_maps(graph: Graph, layout: Layout) -> list[Any]:
    """Return the tensors whose clean maps are read: where windows are picked from, and what the rest starts from."""
    wanted = {
        id(tensor): tensor
        for step in layout.steps
        if not step.fits or isinstance(step.rule, Mean)
        for tensor in (*step.call.inputs, *([step.call.output] if isinstance(step.rule, Mean) else []))
    }
    wanted |= {id(tensor): tensor for tensor, number in layout.boundary if number is not None}
    wanted.pop(id(graph.input), None)
    return list(wanted.values())


def _batch_size(graph: Graph, layout: Layout, memory: int) -> int:
    """Return how many positions fit beside the clean maps: the largest step, or the rest of the model on full maps."""
    _, sizes = layout.place(np.arange(layout.positions))
    done = {id(step.call) for step in layout.steps}
    largest = 1
    for step in layout.steps:
        area = math.prod(int(side) + 2 for side in sizes[step.windows])
        channels = sum(int(tensor.shape[-1]) for tensor in (*step.call.inputs, step.call.output))
        largest = max(largest, 4 * 3 * area * channels)
    for call in graph.calls:
        if id(call) not in done:
            tensors = (*call.inputs, call.output)
            largest = max(largest, 4 * 2 * sum(math.prod(int(s or 1) for s in t.shape[1:]) for t in tensors))
    kept = sum(4 * math.prod(int(side) for side in tensor.shape[1:]) for tensor in _clean_maps(graph, layout))
    return int(min(max(1, (memory - 2 * kept) // largest), LARGEST_BATCH))
