"""Files of an item that lie elsewhere, copied to this machine while it is worked on: each is read once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from reportgen.batch.items import WorkItem
from reportgen.batch.storage import FileState, file_state, remote_content
from reportgen.system.addresses import RemotePath, is_remote


@dataclass
class Copies:
    """The copies of one item's files; they go when the item is done."""

    _stack: ExitStack = field(repr=False)
    _kept: dict[str, str] = field(default_factory=dict)

    def state(self, path: str, limit: int, what: str = "image") -> FileState:
        """Return a file's size, time and digest; one that lies elsewhere is copied. ``what`` names it in messages.

        Raises
        ------
        ImageError
            When it is missing, empty, larger than ``limit`` bytes, or can't be read.
        """
        if not is_remote(path):
            return file_state(path, limit, what)
        state, data = remote_content(path, limit, what)
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="reportgen-")))
        copy = folder / (RemotePath.of(path).name or "image")
        copy.write_bytes(data)
        self._kept[path] = str(copy)
        return state

    def here(self, item: WorkItem) -> WorkItem:
        """Return an item whose files are those on this machine."""
        if not self._kept:
            return item
        return replace(
            item,
            cases=tuple(case.with_files(lambda path: self._kept.get(path, path)) for case in item.cases),
        )


@contextmanager
def copies() -> Iterator[Copies]:
    """Give a place for copies, which goes again."""
    with ExitStack() as stack:
        yield Copies(stack)
