"""Two models on the same cases, as data: where they say different things, and where their evidence lies elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.report.cohort import Finding
from reportgen.report.estimates import Difference, Estimate
from reportgen.report.numbers import Number
from reportgen.report.picture import Picture
from reportgen.system.language import ENGLISH, mark

TWO_MODELS_SCHEMA = 1
TWO_MODELS_KIND = "comparison of two models"
TWO_MODELS_DISCLAIMER = mark(
    "This page tells what two models say of the same images. It is not a diagnosis of any of them, and no proof that "
    "one model is better on others."
)


@dataclass(frozen=True, kw_only=True)
class ModelSide:
    """One of the two models.

    Attributes
    ----------
    name, sha256
        Of the model.
    short
        What it is called on the page: A or B.
    rates
        (class, sensitivity, specificity) as it decides, of the classes that are measured; empty without labels.
    accuracy
        Share of the cases with a known label that are told right; None without any.
    """

    name: str
    sha256: str
    short: str
    rates: tuple[tuple[str, Estimate, Estimate], ...] = ()
    accuracy: Estimate | None = None


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Cases of which only one model says something, and McNemar's exact test of whether that is chance.

    Attributes
    ----------
    what
        What is said: ``right``, or a class.
    both, first, second, neither
        Cases of which both say it, only A, only B, neither.
    p
        Two-sided: how often chance would divide the cases with only one so unevenly, or more so.
    """

    what: str
    both: int
    first: int
    second: int
    neither: int
    p: Number


@dataclass(frozen=True, kw_only=True)
class ComparedCase:
    """A case and what both models say.

    Attributes
    ----------
    name, sha256, label
        Of the case.
    said, scores
        What A and B say of it, and the scores of what is compared.
    class_name
        Whose scores these are.
    value
        Of what the case is shown for.
    pages
        Items of a batch in which A and B have a report of it; empty: none.
    picture
        Name of the picture that shows it; empty: none does.
    """

    name: str
    sha256: str
    label: str | None
    said: tuple[str, str]
    scores: tuple[Number, Number]
    class_name: str
    value: Number
    pages: tuple[str, str] = ("", "")
    picture: str = ""


@dataclass(frozen=True, kw_only=True)
class TwoModels:
    """All of a comparison.

    Attributes
    ----------
    schema_version, kind
        Of the JSON.
    title, created
        Of the page.
    first, second
        The models, A and B.
    class_names
        What they say, in the order of A.
    language
        That sentences and pictures are in.
    cases, lone
        Cases of both, and those that only one has.
    flips
        Cases of which they say different things.
    said
        Cases by what A says (rows) and what B says (columns); empty for independent findings.
    paired
        What only one of them says: right, where labels are known; else each class.
    differences
        Measures of A minus those of B with paired intervals; empty without labels of both sides.
    labelled
        How many cases these are of.
    rank_correlation
        Spearman's, of the scores.
    map_correlation
        Mean of the correlation of both evidence maps of a case; None without maps.
    mapped, other_targets
        Cases with two maps, and those whose maps are of different classes, which are not compared.
    disagreeing
        The cases of which they say different things, those with the farthest scores first.
    moved
        The cases whose maps are the least alike.
    sample
        How many cases at most are in what needs all at once.
    findings, pictures, versions, disclaimer
        As in a cohort.
    """

    schema_version: int = TWO_MODELS_SCHEMA
    kind: str = TWO_MODELS_KIND
    title: str
    created: str
    first: ModelSide
    second: ModelSide
    class_names: tuple[str, ...]
    language: str = ENGLISH
    cases: int
    lone: int
    flips: int
    said: tuple[tuple[int, ...], ...]
    paired: tuple[Paired, ...]
    differences: tuple[Difference, ...]
    labelled: int
    rank_correlation: Number = math.nan
    map_correlation: Estimate | None = None
    mapped: int = 0
    other_targets: int = 0
    disagreeing: tuple[ComparedCase, ...] = ()
    moved: tuple[ComparedCase, ...] = ()
    sample: int
    findings: tuple[Finding, ...] = ()
    pictures: tuple[Picture, ...] = ()
    versions: dict[str, str]
    disclaimer: str = TWO_MODELS_DISCLAIMER
