"""Whether a report that was read back holds together: what every output relies on, and a report always fulfils."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime

from reportgen.report.brand import brand_flaw
from reportgen.report.evidence import OcclusionMap
from reportgen.report.known_regions import EvidenceShare, KnownRegions
from reportgen.report.maptest import MapTest
from reportgen.report.picture import ENDINGS, Picture, layer_picture_name
from reportgen.report.report import CaseReport, Report

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,119}")
_MOMENT = re.compile(r"(19|[2-8]\d)\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_LARGEST_SIDE = 1 << 20
_MOST_SIDES = 16
_MOST_REGIONS = 8
_ROUNDED = 1e-6
_LARGEST_MAP = 1 << 13  # pixels of a side
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
    for found in case.occlusion_maps:
        yield from _map_flaws(found)
    if case.map_test:
        yield from _test_flaws(case.map_test)
    if case.known_regions:
        yield from _region_flaws(case.known_regions)
    if tuple(layer.name for layer in case.layers) != report.model.shown_layers:
        yield "its layers don't fit together"
    for layer in case.layers:
        numbers = layer.statistics
        if {len(values) for values in vars(numbers).values()} != {layer.channels}:
            yield "its channels don't fit together"


def _map_flaws(found: OcclusionMap) -> Iterator[str]:
    if not found.scans or len(found.weights) != len(found.scans) or not 0 <= found.strongest.scan < len(found.scans):
        yield "its scans don't fit together"
    if not all(1 <= side <= _LARGEST_MAP for side in found.size):
        yield "a map has an impossible size"
    if not all(map(math.isfinite, found.weights)) or any(weight < 0 for weight in found.weights):
        yield "the weights of its scans are none"
    for scan in found.scans:
        grids = (scan.scores, scan.evidence)
        shapes = {(len(grid), *sorted({len(line) for line in grid})) for grid in grids}
        if not scan.count or shapes != {(scan.rows, scan.columns)}:
            yield "a scan doesn't fit its positions"
        starts = zip((scan.row_starts, scan.column_starts), scan.patch, found.size, strict=True)
        if any(patch < 1 or min(own) < 0 or max(own) + patch > side for own, patch, side in starts if own):
            yield "a patch lies outside of its image"


def _test_flaws(test: MapTest) -> Iterator[str]:
    rows = [
        row
        for curves in test.curves
        for row in (curves.deletion, curves.insertion, *curves.random_deletion, *curves.random_insertion)
    ]
    if not rows or len(test.shares) < 2 or {len(row) for row in rows} != {len(test.shares)}:
        yield "the test of a map doesn't fit its shares"
    if any(len(curves.random_deletion) != len(curves.random_insertion) for curves in test.curves):
        yield "the test of a map lacks some random orders"


def _region_flaws(found: KnownRegions) -> Iterator[str]:
    shares = [found.border, *(region.inside for region in found.regions)]
    if not all(_is_share(share) for share in shares):
        yield "a share of its evidence is none"
    if len({region.name for region in found.regions}) < len(found.regions) or len(found.regions) > _MOST_REGIONS:
        yield "its known regions don't fit together"
    ranks = [value for region in found.regions for value in (region.auc, region.average_precision)]
    if any(math.isfinite(value) and not 0 <= value <= 1 + _ROUNDED for value in ranks):
        yield "a measure of a known region is none"
    if not (math.isfinite(found.tolerance) and found.tolerance >= 0):
        yield "the tolerance of its known regions is none"


def _is_share(share: EvidenceShare) -> bool:
    return 0 <= share.area <= 1 and (math.isnan(share.evidence) or 0 <= share.evidence <= 1 + _ROUNDED)


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
    )


def is_moment(text: str) -> bool:
    """Return whether a time is written as reports write it, in UTC, and in a year that all outputs can tell."""
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
