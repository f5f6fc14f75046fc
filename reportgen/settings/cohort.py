"""What ``reportgen cohort`` reads, how it groups, and where results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reportgen.settings.batch import Cluster, check_cluster
from reportgen.system.addresses import RemotePath
from reportgen.system.errors import SettingsError
from reportgen.system.language import ENGLISH, languages

PCA, UMAP = "pca", "umap"
_LEAST_SAMPLE, _MOST_SAMPLE = 20, 100_000


@dataclass(frozen=True, kw_only=True)
class CohortJob:
    """One run of ``reportgen cohort``.

    Attributes
    ----------
    folder
        What ``reportgen batch`` wrote.
    html, json, csv
        Files to write; None: not written.
    by
        What makes the groups: ``label``, ``predicted``, ``correct``, ``none``, or a column of the table of cases.
    only
        The groups that are wanted; empty: all.
    method
        Of the map of the cases: ``pca`` or ``umap``.
    sample
        How many cases of a group are kept at once; None: 2,000, or as many as 64 MB hold.
    title
        Of the page; empty: made of model and groups.
    language
        Of the page: the code of one that there is a catalogue of.
    cluster
        Who reads and measures; without workers this process.
    """

    folder: Path | RemotePath
    html: Path
    json: Path | None = None
    csv: Path | None = None
    by: str = "label"
    only: tuple[str, ...] = ()
    method: str = PCA
    sample: int | None = None
    title: str = ""
    language: str = ENGLISH
    cluster: Cluster = field(default_factory=Cluster)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to be written."""
        return tuple(path for path in (self.html, self.json, self.csv) if path is not None)


def check_cohort(job: CohortJob) -> None:
    """Refuse what makes no sense.

    Raises
    ------
    SettingsError
        Naming the flag.
    """
    if job.method not in (PCA, UMAP):
        raise SettingsError(f"--map is '{job.method}'", "give pca or umap")
    if job.sample is not None and not _LEAST_SAMPLE <= job.sample <= _MOST_SAMPLE:
        raise SettingsError(f"--sample is {job.sample}", f"give {_LEAST_SAMPLE} to {_MOST_SAMPLE:,}")
    if job.language not in languages():
        known = " or ".join(f"'{code}'" for code in languages())
        raise SettingsError(f"--language is '{job.language:.60}'", f"give {known}")
    check_cluster(job.cluster)
    if not job.by.strip():
        raise SettingsError("--by is empty", "give label, predicted, correct, none, or a column of the cases")
