"""A lock in an object store: an object that says who holds it and until when.

It is made only where none is (a conditional put), and taken over, once its time is over, only as it was read (a
conditional put again; S3 only). Its holder renews it while it works. So of two that begin at once one is refused, also
after a crash. It is no more than that: a holder that was cut off for longer than the lock's life may find out late that
it lost it (it asks before it changes what others read), clocks must agree to within a minute, and a server that ignores
conditions grants the lock to both.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from reportgen.system.addresses import RemotePath
from reportgen.system.errors import OutputError
from reportgen.system.remote import reach, read_remote, remove_remote, tell_remote_errors

LIFE = 180.0  # seconds
_RENEWALS = 3


@dataclass
class RemoteLock:
    """A lock that is held.

    Attributes
    ----------
    place
        The object.
    was_left
        Whether it was taken over from a run that was killed.
    """

    place: RemotePath
    was_left: bool = False
    _owner: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)

    def check(self) -> None:
        """Ask whether it is still held.

        Raises
        ------
        OutputError
            When another took it over.
        """
        found = _read(self.place)
        if found is None or found["owner"] != self._owner:
            raise OutputError(f"{self.place} was taken over by another run", "let only one run at a time")

    def take(self) -> bool:
        """Take it if it's free or its time is over; return whether that could be done."""
        system, name = reach(self.place)
        try:
            tell_remote_errors(self.place, lambda: _create(system, name, self._told()))
        except FileExistsError:
            return self._take_over(system, name)
        return self._is_ours()

    def renew(self) -> None:
        """Hold it for longer, if it is still held."""
        if self._is_ours():
            system, name = reach(self.place)
            tell_remote_errors(self.place, lambda: system.pipe_file(name, self._told()))

    def release(self) -> None:
        """Let it go, if it is still held."""
        if self._is_ours():
            remove_remote(self.place)

    def _take_over(self, system: Any, name: str) -> bool:
        before = tell_remote_errors(self.place, lambda: system.info(name))
        found = _read(self.place)
        if found is not None and found["owner"] == self._owner:
            return True  # it was written, and the answer was lost
        if found is not None and found["until"] > time.time():
            return False
        condition = {"IfMatch": before["ETag"]} if self.place.scheme == "s3" and "ETag" in before else {}
        try:
            tell_remote_errors(self.place, lambda: system.pipe_file(name, self._told(), **condition))
        except OutputError:
            return False  # another was faster
        self.was_left = True
        return self._is_ours()

    def _is_ours(self) -> bool:
        found = _read(self.place)
        return found is not None and found["owner"] == self._owner

    def _told(self) -> bytes:
        return json.dumps({"owner": self._owner, "until": time.time() + LIFE}).encode()


@contextmanager
def remote_lock(place: RemotePath, doing: str) -> Iterator[RemoteLock]:
    """Hold a lock and renew it; at the end it goes.

    Parameters
    ----------
    place
        The object.
    doing
        What the holder of it does, for the message.

    Raises
    ------
    OutputError
        When another holds it, or it can't be written.
    """
    lock = RemoteLock(place)
    if not lock.take():
        raise OutputError(
            f"another run is {doing} (lock: {place})",
            f"wait until it's done; after a crash its lock ends by itself within {LIFE / 60:.0f} minutes",
        )
    done = threading.Event()

    def keep() -> None:
        while not done.wait(LIFE / _RENEWALS):
            with suppress(OutputError, FileNotFoundError):
                lock.renew()

    thread = threading.Thread(target=keep, name="reportgen-lock", daemon=True)
    thread.start()
    try:
        yield lock
    finally:
        done.set()
        thread.join()
        with suppress(OutputError, FileNotFoundError):
            lock.release()


def _create(system: Any, name: str, data: bytes) -> None:
    """Write an object only where there is none."""
    try:
        system.pipe_file(name, data, mode="create")
    except FileExistsError:
        raise
    except OSError:
        # not every library says that it exists
        if system.exists(name):
            raise FileExistsError(name) from None
        raise


def _read(place: RemotePath) -> dict[str, Any] | None:
    """Return what a lock says; None where there is none, or it says nothing: then nobody holds it."""
    try:
        found = json.loads(read_remote(place))
        return {"owner": str(found["owner"]), "until": float(found["until"])}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
