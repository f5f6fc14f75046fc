"""Being stopped: Ctrl-C, a polite kill and a closed terminal end the program in order, from wherever it is.

Python turns Ctrl-C into KeyboardInterrupt between any two steps. That alone isn't enough: other signals kill at once, a
destructor or an extension module may swallow the exception, and one that comes while cleaning up leaves debris. So
:func:`stoppable` notes every signal, and :func:`hold_signals` puts it off where a few steps belong together.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

# SIGHUP isn't known everywhere
SIGNALS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
_SECONDS_TO_AGAIN = 0.1


@dataclass
class Stop:
    """What asked the program to stop: the number of the first signal, or None."""

    number: int | None = None


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Raise KeyboardInterrupt on SIGINT, SIGTERM and SIGHUP, and note which it was.

    What was ignored from outside (``nohup``) stays ignored. An interruption that a destructor swallows comes again.
    Outside the main thread nothing changes: Python hands signals to no other.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def heed(number: int, _frame: FrameType | None) -> None:
        stop.number = stop.number or number
        raise KeyboardInterrupt

    with ExitStack() as stack:
        stack.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
        sys.unraisablehook = _repeating(sys.unraisablehook, stack)
        for number in _heeded():
            stack.callback(signal.signal, number, signal.signal(number, heed))
        yield stop


@contextmanager
def hold_signals() -> Iterator[None]:
    """Put signals off until the block is done; they take effect then.

    For a few quick steps of which none or all must happen: whoever presses Ctrl-C waits that long.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def deliver() -> None:
        if waiting:
            signal.raise_signal(waiting[0])

    with ExitStack() as stack:
        stack.callback(deliver)
        for number in _heeded():
            stack.callback(signal.signal, number, signal.signal(number, lambda came, _: waiting.append(came)))
        yield


def _heeded() -> list[signal.Signals]:
    """Return the signals that do something now and whose effect can be restored later."""
    return [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


def _repeating(usual: Any, stack: ExitStack) -> Any:
    """Return a hook for exceptions that Python can't raise: an interruption is sent again a moment later."""

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type is None or not issubclass(unraisable.exc_type, KeyboardInterrupt):
            usual(unraisable)
            return
        again = threading.Timer(_SECONDS_TO_AGAIN, _interrupt)
        again.daemon = True
        stack.callback(again.cancel)
        again.start()

    return hook


def _interrupt() -> None:
    """Interrupt the main thread, also where it waits for the operating system."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
