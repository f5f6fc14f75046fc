"""Whether the evidence of a case that was read back holds together: its maps, their tests, and what decides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from reportgen.report.decision import Decision, Turn
from reportgen.report.evidence import BITS, OUTPUT, OcclusionMap
from reportgen.report.grid_shift import GridShift
from reportgen.report.known_regions import EvidenceShare, KnownRegions
from reportgen.report.maptest import BLUR, IMPUTED, MapTest
from reportgen.report.measures import CLASSES
from reportgen.report.regions import MOST, Regions
from reportgen.report.report import CaseReport
from reportgen.report.sanity import SanityTest

_MOST_REGIONS = 8
_ROUNDED = 1e-6
_LARGEST_MAP = 1 << 13  # pixels of a side


def evidence_flaws(case: CaseReport, class_names: Sequence[str]) -> Iterator[str]:
    """Return what can't be in a case's evidence, in words.

    Parameters
    ----------
    case
        As read back.
    class_names
        Of the model.
    """
    for found in case.occlusion_maps:
        yield from _map_flaws(found)
        if found.target_class not in class_names:
            yield "a map follows a class that its model doesn't know"
    known = {*class_names, *(f"not {name}" for name in class_names)}
    further = len(case.further_occlusion)
    if any(len(given) not in (0, further) for given in (case.further_tests, case.further_decisions)):
        yield "the tests of its further maps don't fit them"
        return
    if case.occlusion is None and (case.map_test or case.decision):
        yield "it has the test of a map that isn't there"
    for one in case.evidence_by_class:
        if one.map_test:
            yield from _test_flaws(one.map_test, one.found, known)
        if one.decision:
            yield from _decision_flaws(one.decision, one.found, known)
    yield from _reading_flaws(case)


def _reading_flaws(case: CaseReport) -> Iterator[str]:
    if case.known_regions:
        yield from _region_flaws(case.known_regions)
    if any(one.kind not in CLASSES for one in case.measures):
        yield "a measure of a map is of no class"
    if case.sanity:
        yield from _sanity_flaws(case.sanity)
    if case.regions:
        yield from _strongest_flaws(case.regions, case.occlusion)
    if case.grid_shift:
        yield from _shift_flaws(case.grid_shift)


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
        if scan.flipping and not 0 <= min(scan.flipping) <= max(scan.flipping) < scan.count:
            yield "a scan flips at positions that it hasn't"
        starts = zip((scan.row_starts, scan.column_starts), scan.patch, found.size, strict=True)
        if any(patch < 1 or min(own) < 0 or max(own) + patch > side for own, patch, side in starts if own):
            yield "a patch lies outside of its image"
        if not all(low < high for own in (scan.row_starts, scan.column_starts) for low, high in pairwise(own)):
            yield "the positions of a scan aren't in their order"


def _test_flaws(test: MapTest, found: OcclusionMap, known: set[str]) -> Iterator[str]:
    if test.unit != found.unit or not all(1 <= one <= side for one, side in zip(test.block, found.size, strict=True)):
        yield "the test of a map doesn't fit the map"
    if test.unit not in (BITS, OUTPUT):
        yield "the test of a map has no known unit"
    if found.has_order and not test.ordered:
        yield "the test of a map denies its order"
    if test.followed not in known:
        yield "the test of a map follows a class that its model doesn't know"
    steps = test.shares
    rising = all(low < high for low, high in pairwise(steps))  # a share that is no number isn't
    if len(steps) < 2 or steps[0] != 0 or steps[-1] != 1 or not rising:
        yield "the shares of a map's test are none"
    rows = [
        row
        for curves in test.curves
        for row in (curves.deletion, curves.insertion, *curves.random_deletion, *curves.random_insertion)
    ]
    if not rows or {len(row) for row in rows} != {len(steps)}:
        yield "the test of a map doesn't fit its shares"
    if any(not curves.orders or curves.orders != len(curves.random_insertion) for curves in test.curves):
        yield "the test of a map lacks some random orders"
    stand_ins = [curves.baseline for curves in test.curves]
    if len(set(stand_ins)) < len(stand_ins) or not {BLUR, IMPUTED}.issuperset(stand_ins):
        yield "the test of a map has no known stand-in"


def _decision_flaws(decision: Decision, found: OcclusionMap, known: set[str]) -> Iterator[str]:
    if decision.followed not in known:
        yield "it decides for a class that its model doesn't know"
    if any(turn and not _is_turn(turn) for turn in (decision.flip, decision.restore)):
        yield "a share of an image that decides is none"
    if decision.blurred_agrees and decision.restore:
        yield "it restores what the blurred image says"
    if not 0 <= decision.random_restores <= decision.random_orders:
        yield "the random choices that restore a decision are none"
    count, smallest = decision.flipping_patches, decision.smallest_flipping
    if not 0 <= (count or 0) <= found.positions:
        yield "what decides doesn't fit its map"
    elif (smallest is not None) != bool(count) or (smallest and smallest not in {scan.patch for scan in found.scans}):
        yield "the patch that decides is none"


def _is_turn(turn: Turn) -> bool:
    return 0 < turn.share <= 1  # no number isn't


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


def _sanity_flaws(test: SanityTest) -> Iterator[str]:
    steps = {len(test.layers), len(test.correlation), len(test.absolute)}
    if len(steps) != 1 or not all(test.layers):
        yield "its sanity check doesn't fit its layers"


def _strongest_flaws(found: Regions, of: OcclusionMap | None) -> Iterator[str]:
    count = len(found.regions)
    if count > MOST or any(not 0 <= pair.first < pair.second < count for pair in found.pairs):
        yield "its regions don't fit together"
    if any(not 0 < one.share <= 1 or min(one.peak, one.top, one.left) < 0 for one in found.regions):
        yield "one of its regions is none"
    height, width = of.size if of else (0, 0)
    if any(len(line) % 2 or not line for one in found.regions for line in one.outline):
        yield "a region of it has no outline"
    lines = [line for one in found.regions for line in (*one.outline, one.mark)]
    across, down = ([place for line in lines for place in line[start::2]] for start in (0, 1))
    if any(not 0 <= place <= width for place in across) or any(not 0 <= place <= height for place in down):
        yield "a region of it lies outside the image"


def _shift_flaws(shift: GridShift) -> Iterator[str]:
    likeness = shift.correlation
    known = likeness is None or -1 - _ROUNDED <= likeness <= 1 + _ROUNDED
    if not 0 <= shift.median <= shift.largest or not known or shift.grids < 2:
        yield "what its map ranges over on shifted grids is none"
