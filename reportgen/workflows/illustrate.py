"""Which pictures a report has: hands the numbers of the analysis to the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.activations import FeatureMaps, feature_maps
from reportgen.analysis.agreement import agreed_pixels, describe_agreed
from reportgen.analysis.covered import is_said, said_instead
from reportgen.analysis.decision import turn_masks
from reportgen.analysis.filters import first_filters
from reportgen.analysis.known_regions import fitted_masks
from reportgen.analysis.layer_graph import Graph
from reportgen.analysis.occlusion.patches import occlude
from reportgen.analysis.occlusion.scan import Scan, make_fill
from reportgen.analysis.predictions import Head
from reportgen.analysis.runs import CaseRun, Runs, Subject
from reportgen.analysis.standing import Standing
from reportgen.analysis.summary import summarise_layers
from reportgen.figures import charts, grids, heatmaps
from reportgen.figures.channel import backdrop, channel_pictures
from reportgen.figures.colours import colour_table
from reportgen.figures.curves import map_test_chart
from reportgen.figures.evaluation import standing_strip
from reportgen.figures.known_regions import region_outlines
from reportgen.figures.sanity import sanity_chart
from reportgen.figures.views import view_overlay
from reportgen.report.channels import FeaturedChannels
from reportgen.report.decision import Decision
from reportgen.report.evidence import OcclusionMap, name_support
from reportgen.report.layer import LayerReport
from reportgen.report.picture import Picture, case_picture_name, channel_kind, layer_picture_name, occlusion_kind
from reportgen.report.report import readable
from reportgen.settings.occlusion import OcclusionSettings
from reportgen.settings.report import FeatureMapSettings, Settings
from reportgen.system.errors import SettingsError
from reportgen.system.language import mark, say, spoken

Pixels = NDArray[np.generic]
PICTURE_BUDGET = 60_000_000
SMALLEST_SHARE = 100_000
Strip = list[tuple[str, "NDArray[np.float32] | None"]]


def check_colours(settings: Settings) -> None:
    """Refuse unknown colour maps before any work is done.

    Raises
    ------
    SettingsError
        Naming the map.
    """
    for name in (
        settings.feature_maps.colours, settings.occlusion.score_colours, settings.occlusion.importance_colours,
    ):  # fmt: skip
        colour_table(name, 2)


def check_channels(settings: FeatureMapSettings, channels: Sequence[int]) -> None:
    """Refuse single channels that no shown layer has.

    Parameters
    ----------
    settings
        Which channels are asked for.
    channels
        How many channels each shown layer has.

    Raises
    ------
    SettingsError
        Naming the channel and how many there are.
    """
    if channels and max(settings.single_channels, default=0) >= channels[0]:
        raise SettingsError(
            f"feature_maps.single_channels has {max(settings.single_channels)}, the first layer has {channels[0]}",
            f"choose from 0 to {channels[0] - 1}",
        )
    if channels and (settings.through_channel or 0) >= max(channels):
        raise SettingsError(
            f"feature_maps.through_channel is {settings.through_channel}, no shown layer has more than {max(channels)}",
            f"choose from 0 to {max(channels) - 1}",
        )


def input_pictures(runs: Runs) -> list[Picture]:
    """Draw each case as the model gets it."""
    return [heatmaps.image_picture(case_picture_name(run.number, "input"), run.title, run.image) for run in runs]


def model_pictures(subject: Subject) -> list[Picture]:
    """Draw how the shape shrinks, the training history, and the first filters, as far as they exist.

    They say nothing of a case, so that they are drawn once for a model and language, and kept as long as the model.
    """
    known = _DRAWN.get(subject.loaded.keras_model)
    # a model that was trained on is the same object with other weights
    shown = (subject.loaded.sha256, subject.loaded.history, spoken())
    if known is None or known[0] is not subject.graph or known[1] != shown:
        known = _DRAWN[subject.loaded.keras_model] = (subject.graph, shown, tuple(_draw_model(subject)))
    return list(known[2])


_State = tuple[str, dict[str, tuple[float, ...]] | None, str]
_DRAWN: WeakKeyDictionary[Any, tuple[Graph, _State, tuple[Picture, ...]]] = WeakKeyDictionary()


def _draw_model(subject: Subject) -> list[Picture]:
    found = first_filters(subject.graph)
    drawn = (
        charts.shape_chart(summarise_layers(subject.graph), subject.loaded.input_shape),
        charts.history_chart(subject.loaded.history or {}),
        charts.filter_grid(*found) if found else None,
    )
    return [picture for picture in drawn if picture is not None]


def featured_pictures(subject: Subject, runs: Runs, featured: FeaturedChannels | None, colours: str) -> list[Picture]:
    """Draw the channels that are shown by themselves, case by case on one scale, and the images that they lie over.

    Maps are dropped once they're measured, and only then is it known which channels stand out: the model runs once
    more, as far as the last of their layers.
    """
    if featured is None:
        return []
    wanted = {one.layer for one in featured.channels}
    layers = [call for call in subject.layers if call.path in wanted]
    pictures = [backdrop(case_picture_name(run.number, "backdrop"), run.title, run.image) for run in runs]
    titles = [run.title for run in runs]
    for maps in feature_maps(subject.graph, layers, np.stack([run.prepared for run in runs])):
        for number, one in enumerate(featured.channels):
            if one.layer != maps.layer:
                continue
            names = [case_picture_name(run.number, channel_kind(number)) for run in runs]
            values = maps.values[..., one.channel]
            pictures += channel_pictures(names, titles, one.layer, one.channel, values, colours)
    return pictures


def standing_pictures(standings: Sequence[Standing]) -> list[Picture]:
    """Draw where each case's score stands among those of images with known labels."""
    return [
        standing_strip(
            case_picture_name(number, "standing"), one.title, one.class_name, one.score,
            [(among.label, among.scores.tolist()) for among in one.among], one.data,
        )
        for number, one in enumerate(standings)
    ]  # fmt: skip


def occlusion_pictures(head: Head, runs: Runs, settings: OcclusionSettings) -> list[Picture]:
    """Draw the views of each case's scan, class by class; colours have the same range in all of them."""
    shared = heatmaps.shared_ranges([scan.summary for run in runs for scan in run.scans])
    pictures = []
    for run in runs:
        for place, scan in enumerate(run.scans):
            pictures += _scan_pictures(run, place, scan, shared, settings)
            pictures += _proof_pictures(head, run, place, scan)
        if not run.scans:
            continue
        # what was shown to the model is the same for every class
        geometry, fill = run.scans[0].geometries[0], run.scans[0].fills[0]
        inputs = [
            occlude(run.image, fill, geometry.position(index), geometry.patch)
            for index in heatmaps.montage_choice(geometry.count)
        ]
        name = case_picture_name(run.number, occlusion_kind("inputs"))
        pictures.append(heatmaps.montage(name, run.title, inputs, geometry.count))
        pictures += _view_pictures(run, settings)
        if run.sanity and run.sanity.layers:
            pictures.append(
                sanity_chart(case_picture_name(run.number, occlusion_kind("sanity")), run.title, run.sanity)
            )
    return pictures


def region_pictures(runs: Runs, settings: Settings) -> list[Picture]:
    """Draw the known regions of each case that has some over its map."""
    shared = heatmaps.shared_ranges([scan.summary for run in runs for scan in run.scans])
    pictures = []
    for run in runs:
        if not run.known_regions or not run.known_regions.regions:
            continue
        importance = run.scans[0].importance
        masks = fitted_masks(run, (importance.shape[0], importance.shape[1]), settings.preprocessing.aspect)
        pictures.append(
            region_outlines(
                case_picture_name(run.number, occlusion_kind("known")), run.title, run.image, importance, masks,
                run.known_regions, shared.importance, settings.occlusion.importance_colours,
            )
        )  # fmt: skip
    return pictures


def _proof_pictures(head: Head, run: CaseRun, place: int, scan: Scan) -> list[Picture]:
    """Draw what stands beside a map: what decides, what its scans agree on, and its test."""
    decision = run.decisions[place] if run.decisions else None
    test = run.map_tests[place] if run.map_tests else None
    pictures = _turned_pictures(run, place, scan, decision) if decision else []
    pictures += _agreed_pictures(head, run, place, scan.summary)
    if test and test.ordered:
        pictures.append(map_test_chart(case_picture_name(run.number, occlusion_kind("test", place)), run.title, test))
    return pictures


def _turned_pictures(run: CaseRun, place: int, scan: Scan, decision: Decision) -> list[Picture]:
    """Draw the images at which the decision turns: blurred in part, or wholly but for a part."""
    sign = 1 if decision.followed == scan.summary.target_class else -1
    blurred = make_fill(run.image, "blur")[0]
    pictures = []
    for kind, turn in (("flips", decision.flip), ("restores", decision.restore)):
        if turn is None:
            continue
        mask = turn_masks(scan.importance, sign, turn.share)[..., None]
        pixels = np.where(mask == (kind == "flips"), blurred, run.image)
        sentence = (
            mark("Blurring {share} flips the decision {name}: score for {target} {score}.")
            if kind == "flips"
            else mark("Putting back {share} restores the decision {name}: score for {target} {score}.")
        )
        told = say(
            sentence, share=f"{100 * turn.share:.1f} %", name=decision.followed, target=scan.summary.target_class,
            score=readable(turn.score),
        )  # fmt: skip
        name = case_picture_name(run.number, occlusion_kind(kind, place))
        pictures.append(heatmaps.turned_picture(name, run.title, pixels, told))
    return pictures


def _agreed_pictures(head: Head, run: CaseRun, place: int, found: OcclusionMap) -> list[Picture]:
    """Outline what all scans of a case agree on, where there is such, of what speaks for what the model says."""
    target = run.targets[place]
    sign = 1 if is_said(head, run.scores, target) else -1
    mask = agreed_pixels(found, sign)
    if mask is None or not mask.any():
        return []
    support = name_support(said_instead(head, target, sign), in_bits=found.in_bits)
    told = say(
        "outlined is what all {count} scans agree on, of what {supports}: {share} of the image, {place}.",
        count=len(found.scans), supports=support, share=f"{100 * mask.mean():.1f} %", place=describe_agreed(mask),
    )  # fmt: skip
    caption = say(
        "Outlined: what is among the strongest fifth of every scan's own map, of what {supports}.", supports=support
    )
    name = case_picture_name(run.number, occlusion_kind("agreed", place))
    return [heatmaps.agreed_region(name, run.title, run.image, mask, told, caption)]


def _view_pictures(run: CaseRun, settings: OcclusionSettings) -> list[Picture]:
    return [
        view_overlay(
            case_picture_name(run.number, occlusion_kind(view.summary.picture_kind)), run.title, run.image, view.values,
            view.summary, run.scans[0].summary.target_class, settings.importance_colours,
        )
        for view in run.views
        if view.values is not None
    ]  # fmt: skip


def _scan_pictures(
    run: CaseRun, place: int, scan: Scan, shared: heatmaps.Ranges, settings: OcclusionSettings
) -> list[Picture]:
    def name(kind: str) -> str:
        return case_picture_name(run.number, occlusion_kind(kind, place))

    title, pixels = run.title, run.image
    shown = (title, pixels, scan.importance, scan.summary, shared, settings.importance_colours)
    with_left = settings.left or len(scan.summary.scans) == 1
    left = [heatmaps.important_part(name("left"), title, pixels, scan.importance, shared)] if with_left else []
    return [
        heatmaps.importance_overlay(name("importance"), *shown),
        heatmaps.score_map(name("scores"), title, scan.summary, shared, settings.score_colours),
        heatmaps.strongest_patch(name("strongest"), title, pixels, scan.summary),
        *left,
    ]


@dataclass
class LayerDrawing:
    """Draws feature maps layer by layer; keeps of each layer no more than the single channels that were asked for.

    ``count`` is how many layers there will be: all grids of a report share a budget of pixels, so that a page with many
    cases and layers still opens.
    """

    titles: Sequence[str]
    count: int
    settings: FeatureMapSettings
    pictures: list[Picture] = field(default_factory=list)
    _strips: list[Strip] = field(default_factory=list)
    _drawn: int = 0

    def add(self, maps: FeatureMaps, layers: Sequence[LayerReport]) -> None:
        """Draw one layer for all cases; ``layers`` are its measures, case by case."""
        chosen = self.settings
        share = PICTURE_BUDGET // (len(self.titles) * max(1, self.count))
        limit = min(chosen.maximum_pixels, max(share, SMALLEST_SHARE)) if chosen.maximum_pixels else 0
        ranges = grids.tile_ranges(list(maps.values), chosen.scale, shared_by_cases=chosen.range == "cases")
        for case, (title, values, layer) in enumerate(zip(self.titles, maps.values, layers, strict=True)):
            self.pictures.append(
                grids.feature_map_grid(
                    layer_picture_name(case, self._drawn, maps.layer), title, values, layer, ranges[case],
                    colours=chosen.colours, columns=chosen.columns, channels=chosen.first_channels,
                    maximum_pixels=limit,
                )
            )  # fmt: skip
            if chosen.single_channels and self._drawn == 0:
                wanted = [(channel, _channel(values, channel)) for channel in chosen.single_channels]
                name = case_picture_name(case, "single-channels")
                self.pictures.append(charts.single_channels(name, title, maps.layer, wanted, chosen.colours))
        if chosen.through_channel is not None:
            self._strips = self._strips or [[] for _ in self.titles]
            for strip, values in zip(self._strips, maps.values, strict=True):
                strip.append((maps.layer, _channel(values, chosen.through_channel)))
        self._drawn += 1

    def finish(self) -> list[Picture]:
        """Draw what spans all layers and return every picture."""
        for case, (title, strip) in enumerate(zip(self.titles, self._strips, strict=False)):
            channel = self.settings.through_channel or 0
            name = case_picture_name(case, "through-layers")
            self.pictures.append(charts.channel_through_layers(name, title, channel, strip, self.settings.colours))
        return self.pictures


def _channel(values: NDArray[np.float32], channel: int) -> NDArray[np.float32] | None:
    return values[..., channel].copy() if channel < values.shape[-1] else None
