"""How far a batch is: how many, how fast, how long still, and how many failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from reportgen.batch.work import Outcome
from reportgen.system.progress import tell_above
from reportgen.system.terminal import tell
from reportgen.system.text import visible

_SECONDS_A_LINE = 30
_MOST_TOLD = 10


@dataclass
class Tally:
    """Counts outcomes, and tells of them.

    Attributes
    ----------
    total
        How many items are to be worked on.
    done, failed, cases
        How many are done, how many failed, and how many cases the done ones have.
    """

    total: int
    done: int = 0
    failed: int = 0
    cases: int = 0
    stages: dict[str, int] = field(default_factory=dict)
    _bar: Any = None
    _started: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        if outcome.stage:
            self.failed += 1
            self.stages[outcome.stage] = self.stages.get(outcome.stage, 0) + 1
            if self.failed <= _MOST_TOLD:
                tell_above(f"reportgen: failed: {outcome.id}: {outcome.stage}: {visible(outcome.reason)}")
            if self.failed == _MOST_TOLD + 1:
                tell_above("reportgen: more failed; failures.csv will list them")
        else:
            self.done += 1
            self.cases += outcome.cases
        if self._bar is not None and not self._bar.disable:
            self._bar.set_postfix_str(f"{self.failed} failed", refresh=False)
            self._bar.update(1)
        elif self._bar is not None:
            self._tell_line()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._started

    @property
    def rate(self) -> float:
        """Items a second."""
        return (self.done + self.failed) / max(self.seconds, 1e-9)

    def _tell_line(self) -> None:
        now, worked = time.monotonic(), self.done + self.failed
        if now - self._told < _SECONDS_A_LINE:
            return
        self._told = now
        left = (self.total - worked) / max(self.rate, 1e-9)
        tell(
            f"reportgen: reports: {worked:,} of {self.total:,}, {self.rate:.2f} a second, about {left:.0f} s to go, "
            f"{self.failed:,} failed"
        )


@contextmanager
def tallied(total: int, *, progress: bool) -> Iterator[Tally]:
    """Count outcomes, with a bar on a terminal, else a line every half minute."""
    with tqdm(
        total=total, desc="reports", unit="report", delay=1, leave=False, disable=None if progress else True
    ) as bar:
        yield Tally(total, _bar=bar if progress else None)
