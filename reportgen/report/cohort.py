"""A cohort as data: what groups of many cases have in common, and in what they differ.

As in :mod:`reportgen.report.report`, nothing here reads, computes or writes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.cohort_cases import CaseMap, Notable
from reportgen.report.cohort_channels import Contrast, SeparatingChannel
from reportgen.report.cohort_maps import Likenesses, RegionInGroup
from reportgen.report.estimates import Estimate
from reportgen.report.evaluation import ClassMeasures
from reportgen.report.numbers import Number
from reportgen.report.picture import Picture
from reportgen.system.language import ENGLISH, mark

COHORT_SCHEMA = 1
COHORT_KIND = "cohort"
COHORT_DISCLAIMER = mark(
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
    regions
        Known regions, in the order of their names.
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
    regions: tuple[RegionInGroup, ...] = ()

    @property
    def tested(self) -> int:
        """How many maps were tested, with a result."""
        return sum(self.beats.get(name, 0) for name in BEATS[:3])


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
    language
        That sentences and pictures are in.
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
    regions, regions_cut
        Names of the known regions, and whether there were more than are listed.
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
    language: str = ENGLISH
    by: str
    cases: int
    ungrouped: int
    sample: int
    groups: tuple[CohortGroup, ...]
    border_area: Number
    regions: tuple[str, ...] = ()
    regions_cut: bool = False
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
