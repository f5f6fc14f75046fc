"""Which pictures a cohort has, and the cases that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.gather import Group
from reportgen.analysis.cohort.look import Looked, Seen
from reportgen.analysis.cohort.places import embed_with_umap
from reportgen.analysis.cohort.summaries import mean_maps
from reportgen.analysis.predictions import Head
from reportgen.figures.cohort import (
    GroupMap,
    channels_chart,
    difference_chart,
    effects_chart,
    maps_chart,
    small_picture,
)
from reportgen.figures.evaluation import roc_picture
from reportgen.report.cohort_cases import CaseMap, Example, MapPoint
from reportgen.report.cohort_channels import Contrast, SeparatingChannel
from reportgen.report.evaluation import ClassMeasures
from reportgen.report.evidence import BITS, OUTPUT
from reportgen.report.picture import Picture
from reportgen.settings.cohort import UMAP
from reportgen.system.language import say

MOST_EFFECT_CHARTS = 6
Values = NDArray[np.float64]


@dataclass
class Examples:
    """Cases as the page shows them, each with one picture, however often it's shown."""

    _pictures: dict[str, Picture] = field(default_factory=dict)

    def show(self, seen: Seen, value: float) -> Example:
        """Return a case as an example of a value."""
        name = ""
        if seen.thumbnail is not None:
            name = f"case-{seen.item}-{seen.case}"
            if name not in self._pictures:
                self._pictures[name] = small_picture(
                    name, say("{name}, the image small.", name=seen.name), seen.thumbnail
                )
        return Example(
            item=seen.item, case=seen.case, name=seen.name, group=seen.group, label=seen.label, said=seen.said,
            score=seen.score, value=value, picture=name,
        )  # fmt: skip

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures of cases."""
        return tuple(self._pictures.values())


def make_case_map(
    method: str, looked: Looked, names: Sequence[str], groups: Mapping[str, Group], examples: Examples
) -> CaseMap | None:
    """Return all cases in two dimensions; None where features tell nothing."""
    if looked.directions is None:
        return None
    places = embed_with_umap(names, groups) if method == UMAP else None
    pictured = {seen.key: seen for seen in looked.pictured}
    points = []
    for seen, place in looked.points:
        if places is not None and seen.key not in places:
            continue
        x, y = place if places is None else places[seen.key]
        points.append(MapPoint(x=x, y=y, example=examples.show(pictured.get(seen.key, seen), 0.0)))
    explained = () if places is not None else tuple(looked.directions.explained[:2].tolist())
    return CaseMap(
        method=method.upper(), layer=looked.features_layer, features=len(looked.directions.middle),
        explained=explained, points=tuple(points),
    )  # fmt: skip


def cohort_pictures(
    head: Head, names: Sequence[str], groups: Mapping[str, Group], contrasts: Sequence[Contrast],
    separating: Sequence[SeparatingChannel], values: Sequence[Sequence[tuple[str, Values]]],
    scores: Sequence[ClassMeasures],
) -> list[Picture]:  # fmt: skip
    """Draw the charts of a cohort."""
    pictures = [
        effects_chart(f"effects-{number}", contrast)
        for number, contrast in enumerate(contrasts[:MOST_EFFECT_CHARTS], 1)
    ]
    if separating:
        pictures.append(channels_chart("channels", separating, values))
    unit = OUTPUT if head.is_regression else BITS
    maps = [
        GroupMap(name, int(groups[name].maps.count.max()), mean, deviation, picture)
        for name, mean, deviation, picture in mean_maps(names, groups)
    ]
    if maps:
        pictures.append(maps_chart("maps", maps, unit))
    if len(maps) == 2 and all(one.cases > 1 for one in maps):
        pictures.append(difference_chart("difference", maps[1], maps[0], unit))
    if scores:
        pictures.append(roc_picture(scores))
    return pictures
