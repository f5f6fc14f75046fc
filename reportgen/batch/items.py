"""What a batch works on, as data: cases, and the reports to be made of them. Nothing is looked for or read here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reportgen.settings.job import CaseSettings
from reportgen.settings.values import Box


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case: its files, and what a table says of it.

    Attributes
    ----------
    image
        The file.
    place
        The same as it was given, below the folder of the table or tree: what tells cases apart.
    label
        What it is said to show; None: unknown.
    frame, mask
        As :class:`reportgen.settings.job.CaseSettings` has them; None: none.
    masks, boxes
        The same, as (name, file) and (name, boxes).
    columns
        All that the table says of it, by column.
    nameless
        Whether its file's name stays out of names: DICOM files are often named after patients.
    item
        Of a table that this program wrote: the item that it belongs to; else empty.
    """

    image: str
    place: str
    label: str | None = None
    frame: int | None = None
    mask: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    nameless: bool = False
    item: str = ""
    masks: tuple[tuple[str, str], ...] = ()
    boxes: tuple[tuple[str, tuple[Box, ...]], ...] = ()

    @property
    def settings(self) -> CaseSettings:
        """The case as a report takes it."""
        return CaseSettings(
            image=self.image, label=self.label, frame=self.frame, mask=self.mask, masks=dict(self.masks),
            boxes=dict(self.boxes),
        )  # fmt: skip

    @property
    def files(self) -> tuple[str, ...]:
        """The image, and its masks where there are some."""
        return (self.image, *([] if self.mask is None else [self.mask]), *(path for _, path in self.masks))

    def with_files(self, place: Callable[[str], str]) -> CaseRow:
        """Return the same case with its files at other places."""
        return replace(
            self, image=place(self.image), mask=None if self.mask is None else place(self.mask),
            masks=tuple((name, place(path)) for name, path in self.masks),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One report to make.

    Attributes
    ----------
    id
        Its name in files and tables: letters, digits and hyphens, unlike all others, the same in every run; it says
        nothing of DICOM files but that they are some.
    cases
        1 to 12.
    """

    id: str
    cases: tuple[CaseRow, ...]


@dataclass(frozen=True)
class Plan:
    """All items, in order.

    Attributes
    ----------
    items
        What is to be done.
    kind
        What was given, in words.
    columns
        Names of what a table says of a case.
    """

    items: tuple[WorkItem, ...]
    kind: str
    columns: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """How many cases there are in all items."""
        return sum(len(item.cases) for item in self.items)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, each once, in the order in which they come."""
        found = dict.fromkeys(case.label for item in self.items for case in item.cases)
        return tuple(label for label in found if label is not None)
