"""An evaluation in a real browser: nothing is asked for, and it fits a phone and a screen reader."""

import sys
from pathlib import Path

import pytest

from reportgen.analysis.metrics.pairing import compare
from reportgen.figures.evaluation import evaluation_pictures
from reportgen.outputs.page.evaluation_page import render_evaluation_html

sys.path.insert(0, str(Path(__file__).parents[1] / "outputs"))
import itertools

from evaluations import SCORES, make_evaluation

HOSTILE = "<script>document.title='run'</script><img src=http://example.invalid/x onerror=document.title='run'>"


@pytest.fixture(scope="module", params=["two", "several", "findings"])
def page(request, tmp_path_factory) -> Path:
    evaluation = make_evaluation(HOSTILE, kind=request.param)
    comparison = compare(evaluation, make_evaluation(HOSTILE, scores=SCORES[::-1], kind=request.param))
    path = tmp_path_factory.mktemp("page") / "evaluation.html"
    pictures = evaluation_pictures(evaluation, comparison)
    path.write_text(render_evaluation_html(evaluation, pictures, comparison), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page):
    browser.get_log("browser")
    browser.set_window_size(1300, 900)
    browser.get(page.as_uri())
    return browser


def test_nothing_runs_and_the_policy_is_kept(opened):
    assert opened.title.startswith("Title <script>")
    assert opened.get_log("browser") == []
    asked = "return performance.getEntriesByType('resource').map(e => e.name).filter(e => !e.startsWith('data:'))"
    assert opened.execute_script(asked) == []


@pytest.mark.parametrize("width", [400, 1300])
def test_nothing_sticks_out(opened, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    full = opened.execute_script("return document.documentElement.scrollWidth")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert full <= width


def test_headings_go_down_one_by_one_and_pictures_have_words(opened):
    levels = opened.execute_script("return [...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    silent = "return [...document.querySelectorAll('main img')].filter(e => !e.alt).length"
    assert opened.execute_script(silent) == 0


def test_links_lead_somewhere(opened):
    missing = """return [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href').slice(1))
      .filter(id => !document.getElementById(id))"""
    assert opened.execute_script(missing) == []
