"""What is expected of a model, of its cases, layers and scores on data: the file of ``reportgen check --expect``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from reportgen.settings.file import parse_as, read_file
from reportgen.settings.values import LARGEST, CountOrNone, Fraction, Number
from reportgen.system.errors import SettingsError

NAMING = ("case", "path", "split", "class_name")  # what says of what something is expected, and expects nothing
_Place = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]


@dataclass(frozen=True, kw_only=True)
class CaseExpectation:
    """``[[cases]]``: what is expected of one case of the report.

    Attributes
    ----------
    case
        Its label, its heading or its file's name; or its number, the first being 1.
    predicted
        The class that is said; of findings all of them, such as ``A + B``. None: any.
    score_at_least, score_at_most
        Limits of scores by class; of a regression, of the output by its name.
    beats_chance
        Whether the map is better than random orders, both when pixels go and when they come back.
    inside_at_least
        By name of a known region (a mask or a box of the case): the least share of the evidence that lies inside.
    border_at_most
        The largest share of the evidence that may lie at the border of the image.
    flip_at_least, flip_at_most
        Limits of the smallest share of the image whose blurring flips the decision. Where none flips it, it's at least
        anything and at most nothing.
    """

    case: str | _Place
    predicted: str | None = None
    score_at_least: dict[str, Number] = field(default_factory=dict)
    score_at_most: dict[str, Number] = field(default_factory=dict)
    beats_chance: bool | None = None
    inside_at_least: dict[str, Fraction] = field(default_factory=dict)
    border_at_most: Fraction | None = None
    flip_at_least: Fraction | None = None
    flip_at_most: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class LayerExpectation:
    """``[[layers]]``: what is expected of the feature maps of layers, over all cases.

    Attributes
    ----------
    layer
        The name of a shown layer, or a pattern such as ``conv*``: each layer that it fits by itself.
    dead_at_most
        How many channels of a layer may be dead: all values equal, in every case.
    """

    layer: str
    dead_at_most: CountOrNone


@dataclass(frozen=True, kw_only=True)
class DataExpectation:
    """``[[data]]``: what is expected of the scores on labelled images.

    Attributes
    ----------
    path
        A data set as ``reportgen evaluate`` takes it, or what it wrote with ``--json``.
    split
        Which part: ``train``, ``validation``, ``test`` or ``all``; None: as there.
    class_name
        The class whose AUC is meant; None: the positive one of two, the mean over several.
    auc_at_least
        The least area under the ROC curve.
    auc_low_at_least
        The least lower end of its 95 % interval.
    accuracy_at_least
        The least share of images that are told right.
    """

    path: str
    split: str | None = None
    class_name: str | None = None
    auc_at_least: Fraction | None = None
    auc_low_at_least: Fraction | None = None
    accuracy_at_least: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """All that is expected.

    Attributes
    ----------
    cases
        Of cases.
    layers
        Of layers.
    data
        Of data sets.
    """

    cases: tuple[CaseExpectation, ...] = ()
    layers: tuple[LayerExpectation, ...] = ()
    data: tuple[DataExpectation, ...] = ()

    @property
    def of_maps(self) -> bool:
        """Whether any is about where the model looked."""
        return any(
            one.beats_chance is not None or one.inside_at_least or one.border_at_most is not None
            or one.flip_at_least is not None or one.flip_at_most is not None
            for one in self.cases
        )  # fmt: skip

    @property
    def of_tests(self) -> bool:
        """Whether any is about the test of a map."""
        return any(one.beats_chance is not None for one in self.cases)


def read_expectations(path: Path) -> Expectations:
    """Read a file of expectations, its paths made relative to its folder.

    Raises
    ------
    SettingsError
        When it can't be read, has an unknown key or a wrong value, or expects nothing.
    """
    found = parse_as(read_file(path, "file of expectations"), Expectations, str(path))
    limited: tuple[CaseExpectation | DataExpectation, ...] = (*found.cases, *found.data)
    empty = [one for one in limited if not _limits(one)]
    if empty or not (found.cases or found.layers or found.data):
        what = f"nothing is expected of {_name(empty[0])!r}" if empty else "nothing is expected"
        raise SettingsError(f"{path}: {what}", "give it a limit, such as predicted or auc_at_least (docs/ci.md)")
    data = tuple(dataclasses.replace(one, path=str(path.parent / one.path)) for one in found.data)
    return dataclasses.replace(found, data=data)


def _limits(one: CaseExpectation | DataExpectation) -> bool:
    return any(value not in (None, {}) for name, value in vars(one).items() if name not in NAMING)


def _name(one: CaseExpectation | DataExpectation) -> str | int:
    return one.case if isinstance(one, CaseExpectation) else one.path
