"""Which two models are compared, on what, and where results go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportgen.settings.batch import CaseSource

BUILTIN = "builtin"


@dataclass(frozen=True, kw_only=True)
class CompareJob:
    """One run of ``reportgen compare``.

    Attributes
    ----------
    first, second
        Each a model (as ``build`` takes it, or ``builtin``) or the folder of a batch that was run with it.
    source
        The cases; None: those of the batches.
    html, json, csv
        Files to write; None: not written.
    skip_unreadable
        Whether images that can't be read are left out.
    title
        Of the page; empty: made of the models.
    """

    first: str
    second: str
    source: CaseSource | None
    html: Path
    json: Path | None = None
    csv: Path | None = None
    skip_unreadable: bool = False
    title: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to be written."""
        return tuple(path for path in (self.html, self.json, self.csv) if path is not None)
