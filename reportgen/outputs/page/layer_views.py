"""How layers stand in the page: each by itself, or gathered by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.report.blocks import shown_blocks
from reportgen.report.model import LayerSummary
from reportgen.report.remark import Comment, Remark
from reportgen.report.report import CaseReport, Report
from reportgen.report.traits import LayerTraits, correlation_of_means, traits_of


@dataclass(frozen=True)
class LayerView:
    """One layer's place in the page: its summary, and what belongs to it."""

    index: int
    name: str
    summary: LayerSummary
    remarks: tuple[Remark, ...]
    comments: tuple[Comment, ...]

    @property
    def anchor(self) -> str:
        """Fragment to link to."""
        return f"layer-{self.index + 1}"

    @property
    def field(self) -> tuple[int, ...]:
        """Start, step and size of the receptive field and size of the map, each (down, across); empty if unknown."""
        row = self.summary
        height, width = row.output_shape[1:3] if len(row.output_shape) == 4 else (None, None)
        if row.receptive_field is None or row.field_start is None or row.field_step is None or not height or not width:
            return ()
        return (*row.field_start, *row.field_step, *row.receptive_field, height, width)


@dataclass(frozen=True)
class BlockView:
    """Shown layers of one block: the last one's maps stand for it, those of the others are folded."""

    main: LayerView
    folded: tuple[LayerView, ...] = ()

    @property
    def layers(self) -> tuple[LayerView, ...]:
        """All of them, in order of execution."""
        return tuple(sorted((*self.folded, self.main), key=lambda layer: layer.index))

    def unsaid(self, layer: LayerView) -> tuple[Remark, ...]:
        """Return what is said of a folded layer and of no layer whose maps stand above it."""
        said = {remark.kind for remark in self.main.remarks}
        return tuple(remark for remark in layer.remarks if remark.kind not in said)


@dataclass(frozen=True)
class LayerNumbers:
    """What was measured of a layer as a whole.

    Attributes
    ----------
    layer
        Its place in the page.
    cases
        (title, measures, correlation of the channels' means with those of the first case) of each case.
    """

    layer: LayerView
    cases: tuple[tuple[str, LayerTraits, float | None], ...]


def layer_numbers(layers: Sequence[LayerView], cases: Sequence[CaseReport]) -> tuple[LayerNumbers, ...]:
    """Return what was measured of layers as a whole, case by case."""
    found = []
    for layer in layers:
        measured = [case.layers[layer.index] for case in cases]
        alike = [None, *(correlation_of_means(measured[0], other) for other in measured[1:])]
        titles = [case.title for case in cases]
        found.append(LayerNumbers(layer, tuple(zip(titles, map(traits_of, measured), alike, strict=True))))
    return tuple(found)


def gather_layers(report: Report, layers: Sequence[LayerView]) -> tuple[BlockView, ...]:
    """Return the shown layers by block; each by itself where they were asked for by name.

    Parameters
    ----------
    report
        Tells the blocks and what was asked for.
    layers
        The shown ones, in order of execution.
    """
    asked = report.settings.get("layers")
    apart = isinstance(asked, dict) and bool(asked.get("show"))
    blocks = shown_blocks(report.model.layers, [layer.name for layer in layers], apart=apart)
    return tuple(BlockView(layers[places[-1]], tuple(layers[place] for place in places[:-1])) for places in blocks)
