"""Scores that hardly depend on the image: what a model gives that isn't fed as it was trained.

A pair of images with nearly the same scores says nothing: two normal X-rays are alike, and are meant to get the same.
So such scores are held against those of plain images and of the negatives of the same images, which a model that sees
its input tells apart by far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.predictions import Head, doubtful_scores
from reportgen.report.remark import Remark
from reportgen.system.language import say

# natural logarithms of odds: 0.50 and 0.525 differ by 0.1, as do 0.941 and 0.946; of a regression as shares of the
# largest value
NEAR, NEAR_OF_NUMBERS = 0.1, 0.01
# how much more even plain images and negatives may differ where nothing else is wrong
FAR = 3.0
_LEAST = 1e-12
Pixels = NDArray[np.generic]
Scores = NDArray[np.float64]


def score_doubts(
    head: Head, scores: Scores, images: Sequence[Pixels], scores_of: Callable[[Sequence[Pixels]], Scores]
) -> tuple[Remark, ...]:
    """Warn when scores look as if the preprocessing were wrong.

    Parameters
    ----------
    head
        Of the model.
    scores
        ``(N, classes)`` of different images.
    images
        The same, ``(H, W, C)`` each, 0 to 255.
    scores_of
        Runs more images of that size through the model.

    Returns
    -------
    tuple of Remark
        What :func:`reportgen.analysis.predictions.doubtful_scores` finds, scores that are none, or, for two or more
        images, scores that are nearly constant.
    """
    what = say("outputs") if head.is_regression else say("scores")
    # a number of 54 is no certainty
    found = tuple(one for one in doubtful_scores(scores, what) if not (head.is_regression and one.kind == "saturated"))
    found = found or _no_scores(head, scores)
    if found or len(scores) < 2 or _differences(head, scores) >= 1:
        return found
    # plain ones differ in nothing but brightness, negatives in everything else
    others = [np.full_like(images[0], value) for value in (0, 255)] + [255 - image for image in images]
    if not _differences(head, np.concatenate([scores, scores_of(others)])) < FAR:
        return ()
    spread = float(np.ptp(scores, axis=0).max())
    told = {"what": what, "count": len(scores), "spread": f"{spread:.2g}"}
    text = (
        say(
            "The {what} are nearly the same for both images (largest difference {spread}), and hardly others for their "
            "negatives, black and white.",
            **told,
        )
        if len(scores) == 2
        else say(
            "The {what} are nearly the same for all {count} images (largest difference {spread}), and hardly others "
            "for "
            "their negatives, black and white.",
            **told,
        )
    )
    meaning = say(
        "The model scarcely reacts to what is in an image. Often images are then not preprocessed as in training "
        "(--preprocess try shows what comes out each way), or the model is not trained."
    )
    return (
        Remark(
            section="predictions", kind="nearly_constant", text=text, interpretation=meaning,
            numbers={"largest_difference": spread}, warning=True,
        ),
    )  # fmt: skip


def _no_scores(head: Head, scores: Scores) -> tuple[Remark, ...]:
    """Warn of what can't be scores: said or assumed to be, but not between 0 and 1."""
    low, high = float(scores.min()), float(scores.max())
    if head.is_regression or (low > -1e-4 and high < 1 + 1e-4):
        return ()
    return (
        Remark(
            section="predictions", kind="no_scores", numbers={"lowest": low, "highest": high}, warning=True,
            text=say(
                "What was read as scores lies between {low} and {high}, not between 0 and 1.", low=f"{low:.3g}",
                high=f"{high:.3g}",
            ),
            interpretation=say(
                "The outputs are then no scores: --head logits or --head regression reads them otherwise."
            ),
        ),
    )  # fmt: skip


def _differences(head: Head, scores: Scores) -> float:
    """Return how much scores differ from image to image, where 1 is as much as counts as nearly the same."""
    if head.is_regression:
        largest = np.abs(scores).max(axis=0)
        shares = np.ptp(scores, axis=0) / np.where(largest > 0, largest, 1)
        return float(shares.max()) / NEAR_OF_NUMBERS
    known = np.clip(scores, _LEAST, 1 - _LEAST)
    return float(np.ptp(np.log(known) - np.log1p(-known), axis=0).max()) / NEAR
