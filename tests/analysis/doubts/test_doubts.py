"""Scores that hardly depend on the image, by models of known sensitivity; and real pairs, which are none."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from reportgen.analysis.doubts.scores import score_doubts
from reportgen.analysis.doubts.trials import doubts_under, score_images
from reportgen.analysis.predictions import Head
from reportgen.analysis.runs import make_subject
from reportgen.models.loader import BUILTIN_MODEL, load_model
from reportgen.settings.report import Settings

TWO = Head("sigmoid", ("NORMAL", "PNEUMONIA"), 0.5)


def linear(weight: float, bias: float = 2.75, *, head: Head = TWO):
    """A model whose logit is its bias and a weight times the mean brightness, 0 to 255."""

    def scores_of(images):
        mean = np.array([[image.mean(dtype=np.float64)] for image in images])
        return head.scores(1 / (1 + np.exp(-(bias + weight * mean))))

    return scores_of


def images_of(*levels: float):
    """Images of 4 x 6 pixels of these mean levels."""
    return [np.full((4, 6, 1), level, np.uint8) for level in levels]


def kinds(scores_of, images, head=TWO):
    return [remark.kind for remark in score_doubts(head, scores_of(images), images, scores_of)]


@pytest.mark.parametrize(
    ("weight", "levels", "expected"),
    [
        # 255 times too small: 2.755 and 2.773, plain images 2.75 to 2.83
        (0.08 / 255, (15, 75), ["nearly_constant"]),
        (0.08 / 255, (15, 75, 40), ["nearly_constant"]),
        # a difference of 0.09, of plain images and negatives 0.28; then of 0.32, which is too much
        (0.0011, (80, 162), ["nearly_constant"]),
        (0.00125, (100, 162), []),
        # nearly equal, but black and white are not
        (0.02, (100, 102), []),
        # the logits differ by more than 0.1
        (0.0011, (80, 172), []),
        (0.0, (15, 75), ["identical"]),
    ],
)
def test_scores_that_hardly_depend_on_the_image(weight, levels, expected):
    assert kinds(linear(weight), images_of(*levels)) == expected


def test_what_is_said_of_them():
    scores_of, images = linear(0.08 / 255), images_of(15, 75)
    (remark,) = score_doubts(TWO, scores_of(images), images, scores_of)
    assert remark.warning
    assert remark.text == (
        "The scores are nearly the same for both images (largest difference 0.001), and hardly others for their "
        "negatives, black and white."
    )
    assert "--preprocess try" in remark.interpretation
    # of logits 2.7547 and 2.7735
    assert remark.numbers["largest_difference"] == pytest.approx(0.00105, abs=1e-5)


def test_one_image_says_nothing():
    assert kinds(linear(0.08 / 255), images_of(15)) == []


def test_more_images_are_run_only_where_they_decide():
    def never(_images):
        raise AssertionError

    images = images_of(15, 200)
    assert score_doubts(TWO, linear(0.02)(images), images, never) == ()


def test_negatives_count_where_black_and_white_do_not():
    """A model that sees contrast alone, which plain images have none of."""

    def scores_of(images):
        halves = [float(image[:, :3].mean(dtype=float) - image[:, 3:].mean(dtype=float)) for image in images]
        return TWO.scores(1 / (1 + np.exp(-0.05 * np.array(halves)[:, None])))

    images = images_of(100, 100)
    images[0][:, :3], images[1][:, :3] = 150, 151
    assert kinds(scores_of, images) == []


@pytest.mark.parametrize(("kind", "outputs"), [("softmax", 3), ("sigmoid", 3), ("softmax logits", 3)])
def test_several_classes(kind, outputs):
    head = Head(kind, ("a", "b", "c"), 0.5, outputs)

    def scores_of(weight):
        def run(images):
            mean = np.array([[image.mean(dtype=float)] for image in images])
            logits = np.array([[0.5, -1.0, 2.0]]) + weight * mean * np.array([[1, -1, 0.5]])
            exponentials = np.exp(logits)
            of_kind = {
                "softmax": exponentials / exponentials.sum(axis=1, keepdims=True),
                "sigmoid": exponentials / (1 + exponentials),
                "softmax logits": logits,
            }
            return head.scores(of_kind[kind])

        return run

    images = images_of(15, 75)
    assert kinds(scores_of(0.0003), images, head) == ["nearly_constant"]
    assert kinds(scores_of(0.03), images, head) == []


def test_numbers_count_by_shares_of_themselves():
    head = Head("regression", ("age",), 0.5)

    def scores_of(weight):
        return lambda images: np.array([[50 + weight * image.mean(dtype=float)] for image in images])

    images = images_of(15, 75)
    assert kinds(scores_of(0.004), images, head) == ["nearly_constant"]  # 50.06 and 50.3; 51.02 for white
    assert kinds(scores_of(0.05), images, head) == []


@pytest.mark.parametrize("scores", [((0.5, 3.2), (0.4, 0.6)), ((-0.3, 0.5), (0.4, 0.6))])
def test_what_is_not_between_0_and_1_is_no_score(scores):
    head = Head("softmax", ("a", "b"), 0.5, 2)
    (remark,) = score_doubts(head, np.array(scores), images_of(1, 2), lambda images: np.zeros((len(images), 2)))
    assert (remark.kind, remark.warning) == ("no_scores", True)
    low, high = np.min(scores), np.max(scores)
    assert f"lies between {low:.3g} and {high:.3g}, not between 0 and 1" in remark.text


# ---- real images and the model that comes with the program


def _pairs(xrays):
    """Pairs of normal X-rays, of X-rays with pneumonia, and of one of each."""
    folder = xrays / "chest_xray_224" / "train"
    normal, ill = (sorted((folder / name).glob("*.jpeg"))[::40] for name in ("NORMAL", "PNEUMONIA"))
    return [*itertools.pairwise(normal), *itertools.pairwise(ill[:34]), *zip(normal, ill, strict=False)]


def test_two_real_images_are_not_warned_of(xrays):
    loaded = load_model(BUILTIN_MODEL)
    subject = make_subject(loaded, Settings())
    pairs = _pairs(xrays)
    assert len(pairs) >= 80
    fired = 0
    for pair in pairs:
        images = [np.asarray(Image.open(path).convert("RGB").resize((150, 150))) for path in pair]
        scores = score_images(subject, loaded.preprocessing, images)
        runs = [
            SimpleNamespace(number=at, image=one, case=SimpleNamespace(image=SimpleNamespace(sha256=str(at))))
            for at, one in enumerate(images)
        ]
        fired += bool(doubts_under(subject, loaded.preprocessing, runs, scores))
    assert fired == 0
