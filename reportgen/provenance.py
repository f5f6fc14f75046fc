"""When, with what and how fast a report was made; nothing that tells by whom or where."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from reportgen.errors import SettingsError
from reportgen.settings import Settings
from reportgen.system import library_version
from reportgen.terminal import tell

_SECONDS_A_LINE = 30
_LIBRARIES = ("tensorflow", "keras", "numpy", "pillow", "matplotlib", "jinja2")


class Stopwatch:
    """Measures steps in seconds and shows progress: a bar on a terminal after 2 s, else a line every half minute."""

    def __init__(self, progress: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
        """Time a step; yields a function to be told how much was done."""
        started = time.perf_counter()
        # tqdm shows nothing where standard error is not a terminal; what is kept as a log gets lines instead
        off = None if self._progress else True
        with tqdm(total=total, desc=name, delay=2, leave=False, disable=off) as bar:
            yield bar.update if not (bar.disable and self._progress) else _Lines(name, total).update
        self.seconds[name] = round(time.perf_counter() - started, 4)


class _Lines:
    """Progress as lines on standard error, a few a minute, with how long it will take."""

    def __init__(self, name: str, total: int | None) -> None:
        self._name, self._total, self._done = name, total, 0
        self._started = self._told = time.monotonic()

    def update(self, done: int) -> None:
        """Count, and tell when it's time."""
        self._done += done
        now = time.monotonic()
        if now - self._told < _SECONDS_A_LINE or not self._total:
            return
        self._told = now
        left = (now - self._started) / max(self._done, 1) * (self._total - self._done)
        tell(f"reportgen: {self._name}: {self._done:,} of {self._total:,}, about {left:.0f} s to go")


def created() -> str:
    """Return the time in UTC, from SOURCE_DATE_EPOCH where it is set.

    Raises
    ------
    SettingsError
        When SOURCE_DATE_EPOCH is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError):
        raise SettingsError(f"SOURCE_DATE_EPOCH is '{epoch}'", "set it to seconds since 1970, or unset it") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def versions() -> dict[str, str]:
    """Return the versions of reportgen, Python, and the libraries that shape the result."""
    found = {"reportgen": library_version("reportgen") or "unknown", "python": platform.python_version()}
    return found | {name: library_version(name) or "unknown" for name in _LIBRARIES}


def public_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as nested tables, with file names instead of paths."""
    tables: dict[str, Any] = dataclasses.asdict(settings)
    del tables["commentary"]
    model = tables["model"]
    if model["path"] is not None:
        model["path"] = _without_folders(model["path"])
    if isinstance(model["class_names"], str):
        model["class_names"] = Path(model["class_names"]).name
    return tables


def _without_folders(source: str) -> str:
    if source.startswith("keras:"):
        name, separator, weights = source.partition("@")
        return f"{name}{separator}{Path(weights).name}"
    return Path(source).name
