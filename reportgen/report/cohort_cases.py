"""Cases of a cohort, as data: those that are shown as examples, or stand out, and all of them on a plane."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.report.numbers import Number


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
