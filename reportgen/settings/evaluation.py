"""What is to be evaluated, how intervals are made, and where results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reportgen.settings.data import DataSettings
from reportgen.system.errors import SettingsError

SPLITS = ("train", "validation", "test", "all")
_MOST_SAMPLES, _MOST_MISTAKES = 100_000, 100


@dataclass(frozen=True, kw_only=True)
class EvaluationJob:
    """One run of ``reportgen evaluate``.

    Attributes
    ----------
    data
        A data set, or an evaluation.json whose page is to be made again.
    html, json, csv, pdf
        Files to write; None: not written.
    reports
        A folder for a report of each of the most confident mistakes.
    against
        Another evaluation.json of the same images.
    split
        Which part of the data: ``train``, ``validation``, ``test`` or ``all``; None: the test images where there are
        any, else all that is not divided.
    reading
        How the data set is read.
    samples, seed
        Of the bootstrap.
    mistakes
        How many are shown.
    skip_unreadable
        Whether images that can't be read are left out.
    title
        Of the page; empty: made of model and data.
    """

    data: Path
    html: Path
    json: Path | None = None
    csv: Path | None = None
    pdf: Path | None = None
    reports: Path | None = None
    against: Path | None = None
    split: str | None = None
    reading: DataSettings = field(default_factory=DataSettings)
    samples: int = 2000
    seed: int = 0
    mistakes: int = 12
    skip_unreadable: bool = False
    title: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are to be written, but the reports."""
        return tuple(path for path in (self.html, self.json, self.csv, self.pdf) if path is not None)


def check_evaluation(job: EvaluationJob) -> None:
    """Refuse numbers that make no sense.

    Raises
    ------
    SettingsError
        Naming the flag.
    """
    if not 100 <= job.samples <= _MOST_SAMPLES:
        raise SettingsError(f"--samples is {job.samples}", f"give 100 to {_MOST_SAMPLES:,}; 2000 is usual")
    if not 0 <= job.seed < 2**63:
        raise SettingsError(f"--seed is {job.seed}", "give a whole number from 0")
    if not 0 <= job.mistakes <= _MOST_MISTAKES:
        raise SettingsError(f"--mistakes is {job.mistakes}", f"give 0 to {_MOST_MISTAKES}")
    if job.split is not None and job.split not in SPLITS:
        raise SettingsError(f"--split is '{job.split}'", f"give {', '.join(SPLITS)}")
