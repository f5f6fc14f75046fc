"""The layers and channels of a report in a notebook; their activations are computed again when they're asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.outputs.notebook.html import ShownPicture, SmallView, render_view
from reportgen.outputs.notebook.tables import channel_rows, make_table
from reportgen.report.layer import LayerReport
from reportgen.report.picture import Picture
from reportgen.report.report import readable
from reportgen.system.errors import ReportgenError

if TYPE_CHECKING:
    from pandas import DataFrame

_CHANNEL_SIDE = 200
_SAME = 1e-4  # of a layer's largest value: what is above is no rounding


class MapSource(Protocol):
    """What computes feature maps again."""

    def maps(self, layer: str) -> NDArray[np.float32]:
        """Return the feature maps of a layer, ``(N, H, W, C)``, case by case."""

    def pictures(self, layer: str, channel: int) -> Sequence[tuple[Picture, Picture]]:
        """Return a channel as a picture on one scale for all cases, and the input that lies under it."""


@dataclass(frozen=True)
class LayerView:
    """A layer on all cases.

    Attributes
    ----------
    name
        Of the layer.
    reports
        What was measured of it, case by case.
    titles
        What the cases are called.
    pictures
        Its grid of channels, case by case.
    source
        Computes its activations.
    """

    name: str
    reports: tuple[LayerReport, ...]
    titles: tuple[str, ...]
    pictures: tuple[Picture | None, ...]
    source: MapSource

    @property
    def activations(self) -> NDArray[np.float32]:
        """The feature maps of all cases, ``(N, H, W, C)``, computed now.

        Raises
        ------
        ReportgenError
            When the model is no longer what it was when the report was made.
        """
        values = self.source.maps(self.name)
        for number, report in enumerate(self.reports):
            ends = np.array([report.minimum, report.maximum])
            now = np.array([values[number].min(), values[number].max()])
            if np.isfinite([*ends, *now]).all() and np.abs(ends - now).max() > _SAME * max(np.abs(ends).max(), 1e-30):
                raise ReportgenError(
                    f"{self.name} gives other values than when the report was made: the model has changed since",
                    "explain it again",
                )
        return values

    def channel(self, number: int) -> ChannelView:
        """Return one channel, counted from 0.

        Raises
        ------
        ReportgenError
            When there is none of that number.
        """
        if not 0 <= number < self.reports[0].channels:
            raise ReportgenError(
                f"{self.name} has no channel {number}", f"it has channels 0 to {self.reports[0].channels - 1}"
            )
        return ChannelView(self, number)

    def table(self) -> DataFrame:
        """Return what was measured of each channel on each case.

        Raises
        ------
        ReportgenError
            When pandas isn't installed.
        """
        return make_table(self._rows(range(self.reports[0].channels)))

    def _rows(self, channels: Sequence[int]) -> list[dict[str, object]]:
        pairs = zip(self.titles, self.reports, strict=True)
        return [row for title, report in pairs for row in channel_rows(title, report, channels)]

    def _repr_html_(self) -> str:
        first = self.reports[0]
        pairs = zip(self.titles, self.reports, strict=True)
        dead = "; ".join(f"{title}: {len(report.dead_channels)} dead" for title, report in pairs)
        shown = tuple(
            ShownPicture(picture=picture, caption=title)
            for title, picture in zip(self.titles, self.pictures, strict=True)
            if picture
        )
        lines = (f"{first.channels} channels of {first.height} × {first.width}; {dead}",)
        return render_view(SmallView(title=self.name, lines=lines, pictures=shown))

    def __repr__(self) -> str:
        first = self.reports[0]
        return f"<layer {self.name!r}: {first.channels} channels of {first.height} × {first.width}>"


@dataclass(frozen=True)
class ChannelView:
    """One channel of a layer on all cases."""

    layer: LayerView
    number: int

    @property
    def activations(self) -> NDArray[np.float32]:
        """Its maps, ``(N, H, W)``, computed now; raises as the layer's do."""
        return self.layer.activations[..., self.number]

    def table(self) -> DataFrame:
        """Return what was measured of it on each case.

        Raises
        ------
        ReportgenError
            When pandas isn't installed.
        """
        return make_table(self.layer._rows([self.number]))

    def _repr_html_(self) -> str:
        layer, number = self.layer, self.number
        # raises where the model has changed: numbers beside a picture of something else would be wrong
        _ = layer.activations
        told = [(report.statistics.minimum[number], report.statistics.maximum[number]) for report in layer.reports]
        shown = tuple(
            ShownPicture(
                picture=picture, caption=f"{title}: {readable(low)} to {readable(high)}", backdrop=under,
                side=_CHANNEL_SIDE,
            )
            for title, (low, high), (picture, under) in zip(
                layer.titles, told, layer.source.pictures(layer.name, number), strict=True
            )
        )  # fmt: skip
        return render_view(SmallView(title=f"{layer.name}, channel {number}", pictures=shown))

    def __repr__(self) -> str:
        return f"<channel {self.number} of {self.layer.name!r}>"


class LayerViews(Mapping[str, LayerView]):
    """The shown layers by name, in the order of the model."""

    def __init__(self, views: Sequence[LayerView]) -> None:
        self._views = {view.name: view for view in views}

    def __getitem__(self, name: str) -> LayerView:
        if name not in self._views:
            near = difflib.get_close_matches(str(name), list(self._views), n=1) or list(self._views)[:1]
            advice = f"did you mean '{near[0]}'?" if near else "explain with layers"
            raise ReportgenError(f"the report shows no layer '{name}'", advice)
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def table(self) -> DataFrame:
        """Return each layer with its size, its range and its dead channels on each case.

        Raises
        ------
        ReportgenError
            When pandas isn't installed.
        """
        return make_table(
            [
                {
                    "layer": view.name, "case": title, "channels": one.channels, "height": one.height,
                    "width": one.width, "minimum": one.minimum, "maximum": one.maximum, "dead": len(one.dead_channels),
                }
                for view in self._views.values()
                for title, one in zip(view.titles, view.reports, strict=True)
            ]
        )  # fmt: skip

    def _repr_html_(self) -> str:
        rows = tuple(
            (view.name, str(one.channels), f"{one.height} × {one.width}", ", ".join(
                str(len(report.dead_channels)) for report in view.reports
            ))
            for view in self._views.values()
            for one in view.reports[:1]
        )  # fmt: skip
        return render_view(
            SmallView(title="Layers", header=("layer", "channels", "size", "dead, case by case"), rows=rows)
        )

    def __repr__(self) -> str:
        return f"<layers {', '.join(self._views)}>"
