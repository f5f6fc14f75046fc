"""What a site remembers of each report, so that it needn't be read again: what the index and the models' pages show."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any

from reportgen.outputs.saved.schema import MisfitError, from_plain
from reportgen.report.model import ModelReport
from reportgen.report.names import plain_name
from reportgen.report.picture import ENDINGS, Picture
from reportgen.report.report import NOTHING_FOUND, CaseReport, Report, said, verdict
from reportgen.system.text import visible

LISTED_CLASSES = 20
PICTURE = re.compile(r"pictures/[0-9a-f]{2}/[0-9a-f]{62}\.(png|jpeg)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class CaseRecord:
    """One image of a report.

    ``verdict`` says in few words how the prediction compares with the label; ``truth`` is the class that the label
    names, None when it names none; ``thumbnail`` the file of a small picture. ``findings`` are those that were
    labelled or found, where they are independent: (class, whether the label names it, whether it was found).
    """

    title: str
    label: str | None
    truth: str | None
    predicted: str
    score: float | None
    correct: bool | None
    verdict: str
    sha256: str
    thumbnail: str | None
    findings: tuple[tuple[str, bool, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """A model as it was used: the same weights with another threshold, preprocessing or classes are another one.

    Its name and purpose are only told: reports may call the same model by different names. ``classes`` are listed where
    there are not too many; ``classes_sha256`` is a digest of all.
    """

    name: str
    sha256: str
    head: str
    threshold: float | None
    preprocessing: str
    input_shape: tuple[int, ...]
    parameters: int
    classes: tuple[str, ...]
    classes_sha256: str
    purpose: str = ""
    thresholds: tuple[float, ...] = ()

    @property
    def identity(self) -> str:
        """What tells it from other models."""
        key: tuple[object, ...] = (
            self.sha256, self.head, self.threshold, self.preprocessing, self.classes_sha256,
            *([self.thresholds] if self.thresholds else []),
        )  # fmt: skip
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]

    @property
    def address(self) -> str:
        """Its page."""
        return f"models/model-{self.identity}.html"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One report. ``digest`` is what its content is known by; ``pictures`` are the files that its page shows."""

    digest: str
    title: str
    created: str
    model: ModelRecord
    warnings: int
    cases: tuple[CaseRecord, ...]
    pictures: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its page's name without an ending: it changes when the report does, so a link never shows another one."""
        return f"{slug(self.title)}-{self.digest[:12]}"

    @property
    def address(self) -> str:
        """Its page."""
        return f"reports/{self.name}.html"

    @property
    def data_address(self) -> str:
        """Its numbers, as JSON."""
        return f"reports/{self.name}.json"

    @property
    def order(self) -> tuple[str, str]:
        """Newest last; ties the same way every time."""
        return self.created, self.digest


def record_of(report: Report, digest: str, thumbnails: dict[int, str]) -> Record:
    """Return what a site keeps of a report; ``thumbnails`` are files by case."""
    classes = {plain_name(name): name for name in report.model.class_names}
    cases = tuple(
        CaseRecord(
            title=short(case.title),
            label=None if case.label is None else short(case.label),
            truth=None if case.correct is None else short(_truth(case, classes)) or None,
            predicted=short(said(case)), score=_score(case),
            findings=tuple(
                (short(one.class_name), bool(one.labelled), one.present)
                for one in case.findings if one.labelled or one.present
            ),
            correct=case.correct, verdict=_verdict(case, report.model), sha256=case.sha256,
            thumbnail=thumbnails.get(index),
        )
        for index, case in report.side_by_side
    )  # fmt: skip
    return Record(
        digest=digest, title=short(report.title), created=report.created, model=_model_of(report.model),
        warnings=sum(remark.warning for remark in report.remarks), cases=cases,
        pictures=tuple(dict.fromkeys([*map(picture_file, report.pictures), *thumbnails.values()])),
    )  # fmt: skip


def _truth(case: CaseReport, classes: dict[str, str]) -> str:
    if case.findings:
        return " + ".join(one.class_name for one in case.findings if one.labelled) or NOTHING_FOUND
    return classes.get(plain_name(case.label or ""), "")


def _score(case: CaseReport) -> float | None:
    """Return the score of what is said; None where it's no number, or isn't one thing that is said."""
    score = case.predictions[0].score
    one = not case.findings or sum(finding.present for finding in case.findings) == 1
    return round(score, 6) if one and math.isfinite(score) else None


def _verdict(case: CaseReport, model: ModelReport) -> str:
    kind, words = verdict(case, model)
    return words if kind == "unknown" else kind


def _model_of(model: ModelReport) -> ModelRecord:
    few = len(model.class_names) <= LISTED_CLASSES
    return ModelRecord(
        name=short(model.name), sha256=model.sha256, head=short(model.head), threshold=model.threshold,
        preprocessing=short(model.preprocessing), input_shape=model.input_shape, parameters=model.total_parameters,
        classes=tuple(map(short, model.class_names)) if few else (),
        classes_sha256=hashlib.sha256(json.dumps(model.class_names).encode()).hexdigest(),
        purpose=short(model.card.purpose if model.card else ""), thresholds=model.thresholds,
    )  # fmt: skip


def picture_file(picture: Picture) -> str:
    """Return where a picture lies in a site: under its digest, so that it's there once and never stale."""
    return digest_file(hashlib.sha256(picture.data).hexdigest(), ENDINGS[picture.media_type])


def digest_file(digest: str, ending: str) -> str:
    """Return the place of a file that is called by its digest."""
    return f"pictures/{digest[:2]}/{digest[2:]}.{ending}"


def slug(text: str) -> str:
    """Return a text as a plain file name, lower case; letters with marks lose them: ``Größe`` is ``grosse``."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "report"


def short(text: str) -> str:
    """Return a text for one line of a list."""
    line = " ".join(visible(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def to_table(record: Record) -> dict[str, Any]:
    """Return a record as plain JSON."""
    return asdict(record)


def record_from(table: Any) -> Record:
    """Return a record from JSON.

    Raises
    ------
    MisfitError
        When it is none, or names a file that can't be one of a site's.
    """
    record: Record = from_plain(Record, table, "a report")
    files = [*record.pictures, *(case.thumbnail for case in record.cases if case.thumbnail is not None)]
    if not _DIGEST.fullmatch(record.digest) or not all(map(PICTURE.fullmatch, files)) or len(record.created) < 10:
        raise MisfitError("a report is none")
    return record
