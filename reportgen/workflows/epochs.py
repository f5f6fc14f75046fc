"""A few cases after each epoch of a training: measured cheaply, recorded, and told on one page at the end."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.activations import feature_maps
from reportgen.analysis.predictions import best_predictions, is_right
from reportgen.analysis.remarks.training import training_sentences
from reportgen.analysis.runs import CaseRun, Subject, is_finite, make_subject, run_cases, scan_cases
from reportgen.figures import heatmaps
from reportgen.figures.charts import history_chart
from reportgen.figures.filmstrip import channel_strip, choose_frames, dead_chart, evidence_chart, evidence_strip
from reportgen.images.cases import Case, headings
from reportgen.images.resizing import resize
from reportgen.models.loader import LoadedModel
from reportgen.outputs.training.page import render_epoch, render_training
from reportgen.outputs.training.record import read_record, render_record
from reportgen.report.evidence import BITS, OUTPUT
from reportgen.report.names import find_name
from reportgen.report.picture import Picture
from reportgen.report.provenance import creation_time, versions
from reportgen.report.training_run import (
    NOTHING_SAID,
    EpochCase,
    EpochLayer,
    EpochRecord,
    TrainingRecord,
    WatchedCase,
    WatchedChannel,
)
from reportgen.settings.report import Settings
from reportgen.system.atomic import make_folder, write_all, write_file
from reportgen.system.errors import OutputError, ReportgenError, SettingsError
from reportgen.system.language import speaking

RECORD, PAGE = "record.json", "training.html"
_LARGEST_MAP, _LARGEST_CHANNEL = 96, 64  # pixels of a side that are kept
_CHANNELS_A_LAYER = 2
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """What one look at the cases gave: numbers, and what is drawn of them.

    Attributes
    ----------
    record
        The numbers.
    maps
        For each case its evidence map ``(H, W)``, reduced.
    channels
        For each watched channel ``(cases, H, W)``, reduced.
    runs
        The cases on their way through the model.
    """

    record: EpochRecord
    maps: tuple[Array, ...]
    channels: tuple[Array, ...]
    runs: tuple[CaseRun, ...]


class TrainingWatch:
    """Looks at a few cases after each epoch, and keeps what it saw in a folder.

    Parameters
    ----------
    loaded
        The model that is trained; the same object all the time, so that what was compiled for it is used again.
    cases
        1 to 12.
    settings
        Of the scan, the layers and the images.
    out
        The folder.
    channels
        Which channels to draw, (layer, channel) each; None: two of the first and of the last convolution.
    """

    def __init__(
        self, loaded: LoadedModel, cases: Sequence[Case], settings: Settings, out: Path,
        channels: Sequence[tuple[str, int]] | None = None,
    ) -> None:  # fmt: skip
        self._settings = _with_target(loaded, cases, settings)
        self._subject = make_subject(loaded, self._settings)
        self._cases, self._out = cases, out
        runs = run_cases(self._subject, cases, headings(cases), self._settings)
        self._images = [_reduced(np.asarray(run.image, np.float32), _LARGEST_MAP) for run in runs]
        self.record = TrainingRecord(
            model=loaded.name,
            created=creation_time(),
            unit=OUTPUT if self._subject.head.is_regression else BITS,
            cases=tuple(
                WatchedCase(
                    title=run.title, sha256=run.case.image.sha256,
                    target_class=self._subject.head.class_names[run.targets[0]],
                )
                for run in runs
            ),
            channels=_check_channels(self._subject, channels) if channels is not None else _choose(self._subject, runs),
            versions=versions(),
        )  # fmt: skip
        self._last: tuple[Array, ...] = ()
        self._stale: tuple[Path, ...] = ()

    def start(self, epoch: int, *, overwrite: bool = False) -> None:
        """Take up what the folder holds of the epochs before the one that begins, counted from 1.

        Raises
        ------
        OutputError
            When it holds another training, or is no folder.
        """
        path = self._out / RECORD
        if self._out.exists() and not self._out.is_dir():
            raise OutputError(f"{self._out} is no folder", "choose another name")
        if not path.exists():
            return
        if overwrite:
            # a record that can't be read is replaced like any other
            with suppress(ReportgenError):
                self._stale = self._files(read_record(path).epochs)
            return
        found = read_record(path)
        if epoch == 1:
            raise OutputError(
                f"{self._out} holds a training already", "give another folder, or overwrite=True to begin anew"
            )
        if (found.model, found.unit, found.cases) != (self.record.model, self.record.unit, self.record.cases):
            raise OutputError(
                f"{self._out} holds a training of another model or other cases", "give another folder"
            )  # fmt: skip
        kept = tuple(one for one in found.epochs if one.epoch < epoch)
        layers = [(call.path, (call.map_shape or (0, 0, 0))[2]) for call in self._subject.layers]
        if any([(layer.name, layer.channels) for layer in one.layers] != layers for one in kept[:1]):
            raise OutputError(f"{self._out} holds a training with other layers", "give another folder")
        self.record = replace(self.record, created=found.created, channels=found.channels, epochs=kept)
        self._stale = self._files(found.epochs[len(kept) :])
        self._last = self._read(kept[-1].epoch)[0] if kept else ()

    def _files(self, epochs: Sequence[EpochRecord]) -> tuple[Path, ...]:
        """Return the files of epochs that go when the next is written, and the page that tells of them."""
        return (self._out / PAGE, *(self._out / _file(one.epoch, end) for one in epochs for end in ("npz", "html")))

    def look(self, epoch: int, logs: Mapping[str, Any]) -> Look:
        """Look at the cases now, after an epoch, and record it; writes the record and the epoch's page.

        Raises
        ------
        OutputError
            When it can't be written.
        """
        with speaking(self._settings.language):
            seen = self._measure(epoch, logs)
            epochs = (*(one for one in self.record.epochs if one.epoch < epoch), seen.record)
            record = replace(self.record, epochs=epochs)
            page = render_epoch(replace(record, pictures=tuple(self._epoch_pictures(seen))), seen.record)
        files = {
            self._out / RECORD: render_record(record),
            self._out / _file(epoch, "npz"): _packed(seen),
            self._out / _file(epoch, "html"): page.encode(),
        }
        with make_folder(self._out):
            write_all(files, remove=[path for path in self._stale if path not in files and path.exists()])
        self.record, self._last, self._stale = record, seen.maps, ()
        return seen

    def finish(self) -> Path | None:
        """Write the page of the whole training; returns where, None where no epoch was recorded.

        Raises
        ------
        OutputError
            When it can't be written, or the maps of an epoch can't be read.
        """
        record = self.record
        if not record.epochs:
            return None
        numbers = [one.epoch for one in record.epochs]
        frames = choose_frames(numbers, [flip.epoch for flip in record.flips])
        read = [self._read(numbers[frame]) for frame in frames]
        files = {one: _file(one, "html") for one in numbers if (self._out / _file(one, "html")).is_file()}
        path = self._out / PAGE
        with speaking(self._settings.language):
            drawn = replace(record, pictures=self._pictures(record, read, frames))
            write_file(path, render_training(drawn, training_sentences(record), files).encode())
        return path

    def _pictures(
        self, record: TrainingRecord, read: Sequence[tuple[Sequence[Array], Sequence[Array]]], frames: Sequence[int]
    ) -> tuple[Picture, ...]:
        """Draw a training; ``read`` holds evidence maps and channels of the epochs at these places of the record."""
        pictures: list[Picture | None] = [
            evidence_chart(record),
            evidence_strip(record, self._images, [maps for maps, _ in read], frames),
            *(
                channel_strip(f"training-channel{number + 1}", record, number, [of[number] for _, of in read], frames)
                for number in range(len(record.channels))
            ),
            dead_chart(record) if record.epochs[-1].layers else None,
            history_chart(record.history, [one.epoch for one in record.epochs]),
        ]
        return tuple(one for one in pictures if one)

    def _measure(self, epoch: int, logs: Mapping[str, Any]) -> Look:
        subject, settings = self._subject, self._settings
        runs = run_cases(subject, self._cases, [case.title for case in self.record.cases], settings)
        known = [run for run in runs if is_finite(run)]
        if known:
            scanned = {run.number: run for run in scan_cases(subject, known, settings, lambda _: None)}
            runs = [scanned.get(run.number, run) for run in runs]
        layers, kept = self._layers(runs)
        maps = tuple(
            _reduced(np.asarray(run.scans[0].importance, np.float32), _LARGEST_MAP)
            if run.scans
            else np.full(image.shape[:2], np.nan, np.float32)
            for run, image in zip(runs, self._images, strict=True)
        )
        before = self._last or (None,) * len(maps)
        cases = tuple(
            EpochCase(
                predicted=best_predictions(subject.head, run.scores)[0].class_name if is_finite(run) else NOTHING_SAID,
                score=float(run.scores[run.targets[0]]),
                evidence=run.scans[0].summary.base_evidence if run.scans else math.nan,
                correct=is_right(subject.head, run.case.label, run.scores),
                likeness=math.nan if last is None else _likeness(last, own),
            )
            for run, own, last in zip(runs, maps, before, strict=True)
        )
        numbers = {str(name): float(value) for name, value in logs.items() if np.ndim(value) == 0}
        record = EpochRecord(epoch=epoch, logs=numbers, cases=cases, layers=layers)
        return Look(record, maps, tuple(kept), tuple(runs))

    def _layers(self, runs: Sequence[CaseRun]) -> tuple[tuple[EpochLayer, ...], list[Array]]:
        """Return which channels of each layer are dead, and the maps of the watched channels; a layer at a time."""
        inputs = np.stack([run.prepared for run in runs])
        layers, kept = [], {}
        for maps in feature_maps(self._subject.graph, self._subject.layers, inputs):
            values = maps.values
            still = (values.max(axis=(1, 2)) == values.min(axis=(1, 2))).all(axis=0)
            layers.append(
                EpochLayer(name=maps.layer, channels=values.shape[-1], dead=tuple(np.flatnonzero(still).tolist()))
            )
            for place, channel in enumerate(self.record.channels):
                if channel.layer == maps.layer:
                    found = [_reduced(one[..., channel.channel], _LARGEST_CHANNEL) for one in values]
                    kept[place] = np.stack(found)
        return tuple(layers), [kept[place] for place in range(len(self.record.channels))]

    def _epoch_pictures(self, seen: Look) -> list[Picture]:
        shared = heatmaps.shared_ranges([scan.summary for run in seen.runs for scan in run.scans])
        colours = self._settings.occlusion.importance_colours
        return [
            heatmaps.importance_overlay(
                f"epoch-case{run.number + 1}", run.title, run.image, run.scans[0].importance, run.scans[0].summary,
                shared, colours,
            )
            if run.scans
            else heatmaps.image_picture(f"epoch-case{run.number + 1}", run.title, run.image)
            for run in seen.runs
        ]  # fmt: skip

    def _read(self, epoch: int) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Return evidence maps and channels as they were kept after an epoch."""
        path = self._out / _file(epoch, "npz")
        try:
            with np.load(path, allow_pickle=False) as kept:
                maps = tuple(np.asarray(kept[f"map{at}"], np.float32) for at in range(len(self.record.cases)))
                channels = tuple(
                    np.asarray(kept[f"channel{at}"], np.float32) for at in range(len(self.record.channels))
                )
        except (OSError, ValueError, KeyError, EOFError) as problem:
            raise OutputError(
                f"{path} can't be read ({type(problem).__name__})", "give another folder, or remove this one"
            ) from None
        if any(one.ndim != 2 for one in maps) or any(one.ndim != 3 for one in channels):
            raise OutputError(f"{path} doesn't hold maps", "give another folder, or remove this one")
        return maps, channels


def _with_target(loaded: LoadedModel, cases: Sequence[Case], settings: Settings) -> Settings:
    """Return settings that follow the same class in all epochs: what is predicted may change with each."""
    chooses = not loaded.thresholds and loaded.outputs > 1 and loaded.head != "regression"
    if settings.occlusion.target != "auto" or not chooses:
        return settings
    unnamed = [case.name for case in cases if case.label is None or find_name(case.label, loaded.class_names) is None]
    if unnamed:
        raise SettingsError(
            f"'{unnamed[0]}' has no label that is a class of the model, so that no class can be followed",
            'give labels, or settings={"occlusion": {"target": "a class"}}',
        )
    return replace(settings, occlusion=replace(settings.occlusion, target="label"))


def _check_channels(subject: Subject, channels: Sequence[tuple[str, int]]) -> tuple[WatchedChannel, ...]:
    sizes = {call.path: (call.map_shape or (0, 0, 0))[2] for call in subject.layers}
    for layer, channel in channels:
        if layer not in sizes:
            raise SettingsError(f"no layer with feature maps is named '{layer}'", f"there are {', '.join(sizes)}")
        if not 0 <= channel < sizes[layer]:
            raise SettingsError(f"{layer} has no channel {channel}", f"it has channels 0 to {sizes[layer] - 1}")
    return tuple(WatchedChannel(layer=layer, channel=channel) for layer, channel in channels)


def _choose(subject: Subject, runs: Sequence[CaseRun]) -> tuple[WatchedChannel, ...]:
    """Return the channels of the first and the last convolution whose values span most on the cases, before training.

    Of layers without convolutions, the first and the last.
    """
    layers = [call for call in subject.layers if "Conv" in type(call.layer).__name__] or list(subject.layers)
    wanted = list({call.path: call for call in (*layers[:1], *layers[-1:])}.values())
    found = []
    for maps in feature_maps(subject.graph, wanted, np.stack([run.prepared for run in runs])):
        spans = np.nan_to_num(maps.values.max(axis=(0, 1, 2)) - maps.values.min(axis=(0, 1, 2)))
        best = np.argsort(-spans, kind="stable")[:_CHANNELS_A_LAYER]
        found += [WatchedChannel(layer=maps.layer, channel=int(one)) for one in sorted(best)]
    return tuple(found)


def _file(epoch: int, ending: str) -> str:
    return f"epoch-{epoch:04d}.{ending}"


def _packed(seen: Look) -> bytes:
    buffer = io.BytesIO()
    arrays = {f"map{at}": one for at, one in enumerate(seen.maps)}
    arrays |= {f"channel{at}": one for at, one in enumerate(seen.channels)}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _reduced(values: Array, largest: int) -> Array:
    """Return ``(H, W)`` or ``(H, W, C)`` averaged down so that no side is above ``largest``."""
    height, width = values.shape[:2]
    share = largest / max(height, width)
    if share >= 1:
        return np.asarray(values, np.float32)
    size = (max(1, round(height * share)), max(1, round(width * share)))
    flat = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    return np.asarray(resize(flat, size, "box"), np.float32).reshape(*size, *values.shape[2:])


def _likeness(one: Array, other: Array) -> float:
    if one.shape != other.shape or not np.ptp(one) > 0 or not np.ptp(other) > 0:
        return math.nan
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
