"""How long each step takes, and how far it is: a bar on a terminal or in a notebook, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from reportgen.system.terminal import tell

_SECONDS_A_LINE = 30


class Stopwatch:
    """Measures steps in seconds and shows progress: a bar on a terminal after 2 s, else a line every half minute."""

    def __init__(self, progress: bool) -> None:
        self.seconds: dict[str, float] = {}
        self.current = ""  # the last step that was begun
        self._progress = progress

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
        """Time a step; yields a function to be told how much was done."""
        started = time.perf_counter()
        self.current = name
        # tqdm shows nothing where standard error is not a terminal; what is kept as a log gets lines instead
        off = None if self._progress else True
        cell = _Cell() if self._progress and in_notebook() else None
        if cell:
            off = False
        with tqdm(total=total, desc=name, delay=2, leave=False, disable=off, file=cell, ncols=cell and 80) as bar:
            yield bar.update if not (bar.disable and self._progress) else _Lines(name, total).update
        self.seconds[name] = round(time.perf_counter() - started, 4)


def in_notebook() -> bool:
    """Return whether this runs in a kernel, whose standard error is shown in a cell."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _Cell:
    """What a bar writes to in a notebook: one line in the cell, which replaces itself and is empty at the end."""

    def __init__(self) -> None:
        self._shown: Any = None

    def write(self, text: str) -> None:
        """Show the last of these lines."""
        from IPython.display import display

        data = {"text/plain": text.rpartition("\r")[2].strip() or text.rpartition("\n")[0].rpartition("\r")[2].strip()}
        if self._shown is None:
            self._shown = display(data, raw=True, display_id=True)
        else:
            self._shown.update(data, raw=True)

    def flush(self) -> None:
        """Do nothing: what is written is shown."""


def tell_above(line: str) -> None:
    """Write a line to standard error; a bar that stands there is taken away before and drawn again below it."""
    if sys.stderr is None:
        return
    with tqdm.external_write_mode():
        tell(line)


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
