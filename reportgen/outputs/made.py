"""What a command made, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportgen.system.addresses import RemotePath


@dataclass(frozen=True)
class Made:
    """What was written, what is to be said line by line, what the user should be warned of, and a site's first page."""

    written: tuple[Path | RemotePath, ...] = ()
    said: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    site: Path | RemotePath | None = None
