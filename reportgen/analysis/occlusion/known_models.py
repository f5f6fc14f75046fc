"""What is known of a model that was scanned before: its trace, its logits, its plans and compiled functions.

All of it is kept for as long as the model itself: tracing and compiling take longer than many a scan. A model that was
built anew since is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from reportgen.analysis.layer_graph import Graph, trace
from reportgen.analysis.logits import cut_before_activation
from reportgen.analysis.occlusion.full import compile_forward
from reportgen.analysis.occlusion.incremental import WindowProgram
from reportgen.analysis.occlusion.window_plan import Layout, Positions, lay_out

_MOST_PLANS = 8
_ACTIVATIONS = ("sigmoid", "softmax")


@dataclass
class KnownModel:
    """A traced model, with whatever of it was prepared so far.

    Attributes
    ----------
    graph
        The trace.
    """

    graph: Graph
    _output: Any = None
    _cuts: dict[str, Graph | None] = field(default_factory=dict)
    _plans: dict[object, Layout | None] = field(default_factory=dict)
    _programs: dict[object, WindowProgram] = field(default_factory=dict)
    _forwards: dict[object, Callable[[Any], Any]] = field(default_factory=dict)

    def logits(self, kind: str) -> Graph | None:
        """Return the model up to its logits, see :func:`cut_before_activation`; None for other outputs than scores."""
        if kind not in _ACTIVATIONS:
            return None
        if kind not in self._cuts:
            self._cuts[kind] = cut_before_activation(self.graph, kind)
        return self._cuts[kind]

    def plan(self, graph: Graph, positions: Sequence[Positions]) -> Layout | None:
        """Return the plan for all these positions, or None where none can be made."""
        key = (id(graph), tuple((tuple(rows), tuple(columns), patch) for rows, columns, patch in positions))
        if key not in self._plans:
            while len(self._plans) >= _MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            try:
                self._plans[key] = lay_out(graph, positions)
            except Exception:  # noqa: BLE001 - a model that windows can't be cut out of is run whole
                self._plans[key] = None
        return self._plans[key]

    def program(self, graph: Graph, layout: Layout) -> WindowProgram:
        """Return the compiled computation on windows."""
        key = (id(graph), layout.structure)
        if key not in self._programs:
            self._programs[key] = WindowProgram(graph, layout)
        return self._programs[key]

    def forward(self, model: Any, graph: Graph, shape: tuple[int, ...]) -> Callable[[Any], Any]:
        """Return the whole model, or the whole of another graph of it, as a function of a batch of this shape."""
        key = (id(graph), shape)
        if key not in self._forwards:
            self._forwards[key] = compile_forward(model, None if graph is self.graph else graph, shape)
        return self._forwards[key]


_KNOWN: WeakKeyDictionary[Any, KnownModel] = WeakKeyDictionary()


def known_model(model: Any) -> KnownModel:
    """Return what is known of a Keras model with one input and one output; a new one is traced."""
    output = model.outputs[0]
    found = _KNOWN.get(model)
    if found is None or found._output is not output:
        found = _KNOWN[model] = KnownModel(trace(model), output)
    return found
