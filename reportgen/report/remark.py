"""What is said in a report: sentences that were measured, and the user's own words."""

from __future__ import annotations

from dataclasses import dataclass, field

from reportgen.report.numbers import Number


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One measured sentence.

    Attributes
    ----------
    section
        Where it belongs: ``headline`` (the first screen), ``model``, ``predictions``, ``occlusion``, ``differs`` or
        ``layers``.
    layer
        The layer it is about; None where it's about no single one.
    case
        The number of the case it is about, from 0; None where it isn't about one, or its text names it.
    target
        Which of the classes that the scan follows it is about, counted from 0.
    proof
        The part of the page that shows it; empty where it stands there itself.
    kind
        What was measured: ``edges``, ``bright``, ``negatives``, ``contrast``, ``sharpness``, ``dead``, ``not_finite``,
        ``compressed``, ``difference``, ...
    text
        What was measured, with its numbers.
    interpretation
        What it may mean; marked as an interpretation wherever it's shown. Empty when there is none.
    numbers
        The numbers behind the text, by case heading where they belong to a case.
    warning
        Whether the reader should be warned.
    """

    section: str
    layer: str | None = None
    case: int | None = None
    target: int = 0
    proof: str = ""
    kind: str
    text: str
    interpretation: str = ""
    numbers: dict[str, Number] = field(default_factory=dict)
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class Comment:
    """The user's own words for a section or a layer.

    Attributes
    ----------
    section
        Where they belong.
    layer
        The layer they are about; None where it's the section as a whole.
    markdown
        The words, as they were given.
    author
        Who wrote them; empty where nobody is named.
    """

    section: str
    layer: str | None = None
    markdown: str
    author: str = ""
