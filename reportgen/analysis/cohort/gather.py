"""The first walk over the cases: what each group has, in memory that doesn't grow with their number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.cases import MOST_GROUPS, CaseNumbers, Grouping, gray, key_of, patient_of
from reportgen.analysis.cohort.regions import NamedRegions
from reportgen.analysis.streaming import Moments, Sample
from reportgen.system.errors import ReportgenError, SettingsError

SAMPLE, SCORED = 2000, 5000
_SAMPLE_BYTES = 64 << 20
_LEAST_SAMPLE = 100
_MAPS = 200


@dataclass(frozen=True)
class Layout:
    """What all cases have in common.

    Attributes
    ----------
    layers
        (name, channels) of each layer.
    features
        How many there are.
    frame
        (height, width) of maps and thumbnails: the model's input, made smaller.
    """

    layers: tuple[tuple[str, int], ...]
    features: int
    frame: tuple[int, int]

    @property
    def channels(self) -> int:
        """How many there are in all layers."""
        return sum(count for _, count in self.layers)

    @property
    def names(self) -> tuple[tuple[str, int], ...]:
        """(layer, channel) of each."""
        return tuple((name, channel) for name, count in self.layers for channel in range(count))


@dataclass(frozen=True)
class Row:
    """What is kept of a case that was drawn into the sample.

    Attributes
    ----------
    key
        The case.
    patient
        Whose image it is.
    channels, features
        ``(channels,)`` and ``(F,)``.
    """

    key: str
    patient: str
    channels: NDArray[np.float32]
    features: NDArray[np.float32]


@dataclass(frozen=True)
class ScoredRow:
    """Scores and label of a case that was drawn."""

    name: str
    sha256: str
    patient: str
    label: str
    scores: NDArray[np.float64]


@dataclass
class Group:
    """What the cases of a group have.

    Attributes
    ----------
    count, right, judged
        Cases, those that are told right, and those of which that is known.
    channels
        Moments of the channels' means.
    maps, directions
        Of the evidence maps, and of the same with mean 0 and length 1: their sums give all correlations of pairs.
    pictures
        Of the thumbnails, gray.
    border, evidence, flips
        Of the share of the evidence in the border, of the evidence in bits, and of the share that flips the decision.
    regions
        How much of the evidence lies in known regions.
    beats
        How often the map beats chance in ``both`` ways, ``one``, ``none``, ...
    targets
        How often each class is the one that the evidence is for.
    odd
        Maps of another shape, which are left out.
    sample, directed
        Rows and directions of some cases: all of them, where there are few.
    """

    layout: Layout
    size: int
    count: int = 0
    right: int = 0
    judged: int = 0
    odd: int = 0
    beats: Counter[str] = field(default_factory=Counter)
    targets: Counter[int] = field(default_factory=Counter)
    regions: NamedRegions = field(default_factory=NamedRegions)

    def __post_init__(self) -> None:
        layout = self.layout
        self.channels, self.pictures = Moments((layout.channels,)), Moments(layout.frame)
        self.maps, self.directions = Moments(layout.frame), Moments(layout.frame)
        self.border, self.evidence, self.flips = Moments(()), Moments(()), Moments(())
        self.sample: Sample[Row] = Sample(self.size)
        self.directed: Sample[NDArray[np.float32]] = Sample(min(self.size, _MAPS))

    def add(self, case: CaseNumbers) -> None:
        """Take a case more."""
        self.count += 1
        self.judged += case.correct is not None
        self.right += bool(case.correct)
        channels = channel_vector(case)
        self.channels.add(channels)
        features = np.asarray(case.features, np.float32)
        self.sample.add(key_of(case), Row(key_of(case), patient_of(case), channels, features))
        if case.thumbnail.shape[:2] == self.layout.frame:
            self.pictures.add(gray(case.thumbnail))
        for moments, value in (
            (self.border, case.border_share), (self.evidence, case.base_evidence), (self.flips, case.flip_share)
        ):  # fmt: skip
            moments.add(np.asarray(value))
        self.regions.add(case.regions)
        self.beats[case.beats_chance] += 1
        if case.evidence is None:
            return
        if case.evidence.shape != self.layout.frame:
            self.odd += 1
            return
        self.targets[case.target] += 1
        self.maps.add(case.evidence)
        direction = direction_of(case.evidence)
        if direction is not None:
            self.directions.add(direction)
            self.directed.add(key_of(case), direction.astype(np.float32))

    def merge(self, other: Group) -> Group:
        """Return what both have together."""
        both = Group(self.layout, self.size)
        for name in ("count", "right", "judged", "odd", "beats", "targets"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        for name in (
            "channels", "pictures", "maps", "directions", "border", "evidence", "flips", "sample", "directed", "regions"
        ):  # fmt: skip
            setattr(both, name, getattr(self, name).merge(getattr(other, name)))
        return both


@dataclass
class Gathered:
    """All groups of a cohort, as far as they were read; parts of a cohort merge.

    Attributes
    ----------
    grouping
        What makes the groups.
    sample
        How many rows of each group are kept; None: as many as memory is meant for.
    groups
        By name.
    scored
        Scores of some cases: all, where there are few.
    cases, ungrouped
        How many cases there are, and those of which nothing is known that would put them into a group, or into one
        that is wanted.
    """

    grouping: Grouping
    sample: int | None = None
    layout: Layout | None = None
    groups: dict[str, Group] = field(default_factory=dict)
    cases: int = 0
    ungrouped: int = 0

    def __post_init__(self) -> None:
        self.scored: Sample[ScoredRow] = Sample(self.sample or SCORED)

    @property
    def repeated(self) -> int:
        """How many labelled cases, of those that were drawn, have the image of another."""
        return len(self.scored) - len({row.sha256 for row in self.scored})

    def fresh(self) -> Gathered:
        """Return the same without any case."""
        return Gathered(self.grouping, self.sample)

    def add(self, case: CaseNumbers) -> None:
        """Take a case more.

        Raises
        ------
        ReportgenError
            When it is of another model than the others, or there are too many groups.
        """
        found = layout_of(case)
        if self.layout is None:
            self.layout = found
        if (found.layers, found.features) != (self.layout.layers, self.layout.features):
            raise ReportgenError(
                f"{case.name} has other layers than the cases before it", "the cases of a cohort are of one model"
            )
        self.cases += 1
        name = self.grouping.group_of(case)
        if not name:
            self.ungrouped += 1
            return
        if case.label:
            row = ScoredRow(case.name, case.sha256, patient_of(case), case.label, np.asarray(case.scores))
            self.scored.add(key_of(case), row)
        if name not in self.groups:
            self._check_groups(len(self.groups) + 1)
            self.groups[name] = Group(self.layout, self.sample or sample_size(self.layout))
        self.groups[name].add(case)

    def merge(self, other: Gathered) -> Gathered:
        """Return the groups of both parts together.

        Raises
        ------
        ReportgenError
            When they are of different models.
        """
        both = Gathered(self.grouping, self.sample, self.layout or other.layout)
        if self.layout and other.layout and self.layout != other.layout:
            raise ReportgenError("the parts are of different models", "the cases of a cohort are of one model")
        both.cases, both.ungrouped = self.cases + other.cases, self.ungrouped + other.ungrouped
        both.scored = self.scored.merge(other.scored)
        for name in sorted({*self.groups, *other.groups}):
            parts = [one.groups[name] for one in (self, other) if name in one.groups]
            both.groups[name] = parts[0] if len(parts) == 1 else parts[0].merge(parts[1])
        both._check_groups(len(both.groups))
        return both

    def _check_groups(self, count: int) -> None:
        if count > MOST_GROUPS:
            raise SettingsError(
                f"--by {self.grouping.by} makes more than {MOST_GROUPS} groups", "group by a column with fewer values"
            )


def layout_of(case: CaseNumbers) -> Layout:
    """Return the shapes of a case."""
    layers = tuple((name, len(values)) for name, values in case.channel_means.items())
    height, width = case.thumbnail.shape[:2]
    return Layout(layers, len(case.features), (int(height), int(width)))


def sample_size(layout: Layout) -> int:
    """Return how many rows of a group are kept."""
    row = 4 * (layout.channels + layout.features) + 500
    return max(_LEAST_SAMPLE, min(SAMPLE, _SAMPLE_BYTES // row))


def channel_vector(case: CaseNumbers) -> NDArray[np.float32]:
    """Return the means of all channels of all layers, one after another."""
    return np.concatenate([np.zeros(0, np.float32), *case.channel_means.values()]).astype(np.float32)


def direction_of(evidence: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return a map with mean 0 and length 1, so that products are correlations; None of one that is even."""
    values = np.asarray(evidence, np.float64)
    if not np.isfinite(values).all():
        return None
    centred = values - values.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1e-9 * max(1.0, float(np.abs(values).max())) else None
