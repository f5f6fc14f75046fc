"""Standard output and standard error, which may be closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


class OutputLostError(Exception):
    """Standard output doesn't take what is written to it; ``quietly`` says that its reader has gone."""

    def __init__(self, problem: OSError) -> None:
        self.quietly = isinstance(problem, BrokenPipeError)
        super().__init__(problem.strerror or str(problem))


def say(text: str) -> None:
    """Write to standard output at once; characters that it can't show are escaped.

    Raises
    ------
    OutputLostError
        When it can't be written.
    """
    out = sys.stdout
    if out is None:
        return
    encoding = getattr(out, "encoding", None) or "utf-8"
    try:
        out.write(text.encode(encoding, "backslashreplace").decode(encoding))
        out.flush()
    except OSError as problem:
        _let_go(out)
        raise OutputLostError(problem) from None


def flush() -> None:
    """Write out what waits for standard output.

    Raises
    ------
    OutputLostError
        When it can't be written.
    """
    say("")


def tell(line: str) -> None:
    """Write a line to standard error; where that is closed or full there is nobody to tell."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)


def occupy_standard_streams() -> None:
    """Open ``/dev/null`` for standard streams that are closed.

    Else the next file that is opened takes the number of one, and what libraries write to standard error goes into it.
    """
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)


def _let_go(out: TextIO) -> None:
    """Let what is still buffered go nowhere, so that Python doesn't fail over it once more when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
