"""A report from within a notebook: a model and images as they are there, and a report that shows itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.activations import feature_maps
from reportgen.analysis.runs import Runs, Subject
from reportgen.figures.channel import backdrop, channel_pictures
from reportgen.images.cases import Case
from reportgen.images.given import given_cases
from reportgen.models.loader import LoadedModel
from reportgen.outputs.notebook.views import ExplainedReport
from reportgen.report.picture import Picture, case_picture_name, channel_kind
from reportgen.settings.file import settings_from
from reportgen.settings.report import Settings
from reportgen.system.language import speaking
from reportgen.system.progress import Stopwatch
from reportgen.system.silence import silence_tensorflow
from reportgen.workflows.pipeline import load, prepare_libraries, walk


def explain(
    model: Any,
    images: Any,
    *,
    labels: Sequence[Any] | None = None,
    class_names: Sequence[str] | None = None,
    progress: bool = True,
    **settings: Any,
) -> ExplainedReport:
    """Explain what a model does with a few images; the report shows itself in a notebook.

    Parameters
    ----------
    model
        A Keras model, a file, ``keras:NAME``, a :class:`LoadedModel`, or None: the built-in one.
    images
        1 to 12: an array or tensor ``(H, W)``, ``(H, W, C)`` or ``(N, H, W, C)`` before preprocessing, 0 to 255 (or 0
        to 1, where none is above); a Pillow image; a path; (label, image); a list of these; a ``tf.data.Dataset``, or
        one of its batches, with its labels.
    labels
        What each shows: names, numbers of classes, or rows with a number for each class; of a model that gives numbers,
        the numbers themselves. None: as the images say.
    class_names
        In the order of the model's outputs; None: of the dataset, the model's notes, or the labels.
    progress
        Whether to show how far it is, in steps that take longer than 2 s.
    **settings
        As in a settings file: ``occlusion={"patch": 16}``, ``layers={"first": 4}``, ``title="…"``.

    Returns
    -------
    ExplainedReport
        A :class:`Report`; ``cases[0]``, ``cases[0].evidence``, ``layers["name"]`` and its ``channel(17)`` show
        themselves, too, and give arrays and tables.

    Raises
    ------
    ReportgenError
        When something that was given can't be used.
    """
    chosen = settings_from(settings)
    if "tensorflow" not in sys.modules:
        with silence_tensorflow(debug=False):
            prepare_libraries()
    names = class_names if class_names is not None else getattr(images, "class_names", None)
    if names is not None and chosen.model.class_names is None:
        chosen = replace(chosen, model=replace(chosen.model, class_names=tuple(map(str, names))))
    with speaking(chosen.language):
        loaded, cases = _load(model, images, labels, chosen)
    walked = walk(loaded, cases, chosen, Stopwatch(progress))
    return ExplainedReport.of(walked.report, KeptModel.of(walked.subject, walked.runs, chosen))


def _load(
    model: Any, images: Any, labels: Sequence[Any] | None, chosen: Settings
) -> tuple[LoadedModel, list[Case]]:  # fmt: skip
    """Return the model and the cases; numbers as labels take the model's names, names may make them."""
    early: list[LoadedModel] = []

    def names() -> Sequence[str]:
        if not early:
            early.append(load(model, chosen, ()))
        return early[0].label_names

    cases = given_cases(images, labels, names, chosen.images, chosen.limits)
    return (early[0] if early else load(model, chosen, cases)), cases


@dataclass
class KeptModel:
    """The model and its inputs, so that feature maps can be computed again; keeps the last layer's.

    Attributes
    ----------
    subject
        The traced model.
    inputs
        ``(N, H, W, C)``, in the model's units.
    backdrops
        The inputs, small, as pictures.
    titles
        What the cases are called.
    colours
        Of channels.
    """

    subject: Subject
    inputs: NDArray[np.float32]
    backdrops: tuple[Picture, ...]
    titles: tuple[str, ...]
    colours: str
    _last: tuple[str, NDArray[np.float32]] | None = None

    @classmethod
    def of(cls, subject: Subject, runs: Runs, settings: Settings) -> KeptModel:
        """Return what is kept of a walk."""
        return cls(
            subject,
            np.stack([run.prepared for run in runs]),
            tuple(backdrop(case_picture_name(run.number, "backdrop"), run.title, run.image) for run in runs),
            tuple(run.title for run in runs),
            settings.feature_maps.colours,
        )

    def maps(self, layer: str) -> NDArray[np.float32]:
        """Return the feature maps of a layer, ``(N, H, W, C)``, as one pass over all cases gives them."""
        if self._last is None or self._last[0] != layer:
            call = next(one for one in self.subject.layers if one.path == layer)
            (found,) = feature_maps(self.subject.graph, [call], self.inputs)
            found.values.setflags(write=False)  # it is handed out more than once
            self._last = (layer, found.values)
        return self._last[1]

    def pictures(self, layer: str, channel: int) -> list[tuple[Picture, Picture]]:
        """Return a channel as pictures on one scale, and the inputs that lie under them."""
        names = [case_picture_name(number, channel_kind(channel)) for number in range(len(self.titles))]
        drawn = channel_pictures(names, self.titles, layer, channel, self.maps(layer)[..., channel], self.colours)
        return list(zip(drawn, self.backdrops, strict=True))
