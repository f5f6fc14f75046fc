"""The report as data: what was measured, what was drawn, and where it all came from.

Nothing here reads, computes or writes: frozen dataclasses of plain numbers, texts and encoded pictures, which turn into
JSON and back. Only what lives on is here; activations are measured and dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reportgen.report.brand import Brand
from reportgen.report.by_class import EvidenceOfClass, what_is_said
from reportgen.report.channels import Differences, FeaturedChannels
from reportgen.report.decision import Decision
from reportgen.report.evidence import OcclusionMap
from reportgen.report.findings import Finding
from reportgen.report.grid_shift import GridShift
from reportgen.report.importance import combined_importance
from reportgen.report.known_regions import KnownRegions
from reportgen.report.layer import LayerReport
from reportgen.report.maptest import MapTest
from reportgen.report.measures import Measure
from reportgen.report.model import ModelReport
from reportgen.report.names import find_name, plain_name
from reportgen.report.numbers import Number
from reportgen.report.picture import Picture
from reportgen.report.regions import Regions
from reportgen.report.remark import Comment, Remark
from reportgen.report.sanity import SanityTest
from reportgen.report.section import FurtherSection
from reportgen.report.views import Standing, View, compare_maps
from reportgen.system.errors import ReportgenError
from reportgen.system.language import ENGLISH, languages, mark, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA_VERSION = 2
JSON_NAMES = {"class_name": "class"}  # fields that JSON calls otherwise, wherever they stand
DISCLAIMER = mark(
    "This report explains how a model responds to images. It is not a diagnosis and must not be used as one."
)
NOTHING_FOUND = "No Finding"
REGRESSION = "regression"  # the head of a model that gives numbers
REFERENCE_LABELS = ("normal", "healthy", "negative", "control", "benign", "no finding")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One class and its score.

    Attributes
    ----------
    class_name
        Name of the class; of a regression, of the output.
    score
        0 to 1; of a regression, the output's value.
    """

    class_name: str
    score: Number


@dataclass(frozen=True, kw_only=True)
class PreprocessingTrial:
    """What comes out under one of the usual preprocessings.

    Attributes
    ----------
    name
        Such as ``0 to 1``.
    description
        The map in numbers.
    chosen
        Whether the report uses it.
    predictions
        The predicted class of each case, in the order of the cases.
    doubt
        Why these scores can hardly be meant; empty when nothing speaks against them.
    flag
        What to say to use it; empty where nothing needs to be said.
    correct
        For each case whether it is then predicted as labelled; None where that can't be said.
    """

    name: str
    description: str
    chosen: bool
    predictions: tuple[Prediction, ...]
    doubt: str = ""
    flag: str = ""
    correct: tuple[bool | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TensorSummary:
    """Shape and range of a tensor on the way from the file to the scores.

    Attributes
    ----------
    name
        Which step it is: ``image as read``, ``model output``, ...
    shape
        Without the batch axis.
    minimum, maximum
        Of its values.
    """

    name: str
    shape: tuple[int, ...]
    minimum: Number
    maximum: Number


@dataclass(frozen=True, kw_only=True)
class CaseReport:
    """All that was measured of one image.

    Attributes
    ----------
    label
        What the image is said to show; None when unknown.
    name
        File name without folders, or what the caller named it.
    heading
        What to call it in the report: its label or name, with what tells it from others of the same label.
    sha256
        Digest of the file.
    kind
        Format and mode as stored, such as ``JPEG, gray 8 bit``.
    height, width
        In pixels as stored, upright.
    notes
        What was done to the image on the way, one sentence each.
    predictions
        The predicted class first, then by score, at most five; of independent findings all, those that are said first.
    correct
        Whether the first prediction is the label (of independent findings: whether each is as labelled); None where the
        label is missing or names no class.
    target_class
        The class that the occlusion scan follows.
    tensors
        Shape and range at each step from file to scores.
    occlusion
        The scan's map for that class; None when it was switched off.
    layers
        In the order of the model.
    findings
        Each independent finding in the model's order; empty where the classes exclude each other.
    further_occlusion
        The same scan's map for each further class that it was asked to follow.
    map_test
        Whether the map of the first class is better than chance; None where that was not tried.
    decision
        What decides the case; None where there is no decision to flip, or it was not tried.
    known_regions
        The evidence against the image's border and against known regions; None without a scan.
    sanity
        Whether the map of the first class goes with what the model has learned; None where that was not tried.
    measures
        Of the map of the first class: of faithfulness, robustness, localisation, complexity, randomisation and axioms,
        as far as they were taken.
    regions
        The strongest regions of the first class's map; None where they were not looked for.
    views
        Other views of the first class, as asked for.
    grid_shift
        How far the map of the first class depends on where its grid begins; None where that can't be told.
    further_tests, further_decisions
        Of each further class, in their order, what ``map_test`` and ``decision`` are of the first; empty where none was
        tried.
    """

    label: str | None
    name: str
    heading: str = ""
    sha256: str
    kind: str
    height: int
    width: int
    notes: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    correct: bool | None
    target_class: str
    tensors: tuple[TensorSummary, ...]
    occlusion: OcclusionMap | None
    layers: tuple[LayerReport, ...]
    findings: tuple[Finding, ...] = ()
    further_occlusion: tuple[OcclusionMap, ...] = ()
    map_test: MapTest | None = None
    decision: Decision | None = None
    known_regions: KnownRegions | None = None
    sanity: SanityTest | None = None
    measures: tuple[Measure, ...] = ()
    regions: Regions | None = None
    views: tuple[View, ...] = ()
    grid_shift: GridShift | None = None
    further_tests: tuple[MapTest | None, ...] = ()
    further_decisions: tuple[Decision | None, ...] = ()

    @property
    def title(self) -> str:
        """What to call the case: its heading, else its label, else its name."""
        return self.heading or self.label or self.name

    @property
    def occlusion_maps(self) -> tuple[OcclusionMap, ...]:
        """The maps of all classes that the scan follows."""
        return (*([self.occlusion] if self.occlusion else []), *self.further_occlusion)

    @property
    def evidence_by_class(self) -> tuple[EvidenceOfClass, ...]:
        """The map of each class that the scan follows, with its test and what decides."""
        further = len(self.further_occlusion)
        tests = (self.map_test, *(self.further_tests or (None,) * further))
        present = [one.class_name for one in self.findings if one.present] if self.findings else None
        decisions = (self.decision, *(self.further_decisions or (None,) * further))
        return tuple(
            EvidenceOfClass(
                number,
                say("{case}, map of {name}", case=self.title, name=found.target_class) if further else self.title,
                found,
                test,
                decision,
                *what_is_said(found, [one.class_name for one in self.predictions], present),
            )
            for number, (found, test, decision) in enumerate(zip(self.occlusion_maps, tests, decisions, strict=False))
        )

    @property
    def map_standings(self) -> tuple[Standing, ...]:
        """How the maps of the first class stand their test, where there are other views than the scan."""
        return compare_maps(self.map_test, self.occlusion.positions if self.occlusion else 0, self.views)

    def importance_map(self) -> NDArray[np.float64]:
        """Return how much each pixel matters to the target class, from what the report holds.

        Returns
        -------
        ndarray
            ``(H, W)`` at the size of the model's input, in bits (of a regression, and in reports of schema 1: in units
            of the output), positive where covering lowers the target class; NaN where nothing is known.

        Raises
        ------
        ReportgenError
            When the report was made without an occlusion scan.
        """
        if self.occlusion is None:
            raise ReportgenError(
                f"the report has no occlusion scan of '{self.title}'", "make it anew without --no-occlusion"
            )
        return combined_importance(self.occlusion)


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole report: everything that any output needs.

    :attr:`side_by_side` has the cases in the order they're shown in, :meth:`picture` finds a picture by its name.

    Attributes
    ----------
    schema_version
        Of the fields and what they mean.
    title
        As set, else made of the labels.
    created
        When, in UTC (ISO 8601); from ``SOURCE_DATE_EPOCH`` where that is set.
    model
        What goes in, what comes out, and each layer.
    cases
        In the order they were given.
    remarks
        What was measured, in sentences, and warnings.
    trials
        What comes out under each usual preprocessing; only with ``--preprocess try``, else empty.
    comments
        The user's commentary.
    settings
        As used, without paths.
    versions
        Of reportgen, Python and the libraries.
    timings
        Seconds for each step; never in the HTML.
    disclaimer
        The sentence that this is no diagnosis.
    pictures
        All that it shows.
    brand
        Whose look it has; None: the program's own.
    further_sections
        What was added to the program's own sections.
    differences
        How far the channels respond differently to the cases; None where there are no two groups of them.
    featured
        The channels that are shown by themselves; None where there are none.
    """

    schema_version: int = SCHEMA_VERSION
    title: str
    created: str
    model: ModelReport
    cases: tuple[CaseReport, ...]
    remarks: tuple[Remark, ...]
    trials: tuple[PreprocessingTrial, ...] = ()
    comments: tuple[Comment, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    timings: dict[str, Number] = field(default_factory=dict)
    disclaimer: str = DISCLAIMER
    pictures: tuple[Picture, ...] = ()
    brand: Brand | None = None
    further_sections: tuple[FurtherSection, ...] = ()
    differences: Differences | None = None
    featured: FeaturedChannels | None = None

    @property
    def language(self) -> str:
        """The code of the language that it speaks, as set; English where the settings don't tell."""
        language = self.settings.get("language")
        return language if isinstance(language, str) and language in languages() else ENGLISH

    @property
    def side_by_side(self) -> tuple[tuple[int, CaseReport], ...]:
        """(index, case), those labelled as normal first: normal left, pneumonia right."""
        return tuple(sorted(enumerate(self.cases), key=lambda item: not is_reference(item[1].label)))

    def picture(self, name: str) -> Picture | None:
        """Return the picture of that name, or None."""
        return next((picture for picture in self.pictures if picture.name == name), None)


def verdict(case: CaseReport, model: ModelReport) -> tuple[str, str]:
    """Return ``right``, ``wrong`` or ``unknown``, and in words how a prediction compares with the case's label."""
    if model.head == REGRESSION:
        return "unknown", say("a number, not the score of a class")
    if case.findings and case.correct is not None:
        known = [one.correct for one in case.findings if one.correct is not None]
        return ("right" if case.correct else "wrong"), say(
            "{right} of {count} findings as labelled", right=sum(known), count=len(known)
        )
    if case.correct is not None:
        return ("right", say("as labelled")) if case.correct else ("wrong", say("not as labelled"))
    if case.label is None:
        return "unknown", say("no label given")
    is_class = find_name(case.label, model.class_names) is not None
    return "unknown", say("undecided") if is_class else say("its label is not one of the classes")


def said(case: CaseReport) -> str:
    """Name what the model says of a case: the predicted class, or every finding that reaches its threshold."""
    if not case.findings:
        return case.predictions[0].class_name
    present = sum(one.present for one in case.findings)
    return " + ".join(one.class_name for one in case.predictions[:present]) or NOTHING_FOUND


def is_reference(label: str | None) -> bool:
    """Return whether a label says that nothing was found: such a case is what others are compared with."""
    return label is not None and plain_name(label) in {plain_name(known) for known in REFERENCE_LABELS}


def readable(number: float) -> str:
    """Return a number with three decimals, or three significant digits where three decimals would hide it."""
    if not math.isfinite(number):
        return say("not a number")
    return f"{abs(number):.3f}" if number == 0 else f"{number:.3f}" if abs(number) >= 0.01 else f"{number:.3g}"
