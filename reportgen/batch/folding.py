"""Something of all cases of a batch, put together of parts: chunk by chunk, here or by the workers of a Dask cluster.

Which cases make a chunk, and in which order parts are merged, doesn't depend on who does it: so sums are rounded in the
same way, and any number of workers gives the same bytes as this process alone.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from reportgen.batch.connection import UNREACHABLE, connected, has_dask
from reportgen.settings.batch import Cluster
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.libraries import install_extra

CHUNK = 250  # items
FAN_IN = 16
_AHEAD = 2  # chunks for each worker that are under way


class Mergeable(Protocol):
    """What parts are: two of them make one."""

    def merge(self, other: Any) -> Any:
        """Return both together."""


Part = TypeVar("Part", bound=Mergeable)
Node = TypeVar("Node")
Work = Callable[[Sequence[str]], Part]
Advance = Callable[[int], object]


class Tree(Generic[Node]):
    """Merges parts as they come: sixteen of them to one, sixteen of these to one, and so on.

    Of each level one part is held, so that memory grows with the logarithm of their number only.

    Parameters
    ----------
    merge
        Makes one of two; the first came before.
    """

    def __init__(self, merge: Callable[[Node, Node], Node]) -> None:
        self._merge = merge
        self._levels: list[tuple[int, Node] | None] = []

    def add(self, part: Node) -> None:
        """Take the next part."""
        level = 0
        while True:
            if level == len(self._levels):
                self._levels.append(None)
            held = self._levels[level]
            count, whole = (1, part) if held is None else (held[0] + 1, self._merge(held[1], part))
            if count < FAN_IN:
                self._levels[level] = (count, whole)
                return
            self._levels[level], part, level = None, whole, level + 1

    def total(self) -> Node | None:
        """Return all parts as one; None without any."""
        held = [level[1] for level in self._levels if level is not None]
        return functools.reduce(lambda later, earlier: self._merge(earlier, later), held) if held else None


class Folding(Protocol):
    """Puts together what is of all cases."""

    def fold(self, work: Work[Part], items: Sequence[str], advance: Advance) -> Part:
        """Return what ``work`` makes of all items, given chunk by chunk.

        Parameters
        ----------
        work
            Makes a part of a chunk of items; for workers it must be something that can be sent.
        items
            Names, in order; without any, ``work`` is asked once for nothing.
        advance
            Told how many items are done.
        """
        ...


class FoldingHere:
    """In this process, one chunk after another."""

    def fold(self, work: Work[Part], items: Sequence[str], advance: Advance) -> Part:
        """Do so."""
        tree = Tree[Part](_merge)
        for chunk in chunks_of(items):
            tree.add(work(chunk))
            advance(len(chunk))
        found = tree.total()
        return work(()) if found is None else found


class FoldingThere:
    """By the workers of a cluster: parts stay with them until all are one."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def fold(self, work: Work[Part], items: Sequence[str], advance: Advance) -> Part:
        """Do so; only so many chunks are under way as keep the workers busy.

        Raises
        ------
        OutputError
            When the scheduler is lost, or a chunk takes its workers with it.
        """
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return self._fold(work, items, advance)
        except KilledWorker:
            raise OutputError(
                "several workers died of the same cases", "give them more memory, or less --sample"
            ) from None
        except (CancelledError, CommClosedError, OSError):
            raise OutputError(UNREACHABLE, "start it and run this again") from None

    def _fold(self, work: Work[Part], items: Sequence[str], advance: Advance) -> Part:
        client = self._client
        sent = client.scatter(work, hash=False, broadcast=True)
        tree = Tree[Any](lambda one, other: client.submit(_merge, one, other, pure=False))
        under_way, most = deque[Any](), _AHEAD * max(1, len(client.nthreads()))
        for chunk in chunks_of(items):
            if len(under_way) >= most:
                advance(under_way.popleft().result())
            part = client.submit(_work, sent, chunk, pure=False)
            # its result is small; asked for it, what went wrong with the part is raised here
            under_way.append(client.submit(_count, part, len(chunk), pure=False))
            tree.add(part)
        while under_way:
            advance(under_way.popleft().result())
        found = tree.total()
        return work(()) if found is None else found.result()


def chunks_of(items: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Give the items in parts of 250."""
    return (tuple(items[start : start + CHUNK]) for start in range(0, len(items), CHUNK))


@contextmanager
def folding(cluster: Cluster, count: int) -> Iterator[Folding]:
    """Give who puts it together.

    Parameters
    ----------
    cluster
        The workers to be started, or the scheduler; without either it is this process.
    count
        How many items there are.

    Raises
    ------
    SettingsError
        When Dask is asked for and missing.
    OutputError
        When the scheduler can't be reached.
    """
    if not cluster.workers and not cluster.is_remote:
        yield FoldingHere()
        return
    if not has_dask():
        raise SettingsError("workers need Dask, which isn't installed", install_extra("cluster"))
    with connected(cluster, 1, -(-count // CHUNK)) as client:
        client.wait_for_workers(1)
        yield FoldingThere(client)


def _work(work: Work[Part], chunk: Sequence[str]) -> Part:
    return work(chunk)


def _merge(one: Any, other: Any) -> Any:
    return one.merge(other)


def _count(part: object, count: int) -> int:
    """Return how many items a part is of, when it is there: a part itself needn't be sent for that."""
    del part
    return count
