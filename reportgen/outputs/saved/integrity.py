"""Whether a report that was read back holds together: what every output relies on, and a report always fulfils."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime

from reportgen.outputs.saved.evidence_integrity import evidence_flaws
from reportgen.report.brand import brand_flaw
from reportgen.report.layer import LayerReport
from reportgen.report.picture import ENDINGS, ColourScale, Picture, layer_picture_name
from reportgen.report.report import CaseReport, Report
from reportgen.report.views import TITLES

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,119}")
_MOMENT = re.compile(r"(19|[2-8]\d)\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_MOST_COLOURS = 256
_LARGEST_SIDE = 1 << 20
_MOST_SIDES = 16
_BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def flaw(report: Report) -> str | None:
    """Return the first thing in a report that can't be, in words; None when it's sound."""
    return next(_flaws(report), None)


def _flaws(report: Report) -> Iterator[str]:
    if not is_moment(report.created):
        yield "its date is none"
    if not report.cases:
        yield "it has no cases"
    if "reportgen" not in report.versions:
        yield "it doesn't say what wrote it"
    yield from _model_flaws(report)
    for case in report.cases:
        yield from _case_flaws(report, case)
    if any(len(trial.predictions) != len(report.cases) for trial in report.trials):
        yield "its preprocessing trials are of other cases"
    yield from _channel_flaws(report)
    yield from _picture_flaws(report)
    if report.brand and (found := brand_flaw(report.brand)):
        yield found
    names = {picture.name for picture in report.pictures}
    if any(not names.issuperset(section.pictures) for section in report.further_sections):
        yield "one of its sections lacks a picture"


def _model_flaws(report: Report) -> Iterator[str]:
    model = report.model
    rows = {row.name for row in model.layers}
    if not rows.issuperset(model.shown_layers) or len(set(model.shown_layers)) < len(model.shown_layers):
        yield "its layers don't fit together"
    if any(len(row.output_shape) > _MOST_SIDES for row in model.layers):
        yield "a layer has a shape of too many sides"
    if model.thresholds and len(model.thresholds) != len(model.class_names):
        yield "its findings don't fit its thresholds"
    if model.threshold is not None and len(model.class_names) < 2:
        yield "its classes don't fit its threshold"
    if not is_digest(model.sha256) or len(model.input_shape) < 2:
        yield "its model is none"


def _case_flaws(report: Report, case: CaseReport) -> Iterator[str]:
    if not case.predictions:
        yield "it has a case without predictions"
    findings = [one.class_name for one in case.findings]
    if findings != list(report.model.class_names if report.model.thresholds else ()):
        yield "its findings aren't those of its model"
    if findings and len(case.predictions) != len(findings):
        yield "its findings don't fit its predictions"
    if not is_digest(case.sha256):
        yield "it has a case without a digest"
    yield from evidence_flaws(case, report.model.class_names)
    yield from _view_flaws(case)
    if tuple(layer.name for layer in case.layers) != report.model.shown_layers:
        yield "its layers don't fit together"
    for layer in case.layers:
        numbers = layer.statistics
        counts = {len(values) for name, values in vars(numbers).items() if values or name != "peak"}
        if counts != {layer.channels}:
            yield "its channels don't fit together"
        if any(not 0 <= place < layer.height * layer.width for place in numbers.peak if place is not None):
            yield "a channel of it is strongest outside its map"
        yield from _deciding_flaws(report, layer)


def _deciding_flaws(report: Report, layer: LayerReport) -> Iterator[str]:
    if layer.deciding_at and layer.deciding_at not in report.model.shown_layers:
        yield "its channels that decide are told of no layer"
    found = layer.deciding
    if found is None:
        return
    channels = [one.channel for one in (*found.strongest, *found.active)]
    if not channels or len(found.strongest) != len(found.active) or not found.removed <= layer.channels:
        yield "its channels that decide don't fit together"
    if any(not 0 <= channel < layer.channels for channel in channels):
        yield "a channel that decides is none of its layer"


def _channel_flaws(report: Report) -> Iterator[str]:
    counts = {layer.name: layer.channels for case in report.cases for layer in case.layers}
    told = report.differences
    if told is not None:
        if [(layer.name, len(layer.effects)) for layer in told.layers] != list(counts.items()):
            yield "its differences are those of other layers"
        if any(layer.at and layer.at not in counts for layer in told.layers):
            yield "its differences are told of no layer"
        if any(not 0 <= layer.chance <= 1 for layer in told.layers):
            yield "its differences have no limit of chance"
        if any(not abs(effect) <= 1 for layer in told.layers for effect in layer.effects if effect is not None):
            yield "a difference of it is more than all"
        groups = (told.first.cases, told.second.cases)
        if not all(groups) or any(not 0 <= case < len(report.cases) for group in groups for case in group):
            yield "its differences are those of other cases"
    for one in report.featured.channels if report.featured else ():
        if not 0 <= one.channel < counts.get(one.layer, 0):
            yield "a channel that it shows by itself is none of its layer"
        if len(one.cases) != len(report.cases):
            yield "a channel that it shows by itself is of other cases"
        sides = report.model.input_shape[:2]
        for seen in (of.seen for of in one.cases if of.seen):
            if not all(0 <= first < last <= side for first, last, side in zip(seen[:2], seen[2:], sides, strict=True)):
                yield "what a channel sees lies outside the image"


def _view_flaws(case: CaseReport) -> Iterator[str]:
    names = [view.name for view in case.views]
    if len(set(names)) < len(names) or not set(names) <= set(TITLES):
        yield "its views are not those that there are"
    if any(min(view.orders, view.passes) < 0 for view in case.views):
        yield "a view of it has less than nothing"
    if any(
        not 0 <= one <= view.orders
        for view in case.views
        for one in (view.beaten_by_deletion, view.beaten_by_insertion)
    ):
        yield "a view is better than more random orders than there are"


def _picture_flaws(report: Report) -> Iterator[str]:
    names = [picture.name for picture in report.pictures]
    if len(set(names)) < len(names):
        yield "two of its pictures have the same name"
    if not all(is_sound_picture(picture) for picture in report.pictures):
        yield "one of its pictures is none"
    for place, layer in enumerate(report.model.shown_layers):
        if any(layer_picture_name(case, place, layer) not in names for case in range(len(report.cases))):
            yield "it lacks a picture"


def is_digest(text: str) -> bool:
    """Return whether a text is a SHA-256 digest as reports write it."""
    return _DIGEST.fullmatch(text) is not None


def is_sound_picture(picture: Picture) -> bool:
    """Return whether a picture is one: of a known type, with sides and a name that can be."""
    sides = (picture.width, picture.height)
    return (
        picture.media_type in ENDINGS
        and picture.data.startswith(_BEGINNINGS[picture.media_type])
        and all(1 <= side <= _LARGEST_SIDE for side in sides)
        and math.isfinite(picture.density)
        and 0.01 <= picture.density <= 100
        and _NAME.fullmatch(picture.name) is not None
        and (picture.scale is None or _is_scale(picture.scale))
    )


def _is_scale(scale: ColourScale) -> bool:
    known = math.isfinite(scale.low) and math.isfinite(scale.high)
    return known and 2 <= len(scale.colours) <= _MOST_COLOURS and all(map(_COLOUR.fullmatch, scale.colours))


def is_moment(text: str) -> bool:
    """Return whether a time is written as reports write it, in UTC, and in a year that all outputs can tell."""
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
