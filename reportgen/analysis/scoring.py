"""Labelled images through a model, a batch at a time: only scores and digests of them stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.runs import Subject
from reportgen.datasets.labelled import Labelled, Pictures
from reportgen.datasets.prepared import iterate
from reportgen.images.reader import Image, image_from_array
from reportgen.report.names import find_name
from reportgen.report.report import is_reference
from reportgen.settings.report import PreprocessingSettings
from reportgen.system.errors import ImageError, ModelError, SettingsError
from reportgen.system.language import say

_BATCH = 32
_SHOWN_NAMES = 12


@dataclass(frozen=True)
class ScoredImages:
    """What came of each image that could be read.

    Attributes
    ----------
    places
        ``(M,)``: which of the images of the data.
    scores
        ``(M, classes)``.
    sha256
        M digests, of files or of pixels.
    nameless
        Whether each image's file may be named after a patient.
    problems
        What was wrong with images that were left out, a line each.
    """

    places: NDArray[np.int64]
    scores: NDArray[np.float64]
    sha256: tuple[str, ...]
    nameless: tuple[bool, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _NotedPictures:
    """Pictures that are noted as they are read: their digests, and what is wrong with those that may be skipped."""

    pictures: Pictures
    skip: bool
    noted: dict[int, tuple[str, bool]] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pictures)

    def read(self, index: int) -> Image:
        """Return one image; black, where it can't be read and may be skipped."""
        try:
            image = self.pictures.read(index)
        except ImageError as problem:
            if not self.skip:
                raise ImageError(problem.what, "--skip-unreadable leaves such images out") from None
            self.problems[index] = problem.what
            return image_from_array(np.zeros((4, 4), np.uint8))
        self.noted[index] = (image.sha256, image.nameless)
        return image

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        """Return those of the given indices, not noted."""
        return self.pictures.take(indices)


def score_images(
    subject: Subject, data: Labelled, settings: PreprocessingSettings, *, skip_unreadable: bool,
    done: Callable[[int], object],
) -> ScoredImages:  # fmt: skip
    """Run all images through a model; a few batches of them are in memory at a time.

    Parameters
    ----------
    subject
        The model.
    data
        N images.
    settings
        How they are brought to the model's size.
    skip_unreadable
        Whether images that can't be read are left out, instead of ending everything.
    done
        Is called with the number of images after each batch.

    Raises
    ------
    ImageError
        When one can't be read.
    ModelError
        When a score is not a number.
    """
    pictures = _NotedPictures(data.pictures, skip_unreadable)
    noted = Labelled(pictures, data.labels, data.class_names, data.groups, data.names)
    found = []
    for images in iterate(noted, subject.loaded.input_shape, settings, _BATCH):
        found.append(subject.head.scores(subject.run(subject.loaded.preprocessing(images))))
        done(len(images))
    places = np.array(sorted(pictures.noted), np.int64)
    if not len(places):
        raise ImageError(f"none of the {len(data):,} images can be read: {next(iter(pictures.problems.values()))}")
    scores = np.concatenate(found)[places]
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(broken):
        raise ModelError(
            f"{subject.loaded.name} gives scores that are not numbers for {len(broken):,} of {len(places):,} images",
            f"make a report of one, such as {data.names[places[broken[0]]]}: it tells where they arise",
        )
    digests, nameless = zip(*(pictures.noted[place] for place in places.tolist()), strict=True)
    problems = tuple(problem for _, problem in sorted(pictures.problems.items()))
    return ScoredImages(places, scores, digests, nameless, problems)


def match_labels(data: Labelled, subject: Subject) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return which of the model's classes each image shows, ``(N, K)``, and what to say about it.

    Classes are matched by their names; of a model of independent findings, a class that says that nothing was found
    stands for none of them.

    Raises
    ------
    SettingsError
        When the data has classes that the model lacks, or several findings an image where the model has one class.
    ModelError
        When the model gives numbers instead of classes.
    """
    head, name = subject.head, subject.loaded.name
    if head.is_regression:
        raise ModelError(
            f"{name} gives numbers, not classes (regression), and can't be evaluated as a classifier",
            "say with --head sigmoid, softmax or logits if its outputs are scores",
        )
    if data.of_findings and not head.thresholds:
        raise SettingsError(
            f"images of the data show several findings each, and {name} says one class of an image",
            "say --multi-label if its outputs are findings of their own",
        )
    places = [find_name(one, head.class_names) for one in data.class_names]
    unknown = [
        one
        for one, place in zip(data.class_names, places, strict=True)
        if place is None and not (head.thresholds and is_reference(one))
    ]
    if unknown:
        raise SettingsError(
            f"the data has classes that {name} hasn't: {_list(unknown)}; the model's are {_list(head.class_names)}",
            "name the model's with --class-names in the order of its outputs, or give other data",
        )
    labels = data.labels if data.of_findings else data.labels[:, None] == np.arange(len(data.class_names))
    shown = np.zeros((len(data), len(head.class_names)), bool)
    for column, place in enumerate(places):
        if place is not None:
            shown[:, place] |= labels[:, column]
    missing = [one for place, one in enumerate(head.class_names) if not shown[:, place].any()]
    return shown, ((say("No image shows {names}.", names=_list(missing, say("and {count} more"))),) if missing else ())


def _list(names: tuple[str, ...] | list[str], rest: str = "and {count} more") -> str:
    """Return names; of very many the first, and how many more there are."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" {rest.format(count=more)}" if more > 0 else "")
