"""One item: read it, run it, draw it, write it. What goes wrong is a record, never an end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.embedding import Embedder
from reportgen.analysis.runs import CaseRun
from reportgen.batch.copies import copies
from reportgen.batch.items import WorkItem
from reportgen.batch.numbers import CaseNumbers, RegionNumbers, render_numbers, shrink
from reportgen.batch.record import Basis, Ledger, Record, Row, asked_of, numbers_name, page_name
from reportgen.batch.storage import AnyStorage, FileState
from reportgen.images.cases import Case, read_cases
from reportgen.images.regions import plain_name_of
from reportgen.models.loader import LoadedModel
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.page.theme import Theme
from reportgen.outputs.report_files import as_theme
from reportgen.report.importance import combined_importance
from reportgen.report.provenance import creation_time
from reportgen.report.report import CaseReport, said
from reportgen.settings.report import Settings
from reportgen.system.addresses import shown
from reportgen.system.errors import ReportgenError
from reportgen.system.files import sha256
from reportgen.system.language import speaking
from reportgen.system.progress import Stopwatch
from reportgen.system.retries import patiently
from reportgen.system.text import visible
from reportgen.workflows.pipeline import Walked, walk

LEAST_MEMORY = 1 << 20
_STEPS = {"load model": "predict", "predict": "predict", "draw": "draw", "channels that stand out": "draw"}
_LONGEST = 500
UNNAMED_MASK = "mask"


@dataclass(frozen=True)
class Outcome:
    """What a run needs to know of an item that was worked on; the rest stands in its record.

    Attributes
    ----------
    id
        The item.
    cases
        How many cases it has.
    stage, reason
        Where and why it failed; empty where it is done.
    seconds
        How long it took.
    """

    id: str
    cases: int
    stage: str = ""
    reason: str = ""
    seconds: float = 0.0


@dataclass
class Worker:
    """Works on items, one after another, with one model.

    Attributes
    ----------
    storage
        The folder of the batch, opened.
    loaded
        The model.
    settings
        How reports are made.
    basis
        What its records say that they were made with.
    """

    storage: AnyStorage
    loaded: LoadedModel
    settings: Settings
    basis: Basis

    @cached_property
    def _theme(self) -> Theme | None:
        return as_theme(self.settings.theme.folder)

    @cached_property
    def _embedders(self) -> dict[int, Embedder]:
        return {}

    def work(self, item: WorkItem, attempts: int = 1) -> Outcome:
        """Make an item's report, and write its page, its numbers and, last, its record."""
        started = time.monotonic()
        stage, files = "read", list[FileState]()
        record = Record(item.id, self.basis, asked_of(item), attempts=attempts)
        watch, here, kept = Stopwatch(progress=False), item, ExitStack()
        try:
            local = kept.enter_context(copies())
            files += [patiently(partial(local.state, path, self._limit, what)) for path, what in _files(item)]
            here = local.here(item)
            cases = patiently(partial(self._cases, here))
            stage = "predict"
            made = self._walk(cases, watch)
            stage = "draw"
            page = render_html(made.report, self._theme).encode()
            stage = "explain"
            numbers = render_numbers(list(self._numbers(item, made)))
            stage = "write"
            record = replace(
                record, files=tuple(files), rows=tuple(row_of(case, run) for case, run in _pairs(made)),
                page_size=len(page), page_sha256=sha256(page), finished=creation_time(),
                seconds=round(time.monotonic() - started, 4),
            )  # fmt: skip
            self._write(record, page, numbers)
        except Exception as problem:  # noqa: BLE001 - one bad case never stops the rest
            if stage == "predict":
                stage = _STEPS.get(watch.current, "explain") if watch.current else "predict"
            return self.fail(item, stage, told(problem, item, here), files, time.monotonic() - started, attempts)
        finally:
            kept.close()
        return Outcome(item.id, len(item.cases), seconds=record.seconds)

    def _cases(self, item: WorkItem) -> Sequence[Case]:
        """Read an item's images; what is said of them is said in the report's language."""
        with speaking(self.settings.language):
            return read_cases([case.settings for case in item.cases], self.settings.images, self.settings.limits)

    def fail(
        self, item: WorkItem, stage: str, reason: str, files: Sequence[FileState] = (), seconds: float = 0.0,
        attempts: int = 1,
    ) -> Outcome:  # fmt: skip
        """Note that an item failed; where even that can't be written, it is tried again by the next run."""
        return note_failure(self.storage, self.basis, item, stage, reason, files, seconds, attempts)

    @property
    def _limit(self) -> int:
        return self.settings.limits.file_size

    def _walk(self, cases: Sequence[Any], watch: Stopwatch) -> Walked:
        """Make the report; where memory doesn't suffice, with half of it for batches, and half of that."""
        settings = self.settings
        while True:
            try:
                return walk(self.loaded, cases, settings, watch)
            except Exception as problem:
                memory = settings.occlusion.memory // 2
                if not is_out_of_memory(problem) or memory < LEAST_MEMORY:
                    raise
                settings = replace(settings, occlusion=replace(settings.occlusion, memory=memory))

    def _write(self, record: Record, page: bytes, numbers: bytes) -> None:
        patiently(lambda: self.storage.write(page_name(record.id), page))
        patiently(lambda: self.storage.write(numbers_name(record.id), numbers))
        patiently(lambda: Ledger(self.storage).write(record))

    def _numbers(self, item: WorkItem, made: Walked) -> Iterator[CaseNumbers]:
        subject = made.subject
        key = id(subject.graph)
        if key not in self._embedders:
            self._embedders[key] = Embedder(self.loaded.keras_model, subject.graph, self.settings.layers)
        for number, (case, run) in enumerate(_pairs(made)):
            embedding = self._embedders[key](run.prepared)
            scan, border = case.occlusion, case.known_regions.border if case.known_regions else None
            flip = case.decision.flip if case.decision else None
            yield CaseNumbers(
                item=item.id, case=number, name=case.name, title=case.title, label=case.label, sha256=case.sha256,
                scores=run.scores, predicted=int(subject.head.predicted(run.scores)), correct=case.correct,
                target=run.targets[0],
                base_evidence=scan.base_evidence if scan and scan.in_bits else math.nan,
                beats_chance=case.map_test.outcome if case.map_test else "",
                flip_share=flip.share if flip else math.nan,
                border_share=border.evidence if border else math.nan,
                channel_means=embedding.channel_means, features=embedding.features, features_layer=embedding.layer,
                thumbnail=thumbnail_of(run.image),
                evidence=shrink(combined_importance(scan)).astype(np.float16) if scan else None,
                columns=dict(item.cases[number].columns), regions=regions_of(case, item.cases[number].mask),
            )  # fmt: skip


def regions_of(case: CaseReport, mask: str | None) -> tuple[RegionNumbers, ...]:
    """Return a case's known regions; what the file of a mask without a name is called is no name for many cases."""
    known = case.known_regions.regions if case.known_regions else ()
    own = None if mask is None or any(one.name == UNNAMED_MASK for one in known) else plain_name_of(Path(mask).stem)
    return tuple(
        RegionNumbers(
            name=UNNAMED_MASK if one.name == own else one.name, area=one.inside.area, evidence=one.inside.evidence,
            peak_inside=one.peak_inside,
        )
        for one in known
    )  # fmt: skip


def thumbnail_of(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return an image ``(H, W, C)``, 0 to 255, at most 64 x 64: gray ``(h, w)`` where all channels are the same."""
    is_gray = image.shape[-1] == 1 or bool((image == image[..., :1]).all())
    found: NDArray[np.uint8] = np.clip(np.rint(shrink(image[..., 0] if is_gray else image)), 0, 255).astype(np.uint8)
    return found


def note_failure(
    storage: AnyStorage, basis: Basis, item: WorkItem, stage: str, reason: str, files: Sequence[FileState] = (),
    seconds: float = 0.0, attempts: int = 1,
) -> Outcome:  # fmt: skip
    """Write the record of an item that failed, as far as that can be written."""
    record = Record(
        item.id, basis, asked_of(item), tuple(files), stage=stage, reason=reason, finished=creation_time(),
        seconds=round(seconds, 4), attempts=attempts,
    )  # fmt: skip
    try:
        Ledger(storage).write(record)
    except (OSError, ReportgenError):
        reason = f"{reason} (and that can't be noted: the disk takes nothing)"
    return Outcome(item.id, len(item.cases), stage, reason, seconds)


def row_of(case: CaseReport, run: CaseRun) -> Row:
    """Return what the table of results says of a case, besides what is the same for its item."""
    scan, flip = case.occlusion, case.decision.flip if case.decision else None
    in_bits = scan is not None and scan.in_bits
    return {
        "name": case.name,
        "predicted": said(case) if _finite(case.predictions[0].score) is not None else "",
        "score": _finite(case.predictions[0].score),
        "correct": case.correct,
        "target": case.target_class,
        "target_score": _finite(float(run.scores[run.targets[0]])),
        "evidence_bits": _finite(scan.base_evidence) if scan and in_bits else None,
        "strongest_bits": _finite(scan.strongest.importance) if scan and in_bits else None,
        "flip_share": _finite(flip.share) if flip else None,
        "beats_chance": case.map_test.outcome if case.map_test else None,
        "image_sha256": case.sha256,
    }


def told(problem: BaseException, item: WorkItem, copied: WorkItem | None = None) -> str:
    """Return in one line what went wrong, without folders; ``copied`` is the item with its files on this machine."""
    if isinstance(problem, ReportgenError):
        text = str(problem)
    elif isinstance(problem, OSError):
        text = problem.strerror or str(problem)
    elif is_out_of_memory(problem):
        text = "memory doesn't suffice, not even for the smallest batch"
    else:
        text = f"internal error: {type(problem).__name__}: {problem}"
    for case in (*item.cases, *(copied.cases if copied else ())):
        for path in case.files:
            name = case.place if path == case.image else Path(shown(path)).name
            text = text.replace(visible(path), visible(name)).replace(visible(shown(path)), visible(name))
    return visible(" ".join(text.split()))[:_LONGEST]


def is_out_of_memory(problem: BaseException) -> bool:
    """Return whether memory didn't suffice: Python's, or a tensor's."""
    return isinstance(problem, MemoryError) or type(problem).__name__ == "ResourceExhaustedError"


def _files(item: WorkItem) -> list[tuple[str, str]]:
    """Return the files of an item, each with what it is: the first of a case is its image."""
    return [(path, "mask" if number else "image") for case in item.cases for number, path in enumerate(case.files)]


def _pairs(made: Walked) -> list[tuple[CaseReport, CaseRun]]:
    return list(zip(made.report.cases, made.runs, strict=True))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
