"""The Keras callback that looks at a few cases after each epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from reportgen.images.given import given_cases
from reportgen.models.loader import load_model
from reportgen.settings.file import merge, settings_from
from reportgen.system.errors import ModelError, ReportgenError, SettingsError
from reportgen.system.language import speaking
from reportgen.system.progress import tell_above
from reportgen.workflows.epochs import TrainingWatch
from reportgen.workflows.tensorboard import BoardWriter

_CHEAP = {"page": {"others": False}, "layers": {"deciding": False}, "occlusion": {"fill": "mean", "test": False}}
_PATCH, _STRIDE = 5, 10  # parts of a side


class ReportCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Looks at a few cases after each epoch, and writes one page that shows how the model came to what it says.

    Parameters
    ----------
    cases
        1 to 12 images in any form that :func:`reportgen.explain` takes. Where the model chooses among classes they need
        labels, so that the same class is followed in all epochs.
    every
        After which epochs: the first, and each whose number is a multiple of this.
    out
        A folder for the record and the pages; made if needed. Where it holds a training that was interrupted and goes
        on (``initial_epoch``, or ``BackupAndRestore``), its epochs are kept.
    labels, class_names
        As for :func:`reportgen.explain`.
    channels
        (layer, channel) of each channel to draw; None: two of the first and two of the last convolution.
    tensorboard
        A folder for TensorBoard, which then shows scores, evidence, dead channels, and the maps as images; None: none.
    overwrite
        Whether a training that begins at its first epoch may take the place of what the folder holds.
    settings
        As in a settings file, over the cheap defaults: one patch of a fifth of each side in steps of a tenth, one fill.

    Attributes
    ----------
    seconds
        What it took so far, in all.
    """

    def __init__(
        self,
        cases: Any,
        every: int = 1,
        out: str | Path = "runs/",
        *,
        labels: Sequence[Any] | None = None,
        class_names: Sequence[str] | None = None,
        channels: Sequence[tuple[str, int]] | None = None,
        tensorboard: str | Path | None = None,
        overwrite: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise SettingsError(f"every is {every}", "give 1 or more epochs")
        self._cases, self._labels, self._names, self._channels = cases, labels, class_names, channels
        self._every, self._out, self._overwrite = every, Path(out), overwrite
        self._settings = settings or {}
        self._board = BoardWriter(Path(tensorboard)) if tensorboard is not None else None
        self._watch: TrainingWatch | None = None
        self._begun = False
        self._shift = self._done = 0
        self.seconds = 0.0

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
        """Get to know model and cases: what can't be used is refused before anything is learned.

        Raises
        ------
        ReportgenError
            When something that was given can't be used.
        """
        started = time.perf_counter()
        self._begun = False
        if self._watch is None:
            self._watch = self._prepare()
        self.seconds += time.perf_counter() - started

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Take up what the folder holds, at the first epoch of a training.

        Raises
        ------
        OutputError
            When the folder holds another training.
        """
        if self._begun or self._watch is None:
            return
        self._begun = True
        if self._done:
            # fit was called once more: Keras counts from 0 again, the model goes on
            self._shift = self._done if epoch == 0 else 0
        else:
            self._watch.start(epoch + 1, overwrite=self._overwrite)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the cases; what can't be written is told, and the training goes on."""
        started, number = time.perf_counter(), epoch + 1 + self._shift
        self._done = number
        if self._watch is not None and (number == 1 or number % self._every == 0):
            try:
                seen = self._watch.look(number, logs or {})
                if self._board is not None:
                    self._board.write(self._watch.record, seen)
            except ReportgenError as problem:
                tell_above(f"reportgen: epoch {number} is not recorded: {problem}")
        self.seconds += time.perf_counter() - started

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        """Write the page of the training; what can't be written is told, and what was learned stays."""
        started = time.perf_counter()
        try:
            if self._watch is not None:
                self._watch.finish()
        except ReportgenError as problem:
            tell_above(f"reportgen: the page of the training is not written: {problem}")
        self.seconds += time.perf_counter() - started

    def _prepare(self) -> TrainingWatch:
        height, width = _input_size(self.model)
        patch = [max(1, round(height / _PATCH)), max(1, round(width / _PATCH))]
        stride = [max(1, round(height / _STRIDE)), max(1, round(width / _STRIDE))]
        cheap = merge(_CHEAP, {"occlusion": {"patch": patch, "stride": stride}})
        chosen = settings_from(merge(cheap, self._settings))
        if chosen.model.input_size is None and not getattr(self.model, "inputs", None):
            raise ModelError(
                "the model doesn't say how large its images are",
                'begin it with layers.Input, or give settings={"model": {"input_size": [height, width, channels]}}',
            )
        names = self._names if self._names is not None else getattr(self._cases, "class_names", None)
        if names is not None and chosen.model.class_names is None:
            chosen = settings_from(
                merge(merge(cheap, self._settings), {"model": {"class_names": list(map(str, names))}})
            )

        def known() -> Sequence[str]:
            return load_model(self.model, chosen.model, chosen.preprocessing).label_names

        with speaking(chosen.language):
            cases = given_cases(self._cases, self._labels, known, chosen.images, chosen.limits)
            labels = [case.label for case in cases]
            loaded = load_model(self.model, chosen.model, chosen.preprocessing, labels, limits=chosen.limits)
            return TrainingWatch(loaded, cases, chosen, self._out, self._channels)


def _input_size(model: Any) -> tuple[int, int]:
    """Return (height, width) of what a model takes, as far as it says; else what makes patches of a few pixels."""
    shape = getattr(model, "input_shape", None)
    sides = [side for side in shape[1:3] if isinstance(side, int)] if isinstance(shape, tuple) else []
    return (sides[0], sides[1]) if len(sides) == 2 else (50, 50)
