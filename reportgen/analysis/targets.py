"""Which classes the occlusion scan of each case follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.findings import labelled_findings
from reportgen.analysis.predictions import Head, find_class, positive_class
from reportgen.report.report import is_reference
from reportgen.system.errors import SettingsError

Targets = tuple[tuple[int, ...], ...]
Wanted = str | int | tuple[str | int, ...]


def target_classes(wanted: Wanted, head: Head, labels: Sequence[str | None], scores: NDArray[np.float64]) -> Targets:
    """Return for each case the classes that the occlusion scan follows, the first being the one that is told first.

    Parameters
    ----------
    wanted
        A class or several of them, or ``auto``, ``predicted`` or ``label``. ``auto`` is the positive of two classes, so
        that cases can be compared: the one whose name does not say that nothing was found, else the second; of
        independent findings the first that a label names; else the predicted class; of a regression the first output.
        ``label`` is each case's own: of independent findings all that it names, and where it names none, what ``auto``
        gives.
    head
        Names the classes.
    labels
        Labels of the cases.
    scores
        ``(N, classes)``.

    Raises
    ------
    SettingsError
        When a class is unknown, or ``label`` is asked for and a case has none that is a class.
    """
    if not isinstance(wanted, str | int):
        chosen = tuple(dict.fromkeys(find_class(one, head.class_names) for one in wanted))
        if not chosen:
            raise SettingsError("occlusion.target names no class", "give one or several, or auto")
        return (chosen,) * len(labels)
    if wanted == "label":
        return _labelled(head, labels, scores)
    if wanted == "auto":
        return _automatic(head, labels, scores)
    if wanted == "predicted":
        return _predicted(head, scores)
    return ((find_class(wanted, head.class_names),),) * len(labels)


def _predicted(head: Head, scores: NDArray[np.float64]) -> Targets:
    return tuple((0 if head.is_regression else head.predicted(row),) for row in scores)


def _automatic(head: Head, labels: Sequence[str | None], scores: NDArray[np.float64]) -> Targets:
    if head.thresholds:
        named = [number for label in labels for number in labelled_findings(label, head.class_names).present]
        telling = [number for number in named if not is_reference(head.class_names[number])]
        return ((telling[0],),) * len(labels) if telling else _predicted(head, scores)
    if len(head.class_names) == 2 and not head.is_regression:
        return ((positive_class(head.class_names),),) * len(labels)
    return _predicted(head, scores)


def _labelled(head: Head, labels: Sequence[str | None], scores: NDArray[np.float64]) -> Targets:
    if any(label is None for label in labels):
        raise SettingsError("occlusion.target 'label' needs a label for every case", "write LABEL=IMAGE")
    if not head.thresholds:
        return tuple((find_class(str(label), head.class_names),) for label in labels)
    found = [labelled_findings(label, head.class_names) for label in labels]
    for label, one in zip(labels, found, strict=True):
        if not one.known:
            find_class(str(label), head.class_names)
    usual = _automatic(head, labels, scores)
    return tuple(one.present or other for one, other in zip(found, usual, strict=True))
