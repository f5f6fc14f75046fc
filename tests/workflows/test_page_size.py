"""A page that is made to have at most so many bytes: in a defined order, and it says what was done."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.images.cases import Case
from reportgen.images.reader import image_from_array
from reportgen.outputs.page.rendering import render_html
from reportgen.outputs.page.weight import tell_weights, weigh_page
from reportgen.outputs.report_files import read_report
from reportgen.outputs.saved.integrity import flaw
from reportgen.settings.file import settings_from
from reportgen.system.errors import OutputError, SettingsError
from reportgen.workflows.page_size import FORMS, Form, fit_page, shrink
from reportgen.workflows.pipeline import build_report

SHAPE = (48, 72, 1)


@pytest.fixture(scope="module")
def report():
    """Twelve cases of noise, of which no picture compresses, and a model of six layers in three blocks."""
    keras.utils.set_random_seed(3)
    stack = [layers.Input(SHAPE)]
    for number in range(3):
        stack += [layers.Conv2D(8, 3, padding="same", name=f"c{number}"), layers.MaxPooling2D(2, name=f"p{number}")]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    draw = np.random.default_rng(5)
    cases = [
        Case(
            "NORMAL" if number % 2 else "PNEUMONIA",
            image_from_array(draw.integers(0, 256, SHAPE[:2], np.uint8)),
            f"{number}.png",
        )
        for number in range(12)
    ]
    settings = {"occlusion": {"patch": 24, "stride": 24, "fill": "mean", "test": False},
                "commentary": {"layers": {"c1": "My own words."}}}  # fmt: skip
    return build_report(model, cases, settings_from(settings))


def size(report):
    return len(render_html(report).encode())


def told(report):
    return [remark.text for remark in report.remarks if remark.kind == "page_size"]


def test_what_is_small_enough_stays_as_it_is(report):
    assert fit_page(report, size(report)) is report
    assert told(report) == []


@pytest.mark.parametrize("share", [0.95, 0.9, 0.85])
def test_the_page_is_below_its_limit_and_says_so_once(report, share):
    limit = int(size(report) * share)
    made = fit_page(report, limit)
    assert size(made) <= limit
    assert len(told(made)) == 1
    assert render_html(made).count(told(made)[0]) == 2  # in the text and in the data
    assert flaw(made) is None


def test_each_form_is_sound_and_no_larger_than_the_one_before(report, tmp_path):
    sizes = []
    for number, form in enumerate(FORMS):
        made = shrink(report, form, 10**6)
        assert flaw(made) is None
        sizes.append(size(made))
        if number:
            assert len(told(made)) <= 1
    # a sentence more may outweigh what a form saves here
    assert all(later <= earlier + 400 for earlier, later in itertools.pairwise(sizes))
    made.save_html(tmp_path / "small.html")
    assert read_report(tmp_path / "small.html").remarks == made.remarks


def test_only_as_much_is_left_out_as_is_needed(report):
    sizes = [size(shrink(report, form, 10**6)) for form in FORMS]
    changing = [place for place in range(1, len(FORMS)) if sizes[place] < min(sizes[:place])]
    place = changing[len(changing) // 2]
    made = fit_page(report, sizes[place] + 20)
    assert size(made) <= sizes[place] + 20
    larger = max(size_ for size_ in sizes if size_ > sizes[place] + 20)
    assert larger > sizes[place]
    assert made.model.shown_layers == shrink(report, FORMS[place], 10**6).model.shown_layers


def test_blocks_keep_their_last_layer_and_someones_own_words_their_layer(report):
    made = shrink(report, Form(one_a_block=True), 10**6)
    assert [name for name in made.model.shown_layers if name != "c1"] == ["p0", "p1", "p2"]
    assert "c1" in made.model.shown_layers
    assert "My own words." in render_html(made)
    assert "4 of 6 layers are shown" in told(made)[0]
    assert all(remark.layer in (None, *made.model.shown_layers) for remark in made.remarks)


def test_pictures_follow_their_layers(report):
    made = shrink(report, Form(one_a_block=True), 10**6)
    before = {picture.alt: picture.data for picture in report.pictures}
    for case in range(12):
        for place, name in enumerate(made.model.shown_layers):
            picture = made.picture(f"case{case + 1}-layer{place + 1:02d}-{name}")
            assert name in picture.alt
            assert picture.data == before[picture.alt]


def test_too_small_a_limit_is_refused_with_one_that_would_do(report):
    with pytest.raises(OutputError, match="in its smallest form, more than the") as raised:
        fit_page(report, 50_000)
    smallest = size(shrink(report, FORMS[-1], 50_000))
    advised = float(str(raised.value).split("--max-size ")[1].split("MB")[0])
    assert smallest <= advised * 1e6 <= smallest + 10_000
    assert size(fit_page(report, int(advised * 1e6))) <= advised * 1e6


@pytest.mark.parametrize(("text", "wanted"), [
    ("10MB", 10_000_000), ("1.5 mb", 1_500_000), ("200KB", 200_000), ("2GB", 2_000_000_000), ("1234", 1234), (99, 99),
])  # fmt: skip
def test_sizes_as_they_are_written(text, wanted):
    assert settings_from({"page": {"max_size": text}}).page.max_size == wanted


@pytest.mark.parametrize("text", ["", "MB", "10 MiB", "10M B", "ten", "-1MB", "1e3MB", 0, True, 1.5])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(SettingsError, match=r"max_size.*a size such as '10MB'"):
        settings_from({"page": {"max_size": text}})


def test_weights_of_sections_add_up_to_the_page(report):
    text = render_html(report)
    weights = weigh_page(text, report)
    assert sum(one.total for one in weights) == len(text.encode())
    found = {one.part: one for one in weights}
    assert list(found) == ["summary", "occlusion", "differs", "layers", "cases", "model", "reading", "methods",
                           "provenance", "frame and contents", "data", "style and script"]  # fmt: skip
    grids = [len(one.data) for one in report.pictures if "-layer" in one.name]
    assert found["layers"].pictures >= sum(grids) * 4 / 3
    assert found["data"].total > 10_000
    assert found["data"].pictures == 0
    assert tell_weights(weights)[-1].split()[:3] == ["in", "all", f"{len(text.encode()):,}"]
