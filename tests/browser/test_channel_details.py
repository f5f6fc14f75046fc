"""What the channel viewer tells besides the picture, sorted grids, and the section of what differs, in a browser."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.outputs.page.rendering import render_html
from reportgen.settings.file import settings_from
from reportgen.workflows.pipeline import build_report

pytest.importorskip("selenium.webdriver")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("Chromium and its driver are not installed", allow_module_level=True)

from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def report(small_model, cases):
    given = {
        "model": {"class_names": ["NORMAL", "PNEUMONIA"]}, "occlusion": {"enabled": False},
        "layers": {"show": ["first", "pool", "one"]}, "preprocessing": {"mode": "scale", "factor": 1 / 255},
    }  # fmt: skip
    return build_report(small_model, list(cases), settings_from(given))


@pytest.fixture(scope="module")
def page(tmp_path_factory, report) -> Path:
    path = tmp_path_factory.mktemp("details") / "report.html"
    path.write_text(render_html(report), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page):
    """Open the page at an address; nothing may be complained of."""
    browser.get_log("browser")
    browser.set_window_size(1300, 900)

    def open_at(fragment=""):
        browser.get("about:blank")
        browser.get(page.as_uri() + fragment)
        wait(browser)
        return browser

    yield open_at
    assert browser.get_log("browser") == []


def wait(browser) -> None:
    browser.execute_async_script("setTimeout(arguments[0], 150)")


def pixels_of(browser, selector: str) -> np.ndarray:
    data = browser.execute_script(
        "return document.querySelector(arguments[0]).toDataURL('image/png').split(',')[1]", selector
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def box_in(browser, inner: str, outer: str) -> list[float]:
    """Left, top, width and height of an element as shares of another, all for the first case."""
    return browser.execute_script(
        """
        const [one, other] = [...arguments].map((query) => document.querySelector(query).getBoundingClientRect());
        return [(one.left - other.left) / other.width, (one.top - other.top) / other.height, one.width / other.width,
                one.height / other.height];""",
        inner, outer,
    )  # fmt: skip


@pytest.mark.parametrize(("layer", "channel"), [("first", 3), ("pool", 3), ("one", 0)])
def test_the_frame_is_what_the_strongest_place_sees(opened, report, layer, channel):
    browser = opened(f"#{layer}/{channel}")
    row = next(one for one in report.model.layers if one.name == layer)
    measured = next(one for one in report.cases[0].layers if one.name == layer)
    place = divmod(measured.statistics.peak[channel], measured.width)
    top, left, bottom, right = row.seen_from(place, (24, 36))
    expected = [left / 36, top / 24, (right - left) / 36, (bottom - top) / 24]
    assert box_in(browser, ".channel-case .seen", ".channel-case .over") == pytest.approx(expected, abs=0.02)
    assert pixels_of(browser, ".channel-case .part canvas").shape == (bottom - top, right - left, 3)
    top, left, height, width = row.lies_over((measured.height, measured.width))
    expected = [left / 36, top / 24, width / 36, height / 24]
    assert box_in(browser, ".channel-case .over canvas", ".channel-case .over") == pytest.approx(expected, abs=0.02)


def test_what_is_in_the_frame_is_cut_out_of_the_input(opened, report):
    browser = opened("#pool/3")
    measured = report.cases[0].layers[1]
    row, column = divmod(measured.statistics.peak[3], measured.width)
    part = pixels_of(browser, ".channel-case .part canvas").astype(int)
    picture = next(one for one in report.pictures if one.name == "case1-input")
    whole = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB")).astype(int)
    times = whole.shape[0] // 24
    small = whole.reshape(24, times, 36, times, 3).mean(axis=(1, 3))
    assert np.abs(part - small[2 * row : 2 * row + 4, 2 * column : 2 * column + 4]).mean() < 12


def test_the_bars_are_the_values_on_one_scale(opened, report):
    browser = opened("#first/3")
    paths = browser.execute_script(
        "return [...document.querySelectorAll('.histogram path')].map((path) => path.getAttribute('d'))"
    )
    heights = [[float(bar.split("v-")[1].split("h")[0]) for bar in path.split("M")[1:]] for path in paths]
    assert [len(bars) for bars in heights] == [40, 40]
    assert max(map(max, heights)) == 1
    # of both cases the same number of places: bars are roots of counts
    sums = [sum(bar**2 for bar in bars) for bars in heights]
    assert sums[0] == pytest.approx(sums[1], rel=1e-6)
    layers = [case.layers[0].statistics for case in report.cases]
    low, high = min(one.minimum[3] for one in layers), max(one.maximum[3] for one in layers)
    for bars, one in zip(heights, layers, strict=True):
        ends = np.flatnonzero(np.asarray(bars) > 0)
        assert ends[0] == pytest.approx(40 * (one.minimum[3] - low) / (high - low), abs=1)
        assert ends[-1] == pytest.approx(min(39, 40 * (one.maximum[3] - low) / (high - low)), abs=1)


def test_the_filter_of_a_first_layer(opened, report):
    browser = opened("#first/3")
    shown = "return !document.querySelector('.channel-filter').hidden"
    assert browser.execute_script(shown)
    picture = next(one for one in report.pictures if one.name == "model-filters")
    tiles, sheet = picture.tiles, np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"))
    left = 3 * (tiles.width + tiles.gap)
    assert np.array_equal(
        pixels_of(browser, ".channel-filter canvas"), sheet[: tiles.height, left : left + tiles.width]
    )
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    wait(browser)
    assert not browser.execute_script(shown)


def switch(browser, number: int) -> None:
    box = browser.find_elements("css selector", ".grid-switches input")[number]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", box)
    box.click()
    browser.execute_script("document.querySelector('a[data-place=\"0\"]').scrollIntoView({behavior: 'instant'})")
    wait(browser)


def test_grids_sorted_by_difference(opened, report):
    browser = opened()
    switch(browser, 0)
    effects = report.differences.layers[0].effects
    order = sorted(range(5), key=lambda one: -abs(effects[one]))
    assert order != list(range(5))
    picture = next(one for one in report.pictures if one.name.startswith("case1-layer01"))
    tiles, grid = picture.tiles, np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"))
    drawn = pixels_of(browser, "a[data-place='0'][data-case='0'] canvas")
    assert drawn.shape == grid.shape

    def tile(pixels, number):
        top = number // tiles.columns * (tiles.height + tiles.gap)
        left = number % tiles.columns * (tiles.width + tiles.gap)
        return pixels[top : top + tiles.height, left : left + tiles.width]

    for place, channel in enumerate(order):
        if channel not in report.cases[0].layers[0].dead_channels:  # those are transparent
            assert np.array_equal(tile(drawn, place), tile(grid, channel))
    # a tile opens its channel, and the arrows go on in this order
    link = browser.find_element("css selector", "a[data-place='0']")
    link.send_keys(Keys.ENTER)
    wait(browser)
    name = browser.find_element("css selector", ".channel-name")
    assert name.text == f"first / {order[0]}"
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    wait(browser)
    assert name.text == f"first / {order[1]}"
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(browser)
    switch(browser, 0)
    assert browser.find_elements("css selector", "a[data-place] canvas") == []


def test_grids_by_each_cases_own_range(opened, report):
    browser = opened()
    switch(browser, 1)
    layers = [case.layers[0].statistics for case in report.cases]
    alive = [one for one in range(5) if min(layer.maximum[one] for layer in layers) > 0]
    channel = max(alive, key=lambda one: abs(layers[0].maximum[one] - layers[1].maximum[one]))
    weaker = int(layers[0].maximum[channel] > layers[1].maximum[channel])
    picture = next(one for one in report.pictures if one.name.startswith(f"case{weaker + 1}-layer01"))
    tiles, grid = picture.tiles, np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"))
    top = channel // tiles.columns * (tiles.height + tiles.gap)
    left = channel % tiles.columns * (tiles.width + tiles.gap)
    part = (slice(top, top + tiles.height), slice(left, left + tiles.width))
    drawn = pixels_of(browser, f"a[data-place='0'][data-case='{weaker}'] canvas")[part]
    assert drawn[..., 1].max() > grid[part][..., 1].max()


def test_what_differs_opens_in_the_viewer_and_leads_to_its_layer_without_script(opened, page, browser, report):
    opened()
    best = report.featured.channels[0]
    link = browser.find_element("css selector", ".channel-card a")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", link)
    link.click()
    wait(browser)
    assert browser.find_element("css selector", ".channel-name").text == f"{best.layer} / {best.channel}"
    assert browser.execute_script("return location.hash") == f"#{best.layer}/{best.channel}"
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get("about:blank")
    browser.get(page.as_uri())
    targets = {
        one.get_attribute("href").partition("#")[2] for one in browser.find_elements("css selector", "#differs a")
    }
    shown = [one for one in browser.find_elements("css selector", ".grid-switches") if one.is_displayed()]
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert targets <= {"layer-1", "layer-2", "layer-3", "reading"}
    assert shown == []


@pytest.mark.parametrize("width", [320, 390])
def test_what_differs_fits_a_phone(opened, browser, width):
    opened()
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    )
    wait(browser)
    over = browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    cards = browser.execute_script(
        "return [...document.querySelectorAll('.channel-card')].map((one) => one.getBoundingClientRect().right)"
    )
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert over <= 0
    assert max(cards) <= width
