"""Two data sets of the same classes as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.datasets.labelled import Labelled, Pictures
from reportgen.images.reader import Image
from reportgen.report.names import are_the_same
from reportgen.system.errors import ReportgenError


@dataclass(frozen=True)
class JoinedPictures:
    """The pictures of one source, then those of another.

    Attributes
    ----------
    first, second
        Any pictures.
    """

    first: Pictures
    second: Pictures

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.first) + len(self.second)

    def read(self, index: int) -> Image:
        """Return one image."""
        before = len(self.first)
        return self.first.read(index) if index < before else self.second.read(index - before)

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        """Return those of the given indices."""
        return _Chosen(self, indices)


@dataclass(frozen=True)
class _Chosen:
    """Some of the pictures of a source that can't tell its own apart."""

    whole: JoinedPictures
    chosen: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)

    def read(self, index: int) -> Image:
        return self.whole.read(int(self.chosen[index]))

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        return _Chosen(self.whole, self.chosen[indices])


def join(first: Labelled, second: Labelled) -> Labelled:
    """Put two data sets of the same classes together; columns that only one has go.

    Raises
    ------
    ReportgenError
        When the classes differ, or one has findings and the other classes.
    """
    if not are_the_same(first.class_names, second.class_names) or first.of_findings != second.of_findings:
        raise ReportgenError(
            f"classes differ: {', '.join(first.class_names)} and {', '.join(second.class_names)}",
            "only data of the same classes can be put together",
        )
    return Labelled(
        JoinedPictures(first.pictures, second.pictures),
        np.concatenate([first.labels, second.labels]),
        first.class_names,
        first.groups + second.groups,
        first.names + second.names,
        {name: values + second.columns[name] for name, values in first.columns.items() if name in second.columns},
    )
