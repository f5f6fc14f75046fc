"""Measured remarks: sentences that rest on numbers, each with the numbers beside it.

A remark says what was measured. What it may mean stands apart, as an interpretation: the model only sees pixel
intensities, and "detects edges" is a reading, not a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from reportgen.analysis.comparison import LayerComparison, compare_layer
from reportgen.report.channels import LEGIBLE
from reportgen.report.evidence import OcclusionMap
from reportgen.report.layer import ChannelStatistics, LayerReport
from reportgen.report.places import name_place
from reportgen.report.report import CaseReport, Remark, readable

STRONG = 0.5
SMALL_CHANGE = 0.05  # as a share of an output that stands for no class
SMALL_BITS = 0.5  # the odds change by less than 1.4 times
CLEAR_FALL = 0.8  # what is called less, against what it was
MOST_COMPARED = 4
KEPT = (0.8, 1.25)
Cases = Sequence[CaseReport]


def prediction_remarks(cases: Cases, *, regression: bool = False) -> tuple[Remark, ...]:
    """Say what was predicted, and whether it is what the labels say; of a regression, which numbers came out."""
    if regression:
        given = [
            f"{case.title}: {_listed([f'{one.class_name} {readable(one.score)}' for one in case.predictions])}"
            for case in cases
        ]
        numbers = {f"{case.title} {one.class_name}": one.score for case in cases for one in case.predictions}
        text = f"The model gives {'; '.join(given)}."
        return (Remark(section="predictions", kind="predictions", text=text, numbers=numbers),)
    said = [
        f"{case.title}: {case.predictions[0].class_name} ({readable(case.predictions[0].score)})"
        if math.isfinite(case.predictions[0].score)
        else f"{case.title}: nothing, as its scores are no numbers"
        for case in cases
    ]
    known = [case for case in cases if case.correct is not None]
    right = sum(bool(case.correct) for case in known)
    text = f"Predicted: {_listed(said)}."
    if known:
        text += f" {right} of {len(known)} labelled {_plural(len(known), 'case')} predicted as labelled."
    numbers = {case.title: case.predictions[0].score for case in cases}
    return (Remark(section="predictions", kind="predictions", text=text, numbers=numbers),)


def finding_remarks(cases: Cases) -> tuple[Remark, ...]:
    """Say how many independent findings a model found in each case, and where that isn't what the label says."""
    told: list[str] = []
    mistakes: dict[bool, list[str]] = {False: [], True: []}
    numbers: dict[str, float] = {}
    for case in cases:
        undefined = [one.class_name for one in case.findings if not math.isfinite(one.score)]
        without = f" ({_listed(undefined)}: no number)" if undefined else ""
        told.append(f"{case.title} {sum(one.present for one in case.findings)}{without}")
        for present, told_of in mistakes.items():
            names = [one.class_name for one in case.findings if one.correct is False and one.present == present]
            if names:
                told_of.append(f"{_listed(names)} ({case.title})")
        numbers |= {f"{case.title} {one.class_name}": one.score for one in case.findings}
    known = [one.correct for case in cases for one in case.findings if one.correct is not None]
    text = f"Findings said, of {len(cases[0].findings)}, each by its own threshold: {_listed(told)}."
    if known:
        text += f" As labelled are {sum(known)} of {len(known)}."
    for kind, of_kind in zip(("Labelled and not found", "Found and not labelled"), mistakes.values(), strict=True):
        text += f" {kind}: {'; '.join(of_kind)}." if of_kind else ""
    return (Remark(section="predictions", kind="findings", text=text, numbers=numbers),)


def occlusion_remarks(cases: Cases, *, regression: bool = False) -> tuple[Remark, ...]:
    """Say for each case where covering the image changed the evidence most, and by how much.

    Where the outputs stand for no class, what counts as a small change is a share of the output itself.
    """
    remarks: list[Remark] = []
    for one in [of_class for case in cases for of_class in case.evidence_by_class]:
        found, title = one.found, one.title
        lost = sum(not math.isfinite(value) for scan in found.scans for line in scan.scores for value in line)
        if lost:
            remarks.append(
                replace(_lost_positions(title, lost, found.positions, regression=regression), target=one.place)
            )
        if lost < found.positions:
            remarks.append(replace(_strongest(title, found, regression=regression), target=one.place))
        remarks += [
            Remark(section="occlusion", kind="evidence", text=f"{title}: {note}", target=one.place, warning=True)
            for note in found.notes
        ]
    return tuple(remarks)


def _strongest(title: str, found: OcclusionMap, *, regression: bool) -> Remark:
    best, scan = found.strongest, found.strongest_scan
    share = abs(best.importance) / max(abs(found.base_score), 1e-12)
    verb = "lowers" if best.importance > 0 else "raises"
    unit = " bits" if found.in_bits else ""
    patch = f"{scan.patch[0]} x {scan.patch[1]} pixels"
    centre = (best.top + scan.patch[0] / 2, best.left + scan.patch[1] / 2)
    low, high = scan.score_range
    told = found.followed if regression else found.target_class
    what = "output" if regression else "score"
    untouched = f"{title}: {'' if regression else 'the score for '}{told} is {readable(found.base_score)}"
    if found.in_bits:
        untouched += f", its evidence {readable(found.base_evidence)} bits"
    if not abs(best.importance) > found.rounding:
        changed = "its evidence" if found.in_bits else "it"
        text = (
            f"{untouched}, and covering {patch} changes {changed} nowhere by more than rounding "
            f"({scan.count} positions)."
        )
        meaning = "The model does not react to any patch of this size."
    else:
        by = f"by {readable(abs(best.importance))}{unit}: the score goes " if found.in_bits else ""
        text = (
            f"{untouched}. Covering {patch} {verb} {'the evidence' if found.in_bits else 'it'} most "
            f"at the {name_place(centre, found.size)} (row {best.top}, column {best.left}), {by}"
            f"from {readable(found.base_score)} to {readable(best.score)}. "
            f"Over {scan.count} positions {told if regression else 'the score'} lies between {readable(low)} and "
            f"{readable(high)}."
        )
        is_small = share < SMALL_CHANGE if regression else abs(best.importance) < SMALL_BITS
        meaning = (
            f"No single patch of this size matters much here: the {what} rests on more than a patch covers."
            if is_small
            else f"The model's {what} {'leans on' if best.importance > 0 else 'is held down by'} that region "
            f"of this image{'' if regression else '; that need not be where a finding is'}."
        )
    numbers = {
        "base_score": found.base_score, "base_evidence": found.base_evidence, "strongest_importance": best.importance,
        "share_of_score": share, "lowest_score": low, "highest_score": high,
    }  # fmt: skip
    return Remark(section="occlusion", kind="occlusion", text=text, interpretation=meaning, numbers=numbers)


def _lost_positions(title: str, lost: int, count: int, *, regression: bool) -> Remark:
    which = "all" if lost == count else f"{lost} of"
    what = "output" if regression else "score"
    text = f"{title}: at {which} {count} positions of the patch the {what} is not a number; they are left out."
    return Remark(section="occlusion", kind="not_finite", text=text, numbers={f"{title} lost": lost}, warning=True)


def layer_remarks(cases: Cases, names: Sequence[str]) -> tuple[Remark, ...]:
    """Say for one layer after another how its maps relate to the input, and how the cases differ.

    Parameters
    ----------
    cases
        In the order in which they're to be named.
    names
        Names of the shown layers.
    """
    remarks: list[Remark] = []
    for index, name in enumerate(names):
        layers = [(case.title, case.layers[index]) for case in cases]
        for about in (_not_finite, _edges, _negatives, _contrast, _sharpness, _dead):
            remark = about(name, layers)
            if remark is not None:
                remarks.append(remark)
        remarks += _differences(name, layers)
    return tuple(remarks)


def depth_remarks(cases: Cases) -> tuple[Remark, ...]:
    """Say how likeness to the input changes from the first measured layer to the last."""
    remarks = []
    for kind, of, subject, meaning in (
        ("edges_by_depth", "edge_correlation", "magnitude of the correlation with the input's edges",
         "The deeper the layer, the less its maps follow the outlines of the image"),
        ("likeness_by_depth", "input_correlation", "magnitude of the correlation with the input's brightness",
         "The deeper the layer, the less its maps resemble the image: they become more abstract"),
    ):  # fmt: skip
        parts: list[str] = []
        falls: list[bool] = []
        numbers: dict[str, float] = {}
        for case in cases:
            title = case.title
            measured = [(layer.name, _median_size(layer, of)) for layer in case.layers]
            known = [(name, value) for name, value in measured if value is not None]
            if len(known) < 2:
                continue
            (first, start), (last, end) = known[0], known[-1]
            parts.append(f"{case.title}: {start:.2f} in {first}, {end:.2f} in {last}")
            numbers |= {f"{title} first": start, f"{title} last": end}
            falls.append(end < CLEAR_FALL * start)
        if parts:
            said = f"{meaning}." if all(falls) else ""
            text = f"Median {subject} over channels. {'; '.join(parts)}."
            remarks.append(Remark(section="layers", kind=kind, text=text, interpretation=said, numbers=numbers))
    return tuple(remarks)


Layers = Sequence[tuple[str, LayerReport]]


def _edges(name: str, layers: Layers) -> Remark | None:
    return _counted(
        name, layers, "edges", lambda s: s.edge_correlation, lambda r: r >= STRONG,
        f"maps follow the input's edges (correlation with its gradient magnitude at least {STRONG})",
        "Such maps look like outlines: body, ribs and other borders.",
    )  # fmt: skip


def _negatives(name: str, layers: Layers) -> Remark | None:
    return _counted(
        name, layers, "negatives", lambda s: s.input_correlation, lambda r: r <= -STRONG,
        f"maps run against the input's brightness (correlation at most -{STRONG})",
        "Such maps look like negatives of the image.",
    )  # fmt: skip


def _counted(
    name: str,
    layers: Layers,
    kind: str,
    measure: Callable[[ChannelStatistics], tuple[float | None, ...]],
    counts: Callable[[float], bool],
    what: str,
    meaning: str,
) -> Remark | None:
    parts: list[str] = []
    numbers: dict[str, float] = {}
    seen = False
    for title, layer in layers:
        values = {c: v for c, v in enumerate(measure(layer.statistics)) if v is not None}
        if not values:
            continue
        hits = [c for c, v in values.items() if counts(v)]
        best = max(values, key=lambda c: values[c] if kind == "edges" else -values[c])
        median = float(np.median(list(values.values())))
        part = f"{title} {len(hits)} of {layer.channels} (median {median:+.2f}; channel {best}: {values[best]:+.2f})"
        parts.append(part)
        numbers |= {
            f"{title} count": len(hits),
            f"{title} median": median,
            f"{title} extreme": values[best],
        }
        seen = seen or (bool(hits) and layer.height * layer.width >= LEGIBLE)
    if not parts:
        return None
    text = f"{what[0].upper()}{what[1:]}: {_listed(parts)}."
    return Remark(
        section="layers", layer=name, kind=kind, text=text, interpretation=meaning if seen else "", numbers=numbers
    )


def _contrast(name: str, layers: Layers) -> Remark | None:
    readings = {"kept": "contrast is kept", "below": "contrast is flattened", "above": "contrast is raised"}
    return _compared(name, layers, "contrast", "contrast (standard deviation over range)", "contrast", readings)


def _sharpness(name: str, layers: Layers) -> Remark | None:
    readings = {
        "kept": "maps are about as sharp as the input",
        "below": "maps are fuzzier than the input",
        "above": "maps are sharper than the input",
    }
    return _compared(name, layers, "sharpness", "sharpness (mean gradient over range)", "sharpness", readings)


def _compared(
    name: str, layers: Layers, kind: str, what: str, attribute: str, readings: dict[str, str]
) -> Remark | None:
    parts: list[str] = []
    numbers: dict[str, float] = {}
    sides: set[str] = set()
    for title, layer in layers:
        values = [v for v in getattr(layer.statistics, attribute) if v is not None]
        if not values:
            continue
        median = float(np.median(values))
        parts.append(f"{title} {median:.2f}")
        numbers[f"{title} median"] = median
        sides.add("below" if median < KEPT[0] else "above" if median > KEPT[1] else "kept")
    if not parts:
        return None
    said = f"For the median channel {readings[sides.pop()]}." if len(sides) == 1 else ""
    text = f"Median {what}, relative to the input at the same size (1 = unchanged): {_listed(parts)}."
    return Remark(section="layers", layer=name, kind=kind, text=text, interpretation=said, numbers=numbers)


def _dead(name: str, layers: Layers) -> Remark | None:
    if not any(layer.dead_channels for _, layer in layers):
        return None
    parts = [
        f"{title} {len(layer.dead_channels)} of {layer.channels}{_some(layer.dead_channels)}" for title, layer in layers
    ]
    numbers: dict[str, float] = {f"{title} dead": len(layer.dead_channels) for title, layer in layers}
    return Remark(
        section="layers", layer=name, kind="dead", text=f"Dead channels (all values equal): {_listed(parts)}.",
        interpretation="A blank map is a pattern that this image does not contain, or a channel that never responds.",
        numbers=numbers,
    )  # fmt: skip


def _not_finite(name: str, layers: Layers) -> Remark | None:
    if not any(layer.not_finite_channels for _, layer in layers):
        return None
    parts = [
        f"{title} {len(layer.not_finite_channels)} of {layer.channels}{_some(layer.not_finite_channels)}"
        for title, layer in layers
    ]
    numbers: dict[str, float] = {f"{title} not finite": len(layer.not_finite_channels) for title, layer in layers}
    text = (
        f"Channels with values that are not numbers (NaN or infinite): {_listed(parts)}. Nothing else is said of them."
    )
    return Remark(section="layers", layer=name, kind="not_finite", text=text, numbers=numbers)


def _differences(name: str, layers: Layers) -> list[Remark]:
    """Compare the first case with each other; with many others only with the one that differs most."""
    first = layers[0]
    compared = [(title, compare_layer(first[1], layer)) for title, layer in layers[1:]]
    compared = [(title, found) for title, found in compared if found.compared]
    if len(compared) >= MOST_COMPARED:
        compared = [min(compared, key=lambda pair: 1.0 if pair[1].correlation is None else pair[1].correlation)]
    return [_difference(name, first[0], title, found, first[1].channels) for title, found in compared]


def _difference(name: str, first: str, second: str, found: LayerComparison, channels: int) -> Remark:
    text = f"{second} against {first}: mean activation {found.second_mean:.3g} against {found.first_mean:.3g}"
    if found.compared < channels:
        text += f" over the {found.compared} {_plural(found.compared, 'channel')} that are numbers in both"
    numbers = {"first_mean": found.first_mean, "second_mean": found.second_mean}
    if found.correlation is not None:
        text += f"; channel means correlate with {found.correlation:.2f}"
        numbers["correlation"] = found.correlation
    meaning = ""
    if found.correlation is not None:
        meaning = (
            "Both cases excite nearly the same channels."
            if found.correlation > 0.95
            else "The cases excite channels in different measure."
        )
    return Remark(
        section="layers", layer=name, kind="difference", text=f"{text}.", interpretation=meaning, numbers=numbers
    )


def _median_size(layer: LayerReport, attribute: str) -> float | None:
    values = [abs(v) for v in getattr(layer.statistics, attribute) if v is not None]
    return float(np.median(values)) if values else None


def _some(channels: Sequence[int], most: int = 12) -> str:
    if not channels:
        return ""
    shown = ", ".join(str(c) for c in channels[:most])
    return f" ({shown}{', ...' if len(channels) > most else ''})"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
