"""What is read of a case that was run before, and which group it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

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


def key_of(case: CaseNumbers) -> str:
    """Return what tells a case from all others of a batch."""
    return f"{case.item}/{case.case}"


def group_of(case: CaseNumbers, by: str, class_names: tuple[str, ...]) -> str:
    """Return the name of a case's group; empty where nothing is known.

    Parameters
    ----------
    case
        The case.
    by
        ``label``, ``predicted``, ``correct``, ``none`` (all are one group), or a column of the table of cases.
    class_names
        Of the model.

    Raises
    ------
    SettingsError
        When the table has no such column.
    """
    if by == NONE:
        return "all"
    if by == PREDICTED:
        return class_names[case.predicted]
    if by == CORRECT:
        return "" if case.correct is None else "told right" if case.correct else "told wrong"
    if by == LABEL:
        return (case.label or "").strip()
    if by not in case.columns:
        there = ", ".join([LABEL, PREDICTED, CORRECT, *(name for name in case.columns if name != LABEL)])
        raise SettingsError(f"--by names no column of the cases: '{by}'", f"give one of {there}")
    return case.columns[by].strip()


def patient_of(case: CaseNumbers) -> str:
    """Return whose image it is; a case without a patient is by itself."""
    return next((value for name, value in case.columns.items() if name.casefold() == "patient" and value), key_of(case))


def gray(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a picture ``(h, w)`` or ``(h, w, 3)`` as gray ``(h, w)``, 0 to 255."""
    values = np.asarray(picture, np.float64)
    return values if values.ndim == 2 else np.asarray(values @ [0.299, 0.587, 0.114])
