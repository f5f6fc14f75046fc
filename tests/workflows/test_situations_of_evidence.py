"""The truth of words: in each situation a real report, and which sentences it must and must not hold.

Models are one layer whose weights are set by hand, so that what is true of each image is known: the page and the PDF
must say that, and nothing that is only true elsewhere.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from reportgen import ReportgenError, build_report
from reportgen.images.cases import Case
from reportgen.images.reader import image_from_array
from reportgen.outputs.documents.pdf import print_html, render_pdf
from reportgen.outputs.page.rendering import render_html

SIZE = (20, 30)
LEFT, RIGHT = np.s_[6:14, 4:10], np.s_[6:14, 20:26]


def model_of(weights, bias, activation="sigmoid", outputs=1):
    """A weighted sum of the pixels and a bias."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [layers.Input((*SIZE, 1)), layers.Flatten(), layers.Dense(outputs, activation=activation, name="sum")]
    )
    kernel = np.repeat(np.asarray(weights, np.float32).reshape(-1, 1), outputs, axis=1)
    model.get_layer("sum").set_weights([kernel, np.full(outputs, bias, np.float32)])
    return model


def spots(value, around=200.0):
    """Two places that are darker, or lighter, than what is around them."""
    image = np.full(SIZE, around)
    image[LEFT] = image[RIGHT] = value
    return image


def weights_of(left, right, elsewhere=0.0):
    weights = np.full(SIZE, elsewhere)
    weights[LEFT], weights[RIGHT] = left, right
    return weights


def slope():
    """Bright at the right, with a place that is brighter still."""
    image = np.tile(np.linspace(40, 120, SIZE[1]).round(), (SIZE[0], 1))
    image[LEFT] += 100
    return image


@dataclass(frozen=True)
class Situation:
    """What is looked at, and what must and must not be said of it, on the page and on paper.

    ``warns``: what the first screen and the map must say besides, and others must not; ``on_page``: what only the page
    says, since paper is short.
    """

    model: Callable[[], object]
    image: np.ndarray
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    occlusion: dict[str, object] = field(default_factory=dict)
    on_page: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


FLIPS, NO_FLIP, ALL_FLIP = "The smallest single patch that flips it", "No single patch flips it", "Every single patch"
FOUND, CHANCE, UNTESTED = (
    "The map found what the model relies on", "no better than chance; don't read it", "The map could not be tested",
)  # fmt: skip
OPPOSED, AGREE, NOTHING_SHARED = "rank the pixels the other way round", "agree (rank", "No place is among the strongest"
NOTHING_CHANGES, DECIDES, BITS = "changes nothing beyond rounding", "What decides", "bits"
WIDE = {"patch": [4, 6], "stride": [2, 3]}
SITUATIONS = {
    # a score of 1.000 wherever the patch is: evidence tells, scores don't
    "saturated score": Situation(
        lambda: model_of(weights_of(0.002, 0.0005), 20.0), spots(250.0, 60.0),
        must=("1.000", FOUND, NO_FLIP, "lowers the evidence most", "The blurred image alone still says"),
        must_not=(NOTHING_CHANGES, UNTESTED, CHANCE, FLIPS, ALL_FLIP, "Score at each position"),
        on_page=("Evidence at each position", "so a change is seen also where the score itself stays near 0 or 1"),
    ),
    "uniform image": Situation(
        lambda: model_of(weights_of(0.01, 0.01), -5.0), np.full(SIZE, 90.0),
        must=(NOTHING_CHANGES, UNTESTED, "nowhere by more than rounding", NO_FLIP),
        must_not=(
            FOUND, CHANCE, AGREE, OPPOSED, NOTHING_SHARED, "strongest fifth", "On grids of", "Strongest regions",
            "The strongest regions", "leans on", "first in the map's order", "turns the decision",
            "no share blurred", "Full colour", "full colour",
        ),
    ),
    # black takes away what is there; a blurred image, and the map's test, bring light to what is darker than its
    # surroundings: what black says raises the evidence lowers it
    "map no better than chance": Situation(
        lambda: model_of(weights_of(0.002, -0.002), 1.0), spots(100.0),
        occlusion={**WIDE, "fill": [0]},
        must=(CHANCE, "matters to the model no more than blocks chosen at random", "The fill, 0, is far from"),
        must_not=(FOUND, "found part of", UNTESTED, "Read it with caution"),
        warns=(CHANCE,),
    ),
    "fills that disagree": Situation(
        lambda: model_of(weights_of(0.002, -0.002), 1.0), spots(100.0),
        occlusion={**WIDE, "fill": ["blur", [0]]},
        must=(OPPOSED, "What is laid over the image decides what looks important", NOTHING_SHARED,
              "read no single place off this map"),
        must_not=(AGREE, "hardly agree", "Outlined: what is among", NOTHING_CHANGES),
        warns=(CHANCE, OPPOSED),
    ),
    # weighted alike, they leave a map of rounding: still, covering changes much, and there are no colours to explain
    "fills that cancel out": Situation(
        lambda: model_of(weights_of(0.002, -0.002), 1.0), spots(100.0),
        occlusion={**WIDE, "fill": ["mean", [0]]},
        must=(OPPOSED, "What is laid over the image decides what looks important", NOTHING_SHARED, UNTESTED,
              "none comes before another", "A single patch of 4 × 6 pixels can overturn the decision", FLIPS),
        must_not=(
            AGREE, "hardly agree", "Outlined: what is among", NOTHING_CHANGES, "Full colour", "full colour",
            "On grids of", FOUND, CHANCE,
            "better than chance when", "first in the map's order", "no share blurred", "No part alone carries",
            "sparseness",
        ),
        warns=(OPPOSED,),
    ),
    # a place of 8 x 6 pixels of 250; blurred, they are about 160, and a patch holds half of them
    "no patch flips": Situation(
        lambda: model_of(weights_of(0.01, 0.0), -90.0), spots(250.0, 60.0),
        occlusion={**WIDE, "fill": "blur"},
        must=(NO_FLIP, DECIDES, "of the image, the first in the map's order, flips the decision"),
        must_not=(FLIPS, ALL_FLIP, NOTHING_CHANGES),
    ),
    "all patches flip": Situation(
        lambda: model_of(np.full(SIZE, 0.001), -0.001 * slope().sum() + 0.05), slope(),
        occlusion={**WIDE, "fill": [0]},
        must=(ALL_FLIP, "the smallest has 4 x 6 pixels", DECIDES, "Blurring 0.6 % of the image overturns the decision"),
        must_not=(NO_FLIP, FLIPS, "Blurring 0 %"),
    ),
    "some patches flip": Situation(
        lambda: model_of(weights_of(0.01, 0.0), -110.0), spots(250.0, 60.0),
        occlusion={**WIDE, "fill": "blur"},
        must=(FLIPS, "positions of all patches do", DECIDES),
        must_not=(NO_FLIP, ALL_FLIP),
    ),
    "regression": Situation(
        lambda: model_of(weights_of(0.01, 0.003), 40.0, activation=None), spots(250.0, 60.0),
        must=("lowers the output", "The map found what the model relies on", "of what raises the output",
              "a number, not the score of a class"),
        must_not=(DECIDES, BITS, "flips", "the decision", "evidence", "odds", "the score for", "as labelled"),
    ),
}  # fmt: skip


def words_of(text):
    shown = re.sub(r"<(script|style|template)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def words_on_paper(report, folder):
    """Return what the PDF says, read from it where there is a reader, else what it is made of."""
    if shutil.which("pdftotext") is None:
        return words_of(print_html(report))
    path = folder / "report.pdf"
    path.write_bytes(render_pdf(report, variant="plain"))
    found = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True)
    return " ".join(found.stdout.decode().split())


def case_of(image):
    return Case(None, image_from_array(image.astype(np.uint8)), "one.png")


def build(situation):
    kind = {"head": "regression"} if situation.must[0] == "lowers the output" else {"class_names": ["calm", "odd"]}
    tables = {"preprocessing": {"mode": "none"}, "model": kind, "occlusion": {"test": True, **situation.occlusion}}
    return build_report(situation.model(), [case_of(situation.image)], tables)


@pytest.fixture(scope="module", params=SITUATIONS)
def told(request, tmp_path_factory):
    situation = SITUATIONS[request.param]
    report = build(situation)
    text = render_html(report)
    return situation, words_of(text), words_on_paper(report, tmp_path_factory.mktemp("paper")), text


def test_the_page_says_what_is_true(told):
    situation, page, _, _ = told
    assert [one for one in (*situation.must, *situation.on_page) if one not in page] == []
    assert [one for one in situation.must_not if one in page] == []


def test_the_pdf_says_what_is_true(told):
    situation, _, paper, _ = told
    assert [one for one in situation.must if one not in paper] == []
    assert [one for one in situation.must_not if one in paper] == []


def test_the_first_screen_warns_where_a_map_is_not_to_be_read(told):
    situation, _, paper, text = told
    first = words_of(text[text.index('id="summary"') : text.index('<section id="occlusion"')])
    cover = paper[: paper.index("Contents")]
    for warning in (CHANCE, OPPOSED):
        assert (warning in first) == (warning in cover) == (warning in situation.warns)
    at_the_map = words_of(text[text.index('<section id="occlusion"') : text.index('id="case1-occlusion-importance"')])
    assert [one for one in situation.warns if one not in at_the_map] == []


def test_a_single_class_is_no_class():
    """Softmax over one output is always 1: there is nothing to report, and no report."""
    with pytest.raises(ReportgenError, match="always 1, whatever the image: nothing can be read from it"):
        build_report(model_of(np.ones(SIZE), 0.0, "softmax"), [case_of(slope())])
