"""A cohort as data: what groups of many cases have in common, and in what they differ.

As in :mod:`reportgen.report.report`, nothing here reads, computes or writes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.evaluation import ClassMeasures, Estimate
from reportgen.report.numbers import Number
from reportgen.report.picture import Picture

COHORT_SCHEMA = 1
COHORT_KIND = "cohort"
COHORT_DISCLAIMER = (
    "This page tells what a model does on many images. It is not a diagnosis of any of them. That something goes with "
    "a group doesn't say why."
)
FEW = 10  # cases of a group below which little can be told
SIGNIFICANT = 0.05
BEATS = ("both", "one", "none", "unknown")


@dataclass(frozen=True, kw_only=True)
class CohortGroup:
    """The cases of one group.

    Attributes
    ----------
    name
        Its value of what the cases are grouped by.
    cases, patients
        How many cases, and of how many patients those in the sample are.
    mapped
        How many of them have an evidence map that could be taken.
    accuracy
        Share of those with a known answer that are told right; None where nothing is known.
    evidence
        Mean of the evidence for the class that the scan follows, in bits; None without scans.
    border
        Mean share of the evidence that lies in the border; None without scans.
    flip_share
        Mean share of the image whose blurring flips the decision, of the cases in which one was found.
    flips
        In how many cases one was found.
    beats
        In how many cases the map beats chance in ``both`` ways, ``one``, ``none``, or that is ``unknown``; the others
        were not tested.
    targets
        In how many maps each class is the one that the evidence is for.
    """

    name: str
    cases: int
    patients: int
    mapped: int
    accuracy: Estimate | None = None
    evidence: Estimate | None = None
    border: Estimate | None = None
    flip_share: Number = math.nan
    flips: int = 0
    beats: dict[str, int]
    targets: dict[str, int]

    @property
    def tested(self) -> int:
        """How many maps were tested, with a result."""
        return sum(self.beats.get(name, 0) for name in BEATS[:3])


@dataclass(frozen=True, kw_only=True)
class ChannelEffect:
    """How far the mean of a channel differs between two groups.

    Attributes
    ----------
    layer, channel
        Which.
    mean_here, mean_there
        Mean over the cases of each group.
    effect
        Cohen's d with its interval: above 0, the group is higher than the others.
    p, q
        Of the Mann-Whitney test, and after Benjamini and Hochberg over all channels and comparisons.
    auc
        Of the channel's mean alone: how often a case of the group is above one of the others, ties counting half.
    """

    layer: str
    channel: int
    mean_here: Number
    mean_there: Number
    effect: Estimate
    p: Number
    q: Number
    auc: Number

    @property
    def strength(self) -> float:
        """How far the AUC is from 0.5."""
        return abs(self.auc - 0.5)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A group against another, or against all others.

    Attributes
    ----------
    here, there
        Names of the groups.
    cases_here, cases_there
        How many.
    ranked_here, ranked_there
        How many of them are in the ranks: all, or a sample.
    exact
        Whether p comes from all orders, and not from the normal distribution.
    smallest_p
        The smallest that so many cases can reach.
    channels
        All of them.
    clear
        How many have q below 0.05.
    """

    here: str
    there: str
    cases_here: int
    cases_there: int
    ranked_here: int
    ranked_there: int
    exact: bool
    smallest_p: Number
    channels: tuple[ChannelEffect, ...]
    clear: int


@dataclass(frozen=True, kw_only=True)
class Example:
    """A case among others: enough to name it, show it and find its page.

    Attributes
    ----------
    item, case
        Its page, and its place there.
    name, group
        What to call it, and its group.
    label, said
        What it should be, if known, and what the model says.
    score
        Of what the model says.
    value
        Of what it is an example of.
    picture
        Name of the picture that shows it; empty: none does.
    """

    item: str
    case: int
    name: str
    group: str
    label: str | None
    said: str
    score: Number
    value: Number
    picture: str = ""


@dataclass(frozen=True, kw_only=True)
class SeparatingChannel:
    """A channel that separates well, with cases from its lowest to its highest mean.

    Attributes
    ----------
    contrast
        Place of the comparison.
    effect
        Its numbers.
    auc
        With its interval, by a bootstrap of patients.
    same_in
        Layers whose channel of the same number goes with it: it is listed once.
    examples
        At even steps through the ranks, the lowest first.
    """

    contrast: int
    effect: ChannelEffect
    auc: Estimate
    same_in: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def is_lower(self) -> bool:
        """Whether the group is lower than the others."""
        return self.auc.value < 0.5

    @property
    def separation(self) -> Estimate:
        """The AUC for the side that is higher: at least 0.5."""
        if not self.is_lower:
            return self.auc
        return Estimate(value=1 - self.auc.value, low=1 - self.auc.high, high=1 - self.auc.low)

    @property
    def difference(self) -> Estimate:
        """Cohen's d of the side that is higher."""
        d = self.effect.effect
        return Estimate(value=-d.value, low=-d.high, high=-d.low) if self.is_lower else d


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How alike the evidence maps of two cases are, on average over pairs: their correlation.

    Attributes
    ----------
    first, second
        The groups: the same one twice for pairs inside it.
    pairs
        How many.
    correlation
        Mean over all pairs, with its interval.
    """

    first: str
    second: str
    pairs: int
    correlation: Estimate


@dataclass(frozen=True, kw_only=True)
class Likenesses:
    """How alike maps are, inside groups and across them.

    Attributes
    ----------
    pairs
        Every two groups.
    inside, across
        Mean correlation over all pairs of cases of one group, and of different ones.
    p
        How often groups put together at random differ as much; NaN where there is one group.
    smallest_p
        The smallest that can be reached.
    permutations
        How many were tried.
    drawn
        How many cases took part in that.
    """

    pairs: tuple[Likeness, ...]
    inside: Number
    across: Number
    p: Number = math.nan
    smallest_p: Number = math.nan
    permutations: int = 0
    drawn: int = 0


@dataclass(frozen=True, kw_only=True)
class MapPoint:
    """A case on the two-dimensional map.

    Attributes
    ----------
    x, y
        Its place.
    example
        The case.
    """

    x: Number
    y: Number
    example: Example


@dataclass(frozen=True, kw_only=True)
class CaseMap:
    """All cases by their last features, in two dimensions.

    Attributes
    ----------
    method
        ``PCA`` or ``UMAP``.
    layer
        Whose output the features are.
    features
        How many there are.
    explained
        Of PCA, which share of the variance each axis has; else empty.
    points
        The cases, or some of them.
    """

    method: str
    layer: str
    features: int
    explained: tuple[Number, ...]
    points: tuple[MapPoint, ...]


@dataclass(frozen=True, kw_only=True)
class Notable:
    """Cases that stand out in one way.

    Attributes
    ----------
    kind
        ``typical``, ``surprising`` or ``outlying``.
    group
        Of which; empty: of all.
    cases
        The farthest first; ``value`` says how far.
    """

    kind: str
    group: str
    cases: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A sentence of what was found.

    Attributes
    ----------
    section
        Part of the page that it belongs to.
    text
        With its numbers.
    first
        Whether it stands at the top of the page, too.
    warning
        Whether the reader should be warned.
    """

    section: str
    text: str
    first: bool = False
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """All of a cohort.

    Attributes
    ----------
    schema_version, kind
        Of the JSON.
    title, created
        Of the page.
    model, model_sha256
        Its name and digest.
    class_names
        What it says.
    by
        What makes the groups.
    cases, ungrouped
        How many cases, and how many of them belong to no group.
    sample
        How many cases of a group at most are in what needs them all at once: ranks, and the axes of the map.
    groups
        The reference first.
    border_area
        Share of the image that the border is.
    contrasts
        Of two groups one; of more, each against the others; of one none.
    separating
        The channels that separate best.
    likenesses
        Of the maps; None without maps.
    scores
        ROC and all that, of each class that is measured; empty where no labels are known.
    scored, scored_sample
        How many cases these are of, and whether they are a sample.
    case_map
        None where there are too few cases.
    notable
        Cases that stand out.
    findings
        What was found, in sentences.
    pictures
        Charts and maps.
    versions
        Of the program and libraries.
    disclaimer
        What this is not.
    """

    schema_version: int = COHORT_SCHEMA
    kind: str = COHORT_KIND
    title: str
    created: str
    model: str
    model_sha256: str
    class_names: tuple[str, ...]
    by: str
    cases: int
    ungrouped: int
    sample: int
    groups: tuple[CohortGroup, ...]
    border_area: Number
    contrasts: tuple[Contrast, ...]
    separating: tuple[SeparatingChannel, ...]
    likenesses: Likenesses | None
    scores: tuple[ClassMeasures, ...]
    scored: int
    scored_sample: bool
    case_map: CaseMap | None
    notable: tuple[Notable, ...]
    findings: tuple[Finding, ...] = ()
    pictures: tuple[Picture, ...] = ()
    versions: dict[str, str]
    disclaimer: str = COHORT_DISCLAIMER
