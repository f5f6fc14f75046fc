"""Doing something again, after growing pauses, where what went wrong may pass by itself."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable
from typing import TypeVar

PAUSES = (0.5, 1.0, 2.0)  # seconds before something is tried again
# what may pass: a network or disk that stumbles, is full or busy, and a system that is short of something
TRANSIENT = {
    getattr(errno, name)
    for name in (
        "EIO", "EAGAIN", "EBUSY", "EINTR", "ENOSPC", "EDQUOT", "ESTALE", "EMFILE", "ENFILE", "ENOBUFS", "ETIMEDOUT",
        "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EPIPE", "EREMOTEIO",
    )
    if hasattr(errno, name)
}  # fmt: skip
Result = TypeVar("Result")


def patiently(do: Callable[[], Result]) -> Result:
    """Do something, again after growing pauses where what went wrong may pass; in the end raise what went wrong."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_chain, wait_fixed

    again = Retrying(
        retry=retry_if_exception(is_transient), stop=stop_after_attempt(len(PAUSES) + 1), reraise=True,
        wait=wait_chain(*map(wait_fixed, PAUSES)), sleep=_sleep,
    )  # fmt: skip
    return again(do)


def is_transient(problem: BaseException) -> bool:
    """Return whether what went wrong may pass by itself: what the operating system said, or a server's 5xx."""
    if isinstance(problem, PermissionError | FileNotFoundError | FileExistsError):
        return False  # an answer, whatever went wrong before it
    found: BaseException | None = problem
    while found is not None:
        if getattr(found, "is_final", False):
            return False  # it was tried again already
        if isinstance(found, OSError) and (
            found.errno in TRANSIENT or isinstance(found, TimeoutError | ConnectionError)
        ):
            return True
        status = getattr(found, "status", None) or getattr(found, "code", None)
        if (isinstance(status, int) and 500 <= status < 600) or _is_lost_connection(found):
            return True
        found = found.__cause__ or found.__context__
    return False


def _is_lost_connection(problem: BaseException) -> bool:
    """Whether it is what the libraries of S3 and HTTP raise for a connection that failed: no OSError in all of them."""
    botocore, aiohttp = sys.modules.get("botocore.exceptions"), sys.modules.get("aiohttp")
    kinds = (getattr(botocore, "HTTPClientError", ()), getattr(aiohttp, "ClientConnectionError", ()))
    payload = getattr(aiohttp, "ClientPayloadError", ())
    return any(isinstance(problem, kind) for kind in (*kinds, payload))


def _sleep(seconds: float) -> None:
    time.sleep(seconds)
