"""What is read of a case that was run before, and which group it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.cohort.regions import RegionNumbers
from reportgen.system.errors import SettingsError

LABEL, PREDICTED, CORRECT, NONE = "label", "predicted", "correct", "none"
MOST_GROUPS = 12


class CaseNumbers(Protocol):
    """Numbers of one case, as :class:`reportgen.batch.numbers.CaseNumbers` keeps them."""

    @property
    def item(self) -> str:
        """The page that it stands on."""

    @property
    def case(self) -> int:
        """Its place there."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def label(self) -> str | None:
        """As given."""

    @property
    def sha256(self) -> str:
        """Digest of the image."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """``(classes,)``."""

    @property
    def predicted(self) -> int:
        """Number of the class that is said."""

    @property
    def correct(self) -> bool | None:
        """Whether that is the label's."""

    @property
    def target(self) -> int:
        """Number of the class that the evidence is for."""

    @property
    def base_evidence(self) -> float:
        """For it, in bits."""

    @property
    def beats_chance(self) -> str:
        """``both``, ``one``, ``none``, ``unknown`` or empty."""

    @property
    def flip_share(self) -> float:
        """Share of the pixels whose blurring flips the decision."""

    @property
    def border_share(self) -> float:
        """Share of the evidence in the border."""

    @property
    def channel_means(self) -> Mapping[str, NDArray[np.float32]]:
        """``(channels,)`` by layer."""

    @property
    def features(self) -> NDArray[np.float32]:
        """``(F,)``, what goes into the head."""

    @property
    def features_layer(self) -> str:
        """Of which layer."""

    @property
    def thumbnail(self) -> NDArray[np.uint8]:
        """``(h, w)`` or ``(h, w, 3)``."""

    @property
    def evidence(self) -> NDArray[Any] | None:
        """``(h, w)``, bits at each pixel of the input."""

    @property
    def columns(self) -> Mapping[str, str]:
        """What the table of cases says of it."""

    @property
    def regions(self) -> Sequence[RegionNumbers]:
        """Its known regions."""


def key_of(case: CaseNumbers) -> str:
    """Return what tells a case from all others of a batch."""
    return f"{case.item}/{case.case}"


@dataclass(frozen=True)
class Grouping:
    """What makes the groups of a cohort.

    Attributes
    ----------
    by
        ``label``, ``predicted``, ``correct``, ``none`` (all are one group), or a column of the table of cases.
    class_names
        Of the model.
    only
        The groups that are wanted; empty: all.
    everything, right, wrong
        What the groups are called that no table names.
    """

    by: str
    class_names: tuple[str, ...]
    only: tuple[str, ...] = ()
    everything: str = "all"
    right: str = "told right"
    wrong: str = "told wrong"

    def group_of(self, case: CaseNumbers) -> str:
        """Return the group of a case; empty where nothing is known that would tell it, or it isn't wanted.

        Raises
        ------
        SettingsError
            When the table has no such column.
        """
        name = self._named(case)
        return name if not self.only or name in self.only else ""

    def _named(self, case: CaseNumbers) -> str:
        if self.by == NONE:
            return self.everything
        if self.by == PREDICTED:
            return self.class_names[case.predicted] if np.isfinite(case.scores).all() else ""
        if self.by == CORRECT:
            return "" if case.correct is None else self.right if case.correct else self.wrong
        if self.by == LABEL:
            return (case.label or "").strip()
        if self.by not in case.columns:
            there = ", ".join([LABEL, PREDICTED, CORRECT, *(name for name in case.columns if name != LABEL)])
            raise SettingsError(f"--by names no column of the cases: '{self.by}'", f"give one of {there}")
        return case.columns[self.by].strip()


def patient_of(case: CaseNumbers) -> str:
    """Return whose image it is; a case without a patient is by itself."""
    return next((value for name, value in case.columns.items() if name.casefold() == "patient" and value), key_of(case))


def gray(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a picture ``(h, w)`` or ``(h, w, 3)`` as gray ``(h, w)``, 0 to 255."""
    values = np.asarray(picture, np.float64)
    return values if values.ndim == 2 else np.asarray(values @ [0.299, 0.587, 0.114])
