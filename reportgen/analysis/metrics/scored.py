"""Labelled images with a model's scores: what every measure of a classifier is taken from."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.metrics.resampling import Floats
from reportgen.analysis.predictions import Head, positive_class
from reportgen.report.evaluation import FINDINGS, SEVERAL_CLASSES, TWO_CLASSES, EvaluatedImage
from reportgen.report.model import ModelReport


@dataclass(frozen=True)
class Scored:
    """Scores of N images for K classes, and what they show.

    Attributes
    ----------
    scores
        ``(N, K)``, finite, 0 to 1.
    shown
        ``(N, K)`` bool: which classes each image shows; one, or any number of findings.
    groups
        ``(N,)``, whose each image is: numbers from 0 of which none is missing.
    head
        How the model's scores are read.
    """

    scores: Floats
    shown: NDArray[np.bool_]
    groups: NDArray[np.int64]
    head: Head

    @property
    def task(self) -> str:
        """Two classes, several, or findings."""
        if self.head.thresholds:
            return FINDINGS
        return TWO_CLASSES if len(self.head.class_names) == 2 else SEVERAL_CLASSES

    @property
    def measured(self) -> tuple[int, ...]:
        """Numbers of the classes that are measured: the positive one of two, else all."""
        if self.task == TWO_CLASSES:
            return (positive_class(self.head.class_names),)
        return tuple(range(len(self.head.class_names)))

    @functools.cached_property
    def said(self) -> NDArray[np.bool_]:
        """``(N, K)``: which classes the model says."""
        if self.head.thresholds:
            return self.head.present(self.scores)
        chosen = np.array([self.head.predicted(row) for row in self.scores])
        return np.asarray(chosen[:, None] == np.arange(self.scores.shape[1]))

    @functools.cached_property
    def correct(self) -> NDArray[np.bool_]:
        """``(N,)``: whether what is said of an image is what it shows, in all findings."""
        return np.asarray((self.said == self.shown).all(axis=1))

    @property
    def confidence(self) -> Floats:
        """``(N,)``: the score of the class that is said."""
        return np.asarray(self.scores[self.said])

    def threshold(self, number: int) -> float:
        """Return the score from which on a class is said; NaN where the highest score decides between several."""
        if self.head.thresholds:
            return self.head.thresholds[number]
        if self.task == SEVERAL_CLASSES or (self.head.outputs > 1 and self.head.kind.startswith("sigmoid")):
            return math.nan
        threshold = self.head.threshold if self.head.single else 0.5
        return threshold if number == 1 else 1 - threshold

    def take(self, chosen: NDArray[np.bool_]) -> Scored:
        """Return some of the images, with groups numbered anew."""
        _, groups = np.unique(self.groups[chosen], return_inverse=True)
        return replace(self, scores=self.scores[chosen], shown=self.shown[chosen], groups=groups.astype(np.int64))


def head_of(model: ModelReport) -> Head:
    """Return how scores are read of a model that is known from a report only."""
    threshold = 0.5 if model.threshold is None else model.threshold
    return Head(model.head, model.class_names, threshold, model.output_shape[-1], tuple(model.thresholds))


def scored_from(images: Sequence[EvaluatedImage], head: Head) -> Scored:
    """Return the scores and labels of images of an evaluation that was saved."""
    shown = np.zeros((len(images), len(head.class_names)), bool)
    for row, image in enumerate(images):
        shown[row, list(image.labels)] = True
    _, groups = np.unique([image.group for image in images], return_inverse=True)
    scores = np.array([image.scores for image in images], np.float64)
    return Scored(scores, shown, groups.astype(np.int64), head)


def most_confident_mistakes(scored: Scored, most: int) -> list[tuple[int, float]]:
    """Return (place, confidence) of the images that the model is most sure of and wrong about, the surest first.

    Of findings an image counts by the finding that is most wrong: its score where it's said, else one minus its score.
    """
    if scored.task == FINDINGS:
        wrong = scored.said != scored.shown
        confidence = np.where(wrong, np.where(scored.said, scored.scores, 1 - scored.scores), 0).max(axis=1)
    else:
        confidence = scored.confidence
    places = np.flatnonzero(~scored.correct)
    ordered = places[np.argsort(-confidence[places], kind="stable")][:most]
    return [(int(place), float(confidence[place])) for place in ordered]
